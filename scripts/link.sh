#!/bin/sh
# SPDX-License-Identifier: GPL-3.0-or-later
# Makes the checkout findable as kronos.homelab: a relative link below .ansible, ignored by git.
set -eu
cd "$(dirname "$0")/.."
mkdir -p .ansible/collections/ansible_collections/kronos
ln -sfn ../../../.. .ansible/collections/ansible_collections/kronos/homelab

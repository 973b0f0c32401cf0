# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab: real Debian hosts in containers, and a registry of images to run on them."""

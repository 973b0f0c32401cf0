# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether Authelia would start on what is rendered for it: in the shape that its documentation fixes."""

from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.plugin_utils.authelia_shape import Configuration, Users
from ansible_collections.kronos.homelab.plugins.plugin_utils.explain import read_model
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems, path_text
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_authelia import authelia_config, authelia_users
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import Plan


def check_authelia(plan: Plan, problems: Problems) -> None:
    """Add to *problems* what Authelia would not start on: the inventory's own words for it are authelia_config."""
    if plan["settings"]["login"] != "authelia":
        return
    read_model(Configuration, authelia_config(plan), lambda path: ("authelia_config", path_text(path)), problems)
    read_model(Users, authelia_users(plan), lambda path: ("kronos_users", path_text(path[1:])), problems)

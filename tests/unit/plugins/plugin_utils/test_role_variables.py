# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the inventory says of the roles' own variables."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.collection import collection_root
from ansible_collections.kronos.homelab.plugins.plugin_utils.role_variables import (
    declared_variables,
    digest_of_variables,
)

NAMES = ("docker_daemon_settings", "docker_live_restore", "traefik_certificate_days")


def test_every_role_is_asked() -> None:
    names = declared_variables(collection_root())
    assert set(NAMES) < set(names)
    assert not {"kronos_plan", "kronos_secrets", "secrets_rotate"} & set(names)


def digest(variables: dict[str, Any]) -> str:
    def template(value: Any) -> Any:
        if value == "{{ kronos_plan.x }}":
            raise ValueError("undefined")
        return "rendered" if value == "{{ y }}" else value

    return digest_of_variables(NAMES, variables, template)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ({}, {"something_else": 1}, True),
        ({}, {"docker_live_restore": False}, False),
        ({"docker_live_restore": True}, {"docker_live_restore": False}, False),
        ({"docker_daemon_settings": {"a": 1, "b": 2}}, {"docker_daemon_settings": {"b": 2, "a": 1}}, True),
        ({"docker_daemon_settings": {"a": 1}}, {"docker_daemon_settings": {"a": 2}}, False),
        ({"traefik_certificate_days": "{{ y }}"}, {"traefik_certificate_days": "rendered"}, True),
        ({"traefik_certificate_days": "{{ kronos_plan.x }}"}, {"traefik_certificate_days": 9}, False),
    ],
)
def test_what_makes_a_difference(one: dict[str, Any], other: dict[str, Any], same: bool) -> None:
    assert (digest(one) == digest(other)) is same

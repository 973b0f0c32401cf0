# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What weakens a container needs a reason."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.hardening import (
    GIVEN,
    OWN_KEYS,
    UNSTATED,
    WEAKENING,
    is_off,
    labels_of,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError


def plan_with(planning: Any, **said: Any) -> dict[str, Any]:
    plan: dict[str, Any] = planning.plan(kronos_services={"one": {"image": "x/one:1", "read_only": True, **said}})
    return plan


@pytest.mark.parametrize("key", sorted(WEAKENING))
def test_a_weakening_key_needs_a_reason_and_is_listed(planning: Any, key: str) -> None:
    with pytest.raises(PlanError, match=f"one.compose.{key}: found compose.{key}"):
        plan_with(planning, compose={key: "x"})
    plan = plan_with(planning, compose={key: "x"}, reasons={f"compose.{key}": "it must"})
    assert plan["exceptions"] == [{"service": "one", "what": f"compose.{key}", "reason": "it must"}]
    assert plan["services"]["one"]["compose"] == {key: "x"}


@pytest.mark.parametrize("key", sorted(OWN_KEYS))
def test_derived_keys_are_refused_with_or_without_a_reason(planning: Any, key: str) -> None:
    with pytest.raises(PlanError, match="the record's own key for it"):
        plan_with(planning, compose={key: "x"}, reasons={f"compose.{key}": "it must"})


def test_no_key_is_in_both_tables() -> None:
    assert not set(OWN_KEYS) & set(WEAKENING)


@pytest.mark.parametrize("value", [None, False, [], {}, ""])
def test_what_switches_nothing_on_needs_no_reason(planning: Any, value: Any) -> None:
    assert is_off(value)
    assert plan_with(planning, compose={"privileged": value})["exceptions"] == []


@pytest.mark.parametrize("key", sorted(GIVEN))
@pytest.mark.parametrize("value", [[], {}, "", False])
def test_to_empty_what_every_container_has_needs_a_reason(planning: Any, key: str, value: Any) -> None:
    with pytest.raises(PlanError, match=f"one.compose.{key}: found compose.{key}"):
        plan_with(planning, compose={key: value})


EXCEPTIONS: list[tuple[str, dict[str, Any], list[tuple[str, str]]]] = [
    ("nothing", {}, []),
    ("a root that can be written to", {"read_only": False}, [("read_only", UNSTATED)]),
    ("the same with a reason", {"read_only": False, "reasons": {"read_only": "it must"}}, [("read_only", "it must")]),
    ("harmless capabilities", {"capabilities": ["CHOWN"]}, [("capabilities", UNSTATED)]),
    ("a reason for nothing", {"reasons": {"network": "none", "read_only": "none", "devices": "none"}}, []),
    (
        "several, by name",
        {
            "network": "host",
            "volumes": [{"host": "/etc", "target": "/b"}, {"name": "a", "target": "/a"}],
            "reasons": {"network": "first", "volumes./b": "second"},
        },
        [("network", "first"), ("volumes./b", "second")],
    ),
    (
        "a secret in the plain environment, and one in a file",
        {
            "secrets": {"a": {"plain_env": "the image"}, "b": {}},
            "environment": {"A": {"secret": "a"}, "B_FILE": {"secret": "b"}},
        },
        [("environment.A", "the image")],
    ),
]


@pytest.mark.parametrize(("said", "found"), [case[1:] for case in EXCEPTIONS], ids=[case[0] for case in EXCEPTIONS])
def test_exceptions(planning: Any, said: dict[str, Any], found: list[tuple[str, str]]) -> None:
    listed = plan_with(planning, **said)["exceptions"]
    assert [(item["what"], item["reason"]) for item in listed] == found
    assert all(item["service"] == "one" for item in listed)


def test_what_runs_elsewhere_has_no_exceptions(planning: Any) -> None:
    plan = planning.plan(kronos_services={"nas": {"external": {"url": "https://192.0.2.5"}}})
    assert plan["exceptions"] == []


def test_every_exception_of_the_catalogue_has_a_reason(planning: Any) -> None:
    stacks = sorted(planning.catalogue.stacks)
    shares = {"media": {"type": "local", "path": "/mnt/media"}}
    login = {"kronos_login": "authelia", "kronos_users": {"anna": {}}}
    plan = planning.plan(kronos_stacks=stacks, kronos_storage=shares, **login)
    assert {item["service"] for item in plan["exceptions"]} >= {"radarr", "node-exporter", "traefik"}
    assert [item for item in plan["exceptions"] if item["reason"] == UNSTATED] == []


def test_harmless_keys_pass(planning: Any) -> None:
    compose = {
        "extra_hosts": {"nas": "192.0.2.5"},
        "labels": {"com.example.a": "b"},
        "dns": ["192.0.2.1"],
        "shm_size": "128m",
    }
    assert plan_with(planning, compose=compose)["services"]["one"]["compose"] == compose


@pytest.mark.parametrize(
    ("labels", "keys"),
    [
        ({"a": 1}, ["a"]),
        (["a=1", "b"], ["a", "b"]),
        (None, []),
        ("text", None),
        ([], []),
        ([{}], None),
        ({"a": []}, None),
    ],
)
def test_labels(labels: Any, keys: list[str] | None) -> None:
    assert labels_of({"labels": labels}) == keys


def test_a_blank_reason_is_none(planning: Any) -> None:
    with pytest.raises(PlanError, match="network: host without a reason"):
        plan_with(planning, network="host", reasons={"network": "  "})

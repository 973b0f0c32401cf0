# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of a host: each part alone, all switched off, and no way in that is closed too early."""

from __future__ import annotations

import itertools
import re
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_host import CLOCKS, SETTINGS, host_parts
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_host_files import SSHD

ROOT = Path(__file__).resolve().parents[4]
ANNA = {"name": "anna", "keys": ["ssh-ed25519 AAAA anna"]}
OFF = {
    **{key: False for key, value in SETTINGS.items() if value is True},
    "ntp": "none",
}


def parts(plans: Any, keys: Any = None, **said: Any) -> dict[str, Any]:
    return host_parts(plans.plan(), {**OFF, **said}, keys)


def texts(found: dict[str, Any]) -> dict[str, str]:
    return {file["path"]: file["content"] for file in found["files"]}


def test_everything_can_be_switched_off(plans: Any) -> None:
    empty: dict[str, Any] = {key: [] for key in ("packages", "groups", "users", "files", "hooks", "units")}
    assert parts(plans) == empty


def test_the_role_has_a_variable_for_each_setting() -> None:
    written = yaml.safe_load((ROOT / "roles" / "host" / "defaults" / "main.yml").read_text())
    assert {f"host_{key}" for key in SETTINGS} <= set(written)


PARTS: dict[str, tuple[dict[str, Any], list[str], list[str], list[str]]] = {
    # settings: (packages, files, units)
    "a language to generate": (
        {"locale": "es_ES.UTF-8"},
        ["locales"],
        ["/etc/locale.gen", "/etc/locale.conf", "/etc/default/locale"],
        [],
    ),
    "a language that is built in": ({"locale": "C.UTF-8"}, [], ["/etc/locale.conf", "/etc/default/locale"], []),
    "whoever keeps the clock": ({"ntp": "detect"}, [CLOCKS], [], []),
    "a time server": (
        {"ntp": "timesyncd", "ntp_servers": ["a"]},
        ["systemd-timesyncd"],
        ["/etc/systemd/timesyncd.conf.d/90-kronos.conf"],
        [],
    ),
    "chrony": ({"ntp": "chrony", "ntp_servers": ["a"]}, ["chrony"], ["/etc/chrony/sources.d/kronos.sources"], []),
    "updates": ({"upgrades": True}, ["unattended-upgrades"], ["/etc/apt/apt.conf.d/90kronos-upgrades"], []),
    "logs": (
        {"logs": True},
        [],
        ["/etc/systemd/journald.conf.d/90-kronos.conf"],
        ["kronos-log-cleanup.service", "kronos-log-cleanup.timer"],
    ),
    "the kernel": ({"sysctl": True}, [], ["/etc/sysctl.d/90-kronos.conf"], []),
    "swap in memory": ({"swap": "zram"}, ["systemd-zram-generator"], ["/etc/systemd/zram-generator.conf"], []),
    "swap in a file": ({"swap": "file"}, [], [], ["kronos-swapfile.service", "swapfile.swap"]),
    "tools": ({"hardware_tools": True, "packages": ["tree"]}, ["tree", "smartmontools", "lm-sensors"], [], []),
    "an administrator": ({"admin": {**ANNA, "passwordless": True}}, ["sudo"], ["/etc/sudoers.d/90-kronos"], []),
}


@pytest.mark.parametrize(("said", "packages", "files", "units"), PARTS.values(), ids=PARTS.keys())
def test_each_part(plans: Any, said: dict[str, Any], packages: list[str], files: list[str], units: list[str]) -> None:
    found = parts(plans, **said)
    assert found["packages"] == packages
    assert list(texts(found)) == files
    assert [unit["name"] for unit in found["units"]] == units
    assert {path for hook in found["hooks"] for path in hook["paths"]} <= set(files)


CLOSED = {
    # (login, administrator, proven): lines that close a way in
    ("root", False, ()): [],
    ("root", False, ("root",)): ["PermitRootLogin prohibit-password", "PasswordAuthentication no"],
    ("root", True, ()): [],
    ("root", True, ("root",)): ["PermitRootLogin prohibit-password"],
    ("root", True, ("anna",)): [],
    ("root", True, ("anna", "root")): ["PermitRootLogin prohibit-password", "PasswordAuthentication no"],
    ("anna", True, ()): [],
    ("anna", True, ("anna",)): ["PermitRootLogin no", "PasswordAuthentication no"],
    ("bob", True, ("anna",)): ["PermitRootLogin no"],
    ("bob", True, ("bob",)): ["PermitRootLogin prohibit-password"],
    ("bob", False, ("bob",)): ["PermitRootLogin prohibit-password", "PasswordAuthentication no"],
}


@pytest.mark.parametrize(("login", "admin", "proven"), CLOSED, ids=str)
def test_what_is_closed(plans: Any, login: str, admin: bool, proven: tuple[str, ...]) -> None:
    keys = {"login": login, "proven": list(proven)}
    text = texts(parts(plans, keys, ssh=True, admin=ANNA if admin else {}))[SSHD]
    found = [line for line in text.splitlines() if re.match("PermitRoot|Password", line)]
    assert found == CLOSED[login, admin, proven]


def test_nobody_is_ever_locked_out(plans: Any) -> None:
    """Whoever has proven what: as whom Ansible logs in can, by password or by a key that works."""
    people = ("root", "anna", "bob")
    subsets = [combo for size in range(4) for combo in itertools.combinations(people, size)]
    for login, admin, proven in itertools.product(people, ({}, ANNA), subsets):
        text = texts(parts(plans, {"login": login, "proven": list(proven)}, ssh=True, admin=admin))[SSHD]
        by_password = "PasswordAuthentication no" not in text
        if login == "root":
            assert "PermitRootLogin no" not in text
            by_password = by_password and "PermitRootLogin prohibit-password" not in text
        assert by_password or login in proven, (login, admin, proven)


def test_without_a_word_about_keys_nothing_is_closed(plans: Any) -> None:
    assert not re.search("Root|PasswordAuth", texts(parts(plans, None, ssh=True, admin=ANNA))[SSHD])


def test_the_kernel_goes_on_forwarding(plans: Any) -> None:
    found = host_parts(plans.plan(settings={"ipv6": True}), {**OFF, "sysctl": True, "sysctl_settings": SAID})
    lines = texts(found)["/etc/sysctl.d/90-kronos.conf"].splitlines()
    for line in ("net.ipv4.ip_forward = 1", "net.ipv6.conf.all.forwarding = 1", "net.ipv6.conf.all.accept_ra = 2"):
        assert line in lines
    assert "vm.swappiness = 60" in lines
    assert not any(line.startswith("kernel.panic") for line in lines)
    assert "net.ipv4.conf.all.rp_filter = 2" in lines  # strict would drop answers that leave by another interface


SAID = {"vm.swappiness": 60, "kernel.panic": None}


def test_accounts(plans: Any) -> None:
    found = parts(plans, service_account=True, admin=ANNA)
    assert found["groups"] == [{"name": "kronos", "gid": 1000}]
    service, admin = found["users"]
    assert (service["uid"], service["group"], service["system"]) == (1000, "1000", True)
    assert (admin["name"], admin["groups"], admin["shell"]) == ("anna", ["sudo"], "/bin/bash")


def test_an_unknown_setting_is_told(plans: Any) -> None:
    with pytest.raises(RenderError, match=r"settings.timzone: unknown key; did you mean 'timezone'"):
        host_parts(plans.plan(), {"timzone": True})

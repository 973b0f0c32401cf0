# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of a host: each part alone, all switched off, and no way in that is closed too early."""

from __future__ import annotations

import itertools
import os
import re
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_host import CLOCKS, SETTINGS, host_parts
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_host_files import LEAVING, SSHD

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
    found = parts(plans)
    # What an earlier run had on must end, too.
    assert {path for hook in found.pop("hooks") for path in hook["paths"]} == set(LEAVING)
    assert found == {key: value for key, value in empty.items() if key != "hooks"}


def test_the_role_has_a_variable_for_each_setting() -> None:
    written = yaml.safe_load((ROOT / "roles" / "host" / "defaults" / "main.yml").read_text())
    assert {f"host_{key}" for key in SETTINGS} <= set(written)


PARTS: dict[str, tuple[dict[str, Any], list[str], list[str], list[str]]] = {
    # settings: (packages, files, units)
    "a language to generate": ({"locale": "es_ES.UTF-8"}, ["locales"], [], []),
    "a language that is built in": ({"locale": "C.UTF-8"}, [], [], []),
    "a time zone": ({"timezone": True}, ["tzdata"], [], []),
    "whoever keeps the clock": ({"ntp": "detect"}, [CLOCKS], [], []),
    "a time server": (
        {"ntp": "timesyncd", "ntp_servers": ["a"]},
        ["systemd-timesyncd"],
        ["/etc/systemd/timesyncd.conf.d/90-kronos.conf"],
        [],
    ),
    "a time server for whoever keeps the clock": (
        {"ntp": "detect", "ntp_servers": ["a"]},
        [CLOCKS],
        ["/etc/systemd/timesyncd.conf.d/90-kronos.conf", "/etc/chrony/sources.d/kronos.sources"],
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
    "swap in memory": (
        {"swap": "zram"},
        [],
        [],
        ["kronos-zram.service"],
    ),
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
    assert {path for hook in found["hooks"] for path in hook["paths"]} <= {*files, *LEAVING}
    assert all(hook.get("check") is None for hook in found["hooks"] if not {*hook["paths"]} & {*files})


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
    admins = ({}, ANNA, {**ANNA, "name": "root"})
    subsets = [combo for size in range(4) for combo in itertools.combinations(people, size)]
    for login, admin, proven in itertools.product(people, admins, subsets):
        text = texts(parts(plans, {"login": login, "proven": list(proven)}, ssh=True, admin=admin))[SSHD]
        by_password = "PasswordAuthentication no" not in text
        if login == "root":
            assert "PermitRootLogin no" not in text
            by_password = by_password and "PermitRootLogin prohibit-password" not in text
        assert by_password or login in proven, (login, admin, proven)
        if admin:  # the administrator gets in, too
            assert "PasswordAuthentication no" not in text or admin["name"] in proven
            assert admin["name"] != "root" or "PermitRootLogin no" not in text


def test_without_a_word_about_keys_nothing_is_closed(plans: Any) -> None:
    assert not re.search("Root|PasswordAuth", texts(parts(plans, None, ssh=True, admin=ANNA))[SSHD])


def test_the_kernel_goes_on_forwarding(plans: Any) -> None:
    found = host_parts(plans.plan(settings={"ipv6": True}), {**OFF, "sysctl": True, "sysctl_settings": SAID})
    lines = texts(found)["/etc/sysctl.d/90-kronos.conf"].splitlines()
    for line in ("net.ipv4.ip_forward = 1", "net.ipv6.conf.all.forwarding = 1", "net.ipv6.conf.e*.accept_ra = 2"):
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


TURNED = {
    "syslog.1": True,
    "syslog.12.gz": True,
    "app.old": True,
    "app.log": False,
    "mysql-bin.000123": False,  # a database's own, which it still needs
}


def test_which_logs_go(plans: Any, tmp_path: Path) -> None:
    """The very command, run for real in another folder."""
    unit = next(unit for unit in parts(plans, logs=True, log_days=30)["units"] if unit["name"].endswith(".service"))
    start = next(line for line in unit["content"].splitlines() if line.startswith("ExecStart="))
    words = start.removeprefix("ExecStart=").replace("\\\\", "\\").replace("/var/log", str(tmp_path)).split()
    for name in TURNED:
        (tmp_path / name).touch()
        os.utime(tmp_path / name, (0, 0))
    subprocess.run(words, check=True)
    assert {name: not (tmp_path / name).exists() for name in TURNED} == TURNED


@pytest.mark.parametrize(
    ("said", "says"),
    [
        ({"reboot_time": 750}, 'settings.reboot_time: 750: a quoted time is wanted, such as "04:00"'),
        ({"reboot_time": "24:00"}, "settings.reboot_time: '24:00'"),
        ({"swap_size": "2GB"}, "settings.swap_size: '2GB': a size such as 512M or 2G is wanted"),
        ({"swap_size": "512"}, "settings.swap_size"),
        ({"swap_size": "0G"}, "settings.swap_size"),
    ],
)
def test_what_its_reader_would_refuse_is_told_before(plans: Any, said: dict[str, Any], says: str) -> None:
    with pytest.raises(RenderError, match=re.escape(says)):
        host_parts(plans.plan(), said)


FORCE = {
    # what sshd says of itself: what is missing
    "x11forwarding no\nclientalivecountmax 3": "",
    "x11forwarding yes\nclientalivecountmax 3": "X11Forwarding no",
    "x11forwarding no\nclientalivecountmax 30": "ClientAliveCountMax 3",
}


@pytest.mark.parametrize(("said", "missing"), FORCE.items())
def test_what_sshd_does_not_take_is_told(plans: Any, said: str, missing: str, tmp_path: Path) -> None:
    """Run for real, with an sshd that says this of itself."""
    hook = next(hook for hook in parts(plans, ssh=True)["hooks"] if hook["paths"] == [SSHD])
    own = {"X11Forwarding no", "ClientAliveCountMax 3"}
    sshd = tmp_path / "sshd"
    sshd.write_text(f"#!/bin/sh\nprintf '{said}\\n'\n")
    sshd.chmod(0o755)
    verify = [word for word in hook["verify"] if " " not in word or "\n" in word or word in own]
    path = f"{tmp_path}:{os.environ['PATH']}"
    done = subprocess.run(verify, capture_output=True, text=True, env={**os.environ, "PATH": path}, check=False)
    assert done.returncode == bool(missing)
    assert done.stdout.startswith(f"not in force: {missing};" if missing else "")


def test_an_unknown_setting_is_told(plans: Any) -> None:
    with pytest.raises(RenderError, match=r"settings.timzone: unknown key; did you mean 'timezone'"):
        host_parts(plans.plan(), {"timzone": True})

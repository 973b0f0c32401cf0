# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How closed the containers are: what docker inspect says, and what the plan admits."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import labtest

Finding = tuple[str, str]


def plan_of(variables: Mapping[str, Any], *arguments: str) -> dict[str, Any]:
    """The plan of the scenario's host with these extra variables and arguments."""
    with tempfile.TemporaryDirectory() as folder:
        extra = Path(folder, "extra.json")
        extra.write_text(json.dumps(variables))
        command = [sys.executable, "-m", "ansible", "adhoc", labtest.HOST, "-i", str(labtest.INVENTORY)]
        command += ["-m", "kronos.homelab.plan", "-e", f"@{extra}", *arguments]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(labtest.ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(labtest.ROOT / ".ansible" / "collections"),
            "ANSIBLE_CALLBACK_RESULT_FORMAT": "json",
            "ANSIBLE_NOCOLOR": "1",
            "ANSIBLE_FORCE_COLOR": "false",  # molecule asks for colours
            "KRONOS_LAB_HOSTS": labtest.HOST,
        }
        done = subprocess.run(command, cwd=labtest.ROOT, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    return dict(json.loads(done.stdout.partition("SUCCESS => ")[2]))


def findings(name: str, document: Mapping[str, Any], plan: Mapping[str, Any], secrets: set[str]) -> Iterator[str]:
    """Every way in which a container is less closed than it could be, by the names of the plan's exceptions."""
    host, config = document["HostConfig"], document["Config"]
    yield from _namespaces(host)
    yield from _powers(host)
    yield from _bounds(host)
    if not host["ReadonlyRootfs"]:
        yield "read_only"
    for line in config["Env"]:
        variable, _equals, value = line.partition("=")
        if value in secrets:
            yield f"environment.{variable}"
    for mount in document["Mounts"]:
        if mount["Type"] != "bind" or not _is_own(mount["Source"], name, plan):
            yield f"volumes.{mount['Destination']}"


def _namespaces(host: Mapping[str, Any]) -> Iterator[str]:
    if host["NetworkMode"] == "host":
        yield "network"
    elif host["NetworkMode"].startswith("container:"):
        yield "compose.network_mode"
    for key, usual in (("PidMode", ("",)), ("IpcMode", ("private",)), ("UTSMode", ("",)), ("UsernsMode", ("",))):
        if host[key] not in usual:
            yield f"compose.{key.removesuffix('Mode').lower()}"


def _powers(host: Mapping[str, Any]) -> Iterator[str]:
    if host["Privileged"]:
        yield "compose.privileged"
    if set(host["SecurityOpt"] or ()) != {"no-new-privileges:true"}:
        yield "compose.security_opt"
    if host["CapDrop"] != ["ALL"]:
        yield "capabilities that are not dropped"
    if host["CapAdd"]:
        yield "capabilities"
    if host["Devices"]:
        yield "devices"
    for key in ("DeviceCgroupRules", "DeviceRequests", "GroupAdd", "VolumesFrom"):
        if host[key]:
            yield key


def _bounds(host: Mapping[str, Any]) -> Iterator[str]:
    if not host["Memory"] or host["OomKillDisable"]:
        yield "memory without bound"
    if not host["PidsLimit"] or host["PidsLimit"] < 0:
        yield "processes without bound"
    log = host["LogConfig"]
    if log["Type"] != "journald" and "max-size" not in (log["Config"] or {}):
        yield "a log without bound"


def _is_own(source: str, name: str, plan: Mapping[str, Any]) -> bool:
    """Tell whether a bind mount is of the service's own data, rendered files or secrets, or of a share."""
    stack = plan["services"][name]["stack"]
    own = [f"{plan['settings']['data_dir']}/{name}", *(share["path"] for share in plan["storage"].values())]
    own += [f"/opt/kronos/stacks/{stack}/{kind}/{name}" for kind in ("files", "secrets")]
    return any(source == folder or source.startswith(f"{folder}/") for folder in own)

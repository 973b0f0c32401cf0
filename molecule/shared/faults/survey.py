# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""On the host: what stands there, as one JSON object, so that a test need ask only once."""

from __future__ import annotations

import glob
import hashlib
import json
import os
import re
import subprocess
import sys

STACKS, ETC = "/opt/kronos/stacks", "/etc/kronos"
PLACES = (
    ETC,
    "/opt/kronos",
    "/var/lib/kronos",
    "/run/kronos",
    "/usr/local/lib/kronos",
    "/etc/docker",
    "/etc/systemd",
    "/run/kronos-progress",
)
LEFTOVER = re.compile(r"^(\..+\.kronos-\d+|\.new-.+)$")


def sha256(path: str) -> str:
    """Of a file's content."""
    with open(path, "rb") as stream:
        return hashlib.sha256(stream.read()).hexdigest()


def tree(root: str) -> dict[str, str]:
    """Path below *root* -> hash, of every file."""
    return {os.path.relpath(path, root): sha256(path) for path in files(root)}


def files(root: str) -> list[str]:
    """Every file below *root*."""
    return [os.path.join(folder, name) for folder, _folders, names in os.walk(root) for name in names]


def leftovers() -> list[str]:
    """What only a writer that was killed leaves."""
    return [
        os.path.join(folder, name)
        for place in PLACES
        for folder, folders, names in os.walk(place)
        for name in (*folders, *names)
        if LEFTOVER.match(name)
    ]


def containers() -> dict[str, dict[str, object]]:
    """Name -> id, state, image, restarts, environment and the secrets that it sees, hashed."""
    numbers = subprocess.run(["docker", "ps", "-aq"], capture_output=True, text=True, check=True).stdout.split()
    shown = subprocess.run(["docker", "inspect", *numbers], capture_output=True, text=True, check=True).stdout
    return {one["Name"].lstrip("/"): described(one) for one in json.loads(shown)}


def described(one: dict) -> dict[str, object]:
    """What counts of a container."""
    seen = f"/proc/{one['State']['Pid']}/root/run/secrets"
    return {
        "id": one["Id"],
        "state": one["State"]["Status"],
        "started": one["State"]["StartedAt"],
        "image": one["Config"]["Image"],
        "environment": dict(word.split("=", 1) for word in one["Config"]["Env"] or []),
        "secrets": tree(seen) if one["State"]["Pid"] else {},
    }


def generations() -> dict[str, dict[str, object]]:
    """Stack -> numbers of its generations, the live one, and those that are not whole."""
    found = {}
    for folder in sorted(glob.glob(f"{STACKS}/*/")):
        numbers = sorted(int(name) for name in os.listdir(f"{folder}generations"))
        with open(f"{folder}state.json", encoding="utf-8") as stream:
            state = json.load(stream)
        broken = [number for number in numbers if not whole(f"{folder}generations/{number}")]
        found[os.path.basename(folder.rstrip("/"))] = {
            "numbers": numbers,
            "live": state["generation"],
            "result": state["result"],
            "broken": broken,
            "twins": twins(folder, numbers, state["generation"]),
        }
    return found


def twins(folder: str, numbers: list[int], live: int) -> bool:
    """Whether the generation before the live one is the same: the way back would lead nowhere."""
    before = [number for number in numbers if number < live][-1:]
    return bool(before) and identity(f"{folder}generations/{before[0]}") == identity(f"{folder}generations/{live}")


def identity(folder: str) -> list[object]:
    """What makes a generation another one."""
    with open(f"{folder}/generation.json", encoding="utf-8") as stream:
        kept = json.load(stream)
    return [kept["digest"], kept["images"]]


def timer() -> dict[str, str]:
    """What systemd goes by, whatever the file says."""
    words = ["systemctl", "show", "kronos-certificates.timer", "--property=ActiveState,NeedDaemonReload,TimersCalendar"]
    shown = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return dict(line.split("=", 1) for line in shown.splitlines())


def whole(folder: str) -> bool:
    """Whether a generation has everything that it says it has."""
    try:
        with open(f"{folder}/generation.json", encoding="utf-8") as stream:
            kept = json.load(stream)
    except (OSError, ValueError):
        return False
    return all(os.path.isfile(os.path.join(folder, one["path"])) for one in kept["files"])


def main() -> None:
    """Print everything; the arguments are files of data to be hashed."""
    survey = {
        "data": {path: sha256(path) if os.path.exists(path) else "" for path in sys.argv[1:]},
        "secrets": tree(f"{ETC}/secrets"),
        "authority": {name: sha256(f"{ETC}/ca/{name}") for name in ("root.key", "root.crt")},
        "stacks": {path: digest for path, digest in tree(STACKS).items() if path.split("/")[1] in ("files", "secrets")},
        "containers": containers(),
        "generations": generations(),
        "journals": glob.glob(f"{STACKS}/*/journal.json"),
        "failed": glob.glob(f"{STACKS}/*/failed"),
        "timer": timer(),
        "lease": os.path.exists("/run/kronos/lease.json"),
        "leftovers": leftovers(),
    }
    print(json.dumps(survey))


if __name__ == "__main__":
    main()

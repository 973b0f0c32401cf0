# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run prints: real ansible-playbook, our callback and actions, and modules that return what they are told."""

from __future__ import annotations

import contextlib
import json
import os
import pty
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[4]
PRETEND = ROOT / "tests" / "unit" / "fakes" / "pretend_module.py"
MODULES = ("stack", "packages", "networks", "files", "secret", "internal_ca", "units", "docker_daemon")
LOCAL = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
NOWHERE = {"ansible_connection": "ssh", "ansible_host": "127.0.0.1", "ansible_port": 1}
PLAN = {
    "stack_order": ["media"],
    "stacks": {"media": {"services": ["radarr"]}},
    "external": {},
    "routes": [{"service": "radarr", "url": "https://radarr.h", "access": "lan"}],
    "cautions": [],
}


@pytest.fixture(scope="module")
def collections(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Our collection with pretended modules."""
    folder = tmp_path_factory.mktemp("collections")
    plugins = folder / "ansible_collections" / "kronos" / "homelab" / "plugins"
    (plugins / "modules").mkdir(parents=True)
    for name in ("action", "callback", "doc_fragments", "module_utils", "plugin_utils"):
        (plugins / name).symlink_to(ROOT / "plugins" / name)
    for name in MODULES:
        (plugins / "modules" / f"{name}.py").symlink_to(PRETEND)
    (plugins / "modules" / "summary.py").symlink_to(ROOT / "plugins" / "modules" / "summary.py")
    return folder


def play(
    collections: Path,
    folder: Path,
    tasks: list[dict[str, Any]],
    hosts: dict[str, Any],
    *arguments: str,
    terminal: bool = False,
) -> tuple[int, list[str]]:
    """Exit code and printed lines of a play of these tasks; on a terminal all is one stream."""
    (folder / "hosts.json").write_text(json.dumps({"all": {"hosts": hosts}}))
    one = {"name": "Converge", "hosts": "all", "gather_facts": False, "tasks": tasks}
    (folder / "play.yml").write_text(json.dumps([one]))
    settings = folder / "ansible.cfg"
    settings.write_text("")
    command = [sys.executable, "-m", "ansible", "playbook", "-i", "hosts.json", "play.yml", *arguments]
    environment = {
        **{name: value for name, value in os.environ.items() if not name.startswith("ANSIBLE_")},
        "ANSIBLE_COLLECTIONS_PATH": str(collections),
        "ANSIBLE_CONFIG": str(settings),
        "ANSIBLE_HOME": str(folder / "home"),
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_STDOUT_CALLBACK": "kronos.homelab.summary",
        "ANSIBLE_CALLBACK_RESULT_FORMAT": "yaml",
        "ANSIBLE_DEPRECATION_WARNINGS": "0",
        "TERM": "xterm",
    }
    code, out, err = (on_terminal if terminal else in_pipes)(command, folder, environment)
    text = re.sub(r", \d+(\.\d)? s(: .*)?$", r", N s\2", out, flags=re.MULTILINE)
    return code, [*text.rstrip("\n").split("\n"), *(f"stderr: {line}" for line in err.splitlines() if line.strip())]


def in_pipes(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    done = subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)
    assert "\x1b" not in done.stdout, "control codes where nobody looks at a terminal"
    return done.returncode, done.stdout, done.stderr


def on_terminal(command: list[str], folder: Path, environment: dict[str, str]) -> tuple[int, str, str]:
    ours, theirs = pty.openpty()
    with subprocess.Popen(command, cwd=folder, env=environment, stdin=theirs, stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        blocks = []
        with contextlib.suppress(OSError):  # Linux's way to say that the other end is closed
            while block := os.read(ours, 65536):
                blocks.append(block)
        os.close(ours)
    return process.returncode, b"".join(blocks).decode().replace("\r\n", "\n"), ""


def task(name: str, module: str, answer: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"name": name, f"kronos.homelab.{module}": {"name": "media", "answer": answer}, **more}


def summed_up(**check: Any) -> list[dict[str, Any]]:
    """The end of site.yml."""
    return [
        {
            "name": "Sum up",
            "kronos.homelab.summary": {},
            "vars": {"kronos_plan": {**PLAN, "host": "{{ inventory_hostname }}"}, "kronos_check": check},
        }
    ]


RADARR = {"changed": True, "actions": {"radarr": {"action": "recreated", "keys": ["image"]}}}
DIFF = [{"before_header": "a", "after_header": "a", "before": "old\n", "after": "new\n"}]
CLEAR = "\r\x1b[K"
TABLE = [
    "",
    "one",
    "service  url               access  health   this run",
    "-------  ----------------  ------  -------  -----------------",
    "radarr   https://radarr.h  lan     healthy  recreated (image)",
]


def test_one_host(collections: Path, tmp_path: Path) -> None:
    tasks = [
        task("Packages", "packages", {"changed": True, "installed": ["docker.io"]}),
        task("Quiet", "files", {"changed": False}),
        task("Media", "stack", {**RADARR, "diff": DIFF, "warnings": ["sonarr is sick"]}, register="media_result"),
        {"name": "Speak", "ansible.builtin.debug": {"msg": "a word"}},
        {"name": "Show", "ansible.builtin.debug": {"var": "kronos_list"}, "vars": {"kronos_list": ["b"]}},
        {"name": "Own", "ansible.builtin.command": "true"},
        {"name": "Each", "ansible.builtin.command": "true {{ item }}", "loop": ["x", "y"]},
        {"name": "Prove", "ansible.builtin.assert": {"that": "true"}},
        {"name": "Skip", "ansible.builtin.command": "true", "when": "false"},
        {"name": "Try", "ansible.builtin.command": "false", "ignore_errors": True},
        {"name": "Try [n]", "ansible.builtin.fail": {"msg": "no"}, "loop": [1, 2], "ignore_errors": "{{ true }}"},
        *summed_up(drifted=True, reasons=["container radarr: exited"]),
    ]
    code, lines = play(collections, tmp_path, tasks, {"one": LOCAL}, "--diff")
    assert code == 0, lines
    assert lines == [
        "package docker.io installed",
        "media: radarr recreated (image)",
        "--- before: a",
        "+++ after: a",
        "@@ -1 +1 @@",
        "-old",
        "+new",
        "",
        "a word",
        "kronos_list:",
        "- b",
        "Own: changed",
        "Each [x]: changed",
        "Each [y]: changed",
        "Try: failed and ignored: exit code 1",
        "Try [n]: failed and ignored: no",
        *TABLE,
        "Converged because: container radarr: exited",
        "one: converged, 5 changes, N s",
        "stderr: [WARNING]: sonarr is sick",
    ]


def test_check_mode_on_a_terminal(collections: Path, tmp_path: Path) -> None:
    tasks = [
        task("Packages", "packages", {"changed": True, "installed": ["docker.io"]}),
        task("Media", "stack", RADARR, register="media_result"),
        *summed_up(),
    ]
    code, lines = play(collections, tmp_path, tasks, {"one": LOCAL}, "--check", terminal=True)
    assert code == 0, lines
    assert lines[:5] == [
        f"{CLEAR}package docker.io would be installed",
        f"{CLEAR}media: radarr would be recreated (image)",
        "",
        "one (check mode: nothing was changed)",
        "service  url               access  health  this run",
    ]
    assert lines[-1] == "one: 2 changes would be made, N s"


FAILURE = {
    "failed": True,
    "service": "radarr",
    "reason": "is sick",
    "answer": "HTTP 503",
    "logs": ["a"],
    "restored": {"generation": 2, "healthy": True},
    "msg": "stack media: radarr is sick (last answer: HTTP 503). Generation 2 is back.\nLast lines of its log:\n  a",
}


def test_several_hosts_of_which_some_are_in_trouble(collections: Path, tmp_path: Path) -> None:
    tasks = [
        {"kronos.homelab.stack": {"answer": "{{ answer }}"}, "name": "Media", "register": "media_result"},
        {"name": "Each", "ansible.builtin.fail": {"msg": "no {{ item }}"}, "loop": [1, 2], "when": "each is defined"},
        *summed_up(drifted=False, reasons=[]),
    ]
    hosts = {
        "one": {**LOCAL, "answer": {**RADARR, "invocation": {"module_args": {"name": "media"}}}},
        "two": {**LOCAL, "answer": FAILURE},
        "three": {**NOWHERE, "answer": {}},
        "four": {**LOCAL, "answer": {"changed": False}},
        "five": {**LOCAL, "answer": {"changed": False}, "each": True},
    }
    code, lines = play(collections, tmp_path, tasks, hosts)
    assert code != 0
    refused = next(line for line in lines if "127.0.0.1" in line).removeprefix("three:   ")
    end = lines.index("")
    assert sorted(lines[:end]) == sorted(
        [
            "one: media: radarr recreated (image)",
            "two: FAILED: Media",
            "two:   service: radarr",
            "two:   reason:  is sick",
            "two:   answer:  HTTP 503",
            "two:   log:     a",
            "two:   now:     Generation 2 is back.",
            "two:   (task at play.yml:1)",
            "three: UNREACHABLE: Media",
            f"three:   {refused}",
            "three:   (task at play.yml:1)",
            "five: FAILED: Each [1]",
            "five:   no 1",
            "five:   (task at play.yml:1)",
            "five: FAILED: Each [2]",
            "five:   no 2",
            "five:   (task at play.yml:1)",
        ]
    )
    assert lines[end:] == [
        *TABLE,
        "five: failed: Each: no 1",
        "four: converged, no changes",
        "one: converged, 1 change",
        f"three: unreachable: {refused}",
        "two: failed: Media: radarr is sick",
        "3 of 5 hosts in trouble, N s: five, three, two",
    ]


def test_with_v_tasks_are_shown_as_ever_and_then_the_end(collections: Path, tmp_path: Path) -> None:
    tasks = [task("Media", "stack", RADARR, register="media_result"), *summed_up()]
    code, lines = play(collections, tmp_path, tasks, {"one": LOCAL}, "-v")
    assert code == 0, lines
    text = "\n".join(lines)
    for part in ("PLAY [Converge]", "TASK [Media]", "changed: [one] => ", "PLAY RECAP"):
        assert part in text
    assert text.count("service  url") == 1
    assert text.index("PLAY RECAP") < text.index("service  url")
    assert lines[-1] == "one: converged, 1 change, N s"

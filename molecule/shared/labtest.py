# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the scenarios' tests share: runs of our playbooks against the scenario's host, recorded as data."""

from __future__ import annotations

import contextlib
import functools
import http.client
import json
import os
import socket
import ssl
import subprocess
import sys
import tempfile
import time
import urllib.parse
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

import docker

Row = TypeVar("Row")

ROOT = Path(__file__).resolve().parents[2]
HOST = os.environ.get("MOLECULE_SCENARIO_NAME", "default")
INVENTORY = ROOT / "inventories" / "lab"
RECORDS = ROOT / ".lab" / "records" / HOST
# the long tables run in `make test-full`; `make test` takes a few rows of each kind
FULL = os.environ.get("KRONOS_FULL", "") not in ("", "0")


@dataclass
class Run:
    """One run of ansible-playbook: exit code, all it printed, and what its tasks returned."""

    code: int
    output: str
    tasks: list[dict[str, Any]] = field(default_factory=list)

    @property
    def changed(self) -> list[str]:
        """Names of tasks that report a change."""
        return [task["task"] for task in self.tasks if task.get("changed")]

    @property
    def files(self) -> list[str]:
        """Everything that a diff was shown for."""
        return sorted(name for task in self.tasks for name in task["files"])

    @property
    def failures(self) -> list[str]:
        """Messages of failed tasks."""
        return [str(task.get("msg", "")) for task in self.tasks if task["outcome"] != "ok"]

    def actions(self) -> dict[str, str]:
        """Service -> what happened to it; unchanged ones left out."""
        found = {}
        for task in self.tasks:
            if task["action"] != "kronos.homelab.stack":
                continue
            for service, action in (task.get("actions") or {}).items():
                if action["action"] != "unchanged":
                    found[service] = action["action"]
        return found


@dataclass
class Started:
    """A run of ansible-playbook that goes on by itself."""

    process: subprocess.Popen[bytes]
    folder: tempfile.TemporaryDirectory[str]

    def finish(self, seconds: float = 900) -> Run:
        """Wait for its end. What it leaves running (a killed one leaves its workers) is not waited for."""
        code = self.process.wait(seconds)
        folder = Path(self.folder.name)
        records = sorted(folder.glob("record/*.json"))
        tasks = json.loads(records[-1].read_text())["tasks"] if records else []
        run = Run(code, (folder / "output").read_text(errors="replace"), tasks)
        with contextlib.suppress(OSError):
            self.folder.cleanup()
        return run


def start(
    playbook: str,
    *arguments: str,
    variables: dict[str, Any] | None = None,
    inventory: Path = INVENTORY,
    environment: dict[str, str] | None = None,
) -> Started:
    """Start one of our playbooks against the scenario's host; the environment is that of the tests, and *environment*.

    *variables* are added as extra variables.
    """
    folder = tempfile.TemporaryDirectory()
    command = [sys.executable, "-m", "ansible", "playbook", str(ROOT / "playbooks" / playbook)]
    command += ["-i", str(inventory), "--limit", HOST, "--diff", *arguments]
    if variables:
        extra = Path(folder.name, "extra.json")
        extra.write_text(json.dumps(variables))
        command += ["-e", f"@{extra}"]
    settings = {
        **os.environ,
        "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
        "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".ansible" / "collections"),
        "ANSIBLE_CALLBACK_PLUGINS": str(ROOT / "molecule" / "shared" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "kronos_record,kronos_kill",
        "ANSIBLE_NOCOLOR": "1",
        "ANSIBLE_FORCE_COLOR": "0",  # molecule sets it, which would colour what tests read
        "KRONOS_LAB_HOSTS": HOST,
        "KRONOS_RECORD": str(Path(folder.name, "record")),
        **(environment or {}),
    }
    with open(Path(folder.name, "output"), "wb") as output:
        process = subprocess.Popen(command, cwd=ROOT, env=settings, stdout=output, stderr=subprocess.STDOUT)
    return Started(process, folder)


def play(playbook: str, *arguments: str, variables: dict[str, Any] | None = None, inventory: Path = INVENTORY) -> Run:
    """Run one of our playbooks against the scenario's host; *variables* are added as extra variables."""
    return start(playbook, *arguments, variables=variables, inventory=inventory).finish()


def site(*arguments: str, **variables: Any) -> Run:
    """Run site.yml with these extra variables."""
    return play("site.yml", *arguments, variables=variables)


def record(position: int) -> Run:
    """Return a run that molecule made itself: 0 for the first, -1 for the last."""
    path = sorted(RECORDS.glob("*-site.yml.json"))[position]
    return Run(0, "", json.loads(path.read_text())["tasks"])


def inspect(host: Any, names: Iterable[str] = ()) -> dict[str, dict[str, Any]]:
    """Return docker inspect of these containers on the host (all of them without names), by name."""
    wanted = " ".join(names) or "$(docker ps -aq)"
    found = json.loads(host.check_output(f"docker inspect {wanted}"))
    return {one["Name"].lstrip("/"): one for one in found}


def rows(table: Sequence[Row], few: Sequence[str], name: Callable[[Row], str]) -> list[Row]:
    """Return the rows of a long table that this run takes: all in a full run, else those whose *name* is in *few*."""
    names = [name(row) for row in table]
    assert len(set(names)) == len(names), f"names given twice: {sorted(one for one in names if names.count(one) > 1)}"
    assert set(few) <= set(names), f"no such rows: {set(few) - set(names)}"
    return [row for row in table if FULL or name(row) in few]


@functools.cache
def host_variables() -> dict[str, Any]:
    """Return what the lab's inventory says of the scenario's host."""
    command = [sys.executable, "-m", "ansible", "inventory", "-i", str(INVENTORY), "--host", HOST]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return dict(json.loads(done.stdout))


def address() -> str:
    """Return the address at which the scenario's host is reached."""
    return str(host_variables()["ansible_host"])


def write_inventory(folder: Path, variables: dict[str, Any]) -> Path:
    """Write an inventory with the scenario's host alone: how to reach it, and these variables of ours."""
    reach = {name: value for name, value in host_variables().items() if name.startswith("ansible_")}
    path = folder / "hosts.yml"
    path.write_text(json.dumps({"kronos": {"hosts": {HOST: {**reach, **variables}}}}))
    return path


@dataclass
class Answer:
    """What an HTTP request got."""

    status: int
    body: str
    headers: dict[str, str]


def fetch(
    name: str, path: str = "/", *, root: str = "", headers: dict[str, str] | None = None, method: str = "GET"
) -> Answer:
    """Ask for https://<name>.<host>.localhost<path> at the host's address; *root* is the PEM that must have signed it.

    Without *root* the certificate is not looked at. Raises OSError (ssl.SSLError among them) where there is no answer.
    """
    connection = connect(name, root=root)
    try:
        connection.request(method, path, headers=headers or {})
        answer = connection.getresponse()
        return Answer(answer.status, answer.read().decode("utf-8", "replace"), dict(answer.getheaders()))
    finally:
        connection.close()


def connect(name: str, *, root: str = "") -> http.client.HTTPSConnection:
    """Return an open connection to the host's proxy for <name>.<host>.localhost; see fetch."""
    fqdn = f"{name}.{HOST}.localhost"
    context = ssl.create_default_context(cadata=root) if root else ssl._create_unverified_context()
    connection = http.client.HTTPSConnection(fqdn, context=context, timeout=10)
    raw = socket.create_connection((address(), 443), 10)
    connection.sock = context.wrap_socket(raw, server_hostname=fqdn)
    return connection


def answers(name: str) -> bool:
    """Whether the route of this name answers well now."""
    try:
        return fetch(name).status == 200
    except OSError:
        return False


def reboot() -> None:
    """Restart the scenario's host, as a power cut would, and wait until it answers SSH again."""
    client = docker.from_env(version="auto")
    container = client.containers.get(f"kronos-lab-host-{HOST}")
    container.kill()
    container.start()
    command = [sys.executable, "-m", "ansible", "adhoc", HOST, "-i", str(INVENTORY), "-m", "ansible.builtin.ping"]
    environment = {**os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"), "KRONOS_LAB_HOSTS": HOST}
    until(
        lambda: subprocess.run(command, env=environment, cwd=ROOT, capture_output=True, check=False).returncode == 0, 90
    )


def until(condition: Callable[[], Any], seconds: float = 60, what: str = "") -> Any:
    """Return the first true value of *condition*; fails after *seconds* with the last one seen."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"not within {seconds} s: {what or condition}: {value!r}"
        time.sleep(1)


def prometheus_api(host: Any, path: str) -> Any:
    """GET /api/v1/<path> of the real Prometheus on the host; returns the answer's data."""
    address_of = (
        "$(docker inspect -f '{{range .NetworkSettings.Networks}}{{.IPAddress}} {{end}}' prometheus | cut -d' ' -f1)"
    )
    ask = 'python3 -c "import urllib.request,sys; print(urllib.request.urlopen(sys.argv[1]).read().decode())" '
    found = host.check_output(ask + f'"http://{address_of}:9090/api/v1/{path}"')
    return json.loads(found)["data"]


def prometheus(host: Any, query: str) -> list[dict[str, Any]]:
    """Ask the real Prometheus on the host; returns the samples of an instant query."""
    return list(prometheus_api(host, f"query?query={urllib.parse.quote(query)}")["result"])

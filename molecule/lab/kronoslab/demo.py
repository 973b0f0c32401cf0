# SPDX-License-Identifier: GPL-3.0-or-later
"""The demo: a lab host made by site.yml, proved by verify, and opened in a browser on this machine."""

from __future__ import annotations

import importlib.util
import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from . import hosts
from .console import LabError, run, say
from .hosts import Host
from .place import Place

HOST = "demo"
ROOT_CERTIFICATE = "/etc/kronos/ca/root.crt"  # where the collection keeps its CA on a host
COLUMNS = ("service", "url", "health", "answer", "this run")
SUMMARY = "kronos.homelab.summary"
VERIFY = "kronos.homelab.verify"
CALLBACK = "kronos.homelab.summary"


@dataclass(frozen=True)
class Ports:
    """Ports of this machine's loopback; the host listens on the same, so that every address reads alike."""

    http: int
    https: int


def choose_ports(environment: Mapping[str, str]) -> Ports:
    """8080 and 8443, or what KRONOS_DEMO_HTTP_PORT and KRONOS_DEMO_HTTPS_PORT say."""
    chosen = []
    for name, default in (("KRONOS_DEMO_HTTP_PORT", "8080"), ("KRONOS_DEMO_HTTPS_PORT", "8443")):
        text = environment.get(name) or default
        if not text.isdecimal() or not 0 < int(text) < 65536:
            raise LabError(f"{name}: not a port number: {text!r}")
        chosen.append(int(text))
    if chosen[0] == chosen[1]:
        raise LabError(f"KRONOS_DEMO_HTTP_PORT and KRONOS_DEMO_HTTPS_PORT are both {chosen[0]}")
    return Ports(*chosen)


def check_free(ports: Ports, found: Host | None) -> None:
    """A port that another program holds is named before anything is made."""
    ours = {pair.partition(":")[0] for pair in found.publish} if found and found.running else set()
    for variable, port in (("KRONOS_DEMO_HTTP_PORT", ports.http), ("KRONOS_DEMO_HTTPS_PORT", ports.https)):
        if str(port) not in ours and not _is_free(port):
            raise LabError(
                f"port {port} on 127.0.0.1 is taken; choose another: {variable}=18{port % 1000:03} make demo"
            )


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def check_tools() -> None:
    """The demo needs Ansible in this Python; `make demo` sees to that."""
    if importlib.util.find_spec("ansible") is None:
        raise LabError(f"no Ansible in {sys.executable}: run `make demo`, which makes an environment with all it needs")


def host_variables(ports: Ports) -> dict[str, Any]:
    """What the inventory says about the demo host beside its address."""
    return {"kronos_http_port": ports.http, "kronos_https_port": ports.https}


def show(place: Place, ports: Ports) -> int:
    """Run site.yml and verify.yml against the host and print what came of it; the worse exit code of both."""
    records = place.state / "records" / HOST
    shutil.rmtree(records, ignore_errors=True)
    run(["sh", str(place.repo / "scripts" / "link.sh")])
    started = time.monotonic()
    converged = _play(place, "site.yml", records)
    if converged != 0:
        say(f"\nsite.yml failed ({converged}); look around with: {_lab()} ssh {HOST}")
        return converged
    site_seconds = time.monotonic() - started
    verified = _play(place, "playbooks/verify.yml", records)
    tasks = read_records(records)
    certificate = _fetch_certificate(place)
    rows = table_rows(tasks)
    say("\n" + "\n".join(render(COLUMNS, rows)))
    say(closing_text(rows, ports, certificate, site_seconds, verified == 0))
    return verified


def _play(place: Place, playbook: str, records: Path) -> int:
    """Run a playbook with its output on the terminal, as a user would."""
    command = [sys.executable, "-m", "ansible", "playbook", playbook, "-i", "inventories/lab", "--limit", HOST]
    say(f"\n$ ansible-playbook {' '.join(command[4:])}")
    environment = {
        **os.environ,
        "ANSIBLE_CONFIG": str(place.repo / "ansible.cfg"),
        "ANSIBLE_STDOUT_CALLBACK": os.environ.get("ANSIBLE_STDOUT_CALLBACK") or CALLBACK,
        "ANSIBLE_CALLBACK_PLUGINS": str(place.repo / "molecule" / "shared" / "callback"),
        "ANSIBLE_CALLBACKS_ENABLED": "kronos_record",
        "KRONOS_LAB_HOSTS": HOST,  # the other hosts of the lab are no peers of this one
        "KRONOS_RECORD": str(records),
    }
    return subprocess.run(command, cwd=place.repo, env=environment, check=False).returncode


def read_records(folder: Path) -> list[dict[str, Any]]:
    """All tasks of the recorded runs, in order."""
    tasks: list[dict[str, Any]] = []
    for path in sorted(folder.glob("*.json")):
        tasks += json.loads(path.read_text())["tasks"]
    return tasks


def table_rows(tasks: Iterable[Mapping[str, Any]]) -> list[dict[str, str]]:
    """One row per service of the run's own summary, with what verify then found about it."""
    services: list[dict[str, str]] = []
    found: dict[tuple[str, str], str] = {}
    for task in tasks:
        if task.get("action") == SUMMARY:
            services = [dict(row) for row in task["services"]]
        if task.get("action") == VERIFY:
            for row in task.get("rows") or []:
                found[row["kind"], row["subject"]] = row["detail"] if row["ok"] else f"FAILED: {row['detail']}"
    return [{**row, **_proved(row, found)} for row in services]


def _proved(row: Mapping[str, str], found: Mapping[tuple[str, str], str]) -> dict[str, str]:
    container = found.get(("container", row["service"]), row["health"])
    proved = row["health"] == "healthy" and not container.startswith("FAILED")
    return {"health": "healthy" if proved else container, "answer": found.get(("route", row["service"]), "-")}


def render(columns: Sequence[str], rows: Iterable[Mapping[str, str]]) -> list[str]:
    """A plain table, as wide as its content."""
    cells = [list(columns), *([str(row.get(column, "-")) for column in columns] for row in rows)]
    widths = [max(len(line[index]) for line in cells) for index in range(len(columns))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(line, widths, strict=True)).rstrip() for line in cells]
    return [lines[0], "  ".join("-" * width for width in widths), *lines[1:]]


def closing_text(
    rows: Sequence[Mapping[str, str]], ports: Ports, certificate: Path | None, seconds: float, verified: bool
) -> str:
    """How to open what was made, and how to remove it."""
    address = next((row["url"].split()[0] for row in rows if row["service"] == "homer" and row["url"] != "-"), None)
    address = address or f"https://home.{HOST}.localhost:{ports.https}"
    lines = [
        "",
        f"site.yml took {seconds:.0f} s; verify from outside: {'all green' if verified else 'FAILED, see above'}.",
        f"Open      {address}",
        "          in a browser on this machine: names under .localhost lead to 127.0.0.1",
    ]
    if certificate:
        lines += [
            f"Trust     {certificate}",
            "          is the root certificate of the host's own authority; import it, or accept the warning",
            f"Try       curl --cacert {certificate} {address}",
        ]
    lines += [
        f"Look in   {_lab()} ssh {HOST}",
        "Again     make demo       (a second run changes nothing)",
        "Remove    make demo-down  (hosts, images, registry, network; the Docker engine if the lab started it)",
    ]
    return "\n".join(lines)


def _fetch_certificate(place: Place) -> Path | None:
    """Copy the host's root certificate here, for browsers and curl."""
    host = hosts.existing()[HOST]
    shown = run([*hosts.ssh_args(place, host.address), "cat", ROOT_CERTIFICATE], check=False)
    if shown.returncode != 0:
        return None
    path = place.state / f"{HOST}-root.crt"
    path.write_text(shown.stdout)
    return path


def _lab() -> str:
    return f"{os.path.relpath(sys.executable)} molecule/lab/lab.py"

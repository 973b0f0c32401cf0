# SPDX-License-Identifier: GPL-3.0-or-later
"""A Docker engine: the one that answers, or one that the lab installs, starts and later stops itself."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import time
from pathlib import Path

from .console import LabError, as_root, run, run_logged, say, step, succeeds, tail
from .place import Place

START_SECONDS = 60
CONTAINERD_PID = Path("/run/docker/containerd/containerd.pid")


def answers() -> bool:
    """Whether a Docker engine answers this user."""
    return succeeds(["docker", "info", "--format", "{{.ServerVersion}}"])


def default_mtu() -> int:
    """MTU of the way out (tunnels and cloud networks have less than 1500), for the lab's own networks."""
    routes = run(["ip", "-j", "route", "show", "default"], check=False)
    try:
        device = json.loads(routes.stdout)[0]["dev"]
        return min(1500, int(Path(f"/sys/class/net/{device}/mtu").read_text()))
    except (ValueError, LookupError, OSError):
        return 1500


def install(place: Place, packages: list[str]) -> None:
    """Install Debian packages on this machine with apt-get."""
    if not shutil.which("apt-get"):
        raise LabError(f"please install {', '.join(packages)}: this machine has no apt-get")
    log = place.logs / "apt.log"
    with step(f"installing {', '.join(packages)} on this machine"):
        env = {"DEBIAN_FRONTEND": "noninteractive"}
        command = as_root(["apt-get", "install", "-y", "--no-install-recommends", *packages])
        try:
            run_logged(command, log, env=env)
        except LabError:  # old package lists: refresh them once
            run_logged(as_root(["apt-get", "update"]), log, env=env)
            run_logged(command, log, env=env)


def ensure_tools(place: Place) -> None:
    """Install the small programs that the lab calls."""
    wanted = {
        "ssh": "openssh-client",
        "ssh-keygen": "openssh-client",
        "openssl": "openssl",
        "ip": "iproute2",
    }
    missing = sorted({package for program, package in wanted.items() if not shutil.which(program)})
    if missing:
        install(place, missing)


def ensure(place: Place) -> None:
    """Make sure that an engine answers; one that already does is never touched."""
    if answers():
        return
    _explain_denied()
    if not program("dockerd"):
        install(place, ["docker.io", "iptables"])
    if not shutil.which("docker"):  # a package of its own from Debian 13 on
        install(place, ["docker-cli"])
    if answers():  # the package started it
        _remember(place, how="systemd")
        return
    if Path("/run/systemd/system").is_dir():
        run(as_root(["systemctl", "start", "docker"]))
        _remember(place, how="systemd")
    else:
        _start_directly(place)
    if not answers():
        raise LabError("Docker was started, but does not answer `docker info`")


def program(name: str) -> str | None:
    """Path of a program, also where it is not in the path of an ordinary user."""
    return shutil.which(name) or shutil.which(name, path="/usr/sbin:/sbin:/usr/local/sbin")


def _explain_denied() -> None:
    if not shutil.which("docker"):
        return
    said = run(["docker", "info"], check=False).stderr
    if "permission denied" in said.lower():
        raise LabError("Docker runs, but refuses this user: add yourself to the group `docker`, or use root")


def _start_directly(place: Place) -> None:
    """Start dockerd detached: on a machine without an init system nothing else can."""
    if os.geteuid() != 0:
        raise LabError("no Docker engine answers; only root can start one on a machine without systemd")
    if not program("iptables"):
        install(place, ["iptables"])
    place.logs.mkdir(parents=True, exist_ok=True)
    log = place.logs / "dockerd.log"
    pidfile = place.state / "dockerd.pid"
    pidfile.unlink(missing_ok=True)
    _forget_dead_containerd()
    with step("starting a Docker engine"):
        with log.open("a") as out:
            process = subprocess.Popen(
                [
                    program("dockerd") or "dockerd",
                    f"--pidfile={pidfile}",
                    f"--mtu={default_mtu()}",
                    "--log-level=warn",
                ],
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                cwd="/",
            )
        _remember(place, how="direct", pid=process.pid)
        deadline = time.monotonic() + START_SECONDS
        while not answers():
            if process.poll() is not None or time.monotonic() > deadline:
                raise LabError(f"the Docker engine did not start; the end of {log}:\n{tail(log)}")
            time.sleep(0.3)


def _remember(place: Place, *, how: str, pid: int = 0) -> None:
    place.state.mkdir(parents=True, exist_ok=True)
    place.engine_record.write_text(json.dumps({"how": how, "pid": pid}) + "\n")


def started_by_lab(place: Place) -> dict[str, object]:
    """How this checkout's lab started the engine, or an empty dict when it did not."""
    try:
        record = json.loads(place.engine_record.read_text())
    except (OSError, ValueError):
        return {}
    return record if isinstance(record, dict) else {}


def stop(place: Place) -> None:
    """Stop the engine that the lab started; leave any other alone."""
    record = started_by_lab(place)
    if not record:
        return
    if record.get("how") == "systemd":
        run(as_root(["systemctl", "stop", "docker.socket", "docker.service"]), check=False)
    elif _runs(int(str(record.get("pid", 0))), "dockerd"):
        _terminate(int(str(record["pid"])))
    place.engine_record.unlink(missing_ok=True)
    say("   ✓ the Docker engine that the lab had started is stopped")


def _forget_dead_containerd() -> None:
    """After a kill, dockerd waits in vain for a containerd that its pid file names but that is gone or a zombie."""
    try:
        pid = int(CONTAINERD_PID.read_text())
    except (OSError, ValueError):
        return
    if not _runs(pid, "containerd"):
        CONTAINERD_PID.unlink(missing_ok=True)


def _runs(pid: int, program: str) -> bool:
    """Whether a process lives (a zombie does not) and is that program."""
    try:
        name, _bracket, rest = Path(f"/proc/{pid}/stat").read_text().partition("(")[2].rpartition(")")
    except OSError:
        return False
    return name == program and not rest.split()[0].startswith("Z")


def _terminate(pid: int) -> None:
    os.kill(pid, signal.SIGTERM)
    deadline = time.monotonic() + START_SECONDS
    while _runs(pid, "dockerd") and time.monotonic() < deadline:
        time.sleep(0.3)
    if _runs(pid, "dockerd"):
        raise LabError(f"dockerd (pid {pid}) did not stop in {START_SECONDS} s")

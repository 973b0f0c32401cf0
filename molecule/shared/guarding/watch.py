# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looking at processes while runs go on, and at what the host holds afterwards."""

from __future__ import annotations

import contextlib
import json
import os
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import labtest

LAB = labtest.ROOT / "molecule" / "lab" / "lab.py"
PAUSE = 0.05
# A process may become another program soon after it began, hardly later.
YOUNG, SELDOM = 5, 40


def remote(code: str, data: Any = None) -> Any:
    """Run Python on the host with ``data`` at hand; returns what it leaves in ``result``. No command line shows it."""
    start = "import json,sys; names=json.load(sys.stdin); exec(names['code'],names); print(json.dumps(names['result']))"
    command = [sys.executable, str(LAB), "ssh", labtest.HOST, f'python3 -c "{start}"']
    done = subprocess.run(
        command,
        input=json.dumps({"code": code, "data": data, "result": None}),
        capture_output=True,
        text=True,
        timeout=600,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def shell(command: str) -> str:
    """Return what a command prints on the host."""
    argv = [sys.executable, str(LAB), "ssh", labtest.HOST, command]
    return subprocess.run(argv, capture_output=True, text=True, timeout=600, check=True).stdout


def command_lines(ages: Counter[str]) -> Iterator[str]:
    """The command lines of the processes there are now; of one that is known for long, only now and then."""
    for pid in filter(str.isdigit, os.listdir("/proc")):
        ages[pid] += 1
        if ages[pid] <= YOUNG or ages[pid] % SELDOM == 0:
            with contextlib.suppress(OSError):
                yield Path("/proc", pid, "cmdline").read_bytes().replace(b"\0", b" ").decode("utf-8", "replace")


@contextmanager
def watched_controller() -> Iterator[set[str]]:
    """Collect the command lines of this machine's processes meanwhile."""
    seen: set[str] = set()
    over = threading.Event()

    def watch() -> None:
        ages: Counter[str] = Counter()
        while not over.wait(PAUSE):
            seen.update(command_lines(ages))

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield seen
    finally:
        over.set()
        thread.join()


WATCH = """
import collections, os, signal, time
seen, over, ages = set(), [], collections.Counter()
signal.signal(signal.SIGTERM, lambda *_: over.append(1))

def read(path):
    try:
        with open(path, "rb") as stream:
            return stream.read().replace(b"\\\\0", b" ").decode("utf-8", "replace")
    except OSError:
        return ""

while not over:
    for pid in filter(str.isdigit, os.listdir("/proc")):
        ages[pid] += 1
        if ages[pid] > 5 and ages[pid] % 40:
            continue
        folder = "/proc/" + pid
        seen.add(read(folder + "/cmdline"))
        try:
            own = os.stat(folder).st_uid
        except OSError:
            continue
        # the environment of a process can be read by its own user: root's by root alone
        if own and "docker" not in read(folder + "/cgroup"):
            seen.add(read(folder + "/environ"))
    time.sleep(0.05)
with open("/run/guard-watch/seen", "w") as stream:
    stream.write("\\\\n".join(sorted(seen)))
"""

BEGIN = f'''
import os, subprocess
os.makedirs("/run/guard-watch", mode=0o700, exist_ok=True)
with open("/run/guard-watch/watch.py", "w") as stream:
    stream.write("""{WATCH}""")
subprocess.run(["systemctl", "reset-failed", "guard-watch"], capture_output=True)
start = ["systemd-run", "--unit=guard-watch", "python3", "/run/guard-watch/watch.py"]
subprocess.run(start, check=True, capture_output=True)
'''

END = """
import shutil, subprocess
subprocess.run(["systemctl", "stop", "guard-watch"], check=True)
with open("/run/guard-watch/seen") as stream:
    result = stream.read().split("\\n")
shutil.rmtree("/run/guard-watch")
"""


@contextmanager
def watched_host() -> Iterator[set[str]]:
    """Collect the host's command lines and what its users may read of environments meanwhile; filled at the end."""
    seen: set[str] = set()
    remote(BEGIN)
    try:
        yield seen
    finally:
        seen.update(remote(END))


SEARCH = """
import os, subprocess
place = "/tmp/guard-needles"
with open(place, "w") as stream:
    stream.write("\\n".join(data["needles"]) + "\\n")
os.chmod(place, 0o644)
drop = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if data["user"] else []
find = ["find", *data["roots"], "-xdev", "-type", "f", "!", "-path", place, "-size", "-200M", "-readable", "-print0"]
listed = subprocess.run([*drop, *find], capture_output=True).stdout
grep = [*drop, "xargs", "-0", "-r", "grep", "-aFl", "-f", place, "--"]
found = subprocess.run(grep, input=listed, capture_output=True).stdout.decode("utf-8", "replace").splitlines()
os.unlink(place)
result = {"files": len(listed.split(b"\\0")) - 1, "found": sorted(found)}
"""


def files_with(needles: list[str], roots: list[str], *, user: bool) -> tuple[int, list[str]]:
    """How many files below *roots* an ordinary user (else root) can read, and which of them hold a needle."""
    answer = remote(SEARCH, {"needles": needles, "roots": roots, "user": user})
    return answer["files"], answer["found"]

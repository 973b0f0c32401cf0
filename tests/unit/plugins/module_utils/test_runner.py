# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os
import subprocess
import time

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import runner
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import HostRunner, Ran


@pytest.mark.parametrize(
    ("argv", "stdin", "ran"),
    [
        (["cat"], "häuser", Ran(0, "häuser", "")),
        (["sh", "-c", "echo wrong >&2; exit 3"], "", Ran(3, "", "wrong\n")),
        (["sh", "-c", "kill -9 $$"], "", Ran(-9, "", "")),
        (["printf", r"\377"], "", Ran(0, "�", "")),
        (["sh", "-c", "exit 124"], "", Ran(124, "", "")),
        (["true"], "nobody reads this", Ran(0, "", "")),
    ],
)
def test_how_a_program_ended(argv, stdin, ran):
    assert HostRunner()(argv, stdin) == ran
    assert not ran.endless


def test_a_program_that_is_not_there():
    with pytest.raises(KronosError, match="`no-such-program` is not installed on the host"):
        HostRunner()(["no-such-program"])


@pytest.mark.parametrize(
    ("ran", "said"),
    [
        (Ran(1, "", "x: a\n\n  x: b\n x: c\nx: d\n"), "p q: x: b / x: c / x: d"),
        (Ran(2, "told\n", ""), "p q: told"),
        (Ran(3, "", " \n"), "p q: exit code 3"),
    ],
)
def test_what_has_to_end_well_fails_in_one_line(ran, said):
    with pytest.raises(KronosError) as caught:
        runner.must(lambda argv, timeout: ran, ["p", "q"])
    assert str(caught.value) == said
    runner.must(lambda argv, timeout: Ran(0, "", "warning"), ["p", "q"])


def test_an_endless_program_goes_with_all_that_it_has_started(tmp_path):
    """As `docker compose` does: a program that runs another one, which keeps our pipe open."""
    note = tmp_path / "pid"
    ran = HostRunner()(["sh", "-c", f"sh -c 'echo $$ > {note}; sleep 600; true'; true"], timeout=1)
    assert (ran, ran.endless) == (Ran(124, "", "no end after 1 s"), True)
    inner = int(note.read_text())
    deadline = time.monotonic() + 10
    while os.path.exists(f"/proc/{inner}") and "Z" not in state_of(inner):
        assert time.monotonic() < deadline
        time.sleep(0.01)


def state_of(process):
    try:
        with open(f"/proc/{process}/stat", encoding="ascii") as stream:
            return stream.read().rpartition(")")[2].split()[0]
    except OSError:
        return "Z"


def test_nothing_is_left_when_we_are_interrupted(monkeypatch, tmp_path):
    begun = []

    def interrupted(process, *_args):
        begun.append(process)
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess.Popen, "communicate", interrupted)
    with pytest.raises(KeyboardInterrupt):
        HostRunner()(["sleep", "600"])
    assert begun[0].wait(10) == -9


def test_surroundings(monkeypatch):
    monkeypatch.setenv("COMPOSE_FILE", "/elsewhere")
    monkeypatch.setenv("DOCKER_HOST", "tcp://elsewhere")
    said = HostRunner(environment={"LC_ALL": "C.UTF-8"})(["env"]).out
    assert "LC_ALL=C.UTF-8\n" in said
    assert "elsewhere" not in said


def test_kept_descriptors_are_inherited(tmp_path):
    with (tmp_path / "lock").open("w") as lock:
        os.set_inheritable(lock.fileno(), False)
        shown = ["readlink", f"/proc/self/fd/{lock.fileno()}"]
        assert HostRunner(keep=(lock.fileno(),))(shown).out.strip() == str(tmp_path / "lock")
        assert HostRunner()(shown).code == 1


def test_a_process_that_is_gone_already_can_be_killed():
    with subprocess.Popen(["true"], start_new_session=True, text=True) as process:
        process.wait()
        runner._kill(process)

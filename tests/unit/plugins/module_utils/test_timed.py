# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Timed commits in a folder of the test: whatever happens, the old state is back or the change was confirmed."""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
import threading

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import atomic, timed, timed_script
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.module_utils.timed_script import Place
from ansible_collections.kronos.homelab.tests.unit.fakes.full_disk import FullDisk

UNDO = (["reload", "now"],)
BOOT = (["reload", "early"],)


class Killed(BaseException):
    """As if the process had died: nobody catches it."""


class Host:
    """Files to change, a place for records, and a systemd that only listens."""

    def __init__(self, root):
        self.root = root
        self.place = Place(*(str(root / name) for name in ("pending", "run", "units")))
        (root / "units" / "sysinit.target.wants").mkdir(parents=True)
        self.ran = []
        self.refuses = ()
        self.edited, self.made, self.link, self.gone = (root / name for name in ("edited", "made", "link", "gone"))
        self.edited.write_bytes(b"old \xff")
        self.edited.chmod(0o640)
        self.link.symlink_to("elsewhere")
        self.gone.write_text("was here")

    def run(self, argv, stdin="", timeout=600):
        self.ran.append(list(argv))
        if argv[:2] == ["systemctl", "enable"]:
            os.symlink(f"{self.place.units}/{argv[2]}", f"{self.place.units}/sysinit.target.wants/{argv[2]}")
        return Ran(1, "", "it says no") if list(argv) in self.refuses else Ran(0, "", "")

    def command(self, words):
        return "no" if self.run(words).code else ""

    @property
    def paths(self):
        return [str(path) for path in (self.edited, self.made, self.link, self.gone)]

    def begin(self):
        undo = timed.Undo(self.paths, UNDO, BOOT)
        return timed.begin("thing", undo, seconds=60, run=self.run, place=self.place)

    def change(self):
        self.edited.write_text("new")
        self.edited.chmod(0o600)
        self.made.write_text("new")
        self.link.unlink()
        self.link.write_text("a file now")
        self.gone.unlink()

    def is_old(self):
        mode = stat.S_IMODE(self.edited.stat().st_mode)
        linked = self.link.is_symlink() and os.readlink(self.link) == "elsewhere"
        text = (self.edited.read_bytes(), mode, self.made.exists(), self.gone.exists() and self.gone.read_text())
        return linked and text == (b"old \xff", 0o640, False, "was here")

    def script(self, *words):
        return timed_script.main(words, self.place, self.command)


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(timed, "PROGRAM", str(tmp_path / "lib" / "kronos_timed.py"))
    monkeypatch.setattr(timed, "CONFIRM", str(tmp_path / "sbin" / "kronos-confirm"))
    return Host(tmp_path)


def test_before_the_first_step_everything_that_undoes_it_stands(host):
    note = host.begin()
    assert ["systemctl", "enable", "kronos-revert-thing-boot.service"] in host.ran
    assert ["systemctl", "start", "kronos-revert-thing.timer"] in host.ran
    assert "OnActiveSec=60s" in (host.root / "units" / "kronos-revert-thing.timer").read_text()
    boot = (host.root / "units" / "kronos-revert-thing-boot.service").read_text()
    assert "Before=network-pre.target" in boot
    assert "WantedBy=sysinit.target" in boot
    assert stat.S_IMODE(os.stat(host.place.record("thing")).st_mode) == 0o600
    assert note.token not in json.dumps(timed_script.read_record(host.place, "thing"))  # it cannot be read there


def test_the_program_on_the_host_runs_alone(host):
    host.begin()
    program = (host.root / "lib" / "kronos_timed.py").read_text()
    assert "import ansible" not in program
    assert "from ansible" not in program
    compile(program, "kronos_timed.py", "exec")


@pytest.mark.parametrize(("action", "ran"), [("revert", UNDO[0]), ("boot", BOOT[0])])
def test_unconfirmed_the_old_state_comes_back(host, action, ran):
    host.begin()
    host.change()
    host.ran.clear()
    assert host.script(action, "thing") == 0
    assert host.is_old()
    assert ran in host.ran
    assert (["systemctl", "daemon-reload"] in host.ran) == (action == "revert")
    assert timed_script.pending(host.place) == []
    assert sorted(path.name for path in (host.root / "units").rglob("*")) == ["sysinit.target.wants"]


def test_confirmed_the_change_stays_and_nothing_is_left(host):
    note = host.begin()
    host.change()
    assert host.script("confirm", "thing", "--token", note.token) == 0
    assert host.edited.read_text() == "new"
    host.ran.clear()
    assert host.script("revert", "thing") == host.script("boot", "thing") == 0
    assert host.ran == []
    assert host.edited.read_text() == "new"
    assert host.script("confirm", "thing", "--token", note.token) == 0  # an answer that got lost may be asked again


def test_only_the_token_of_this_very_change_confirms(host):
    first = host.begin()
    assert host.script("revert", "thing") == 0
    assert host.script("confirm", "thing", "--token", first.token) == timed_script.PUT_BACK
    second = host.begin()
    assert host.script("confirm", "thing", "--token", first.token) == timed_script.STRANGER
    assert timed_script.pending(host.place) == ["thing"]
    assert host.script("confirm", "thing", "--token", second.token) == 0


def test_a_person_at_the_host_confirms_all_that_waits(host, capsys):
    host.begin()
    assert host.script("confirm") == 0
    assert "thing: confirmed" in capsys.readouterr().out
    assert host.script("confirm") == 0
    assert "nothing waits" in capsys.readouterr().out


def test_a_command_that_fails_is_tried_again(host):
    host.begin()
    host.change()
    host.refuses = (UNDO[0],)
    assert host.script("revert", "thing") == 1
    assert host.is_old()  # all files are back nevertheless
    assert timed_script.pending(host.place) == ["thing"]
    host.refuses = ()
    assert host.script("revert", "thing") == 0
    assert timed_script.pending(host.place) == []


def test_work_that_fails_is_undone_at_once(host):
    undo = timed.Undo(host.paths, UNDO)

    def work():
        with timed.change("thing", undo, seconds=60, run=host.run, place=host.place):
            host.change()
            raise KronosError("half way")

    with pytest.raises(KronosError, match="half way"):
        work()
    assert host.is_old()
    assert timed_script.pending(host.place) == []


def test_the_time_to_confirm_begins_when_the_work_is_done(host, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(timed.time, "monotonic", lambda: now[0])
    with timed.change("thing", timed.Undo(host.paths, UNDO), seconds=60, run=host.run, place=host.place) as note:
        host.change()
        host.ran.clear()
        now[0] += 500
    assert note.request() == {"what": "thing", "token": note.token, "seconds": 60}
    # who waits for the end of the work in order to undo it is sent away; after that nobody new may come
    assert host.ran == [
        ["systemctl", "restart", "kronos-revert-thing.timer"],
        ["systemctl", "stop", "kronos-revert-thing.service"],
    ]
    assert host.edited.read_text() == "new"
    assert host.script("confirm", "thing", "--token", note.token) == 0


def test_nothing_is_put_back_in_the_middle_of_the_work(host, monkeypatch):
    monkeypatch.setattr(timed_script, "LOCK_SECONDS", 60)
    done = threading.Event()

    def put_back():
        host.script("revert", "thing")
        done.set()

    with timed.change("thing", timed.Undo(host.paths, UNDO), seconds=60, run=host.run, place=host.place):
        host.change()
        other = threading.Thread(target=put_back)
        other.start()
        assert not done.wait(0.5)
        assert host.edited.read_text() == "new"
    other.join()
    assert host.is_old()


def test_work_that_hangs_is_undone_all_the_same(host, monkeypatch):
    monkeypatch.setattr(timed_script, "LOCK_SECONDS", 0.3)

    def work():
        with timed.change("thing", timed.Undo(host.paths, UNDO), seconds=60, run=host.run, place=host.place):
            host.change()
            assert host.script("revert", "thing") == 0
            assert host.is_old()

    with pytest.raises(KronosError, match="took so long that the old state was put back meanwhile"):
        work()
    assert host.is_old()


def test_a_time_that_cannot_begin_anew_undoes_the_change(host):
    host.refuses = (["systemctl", "restart", "kronos-revert-thing.timer"],)

    def work():
        with timed.change("thing", timed.Undo(host.paths, UNDO), seconds=60, run=host.run, place=host.place):
            host.change()

    with pytest.raises(KronosError, match="it says no"):
        work()
    assert host.is_old()


def test_what_cannot_be_armed_is_not_begun(host):
    host.refuses = (["systemctl", "start", "kronos-revert-thing.timer"],)
    with pytest.raises(KronosError, match=r"it says no\. Nothing was changed"):
        host.begin()
    assert timed_script.pending(host.place) == []


def test_a_directory_is_refused_before_anything_stands(host):
    with pytest.raises(ValueError, match="neither a file nor a link"):
        timed.begin("thing", timed.Undo([str(host.root)]), seconds=60, run=host.run, place=host.place)
    assert timed_script.pending(host.place) == []


def test_the_next_run_counts_the_change_as_never_made(host):
    host.begin()
    host.change()
    before = timed.unconfirmed("thing", place=host.place)
    assert before[str(host.edited)] == b"old \xff"
    assert before[str(host.made)] is None
    with pytest.raises(KronosError, match="waits to be confirmed"):
        host.begin()
    assert timed.settle(host.run, place=host.place) == ["thing"]
    assert host.is_old()
    assert timed.settle(host.run, place=host.place) == []
    assert timed.unconfirmed("thing", place=host.place) == {}


def test_no_change_is_made_on_top_of_another_that_was_never_confirmed(host):
    """It might be confirmed over a way that the other one made, and that goes with it."""
    way = host.root / "way"
    timed.begin("another", timed.Undo([str(way)]), seconds=60, run=host.run, place=host.place)
    way.write_text("new")
    host.begin()
    host.change()
    assert timed.settle(host.run, place=host.place) == ["another", "thing"]
    assert (way.exists(), host.is_old()) == (False, True)
    assert timed_script.pending(host.place) == []


@contextlib.contextmanager
def dying(host, monkeypatch, fatal):
    """Within, the *fatal*-th system call that leaves a trace is the last; tells whether it came to that."""
    made = []

    def counted(real):
        def call(*arguments, **named):
            made.append(real)
            if len(made) == fatal:
                raise Killed
            return real(*arguments, **named)

        return call

    with monkeypatch.context() as patch:
        for name in ("replace", "unlink", "symlink"):
            patch.setattr(os, name, counted(getattr(os, name)))
        patch.setattr(host, "run", counted(host.run))
        died = []
        try:
            yield died
        except Killed:
            died.append(fatal)


@pytest.mark.parametrize("fatal", range(1, 20))
@pytest.mark.parametrize("action", ["revert", "boot"])
def test_killed_anywhere_while_putting_back_the_next_try_ends_it(host, monkeypatch, fatal, action):
    host.begin()
    host.change()
    with dying(host, monkeypatch, fatal) as died:
        host.script(action, "thing")
    assert died or fatal > 10
    host.script("boot", "thing")
    assert host.is_old()
    assert timed_script.pending(host.place) == []


@pytest.mark.parametrize("fatal", range(1, 13))
def test_killed_anywhere_while_beginning_nothing_is_lost(host, monkeypatch, fatal):
    with dying(host, monkeypatch, fatal) as died:
        host.begin()
    assert died or fatal > 8
    assert host.is_old()
    assert died or timed_script.pending(host.place) == ["thing"]
    timed.settle(host.run, place=host.place)
    assert host.is_old()
    host.begin()  # and the way is free


def write(path, text):
    atomic.write_file(str(path), text.encode(), mode=0o600, uid=os.geteuid(), gid=os.getegid())


@pytest.fixture
def full(host, monkeypatch):
    """``full(room)``: from now on, only so many blocks are left."""

    def fill(room):
        disk = FullDisk(host.root, room)
        monkeypatch.setattr(os, "fsync", disk)
        return disk

    return fill


# blocks for the record, the units, and what the change makes anew
@pytest.mark.parametrize("room", range(14))
def test_a_disk_that_fills_up_anywhere_leaves_the_old_state(host, full, room):
    host.edited.write_bytes(b"old" * 2000)
    timed.install_program()
    before, disk = host.edited.read_bytes(), full(room)
    others = [host.root / f"other{number}" for number in range(3)]
    undo = timed.Undo([*host.paths, *map(str, others)], UNDO)
    with contextlib.suppress(OSError), timed.change("thing", undo, seconds=60, run=host.run, place=host.place) as note:
        for path in (*others, host.edited, host.made):
            write(path, "new")
    assert disk.strays() == []
    if disk.refused:
        assert timed_script.pending(host.place) == []
        assert (host.edited.read_bytes(), host.made.exists()) == (before, False)
        assert not any(path.exists() for path in others)
        assert not [path for path in (host.root / "units").rglob("*") if path.is_file()]
    else:
        full(0)
        assert host.script("confirm", "thing", "--token", note.token) == 0
        assert host.edited.read_text() == "new"
        assert host.script("confirm", "thing", "--token", note.token) == 0
    assert bool(disk.refused) == (room < 10)


def test_who_is_held_up_by_what_cannot_be_put_back_is_told_the_way_out(host):
    host.begin()
    host.change()
    host.refuses = (UNDO[0],)
    with pytest.raises(
        KronosError, match=r"put back wholly: reload now: it says no\. `kronos-confirm thing` on the host"
    ):
        timed.settle(host.run, place=host.place)
    assert host.script("confirm", "thing") == 0
    assert timed.settle(host.run, place=host.place) == []
    assert host.is_old()


def test_what_could_not_be_put_back_either_is_told_too(host, monkeypatch):
    def refuse(*_words):
        raise OSError(errno.EROFS, "Read-only file system", "/var/lib/x")

    def work():
        with timed.change("thing", timed.Undo(host.paths, UNDO), seconds=60, run=host.run, place=host.place):
            monkeypatch.setattr(timed_script, "end", refuse)
            raise OSError(errno.ENOSPC, "No space left on device", "/etc/x")

    with pytest.raises(KronosError) as caught:
        work()
    first, second = str(caught.value).split("; then ")
    assert first.startswith("/etc/x: no space is left on the file system")
    assert second.startswith("/var/lib/x: the file system is read-only")


def test_what_cannot_be_put_back_at_boot_is_tried_again_once_the_host_is_up(host):
    host.begin()
    boot = (host.root / "units" / "kronos-revert-thing-boot.service").read_text()
    assert "OnFailure=kronos-revert-thing.service" in boot
    assert "Restart=on-failure" in (host.root / "units" / "kronos-revert-thing.service").read_text()
    host.change()
    host.refuses = (BOOT[0],)
    assert host.script("boot", "thing") == 1
    assert timed_script.pending(host.place) == ["thing"]
    host.ran.clear()
    assert host.script("revert", "thing") == 0
    assert UNDO[0] in host.ran
    assert host.is_old()


@pytest.mark.parametrize("action", ["confirm", "revert", "boot", "status"])
def test_what_the_disk_refuses_is_one_line(host, monkeypatch, capsys, action):
    def refuse(path, *_more):
        raise PermissionError(errno.EACCES, "Permission denied", path)

    host.begin()
    monkeypatch.setattr(timed_script, "read_record", lambda place, what: refuse(place.record(what)))
    assert host.script(action, "thing") == 1
    assert capsys.readouterr().err == f"{host.place.record('thing')}: Permission denied\n"
    monkeypatch.setattr(os, "listdir", refuse)
    assert host.script(action) == 1
    assert capsys.readouterr().err == f"{host.place.pending}: Permission denied\n"


def test_what_is_as_it_was_is_not_written_again(host, full):
    host.begin()
    host.made.write_text("new")
    inode, disk = host.edited.stat().st_ino, full(0)
    assert host.script("revert", "thing") == 0
    assert host.is_old()
    assert host.edited.stat().st_ino == inode
    assert (timed_script.pending(host.place), disk.strays()) == ([], [])


def test_without_room_to_put_a_file_back_all_else_is_back_and_it_is_tried_again(host, full, capsys):
    host.edited.write_bytes(b"old" * 4000)
    host.begin()
    host.change()
    host.made.unlink()
    disk = full(0)
    for _again in range(3):
        assert host.script("revert", "thing") == 1
        assert capsys.readouterr().err == f"thing: {host.edited}: No space left on device\n"
        assert (host.edited.read_text(), disk.strays()) == ("new", [])
        assert host.link.is_symlink()
        assert timed_script.pending(host.place) == ["thing"]
    full(9)
    assert host.script("revert", "thing") == 0
    assert host.edited.read_bytes() == b"old" * 4000


def test_what_was_made_goes_first_and_gives_its_room(host, full):
    host.edited.write_bytes(b"old" * 4000)
    host.begin()
    host.change()
    host.made.write_text("new" * 4000)
    full(0)
    assert host.script("revert", "thing") == 0
    assert host.edited.read_bytes() == b"old" * 4000
    assert not host.made.exists()


def test_how_an_earlier_change_ended_is_not_told_of_this_one(host, full, capsys):
    assert host.script("confirm", "thing", "--token", host.begin().token) == 0
    token = host.begin().token
    full(-100)
    assert host.script("confirm", "thing", "--token", token) == 0
    capsys.readouterr()
    host.script("status", "thing")
    assert capsys.readouterr().out == "thing: nothing waits\n"


def test_the_controller_is_told_how_much_time_is_left():
    note = timed.Note("thing", "t", seconds=60, begun=100.0)
    assert note.request(now=112.5) == {"what": "thing", "token": "t", "seconds": 47}
    assert note.request(now=500.0)["seconds"] == 0

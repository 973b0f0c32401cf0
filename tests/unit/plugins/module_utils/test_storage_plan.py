# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares on a host that is played: what is done, what is refused, and that a second run has nothing to do."""

from __future__ import annotations

import os
import random
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import (
    receipts,
    storage_apply,
    storage_plan,
    storage_present,
    storage_units,
    tree,
)
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.module_utils.share_look import Look, Mount, waits
from ansible_collections.kronos.homelab.plugins.module_utils.storage_apply import apply, left_of, write_receipt
from ansible_collections.kronos.homelab.plugins.module_utils.storage_model import Folder, Login, Share
from ansible_collections.kronos.homelab.plugins.module_utils.storage_plan import Change, make_change
from ansible_collections.kronos.homelab.plugins.module_utils.storage_present import Present, read_present
from ansible_collections.kronos.homelab.plugins.module_utils.storage_units import files_of
from ansible_collections.kronos.homelab.tests.unit.fakes.storage_host import StorageHost, own, share

RECEIPT = storage_present.RECEIPT


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StorageHost]:
    """A host, with unit files and logins below the test's folder."""
    files_of = storage_units.files_of
    monkeypatch.setattr(storage_units, "FOLDER", str(tmp_path / "units"))
    monkeypatch.setattr(storage_units, "CREDENTIALS", str(tmp_path / "logins"))
    for module in (storage_plan, storage_apply, storage_present):
        monkeypatch.setattr(module, "files_of", lambda one: [own(file) for file in files_of(one)])
    (tmp_path / "src").mkdir()
    return StorageHost(tmp_path)


def go(host: StorageHost, *shares: Share, safe: bool = True) -> tuple[Change, dict[str, str]]:
    """One whole run: the change, and the problems that remained."""
    outside, wanted = host.outside(), sorted(shares, key=lambda one: one.path)
    present = read_present(wanted, outside)
    change = make_change(wanted, present, safe)
    outcome = apply(change, wanted, outside)
    write_receipt(left_of(wanted, change, outcome, present), outside)
    return change, outcome.problems


def bind(host: StorageHost, name: str, **said: Any) -> Share:
    one = share(host.top, name, **said)
    if one.type == "bind":
        os.makedirs(one.source, exist_ok=True)
    return one


def points(host: StorageHost) -> list[str]:
    return sorted(os.path.relpath(one.point, host.top) for one in host.mounts if one.point != "/")


def test_a_share_is_mounted_gets_its_folders_and_stays(host: StorageHost) -> None:
    folders = tuple(
        Folder(f"{host.top}/mnt/a/{name}", os.geteuid(), os.getegid(), 0o750, stated) for name, stated in SAID.items()
    )
    one = bind(host, "a", folders=folders)
    change, problems = go(host, one)
    assert (problems, points(host), [each.name for each in change.mount]) == ({}, ["mnt/a"], ["a"])
    assert sorted(change.folders.creates) == [folder.path for folder in folders]
    for folder in folders:  # the played mount shows an empty folder, as no real bind would
        assert os.path.isdir(folder.path)
    left = receipts.read(*RECEIPT, root=str(host.top / "receipts"))["left"]  # type: ignore[index]
    assert left["shares"][one.path]["source"] == one.source
    again, _problems = go(host, one)
    assert (again.changed, again.diff) == (False, ())


SAID = {"made": False, "stated": True}


def test_what_is_refused_touches_nothing(host: StorageHost) -> None:
    one, two, three = bind(host, "a"), bind(host, "b"), bind(host, "c")
    host.mounts.append(Mount(one.path, "/films", "nas:/x", "nfs4", "0:9"))
    os.makedirs(f"{two.path}/data")
    _change, problems = go(host, one, two, three)
    assert problems == {
        "a": f"/films is mounted at {one.path}, and not by us: unmount it first",
        "b": f"storage_safe_mode: would have mounted over {two.path}, which holds an entry that nobody could see any "
        "more; move that away, or set storage_safe_mode: false",
    }
    assert points(host) == ["mnt/a", "mnt/c"]
    assert os.listdir(host.top / "units") == [storage_units.mount_unit(three)]
    _change, problems = go(host, one, two, three, safe=False)
    assert (list(problems), points(host)) == (["a"], ["mnt/a", "mnt/b", "mnt/c"])


def test_what_is_away_is_told_and_comes_by_itself_later(host: StorageHost) -> None:
    nfs = share(host.top, "n", type="nfs", source="nas:/x")
    other = bind(host, "b")
    lost = share(host.top, "l")
    for _attempt in range(2):
        change, problems = go(host, nfs, other, lost)
        assert problems["n"] == f"the server nas does not answer; nothing is mounted at {nfs.path}"
        assert (
            problems["l"] == f"its source {lost.source}: no such file or directory; nothing is mounted at {lost.path}"
        )
        assert points(host) == ["mnt/b"]
    assert not change.changed
    assert host.units[storage_units.mount_unit(nfs)][0] == "enabled"  # so that a boot, or the guard, mounts it
    host.servers.add("nas")
    os.makedirs(lost.source)
    assert (go(host, nfs, other, lost)[1], points(host)) == ({}, ["mnt/b", "mnt/l", "mnt/n"])


def test_a_bind_may_show_a_folder_that_the_same_run_makes(host: StorageHost) -> None:
    top = f"{host.top}/pool"
    folder = Folder(f"{top}/media", os.geteuid(), os.getegid(), 0o755)
    pool = share(host.top, "pool", type="local", source=top, path=top, mounted=False, folders=(folder,))
    media = share(host.top, "media", source=folder.path)
    _change, problems = go(host, pool, media)
    assert (problems, points(host), os.path.isdir(folder.path)) == ({}, ["mnt/media"], True)
    assert not go(host, pool, media)[0].changed


def test_the_trouble_of_one_is_not_that_of_others(host: StorageHost) -> None:
    one, two = bind(host, "a"), bind(host, "b")
    host.broken.add(storage_units.mount_unit(one))
    _change, problems = go(host, one, two)
    assert (problems, points(host)) == (
        {"a": f"could not be mounted at {one.path}: mount: it does not want to"},
        ["mnt/b"],
    )


def test_new_options_are_taken_without_unmounting(host: StorageHost) -> None:
    one = bind(host, "a")
    go(host, one)
    host.asked.clear()
    change, _problems = go(host, replace(one, read_only=True))
    assert [each.name for each in change.remount] == ["a"]
    assert host.asked == ["daemon-reload", f"reload {storage_units.mount_unit(one)}"]


def test_a_disk_that_fills_up_anywhere_leaves_whole_units(host: StorageHost, full_disk: Any) -> None:
    one, two = bind(host, "a"), bind(host, "b")
    go(host, one)
    old = {path.name: path.read_bytes() for path in (host.top / "units").iterdir()}
    wanted = [replace(one, read_only=True), two]
    new = {os.path.basename(file.path): file.content for each in wanted for file in files_of(each)}
    failed = 0
    for point in range(20):
        with full_disk(point):
            try:
                _change, problems = go(host, *wanted)
                break
            except OSError:
                failed += 1
        found = {path.name: path.read_bytes() for path in (host.top / "units").iterdir()}
        assert {*old} <= {*found}, point
        assert all(text in (old.get(name), new.get(name)) for name, text in found.items()), point
        assert storage_present.stands(one, host.mounts)
    assert (failed, problems, points(host)) == (2, {}, ["mnt/a", "mnt/b"])  # the third try has one less to write
    assert {path.name: path.read_bytes() for path in (host.top / "units").iterdir()} == new
    assert not go(host, *wanted)[0].changed


def test_new_options_that_were_not_taken_are_tried_again(host: StorageHost) -> None:
    one, two = bind(host, "a"), bind(host, "b")
    go(host, one, two)
    host.broken.add(storage_units.mount_unit(one))
    new = [replace(one, read_only=True), replace(two, read_only=True)]
    for turn in range(2):
        change, problems = go(host, *new)
        assert [each.name for each in change.remount] == (["a", "b"] if turn == 0 else ["a"])
        assert problems["a"].startswith("does not take its new options while it is mounted")
        assert (list(problems), set(kept(host)["files"])) == (["a"], {f.path for x in new for f in files_of(x)})
    host.broken.clear()
    assert (go(host, *new)[1], go(host, *new)[0].changed) == ({}, False)


def test_options_refused_after_a_run_that_was_killed_are_tried_again(host: StorageHost) -> None:
    one = bind(host, "a")
    go(host, one)
    receipts.forget(*RECEIPT, root=str(host.top / "receipts"))
    host.broken.add(storage_units.mount_unit(one))
    for _turn in range(2):
        change, problems = go(host, one)
        assert ([each.name for each in change.remount], list(problems)) == (["a"], ["a"])
    assert (go(host)[1], os.listdir(host.top / "units")) == ({}, [])  # its file is known all the same


def test_a_run_that_was_killed_before_systemd_read_the_file(host: StorageHost) -> None:
    one = bind(host, "a")
    go(host, one)
    receipts.forget(*RECEIPT, root=str(host.top / "receipts"))
    change, _problems = go(host, one)
    assert (change.reload, [each.name for each in change.remount], bool(change.diff)) == (True, ["a"], True)
    assert not go(host, one)[0].changed


def test_what_is_not_wanted_any_more_goes_unless_it_is_in_use(host: StorageHost) -> None:
    one, two = bind(host, "a"), bind(host, "b")
    go(host, one, two)
    host.users[one.path] = ("jellyfin",)
    change, problems = go(host)
    assert (problems, points(host), change.unmount) == ({}, ["mnt/a"], (two.path,))
    assert change.warnings[0].startswith("share a is not wanted any more, but in use by jellyfin: it stays mounted")
    left = receipts.read(*RECEIPT, root=str(host.top / "receipts"))["left"]  # type: ignore[index]
    assert (list(left["shares"]), left["due"]) == ([one.path], 0)
    assert os.listdir(host.top / "units") == [storage_units.mount_unit(one)]
    host.users.clear()
    go(host)
    assert (points(host), os.listdir(host.top / "units")) == ([], [])


def test_what_took_the_place_of_a_share_is_not_ours_to_unmount(host: StorageHost) -> None:
    one = bind(host, "a")
    go(host, one)
    host.mounts = [*host.mounts[:1], Mount(one.path, "/", "tmpfs", "tmpfs", "0:9")]
    assert go(host)[0].unmount == ()
    assert points(host) == ["mnt/a"]


MOVES = [
    (True, (), "storage_safe_mode: would have unmounted"),
    (False, ("plex",), "in use by plex: stop them first"),
    (False, (), ""),
]


@pytest.mark.parametrize(("safe", "users", "wanted"), MOVES)
def test_another_source_in_the_same_place(host: StorageHost, safe: bool, users: tuple[str, ...], wanted: str) -> None:
    one = bind(host, "a")
    go(host, one)
    moved = bind(host, "a", source=f"{host.top}/src/other")
    host.users[one.path] = users
    _change, problems = go(host, moved, safe=safe)
    root = next(each.root for each in host.mounts if each.point == one.path)
    assert root == (one.source if wanted else moved.source)
    assert wanted in problems.get("a", "")
    left = receipts.read(*RECEIPT, root=str(host.top / "receipts"))["left"]  # type: ignore[index]
    assert left["shares"][one.path]["source"] == root  # what stands, so that a later run may still move it


def test_a_folder_that_was_there_once_is_not_made_anew(host: StorageHost) -> None:
    folder = Folder(f"{host.top}/mnt/a/library", os.geteuid(), os.getegid(), 0o755, stated=False)
    one = bind(host, "a", folders=(folder,))
    go(host, one)
    os.rmdir(folder.path)
    for _attempt in range(2):
        change, problems = go(host, one)
        assert problems["a"].startswith(f"{folder.path}, which an earlier run found there, is gone")
        assert (change.changed, os.path.exists(folder.path)) == (False, False)
    os.mkdir(folder.path)
    assert go(host, one)[1] == {}


def test_a_share_that_does_not_answer_is_not_looked_into(host: StorageHost) -> None:
    folder = Folder(f"{host.top}/mnt/a/films", os.geteuid(), os.getegid(), 0o755)
    one = bind(host, "a")
    go(host, one)
    host.silent.add(one.path)
    _change, problems = go(host, replace(one, folders=(folder,)))
    assert problems == {"a": "is mounted, but does not answer within 5 s"}
    assert not os.path.exists(folder.path)


def test_a_source_that_hangs_is_not_looked_into(host: StorageHost, monkeypatch: pytest.MonkeyPatch) -> None:
    one = bind(host, "a", folders=(Folder(f"{host.top}/mnt/a/films", 0, 0, 0o755),))
    host.silent.add(one.source)
    read = tree.read_present
    monkeypatch.setattr(
        tree, "read_present", lambda paths: [pytest.fail(p) for p in paths if "src" in p] or read(paths)
    )
    _change, problems = go(host, one)
    assert problems == {"a": f"its source {one.source}: does not answer within 5 s; nothing is mounted at {one.path}"}


def test_little_space_is_a_warning() -> None:
    one = Share("a", "bind", "/srv/a", "/mnt/a", mounted=True)
    units = {storage_units.mount_unit(one): ("enabled", "active")}
    files = {file.path: tree.Present("file", 0o644, 0, 0, file.content) for file in storage_units.files_of(one)}
    left = {"files": tree.receipt_of(storage_units.files_of(one), [])["files"]}
    looks = {"a": Look(size=100, free=3)}
    present = Present(standing=frozenset({"a"}), looks=looks, states=units, files=files, left=left)
    change = make_change([one], present, True)
    assert (change.changed, change.warnings) == (False, ("share a: 3 % of the space is free",))


def test_a_line_in_fstab_for_the_same_place_is_told(host: StorageHost) -> None:
    one, two, three = bind(host, "a"), bind(host, "b c"), bind(host, "d")
    host.mounts.append(Mount(one.path, one.source, "/dev/vda1", "ext4", "254:1"))  # as it was mounted at boot
    lines = ["# /dev/sdb1 {} ext4", "UUID=1 {} ext4 defaults 0 2", "nas:/x {} nfs _netdev", "x", ""]
    places = (three.path, f"{one.path}/", two.path.replace(" ", "\\040"))
    text = "\n".join(line.format(place) for line, place in zip(lines, places)) + "\nx\n\n"
    (host.top / "fstab").write_text(text)
    change, problems = go(host, one, two, three)
    told = [f"share {each.name}: {each.path} is also in /etc/fstab: remove that line" for each in (one, two)]
    assert [warning.split(", ")[0] for warning in change.warnings] == told
    assert problems == {}
    (host.top / "fstab").write_bytes(b"\xff")
    assert go(host, one, two, three)[0].warnings == ()


def test_a_login_never_shows(host: StorageHost) -> None:
    host.servers.add("nas")
    login = Login("me", "nas", password="to-be-hidden")
    one = share(host.top, "a", type="cifs", source="//nas/x", login=login)
    change, _problems = go(host, one)
    assert "to-be-hidden" in Path(storage_units.credentials_path(one)).read_text()
    assert "to-be-hidden" not in repr(change) + repr(change.diff)


def later(host: StorageHost, name: str, **said: Any) -> Share:
    """A share of a server that is mounted at the first access."""
    return share(host.top, name, **{"type": "nfs", "source": f"nas:/{name}", "automount": True, **said})


@pytest.fixture
def untouched(host: StorageHost, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever looks into an automount that waits mounts it; where the server is away, that fails."""
    listdir = os.listdir

    def look(path: str = ".") -> list[str]:
        assert not waits(str(path), host.mounts), f"{path}: looking there mounts it"
        return listdir(path)

    monkeypatch.setattr(os, "listdir", look)


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("answers", [True, False])
def test_an_automount_that_waits_stands(host: StorageHost, answers: bool) -> None:
    host.servers.add("nas")
    folder = Folder(f"{host.top}/mnt/a/films", os.geteuid(), os.getegid(), 0o755)
    one, two = later(host, "a", folders=(folder,)), later(host, "b")
    assert go(host, one, two)[1] == {}
    host.reboot()
    if not answers:
        host.servers.clear()
    change, problems = go(host, one, two)
    assert (change.changed, change.diff, problems) == (False, (), {})
    assert {each.kind for each in host.mounts[1:]} == {"autofs"}
    change, problems = go(host, replace(one, read_only=True), two)  # its next mount takes them
    assert (change.reload, change.remount, problems) == (True, (), {})
    assert not go(host, replace(one, read_only=True), two)[0].changed


@pytest.mark.usefixtures("untouched")
def test_an_automount_that_waits_is_mounted_for_a_new_folder(host: StorageHost) -> None:
    host.servers.add("nas")
    one = later(host, "a")
    go(host, one)
    host.reboot()
    folder = Folder(f"{host.top}/mnt/a/films", os.geteuid(), os.getegid(), 0o755)
    more = replace(one, folders=(folder,))
    change, problems = go(host, more)
    assert ([each.name for each in change.mount], problems, os.path.isdir(folder.path)) == (["a"], {}, True)
    assert not go(host, more)[0].changed


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("waiting", [True, False])
def test_an_automount_that_is_not_wanted_any_more_goes(host: StorageHost, waiting: bool) -> None:
    host.servers.add("nas")
    one = later(host, "a")
    go(host, one)
    if waiting:
        host.reboot()
    assert go(host)[1] == {}
    assert (points(host), os.listdir(host.top / "units")) == ([], [])
    assert not go(host)[0].changed


@pytest.mark.usefixtures("untouched")
@pytest.mark.parametrize("waiting", [True, False])
def test_a_share_gets_or_loses_its_automount(host: StorageHost, waiting: bool) -> None:
    host.servers.add("nas")
    one = later(host, "a")
    boot = replace(one, automount=False)
    go(host, one)
    if waiting:
        host.reboot()
    assert go(host, boot)[1] == {}
    assert storage_present.stands(boot, host.mounts)
    assert not go(host, boot)[0].changed
    on = {name: state[0] for name, state in host.units.items()}
    assert on == {storage_units.automount_unit(one): "disabled", storage_units.mount_unit(one): "enabled"}
    assert go(host, one)[1] == {}
    on = {name: state[0] for name, state in host.units.items()}
    assert on == {storage_units.automount_unit(one): "enabled", storage_units.mount_unit(one): "disabled"}
    assert not go(host, one)[0].changed


def kept(host: StorageHost) -> dict[str, Any]:
    """What the receipt says."""
    return receipts.read(*RECEIPT, root=str(host.top / "receipts"))["left"]  # type: ignore[index]


@pytest.mark.parametrize("automount", [False, True])
def test_what_cannot_be_unmounted_is_told_and_holds_nothing_up(host: StorageHost, automount: bool) -> None:
    host.servers.add("nas")
    one, two = later(host, "a", automount=automount), bind(host, "b")
    go(host, one)
    host.busy.add(one.path)
    before = kept(host)["shares"][one.path]
    for _attempt in range(2):
        change, problems = go(host, two)
        assert change.unmount == (one.path,)
        told = f"is still mounted at {one.path}: Job for {storage_units.mount_unit(one)} failed."
        assert {name: why.split("; ")[0] for name, why in problems.items()} == {"a (not wanted any more)": told}
        assert (storage_present.stands(one, host.mounts), storage_present.stands(two, host.mounts)) == (True, True)
        assert kept(host)["shares"][one.path] == before
        assert {*before["files"]} <= {*kept(host)["files"]} & {str(path) for path in (host.top / "units").iterdir()}
        assert (kept(host)["due"], host.units[storage_units.on_unit(one)][0]) == (0, "enabled")
    host.busy.clear()
    assert (go(host, two)[1], points(host)) == ({}, ["mnt/b"])
    assert not {*before["files"]} & {*kept(host)["files"], *(str(path) for path in (host.top / "units").iterdir())}


def test_what_stays_in_the_way_of_another_source(host: StorageHost) -> None:
    one, two = bind(host, "a"), bind(host, "b")
    go(host, one)
    host.busy.add(one.path)
    moved = bind(host, "a", source=f"{host.top}/src/other")
    text, noted = Path(storage_units.FOLDER, storage_units.mount_unit(one)).read_text(), kept(host)
    for _attempt in range(2):
        _change, problems = go(host, moved, two, safe=False)
        assert problems["a"].startswith(f"is still mounted at {one.path}")
        assert points(host) == ["mnt/a", "mnt/b"]
        assert Path(storage_units.FOLDER, storage_units.mount_unit(one)).read_text() == text
        assert kept(host)["shares"][one.path] == noted["shares"][one.path]
    host.busy.clear()
    assert go(host, moved, two, safe=False)[1] == {}
    assert storage_present.stands(moved, host.mounts)
    assert not go(host, moved, two)[0].changed


def test_a_unit_that_somebody_has_removed_holds_nothing_up(host: StorageHost, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two, run = bind(host, "a"), bind(host, "b"), host.run
    go(host, one)
    gone = Ran(1, "", f"Failed to disable unit: Unit file {storage_units.mount_unit(one)} does not exist.")
    monkeypatch.setattr(host, "run", lambda argv, **said: gone if "disable" in argv else run(argv, **said))
    assert (go(host, two)[1], points(host)) == ({}, ["mnt/b"])


@pytest.mark.parametrize("error", [PermissionError(13, "no"), OSError(112, "Host is down")])
def test_a_mount_point_that_cannot_be_looked_into(
    host: StorageHost, monkeypatch: pytest.MonkeyPatch, error: OSError
) -> None:
    one, two, listdir = bind(host, "a"), bind(host, "b"), os.listdir

    def look(path: str = ".") -> list[str]:
        if path == one.path:
            raise error
        return listdir(path)

    monkeypatch.setattr(os, "listdir", look)
    assert (go(host, one, two)[1], points(host)) == ({}, ["mnt/a", "mnt/b"])


@pytest.mark.parametrize("seed", range(60))
def test_whatever_came_before_a_second_run_is_quiet(host: StorageHost, seed: int) -> None:
    """Random lists of shares one after the other, with mounts lost, tampered with and added in between."""
    chance = random.Random(seed)
    for _step in range(4):
        names = chance.sample("abcdef", chance.randint(0, 4))
        shares = [
            bind(host, name, source=f"{host.top}/src/{chance.choice(names)}", read_only=chance.random() < 0.3)
            for name in names
        ]
        if chance.random() < 0.3 and len(host.mounts) > 1:
            host.mounts.remove(chance.choice(host.mounts[1:]))
        foreign = Mount(f"{host.top}/mnt/{chance.choice('abcdef')}", "/", "tmpfs", "tmpfs", f"1:{_step}")
        if chance.random() < 0.3:
            host.mounts.append(foreign)
        host.users = {f"{host.top}/mnt/{name}": ("app",) for name in "abcdef" if chance.random() < 0.2}
        there = [one for one in host.mounts if one.kind == "tmpfs"]
        used = [one for one in host.mounts if host.users.get(one.point) and one.kind != "tmpfs"]
        safe = chance.random() < 0.5
        before = (list(host.mounts), dict(host.units))
        predicted = make_change(sorted(shares, key=lambda one: one.path), read_present(shares, host.outside()), safe)
        assert (list(host.mounts), dict(host.units)) == before
        change, problems = go(host, *shares, safe=safe)
        assert change.diff == predicted.diff
        assert [one for one in there if one not in host.mounts] == []
        assert [one for one in used if one not in host.mounts] == []
        for one in shares:
            assert one.name in problems or storage_present.stands(one, host.mounts)
        again, same = go(host, *shares, safe=safe)
        assert (again.changed, again.diff, same) == (False, (), problems)

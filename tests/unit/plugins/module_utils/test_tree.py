# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import receipts, tree
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.tree import (
    ABSENT,
    Present,
    Wanted,
    WantedDirectory,
)

UID, GID = os.geteuid(), os.getegid()


def a_file(content=b"text\n", mode=0o644, uid=0, gid=0):
    return Present("file", mode, uid, gid, content)


def entry(path, before, after, header=None):
    return {
        "before_header": header or (path if before else f"{path} (absent)"),
        "after_header": path,
        "before": before,
        "after": after,
    }


ATTRIBUTES = "file\nmode: {0}\nowner: {1}\ngroup: 0\n"

FILE_CASES = [
    # wanted, present, creates, updates, diff
    (Wanted("/f", b"text\n"), ABSENT, ("/f",), (), [entry("/f", "", "text\n")]),
    (Wanted("/f", b"text\n"), a_file(), (), (), []),
    (Wanted("/f", b"text\n"), a_file(b"old\n"), (), ("/f",), [entry("/f", "old\n", "text\n")]),
    (
        Wanted("/f", b"text\n", mode=0o600),
        a_file(),
        (),
        ("/f",),
        [entry("/f", ATTRIBUTES.format("0644", 0), ATTRIBUTES.format("0600", 0))],
    ),
    (
        Wanted("/f", b"text\n", uid=7),
        a_file(b"old\n"),
        (),
        ("/f",),
        [
            entry("/f", "old\n", "text\n"),
            entry("/f", ATTRIBUTES.format("0644", 0), ATTRIBUTES.format("0644", 7)),
        ],
    ),
    (
        Wanted("/f", b"new", secret=True),
        a_file(b"old"),
        (),
        ("/f",),
        [entry("/f", "(old content, hidden)\n", "(new content, hidden)\n")],
    ),
    (
        Wanted("/f", b"x\n"),
        Present("link", content=b"/etc/passwd"),
        (),
        ("/f",),
        [entry("/f", "/etc/passwd", "x\n"), entry("/f", "link\n", "file\n")],
    ),
    (
        Wanted("/f", b"x\n"),
        Present("directory", empty=True),
        (),
        ("/f",),
        [entry("/f", "", "x\n"), entry("/f", "directory\n", "file\n")],
    ),
]


@pytest.mark.parametrize(("wanted", "present", "creates", "updates", "diff"), FILE_CASES)
def test_plan_of_a_file(wanted, present, creates, updates, diff):
    change = tree.plan_tree([wanted], [], [], {"/f": present})
    assert (change.creates, change.updates, list(change.diff)) == (creates, updates, diff)
    assert change.changed is bool(creates or updates)


@pytest.mark.parametrize(
    ("content", "shown"),
    [(b"\xff\xfe", "(binary, 2 bytes, sha256 "), (b"x" * 200_000, "(200000 bytes, sha256 ")],
)
def test_what_is_no_text_is_summed_up(content, shown):
    change = tree.plan_tree([Wanted("/f", content)], [], [], {"/f": ABSENT})
    assert change.diff[0]["after"].startswith(shown)


def test_plan_of_directories_and_removals():
    directories = [WantedDirectory("/d/e"), WantedDirectory("/d"), WantedDirectory("/same")]
    present = {
        "/d/e": ABSENT,
        "/d": Present("directory", 0o700),
        "/same": Present("directory", 0o755),
        "/gone": a_file(b"was secret"),
        "/never": ABSENT,
    }
    change = tree.plan_tree([], directories, ["/gone", "/never"], present)
    assert [folder.path for folder in change.directories] == ["/d", "/d/e"]
    assert (change.creates, change.updates, change.removes) == (("/d/e",), ("/d",), ("/gone",))
    assert "was secret" not in str(change.diff)
    assert [part["after_header"] for part in change.diff] == ["/d", "/d/e", "/gone (removed)"]


@pytest.mark.parametrize(
    ("files", "directories", "absent", "present", "says"),
    [
        (
            [Wanted("/f", b"")],
            [],
            [],
            {"/f": Present("directory")},
            "/f is a directory with something in it: a file is wanted there; move it away first",
        ),
        ([Wanted("/f", b"")], [], [], {"/f": Present("other")}, "/f is a other"),
        ([], [WantedDirectory("/d")], [], {"/d": a_file()}, "/d is a file: a directory is wanted"),
        ([Wanted("/f", b"")], [], ["/f"], {"/f": ABSENT}, "/f is named twice"),
        ([Wanted("/f", b""), Wanted("/f", b"")], [], [], {"/f": ABSENT}, "/f is named twice"),
        ([Wanted("f", b"")], [], [], {"f": ABSENT}, "absolute path"),
        ([Wanted("/a/../f", b"")], [], [], {"/a/../f": ABSENT}, "absolute path"),
        ([], [WantedDirectory("/d/")], [], {"/d/": ABSENT}, "absolute path"),
    ],
)
def test_refusals(files, directories, absent, present, says):
    with pytest.raises(KronosError, match=says):
        tree.plan_tree(files, directories, absent, present)


def test_an_empty_directory_gives_way_to_a_file_and_a_full_one_does_not(tmp_path):
    wanted = Wanted(f"{tmp_path}/f", b"x", 0o600, UID, GID)
    (tmp_path / "f").mkdir()
    tree.apply(tree.plan_tree([wanted], [], [], tree.read_present([wanted.path])))
    assert (tmp_path / "f").read_text() == "x"
    (tmp_path / "f").unlink()
    (tmp_path / "f" / "mine").mkdir(parents=True)
    with pytest.raises(KronosError):
        tree.plan_tree([wanted], [], [], tree.read_present([wanted.path]))


def test_strays(tmp_path):
    for path in ("a/b", "a/wanted", "strange/deep", "elsewhere"):
        (tmp_path / path).mkdir(parents=True)
    for path in ("a/file", "a/b/other", "strange/deep/x", "elsewhere/x"):
        (tmp_path / path).write_text("")
    (tmp_path / "a" / "link").symlink_to("../elsewhere")
    top = str(tmp_path)
    wanted = {f"{top}/{path}" for path in ("a", "a/b", "a/wanted", "a/file", "elsewhere")}
    assert tree.strays([top, f"{top}/missing"], wanted) == [
        f"{top}/a/b/other",
        f"{top}/a/link",
        f"{top}/elsewhere/x",
        f"{top}/strange",
    ]


def test_what_is_planned_is_what_happens(tmp_path):
    root = str(tmp_path)
    (tmp_path / "gone").write_text("x")
    (tmp_path / "old").write_text("old")
    files = [
        Wanted(f"{root}/new/deep/a", b"a", 0o640, UID, GID),
        Wanted(f"{root}/old", b"new", 0o600, UID, GID, secret=True),
    ]
    directories = [WantedDirectory(f"{root}/dir", 0o750, UID, GID)]
    absent = [f"{root}/gone"]

    def plan():
        present = tree.read_present(tree.paths_of(files, directories, absent))
        return tree.plan_tree(files, directories, absent, present)

    change = plan()
    assert change.creates == (f"{root}/dir", f"{root}/new/deep/a")
    assert change.updates == (f"{root}/old",)
    assert change.removes == (f"{root}/gone",)
    tree.apply(change)
    assert plan() == tree.TreeChange()
    left = tree.receipt_of(files, directories, absent)
    assert {path: receipts.file_state(path) for path in left["files"]} == left["files"]
    assert {path: receipts.directory_state(path) for path in left["directories"]} == left["directories"]


def test_read_present(tmp_path):
    (tmp_path / "file").write_text("text")
    (tmp_path / "folder").mkdir()
    (tmp_path / "to_folder").symlink_to("folder")
    (tmp_path / "to_file").symlink_to("file")
    (tmp_path / "to_nothing").symlink_to("nothing")
    os.mkfifo(tmp_path / "pipe")
    names = ["file", "folder", "to_folder", "to_file", "to_nothing", "pipe", "nothing", "file/below"]
    present = tree.read_present(f"{tmp_path}/{name}" for name in names)
    kinds = [present[f"{tmp_path}/{name}"].kind for name in names]
    assert kinds == ["file", "directory", "directory", "link", "link", "other", "absent", "absent"]


def test_secrets_do_not_show_in_a_representation():
    wanted = Wanted("/f", b"marker", secret=True)
    change = tree.plan_tree([wanted], [], [], {"/f": a_file(b"older marker")})
    assert "marker" not in repr(change) + repr(a_file(b"marker")) + str(change.diff)

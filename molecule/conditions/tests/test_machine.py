# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The machine itself: another distribution, a wrong clock, no Python, no root, no systemd."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import labtest
import ordeal
import pytest
from ordeal import Condition, inside, put

RELEASE = "/usr/lib/os-release"
FEDORA = 'ID=fedora\nVERSION_ID=43\nPRETTY_NAME="Fedora Linux 43 (Server Edition)"\n'
BULLSEYE = 'ID=debian\nVERSION_ID="11"\nPRETTY_NAME="Debian GNU/Linux 11 (bullseye)"\n'
WRAPPER = "/usr/local/bin/python-of-the-test"
NEEDED = "wanted: Debian 12 or later, or Ubuntu 22.04 or later"


@contextmanager
def hidden_by(path: str, content: str) -> Iterator[None]:
    """Lay a file with this content over another one."""
    put("/run/cover", content)
    inside(f"mount --bind /run/cover {path}")
    try:
        yield
    finally:
        inside(f"umount {path}")


@contextmanager
def empty_folder(path: str) -> Iterator[None]:
    inside(f"mkdir -p /run/empty && mount --bind /run/empty {path}")
    try:
        yield
    finally:
        inside(f"umount {path}")


@contextmanager
def python(script: str) -> Iterator[None]:
    """A program in the place of the host's Python."""
    put(WRAPPER, f"#!/bin/sh\nexec {script}\n", "0755")
    try:
        yield
    finally:
        inside(f"rm {WRAPPER}")


@contextmanager
def visitor(groups: str) -> Iterator[None]:
    """A user who may log in, and has a password."""
    inside(
        f"useradd --uid 4242 --create-home --shell /bin/bash {groups} visitor && echo visitor:secret | chpasswd && "
        "cp -r /root/.ssh /home/visitor/ && chown -R visitor: /home/visitor/.ssh"
    )
    try:
        yield
    finally:
        inside("loginctl terminate-user visitor; pkill -u visitor; sleep 1; userdel --remove --force visitor")


def faked(offset: str) -> Any:
    inside("command -v faketime || (apt-get -q update && apt-get install -yq --no-install-recommends faketime)")
    return python(f'faketime -f {offset} /usr/bin/python3 "$@"')


def pretends(version: str) -> str:
    """A Python that takes itself for an older one; the module comes in by its standard input."""
    numbers = version.replace(".", ", ")
    lie = f"import sys; sys.version_info = ({numbers}); sys.version = '{version}'; exec(sys.stdin.read())"
    return f'/usr/bin/python3 -c "{lie}"'


OTHER_PYTHON = {"ansible_python_interpreter": WRAPPER}
SUDO = {"ansible_user": "visitor", "ansible_become": True, "ansible_become_method": "ansible.builtin.sudo"}
RIGHT = {**SUDO, "ansible_become_password": "secret"}
WRONG = {**SUDO, "ansible_become_password": "wrong"}

TABLE = [
    Condition(
        "another distribution",
        partial(hidden_by, RELEASE, FEDORA),
        ["the host runs Fedora Linux 43 (Server Edition)", NEEDED, "Nothing was changed"],
    ),
    Condition(
        "a Debian that is too old",
        partial(hidden_by, RELEASE, BULLSEYE),
        ["the host runs Debian GNU/Linux 11 (bullseye)", NEEDED, "Nothing was changed"],
    ),
    Condition(
        "no systemd", partial(empty_folder, "/run/systemd"), ["systemd does not run here", "Nothing was changed"]
    ),
    Condition(
        "a clock one year ahead",
        partial(faked, "+365d"),
        ["365 days ahead of", "timedatectl set-ntp true", "Nothing was changed"],
        under=OTHER_PYTHON,
    ),
    Condition(
        "a clock one year behind",
        partial(faked, "-365d"),
        ["365 days behind", "look at that first", "Nothing was changed"],
        under=OTHER_PYTHON,
    ),
    Condition("no Python", says=["python3.99"], under={"ansible_python_interpreter": "/usr/bin/python3.99"}),
    Condition(
        "a Python that is too old for Ansible",
        partial(python, pretends("3.7.3")),
        ["a minimum of Python version", "Current version: 3.7.3"],
        under=OTHER_PYTHON,
    ),
    Condition(
        "a Python that is too old for us",
        partial(python, pretends("3.8.10")),
        ["Python 3.9 or later is wanted", "is 3.8.10", "Nothing was changed"],
        under=OTHER_PYTHON,
    ),
    Condition("no root", partial(visitor, ""), ["ansible_become: true"], under={"ansible_user": "visitor"}),
    Condition("sudo wants a password", partial(visitor, "-G sudo"), ["Missing sudo password"], under=SUDO),
    Condition("sudo refuses", partial(visitor, ""), ["visitor is not in the sudoers file"], under=RIGHT),
    Condition("a wrong sudo password", partial(visitor, "-G sudo"), ["Incorrect sudo password"], under=WRONG),
]
FEW = ["a clock one year ahead"]


@pytest.mark.parametrize("row", labtest.rows(TABLE, FEW, lambda row: row.name), ids=lambda row: row.name)
def test_a_machine_that_is_not_fit(row: Condition) -> None:
    ordeal.endure(row)

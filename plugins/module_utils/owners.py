# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Owners and modes as users write them, and as the system keeps them."""

from __future__ import annotations

import grp
import pwd

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

UNKNOWN = 0xFFFFFFFE  # stands for a user that a run would make first; no real one has it


def user_id(owner: str | int, *, predict: bool = False) -> int:
    """The user id of a name or number. With *predict* a name that nobody has yet is UNKNOWN instead of an error."""
    if str(owner).isdigit():
        return int(owner)
    try:
        return pwd.getpwnam(str(owner)).pw_uid
    except KeyError as error:
        if predict:
            return UNKNOWN
        raise KronosError(f"there is no user {owner!r} on the host") from error


def group_id(group: str | int, *, predict: bool = False) -> int:
    """The group id of a name or number. With *predict* a name that nobody has yet is UNKNOWN instead of an error."""
    if str(group).isdigit():
        return int(group)
    try:
        return grp.getgrnam(str(group)).gr_gid
    except KeyError as error:
        if predict:
            return UNKNOWN
        raise KronosError(f"there is no group {group!r} on the host") from error


def mode_of(mode: str | int, where: str) -> int:
    """A mode from its octal text (``"0644"``). A bare number is refused: YAML has read it as something else already."""
    text = str(mode)
    if isinstance(mode, int) or not 3 <= len(text) <= 4 or set(text) - set("01234567"):
        raise KronosError(f'{where}: mode {mode!r}; wanted: octal digits in quotes, such as "0644"')
    return int(text, 8)

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Errors that a user is meant to read: one clear line, no traceback."""

from __future__ import annotations

import errno
import os
import re
from collections.abc import Iterable

_SAYS = {
    errno.ENOSPC: "no space is left on the file system",
    errno.EDQUOT: "the disk quota is used up",
    errno.EROFS: "the file system is read-only",
    errno.EACCES: "permission denied (is `become` on?)",
    errno.EPERM: "not permitted (is `become` on?)",
}


class KronosError(Exception):
    """Something the user can act on; the text is shown as it is."""


# With the folder that the error is about.
_DO = {
    errno.ENOSPC: "df -h {0} and df -i {0} show it",
    errno.EDQUOT: "quota shows it",
    errno.EROFS: "dmesg may say why; findmnt -T {0} shows what to mount again with remount,rw",
}


def explain(error: BaseException) -> str:
    """One line for *error*: our own errors as they are, those of the system with the file they are about."""
    if isinstance(error, OSError) and error.errno is not None:
        reason = _SAYS.get(error.errno, (error.strerror or str(error)).lower())
        if not error.filename:
            return reason
        path = os.fsdecode(error.filename)
        hint = _DO.get(error.errno, "").format(os.path.dirname(path) or path)
        return f"{path}: {reason}" + (f" ({hint})" if hint else "")
    return str(error) or type(error).__name__


def advice(said: str, known: Iterable[tuple[str, str]]) -> str:
    """What to look at when a program *said* this, in brackets; empty for what nobody knows.

    *known*: (pattern, what to look at); the first that is found wins, so the more telling ones come first.
    """
    return next((f" ({hint})" for words, hint in known if re.search(words, said, re.IGNORECASE)), "")

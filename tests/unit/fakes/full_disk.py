# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A disk that is full: stands for the file system below a folder, where only so many blocks are left.

As with a real one that allocates late, the whole content seems to be written, and the error comes when it shall reach
the disk; what is not removed then keeps its blocks, and what is removed gives them back.
"""

from __future__ import annotations

import errno
import os
import stat
from pathlib import Path

BLOCK = 4096


class FullDisk:
    """Takes the place of ``os.fsync``. Folders named ``run`` are in memory, as /run is."""

    def __init__(self, root: Path, room: int) -> None:
        self.root = root
        self.most = self.used() + room
        self.refused = 0

    def used(self) -> int:
        """Blocks that files take up now."""
        return sum(-(-path.lstat().st_size // BLOCK) for path in self.files())

    def files(self) -> list[Path]:
        """Every file on the disk, hidden ones too."""
        found = [path for path in self.root.rglob("*") if path.is_file() and not path.is_symlink()]
        return [path for path in found if "run" not in path.relative_to(self.root).parts]

    def strays(self) -> list[str]:
        """What writers left behind that did not get to their end."""
        return [str(path) for path in self.files() if path.name.startswith(".") or path.suffix == ".new"]

    def __call__(self, handle: int) -> None:
        if stat.S_ISREG(os.fstat(handle).st_mode) and self.used() > self.most:
            self.refused += 1
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

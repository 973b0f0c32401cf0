# SPDX-License-Identifier: GPL-3.0-or-later
"""The lab's command: `lab.py up --host lab1`, `status`, `ssh lab1`, `down`, `demo` (see --help)."""

from __future__ import annotations

import sys

from kronoslab.commands import main

if __name__ == "__main__":
    sys.exit(main())

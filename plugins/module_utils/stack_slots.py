# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The rendered files of a stack that hold secrets: their values, and how they may be shown. Pure."""

from __future__ import annotations

import os
from collections.abc import Mapping

from ansible_collections.kronos.homelab.plugins.module_utils import secret_slots
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import RenderedFile, Stack

UNKNOWN = "(content that is not what the last run wrote, hidden)\n"


def slotted(stack: Stack, layout: Layout) -> dict[str, RenderedFile]:
    """Path on the host → file, of every file with secrets in it."""
    return {
        os.path.join(layout.files(service.name), file.path): file
        for service in stack.services.values()
        for file in service.files
        if file.secrets
    }


def values_of(file: RenderedFile, filled: bytes) -> list[str]:
    """The secrets in a file as it was written; the whole text where it was written otherwise."""
    text = filled.decode("utf-8", "replace")
    found = secret_slots.values_in(file.content, text, file.secrets)
    return [text] if found is None else found


def shown(
    path: str, wanted: Mapping[str, RenderedFile], before: Mapping[str, RenderedFile], content: bytes | None
) -> tuple[str, str]:
    """What a diff shows of a file with secrets, before and after: its text with the slots, never a value."""
    old, after = before.get(path), wanted[path].content
    if content is None:
        return "", after
    told = old is not None and secret_slots.values_in(old.content, content.decode("utf-8", "replace"), old.secrets)
    if old is None or told is None or told is False:
        return UNKNOWN, after
    # The same text around another value must not look like no difference.
    return (old.content, after) if old.content != after else ("(old values, hidden)\n", "(new values, hidden)\n")

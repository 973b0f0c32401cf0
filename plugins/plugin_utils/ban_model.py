# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""When clients are banned, as the inventory says it: the variable traefik_ban."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.explain import read_model
from ansible_collections.kronos.homelab.plugins.plugin_utils.model import Strict, matching
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Problems, path_text, shown
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Renderer, here
from pydantic import AfterValidator, Field

VARIABLE = "traefik_ban"
Time = Annotated[str, AfterValidator(matching(r"[1-9][0-9]{0,6}[smhd]", "a duration such as 30s, 10m or 1h"))]


class Ban(Strict):
    """So many refusals within a while: banned for a while."""

    failures: Annotated[int, Field(ge=2, le=1000)] = 30
    within: Time = "10m"
    how_long: Time = Field("1h", alias="for")


def check_bans(variables: Mapping[str, Any], renderer: Renderer, problems: Problems) -> None:
    """Add every mistake in traefik_ban; an empty mapping means that nobody is banned."""
    before = len(problems)
    said = renderer.tree(variables.get(VARIABLE), here(VARIABLE))
    if said is None or said == {} or len(problems) > before:
        return
    if not isinstance(said, Mapping):
        problems.say(VARIABLE, (), shown(said), "a mapping with failures, within and for")
        return
    read_model(Ban, dict(said), lambda path: (VARIABLE, path_text(path)), problems)

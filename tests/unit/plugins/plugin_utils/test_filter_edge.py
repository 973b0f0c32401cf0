# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The edge between Jinja and our functions."""

from __future__ import annotations

from typing import Any

import pytest
from ansible.errors import AnsibleFilterError
from ansible_collections.kronos.homelab.plugins.plugin_utils.filter_edge import data_filter, plan_filter
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError

PLAN = {"schema": 1, "services": {}}


class Tagged(str):
    """Stands for Ansible's own kind of text."""


def test_plain_data_in() -> None:
    seen: list[Any] = []

    def render(plan: Any, *arguments: Any, **named: Any) -> str:
        seen.extend([plan, *arguments, named])
        return "done"

    given = ({**PLAN, Tagged("x"): [Tagged("y")]}, (Tagged("z"),))
    assert plan_filter(render)(*given, key=Tagged("v")) == "done"
    assert seen == [{**PLAN, "x": ["y"]}, ["z"], {"key": "v"}]
    assert type(seen[0]["x"][0]) is type(seen[1][0]) is type(seen[2]["key"]) is str


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (None, "input: a plan is wanted, found nothing"),
        ([], "input: a plan is wanted, found an empty list"),
        ({"schema": 1}, "input: a plan is wanted, found a mapping"),
        ({"services": {}}, "input.schema: 1 is wanted, found nothing"),
        ({**PLAN, "schema": 2}, "input.schema: 1 is wanted, found 2"),
        ({**PLAN, "x": object()}, "cannot be made plain: object"),
    ],
)
def test_no_plan(given: Any, message: str) -> None:
    with pytest.raises(AnsibleFilterError) as error:
        plan_filter(lambda plan: plan)(given)
    assert message in str(error.value)


@pytest.mark.parametrize("kind", [RenderError, TypeError])
def test_errors_keep_their_words(kind: type[Exception]) -> None:
    def render(_data: Any) -> None:
        raise kind("routes.app.path: no")

    with pytest.raises(AnsibleFilterError, match=r"routes\.app\.path: no"):
        data_filter(render)({})


def test_mistakes_of_ours_are_not_hidden() -> None:
    with pytest.raises(KeyError):
        plan_filter(lambda plan: plan["nothing"])(PLAN)

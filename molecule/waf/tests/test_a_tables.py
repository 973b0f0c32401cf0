# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Attacks are refused and logged with their rules, honest requests pass; both are shown as a table."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
import waftest
from ansible_collections.kronos.homelab.plugins.plugin_utils.table import render_table
from attacks import ATTACKS, MISSED
from honest import HONEST, TAKEN_FOR_ATTACKS
from requests_table import Ask
from waftest import Outcome


def send_all(route: str, table: Sequence[Ask]) -> dict[str, Outcome]:
    return {row.name: waftest.ask(route, row) for row in table}


def shown(title: str, table: Sequence[Ask], columns: dict[str, dict[str, Outcome]], log: dict[str, Any]) -> str:
    lines = []
    for row in table:
        outcomes = [column[row.name] for column in columns.values()]
        rules = log.get(outcomes[0].refused, {}).get("rules", [])
        said = " ".join(str(rule) for rule in dict.fromkeys(rules) if rule != 949110)
        lines.append([row.name, *(word(outcome) for outcome in outcomes), said])
    return f"\n{title}\n" + render_table([f"{len(table)} rows", *columns, "rules of the first column"], lines) + "\n"


def word(outcome: Outcome) -> str:
    return f"REFUSED {outcome.status}" if outcome.refused else f"passed {outcome.status}"


def test_attacks_are_refused_and_logged_with_their_rules(host: Any, capsys: pytest.CaptureFixture[str]) -> None:
    plain, strict = send_all("app", ATTACKS), send_all("strict", ATTACKS)
    log = waftest.log(host, *(one.refused for one in (*plain.values(), *strict.values())))
    with capsys.disabled():
        print(shown("Attacks", ATTACKS, {"paranoia 1": plain, "paranoia 2": strict}, log))
    assert len(ATTACKS) - len(MISSED) >= 40
    wrong = []
    for row in ATTACKS:
        outcome, entry = plain[row.name], log[plain[row.name].refused]
        if row in MISSED:
            fine = not outcome.refused and outcome.status == 200
        else:
            fine = outcome.status == entry.get("status") == 403
            fine = fine and row.rules[0] in entry["rules"] and entry["uri"] == row.path
            fine = fine and (entry["route"], entry["host"]) == ("app", f"app.{waftest.labtest.HOST}.localhost")
        if not fine:
            wrong.append((row.name, outcome.status, entry))
    assert not wrong
    # nothing that was refused once passes a stricter look, and that look sees more
    assert not [name for name in plain if plain[name].refused and not strict[name].refused]
    assert [name for name in plain if strict[name].refused and not plain[name].refused]


def test_honest_requests_pass(host: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """Those that the core rule set takes for attacks pass where the rules are left out that are named for them."""
    plain, spared, strict = (send_all(route, HONEST) for route in ("app", "spared", "strict"))
    log = waftest.log(host, *(one.refused for one in (*plain.values(), *strict.values())))
    columns = {"paranoia 1": plain, "with exclusions": spared, "paranoia 2": strict}
    with capsys.disabled():
        print(shown("Honest requests", HONEST, columns, log))
    assert len(HONEST) - len(TAKEN_FOR_ATTACKS) >= 40
    taken = {row.name: set(row.rules) for row in TAKEN_FOR_ATTACKS}
    false = {name: set(log[one.refused]["rules"]) - {949110} for name, one in plain.items() if one.refused}
    assert false == taken
    assert not [(name, one.status) for name, one in plain.items() if not one.refused and one.status != 200]
    assert not [(name, one.status) for name, one in spared.items() if one.status != 200]
    # and what passed arrived as it was sent
    wrong = []
    for row in HONEST:
        if row.method != "HEAD":
            seen = spared[row.name].seen
            if (seen["method"], seen["path"], seen["length"]) != (row.method, row.path, len(row.body)):
                wrong.append((row.name, seen))
    assert not wrong

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input ends before the host is touched."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import labtest
import yaml

TABLE = yaml.safe_load((labtest.ROOT / "tests" / "broken" / "inventories.yml").read_text())
# cases with record files of their own need a copy of the collection; the unit suite has them
CASES = [case for case in TABLE["cases"] if not case.keys() & {"files", "hosts"}]
# the unit suite plans every one; against a real host a sixth of them is enough for each day
TAKEN = CASES if labtest.FULL else CASES[::6]


def snapshot(host: Any) -> str:
    files = "find /opt/kronos /etc/kronos /var/lib/kronos /etc/docker -type f -exec sha256sum {} + | sort"
    return str(host.check_output(files) + host.check_output("docker ps --no-trunc --format '{{.ID}} {{.CreatedAt}}'"))


def complaint(case: dict[str, Any], folder: Path) -> str:
    """Run site.yml with a broken inventory; returns what is wrong with the answer, or nothing."""
    folder.mkdir()
    merged = {**TABLE["base"], **case.get("variables", {})}
    inventory = labtest.write_inventory(folder, {name: value for name, value in merged.items() if value is not None})
    run = labtest.play("site.yml", inventory=inventory)
    told = "\n".join(run.failures)
    lacking = [part for one in case["expect"] for part in (one if isinstance(one, list) else [one]) if part not in told]
    if run.code == 0 or lacking or "Traceback" in run.output:
        return f"{case['name']}: exit code {run.code}, lacking {lacking} in {told or run.output}"
    return ""


def test_broken_inventories_get_their_message_and_the_host_stays_untouched(host: Any, tmp_path: Path) -> None:
    assert len(TAKEN) >= 20
    before = snapshot(host)
    with ThreadPoolExecutor(2) as pool:
        found = list(pool.map(lambda one: complaint(one[1], tmp_path / str(one[0])), enumerate(TAKEN)))
    assert [line for line in found if line] == []
    assert snapshot(host) == before

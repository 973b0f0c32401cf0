# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests through the proxy and the firewall, and what the firewall wrote of them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import labtest
import yaml
from requests_table import BROWSER, Ask

VARIABLES = yaml.safe_load(Path(__file__).parents[1].joinpath("vars", "main.yml").read_text())
REFUSED = "X-Kronos-Refused"
USUAL = {"User-Agent": BROWSER, "Accept": "*/*"}


@dataclass(frozen=True)
class Outcome:
    """What came back: the status, the firewall's number where it refused, and the body."""

    status: int
    refused: str
    body: str

    @property
    def seen(self) -> dict[str, Any]:
        """What the backend says that it was sent."""
        return dict(json.loads(self.body))


def ask(name: str, what: Ask) -> Outcome:
    """Send it to the route of this name."""
    connection = labtest.connect(name)
    try:
        headers = {**USUAL, **what.headers}
        connection.request(what.method, what.path, what.body or None, headers)
        answer = connection.getresponse()
        return Outcome(answer.status, answer.headers.get(REFUSED, ""), answer.read().decode("utf-8", "replace"))
    finally:
        connection.close()


def site(*arguments: str, **variables: Any) -> labtest.Run:
    """Run site.yml; *variables* are added to those of the scenario."""
    return labtest.site(*arguments, **{**VARIABLES, **variables})


def log(host: Any) -> dict[str, dict[str, Any]]:
    """What the firewall wrote, by number: {route, host, client, uri, status, rules, engine}."""
    found = {}
    for line in host.check_output("docker logs waf 2>/dev/null").splitlines():
        if not line.startswith("{"):
            continue
        entry = json.loads(line)["transaction"]
        route, name, number = entry["unique_id"].split("/")
        found[number] = {
            "route": route,
            "host": name,
            "client": entry["client_ip"],
            "uri": entry["request"]["uri"],
            "status": entry["response"]["http_code"],
            "rules": [int(message["details"]["ruleId"]) for message in entry["messages"]],
        }
    return found

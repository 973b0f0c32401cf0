# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests through the proxy and the firewall, and what the firewall wrote of them."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterable
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


def log(host: Any, *numbers: str) -> dict[str, dict[str, Any]]:
    """What the firewall wrote, by number: {route, host, client, uri, status, rules}; with these, which must be there.

    It writes after it has answered, and Docker's journal takes a moment.
    """
    return dict(labtest.until(lambda: _log(host, numbers), 15, f"the log has {numbers}"))


def _log(host: Any, numbers: Iterable[str]) -> dict[str, dict[str, Any]] | None:
    found: dict[str, dict[str, Any]] = {"": {}}
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
    return found if set(numbers) <= set(found) else None


AS_THE_PROXY = """
import http.client, sys
address, name, path, mark, forwarded = sys.argv[1:]
connection = http.client.HTTPConnection(address, 8080, timeout=10)
headers = {"Host": name, "X-Kronos-Route": mark, "X-Forwarded-For": forwarded, "Accept": "*/*", "User-Agent": "x"}
connection.request("GET", path, headers=headers)
print(connection.getresponse().headers["X-Kronos-Refused"])
"""


def ask_as_the_proxy(host: Any, route: str, path: str, forwarded: str) -> str:
    """Send it from the proxy's own network, with this X-Forwarded-For; returns the number of the refusal."""
    pid = host.check_output("docker inspect -f '{{.State.Pid}}' traefik")
    network = '{{(index .NetworkSettings.Networks "kronos-in-default").IPAddress}}'
    address = host.check_output(f"docker inspect -f '{network}' waf")
    name = f"{route}.{labtest.HOST}.localhost"
    words = " ".join(shlex.quote(word) for word in (AS_THE_PROXY, address, name, path, route, forwarded))
    return str(host.check_output(f"nsenter -t {pid} -n python3 -c {words}"))

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What routes may say of the firewall, what goes through it, and who is believed."""

from __future__ import annotations

import hashlib
import json
import os
from typing import Any

import labtest
import pytest
import waftest
from attacks import ATTACKS
from honest import TAKEN_FOR_ATTACKS
from kronos_docs.markdown_page import blocks
from requests_table import Ask, get, query, send

SQL = next(row for row in ATTACKS if row.name == "sql: always true")
RECIPE = next(row for row in TAKEN_FOR_ATTACKS if row.name == "taken: a recipe for the shell")


def test_detection_only_lets_pass_and_writes_down(host: Any) -> None:
    here = query("detected", "1' OR '1'='1", path=f"/{os.urandom(4).hex()}")
    assert waftest.ask("watched", here).seen["path"] == here.path

    def entries() -> list[Any]:
        return [one for one in waftest.log(host).values() if one.get("uri") == here.path]

    (entry,) = labtest.until(entries, 15, "written down")
    assert (entry["route"], entry["status"]) == ("watched", 200)
    assert {942100, 949110} <= set(entry["rules"])


def test_a_rule_is_left_out_for_one_service_alone(host: Any) -> None:
    refused = waftest.ask("app", RECIPE)
    assert (refused.status, waftest.ask("spared", RECIPE).status) == (403, 200)
    assert waftest.log(host, refused.refused)[refused.refused]["rules"] == [930120, 949110]
    assert waftest.ask("spared", SQL).status == 403


def test_the_page_says_how_the_log_is_read(host: Any) -> None:
    """The command of docs/waf.md, as it stands there, with the words of its example."""
    (command,) = [
        block.text for block in blocks((labtest.ROOT / "docs" / "waf.md").read_text()) if block.language == "bash"
    ]
    refused = waftest.ask("app", RECIPE)
    waftest.log(host, refused.refused)
    lines = host.check_output(command).splitlines()
    place = lines.index(f'"unique_id":"app/app.{labtest.HOST}.localhost/{refused.refused}"')
    assert lines[place - 1].startswith('"client_ip":"')
    assert lines[place + 1 :] == [
        '"uri":"/api/notes"',
        '"ruleId":"930120"',
        '"data":"Matched Data: etc/hosts found within ARGS:json.text: run: cat /etc/hosts"',
        '"ruleId":"949110"',
        '"data":""',
    ]


def test_an_answer_of_the_service_is_not_called_a_refusal() -> None:
    outcome = waftest.ask("app", get("the service's own", "/forbidden"))
    assert (outcome.status, outcome.refused) == (403, "")
    assert outcome.seen["status"] == "ok"


def test_web_sockets_go_through() -> None:
    connection = labtest.connect("app")
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    connection.request(
        "GET", "/socket", headers={**waftest.USUAL, **upgrade, "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ=="}
    )
    raw = connection.sock
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += raw.recv(1)
    assert head.startswith(b"HTTP/1.1 101 ")
    assert b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=" in head
    for text in (b"first", b"1' OR '1'='1"):
        mask = os.urandom(4)
        raw.sendall(bytes([0x81, 0x80 | len(text)]) + mask + bytes(one ^ mask[n % 4] for n, one in enumerate(text)))
        answer = b""
        while len(answer) < len(text) + 2:
            answer += raw.recv(100)
        assert answer[2:] == text
    raw.close()


def test_an_upload_of_20_mb_arrives_whole(host: Any) -> None:
    data = os.urandom(1 << 20) * 20
    seen = waftest.ask("app", send("20 MB", "PUT", "/files/film.mkv", "video/x-matroska", data)).seen
    assert (seen["length"], seen["sha256"]) == (len(data), hashlib.sha256(data).hexdigest())
    # what waited in a file is gone
    assert host.check_output("find /srv/kronos/waf/bodies -type f") == ""


def test_a_chunked_upload_arrives_whole_and_is_looked_at() -> None:
    def chunks(content: bytes) -> dict[str, Any]:
        return {"body": iter([content[:1000], content[1000:]]), "encode_chunked": True}

    outcomes = []
    for route, content in (("app", bytes(range(256)) * 4000), ("app", b"q=1' UNION SELECT 1,2,3--&r=" + b"x" * 1500)):
        connection = labtest.connect(route)
        kind = "application/x-www-form-urlencoded" if content[:2] == b"q=" else "application/octet-stream"
        headers = {**waftest.USUAL, "Content-Type": kind, "Transfer-Encoding": "chunked"}
        connection.request("POST", "/up", headers=headers, **chunks(content))
        answer = connection.getresponse()
        outcomes.append((answer.status, answer.read()))
        connection.close()
    assert outcomes[0][0] == 200
    assert json.loads(outcomes[0][1])["length"] == 1024000
    assert outcomes[1][0] == 403


@pytest.mark.parametrize(
    ("route", "kind", "length", "status", "rule"),
    [
        ("strict", "application/octet-stream", 140000, 413, None),
        ("app", "application/octet-stream", 140000, 200, None),
        ("app", "application/json", 3000000, 413, 100001),
    ],
)
def test_more_than_is_looked_at_is_refused(
    host: Any, route: str, kind: str, length: int, status: int, rule: int | None
) -> None:
    body = b'{"a": "' + b"x" * length + b'"}' if kind.endswith("json") else b"x" * length
    outcome = waftest.ask(route, send("long", "POST", "/up", kind, body))
    assert outcome.status == status
    if rule:
        assert waftest.log(host, outcome.refused)[outcome.refused]["rules"] == [rule]


def test_the_client_is_the_one_that_the_proxy_saw(host: Any) -> None:
    """What a client says of its own address is believed neither by the firewall nor behind it."""
    forged = {"X-Forwarded-For": "203.0.113.66", "X-Real-Ip": "203.0.113.66", "Forwarded": "for=203.0.113.66"}
    seen = waftest.ask("app", get("forged", "/")).seen["headers"]
    mine = seen["X-Forwarded-For"]
    seen = waftest.ask("app", Ask("forged", "/", headers=forged)).seen["headers"]
    assert seen["X-Forwarded-For"] == seen["X-Real-Ip"] == mine
    assert seen["X-Forwarded-Proto"] == "https"
    assert seen["Host"] == f"app.{labtest.HOST}.localhost"
    refused = waftest.ask("app", Ask("forged", SQL.path, headers=forged))
    assert waftest.log(host, refused.refused)[refused.refused]["client"] == mine != "203.0.113.66"


def test_a_client_does_not_choose_the_route() -> None:
    """The mark is the proxy's: app stays app, and its rules with it; a route without the firewall stays without."""
    for mark in ({"X-Kronos-Route": "spared"}, {"x-kronos-route": "guarded", "X_Kronos_Route": "guarded"}):
        assert waftest.ask(
            "app", Ask("marked", RECIPE.path, RECIPE.method, RECIPE.body, {**RECIPE.headers, **mark})
        ).refused
        passed = waftest.ask("app", Ask("marked", "/", headers=mark))
        assert passed.status == 200
        assert "X-Kronos-Route" not in passed.seen["headers"]
    dropped = Ask("dropped", "/", headers={"Connection": "X-Kronos-Route", "X-Kronos-Route": "spared"})
    assert waftest.ask("app", dropped).status in (200, 421)


def test_only_the_proxy_is_answered(host: Any) -> None:
    """A container of the serving side would come past the proxy's rules: guarded is for the VPN alone."""
    addresses = host.check_output(
        "docker inspect -f '{{range $name, $one := .NetworkSettings.Networks}}{{$one.IPAddress}} {{end}}' waf"
    ).split()
    assert len(addresses) >= 3  # its zone's own, and the serving side of each zone
    script = (
        "import http.client,sys\n"
        "c = http.client.HTTPConnection(sys.argv[1], 8080, timeout=5)\n"
        "try:\n"
        "    headers = {'Host': sys.argv[2], 'X-Kronos-Route': 'guarded', 'X-Forwarded-For': sys.argv[3]}\n"
        "    c.request('GET', '/', headers=headers)\n"
        "    print(c.getresponse().status)\n"
        "except (OSError, http.client.HTTPException) as error:\n"
        "    print(type(error).__name__)\n"
    )
    for address in addresses:
        command = f'docker exec app python3 -c "{script}" {address} guarded.{labtest.HOST}.localhost 10.0.0.1'
        assert host.check_output(command) in ("RemoteDisconnected", "ConnectionResetError", "TimeoutError", "OSError")


def test_it_runs_as_closed_as_its_record_says(host: Any) -> None:
    one = labtest.inspect(host, ["waf"])["waf"]
    assert (one["Config"]["User"], one["HostConfig"]["ReadonlyRootfs"]) == ("101:101", True)
    assert not one["HostConfig"]["CapAdd"]
    assert not one["HostConfig"]["PortBindings"]

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Cloudflare's API and for services that tell one's address, for the tests alone.

It answers as https://developers.cloudflare.com/api/ says the real one does: pages with limits, errors in an envelope,
429 with Retry-After, no two equal records, a proxy for A, AAAA and CNAME alone, whose TTL is automatic.
Below /test/ a test looks at it and tells it how to misbehave: nothing of that is Cloudflare's.
"""

from __future__ import annotations

import json
import sys
import threading
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

TOKEN = "a-token-of-the-lab-0123456789abcdef"
ZONES = {
    "z1": "localhost",
    "z2": "outside.localhost",
    "z3": "other.example",
    **{f"y{n}": f"z{n}.example" for n in range(60)},
}
PROXIED = ("A", "AAAA", "CNAME")
LOCK = threading.Lock()


class World:
    """Everything there is: records, what was asked, how to misbehave next, which address one has."""

    def __init__(self) -> None:
        self.records: dict[str, list[dict[str, Any]]] = {zone: [] for zone in ZONES}
        self.asked: list[str] = []
        self.faults: list[dict[str, Any]] = []
        self.addresses: dict[str, str] = {"4": "9.9.9.9", "6": "2620:fe::fe"}
        self.number = 0


WORLD = World()


class Refused(Exception):
    """An answer in Cloudflare's envelope that is none of success."""

    def __init__(self, status: int, code: int, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Handler(BaseHTTPRequestHandler):
    """Each request."""

    protocol_version = "HTTP/1.1"

    def handle_any(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        query = dict(urllib.parse.parse_qsl(parts.query))
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        with LOCK:
            if parts.path.startswith("/test/"):
                return self.control(parts.path, raw)
            if parts.path.startswith("/address/"):
                return self.address(parts.path.rpartition("/")[2])
            WORLD.asked.append(f"{self.command} {self.path}")
            if WORLD.faults and self.misbehave(WORLD.faults[0]):
                return None
            try:
                self.authenticate()
                self.reply(200, self.answer(parts.path.removeprefix("/client/v4"), query, raw))
            except Refused as error:
                self.reply(error.status, {"result": None, **envelope(False, [(error.code, str(error))])})
        return None

    do_GET = do_POST = do_PATCH = do_DELETE = do_PUT = handle_any

    def control(self, path: str, raw: bytes) -> None:
        """What a test asks for."""
        said = json.loads(raw or b"{}")
        if path == "/test/set":
            WORLD.faults = said.get("faults", WORLD.faults)
            WORLD.addresses.update(said.get("addresses", {}))
            for zone, record in said.get("records", []):
                WORLD.number += 1
                WORLD.records[zone].append({"id": f"r{WORLD.number}", "ttl": 1, "proxied": False, **record})
            for name in said.get("forget", []):
                for zone, records in WORLD.records.items():
                    WORLD.records[zone] = [each for each in records if each["name"] != name]
            WORLD.asked.clear()
        self.reply(200, vars(WORLD))

    def address(self, family: str) -> None:
        """Say which address the asker has, if that service works."""
        address = WORLD.addresses.get(family, "")
        self.raw(200 if address else 503, (address or "down").encode() + b"\n", {"Content-Type": "text/plain"})

    def misbehave(self, fault: dict[str, Any]) -> bool:
        """Do what a test has ordered, as often as it said; whether that was the answer."""
        if fault.get("method") not in (None, self.command):
            return False
        fault["times"] = fault.get("times", 1) - 1
        if fault["times"] <= 0:
            WORLD.faults.remove(fault)
        kind = fault["kind"]
        if kind == "limit":
            headers = {"Retry-After": fault["after"]} if "after" in fault else {}
            body = {"result": None, **envelope(False, [(10429, "Rate limited. Please wait.")])}
            self.raw(429, json.dumps(body).encode(), headers)
        elif kind == "broken":
            self.raw(int(fault.get("status", 502)), b"<html>error code: 502</html>", {})
        elif kind == "cut":
            self.send_response(200)
            self.send_header("Content-Length", "5000")
            self.end_headers()
            self.wfile.write(b'{"result": [{"id"')
            self.close_connection = True
        elif kind == "moved":
            self.raw(302, b"", {"Location": "http://127.0.0.1:8055/elsewhere"})
        elif kind == "half":
            return False
        else:
            self.close_connection = True
        return True

    def authenticate(self) -> None:
        """Refuse who has no token, or not the right one."""
        said = self.headers.get("Authorization") or ""
        if not said.startswith("Bearer "):
            raise Refused(400, 9106, "Missing X-Auth-Key, X-Auth-Email or Authorization headers")
        if said != f"Bearer {TOKEN}":
            raise Refused(403, 9109, "Invalid access token")

    def answer(self, path: str, query: dict[str, str], raw: bytes) -> dict[str, Any]:
        """What stands behind each path."""
        words = path.strip("/").split("/")
        if words == ["zones"] and self.command == "GET":
            found = [{"id": key, "name": name} for key, name in ZONES.items() if query.get("name") in (None, name)]
            return paged(found, query, most=50)
        if len(words) < 3 or words[0] != "zones" or words[2] != "dns_records":
            raise Refused(404, 7003, f"Could not route to {path}, perhaps your object identifier is invalid?")
        if words[1] not in ZONES:
            raise Refused(404, 7003, "Could not route to the zone, perhaps its identifier is invalid?")
        records = WORLD.records[words[1]]
        if self.command == "GET":
            return paged([each for each in records if query.get("name") in (None, each["name"])], query, most=5000)
        if self.command == "POST":
            return {"result": create(records, ZONES[words[1]], json.loads(raw)), **envelope(True)}
        record = next((each for each in records if each["id"] == words[-1]), None)
        if record is None:
            raise Refused(404, 81044, "Record does not exist.")
        if self.command == "DELETE":
            records.remove(record)
            return {"result": {"id": record["id"]}, **envelope(True)}
        changed = checked({**record, **json.loads(raw)}, ZONES[words[1]])
        record.update(changed)
        return {"result": record, **envelope(True)}

    def reply(self, status: int, data: Any) -> None:
        self.raw(status, json.dumps(data).encode(), {"Content-Type": "application/json"})

    def raw(self, status: int, body: bytes, headers: dict[str, str]) -> None:
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_words: Any) -> None:
        """Say nothing."""


def envelope(success: bool, errors: Any = ()) -> dict[str, Any]:
    return {"success": success, "errors": [{"code": c, "message": m} for c, m in errors], "messages": []}


def paged(found: list[dict[str, Any]], query: dict[str, str], most: int) -> dict[str, Any]:
    """A page of a list; a page size beyond the limit is refused."""
    page, size = int(query.get("page", 1)), int(query.get("per_page", 20))
    if not 5 <= size <= most:
        raise Refused(400, 1004, f"per_page must be between 5 and {most}")
    pages = -(-len(found) // size)
    part = found[(page - 1) * size : page * size]
    info = {"page": page, "per_page": size, "count": len(part), "total_count": len(found), "total_pages": pages}
    return {"result": part, "result_info": info, **envelope(True)}


def checked(record: dict[str, Any], zone: str) -> dict[str, Any]:
    """The record as it is kept, or a refusal."""
    if not (record["name"] == zone or record["name"].endswith(f".{zone}")):
        record["name"] = f"{record['name']}.{zone}"
    if record.get("proxied") and record["type"] not in PROXIED:
        raise Refused(400, 9004, "This record type cannot be proxied.")
    if len(record.get("comment") or "") > 100:
        raise Refused(400, 9300, "Comment exceeds the maximum length of 100 characters.")
    if record.get("proxied"):
        record["ttl"] = 1
    return record


def create(records: list[dict[str, Any]], zone: str, said: dict[str, Any]) -> dict[str, Any]:
    """A new record, if there is no equal one, and no other kind beside a CNAME."""
    record = checked({"ttl": 1, "proxied": False, "comment": None, **said}, zone)
    for other in (each for each in records if each["name"] == record["name"]):
        if (other["type"], other["content"]) == (record["type"], record["content"]):
            raise Refused(400, 81058, "An identical record already exists.")
        if "CNAME" in (other["type"], record["type"]):
            raise Refused(400, 81053, "An A, AAAA, or CNAME record with that host already exists.")
    WORLD.number += 1
    record["id"] = f"r{WORLD.number}"
    records.append(record)
    return record


if __name__ == "__main__":
    ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1])), Handler).serve_forever()

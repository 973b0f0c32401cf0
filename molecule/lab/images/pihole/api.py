# SPDX-License-Identifier: GPL-3.0-or-later
"""Pi-hole's API, as it was observed on FTL 6.4.1: its sessions, its answers that say well, its short absences."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import secrets
import sqlite3
import threading
import time
import urllib.parse
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import ftl
import gravity

SEATS, VALID = 16, 1800
BAD_LOGINS, FORGET = 5, 10.0
ANSWERS_YET, AWAY = 0.25, 0.8
ITEM = {"groups": "name", "lists": "address", "clients": "client", "domains": "domain"}
OPEN = ("auth", "info/login")


class Error(Exception):
    """An answer that says no."""

    def __init__(self, status: int, key: str, message: str, hint: str | None = None) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"key": key, "message": message, "hint": hint}, "took": 0.001}


class Api:
    """State of the API, and its server, which goes away for a moment now and then."""

    def __init__(self, config: ftl.Config, database: gravity.Database, resolver: ftl.Resolver, port: int = 80) -> None:
        self.config, self.database, self.resolver = config, database, resolver
        self.port = port
        self.sessions: dict[str, dict[str, Any]] = {}
        self.bad: list[float] = []
        self.lock = threading.RLock()
        self.server: ThreadingHTTPServer | None = None
        self.counts = {"logins": 0, "gravity": 0, "restarts": 0}
        self.searchable = 0.0

    def run(self) -> None:
        """Serve until the process ends; each round is one life between two restarts."""
        handler = type("Bound", (Handler,), {"api": self})
        ThreadingHTTPServer.daemon_threads = True
        ThreadingHTTPServer.request_queue_size = 64
        while True:
            self.server = ThreadingHTTPServer(("", self.port), handler)
            self.server.serve_forever(poll_interval=0.05)
            self.server.server_close()
            self.resolver.stop()
            time.sleep(AWAY)
            self.resolver.start()

    def restart(self) -> None:
        """Answer for a moment yet, then refuse connections for another."""
        self.counts["restarts"] += 1
        threading.Timer(ANSWERS_YET, lambda: self.server and self.server.shutdown()).start()

    def log_in(self, body: Any) -> tuple[int, Any]:
        if not isinstance(body, dict) or not isinstance(body.get("password"), str):
            raise Error(400, "bad_request", "No password found in JSON payload")
        now = time.monotonic()
        self.bad = [moment for moment in self.bad if now - moment < FORGET]
        if len(self.bad) >= BAD_LOGINS:
            raise Error(429, "rate_limiting", "Rate-limiting login attempts")
        for sid in [sid for sid, found in self.sessions.items() if found["until"] < now]:
            del self.sessions[sid]
        app = bool(self.config.app_hash) and app_hash(body["password"]) == self.config.app_hash
        if body["password"] != self.config.password and not app:
            self.bad.append(now)
            return 401, session(None, False, "password incorrect")
        if not self.config.password:
            return 200, session(None, True, "no password set")
        if len(self.sessions) >= SEATS:
            raise Error(429, "api_seats_exceeded", "API seats exceeded", "increase webserver.api.max_sessions")
        sid = base64.b64encode(secrets.token_bytes(16)).decode()
        self.sessions[sid] = {"until": now + VALID, "app": app}
        self.counts["logins"] += 1
        return 200, session(sid, True, "app-password correct" if app else "password correct")


def session(sid: str | None, valid: bool, message: str) -> Any:
    """The object of every answer to a login."""
    csrf = secrets.token_urlsafe(16) if sid else None
    validity = VALID if sid else -1
    return {
        "session": {"valid": valid, "totp": False, "sid": sid, "csrf": csrf, "validity": validity, "message": message}
    }


def app_hash(password: str) -> str:
    """Stands for FTL's own hash of an app password."""
    return "$LAB$" + hashlib.sha256(password.encode()).hexdigest()


class Handler(BaseHTTPRequestHandler):
    """One request."""

    api: Api
    protocol_version = "HTTP/1.1"

    def log_message(self, *_arguments: Any) -> None:
        """No line for each request."""

    def _serve(self) -> None:
        parts = urllib.parse.urlsplit(self.path)
        length = int(self.headers.get("Content-Length") or 0)
        raw = self.rfile.read(length)
        self.query = dict(urllib.parse.parse_qsl(parts.query))
        if not parts.path.startswith("/api/"):
            self._send(200 if parts.path.startswith("/admin") else 404, "<html>Pi-hole</html>")
            return
        path = parts.path[len("/api/") :].strip("/")
        words = [urllib.parse.unquote(word) for word in path.split("/")]
        try:
            try:
                body = json.loads(raw) if raw else None
            except ValueError:
                raise Error(400, "bad_request", "Invalid request body data (no valid JSON)") from None
            if path not in OPEN or (path == "auth" and self.command == "DELETE"):
                self._authorize(body)
            if path == "action/gravity" and self.command == "POST":
                self._gravity()
                return
            with self.api.lock:
                status, answer = self._route(words, body)
        except Error as error:
            status, answer = error.status, error.body
        except ftl.Bad as bad:
            status, answer = 400, Error(400, "bad_request", bad.message, bad.hint).body
        self._send(status, answer)

    do_GET = do_POST = do_PUT = do_PATCH = do_DELETE = _serve

    def _send(self, status: int, body: Any) -> None:
        data = b"" if status == 204 else body.encode() if isinstance(body, str) else json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Type", "text/html" if isinstance(body, str) else "application/json; charset=utf-8")
        if status != 204:
            self.send_header("Content-Length", str(len(data)))
        self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(data)
        self.close_connection = True

    def _authorize(self, body: Any) -> None:
        self.session = None
        if not self.api.config.password:
            return
        given = self.headers.get("X-FTL-SID") or self.headers.get("sid") or self.query.get("sid")
        if not given and isinstance(body, dict):
            given = body.get("sid")
        found = self.api.sessions.get(given or "")
        if not found or found["until"] < time.monotonic():
            raise Error(401, "unauthorized", "Unauthorized")
        found["until"] = time.monotonic() + VALID
        self.sid, self.session = given, found

    def _route(self, words: list[str], body: Any) -> tuple[int, Any]:
        api, method = self.api, self.command
        where = "/".join(words[:2])
        if words == ["auth"]:
            if method == "POST":
                return api.log_in(body)
            if method == "DELETE":
                api.sessions.pop(getattr(self, "sid", ""), None)
                return 204, None
            return 200, session(None, False, "")
        if where == "auth/sessions":
            return 200, {"sessions": [{"id": number} for number in range(len(api.sessions))]}
        if where == "auth/app":
            word = secrets.token_urlsafe(24)
            return 200, {"app": {"password": word, "hash": app_hash(word)}}
        if where == "info/login":
            return 200, {"https_port": 0, "dns": True}
        if where == "info/version":
            return 200, {"version": {"core": {"local": {"version": "v6.2.2"}}, "ftl": {"local": {"version": "v6.4.1"}}}}
        if where == "info/lab":  # the lab's own: what the tests count
            return 200, {**api.counts, "sessions": len(api.sessions)}
        if where == "action/restartdns":
            api.restart()
            return 200, {"status": "ok"}
        if where == "dns/blocking":
            return self._blocking(body)
        if words[0] == "search":
            if time.monotonic() < api.searchable:
                raise Error(500, "internal_error", "Could not search: database is being replaced")
            return 200, {"search": {"domains": [], "gravity": []}}
        if words[0] == "config":
            return self._config(words[1:], body)
        if words[0] in ITEM:
            status, answer = self._rows(words[0], words[1:], body)
            if method != "GET" and words[0] != "lists":
                api.resolver.reload()  # lists act after gravity alone
            return status, answer
        raise Error(404, "not_found", "Not found")

    def _blocking(self, body: Any) -> tuple[int, Any]:
        dns = self.api.config.tree["dns"]["blocking"]
        if self.command == "POST":
            if not isinstance(body, dict) or not isinstance(body.get("blocking"), bool):
                raise Error(400, "bad_request", "No blocking status found in JSON payload")
            dns["active"] = body["blocking"]
            self.api.config.save()
            self.api.resolver.reload()
        return 200, {"blocking": "enabled" if dns["active"] else "disabled", "timer": None}

    # configuration

    def _config(self, words: list[str], body: Any) -> tuple[int, Any]:
        config = self.api.config
        if self.command == "GET":
            tree = config.shown()
            value = ftl.at(tree, tuple(words))
            if value is None:
                return 200, {"config": {}}
            for word in reversed(words):
                value = {word: value}
            return 200, {"config": value}
        if self.session and self.session["app"] and not config.tree["webserver"]["api"]["app_sudo"]:
            raise Error(403, "forbidden", "Unable to change configuration (read-only)", "app session is not allowed to")
        if self.command == "PATCH":
            if not isinstance(body, dict) or not isinstance(body.get("config"), dict):
                raise Error(400, "bad_request", 'No "config" object found in body data')
            changed = config.change(body["config"])
            given = ftl.at(body, ("config", "webserver", "api", "app_pwhash"))
            if given is not None or ftl.at(body, ("config", "webserver", "api", "password")) is not None:
                config.app_hash = given or config.app_hash
                self.api.sessions.clear()
            self._taken(changed)
            return 200, {"config": config.shown()}
        path, item = tuple(words[:-1]), words[-1]
        lines = ftl.at(config.tree, path)
        if not isinstance(lines, list):
            raise Error(
                400, "bad_request", "Invalid path depth", "Use, e.g., DELETE /config/dnsmasq/upstreams/127.0.0.1"
            )
        if self.command == "PUT":
            if item in lines:
                raise Error(400, "bad_request", "Item already present", "Uniqueness of items is enforced")
            lines = [*lines, item]
        elif item not in lines:
            return 404, {"took": 0.001}
        else:
            lines = [line for line in lines if line != item]
        tree: Any = lines
        for word in reversed(path):
            tree = {word: tree}
        self._taken(config.change(tree))
        return (201, {"config": config.shown()}) if self.command == "PUT" else (204, None)

    def _taken(self, changed: set[tuple[str, ...]]) -> None:
        if any(set(path) & ftl.RESTART for path in changed) and self.query.get("restart") != "false":
            self.api.restart()
        elif changed:
            self.api.resolver.reload()

    # groups, domains, lists, clients

    def _rows(self, section: str, words: list[str], body: Any) -> tuple[int, Any]:
        database, item = self.api.database, ITEM[section]
        fixed = self._fixed(section, words)
        name = words[2 if section == "domains" else 0] if len(words) > (2 if section == "domains" else 0) else None
        rows = [row for row in database.rows(section) if all(row[key] == value for key, value in fixed.items())]
        same = [row for row in rows if name is not None and row[item] == name]
        if self.command == "GET":
            return 200, {section: rows if name is None else same}
        if self.command == "DELETE":
            for row in same:
                database.drop(section, row["id"])
            return (204, None) if same else (404, {"took": 0.001})
        if not isinstance(body, dict):
            raise Error(400, "bad_request", "No request body data")
        if self.command == "POST":
            names = body.get(item)
            return 201, self._processed(section, fixed, names if isinstance(names, list) else [names], body)
        return self._put(section, fixed, str(name), same, body)

    def _fixed(self, section: str, words: list[str]) -> dict[str, str]:
        if section == "domains":
            fixed = dict(zip(("type", "kind"), words[:2], strict=False))
            if self.command not in ("GET",) and tuple(fixed.values()) not in gravity.DOMAIN_TYPES:
                raise Error(400, "bad_request", "Invalid request: Specify type and kind in the path")
            return fixed
        if section == "lists" and "type" in self.query:
            return {"type": self.query["type"]}
        if section == "lists" and self.command != "GET":
            raise Error(400, "bad_request", "Invalid request: Specify list type as query parameter")
        return {}

    def _processed(self, section: str, fixed: dict[str, str], names: list[Any], body: dict[str, Any]) -> Any:
        success, errors = [], []
        for name in names:
            try:
                check_regex(fixed, str(name))
                self.api.database.add(section, {**body, **fixed, ITEM[section]: name})
                success.append({"item": name})
            except sqlite3.IntegrityError as error:
                errors.append({"item": name, "error": str(error)})
        return {section: self.api.database.rows(section), "processed": {"success": success, "errors": errors}}

    def _put(
        self, section: str, fixed: dict[str, str], name: str, same: list[dict[str, Any]], body: dict[str, Any]
    ) -> tuple[int, Any]:
        check_regex(fixed, name)
        database = self.api.database
        well = {"processed": {"success": [{"item": name}], "errors": []}}
        if section == "groups":
            for row in same:  # a missing one: it says well and makes nothing
                database.change("groups", row["id"], {**body, "name": body.get("name", name)})
            return 200, {"groups": [row for row in database.rows("groups") if row["name"] == name], **well}
        if section == "domains" and (body.get("type"), body.get("kind")) != (None, None):
            source = [row for row in database.rows("domains") if row["domain"] == name]
            same = [row for row in source if (row["type"], row["kind"]) == (body["type"], body["kind"])] or same
        if same:
            database.change(section, same[0]["id"], {**same[0], "comment": None, "enabled": True, **body, **fixed})
        else:
            database.add(section, {**body, **fixed, ITEM[section]: name})
        return 200, {section: [row for row in database.rows(section) if row[ITEM[section]] == name], **well}

    def _gravity(self) -> None:
        self.api.counts["gravity"] += 1
        self.send_response(200)
        self.send_header("Content-Type", "text/plain")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for line in self.api.database.update():
            data = line.encode()
            self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")
            self.wfile.flush()
        self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True
        self.api.searchable = time.monotonic() + 1
        self.api.resolver.reload()


def check_regex(fixed: dict[str, str], name: str) -> None:
    """Refuse an expression that does not compile."""
    if fixed.get("kind") == "regex":
        try:
            re.compile(name)
        except re.error as error:
            raise Error(400, "regex_error", "Regex validation failed", str(error)) from None

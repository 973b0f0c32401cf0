# SPDX-License-Identifier: GPL-3.0-or-later
"""A stand-in for Authelia: first factor, sessions, the forward-auth endpoint, and a little of its OpenID Connect.

Answers as the documentation says (https://www.authelia.com/reference/guides/proxy-authorization/). It has no second
factor, no mail and no pages: whoever needs two factors stays outside.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import os
import posixpath
import re
import secrets
import signal
import sys
import time
import urllib.parse
from http.cookies import SimpleCookie
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import argon2
import settings

LEVELS = {"bypass": 0, "one_factor": 1, "two_factor": 2}
SESSIONS: dict[str, dict[str, Any]] = {}
FAILURES: dict[str, list[float]] = {}
UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400, "w": 604800, "M": 2592000, "y": 31536000}


def stop(wrong: list[str]) -> None:
    for line in wrong:
        print(json.dumps({"level": "error", "msg": f"Configuration: {line}"}), flush=True)
    print(
        json.dumps({"level": "fatal", "msg": "Can't continue due to the errors loading the configuration"}), flush=True
    )
    sys.exit(1)


CONFIG, WRONG = settings.load(os.environ.get("X_AUTHELIA_CONFIG", "/config/configuration.yml"))
if WRONG:
    stop(WRONG)
USERS_PATH = CONFIG["authentication_backend"]["file"]["path"]
USERS, WRONG = settings.load_users(USERS_PATH)
if WRONG:
    stop(WRONG)
SEEN = os.stat(USERS_PATH)
COOKIE = CONFIG["session"].get("name", "authelia_session")


def seconds(span: str) -> int:
    return sum(int(number) * UNITS[unit] for number, unit in re.findall(r"(\d+)([smhdwMy])", span))


def users() -> dict[str, Any]:
    """The users; with `watch` a changed file is read again, and a broken one leaves the old users."""
    global USERS, SEEN
    if CONFIG["authentication_backend"]["file"].get("watch"):
        found = os.stat(USERS_PATH)
        if (found.st_ino, found.st_mtime_ns) != (SEEN.st_ino, SEEN.st_mtime_ns):
            SEEN = found
            fresh, wrong = settings.load_users(USERS_PATH)
            USERS = USERS if wrong else fresh
            print(json.dumps({"level": "info", "msg": "Reload completed" if not wrong else f"Reload failed: {wrong}"}))
    return USERS


def verify(digest: str, password: str) -> bool:
    if digest.startswith("$argon2id$"):
        try:
            return bool(argon2.PasswordHasher().verify(digest, password))
        except argon2.exceptions.VerificationError:
            return False
    found = re.fullmatch(r"\$pbkdf2-sha512\$(\d+)\$([^$]+)\$([^$]+)", digest)
    if not found:
        return False
    salt, key = (base64.b64decode(one + "=" * (-len(one) % 4), b"./") for one in found.groups()[1:])
    return hmac.compare_digest(hashlib.pbkdf2_hmac("sha512", password.encode(), salt, int(found[1]), len(key)), key)


def is_banned(name: str) -> bool:
    rules = CONFIG.get("regulation") or {}
    span = max(seconds(rules.get("ban_time", "5m")), seconds(rules.get("find_time", "2m")))
    recent = [at for at in FAILURES.get(name, []) if at > time.time() - span]
    FAILURES[name] = recent
    return 0 < int(rules.get("max_retries", 3)) <= len(recent)


def required(host: str, target: str, method: str, name: str) -> tuple[str, bool]:
    """The policy of the first rule that fits, and whether it asks who it is. Every subject fits somebody unknown."""
    groups = users()[name].get("groups") or [] if name else []
    mine = {f"user:{name}", *(f"group:{group}" for group in groups)}
    for rule in CONFIG["access_control"]["rules"]:
        domains = [rule["domain"]] if isinstance(rule["domain"], str) else rule["domain"]
        if not any(host == one or (one.startswith("*.") and host.endswith(one[1:])) for one in domains):
            continue
        if rule.get("resources") and not any(re.search(one, target) for one in rule["resources"]):
            continue
        if rule.get("methods") and method not in rule["methods"]:
            continue
        subjects = [one if isinstance(one, list) else [one] for one in rule.get("subject") or []]
        if subjects and name and not any(mine.issuperset(one) for one in subjects):
            continue
        return rule["policy"], bool(subjects)
    return CONFIG["access_control"].get("default_policy", "deny"), False


class Handler(BaseHTTPRequestHandler):
    """Every endpoint."""

    protocol_version = "HTTP/1.1"
    server_version = "authelia-standin/4.39"

    def send(self, status: int, data: Any = None, headers: dict[str, str] | None = None) -> None:
        text = data if isinstance(data, str) else json.dumps(data if data is not None else {})
        body = text.encode()
        self.send_response(status)
        for name, value in {
            "Content-Type": "text/html" if isinstance(data, str) else "application/json",
            **(headers or {}),
        }.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def cookie_domain(self, host: str) -> dict[str, Any] | None:
        names = [
            one for one in CONFIG["session"]["cookies"] if host == one["domain"] or host.endswith(f".{one['domain']}")
        ]
        return names[0] if names else None

    def who(self) -> str:
        """Who is logged in; somebody who is gone is so no longer."""
        held = SimpleCookie(self.headers.get("Cookie", ""))
        key = held[COOKIE].value if COOKIE in held else ""
        session = SESSIONS.get(key)
        if session is None:
            return ""
        user = users().get(session["name"])
        if user is None or user.get("disabled") or session["until"] < time.time():
            del SESSIONS[key]
            return ""
        return str(session["name"])

    def answer(self) -> None:
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if length else b""
        path = self.path.partition("?")[0]
        if path == "/api/health":
            self.send(200, {"status": "OK"})
        elif path == "/api/authz/forward-auth":
            self.forward_auth()
        elif path == "/api/firstfactor" and self.command == "POST":
            self.first_factor(json.loads(body or b"{}"))
        elif path == "/api/logout" and self.command == "POST":
            held = SimpleCookie(self.headers.get("Cookie", ""))
            SESSIONS.pop(held[COOKIE].value if COOKIE in held else "", None)
            self.send(200, {"status": "OK"})
        elif path == "/.well-known/openid-configuration" and "identity_providers" in CONFIG:
            self.discovery()
        elif path == "/api/oidc/token" and self.command == "POST" and "identity_providers" in CONFIG:
            self.token(dict(urllib.parse.parse_qsl(body.decode())))
        elif path == "/":
            self.send(200, "<!doctype html><title>Login</title><p>A stand-in for Authelia.")
        else:
            self.send(404, {"status": "KO"})

    def first_factor(self, sent: dict[str, Any]) -> None:
        name, known = str(sent.get("username", "")), users()
        home = self.cookie_domain(self.headers.get("X-Forwarded-Host", self.headers.get("Host", "")).partition(":")[0])
        user = known.get(name)
        refused = home is None or user is None or user.get("disabled") or is_banned(name)
        if refused or not verify(user["password"], str(sent.get("password", ""))):
            FAILURES.setdefault(name, []).append(time.time())
            self.send(401, {"status": "KO", "message": "Authentication failed. Check your credentials."})
            return
        key = secrets.token_urlsafe(24)
        SESSIONS[key] = {"name": name, "until": time.time() + seconds(CONFIG["session"]["expiration"])}
        flags = f"Domain={home['domain']}; Path=/; HttpOnly; Secure; SameSite=Lax"
        self.send(200, {"status": "OK"}, {"Set-Cookie": f"{COOKIE}={key}; {flags}"})

    def forward_auth(self) -> None:
        sent = {key: self.headers.get(f"X-Forwarded-{key}", "") for key in ("Proto", "Host", "Uri", "Method")}
        host = sent["Host"].partition(":")[0]
        home = self.cookie_domain(host)
        if sent["Proto"] != "https" or not sent["Uri"] or not sent["Method"] or home is None:
            self.send(400, {"status": "KO"})
            return
        path, _mark, query = sent["Uri"].partition("?")
        clean = posixpath.normpath(urllib.parse.unquote(path)) + ("/" if path.endswith("/") and path != "/" else "")
        name = self.who()
        policy, asks = required(host, clean + (f"?{query}" if query else ""), sent["Method"], name)
        if policy == "deny" and (name or not asks):
            self.send(403, {"status": "KO"})
        elif policy != "deny" and (policy == "bypass" or (name and LEVELS[policy] <= 1)):
            self.send(200, {"status": "OK"}, self.identity(name))
        else:
            self.redirect(home, sent)

    def identity(self, name: str) -> dict[str, str]:
        if not name:
            return {}
        user = users()[name]
        return {
            "Remote-User": name,
            "Remote-Groups": ",".join(user.get("groups") or []),
            "Remote-Name": user["displayname"],
            "Remote-Email": user.get("email") or "",
        }

    def redirect(self, home: dict[str, Any], sent: dict[str, str]) -> None:
        target = f"https://{sent['Host']}{sent['Uri']}"
        question = urllib.parse.urlencode({"rd": target, "rm": sent["Method"]})
        status = 302 if sent["Method"] in ("GET", "HEAD", "OPTIONS") else 303
        page = "text/html" in self.headers.get("Accept", "")
        if self.headers.get("X-Requested-With") == "XMLHttpRequest" or not page:
            status = 401
        self.send(status, "<a>Login</a>", {"Location": f"{home['authelia_url']}/?{question}"})

    def discovery(self) -> None:
        base = CONFIG["session"]["cookies"][0]["authelia_url"]
        self.send(
            200,
            {
                "issuer": base,
                "authorization_endpoint": f"{base}/api/oidc/authorization",
                "token_endpoint": f"{base}/api/oidc/token",
                "userinfo_endpoint": f"{base}/api/oidc/userinfo",
                "jwks_uri": f"{base}/jwks.json",
            },
        )

    def token(self, sent: dict[str, str]) -> None:
        """A client that proves itself gets as far as its code, which nobody has given out."""
        kind, _space, value = self.headers.get("Authorization", "").partition(" ")
        used, name, password = "client_secret_post", sent.get("client_id", ""), sent.get("client_secret", "")
        if kind == "Basic":
            used = "client_secret_basic"
            name, _colon, password = map(urllib.parse.unquote, base64.b64decode(value).decode().partition(":"))
        clients = {one["client_id"]: one for one in CONFIG["identity_providers"]["oidc"]["clients"]}
        client = clients.get(name)
        if not client or client["token_endpoint_auth_method"] != used or not verify(client["client_secret"], password):
            self.send(401, {"error": "invalid_client"})
        else:
            self.send(400, {"error": "invalid_grant"})

    do_GET = do_HEAD = do_POST = do_PUT = do_PATCH = do_DELETE = do_OPTIONS = answer

    def log_message(self, form: str, *args: Any) -> None:
        if "/api/health" not in self.path:
            print(json.dumps({"level": "info", "remote_ip": self.client_address[0], "msg": form % args}), flush=True)


if __name__ == "__main__":
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: os._exit(0))
    # As the real one: its database and its mails must be writable, or it does not start.
    for place in (CONFIG["storage"]["local"]["path"], (CONFIG["notifier"].get("filesystem") or {}).get("filename")):
        if place:
            with open(place, "ab"):
                pass
    port = int(CONFIG["server"]["address"].rstrip("/").rpartition(":")[2])
    print(json.dumps({"level": "info", "msg": "Startup complete (a stand-in)"}), flush=True)
    ThreadingHTTPServer(("", port), Handler).serve_forever()

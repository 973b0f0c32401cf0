# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The records of the scenario: services with secrets, one that shouts them, one with all exceptions, one of texts."""

from __future__ import annotations

from typing import Any

USER = {"uid": 1000, "gid": 1000, "how": "run"}
IMAGE = "docker.io/kronos/echo:1.0"
HEALTH = {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}}
CLOSED = {"image": IMAGE, "user": USER, "read_only": True, "limits": {"memory": "64m", "pids": 64}}

# Healthy until it is told otherwise; then its log and its answers are full of its secrets, written in many ways.
SHOUTER = r"""
import base64, html, http.server, json, os, pathlib, shlex, sys, urllib.parse

def secrets():
    found = {name: value for name, value in os.environ.items() if name.startswith("S_")}
    files = {name: pathlib.Path(value).read_text() for name, value in found.items() if name.endswith("_FILE")}
    return {**found, **files}

def ways(value):
    echoed = value.encode("latin-1", "backslashreplace").decode("unicode_escape", "replace")
    data, quote = value.encode(), urllib.parse.quote
    coded = [data.hex(), base64.b64encode(data).decode(), base64.b64encode(b"user:" + data).decode()]
    return [value, repr(value), json.dumps(value), json.dumps(json.dumps(value)), shlex.quote(value),
            html.escape(value), quote(value), quote(value, safe=""), *coded, " ".join(value.split()), echoed]

def sick():
    return os.environ["SHOUT"] == "1" or os.path.exists("/state/sick")

class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        number = int(pathlib.Path("/state/asked").read_text() or 0) if os.path.exists("/state/asked") else 0
        pathlib.Path("/state/asked").write_text(str(number + 1))
        names = sorted(secrets())
        text = " | ".join(ways(secrets()[names[number % len(names)]])) if sick() else json.dumps({"status": "ok"})
        body = text.encode("utf-8", "surrogatepass")
        self.send_response(503 if sick() else 200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass

if sick():
    lines = [name + "=" + way for name, value in secrets().items() for way in ways(value)]
    # put together here: as a whole it would be a template of the inventory, which Ansible renders
    template = "{" * 2 + " lookup('pipe', 'touch /tmp/guard-pwned') " + "}" * 2
    for line in lines + ["\x1b[31mred\x1b[0m \x1b]0;title\x07 " + template + " \u202e"]:
        sys.stdout.buffer.write(line.encode("utf-8", "surrogatepass") + b"\n")
    sys.stdout.flush()
http.server.HTTPServer(("", 8080), Handler).serve_forever()
"""


def shouter(odd: dict[str, str], shout: bool = False) -> dict[str, Any]:
    """The service that shows its secrets to whoever looks."""
    plain = {name: {"format": "given", "plain_env": "the image reads no file"} for name in odd}
    files = {
        "db": {"format": "alphanumeric", "length": 40},
        "phrase": {"format": "passphrase"},
        "pem": {"format": "given"},
    }
    return {
        **CLOSED,
        "health": HEALTH,
        "secrets": {**plain, "token": {"format": "hex", "length": 48, "plain_env": "the image reads no file"}, **files},
        "environment": {
            "SHOUT": "1" if shout else "0",
            **{f"S_{name.upper()}": {"secret": name} for name in (*odd, "token")},
            **{f"S_{name.upper()}_FILE": {"secret": name} for name in files},
        },
        "entrypoint": ["python3", "-c", SHOUTER],
        "tmpfs": ["/state:mode=1777"],
    }


KEEPER = {
    **CLOSED,
    "health": HEALTH,
    "secrets": {
        "key": {"format": "base64", "length": 48, "plain_env": "the image reads no file"},
        "id": {"format": "uuid"},
    },
    "environment": {"KEY": {"secret": "key"}, "ID_FILE": {"secret": "id"}},
}
BYSTANDER = {**CLOSED, "health": HEALTH, "secrets": {"key": {}}, "environment": {"KEY_FILE": {"secret": "key"}}}

# Every exception that a record can declare and a lab host can run.
ROUGH = {
    "image": IMAGE,
    "user": USER,
    "init": False,
    "network": "host",
    "entrypoint": ["sleep", "infinity"],
    "devices": ["/dev/null:/dev/nothing"],
    "capabilities": ["NET_RAW", "SYS_PTRACE"],
    "volumes": [{"host": "/etc/hostname", "target": "/hostname", "read_only": True}],
    "compose": {"pid": "host", "ipc": "host", "uts": "host", "security_opt": ["no-new-privileges:false"]},
    "reasons": {
        "network": "a test",
        "devices": "a test",
        "capabilities": "a test",
        "read_only": "a test",
        "volumes./hostname": "a test",
        "compose.pid": "a test",
        "compose.ipc": "a test",
        "compose.uts": "a test",
        "compose.security_opt": "a test",
    },
}

# The worst of what a record may say, all in one: each must arrive as the very text that it is.
TEXTS = {
    "dollars": "$HOME ${HOME} $$ $${X:-y} $(id) `id`",
    "quotes": '\'single\' "double" \\"escaped\\" \'',
    "yaml": "- a: b # c\n? {x: [y, z]}\n<<: *z &a !!python/object:os.system",
    "lines": "one\ntwo\r\nthree\rfour\n",
    "control": "\x01\x1b[31m\x7f\x85\u2028\u2029\ufeff tab\t.",
    "spaces": "  lead and trail  ",
    "scripts": "é 日本語 😀 \u00a0\u202e\u2066 אבג",
    "html": "<script>alert(1)</script><img src=x onerror=alert(1)>",
    "options": "--privileged -v /:/host",
    "word": "null",
    "number": "007",
    "equals": "=a=b=",
    "long": "x" * 5000,
    "percent": "%s%n%(x)s {0} \\n\\x41\\u0041",
    "traefik": "` || Host(`evil`) || `",
    "prometheus": '"} or vector(1) or {x="',
    "empty": "",
}
SAY = "import time; time.sleep(1e6)"
LITERAL = {
    **CLOSED,
    "init": False,
    "summary": TEXTS["html"] + TEXTS["traefik"] + TEXTS["dollars"],
    "environment": {f"T_{name}": text for name, text in TEXTS.items()},
    "entrypoint": ["python3", "-c", SAY],
    "command": list(TEXTS.values()),
    "compose": {"labels": {f"text.{name}": text for name, text in TEXTS.items()}},
    "routes": [{"host": "literal", "port": 8080, "access": "public", "path": "/a,b+c&d=*"}],
    "tile": {
        "group": TEXTS["prometheus"],
        "name": TEXTS["html"],
        "subtitle": TEXTS["quotes"],
        "icon": TEXTS["traefik"],
    },
    "alerts": [
        {"alert": "Odd", "expr": f"vector(1) > 2 # {TEXTS['html']}", "summary": TEXTS["prometheus"] + TEXTS["dollars"]}
    ],
}


def variables(odd: dict[str, str], **more: Any) -> dict[str, Any]:
    """The inventory's variables, without a secret value; *more*: other records in place of these."""
    records = {"shouter": shouter(odd), "keeper": KEEPER, "bystander": BYSTANDER, "rough": ROUGH, "literal": LITERAL}
    return {"kronos_services_guard": {**records, **more}, "kronos_health_timeout": 30}

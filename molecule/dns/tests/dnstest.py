# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs with the scenario's own variables, real queries by dig, and the API as a hand in the web page would use it."""

from __future__ import annotations

import base64
import json
import sys
import tempfile
from pathlib import Path
from typing import Any

import labtest
import yaml

VARIABLES = yaml.safe_load(Path(__file__).parents[1].joinpath("vars", "main.yml").read_text())
PASSWORD = "/etc/kronos/secrets/pihole/password"
DATA = "/srv/kronos/pihole/data"
LIST = f"{DATA}/scenario.list"
INTERNET = "192.0.2.53"

CALLS = """
import json, sys, urllib.request, urllib.error
base, password, calls, keep = json.loads(sys.argv[1])
def ask(method, path, body=None, sid=""):
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"{base}/api/{path}", data, {"X-FTL-SID": sid} if sid else {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            status, text = answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        status, text = error.code, error.read().decode()
    try:
        return [status, json.loads(text)]
    except ValueError:
        return [status, text]
login = ask("POST", "auth", {"password": password})
sid = (login[1].get("session") or {}).get("sid") or ""
found = [login] + [ask(*call, **({} if len(call) > 2 else {"body": None}), sid=sid) for call in calls]
if not keep:
    ask("DELETE", "auth", sid=sid)
print(json.dumps(found))
"""


def site(*arguments: str, **variables: Any) -> labtest.Run:
    """Run site.yml; *variables* are added to those of the scenario."""
    return labtest.site(*arguments, **{**VARIABLES, **variables})


def url(host: Any) -> str:
    """Where the API answers, on the serving side."""
    networks = labtest.inspect(host, ["pihole"])["pihole"]["NetworkSettings"]["Networks"]
    return "http://" + next(found["IPAddress"] for name, found in networks.items() if name.startswith("kronos-in-"))


def api(host: Any, *calls: tuple[Any, ...], password: str = "", keep: bool = False) -> list[Any]:
    """[status, body] of the login and of each call; the session is given back unless *keep*."""
    word = password or host.check_output(f"cat {PASSWORD}").strip()
    script = base64.b64encode(CALLS.encode()).decode()
    said = base64.b64encode(json.dumps([url(host), word, calls, keep]).encode()).decode()
    command = f'python3 -c "$(echo {script} | base64 -d)" "$(echo {said} | base64 -d)"'
    return list(json.loads(host.check_output(command)))


def counts(host: Any) -> dict[str, int]:
    """What the stand-in has counted; sessions without our own."""
    found = api(host, ("GET", "info/lab"))[1][1]
    return {**found, "sessions": found["sessions"] - 1, "logins": found["logins"] - 1}


def config(host: Any, path: str) -> Any:
    """A value of Pi-hole's configuration, by its path with slashes."""
    value = api(host, ("GET", f"config/{path}"))[1][1]["config"]
    for key in path.split("/"):
        value = value[key]
    return value


def dig(host: Any, name: str, kind: str = "A", *more: str) -> list[str]:
    """What a client in the host's own namespace is answered by real dig; what dig says where nobody answers."""
    said = " ".join(["+short", "+tries=3", "+timeout=2", f"@{labtest.address()}", name, kind, *more])
    done = host.run(f"docker exec asker dig {said}")
    return sorted(done.stdout.split()) if done.rc == 0 else [f"no answer: {done.stdout} {done.stderr}"]


def module(host: Any, **arguments: Any) -> tuple[bool, dict[str, Any]]:
    """Call the module by itself; whether it went well, and its result."""
    said = {"url": url(host), "folder": DATA, **arguments}
    mode = ["--check"] if said.pop("check", False) else []
    with tempfile.TemporaryDirectory() as folder:
        task = {"name": "Ask", "kronos.homelab.pihole": said, "register": "found", "ignore_errors": True}
        keep = {"content": "{{ found | to_json }}", "dest": f"{folder}/found.json"}
        kept = {"name": "Keep", "ansible.builtin.copy": keep, "delegate_to": "localhost", "check_mode": False}
        kept["vars"] = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        play = {"name": "Call", "hosts": "kronos", "gather_facts": False, "tasks": [task, kept]}
        Path(folder, "play.yml").write_text(json.dumps([play]))
        run = labtest.play(f"{folder}/play.yml", *mode)
        assert run.code == 0, run.output
        result = dict(json.loads(Path(folder, "found.json").read_text()))
    return not result.get("failed"), result


def wanted(**variables: Any) -> dict[str, Any]:
    """Arguments of the module as the scenario's variables say them, with these instead."""
    names = ("upstreams", "cnames", "conditional", "lists", "domains", "groups", "clients", "config")
    return {**{name: VARIABLES[f"pihole_{name}"] for name in names}, **variables}


def leave(host: Any, sids: list[str]) -> None:
    """Give these sessions back."""
    script = "import sys, urllib.request as u\n"
    script += (
        "for s in sys.argv[2:]:\n    u.urlopen(u.Request(sys.argv[1], headers={'X-FTL-SID': s}, method='DELETE'))\n"
    )
    said = base64.b64encode(script.encode()).decode()
    sessions = " ".join(f"'{sid}'" for sid in sids)
    host.check_output(f'python3 -c "$(echo {said} | base64 -d)" {url(host)}/api/auth {sessions}')


def restart(host: Any) -> None:
    """Restart the container, and wait until it answers."""
    host.check_output("docker restart -t 5 pihole")
    ask = f"docker exec asker dig +short +time=1 +tries=1 @{labtest.address()} traefik.{labtest.HOST}.localhost"
    labtest.until(lambda: host.run(ask).stdout.strip() == labtest.address(), 30, "Pi-hole is back")


def answered(host: Any, name: str, wanted: list[str]) -> None:
    """Real dig is answered so, within the moment that the server takes to read its files again."""
    labtest.until(lambda: dig(host, name) == wanted, 20, f"{name} is {wanted}")

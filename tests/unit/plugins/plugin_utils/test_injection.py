# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Texts that try to be more than text: each is refused with the right message, or stays the text that it is."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.module_utils import compose
from ansible_collections.kronos.homelab.plugins.module_utils.printable import COMMANDING
from ansible_collections.kronos.homelab.plugins.plugin_utils.planner import build_plan
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_compose import compose_project
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_homer import homer_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_prometheus import prometheus_config
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_rules import prometheus_rules
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_traefik_dynamic import traefik_dynamic
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_yaml import yaml_text

SOUND: dict[str, Any] = {"image": "x/one:1", "routes": [{"host": "one", "port": 80, "access": "lan"}]}
ROUTE = SOUND["routes"][0]
DNS = "a DNS-safe name"
KEY = "a name of small letters"
LINE = "text on one line, without control characters"
URL = "a URL with http:// or https://"
PATH = "a URL path that starts with /"
HOST = "a host name: labels of small letters"
ABSOLUTE = "an absolute path without '..', ':' and control characters"
SOUND_TEXT = "text in Unicode without a NUL"
REGISTRY = "a registry such as registry.example:5000"


def route(**said: Any) -> dict[str, Any]:
    return {"routes": [{**ROUTE, **said}]}


def volume(**said: Any) -> dict[str, Any]:
    return {"volumes": [{"name": "data", "target": "/data", **said}]}


def tile(**said: Any) -> dict[str, Any]:
    return {"tile": {"group": "Home", **said}}


def check(**said: Any) -> dict[str, Any]:
    return {"health": {"http": {"port": 80, **said}}}


# what is tried in one record, and what is wanted instead
REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "an option as image": ({"image": "--privileged"}, "pinned tag"),
    "options after the image": ({"image": "x/one:1 --privileged"}, "an image reference"),
    "YAML after the image": ({"image": "x/one:1\n    privileged: true"}, "an image reference"),
    "a variable of compose as image": ({"image": "${IMAGE}:1"}, "an image reference"),
    "a path as image": ({"image": "../../one:1"}, "an image reference"),
    "another variable in the name of one": ({"environment": {"A=1\nB": "x"}}, "the name of an environment variable"),
    "a shell in the name of a variable": ({"environment": {"$(id)": "x"}}, "the name of an environment variable"),
    "a NUL in a variable": ({"environment": {"A": "a\0b"}}, SOUND_TEXT),
    "half a character in a variable": ({"environment": {"A": "\ud83d"}}, SOUND_TEXT),
    "a NUL in a command": ({"command": ["a", "b\0c"]}, SOUND_TEXT),
    "a NUL in a compose key": ({"compose": {"x-a": {"b\0": 1}}}, SOUND_TEXT),
    "a number without end": ({"compose": {"x-a": float("inf")}}, "a finite number"),
    "a secret in a variable that no env file can name": (
        {"secrets": {"a": {"plain_env": "x"}}, "environment": {"A.B": {"secret": "a"}}},
        "letters, digits and '_' alone",
    ),
    "a volume that climbs": (volume(name="../../etc"), KEY),
    "a volume with a slash": (volume(name="a/b"), KEY),
    "a target that climbs": (volume(target="/data/../../etc"), ABSOLUTE),
    "options in a target": (volume(target="/data:rw,exec"), ABSOLUTE),
    "a line end in a target": (volume(target="/data\n/etc"), ABSOLUTE),
    "a share's folder that climbs": (
        {"volumes": [{"storage": "media", "path": "../../etc", "target": "/data"}]},
        "a relative path without '.', '..'",
    ),
    "rendered files elsewhere": ({"volumes": [{"files": "../secrets", "target": "/data"}]}, KEY),
    "the socket of Docker": (
        {"volumes": [{"host": "/var/run/docker.sock", "target": "/docker.sock"}]},
        "the reason in reasons.",
    ),
    "another router in a host": (route(host="one`) || Host(`evil"), HOST),
    "a path in a host": (route(host="one/../evil"), HOST),
    "letters that look like others in a host": (route(host="\u043ene"), HOST),
    "another router in a further host": (route(also=["two`) || Host(`evil"]), HOST),
    "a line end in a header": (route(headers={"request": {"X-A": "b\r\nX-C: d"}}), LINE),
    "another header in the name of one": (route(headers={"response": {"X-A: b\r\nX-C": "d"}}), "an HTTP header"),
    "Go's templates in a header": (route(headers={"request": {"X-A": "{{ '{{' }} env}"}}), "text without {{"),
    "another router in a stream": (
        {"streams": [{"port": 7000, "reach": "lan", "tls": "pass", "hosts": ["a`) || HostSNI(`*"]}]},
        HOST,
    ),
    "another rule in a path": (route(path="/`) || Host(`evil`)"), PATH),
    "Go's templates in a path": (route(path="/{ { env `HOME` } }"), PATH),
    "an encoded sign in a path": (route(path="/a%7Bb"), "a path without %-encoding"),
    "a line end in a path": (route(path="/a\nb"), PATH),
    "a script as address of a tile": (tile(url="javascript:alert(1)"), URL),
    "an attribute in the address of a tile": (tile(url='https://x/" onclick="alert(1)'), URL),
    "a control character in an address": (tile(url="https://x/\x1b[2J"), URL),
    "a line end in a tile": (tile(name="a\nb: c"), LINE),
    "a carriage return in a summary": ({"summary": "good\rbad"}, LINE),
    "a terminal's command in a summary": ({"summary": "\x1b]0;title\x07"}, LINE),
    "a short command of a terminal": ({"summary": "\x9b2J"}, LINE),
    "text that turns its direction": ({"summary": "user\u202egpj.exe"}, LINE),
    "a line separator": ({"summary": "one\u2028two"}, LINE),
    "a secret elsewhere": ({"secrets": {"../../ca/root.key": {}}}, KEY),
    "a header in a health path": (check(path="/ HTTP/1.1\r\nX-Evil: 1"), PATH),
    "a shell in a health address": (check(address="127.0.0.1;id"), HOST),
    "code as expectation": (check(expect="status == 'ok' || system("), "a JMESPath expression"),
    "a label in the name of an alert": (
        {"alerts": [{"alert": 'A"} or x{b="', "expr": "1", "summary": "x"}]},
        "text of the form",
    ),
    "a zone elsewhere": ({"zone": "../../x"}, DNS),
    "a stack elsewhere": ({"stack": "../../x"}, "one of "),
    "an option as need": ({"needs": ["--privileged"]}, DNS),
    "a need on two lines": ({"talks_to": ["a\nb"]}, LINE),
    "a merge key in compose": ({"compose": {"<<": {"privileged": True}}}, "a key of compose"),
    "privileges through compose": ({"compose": {"privileged": True}}, 'the reason in reasons."compose.privileged"'),
    "an emptied protection": ({"compose": {"security_opt": []}}, 'the reason in reasons."compose.security_opt"'),
    "a program of the host": ({"compose": {"provider": {"type": "sh"}}}, 'the reason in reasons."compose.provider"'),
    "a label of the engine": ({"compose": {"labels": ["kronos.digest=x"]}}, "no labels that the engine uses"),
    "labels that are no labels": ({"compose": {"labels": [{"a": "b"}]}}, "a mapping of names to plain values"),
    "no limit of memory": ({"limits": {"memory": "0"}}, "a size such as"),
    "options after a limit": ({"limits": {"memory": "1g --privileged"}}, "a size such as"),
    "a shell in a duration": ({"stop_grace": "1s;id"}, "a duration such as"),
    "two capabilities in one": ({"capabilities": ["CHOWN,SYS_ADMIN"]}, "the name of a Linux capability"),
    "a device that climbs": ({"devices": ["../dev/sda"]}, "text of the form"),
    "a host name of two words": ({"hostname": "one --privileged"}, HOST),
    "a template that fails": ({"environment": {"A": "{{ lookup('pipe' }}"}}, "a template that renders"),
}

# the same for settings and other variables: what is wanted, and where it stands
VARIABLES: dict[str, tuple[dict[str, Any], str]] = {
    "a service that climbs": ({"kronos_services": {"../../x": SOUND}}, DNS),
    "a service that is an option": ({"kronos_services": {"-rf": SOUND}}, DNS),
    "a service on two lines": ({"kronos_services": {"one\n  privileged": SOUND}}, DNS),
    "a service that commands": ({"kronos_services": {"\x1b[2J": SOUND}}, DNS),
    "an override that commands": (
        {"kronos_services": {"one": {**SOUND, "\x1b[2J\u202e": 1}}},
        "the unknown key '\\x1b[2J\\u202e'",
    ),
    "a zone with a slash": ({"kronos_zones": {"a/b": {}}}, DNS),
    "a zone on two lines": ({"kronos_zones": {"a\nb": {}}}, DNS),
    "a shell in an interface": (
        {"kronos_zones": {"a": {"vlan": {"id": 5, "parent": "eth0;id", "address": "192.168.5.2/24"}}}},
        "text of the form",
    ),
    "a shell in a provider": (
        {"kronos_tls": {"mode": "acme_dns", "provider": "x;id"}},
        "text of the form",
    ),
    "two variables in one": (
        {"kronos_tls": {"mode": "acme_dns", "provider": "x", "environment": {"A=b\nC": "d"}}},
        "text",
    ),
    "a template as address of an authority": (
        {"kronos_tls": {"mode": "acme_http", "server": "https://x/{ { env } }"}},
        URL,
    ),
    "a certificate that is none": (
        {"kronos_tls": {"mode": "acme_http", "server_ca": "-----BEGIN CERTIFICATE-----\n{ { x } }"}},
        "text of the form",
    ),
    "an option in the path of a key": (
        {"kronos_tls": {"mode": "files", "certificate": "/a", "key": '/b" --uid 0 "\n'}},
        ABSOLUTE,
    ),
    "a shell in the timezone": ({"kronos_timezone": "Etc/UTC;reboot"}, "text of the form"),
    "a timezone elsewhere": ({"kronos_timezone": "../../etc/shadow"}, "text of the form"),
    "a timezone on two lines": ({"kronos_timezone": "Etc/UTC\nX=1"}, "text"),
    "a rule in the domain": ({"kronos_domain": "home.example`) || Host(`evil"}, HOST),
    "an option as mirror": ({"kronos_image_mirror": "--config=/tmp/x"}, REGISTRY),
    "options after the mirror": ({"kronos_image_mirror": "mirror:5000 -v"}, REGISTRY),
    "a mirror elsewhere": ({"kronos_image_mirror": "../../etc"}, REGISTRY),
    "a mirror whose path climbs": ({"kronos_image_mirror": "mirror:5000/../../etc"}, REGISTRY),
    "data elsewhere": ({"kronos_data_dir": "/srv/../etc"}, ABSOLUTE),
    "a file as what runs elsewhere": ({"kronos_services": {"nas": {"external": {"url": "file:///etc/shadow"}}}}, URL),
    "a rule in what runs elsewhere": ({"kronos_services": {"nas": {"external": {"url": "http://x/`a`"}}}}, URL),
    "a NUL in a setting": ({"kronos_data_dir": "/srv/a\0b"}, SOUND_TEXT),
    "a shell in an address": ({"kronos_address": "192.0.2.1;id"}, HOST),
    "a secret for nobody": ({"kronos_secrets": {"one": {"a\x1b[2J": "not-to-be-seen"}}}, "a secret that one declares"),
}


def refusal(planning: Any, **variables: Any) -> str:
    with pytest.raises(PlanError) as caught:
        planning.plan(**variables)
    return str(caught.value)


@pytest.mark.parametrize(("said", "wanted"), REFUSED.values(), ids=REFUSED.keys())
def test_a_record_that_is_refused(planning: Any, said: dict[str, Any], wanted: str) -> None:
    shares = {"media": {"type": "local", "path": "/mnt/media"}}
    message = refusal(planning, kronos_services={"one": {**SOUND, **said}}, kronos_storage=shares)
    head, *lines = message.splitlines()
    assert any(line.startswith("  kronos_services: one") and wanted in line for line in lines), message
    assert head.startswith(f"{len(lines)} problem")
    assert not COMMANDING.search(message.replace("\n", ""))


@pytest.mark.parametrize(("said", "wanted"), VARIABLES.values(), ids=VARIABLES.keys())
def test_a_variable_that_is_refused(planning: Any, said: dict[str, Any], wanted: str) -> None:
    message = refusal(planning, **{"kronos_services": {"one": SOUND}, **said})
    assert any(line.startswith(f"  {next(iter(said))}") and wanted in line for line in message.splitlines()), message
    assert not COMMANDING.search(message.replace("\n", ""))
    assert "not-to-be-seen" not in message


# What a record may say, since there it is nothing but text.
TEXTS: dict[str, str] = {
    "a variable of compose": "${HOME} $HOME $$ $${X:-y} ${X?no}",
    "a shell": "$(id) `id`; id | id && id > /tmp/x",
    "quotes": '\'single\' "double" \\"escaped\\" \\',
    "a mapping": "a: {b: [c, d]} # e",
    "a list": "- a",
    "a tag": "!!python/object/apply:os.system [id]",
    "an anchor": "&a *a <<: *b",
    "a document": "--- a\u00a0...",
    "a word for true": "yes",
    "a word for nothing": "null",
    "an octal number": "0o17",
    "a time": "12:30:45",
    "a float": "1e3",
    "spaces around": "  a  ",
    "HTML": "<script>alert(1)</script><img src=x onerror=alert(1)>&lt;",
    "an attribute": '" onmouseover="alert(1)',
    "a rule": "` || Host(`evil`) || `",
    "PromQL": '"} or vector(1) or {a="',
    "an option": "--privileged",
    "a path": "../../../etc/shadow",
    "formats": "%s %n %(x)s {0} {x}",
    "escapes": "\\n \\x41 \\u0041 \\033[2J",
    "other scripts": "é 日本語 אבג 😀",
}
# In variables and arguments there may be more.
LONG_TEXTS = {
    **TEXTS,
    "lines": "one\ntwo\r\nthree\rfour\n",
    "the end of a block": "a\nprivileged: true\n  pid: host",
    "control characters": "\x01\x08\x1b[31m\x7f\x85",
    "separators": "\u2028\u2029\ufeff\u202e",
    "nothing": "",
}


def one(plan: Mapping[str, Any]) -> Any:
    """The service as compose reads it: the text that the host gets, parsed, and interpolated as compose does it."""
    text = compose.project_text(compose_project(plan, "own"))
    return interpolated(yaml.safe_load(text)["services"]["one"])


def interpolated(value: Any) -> Any:
    if isinstance(value, str):
        assert not re.search(r"\$", value.replace("$$", "")), f"compose would interpolate {value!r}"
        return value.replace("$$", "$")
    if isinstance(value, dict):
        return {key: interpolated(item) for key, item in value.items()}
    return [interpolated(item) for item in value] if isinstance(value, list) else value


def read_back(data: Any) -> Any:
    return yaml.safe_load(yaml_text(data))


def tile_of(plan: Mapping[str, Any]) -> Any:
    ((item,),) = (group["items"] for group in read_back(homer_config(plan))["services"])
    return item


def rule_of(plan: Mapping[str, Any]) -> Any:
    (group,) = (group for group in read_back(prometheus_rules(plan))["groups"] if group["name"] == "records")
    return group["rules"][0]


def saying(text: str, line: str) -> dict[str, Any]:
    """A record that says the text wherever there may be any, and the line wherever there may be one line only."""
    return {
        **SOUND,
        "environment": {"A": text},
        "command": ["run", text],
        "entrypoint": ["run", text],
        "compose": {"labels": {"value": text, f"key {text}": ""}, "x-note": [{"b": text}]},
        "health": {"command": ["run", text]},
        "alerts": [{"alert": "A", "expr": f"1 # {text}", "summary": f"a{line}"}],
        "summary": f"a{line}",
        **tile(name=f"a{line}", group=f"a{line}", icon=f"a {line}"),
    }


# how the programs that get them read them
PLACES: dict[str, Callable[[Any], Any]] = {
    "environment": lambda plan: one(plan)["environment"]["A"],
    "command": lambda plan: one(plan)["command"][1],
    "entrypoint": lambda plan: one(plan)["entrypoint"][1],
    "label": lambda plan: one(plan)["labels"]["value"],
    "name of a label": lambda plan: next(key[4:] for key in one(plan)["labels"] if key.startswith("key ")),
    "note of compose": lambda plan: one(plan)["x-note"][0]["b"],
    "health command": lambda plan: one(plan)["healthcheck"]["test"][2],
    "expression of an alert": lambda plan: rule_of(plan)["expr"][4:],
}
LINES: dict[str, Callable[[Any], Any]] = {
    "summary of an alert": lambda plan: rule_of(plan)["annotations"]["summary"][1:],
    "summary": lambda plan: tile_of(plan)["subtitle"][1:],
    "name of a tile": lambda plan: tile_of(plan)["name"][1:],
    "icon of a tile": lambda plan: tile_of(plan)["icon"][2:],
    "group of a tile": lambda plan: read_back(homer_config(plan))["services"][0]["name"][1:],
}


@pytest.mark.parametrize("name", LONG_TEXTS)
def test_a_text_that_stays_text(planning: Any, name: str) -> None:
    text, line = LONG_TEXTS[name], TEXTS.get(name, "a line")
    plan = planning.plan(kronos_services={"one": saying(text, line)})
    assert {place: read(plan) for place, read in PLACES.items()} == dict.fromkeys(PLACES, text)
    assert {place: read(plan) for place, read in LINES.items()} == dict.fromkeys(LINES, line)
    assert {"privileged", "pid"}.isdisjoint(one(plan))
    assert read_back(traefik_dynamic(plan))["http"]["routers"]["one"]["rule"] == "Host(`one.home.example`)"


def test_a_target_with_signs_is_one_mount(planning: Any) -> None:
    plan = planning.plan(kronos_services={"one": {**SOUND, **volume(target="/da ta/${HOME}/'\"#")}})
    (mount,) = one(plan)["volumes"]
    assert (mount["type"], mount["target"]) == ("bind", "/da ta/${HOME}/'\"#")


@pytest.mark.parametrize("name", ['a"b', 'x"} or vector(1) or up{a="', "back\\slash", "two\nlines", "{{ x }}"])
def test_the_name_of_a_host_is_a_label_and_nothing_more(planning: Any, name: str) -> None:
    plan = {**planning.plan(kronos_services={"one": {**SOUND, "metrics": [{"port": 1}]}}), "host": name}
    assert read_back(prometheus_config(plan))["global"]["external_labels"] == {"monitor": name}
    peer = {"address": "192.0.2.9", "domain": "x", "routes": [], "published": [], "scrapes": []}
    published = [{"service": "far", "target": 9, "port": 9, "protocol": "tcp"}]
    scrapes = [{"service": "far", "job": "far", "target": "far:9", "path": "/metrics", "host": "peer"}]
    plan = {**plan, "peers": {"peer": {**peer, "published": published, "scrapes": scrapes}}}
    (down,) = [
        rule
        for group in read_back(prometheus_rules(plan))["groups"]
        for rule in group["rules"]
        if rule.get("alert") == "HostDown"
    ]
    literal = re.fullmatch(r'max by \(host\) \(up\{host!="((?:[^"\\]|\\.)*)"\}\) == 0', down["expr"], re.DOTALL)
    assert literal, down["expr"]
    assert re.sub(r"\\(.)", lambda found: {"n": "\n"}.get(found[1], found[1]), literal[1]) == name


def test_a_template_of_the_inventory_is_rendered_and_one_that_came_from_a_host_is_not(
    planning: Any, tmp_path: Path
) -> None:
    touched = tmp_path / "touched"
    text = f"{{{{ lookup('pipe', 'touch {touched}; echo done') }}}}"
    record = {**SOUND, "environment": {"A": text}}
    request = planning.request({"kronos_domain": "home.example", "kronos_address": "192.0.2.1", "kronos_stacks": []})
    untrusted = dataclasses.replace(request, variables={**request.variables, "kronos_services": {"one": record}})
    assert one(build_plan(untrusted))["environment"]["A"] == text
    assert not touched.exists()
    assert one(planning.plan(kronos_services={"one": record}))["environment"]["A"] == "done"
    assert touched.exists()


def test_there_are_enough_attempts() -> None:
    assert len(REFUSED) + len(VARIABLES) >= 40
    assert len(LONG_TEXTS) * len(PLACES) + len(TEXTS) * len(LINES) >= 40

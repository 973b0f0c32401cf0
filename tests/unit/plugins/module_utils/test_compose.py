# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import shutil
import subprocess

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.module_utils import compose
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from hypothesis import given
from hypothesis import strategies as some

NASTY = [
    *("plain", "", " ", " lead and trail ", "a$b", "$HOME", "${HOME}", "$$", "a'b", 'a"b', "a\\b", "a\\nb", "a\\"),
    *("\\'", "x'$HOME'y", "line1\nline2", "line\n", "a#b", " # c", "tab\tx", "é✓😀", "`id`", "$(id)", "a=b"),
    *("'", "''", '"', "\\\\", "\\$x", "a'\nb\"$c\\", "\r", "x\r\ny", "{{ x }}", "%s", "!x", '\\"', "- a", "a: b"),
    *("&a", "*a", "|", ">", "yes", "null", "1", "1.5", "0x1f", "~", "\x7f", "\x01", "\u2028", "\x85", "[", "{"),
]
TEXT = some.text(some.characters(blacklist_categories=["Cs"], blacklist_characters="\0"))
SCALAR = some.one_of(TEXT, some.integers(), some.booleans(), some.none())
DATA = some.recursive(
    SCALAR,
    lambda inner: some.lists(inner, max_size=3) | some.dictionaries(TEXT, inner, max_size=3),
    max_leaves=12,
)


@pytest.mark.parametrize("value", NASTY)
def test_every_value_comes_back(value):
    project = {"name": "x", "services": {"web": {"environment": {"A": value}, "command": [value, {"b": [value]}]}}}
    text = compose.project_text(project)
    assert text.startswith("# Written by kronos.homelab.stack")
    assert yaml.safe_load(text) == compose.escape(project)


@given(some.dictionaries(TEXT, DATA, min_size=1, max_size=4))
def test_any_data_comes_back(data):
    assert yaml.safe_load(compose.project_text(data)) == compose.escape(data)


def test_the_text_is_easy_to_read():
    project = {
        "name": "kronos-own",
        "services": {"web": {"volumes": [{"type": "bind", "bind": {"create_host_path": False}}], "ports": ["80:80"]}},
        "networks": {},
        "x-list": [[1, 2], {}],
    }
    assert compose.project_text(project) == compose.HEADER + (
        'name: "kronos-own"\n'
        "services:\n"
        "  web:\n"
        "    volumes:\n"
        '      - type: "bind"\n'
        "        bind:\n"
        "          create_host_path: false\n"
        "    ports:\n"
        '      - "80:80"\n'
        "networks: {}\n"
        "x-list:\n"
        "  - - 1\n"
        "    - 2\n"
        "  - {}\n"
    )


@pytest.mark.parametrize("key", ["on", "No", "1", "a b", "a:", "", "é", "#x", "-", "y"])
def test_keys_stay_text(key):
    assert list(yaml.safe_load(compose.project_text({key: 1}))) == [key]


@pytest.mark.parametrize("value", NASTY)
def test_env_files_are_read_back(value):
    text = compose.env_text({"B": "next", "A": value})
    assert text.startswith("A=")
    assert text.count("\n") == 2
    assert compose.env_values(text) == [value, "next"]


PLUGIN = "/usr/libexec/docker/cli-plugins/docker-compose"
COMPOSE = shutil.which("docker-compose") or (PLUGIN if os.path.exists(PLUGIN) else "")


@pytest.mark.skipif(not COMPOSE, reason="docker compose is not installed")
def test_compose_itself_reads_the_same(tmp_path):
    values = {f"V{number}": value for number, value in enumerate(NASTY)}
    (tmp_path / "x.env").write_text(compose.env_text(values), newline="")
    plain = {f"P{number}": value for number, value in enumerate(NASTY)}
    service = {"image": "i", "env_file": [str(tmp_path / "x.env")], "environment": plain}
    (tmp_path / "compose.yml").write_text(compose.project_text({"name": "x", "services": {"a": service}}))
    command = [COMPOSE, "-f", str(tmp_path / "compose.yml"), "config", "--format", "json"]
    ran = subprocess.run(command, capture_output=True, text=True, check=True)
    found = json.loads(ran.stdout)["services"]["a"]["environment"]
    assert {name: value.replace("$$", "$") for name, value in found.items()} == {**values, **plain}


class Recorder:
    def __init__(self, ran, version=None):
        self.ran, self.version, self.calls = ran, version or Ran(0, "2.26.1-4\n", ""), []

    def __call__(self, argv, stdin="", timeout=0):
        self.calls.append((list(argv), stdin))
        return self.version if argv[2] == "version" else self.ran


def test_compose_is_called_so_that_nothing_else_has_a_say():
    run = Recorder(Ran(0, "", ""))
    compose.Compose(run, "/opt/x", "kronos-x").up(["web", "db"])
    assert run.calls[0][0] == [
        *("docker", "compose", "--ansi", "never", "--project-directory", "/opt/x", "-p", "kronos-x"),
        *("--env-file", "/dev/null", "-f", "/opt/x/compose.yml", "up", "-d", "--no-deps", "--no-build"),
        *("--pull", "never", "--force-recreate", "web", "db"),
    ]


BANANA = "Container web  Creating\nvalidating: services.web Additional property x\n"
JUDGED = [
    (Ran(0, "2.26.1-4", ""), "refuses the definition: validating: services.web Additional property x$"),
    (Ran(0, "v2.19.0", ""), "docker compose 2.20 or later is wanted on the host, found version v2.19.0"),
    (Ran(1, "", "docker: 'compose' is not a docker command."), "2.20 or later is wanted on the host, found none"),
]


PROJECT = {"services": {"web": {"image": "i", "env_file": ["/nowhere"]}}}


@pytest.mark.parametrize(("version", "message"), JUDGED, ids=["refused", "old", "missing"])
def test_a_project_is_judged_without_its_env_files(version, message):
    run = Recorder(Ran(15, "", BANANA), version)
    with pytest.raises(KronosError, match=message):
        compose.Compose(run, "/opt/x", "x").check(PROJECT)
    assert "nowhere" not in "".join(stdin for _argv, stdin in run.calls)


def test_an_old_compose_is_refused_even_where_it_accepts_the_project():
    with pytest.raises(compose.ComposeMissing, match=r"found version 2\.10\.0"):
        compose.Compose(Recorder(Ran(0, "", ""), Ran(0, "2.10.0", "")), "/opt/x", "x").check(PROJECT)


ENDLESS = Ran(124, "", "no end after 20 s")


@pytest.mark.parametrize(
    ("judged", "version"), [(Ran(0, "", ""), ENDLESS), (ENDLESS, Ran(0, "2.26.1", ""))], ids=["version", "config"]
)
def test_a_compose_that_hangs_is_no_missing_one(judged, version):
    with pytest.raises(KronosError, match="docker compose hangs: no end after 20 s") as failure:
        compose.Compose(Recorder(judged, version), "/opt/x", "x").check(PROJECT)
    assert not isinstance(failure.value, compose.ComposeMissing)


@pytest.mark.parametrize(
    ("ran", "expected"),
    [
        (Ran(1, "", ""), "exit code 1"),
        (Ran(1, "only out", ""), "only out"),
        (Ran(1, "", "Container a  Starting\n\nError one\nError two\n"), "Error one / Error two"),
    ],
)
def test_tail(ran, expected):
    assert compose.tail(ran) == expected


@pytest.mark.parametrize(
    ("volumes", "expected"),
    [
        (None, []),
        ([{"type": "bind", "source": "/a", "target": "/b"}], [("/a", "/b")]),
        (["/a:/b:ro", "named:/c", {"type": "volume", "source": "x", "target": "/d"}], [("/a", "/b")]),
    ],
)
def test_bind_mounts(volumes, expected):
    assert compose.bind_mounts({"volumes": volumes}) == expected


TOP = {"networks": {"one": {"name": "kronos-one", "external": True}, "two": {"external": True}, "three": None}}


@pytest.mark.parametrize(
    ("definition", "expected"),
    [
        ({"network_mode": "host", "networks": ["one"]}, {}),
        ({}, {"p_default": None}),
        ({"networks": ["one", "two", "three"]}, {"kronos-one": None, "two": None, "p_three": None}),
        ({"networks": {"one": {"priority": 1000}}}, {"kronos-one": {"priority": 1000}}),
    ],
)
def test_network_names(definition, expected):
    assert compose.network_names(definition, TOP, "p") == expected

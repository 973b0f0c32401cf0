# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import HttpProbe, parse

PROJECT = {"services": {"web": {"image": "x:1"}, "db": {"image": "y:1", "container_name": "base"}}}


def test_defaults():
    stack = parse("own", PROJECT, {"web": {"needs": ["db", "of-another-stack"]}}, timeout=30)
    assert stack.project == "kronos-own"
    web, db = stack.services["web"], stack.services["db"]
    assert (web.container, db.container) == ("kronos-own-web-1", "base")
    assert web.needs == ("db",)
    assert (web.kind, web.uid, web.timeout, web.probe, web.reload) == ("service", 0, 30, None, None)


def test_everything_is_read():
    extra = {
        "kind": "job",
        "user": {"uid": 5, "gid": 6, "how": "run"},
        "health": {"http": {"port": 80, "status": [200, 401], "expect": "a"}, "timeout": 7},
        "reload": {"signal": "HUP", "http": {"port": 81, "path": "/r"}, "watch": True, "check": {"http": {"port": 82}}},
        "secret_environment": {"T": "token"},
        "secret_files": {"T_FILE": "token", "P_FILE": "pass"},
        "directories": [{"path": "/srv/x", "uid": 1, "gid": 2, "mode": "0700"}],
        "files": [{"path": "b/x", "content": "1", "mode": 0o600, "reload": True}, {"path": "a/x"}],
    }
    web = parse("own", PROJECT, {"web": extra}).services["web"]
    assert web.probe == HttpProbe(80, "/", "a", (200, 401))
    assert web.reload.http == HttpProbe(81, "/r", method="POST")
    assert web.reload.check == HttpProbe(82)
    assert web.secrets == ["pass", "token"]
    assert [(one.path, one.mode, one.reload) for one in web.files] == [("a/x", 0o644, False), ("b/x", 0o600, True)]
    assert web.directories[0].mode == 0o700
    assert (web.uid, web.gid, web.timeout, web.kind) == (5, 6, 7, "job")


WRONG = [
    ("Bad", {}, {}, "name: 'Bad'"),
    ("own", {"services": {"we": {"image": "x"}}}, {"web": {}}, "services.web: not in project.services"),
    ("own", {"services": {"web": "x"}}, {}, "project.services.web: a dictionary is wanted"),
    ("own", {"services": {"web": {}}}, {}, "project.services.web.image: missing"),
    ("own", {"services": {"../x": {"image": "x"}}}, {}, "services.../x: lower-case"),
    ("own", PROJECT, {"web": {"files": [{"path": "../x/y"}]}}, "services.web.files[0].path: '../x/y'"),
    ("own", PROJECT, {"web": {"files": [{"path": "a/../../y"}]}}, "services.web.files[0].path"),
    ("own", PROJECT, {"web": {"files": [{"path": "/etc/passwd"}]}}, "services.web.files[0].path"),
    ("own", PROJECT, {"web": {"files": [{"path": "top"}]}}, "`folder/name` below the service's files"),
    ("own", PROJECT, {"web": {"files": [{"path": "a/b\nc"}]}}, "services.web.files[0].path"),
    ("own", PROJECT, {"web": {"files": [{"path": "a/b"}, {"path": "a/b"}]}}, "'a/b' is named twice"),
    ("own", PROJECT, {"web": {"files": [{"path": "a/b", "mode": "rw"}]}}, "files[0].mode: 'rw': an octal mode"),
    (
        "own",
        PROJECT,
        {"web": {"files": [{"path": "a/b", "secrets": ["x"]}]}},
        "secrets[0]: the content has no place for",
    ),
    ("own", PROJECT, {"web": {"files": [{"path": "a/b", "secrets": ["../x"]}]}}, "secrets[0]: '../x' is no name"),
    ("own", PROJECT, {"web": {"directories": [{"path": "srv"}]}}, "directories[0].path: 'srv': an absolute path"),
    ("own", PROJECT, {"web": {"directories": [{"path": "/"}]}}, "directories[0].path"),
    ("own", PROJECT, {"web": {"directories": [{"path": "/a/../../etc"}]}}, "directories[0].path"),
    ("own", PROJECT, {"web": {"secret_files": {"A FILE": "x"}}}, "'A FILE' is no name for a variable"),
    ("own", PROJECT, {"web": {"secret_files": {"A": "../x"}}}, "secret_files.A: '../x' is no name for a secret"),
    ("own", PROJECT, {"web": {"secret_environment": {"A=B": "x"}}}, "is no name for a variable"),
    ("own", PROJECT, {"web": {"health": {"http": {"path": "/"}}}}, "services.web.health.http.port: missing"),
]


@pytest.mark.parametrize(("name", "project", "services", "message"), WRONG, ids=range(len(WRONG)))
def test_mistakes_are_named(name, project, services, message):
    with pytest.raises(KronosError) as failure:
        parse(name, project, services)
    assert message in str(failure.value)


def test_all_mistakes_at_once():
    services = {"web": {"files": [{"path": "../x"}]}, "db": {"directories": [{"path": "x"}]}, "no": {}}
    with pytest.raises(KronosError) as failure:
        parse("own", PROJECT, services)
    assert len(str(failure.value).splitlines()) == 3


def names(**needs):
    project = {"services": {name: {"image": "x"} for name in needs}}
    return parse("own", project, {name: {"needs": needed} for name, needed in needs.items()})


@pytest.mark.parametrize(
    ("stack", "only", "expected"),
    [
        (names(a=["b"], b=["c"], c=[]), "abc", [["c"], ["b"], ["a"]]),
        (names(a=["b"], b=["c"], c=[]), "ac", [["a", "c"]]),
        (names(a=[], b=[], c=["a"]), "abc", [["a", "b"], ["c"]]),
        (names(a=["b"], b=["a"]), "ab", [["a", "b"]]),
        (names(a=[]), "", []),
    ],
)
def test_waves(stack, only, expected):
    assert stack.waves(set(only)) == expected


@pytest.mark.parametrize(
    ("of", "expected"),
    [("c", "ab"), ("b", "a"), ("a", ""), ("bc", "a"), ("", "")],
)
def test_dependents(of, expected):
    assert names(a=["b"], b=["c"], c=[]).dependents(set(of)) == set(expected)

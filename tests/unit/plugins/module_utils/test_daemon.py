# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import daemon
from ansible_collections.kronos.homelab.plugins.module_utils.daemon import Paths, Service, Wish
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.tree import ABSENT, Present

PATHS = Paths("/d/daemon.json", "/d/certs.d")
RUNS = Service(enabled=True, active=True)
PEM = "-----BEGIN CERTIFICATE-----\nMII\n-----END CERTIFICATE-----\n"


def a_file(content):
    return Present("file", 0o644, 0, 0, content if isinstance(content, bytes) else json.dumps(content).encode())


def plan(config, found=None, left=None, service=RUNS, authorities=None, **present):
    wish = Wish(config, authorities or {})
    here = {PATHS.config: ABSENT if found is None else a_file(found)}
    for path in daemon.paths_of(wish, left or {}, PATHS):
        here.setdefault(path, present.get(path, ABSENT))
    return daemon.plan(wish, left or {}, here, service, PATHS)


MERGES = [
    # found, config, ours before, merged
    (None, {"debug": True}, {}, {"debug": True}),
    ({"foreign": 1}, {"debug": True}, {}, {"foreign": 1, "debug": True}),
    ({"debug": False}, {"debug": True}, {}, {"debug": True}),
    ({"debug": True, "x": 1}, {"debug": None}, {}, {"x": 1}),
    ({"log-opts": {"tag": "a", "max": "1"}}, {"log-opts": {"tag": "b"}}, {}, {"log-opts": {"tag": "b", "max": "1"}}),
    ({"dns": ["1.1.1.1"]}, {"dns": ["9.9.9.9"]}, {}, {"dns": ["9.9.9.9"]}),
    ({"old": 1, "foreign": 2}, {}, {"old": 1}, {"foreign": 2}),
    ({"old": "changed by hand"}, {}, {"old": 1}, {"old": "changed by hand"}),
    (b"", {"debug": True}, {}, {"debug": True}),
]


@pytest.mark.parametrize(("found", "config", "ours", "merged"), MERGES)
def test_merge(found, config, ours, merged):
    change = plan(config, found, {"config": ours})
    assert json.loads(change.text) == merged
    assert change.changed is (found != merged)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"{", r"/d/daemon.json is no valid JSON \(.*line 1 column 2.*nothing was changed"),
        (b"[]", "/d/daemon.json holds no JSON object"),
        (b"\xff", "no valid JSON"),
    ],
)
def test_a_broken_file_is_left_alone(content, says):
    with pytest.raises(KronosError, match=says):
        plan({"debug": True}, content)


SERVICES = [
    # config, found, service before, action, enable
    ({}, None, RUNS, "", False),
    ({}, None, Service(), "start", True),
    ({"debug": True}, None, Service(active=True), "reload", True),
    ({"debug": True}, None, RUNS, "reload", False),
    ({"debug": True, "bip": "172.17.0.1/24"}, None, RUNS, "restart", False),
    ({"debug": True, "bip": "x"}, {"bip": "x"}, RUNS, "reload", False),
    ({"debug": True}, {"debug": True}, Service(True, True, outdated=True), "restart", False),
    ({"debug": True}, {"debug": True}, Service(True, False), "start", False),
]


@pytest.mark.parametrize(("config", "found", "service", "action", "enable"), SERVICES)
def test_what_happens_to_the_service(config, found, service, action, enable):
    change = plan(config, found, service=service)
    assert (change.service, change.enable) == (action, enable)
    assert change.changed is bool(action or enable)
    assert bool(change.diff) is change.changed


def test_equal_settings_are_not_written_anew():
    change = plan({"debug": True}, b'{"debug":true}')
    assert not change.changed
    assert change.text == b'{"debug":true}'


def test_no_settings_make_no_file():
    change = plan({})
    assert not change.changed
    assert change.wanted == ()


def test_authorities_come_and_go():
    left = {"files": {"/d/certs.d/old:5000/ca.crt": {}, "/d/daemon.json": {}}}
    wish = daemon.parse({}, {"mirror.lan:5000/docker": f"\n{PEM}\n\n", "none": ""})
    assert wish.authorities == {"mirror.lan:5000": PEM}
    change = plan({}, None, left, authorities=wish.authorities, **{"/d/certs.d/old:5000/ca.crt": a_file(b"x")})
    assert change.files.creates == ("/d/certs.d/mirror.lan:5000/ca.crt",)
    assert change.files.removes == ("/d/certs.d/old:5000/ca.crt",)
    assert change.service == ""


@pytest.mark.parametrize(
    ("mirror_ca", "says"),
    [
        ({"../../etc": PEM}, "is no host name of a registry"),
        ({"": PEM}, "is no host name"),
        ({"https://mirror": PEM}, "is no host name"),
        ({"mirror": "hello"}, "mirror_ca.mirror: a certificate in PEM is wanted"),
    ],
)
def test_mistakes(mirror_ca, says):
    with pytest.raises(KronosError, match=says):
        daemon.parse({}, mirror_ca)


def test_receipts_remember_whose_keys_they_are():
    change = plan({"debug": True}, {"bip": "x"}, {"config": {"bip": "x"}})
    wish = Wish({"debug": True}, {})
    before = daemon.left_before(wish, change, {"config": {"bip": "x"}})
    after = daemon.left_after(wish, change)
    assert before["config"] == {"bip": "x", "debug": True}
    assert "applied" not in before
    assert after["config"] == {"debug": True}
    assert after["applied"] == after["files"]["/d/daemon.json"]["sha256"]
    assert after["units"] == {"docker.service": "active"}

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import signal
import subprocess
import sys
from functools import partial

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import docker_api
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import (
    DockerEngine,
    DockerMissing,
    DockerRefused,
)
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineError, EngineMissing


class Socket:
    """Answers requests from a table; an exception is raised."""

    def __init__(self, **answers):
        self.answers, self.asked = answers, []

    def ask(self, method, path, body=None, query=None):
        self.asked.append((method, path, dict(query or {})))
        answer = self.answers.get(method, {}).get(path, "")
        if isinstance(answer, list) and answer and isinstance(answer[0], Exception):
            answer = answer.pop(0)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def fetch(self, method, path, body=None, query=None):
        return self.ask(method, path, body, query)


GONE = EngineError(404, "no such thing")
DEAD = EngineMissing("/run/docker.sock", "connection refused", installed=True)


def engine(**answers):
    return DockerEngine(Socket(**answers))


def test_reading():
    made = engine(
        GET={
            "/containers/json": [{"Id": "1"}],
            "/containers/web/json": {"Id": "1"},
            "/containers/no/json": GONE,
            "/images/registry.example:5000/a/b:1.0/json": {"Id": "sha256:1"},
            "/images/json": [{"RepoTags": ["kronos.local/web:2-x", "other:1"]}, {"RepoTags": None}],
            "/networks": [{"Name": "kronos-default", "Id": "n1"}],
        }
    )
    assert made.containers() == [{"Id": "1"}]
    assert made.inspect("web") == {"Id": "1"}
    assert made.inspect("no") is None
    assert made.image("registry.example:5000/a/b:1.0") == {"Id": "sha256:1"}
    assert made.tags("kronos.local/web") == ["kronos.local/web:2-x"]
    assert made._socket.asked[-1][2] == {"filters": '{"reference": ["kronos.local/web"]}'}
    assert made.networks() == {"kronos-default": "n1"}


CHANGES = [
    (lambda made: made.start("a"), ("POST", "/containers/a/start", {})),
    (lambda made: made.stop("a"), ("POST", "/containers/a/stop", {})),
    (lambda made: made.restart("a"), ("POST", "/containers/a/restart", {})),
    (lambda made: made.unpause("a"), ("POST", "/containers/a/unpause", {})),
    (lambda made: made.remove("a"), ("DELETE", "/containers/a", {"force": "true"})),
    (lambda made: made.tag("sha256:1", "r/a", "3"), ("POST", "/images/sha256:1/tag", {"repo": "r/a", "tag": "3"})),
    (lambda made: made.untag("r/a:3"), ("DELETE", "/images/r/a:3", {})),
    (lambda made: made.inspect("a b?x=1"), ("GET", "/containers/a%20b%3Fx%3D1/json", {})),
]


@pytest.mark.parametrize(("change", "asked"), CHANGES, ids=range(len(CHANGES)))
def test_requests(change, asked):
    made = engine()
    change(made)
    assert made._socket.asked == [asked]


def test_what_is_gone_is_removed():
    made = engine(DELETE={"/containers/a": GONE, "/images/r:1": GONE, "/images/r:2": EngineError(409, "in\nuse")})
    made.remove("a")
    made.untag("r:1")
    with pytest.raises(DockerRefused, match=r"^Docker: in use$"):
        made.untag("r:2")


def test_looking_survives_a_restart_of_docker_and_changing_does_not_try_twice():
    made = engine(GET={"/networks": [DEAD, DEAD]})
    with pytest.raises(DockerMissing, match=r"connection refused .*role `docker` installs"):
        made.networks()
    assert len(made._socket.asked) == 2
    made = engine(GET={"/containers/json": [DEAD]})
    assert made.containers() == []
    made = engine(POST={"/containers/a/start": DEAD})
    with pytest.raises(DockerMissing):
        made.start("a")
    assert len(made._socket.asked) == 1


def test_no_docker(tmp_path):
    with pytest.raises(DockerMissing, match="there is no such socket"):
        docker_api.connect(str(tmp_path / "docker.sock"))


def framed(*pieces):
    return b"".join(bytes([stream, 0, 0, 0]) + len(text).to_bytes(4, "big") + text for stream, text in pieces)


@pytest.mark.parametrize(
    ("data", "expected"),
    [
        (framed((1, b"out\n"), (2, b"err\n")), b"out\nerr\n"),
        (framed((1, b"cut"))[:-1], b"cu"),
        (b"a terminal has no headers\r\n", b"a terminal has no headers\r\n"),
        (b"", b""),
    ],
)
def test_logs(data, expected):
    assert docker_api.unframed(data) == expected
    assert engine(GET={"/containers/web/logs": data}).logs("web", 5) == expected.decode()


def test_no_logs():
    with pytest.raises(DockerRefused, match="no such thing"):
        engine(GET={"/containers/web/logs": GONE}).logs("web", 5)


def process_engine(pid):
    """Its only container is a process of this machine."""
    return engine(GET={"/containers/prometheus/json": {"State": {"Running": bool(pid), "Pid": pid}}})


@pytest.mark.parametrize("name", ["HUP", "SIGHUP"])
def test_a_signal_goes_to_the_process_itself(name):
    # nohup ignores the signal, which a child inherits
    heard = partial(signal.signal, signal.SIGHUP, signal.SIG_DFL)
    process = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(60)"], preexec_fn=heard)
    try:
        made = process_engine(process.pid)
        made.signal("prometheus", name)
        assert process.wait(10) == -1
        assert [one[0] for one in made._socket.asked] == ["GET"], "no kill call"
    finally:
        process.kill()


def test_no_signal_without_a_process_or_of_no_name():
    with pytest.raises(DockerRefused, match="prometheus does not run"):
        process_engine(0).signal("prometheus", "HUP")
    for name in ("NOPE", "", "_BLOCK"):
        with pytest.raises(DockerRefused, match="there is no signal"):
            process_engine(1).signal("prometheus", name)

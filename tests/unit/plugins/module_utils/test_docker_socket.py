# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import http.server
import json
import socketserver
import threading
import time

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import docker_socket
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import (
    Engine,
    EngineError,
    EngineHangs,
    EngineMissing,
)


class Handler(http.server.BaseHTTPRequestHandler):
    """Answers a few requests as the engine would."""

    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.seen.append(self.path)
        if self.path == "/slow":
            self.server.answering.wait(10)
        if self.path == "/_ping":
            self.answer(200, "OK")
        elif self.path.startswith("/containers"):
            self.answer(200, json.dumps([{"Id": "1"}]))
        else:
            self.answer(404, json.dumps({"message": "no such thing"}))

    def do_POST(self):
        time.sleep(0.2)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.answer(201, body.decode())

    def answer(self, status, text):
        self.send_response(status)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    def log_message(self, *_args):
        pass

    def address_string(self):
        return "local"


class Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True


@pytest.fixture
def engine(tmp_path):
    path = str(tmp_path / "docker.sock")
    server = Server(path, Handler)
    server.seen = []
    server.answering = threading.Event()
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    engine = Engine(path)
    engine.server = server
    yield engine
    engine.close()
    server.shutdown()
    server.server_close()


def test_questions_and_answers(engine):
    assert engine.answers()
    assert engine.containers() == [{"Id": "1"}]
    assert engine.get("/containers/json", filters={"label": ["a=b"]}) == [{"Id": "1"}]
    assert engine.ask("POST", "/networks/create", {"Name": "x"}) == {"Name": "x"}
    assert engine.server.seen[1:] == [
        "/containers/json?all=true",
        "/containers/json?filters=%7B%22label%22%3A+%5B%22a%3Db%22%5D%7D",
    ]


def test_a_refusal_is_said_in_dockers_words(engine):
    with pytest.raises(EngineError, match=r"^Docker: no such thing$") as failure:
        engine.get("/networks/x")
    assert failure.value.status == 404


def test_no_docker(tmp_path):
    engine = Engine(str(tmp_path / "none"))
    assert not engine.answers()
    with pytest.raises(EngineMissing, match="there is no such socket") as failure:
        engine.containers()
    assert not failure.value.installed


def test_a_stopped_docker(engine):
    engine.server.shutdown()
    engine.server.server_close()
    with pytest.raises(EngineMissing, match="refused") as failure:
        engine.networks()
    assert failure.value.installed


@pytest.mark.parametrize(
    ("labels", "ours"),
    [
        (None, False),
        ({"com.docker.compose.project": "mine"}, False),
        ({"com.docker.compose.project": "kronos-media"}, True),
        ({"kronos.digest": "d"}, True),
    ],
)
def test_whose_container(labels, ours):
    assert docker_socket.is_ours({"Labels": labels}) is ours


def test_an_engine_that_hangs_is_no_missing_one_and_is_asked_once(engine):
    quick = Engine(engine._connection.path, timeout=0.1, patience=20)
    with pytest.raises(EngineHangs, match=r"no answer at .*docker.sock within 0 s") as failure:
        quick.get("/slow")
    assert not isinstance(failure.value, EngineMissing)
    engine.server.answering.set()
    assert engine.server.seen.count("/slow") == 1
    assert quick.answers(), "the next question finds a new connection"
    assert quick.ask("POST", "/anything", {"a": 1}) == {"a": 1}, "what changes something may take longer"
    quick.close()


def test_what_is_not_there_is_none(engine):
    assert engine.find("/images/x/json") is None
    assert engine.find("/containers/json") == [{"Id": "1"}]

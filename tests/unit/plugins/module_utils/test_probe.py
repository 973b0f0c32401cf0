# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import http.server
import os
import threading
import time

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import probe
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.probe import Answer
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import HttpProbe

MET = [
    (HttpProbe(1), Answer(200), True),
    (HttpProbe(1), Answer(302), True),
    (HttpProbe(1), Answer(404), False),
    (HttpProbe(1), Answer(101), False),
    (HttpProbe(1), Answer(error="no"), False),
    (HttpProbe(1, status=(401,)), Answer(401), True),
    (HttpProbe(1, status=(401,)), Answer(200), False),
    (HttpProbe(1, expect="status == 'OK'"), Answer(200, '{"status": "OK"}'), True),
    (HttpProbe(1, expect="status == 'OK'"), Answer(200, '{"status": "no"}'), False),
    (HttpProbe(1, expect="status == 'OK'"), Answer(200, "OK"), False),
    (HttpProbe(1, expect="status == 'OK'"), Answer(200, "[" * 100_000), False),
    (HttpProbe(1, expect="length(@)"), Answer(200, "[]"), True),
    (HttpProbe(1, expect="[?bad]"), Answer(200, '[{"bad": 0}]'), True),
    (HttpProbe(1, expect="[?bad]"), Answer(200, '[{"good": 1}]'), False),
    (HttpProbe(1, expect="a.b"), Answer(200, '{"a": {}}'), False),
    (HttpProbe(1, status=(503,), expect="ok"), Answer(503, '{"ok": true}'), True),
]


@pytest.mark.parametrize(("asked", "answer", "met"), MET, ids=range(len(MET)))
def test_meets(asked, answer, met):
    assert (probe.meets(asked, answer) == "") is met


def test_what_was_wanted_is_said():
    assert probe.meets(HttpProbe(1, status=(200, 204)), Answer(500)) == "HTTP 200 or 204"
    assert probe.meets(HttpProbe(1, expect="a"), Answer(200, "{}")) == "`a`"
    assert Answer(500, "a\n  b").says == "HTTP 500: a b"
    assert Answer(204).says == "HTTP 204"
    assert Answer(500, "a  marker", conceal=lambda text: text.replace("  marker", " *")).says == "HTTP 500: a *"
    long = Answer(500, "x" * 295 + "marker", conceal=lambda text: text.replace("marker", "*"))
    assert long.says == "HTTP 500: " + "x" * 295 + "*", "hidden first, cut then"


def test_a_bad_expression_and_a_missing_library_are_one_line(monkeypatch):
    with pytest.raises(KronosError, match="`a b`: "):
        probe.search("a b", {})
    monkeypatch.setitem(__import__("sys").modules, "jmespath", None)
    with pytest.raises(KronosError, match="python3-jmespath"):
        probe.search("a", {})


class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        if self.path == "/never":
            time.sleep(3)
            return
        self.send_response(200 if self.path == "/ok" else 404)
        self.end_headers()
        self.wfile.write(f"{self.command} {self.path} {self.headers['User-Agent']}".encode())

    do_POST = do_GET

    def log_message(self, *_args):
        pass


@pytest.fixture
def port(monkeypatch):
    monkeypatch.setattr(probe, "enter_network", lambda pid: None)
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield server.server_port
    server.shutdown()
    server.server_close()


def test_questions_are_asked_at_once_and_late_ones_are_killed(port):
    questions = {
        "good": HttpProbe(port, "/ok"),
        "post": HttpProbe(port, "/ok", method="POST"),
        "bad": HttpProbe(port, "/x"),
        "never": HttpProbe(port, "/never"),
        "closed": HttpProbe(1, "/"),
        "tls": HttpProbe(port, "/ok", scheme="https"),
    }
    begun = time.monotonic()
    answers = probe.ask({name: (os.getpid(), one) for name, one in questions.items()}, patience=0.5)
    assert time.monotonic() - begun < 2.5
    assert answers["good"] == Answer(200, "GET /ok kronos-probe")
    assert answers["post"].body.startswith("POST")
    assert answers["bad"].status == 404
    assert answers["never"].error
    assert "connection refused (port 1)" in answers["closed"].error
    assert answers["tls"].error


def test_a_child_that_hangs_is_killed(monkeypatch):
    monkeypatch.setattr(probe, "enter_network", lambda pid: time.sleep(30))
    begun = time.monotonic()
    answers = probe.ask({"web": (1, HttpProbe(80))}, patience=-0.8)
    assert time.monotonic() - begun < 5
    assert answers["web"].error == "no answer from port 80 in time"


def test_a_process_that_is_gone(monkeypatch):
    assert probe.ask({"web": (2**22 + 5, HttpProbe(80))})["web"].error == "no such file or directory (port 80)"

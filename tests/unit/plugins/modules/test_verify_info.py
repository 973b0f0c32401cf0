# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import ca_state, listening, probe, secret_store
from ansible_collections.kronos.homelab.plugins.module_utils.docker_socket import EngineMissing
from ansible_collections.kronos.homelab.plugins.module_utils.listening import Socket
from ansible_collections.kronos.homelab.plugins.modules import verify_info


class Docker:
    missing = False

    def containers(self):
        if self.missing:
            raise EngineMissing("sock", "none", False)
        ports = [
            {"IP": "0.0.0.0", "PublicPort": 443, "Type": "tcp"},
            {"IP": "127.0.0.1", "PublicPort": 99, "Type": "tcp"},
        ]
        return [
            {"Id": "1", "Names": ["/traefik"], "State": "running", "Labels": {"kronos.digest": "d"}, "Ports": ports}
        ]

    def get(self, path):
        assert path == "/containers/1/json"
        return {"State": {"Pid": 7, "Health": {"Status": "healthy"}}}


@pytest.fixture
def host(tmp_path, monkeypatch):
    monkeypatch.setattr(verify_info, "AUTHORITY", ca_state.Wanted("", (), 0, str(tmp_path)))
    monkeypatch.setattr(verify_info, "Engine", Docker)
    monkeypatch.setattr(listening, "read", lambda: [Socket("tcp", 22, "0.0.0.0"), Socket("udp", 53, "127.0.0.53")])
    return tmp_path


def test_a_converged_host(host, run_module):
    (host / "ca").mkdir()
    (host / "ca" / "root.crt").write_text("PEM")
    (host / "ca" / "issued.json").write_text('{"leaves": {"proxy": {"not_after": 1}}}')
    seen = run_module(verify_info)
    assert (seen["listening_tcp"], seen["listening_udp"]) == ([22, 443], [])
    assert [(each["service"], each["health"]) for each in seen["containers"]] == [("traefik", "healthy")]
    assert (seen["root_certificate"], seen["leaves"]) == ("PEM", {"proxy": {"not_after": 1}})
    assert seen["docker"] == ""


def test_a_bare_host(host, run_module, monkeypatch):
    monkeypatch.setattr(Docker, "missing", True)
    seen = run_module(verify_info)
    assert (seen["containers"], seen["root_certificate"], seen["leaves"]) == ([], "", {})
    assert seen["docker"] == "Docker does not answer at sock: none"


def test_services_that_run_are_asked_in_their_own_network(host, run_module, monkeypatch):
    asked = {}

    def ask(questions):
        asked.update(questions)
        return {name: probe.Answer(503, "sick") for name in questions}

    monkeypatch.setattr(probe, "ask", ask)
    seen = run_module(verify_info, probes={"traefik": {"port": 8082, "path": "/ping"}, "gone": {"port": 1}})
    assert {name: (pid, question.port) for name, (pid, question) in asked.items()} == {"traefik": (7, 8082)}
    assert seen["answers"] == {"traefik": {"answer": "HTTP 503: sick", "wanted": "HTTP 2xx or 3xx"}}


def test_an_answer_shows_no_secret_and_commands_no_terminal(host, run_module, monkeypatch):
    (host / "secrets" / "traefik").mkdir(parents=True)
    (host / "secrets" / "traefik" / "token").write_text("a  secret-marker")
    monkeypatch.setattr(secret_store, "ROOT", str(host / "secrets"))
    body = "\x1b[2J a  secret-marker"
    monkeypatch.setattr(probe, "ask", lambda questions: {name: probe.Answer(503, body) for name in questions})
    seen = run_module(verify_info, probes={"traefik": {"port": 8082, "path": "/ping"}})
    assert seen["answers"]["traefik"]["answer"] == "HTTP 503: \\x1b[2J ********"

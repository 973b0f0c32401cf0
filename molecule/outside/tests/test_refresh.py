# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare's list comes into the inventory, if it can be believed, and never hides the variables that are there."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, HTTPServer

import labtest
import pytest
import yaml

SHIPPED = json.loads((labtest.ROOT / "roles" / "cloudflare" / "files" / "ranges.json").read_text())
FOUR, SIX = ([item for item in SHIPPED if (":" in item) == six] for six in (False, True))


@pytest.fixture
def refresh(tmp_path):
    """``refresh(networks of IPv4)``: runs the playbook beside an inventory of its own against a list with these."""
    answer = {}

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self):
            body = json.dumps({"success": True, "result": {"ipv4_cidrs": answer["four"], "ipv6_cidrs": SIX}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_words):
            """Say nothing."""

    server = HTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    (tmp_path / "hosts.yml").write_text("kronos: {hosts: {atlas: {}}}\n")

    def run(four):
        answer["four"] = four
        command = [
            sys.executable,
            "-m",
            "ansible",
            "playbook",
            str(labtest.ROOT / "playbooks" / "refresh_cloudflare.yml"),
        ]
        command += [
            "-i",
            str(tmp_path / "hosts.yml"),
            "-e",
            f"cloudflare_list=http://127.0.0.1:{server.server_port}/ips",
        ]
        environment = {
            **os.environ,
            "ANSIBLE_CONFIG": str(labtest.ROOT / "ansible.cfg"),
            "ANSIBLE_COLLECTIONS_PATH": str(labtest.ROOT / ".ansible" / "collections"),
            "ANSIBLE_FORCE_COLOR": "0",
        }
        return subprocess.run(command, env=environment, cwd=labtest.ROOT, capture_output=True, text=True, check=False)

    yield run
    server.shutdown()


def test_the_list_becomes_a_variable_of_the_group(refresh, tmp_path):
    done = refresh([*FOUR, "198.54.128.0/24"])
    assert done.returncode == 0, done.stdout + done.stderr
    written = yaml.safe_load((tmp_path / "group_vars" / "kronos" / "cloudflare.yml").read_text())
    assert written == {"kronos_cloudflare_ranges": [*FOUR, "198.54.128.0/24", *SIX]}
    assert "changed=0" in refresh([*FOUR, "198.54.128.0/24"]).stdout


def test_what_cannot_be_believed_is_not_written(refresh, tmp_path):
    done = refresh([*FOUR, "0.0.0.0/0"])
    assert done.returncode != 0
    assert f"answer.ipv4_cidrs[{len(FOUR)}]: a public IPv4 network" in " ".join((done.stdout + done.stderr).split())
    assert not (tmp_path / "group_vars" / "kronos" / "cloudflare.yml").exists()


def test_variables_in_a_single_file_are_not_hidden(refresh, tmp_path):
    (tmp_path / "group_vars").mkdir()
    (tmp_path / "group_vars" / "kronos.yml").write_text("a: b\n")
    done = refresh(FOUR)
    assert done.returncode != 0
    assert "Move yours to group_vars/kronos/main.yml" in " ".join(done.stdout.split())
    assert not (tmp_path / "group_vars" / "kronos").exists()

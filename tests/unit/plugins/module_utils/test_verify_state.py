# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

from ansible_collections.kronos.homelab.plugins.module_utils import verify_state

LISTED = [
    {
        "Id": "2",
        "Names": ["/radarr"],
        "State": "running",
        "Labels": {"com.docker.compose.project": "kronos-media", "com.docker.compose.service": "radarr"},
        "Ports": [{"PrivatePort": 7878, "Type": "tcp"}],
    },
    {
        "Id": "1",
        "Names": ["/job"],
        "State": "exited",
        "Labels": {"kronos.digest": "d", "kronos.stack": "own"},
        "Ports": [{"IP": "::", "PrivatePort": 53, "PublicPort": 5353, "Type": "udp"}],
    },
    {"Id": "3", "Names": ["/foreign"], "Labels": {}, "Ports": [{"PrivatePort": 1, "PublicPort": 9, "Type": "tcp"}]},
]
DETAILS = {
    "2": {"State": {"Health": {"Status": "healthy"}, "ExitCode": 0}, "RestartCount": 2},
    "1": {"State": {"ExitCode": 3}},
}


def test_containers():
    job, radarr = verify_state.containers(LISTED, DETAILS)
    assert job == {
        "name": "job",
        "service": "job",
        "stack": "own",
        "state": "exited",
        "health": "",
        "exit_code": 3,
        "pid": 0,
        "restarts": 0,
    }
    assert radarr == {
        "name": "radarr",
        "service": "radarr",
        "stack": "media",
        "state": "running",
        "health": "healthy",
        "exit_code": 0,
        "pid": 0,
        "restarts": 2,
    }


def test_published():
    assert verify_state.published(LISTED) == [
        {"container": "foreign", "address": "0.0.0.0", "port": 9, "protocol": "tcp"},
        {"container": "job", "address": "::", "port": 5353, "protocol": "udp"},
    ]

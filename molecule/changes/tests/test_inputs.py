# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bad input ends before the host is touched."""

from __future__ import annotations

from typing import Any

import labtest
import pytest

BROKEN = [
    ({"kronos_services_zz": {"hello": {"imagee": "x:1"}}}, ["kronos_services_zz", "imagee", "did you mean", "image"]),
    ({"kronos_services_zz": {"hello": {"image": "docker.io/kronos/echo:latest"}}}, ["latest"]),
    ({"kronos_services_zz": {"helo": {"enabled": True}}}, ["helo", "did you mean", "hello"]),
    ({"kronos_stacks": ["traefik", "medai"]}, ["medai", "media"]),
]


def snapshot(host: Any) -> str:
    files = "find /opt/kronos /etc/kronos /var/lib/kronos /etc/docker -type f -exec sha256sum {} + | sort"
    return str(host.check_output(files) + host.check_output("docker ps --no-trunc --format '{{.ID}} {{.CreatedAt}}'"))


@pytest.mark.parametrize(("variables", "named"), BROKEN)
def test_one_clear_error_and_nothing_touched(host: Any, variables: dict[str, Any], named: list[str]) -> None:
    before = snapshot(host)
    run = labtest.site(**variables)
    assert run.code != 0
    told = " ".join(run.failures)
    for word in named:
        assert word in told, told
    assert "Traceback" not in run.output
    assert snapshot(host) == before

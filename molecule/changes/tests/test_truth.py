# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""verify is green after site, and red with the right row when something is not as declared."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import labtest
import pytest


def bad_rows() -> list[tuple[str, str]]:
    run = labtest.play("verify.yml")
    rows = [row for task in run.tasks for row in task.get("rows", [])]
    assert rows, run.output
    found = [(row["kind"], row["subject"]) for row in rows if not row["ok"]]
    assert (run.code != 0) is bool(found)
    return found


@contextmanager
def stopped_container(host: Any) -> Iterator[None]:
    host.check_output("docker stop -t 1 radarr")
    yield
    host.check_output("docker start radarr")
    labtest.until(lambda: labtest.answers("radarr"), 20, "radarr answers again")


@contextmanager
def expired_certificate(host: Any) -> Iterator[None]:
    folder = "/etc/kronos/tls/proxy"
    dynamic = "/opt/kronos/stacks/traefik/files/traefik/dynamic"
    republish = f"cp -p {dynamic}/kronos.yml {dynamic}/.new && mv {dynamic}/.new {dynamic}/kronos.yml"
    make = (
        f"cd /etc/kronos/ca && openssl x509 -req -in <(openssl req -new -key "
        f"{folder}/key.pem -subj /CN=proxy) -CA root.crt -CAkey root.key -CAcreateserial -CAserial /tmp/serial "
        f"-not_before 20250101000000Z -not_after 20250201000000Z "
        f"-extfile <(echo subjectAltName=DNS:*.{labtest.HOST}.localhost) -out /tmp/bad.pem && "
        f"cat /tmp/bad.pem root.crt > /tmp/chain.pem && cat /tmp/chain.pem > {folder}/cert.pem && {republish}"
    )
    host.check_output(f"bash -c '{make}'")
    labtest.until(lambda: not trusted(host), 20, "the expired certificate is served")
    yield
    # what the host's own timer starts every day
    host.check_output("systemctl start kronos-certificates.service")
    labtest.until(lambda: trusted(host), 20, "a new certificate is served")


def trusted(host: Any) -> bool:
    try:
        labtest.fetch("hello", root=host.file("/etc/kronos/ca/root.crt").content_string)
    except OSError:
        return False
    return True


@contextmanager
def open_port(host: Any) -> Iterator[None]:
    host.check_output("systemd-run --unit=opened-by-hand python3 -m http.server 4444 --directory /run/lock")
    labtest.until(lambda: host.socket("tcp://4444").is_listening or host.socket("tcp://0.0.0.0:4444").is_listening, 10)
    # and in the firewall, whose guard would close it again
    host.check_output("systemctl stop kronos-firewall-guard && nft insert rule inet kronos input tcp dport 4444 accept")
    yield
    host.check_output("systemctl stop opened-by-hand && systemctl start kronos-firewall-guard")
    labtest.until(lambda: "4444" not in host.check_output("nft list table inet kronos"), 30)


def test_green_after_site(host: Any) -> None:
    assert labtest.site().code == 0
    assert bad_rows() == []


@pytest.mark.parametrize(
    ("harm", "rows"),
    [
        (stopped_container, {("container", "radarr"), ("route", "radarr")}),
        (expired_certificate, {("certificate", f"hello.{labtest.HOST}.localhost")}),
        (open_port, {("closed", "4444/tcp")}),
    ],
)
def test_red_with_the_right_row(host: Any, harm: Any, rows: set[tuple[str, str]]) -> None:
    with harm(host):
        found = set(bad_rows())
    assert rows <= found
    assert {kind for kind, _subject in found} == {kind for kind, _subject in rows}
    assert bad_rows() == []


def test_a_certificate_that_the_host_renewed_is_no_drift(host: Any) -> None:
    assert labtest.site().code == 0
    before = host.file("/etc/kronos/tls/proxy/cert.pem").sha256sum
    with expired_certificate(host):
        pass
    assert host.file("/etc/kronos/tls/proxy/cert.pem").sha256sum != before
    run = labtest.site("--check")
    assert (run.code, run.changed) == (0, []), run.output
    (check,) = [task for task in run.tasks if task["action"] == "kronos.homelab.host_check"]
    assert (check["drifted"], check["reasons"]) == (False, [])

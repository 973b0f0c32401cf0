# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base, firewall and shares on Debian 12: predicted, made, quiet the second time; what a hand changes is mended."""

from __future__ import annotations

import socket
from pathlib import Path
from typing import Any

import labtest
import pytest
import yaml

HERE = Path(__file__).parents[1]
VARIABLES = yaml.safe_load((HERE / "vars" / "main.yml").read_text())
LIBRARY = "/mnt/storage/media/library"


def site(*arguments: str, **variables: Any) -> labtest.Run:
    return labtest.play(str(HERE / "site.yml"), *arguments, variables={**VARIABLES, **variables})


def reached(port: int) -> bool:
    """Whether a connection to the host comes about from here."""
    try:
        socket.create_connection((labtest.address(), port), timeout=3).close()
    except OSError:
        return False
    return True


def test_it_is_the_release_that_is_meant(host: Any) -> None:
    assert host.check_output(". /etc/os-release && echo $VERSION_ID") == "12"


def test_the_prediction_is_what_the_first_run_did() -> None:
    predicted, real = labtest.record(0), labtest.record(1)
    assert predicted.tasks[0]["check"]
    assert len(real.changed) > 5
    assert predicted.changed == real.changed
    assert predicted.files == real.files


def test_the_second_run_changes_nothing() -> None:
    assert labtest.record(2).changed == []


def test_the_base_stands(host: Any) -> None:
    assert host.check_output("date +%Z") in ("CET", "CEST")
    assert "es_ES.utf8" in host.check_output("locale -a")
    assert host.user("kronos").uid == 1000
    assert host.user("anna").groups == ["anna", "sudo"]
    assert host.service("kronos-log-cleanup.timer").is_running


def test_passwords_stay_until_the_administrator_has_used_a_key(host: Any) -> None:
    assert host.check_output("sshd -T | grep -i ^passwordauthentication") == "passwordauthentication yes"
    host.check_output("logger -t sshd 'Accepted publickey for anna from 192.0.2.1 port 22 ssh2: ED25519 x'")
    assert site().files == ["/etc/ssh/sshd_config.d/10-kronos.conf"]
    assert host.check_output("sshd -T | grep -i ^passwordauthentication") == "passwordauthentication no"
    assert site().changed == []


def test_shares_are_mounted_with_their_folders(host: Any) -> None:
    found = host.check_output(f"stat -c '%n %a %u:%g' {LIBRARY} {LIBRARY}/films {LIBRARY}/photos").splitlines()
    assert found == [f"{LIBRARY} 2775 1000:1000", f"{LIBRARY}/films 2775 1000:1000", f"{LIBRARY}/photos 750 1000:1000"]
    assert host.run("touch /mnt/shown/x").rc != 0  # read-only


def test_what_is_not_declared_is_not_reached(host: Any) -> None:
    host.check_output("systemd-run --unit=listener python3 -m http.server 7777 --directory /run/lock")
    labtest.until(lambda: host.run("ss -Hltn sport = :7777").stdout != "", 20)
    try:
        assert (reached(22), reached(7777)) == (True, False)
        opened = {"kronos_open_ports": [{"port": 7777, "reach": "public", "what": "a listener of the test"}]}
        assert site(**opened).code == 0
        assert reached(7777)
        assert site().code == 0
        assert not reached(7777)
    finally:
        host.check_output("systemctl stop listener")


@pytest.mark.parametrize(
    ("harm", "mended"),
    [
        ("rm /etc/localtime", "test -L /etc/localtime"),
        ("systemctl stop kronos-share-guard && umount /mnt/shown", "mountpoint -q /mnt/shown"),
        (f"chmod 0777 {LIBRARY}/photos", f"test $(stat -c %a {LIBRARY}/photos) = 750"),
        ("nft delete table inet kronos; systemctl stop kronos-firewall-guard", "nft list table inet kronos"),
    ],
)
def test_what_a_hand_changes_is_predicted_and_mended(host: Any, harm: str, mended: str) -> None:
    host.check_output(harm)
    predicted = site("--check")
    assert host.run(mended).rc != 0
    run = site()
    assert (run.code, run.changed) == (0, predicted.changed), run.output
    assert run.changed
    assert host.run(mended).rc == 0
    assert site().changed == []


def test_all_of_it_is_there_after_a_reboot(host: Any) -> None:
    labtest.reboot()
    assert site().changed == []

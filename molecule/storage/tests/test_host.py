# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The base of the host: predicted, made, quiet the second time; and nobody is locked out."""

from __future__ import annotations

from typing import Any

import labtest
from storagetest import site


def test_the_prediction_is_what_the_first_run_did() -> None:
    predicted, real = labtest.record(0), labtest.record(1)
    assert predicted.tasks[0]["check"]
    assert predicted.changed == real.changed
    assert predicted.files == real.files


def test_the_second_run_and_a_full_one_change_nothing_in_few_tasks() -> None:
    assert labtest.record(2).changed == []
    run = site(kronos_fast=False)
    assert (run.code, run.changed) == (0, []), run.output
    names = [line for line in run.output.splitlines() if line.startswith("TASK [kronos.homelab.")]
    assert len([name for name in names if "homelab.host :" in name]) <= 7
    assert len([name for name in names if "homelab.storage :" in name]) <= 4


def test_the_roles_of_the_machine_cost_few_tasks() -> None:
    """With a zone that has a VLAN, without which that role is left out. The lab's kernel has none: nothing is made."""
    vlan = {"id": 30, "parent": "eth0", "address": "10.66.3.2/24", "gateway": None, "mtu": None}
    zones = {"iot": {"vlan": vlan, "network": {"subnet": "10.88.3.0/24"}}}
    run = site("--check", kronos_fast=False, vlan_enabled=False, kronos_zones=zones)
    assert run.code == 0, run.output
    names = [line for line in run.output.splitlines() if line.startswith("TASK [kronos.homelab.")]
    roles = ("host", "vlan", "firewall", "storage")
    counted = {role: len([name for name in names if f"homelab.{role} :" in name]) for role in roles}
    assert all(counted.values()), counted
    assert sum(counted.values()) <= 25, counted


def test_what_then_stands(host: Any) -> None:
    assert host.check_output("date +%Z") in ("CET", "CEST")
    assert host.file("/etc/timezone").content_string == "Europe/Madrid\n"
    assert "es_ES.utf8" in host.check_output("locale -a")
    assert host.check_output("getent hosts nas").split() == ["192.0.2.5", "nas.home.example", "nas"]
    assert (host.user("kronos").uid, host.user("kronos").shell) == (1000, "/usr/sbin/nologin")
    assert host.user("anna").groups == ["anna", "sudo"]
    assert host.check_output("sudo -u anna sudo -n id -u") == "0"
    assert 'Automatic-Reboot-Time "04:00"' in host.check_output("apt-config dump")
    assert host.service("kronos-log-cleanup.timer").is_running


def test_old_rotated_logs_go_and_others_stay(host: Any) -> None:
    host.check_output(
        "cd /var/log && touch new.log.1 old.log keep.log.2.gz && mkdir -p app && "
        "touch -d '40 days ago' old.log gone.log.1 gone.2.gz && touch -d '40 days ago' app/gone.log.10"
    )
    host.check_output("systemctl start kronos-log-cleanup.service")
    left = host.check_output("find /var/log -name '*gone*' -o -name 'new.log.1' -o -name old.log -o -name 'keep*'")
    assert sorted(left.split()) == ["/var/log/keep.log.2.gz", "/var/log/new.log.1", "/var/log/old.log"]


def test_passwords_stay_until_the_administrator_has_used_a_key(host: Any) -> None:
    assert host.check_output("sshd -T | grep -i ^passwordauthentication") == "passwordauthentication yes"
    assert "without-password" in host.check_output("sshd -T | grep -i ^permitrootlogin")
    host.check_output("logger -t sshd-session 'Accepted publickey for anna from 192.0.2.1 port 22 ssh2: ED25519 x'")
    run = site(kronos_fast=False)
    assert run.files == ["/etc/ssh/sshd_config.d/10-kronos.conf"]
    assert host.check_output("sshd -T | grep -i ^passwordauthentication") == "passwordauthentication no"
    assert "without-password" in host.check_output("sshd -T | grep -i ^permitrootlogin")  # Ansible is root here
    assert site(kronos_fast=False).changed == []
    host.check_output("logger -t sshd-session 'Accepted password for anna from 192.0.2.1 port 23 ssh2'")
    host.check_output("sudo -u anna logger -t sshd 'Accepted publickey for anna from 192.0.2.1 port 24 ssh2: forged'")
    assert site(kronos_fast=False).files == ["/etc/ssh/sshd_config.d/10-kronos.conf"]
    assert host.check_output("sshd -T | grep -i ^passwordauthentication") == "passwordauthentication yes"


def test_settings_that_sshd_does_not_read_are_told(host: Any) -> None:
    host.check_output("sed -i 's/^Include/#&/' /etc/ssh/sshd_config")
    run = site(kronos_fast=False)
    host.check_output("sed -i 's/^#Include/Include/' /etc/ssh/sshd_config")
    assert run.code == 0
    assert "10-kronos.conf: not in force: X11Forwarding no" in " ".join(run.output.split())
    assert "not in force" not in site(kronos_fast=False).output


def test_another_language_takes_none_away(host: Any) -> None:
    assert site(host_locale="fr_FR.UTF-8").code == 0
    assert {"es_ES.utf8", "fr_FR.utf8"} <= {*host.check_output("locale -a").split()}
    assert "fr_FR" in host.check_output("cat /etc/default/locale")


def test_what_is_switched_off_ends(host: Any) -> None:
    since = "systemctl show systemd-journald --property=ActiveEnterTimestampMonotonic"
    before = host.check_output(since)
    run = site(host_logs=False, host_ssh=False)
    assert run.code == 0, run.output
    assert host.check_output("sshd -T | grep -i ^x11forwarding") == "x11forwarding yes"
    assert host.check_output(since) != before, "the journal has its own bounds again"
    assert not host.file("/etc/systemd/system/kronos-log-cleanup.timer").exists
    assert site().code == 0


def test_a_setting_that_sshd_refuses_is_taken_by_nobody(host: Any) -> None:
    path = "/etc/ssh/sshd_config.d/10-kronos.conf"
    before = host.file(path).content_string
    host.check_output("echo NoSuchOption yes > /etc/ssh/sshd_config.d/20-broken.conf")
    host.check_output(f"echo '# edited' >> {path}")
    run = site()
    assert run.code != 0
    assert "refuses /etc/ssh/sshd_config.d/10-kronos.conf, which are as before" in "\n".join(run.failures)
    assert host.file(path).content_string == before + "# edited\n"
    host.check_output("rm /etc/ssh/sshd_config.d/20-broken.conf")
    assert site().code == 0
    assert host.file(path).content_string == before


def test_what_a_hand_changes_is_noticed_by_the_quick_check(host: Any) -> None:
    host.check_output("rm /etc/localtime && usermod --shell /bin/sh anna && systemctl disable kronos-log-cleanup.timer")
    run = site()
    reasons = "\n".join(reason for task in run.tasks for reason in task.get("reasons") or [])
    for words in ("/etc/localtime: does not lead", "user anna: changed by hand", "kronos-log-cleanup.timer: disabled"):
        assert words in reasons
    assert site(kronos_fast=False).changed == []

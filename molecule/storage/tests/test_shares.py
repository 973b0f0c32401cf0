# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Shares: mounted and made, lost and found, refused, and a service that is nowhere without its share."""

from __future__ import annotations

import json
from typing import Any

import labtest
from storagetest import shares, site

LIBRARY = "/mnt/storage/media/library"
GUARD = "kronos-share-guard.service"


def state(host: Any, name: str) -> str:
    return str(host.check_output("docker inspect --format '{{.State.Status}}' " + name))


def started(host: Any, name: str) -> str:
    return str(host.check_output("docker inspect --format '{{.State.StartedAt}}' " + name))


def lose(host: Any) -> None:
    """Take the share away, and its folder too, so that mounting it again does not bring it back."""
    host.check_output("mv /srv/pool/media/library /srv/pool/away; umount /mnt/storage/media")


def bring_back(host: Any) -> None:
    host.check_output("mv /srv/pool/away /srv/pool/media/library")


def test_folders_are_on_the_share_with_their_owners(host: Any) -> None:
    found = host.check_output(f"stat -c '%n %a %u:%g' {LIBRARY} {LIBRARY}/films {LIBRARY}/photos").splitlines()
    assert found == [f"{LIBRARY} 2775 1000:1000", f"{LIBRARY}/films 2775 1000:1000", f"{LIBRARY}/photos 750 1000:1000"]
    assert host.run("touch /mnt/shown/x").rc != 0  # read-only
    assert host.file("/mnt/shown/library/films").is_directory


def test_a_share_that_goes_stops_its_service_and_brings_it_back(host: Any) -> None:
    before = started(host, "bystander")
    lose(host)
    labtest.until(lambda: state(host, "keeper") == "exited", 60, "the service of the share is stopped")
    refused = host.run("docker start keeper")
    assert "bind source path does not exist" in refused.stderr
    labtest.until(lambda: host.mount_point("/mnt/storage/media").exists, 60, "the guard mounts it again")
    labtest.until(lambda: "library" in host.file("/run/kronos-guard/state.json").content_string, 60, "it says why")
    assert json.loads(host.file("/run/kronos-guard/state.json").content_string)["held"] == {"keeper": "media"}
    assert state(host, "keeper") == "exited"  # it is mounted, but it is not the share that it was
    run = site()
    assert run.code != 0
    assert f"share media: {LIBRARY}, which an earlier run found there, is gone" in "\n".join(run.failures)
    reasons = "\n".join(reason for task in run.tasks for reason in task.get("reasons") or [])
    assert "container keeper: stopped by the mount guard while share media is away" in reasons
    assert not host.file(LIBRARY).exists
    bring_back(host)
    labtest.until(lambda: state(host, "keeper") == "running", 60, "the service is back")
    assert (state(host, "bystander"), started(host, "bystander")) == ("running", before)
    assert site(kronos_fast=False).changed == []


def test_a_lost_mount_is_noticed_and_mended_by_a_run(host: Any) -> None:
    host.check_output(f"systemctl stop {GUARD} && umount /mnt/shown")
    run = site()
    reasons = "\n".join(reason for task in run.tasks for reason in task.get("reasons") or [])
    assert "share shown: is not mounted at /mnt/shown" in reasons
    assert (run.code, host.mount_point("/mnt/shown").exists, host.service(GUARD).is_running) == (0, True, True)
    assert site(kronos_fast=False).changed == []


def test_the_trouble_of_one_share_is_told_and_not_that_of_others(host: Any) -> None:
    host.check_output(
        "mkdir -p /mnt/full /mnt/foreign /srv/mine && touch /mnt/full/x && mount -B /srv/mine /mnt/foreign"
    )
    wanted = shares(
        away={"type": "nfs", "source": "127.0.0.1:/x", "timeout": 5},
        disk={"type": "local", "source": "UUID=0-1", "timeout": 5},
        full={"type": "bind", "source": "/srv/pool/media", "path": "/mnt/full"},
        foreign={"type": "bind", "source": "/srv/pool/media", "path": "/mnt/foreign"},
        fine={"type": "bind", "source": "/srv/pool/media", "path": "/mnt/fine"},
    )
    predicted, run = site("--check", **wanted), site(**wanted)
    for one in (predicted, run):
        told = "\n".join(one.failures)
        assert one.code != 0
        for words in (
            "share away: the server 127.0.0.1 does not answer on port 2049",
            "share disk: there is no device /dev/disk/by-uuid/0-1",
            "share full: storage_safe_mode: would have mounted over /mnt/full, which holds an entry",
            "share foreign: /srv/mine is mounted at /mnt/foreign, and not by us",
        ):
            assert words in told
    assert predicted.files == run.files
    assert host.mount_point("/mnt/fine").exists
    assert not host.mount_point("/mnt/full").exists
    assert site().code == 0  # those shares are not wanted any more
    assert not host.mount_point("/mnt/fine").exists
    assert host.mount_point("/mnt/foreign").exists
    host.check_output("umount /mnt/foreign")


def test_a_share_in_use_is_not_unmounted(host: Any) -> None:
    host.check_output("mkdir -p /srv/extra")
    extra = shares(extra={"type": "bind", "source": "/srv/extra", "path": "/mnt/extra"})
    assert site(**extra).code == 0
    host.check_output(
        "docker run -d --name user -v /mnt/extra:/x --restart no $(docker inspect -f '{{.Image}}' keeper)"
    )
    run = site()
    assert (run.code, host.mount_point("/mnt/extra").exists) == (0, True)
    assert "in use by" in run.output
    host.check_output("docker rm -f user")
    assert site().code == 0  # what was in use is tried again by itself
    assert not host.mount_point("/mnt/extra").exists


def test_a_share_that_a_program_of_the_host_works_in_holds_nothing_up(host: Any) -> None:
    host.check_output("mkdir -p /srv/extra")
    assert site(**shares(extra={"type": "bind", "source": "/srv/extra", "path": "/mnt/extra"})).code == 0
    # not as its working directory: systemd would know of the share and end it first
    host.check_output("systemd-run --unit=squatter sh -c 'cd /mnt/extra && exec sleep 900'")
    other = shares(other={"type": "bind", "source": "/srv/pool/media", "path": "/mnt/other"})
    run = site(**other)
    assert run.code != 0
    assert "share extra (not wanted any more): is still mounted at /mnt/extra" in "\n".join(run.failures)
    assert host.mount_point("/mnt/extra").exists
    assert host.mount_point("/mnt/other").exists
    assert host.service("mnt-extra.mount").is_enabled  # with its file: a boot would find it as it is
    host.check_output("systemctl stop squatter")
    assert site().code == 0
    for path in ("/mnt/extra", "/mnt/other"):
        assert not host.mount_point(path).exists
    assert not host.file("/etc/systemd/system/mnt-extra.mount").exists


def test_a_line_of_fstab_for_the_same_place_is_told(host: Any) -> None:
    host.check_output("echo '/srv/pool/media /mnt/shown none bind 0 0' >> /etc/fstab")
    run = site(kronos_fast=False)
    host.check_output("sed -i '\\#/mnt/shown#d' /etc/fstab")
    assert run.code == 0
    assert "/mnt/shown is also in /etc/fstab" in run.output.replace("\n", " ")


def test_a_power_cut(host: Any) -> None:
    assert site(kronos_fast=False).changed == []
    labtest.reboot()
    labtest.until(lambda: state(host, "keeper") == "running", 90, "the service of the share is back")
    assert site(kronos_fast=False).changed == []

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What real queries are answered, who may ask, and that the second run is quiet."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import labtest
import pytest
from dnstest import DATA, INTERNET, VARIABLES, api, config, counts, dig, site

HOST = f"{labtest.HOST}.localhost"


def test_the_second_run_and_a_full_one_change_nothing(host: Any) -> None:
    assert labtest.record(1).changed == []
    before = counts(host)
    run = site(kronos_fast=False)
    assert (run.code, run.changed) == (0, []), run.output
    after = counts(host)
    assert (after["gravity"], after["restarts"], after["sessions"]) == (before["gravity"], before["restarts"], 0)


@pytest.mark.parametrize(
    ("name", "kind", "answer"),
    [
        (f"traefik.{HOST}", "A", "host"),
        (f"hello.{HOST}", "A", "host"),
        (f"printer.{HOST}", "A", "host"),  # runs elsewhere, its route is ours
        (f"{labtest.HOST}.{HOST}", "A", "host"),
        (f"nas.{HOST}", "A", "192.0.2.5"),  # runs elsewhere without a route
        ("router.home.example", "A", "192.0.2.1"),
        ("drucker.home.example", "A", "router.home.example. 192.0.2.1"),
        ("ads.example.org", "A", "0.0.0.0"),
        ("ads.example.org", "AAAA", "::"),
        ("deep.tracker.example.org", "A", "0.0.0.0"),
        ("www.example.net", "A", "198.51.100.7"),  # asked of the internet
        ("router.home.example", "AAAA", ""),
    ],
)
def test_what_dig_is_answered(host: Any, name: str, kind: str, answer: str) -> None:
    wanted = answer.replace("host", labtest.address()) if answer == "host" else answer
    assert dig(host, name, kind) == sorted(wanted.split())
    assert dig(host, name, kind, "+tcp") == sorted(wanted.split())


@pytest.mark.parametrize(("kind", "outside"), [("AAAA", "2001:db8::1"), ("HTTPS", "0 .")])
def test_nothing_about_a_name_of_the_home_is_asked_outside(host: Any, kind: str, outside: str) -> None:
    name = f"hello.{HOST}"
    assert host.check_output(f"docker exec asker dig +short @{INTERNET} {name} {kind}").strip() == outside
    assert dig(host, name, kind) == []
    assert dig(host, name) == [labtest.address()]


def test_the_address_is_called_as_the_host(host: Any) -> None:
    reverse = ".".join(reversed(labtest.address().split("."))) + ".in-addr.arpa"
    assert f"{labtest.HOST}.{HOST}." in dig(host, reverse, "PTR")


def test_only_the_address_of_the_host_has_port_53(host: Any) -> None:
    sockets = host.check_output("ss -Hlun 'sport = :53'; ss -Hltn 'sport = :53'").splitlines()
    assert {line.split()[3] for line in sockets} == {f"{labtest.address()}:53"}
    bind = "import socket; s=socket.socket(type=socket.SOCK_DGRAM); s.bind(('127.0.0.53', 53)); print('free')"
    assert host.check_output(f'python3 -c "{bind}"') == "free"


def test_the_folder_belongs_to_whom_pihole_gives_it(host: Any) -> None:
    assert host.check_output(f"stat -c '%u:%g %a' {DATA}") == "1000:1000 755"
    before = host.check_output("docker inspect -f '{{.State.StartedAt}}' pihole")
    host.check_output("docker restart -t 5 pihole")
    labtest.until(
        lambda: host.run("docker exec asker dig +short @" + labtest.address() + " router.home.example").stdout
    )
    assert host.check_output("docker inspect -f '{{.State.StartedAt}}' pihole") != before
    assert site().changed == []  # settled: neither owner nor configuration differ


@pytest.mark.skipif(not labtest.FULL, reason="long: make test-full runs it")
def test_names_of_a_peer_are_answered(host: Any, tmp_path: Path) -> None:
    own = labtest.host_variables()
    path = labtest.write_inventory(tmp_path, {})
    inventory = json.loads(path.read_text())
    common = {"kronos_lan": own["kronos_lan"], "kronos_domain": HOST, "kronos_stacks": ["traefik", "pihole"]}
    mine = {name: value for name, value in own.items() if name.startswith("kronos_") and name not in common}
    inventory["kronos"]["hosts"][labtest.HOST].update({**mine, **common})
    files = {"image": "docker.io/kronos/echo:1.0", "routes": [{"host": "files", "port": 8080, "access": "public"}]}
    peer = {**common, "kronos_address": "192.0.2.77", "kronos_domain": "atlas.example"}
    inventory["kronos"]["hosts"]["atlas"] = {**peer, "kronos_stacks": ["traefik"], "kronos_services": {"files": files}}
    path.write_text(json.dumps(inventory))
    mine_only = {key: value for key, value in VARIABLES.items() if key.startswith("pihole_")}
    run = labtest.play("site.yml", variables=mine_only, inventory=path)
    assert run.code == 0, run.output
    assert dig(host, "files.atlas.example") == ["192.0.2.77"]
    assert dig(host, "atlas.atlas.example") == ["192.0.2.77"]
    assert site().code == 0
    assert dig(host, "files.atlas.example") == []


def test_the_internet_is_asked_where_the_variables_say(host: Any) -> None:
    assert config(host, "dns/upstreams") == [INTERNET]


def test_verify_asks_for_each_name(host: Any) -> None:
    def rows() -> dict[str, tuple[bool, str]]:
        run = labtest.play("verify.yml", variables=VARIABLES)
        return {row["subject"]: (row["ok"], row["detail"]) for row in run.tasks[-1]["rows"] if row["kind"] == "dns"}

    name = f"traefik.{HOST}"
    before = rows()
    assert before[name] == (True, labtest.address())
    assert all(ok for ok, _detail in before.values())
    hosts = config(host, "dns/hosts")
    (record,) = [one for one in hosts if name in one.split()]
    api(host, ("PATCH", "config", {"config": {"dns": {"hosts": [one for one in hosts if one != record]}}}))
    labtest.until(lambda: not rows()[name][0], 20, "verify sees that a name is gone")
    assert site().code == 0
    assert rows() == before
    host.check_output("docker pause pihole")
    try:
        assert rows()[name] == (False, "does not answer")
    finally:
        host.check_output("docker unpause pihole")

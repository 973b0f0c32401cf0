# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The module against a busy Pi-hole: predictions, lists, what hands change, full seats, restarts, refusals."""

from __future__ import annotations

import threading
import time
from typing import Any

import labtest
import pytest
from dnstest import LIST, answered, api, config, counts, dig, leave, module, site, url, wanted


def test_lists_act_after_an_update_which_only_their_change_causes(host: Any) -> None:
    answered(host, "listed.example.org", [])
    before = counts(host)["gravity"]
    _well, result = module(host, **wanted(domains=[*wanted()["domains"], {"domain": "more.example.org"}]))
    assert (result["changed"], result["gravity"], counts(host)["gravity"]) == (True, False, before)
    answered(host, "more.example.org", ["0.0.0.0"])
    said = [{"address": "file:///etc/pihole/scenario.list", "comment": "looked at"}]
    predicted = module(host, **wanted(lists=said), check=True)[1]
    assert (predicted["changed"], predicted["gravity"], counts(host)["gravity"]) == (True, True, before)
    well, result = module(host, **wanted(lists=said))
    assert well, result
    assert (result["diff"], result["message"]) == (predicted["diff"], predicted["message"])
    assert counts(host)["gravity"] == before + 1
    answered(host, "listed.example.org", ["0.0.0.0"])
    assert module(host, **wanted(lists=said))[1]["changed"] is False


@pytest.mark.skipif(not labtest.FULL, reason="long: make test-full runs it")
def test_a_list_that_cannot_be_fetched_is_told(host: Any) -> None:
    said = [*wanted()["lists"], {"address": "http://127.0.0.1:9/none.txt"}]
    well, result = module(host, **wanted(lists=said))
    assert well, result
    assert "none.txt could not be fetched, and there is no copy of it" in str(result["warnings"])
    assert module(host, **wanted(lists=said))[1]["changed"] is False
    assert module(host, **wanted())[1]["gravity"] is True


def test_the_prediction_is_what_the_run_does(host: Any) -> None:
    said = {
        "pihole_hosts": [{"address": "192.0.2.1", "names": ["gate.home.example"]}],
        "pihole_groups": [{"name": "children", "enabled": False}, {"name": "guests"}],
        "pihole_blocking": False,
    }
    assert site(kronos_fast=False).code == 0  # the lists of the tests before
    predicted, real = site("--check", **said), site(**said)
    assert (predicted.code, real.code) == (0, 0), real.output
    assert predicted.changed == real.changed == [TASK]
    assert predicted.files == real.files == ["pihole blocking", "pihole groups", "pihole hosts"]
    try:
        answered(host, "gate.home.example", ["192.0.2.1"])
        undone = site()  # blocking is no wish of the scenario's: it stays as it is
        assert undone.code == 0, undone.output
        assert config(host, "dns/blocking/active") is False
    finally:
        api(host, ("POST", "dns/blocking", {"blocking": True}))


TASK = "kronos.homelab.pihole : Make Pi-hole hold the names of the home"
FILE = "file%3A%2F%2F%2Fetc%2Fpihole%2Fscenario.list"
BY_HAND = {
    "a host": ("PUT", "config/dns/hosts/192.0.2.66%20hand.home.example"),
    "a host gone": ("DELETE", "config/dns/hosts/192.0.2.1%20router.home.example"),
    "a cname": ("PUT", "config/dns/cnameRecords/hand.home.example,router.home.example"),
    "an upstream": ("PUT", "config/dns/upstreams/192.0.2.99"),
    "a domain": ("POST", "domains/deny/exact", {"domain": "hand.example.org"}),
    "a domain moved": ("PUT", "domains/allow/exact/ads.example.org", {"type": "deny", "kind": "exact"}),
    "a list": ("POST", "lists?type=block", {"address": "http://127.0.0.1:9/hand.txt"}),
    "a list off": (
        "PUT",
        "lists/file%3A%2F%2F%2Fetc%2Fpihole%2Fscenario.list?type=block",
        {"enabled": False, "groups": [0]},
    ),
    "a group gone": ("DELETE", "groups/children"),
    "a client": ("POST", "clients", {"client": "192.168.77.99"}),
    "a setting": ("PATCH", "config", {"config": {"dns": {"queryLogging": True}}}),
}
FEW = ["a host gone", "a domain moved", "a group gone", "a setting"]


def test_what_hands_change_is_found_and_put_right_in_exact_sections(host: Any) -> None:
    assert site().code == 0
    rows = labtest.rows(list(BY_HAND.items()), FEW, lambda row: row[0])
    for name, call in rows:
        answer = api(host, call)[1]
        assert answer[0] < 300, (name, answer)
        time.sleep(1.5)  # some of them restart Pi-hole
    run = site()
    assert run.code == 0, run.output
    assert run.changed == [TASK], run.output
    reasons = str(run.tasks[1].get("reasons") or [task.get("reasons") for task in run.tasks])
    assert "Pi-hole: its configuration was changed" in reasons
    assert "Pi-hole: its domains, lists, groups or clients were changed" in reasons
    answered(host, "router.home.example", ["192.0.2.1"])
    answered(host, "ads.example.org", ["0.0.0.0"])
    assert site().changed == []


@pytest.mark.skipif(not labtest.FULL, reason="long: make test-full runs it")
def test_additive_sections_keep_what_hands_made(host: Any) -> None:
    names = ("hosts", "domains", "groups", "clients", "cnames", "lists")
    additive = {"sections": dict.fromkeys(names, "additive")}
    hosts = [{"address": "192.0.2.2", "names": ["mine.home.example"]}]
    module(host, hosts=hosts, **additive)
    api(
        host,
        ("PUT", "config/dns/hosts/192.0.2.66%20hand.home.example"),
        BY_HAND["a domain"],
        ("POST", "groups", {"name": "hand"}),
    )
    domains = [{"domain": "mine.example.org"}, {"domain": "hand.example.org", "comment": "named now"}]
    well, result = module(host, hosts=hosts, domains=domains, groups=wanted()["groups"], **additive)
    assert well, result
    assert [entry["after_header"] for entry in result["diff"]] == ["pihole domains"]
    well, result = module(host, hosts=[], domains=[], groups=[], **additive)
    assert well, result
    # its own went, the others stay: one that was named belongs to whoever made it
    answered(host, "mine.home.example", [])
    answered(host, "mine.example.org", [])
    answered(host, "hand.home.example", ["192.0.2.66"])
    answered(host, "hand.example.org", ["0.0.0.0"])
    assert site(kronos_fast=False).code == 0
    answered(host, "hand.home.example", [])


def test_many_cnames_restart_it_once_and_the_next_call_survives_that(host: Any) -> None:
    before = counts(host)["restarts"]
    cnames = [{"alias": f"c{number}.home.example", "target": "router.home.example"} for number in range(20)]
    assert module(host, cnames=[*wanted()["cnames"], *cnames])[0]
    assert dig(host, "c19.home.example")[-1] == "router.home.example."
    api(host, ("POST", "action/restartdns"))
    well, result = module(host, cnames=wanted()["cnames"])
    assert well, result
    found = counts(host)
    assert (found["restarts"], found["sessions"]) == (before + 3, 0)


@pytest.mark.skipif(not labtest.FULL, reason="long: make test-full runs it")
def test_full_seats_are_waited_for_and_told(host: Any) -> None:
    free = counts(host)["sessions"]
    taken = [api(host, keep=True)[0][1]["session"]["sid"] for _seat in range(16 - free)]
    assert api(host)[0][1]["error"]["key"] == "api_seats_exceeded"
    well, result = module(host, upstreams=["192.0.2.53"], seats_timeout=3)
    if well:
        leave(host, taken)
    assert not well
    assert result["msg"].startswith("all sessions of Pi-hole's API are taken")

    def later() -> None:
        time.sleep(4)
        leave(host, taken)

    thread = threading.Thread(target=later)
    thread.start()
    well, result = module(host, upstreams=["192.0.2.53"])
    thread.join()
    assert well, result
    assert counts(host)["sessions"] == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            {"config": {"dns": {"nonsense": 1}}},
            "config: found the unknown keys dns.nonsense; wanted",
        ),
        ({"config": {"dns": {"listeningMode": "LOCAL"}}}, "container's environment says (FTLCONF_...)"),
        ({"config": {"dns": {"queryLogging": "often"}}}, "dns.queryLogging: not of type bool"),
        (
            {"domains": [{"domain": "([", "kind": "regex"}], "sections": {"domains": "additive"}},
            "Regex validation failed",
        ),
        ({"clients": [{"client": "192.0.2.3", "groups": ["nobody"]}]}, "found the unknown group 'nobody' of 192.0.2.3"),
    ],
    ids=["unknown", "environment", "type", "regex", "group"],
)
def test_what_pihole_refuses_is_one_clear_line(host: Any, arguments: dict[str, Any], message: str) -> None:
    well, result = module(host, **arguments)
    assert not well
    assert message in result["msg"], result["msg"]
    assert counts(host)["sessions"] == 0


def test_a_wrong_password_is_tried_once_and_never_shown(host: Any) -> None:
    word = host.check_output("cat /etc/kronos/secrets/pihole/password").strip()
    api(host, ("PATCH", "config", {"config": {"webserver": {"api": {"password": "changed by hand"}}}}))
    run = site("-vvv", kronos_fast=False)
    assert run.code != 0
    assert [text for text in run.failures if "Pi-hole" in text] == [
        f"Pi-hole at {url(host)}:80 refuses the password that its secret holds"
    ]
    assert word not in run.output
    host.check_output("docker restart -t 5 pihole")
    labtest.until(
        lambda: host.run("docker exec asker dig +short @" + labtest.address() + " router.home.example").stdout
    )
    assert site(kronos_fast=False).code == 0


def test_an_app_password_may_do_lists_but_no_configuration(host: Any) -> None:
    made = api(host, ("GET", "auth/app"))[1][1]["app"]
    api(host, ("PATCH", "config", {"config": {"webserver": {"api": {"app_pwhash": made["hash"]}}}}))
    host.check_output(f"install -m 600 /dev/null /test/app; printf %s '{made['password']}' > /test/app")
    well, result = module(host, password_file="/test/app", domains=wanted()["domains"])
    assert well, result
    well, result = module(host, password_file="/test/app", config={"dns": {"queryLogging": True}})
    assert not well
    assert "an app password may not change dns.queryLogging" in result["msg"]


def test_a_host_that_would_ask_pihole_alone_is_refused(host: Any) -> None:
    host.check_output(f"cp /etc/resolv.conf /test/resolv; echo nameserver {labtest.address()} > /etc/resolv.conf")
    try:
        run = site(kronos_fast=False)
        assert run.code != 0
        assert "this host resolves names by its own Pi-hole alone" in str(run.failures)
    finally:
        host.check_output("cat /test/resolv > /etc/resolv.conf")
    assert site(kronos_fast=False).code == 0


def test_the_list_of_the_scenario_is_there(host: Any) -> None:
    assert host.file(LIST).exists

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The firewall when it changes, when it is broken, and when it is gone."""

from __future__ import annotations

import shlex
from typing import Any

import labtest
import waftest
from attacks import ATTACKS
from honest import TAKEN_FOR_ATTACKS
from requests_table import get

SQL = next(row for row in ATTACKS if row.name == "sql: always true")
RECIPE = next(row for row in TAKEN_FOR_ATTACKS if row.name == "taken: a recipe for the shell")
CONFIG = "/opt/kronos/stacks/waf/files/waf/waf/nginx.conf"
LAST = "docker logs --tail 5 waf 2>&1"
HOME = get("home", "/")


def test_the_second_run_changed_nothing() -> None:
    assert labtest.record(-1).changed == []


def test_verify_asks_every_firewall() -> None:
    run = labtest.play("verify.yml", variables=waftest.VARIABLES)
    assert run.code == 0, run.output
    rows = {row["subject"]: row["detail"] for row in run.tasks[-1]["rows"] if row["kind"] == "waf"}
    refused = "HTTP 403: an attack is refused"
    assert rows == {
        "app": refused,
        "spared": refused,
        "strict": refused,
        "guarded": "HTTP 403: refused before the firewall, as declared",
    }


def test_it_starts_from_both_kinds_of_upstreams_images(host: Any) -> None:
    """The lab's is laid out for a root that cannot be written; here its files are where the other kind has them."""
    kept = "/usr/local/bootstrap"
    moves = [f"mv {kept}/nginx/* /etc/nginx/", f"mv {kept}/owasp-crs/* /opt/owasp-crs/"]
    moves += [f"mv {kept}/modsecurity.d/* /etc/modsecurity.d/", f"rm -r {kept}"]
    container = labtest.inspect(host, ["waf"])["waf"]
    assert container["Config"]["Healthcheck"]["Test"] == ["NONE"]  # upstream's own asks a port that is not open here
    *shell, script = container["Config"]["Entrypoint"]
    words = [*shell[1:], "\n".join([*moves, script])]
    command = ["docker", "run", "-d", "--name", "waf-other", "--user", "0", "--tmpfs", "/var/cache/waf"]
    command += ["--volume", f"{CONFIG.rpartition('/')[0]}:/etc/kronos/waf:ro"]
    host.check_output(shlex.join([*command, "--entrypoint", shell[0], container["Image"], *words]))
    try:
        labtest.until(lambda: "nginx: worker process" in host.run("docker top waf-other").stdout, 20, "it works")
        assert host.check_output("docker inspect waf-other --format '{{.RestartCount}}'") == "0"
    finally:
        host.check_output("docker rm -f waf-other")


def test_without_the_firewall_a_route_is_closed_and_never_open(host: Any) -> None:
    host.check_output("docker stop waf")
    try:
        outcomes = [waftest.ask("app", row) for row in (HOME, SQL)]
        assert [one.status in (502, 503, 504) for one in outcomes] == [True, True], outcomes
        assert waftest.ask("app", get("open", "/open")).status == 200
    finally:
        host.check_output("docker start waf")
    labtest.until(lambda: waftest.ask("app", HOME).status == 200, 30, "the firewall is back")


def test_a_broken_configuration_is_not_taken_and_a_weakened_one_is_seen(host: Any) -> None:
    """nginx keeps the last good one; verify tells one that refuses nothing; a run puts back what was changed."""
    started = labtest.inspect(host, ["waf"])["waf"]["State"]["StartedAt"]
    host.check_output(f"sed -i 's/SecRuleEngine On/SecRuleEngine Off/' {CONFIG} && docker kill -s HUP waf")
    labtest.until(lambda: waftest.ask("app", SQL).status == 200, 20, "the weakened one is taken")
    run = labtest.play("verify.yml", variables=waftest.VARIABLES)
    assert run.code != 0
    assert "waf app: HTTP 200: an attack is not refused by the firewall" in run.output
    host.check_output(f"echo 'nonsense;' >> {CONFIG} && docker kill -s HUP waf")
    labtest.until(lambda: "unknown directive" in host.check_output(LAST), 20, "nginx refuses it")
    assert waftest.ask("app", HOME).status == 200
    # the run that mends it also leaves out a rule, and a reload is enough for both
    first, *others = waftest.VARIABLES["kronos_services_routes"]["app"]["routes"]
    routes = [{**first, "waf": {"exclude_rules": [930120]}}, *others]
    run = waftest.site(kronos_services_zz={"app": {"routes": routes}})
    assert run.code == 0, run.output
    assert run.actions() == {"waf": "reloaded"}
    assert waftest.ask("app", SQL).status == 403
    assert waftest.ask("app", RECIPE).status == 200
    assert labtest.inspect(host, ["waf"])["waf"]["State"]["StartedAt"] == started


def test_behind_cloudflare_the_client_is_the_last_address_that_is_none_of_its_own(host: Any) -> None:
    """Asked as the proxy asks, which passes on what Cloudflare said and adds who brought it."""
    forwarded = "203.0.113.66, 198.51.100.9, 172.64.0.5"

    def client() -> str:
        number = waftest.ask_as_the_proxy(host, "app", SQL.path, forwarded)
        return str(waftest.log(host, number)[number]["client"])

    assert client() == "172.64.0.5"
    run = waftest.site(kronos_web_from="cloudflare")
    assert run.code == 0, run.output
    assert client() == "198.51.100.9"


def test_a_firewall_without_a_route_is_healthy_and_is_no_mistake(host: Any) -> None:
    plain = {
        name: {"routes": [{"host": name, "port": 8080, "access": "public"}]}
        for name in ("app", "watched", "spared", "strict", "guarded")
    }
    run = waftest.site(kronos_services_zz=plain)
    assert run.code == 0, run.output
    assert waftest.ask("app", SQL).status == 200
    host.check_output("docker restart waf")
    health = "docker exec app python3 -c \"import urllib.request;print(urllib.request.urlopen('http://waf:8081/health').status)\""
    labtest.until(lambda: host.run(health).stdout.strip() == "200", 30, "healthy without a route")


def test_a_route_behind_a_firewall_that_is_not_selected_is_a_mistake() -> None:
    run = waftest.site("--check", kronos_stacks=["traefik"])
    assert run.code != 0
    (message,) = run.failures
    assert message.count("a route behind the firewall, which does not run") == 5
    assert "the stack waf in kronos_stacks" in message

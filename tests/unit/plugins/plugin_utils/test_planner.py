# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan as a whole: what follows from records, and that nothing else decides over it."""

from __future__ import annotations

import copy
import json
import random
import time
from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.plain import to_plain
from ansible_collections.kronos.homelab.plugins.plugin_utils.planner import digest_of
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

HELLO = {
    "summary": "Says hello",
    "image": "x/hello:1",
    "routes": [{"host": "hello", "port": 8080, "access": "public"}],
    "health": {"http": {"port": 8080, "path": "/health", "expect": "status == 'ok'"}},
    "metrics": [{"port": 9000}],
    "tile": {"group": "Home"},
    "volumes": [{"name": "data", "target": "/data"}],
    "user": {"uid": 1000, "gid": 1000},
}


def own(planning: Any, services: dict[str, Any], **variables: Any) -> dict[str, Any]:
    plan: dict[str, Any] = planning.plan(kronos_services=services, **variables)
    return plan


def test_ten_lines_give_everything(planning: Any) -> None:
    plan = own(planning, {"hello": HELLO})
    assert plan["schema"] == 1
    assert plan["stack_order"] == ["own"]
    assert plan["stacks"] == {"own": {"project": "kronos-own", "services": ["hello"]}}
    hello = plan["services"]["hello"]
    assert hello["networks"] == ["kronos-default", "kronos-in-default"]
    address = hello["addresses"]["kronos-in-default"]
    assert hello["image"] == "docker.io/x/hello:1"
    assert hello["directories"] == [{"path": "/srv/kronos/hello/data", "uid": 1000, "gid": 1000, "mode": "0750"}]
    assert hello["health"]["timeout"] == 120
    assert hello["routes"] == ["hello"]
    assert plan["routes"] == [
        {
            "name": "hello",
            "service": "hello",
            "host": "hello",
            "fqdn": "hello.home.example",
            "names": ["hello.home.example"],
            "path": "/",
            "strip_path": False,
            "access": "public",
            "groups": [],
            "users": [],
            "factor": None,
            "basic_auth": [],
            "rate": None,
            "max_body": None,
            "request_headers": {},
            "response_headers": {},
            "waf": None,
            "proxied": False,
            "upstream": f"http://{address}:8080",
            "url": "https://hello.home.example",
            "verify_upstream": True,
        }
    ]
    assert plan["tiles"] == [
        {
            "service": "hello",
            "group": "Home",
            "name": "Hello",
            "subtitle": "Says hello",
            "icon": "hello",
            "url": "https://hello.home.example",
        }
    ]
    assert plan["scrapes"] == [
        {"service": "hello", "job": "hello", "target": "hello:9000", "path": "/metrics", "host": "lab1"}
    ]
    assert [(probe["kind"], probe["target"]) for probe in plan["probes"]] == [
        ("route", "https://traefik/"),
        ("backend", "http://hello:8080/health"),
    ]
    assert plan["cautions"] == ["the proxy 'traefik' does not run here, so nothing serves the 1 routes"]


def test_switching_off_takes_everything_away(planning: Any) -> None:
    plan = planning.plan(kronos_services={"hello": HELLO}, kronos_services_host={"hello": {"enabled": False}})
    assert plan["disabled"] == ["hello"]
    for key in ("routes", "tiles", "scrapes", "probes", "published", "secrets", "stack_order"):
        assert plan[key] == []
    assert plan["services"] == {}


@pytest.mark.parametrize("off", [False, "no", "{{ 1 == 2 }}", None])
def test_ways_of_switching_off(planning: Any, off: Any) -> None:
    said = {"enabled": off} if off is not None else None
    plan = planning.plan(kronos_services={"hello": HELLO}, kronos_services_host={"hello": said})
    assert plan["disabled"] == ["hello"]


def test_group_and_host_overrides_come_in_name_order(planning: Any) -> None:
    plan = planning.plan(
        kronos_services={"hello": HELLO},
        kronos_services_zz={"hello": {"limits": {"memory": "8g"}}},
        kronos_services_group={"hello": {"limits": {"memory": "2g", "pids": 99}, "environment": {"A": 1, "B": "x"}}},
        kronos_services_host={"hello": {"environment": {"B": None, "C": True}}},
    )
    hello = plan["services"]["hello"]
    assert hello["limits"] == {"memory": "8g", "pids": 99, "cpus": None}
    assert hello["environment"] == {"A": "1", "C": "true"}


def test_jinja_sees_defaults_and_variables(planning: Any) -> None:
    service = {
        "image": "x/hello:{{ version }}",
        "environment": {"TZ": "{{ kronos_timezone }}", "WHO": "{{ inventory_hostname }}", "ID": "{{ kronos_uid }}"},
        "routes": [{"host": "hello", "port": "{{ 8000 + 80 }}", "access": "{{ access }}"}],
    }
    plan = own(planning, {"hello": service}, version="1.2", access="lan", kronos_timezone="Europe/Madrid")
    assert plan["services"]["hello"]["image"] == "docker.io/x/hello:1.2"
    assert plan["services"]["hello"]["environment"] == {"TZ": "Europe/Madrid", "WHO": "lab1", "ID": "1000"}
    assert plan["routes"][0]["upstream"].endswith(":8080")
    assert plan["routes"][0]["access"] == "lan"


def test_whole_layers_and_mappings_may_be_templates(planning: Any) -> None:
    plan = planning.plan(
        mine={"hello": HELLO},
        more={"A": "1"},
        kronos_services="{{ mine }}",
        kronos_services_b={"hello": {"environment": {"B": "2"}}},
        kronos_services_c={"hello": {"environment": "{{ more }}"}},
    )
    assert plan["services"]["hello"]["environment"] == {"A": "1", "B": "2"}


def test_records_that_are_not_used_are_not_rendered(planning_with: Any) -> None:
    files = {"roles/media/services/tube.yml": "name: tube\nimage: 'x/tube:{{ undefined_thing }}'\n"}
    planning = planning_with(files, own=False)
    assert planning.plan()["services"] == {}
    assert planning.plan(kronos_stacks=["media"], kronos_services={"tube": {"enabled": False}})["disabled"] == ["tube"]
    fixed = planning.plan(kronos_stacks=["media"], kronos_services={"tube": {"image": "x/tube:1"}})
    assert fixed["services"]["tube"]["image_ref"] == "docker.io/x/tube:1"


def test_secrets_are_names_only(planning: Any) -> None:
    service = {
        "image": "x/blog:1",
        "environment": {"DB_PASSWORD_FILE": {"secret": "db"}, "KEY": {"secret": "key"}, "PLAIN": "x"},
        "secrets": {
            "db": {"length": 40},
            "key": {"format": "base64", "plain_env": "it reads no file"},
            "token": {"format": "given"},
        },
    }
    plan = own(
        planning,
        {"blog": service},
        kronos_secrets={"blog": {"token": "MARKER", "key": "MARKER"}, "other": {"x": "MARKER"}},
    )
    blog = plan["services"]["blog"]
    assert blog["environment"] == {"PLAIN": "x"}
    assert blog["secret_files"] == {"DB_PASSWORD_FILE": "db"}
    assert blog["secret_environment"] == {"KEY": "key"}
    assert plan["secrets"] == [
        {"service": "blog", "name": "db", "format": "hex", "length": 40, "given": False},
        {"service": "blog", "name": "key", "format": "base64", "length": 32, "given": True},
        {"service": "blog", "name": "token", "format": "given", "length": 32, "given": True},
    ]
    assert {"service": "blog", "what": "environment.KEY", "reason": "it reads no file"} in plan["exceptions"]
    assert "MARKER" not in json.dumps(plan)


def test_given_secrets_may_be_one_template(planning: Any) -> None:
    service = {"image": "x/blog:1", "secrets": {"token": {"format": "given"}}}
    plan = own(planning, {"blog": service}, hidden={"blog": {"token": "MARKER"}}, kronos_secrets="{{ hidden }}")
    assert plan["secrets"][0]["given"] is True
    assert "MARKER" not in json.dumps(plan)
    own(planning, {"blog": service}, hidden={"token": "MARKER"}, kronos_secrets={"blog": "{{ hidden }}"})


def test_what_runs_elsewhere(planning: Any) -> None:
    service = {
        "summary": "Big disks",
        "external": {"url": "https://192.0.2.5:5001/", "verify": False},
        "routes": [{"host": "nas", "access": "lan"}],
        "metrics": [{"port": 9100}],
        "tile": {"group": "Home"},
        "health": {"http": {"port": 5001}},
    }
    plan = own(planning, {"nas": service})
    assert plan["external"] == {"nas": {"url": "https://192.0.2.5:5001/", "verify": False, "summary": "Big disks"}}
    assert plan["services"] == {}
    assert plan["stacks"] == {}
    assert plan["routes"][0]["upstream"] == "https://192.0.2.5:5001"
    assert plan["routes"][0]["verify_upstream"] is False
    assert plan["scrapes"][0]["target"] == "192.0.2.5:9100"
    assert plan["tiles"][0]["name"] == "Nas"
    assert [probe["kind"] for probe in plan["probes"]] == ["route"]


def test_the_hosts_own_network(planning: Any) -> None:
    service = {**HELLO, "network": "host", "ports": [{"port": 5353, "protocol": "udp", "reach": "lan"}]}
    plan = own(planning, {"hello": {**service, "reasons": {"network": "multicast"}}})
    assert plan["services"]["hello"]["networks"] == []
    assert plan["routes"][0]["upstream"] == "http://172.17.0.1:8080"
    assert plan["scrapes"][0]["target"] == "172.17.0.1:9000"
    assert [probe["kind"] for probe in plan["probes"]] == ["route"]
    assert plan["published"] == [{"service": "hello", "port": 5353, "target": 5353, "protocol": "udp", "reach": "lan"}]
    assert {"service": "hello", "what": "network", "reason": "multicast"} in plan["exceptions"]


def test_jobs_have_no_probe(planning: Any) -> None:
    plan = own(planning, {"once": {"image": "x/once:1", "kind": "job", "health": {"http": {"port": 80}}}})
    assert plan["probes"] == []
    assert plan["services"]["once"]["kind"] == "job"


def test_another_https_port_is_part_of_every_address(planning: Any) -> None:
    plan = own(planning, {"hello": HELLO}, kronos_https_port=8443)
    assert plan["routes"][0]["url"] == "https://hello.home.example:8443"
    assert plan["tiles"][0]["url"] == "https://hello.home.example:8443"
    assert plan["routes"][0]["fqdn"] == "hello.home.example"


def test_the_proxy_is_probed_behind_its_published_port(planning: Any) -> None:
    proxy = {"ports": [{"port": 8443, "target": 4443, "reach": "public"}]}
    plan = own(planning, {"traefik": proxy}, kronos_https_port=8443, kronos_stacks=["traefik"])
    assert plan["probes"][0]["target"] == "https://traefik:4443/"


def test_several_routes(planning: Any) -> None:
    routes = [
        {"host": "a", "port": 80, "access": "lan"},
        {"host": "b.other.example", "port": 443, "scheme": "https", "access": "vpn", "path": "/x"},
        {"host": "c", "port": 80, "access": "lan", "name": "third"},
    ]
    plan = own(planning, {"hello": {**HELLO, "routes": routes}})
    assert plan["services"]["hello"]["routes"] == ["hello", "hello-2", "third"]
    second = plan["routes"][1]
    assert second["fqdn"] == "b.other.example"
    assert second["url"] == "https://b.other.example/x"
    address = plan["services"]["hello"]["addresses"]["kronos-in-default"]
    assert second["upstream"] == f"https://{address}:443"
    assert second["verify_upstream"] is False


def test_mounts_of_every_kind(planning: Any) -> None:
    volumes = [
        {"name": "config", "target": "/config"},
        {"storage": "media", "target": "/films", "path": "films", "read_only": True},
        {"storage": "media", "target": "/all"},
        {"files": "conf", "target": "/etc/app"},
        {"host": "/sys", "target": "/host/sys", "read_only": True},
    ]
    service = {"image": "x/app:1", "volumes": volumes, "reasons": {"volumes./host/sys": "sensors"}}
    plan = own(
        planning,
        {"app": service},
        kronos_storage={"media": {"type": "nfs", "source": "nas:/media", "folder": "library"}},
        kronos_storage_host={"media": {"options": ["soft"]}},
        kronos_data_dir="/data",
    )
    assert [tuple(mount.values()) for mount in plan["services"]["app"]["mounts"]] == [
        ("data", "/data/app/config", "/config", False),
        ("storage", "/mnt/media/library/films", "/films", True),
        ("storage", "/mnt/media/library", "/all", False),
        ("files", "/opt/kronos/stacks/own/files/app/conf", "/etc/app", True),
        ("host", "/sys", "/host/sys", True),
    ]
    share = plan["storage"]["media"]
    assert (share["source"], share["path"], share["options"]) == ("nas:/media", "/mnt/media", ["soft"])
    assert plan["services"]["app"]["directories"] == [{"path": "/data/app/config", "uid": 0, "gid": 0, "mode": "0750"}]


def test_stacks_are_ordered_by_need_then_as_stated(planning_with: Any) -> None:
    files = {
        f"roles/{stack}/services/{name}.yml": f"name: {name}\nimage: x/{name}:1\nneeds: {needs}\n"
        for stack, name, needs in (
            ("one", "aa", "[bb]"),
            ("two", "bb", "[cc]"),
            ("two", "cc", "[]"),
            ("three", "dd", "[]"),
        )
    }
    planning = planning_with(files, own=False)
    plan = planning.plan(kronos_stacks=["three", "one", "two"])
    assert plan["stack_order"] == ["three", "two", "one"]
    assert plan["stacks"]["two"]["services"] == ["cc", "bb"]


def test_soft_targets_may_be_missing_but_known(planning: Any) -> None:
    services = {
        "one": {"image": "x/one:1", "talks_to": ["two", "prometheus", "one@lab1"]},
        "two": {"image": "x/two:1", "enabled": False},
    }
    assert own(planning, services)["services"]["one"]["talks_to"] == ["two", "prometheus", "one@lab1"]


def test_peers(planning: Any) -> None:
    other = {
        "kronos_domain": "two.example",
        "kronos_address": "192.0.2.20",
        "kronos_stacks": [],
        "kronos_services": {"plex": {"image": "x/plex:1", "routes": [{"host": "plex", "port": 1, "access": "lan"}]}},
    }
    twin = {**other, "kronos_domain": "home.example", "kronos_services": {"hello": HELLO}}
    plan = planning.plan(
        {"lab2": other, "lab3": {"kronos_stacks": []}, "lab4": twin},
        kronos_services={"hello": {**HELLO, "talks_to": ["plex@lab2", "plex@lab3"]}},
    )
    assert set(plan["peers"]) == {"lab2", "lab4"}
    assert plan["peers"]["lab2"] == {
        "address": "192.0.2.20",
        "domain": "two.example",
        "routes": [{"fqdn": "plex.two.example", "address": "192.0.2.20", "access": "lan"}],
        "scrapes": [],
        "published": [],
    }
    cautions = "\n".join(plan["cautions"])
    assert "lab3 is left out, its input has 2 problem(s), the first: kronos_address: found nothing" in cautions
    assert "hello talks to plex@lab3, but lab3 has no plan at the moment" in cautions
    assert "lab4 serves the same names: hello.home.example" in cautions


def test_cautions_about_access(planning: Any) -> None:
    services = {"hello": {**HELLO, "routes": [{"host": "hello", "port": 1, "access": "authenticated"}]}}
    cautions = "\n".join(own(planning, services, kronos_lan=[])["cautions"])
    assert "authenticated routes are open to LAN and VPN alone: hello" in cautions
    assert "kronos_lan is empty" in cautions


def test_alerts_backups_reload_and_users(planning: Any) -> None:
    service = {
        **HELLO,
        "alerts": [{"alert": "Slow", "expr": "up == 0", "summary": "It is slow"}],
        "backup": {"stop": True},
        "reload": {"http": {"port": 8080, "path": "/reload"}},
        "capabilities": ["CAP_CHOWN", "CHOWN"],
    }
    plan = own(planning, {"hello": service}, kronos_users={"anna": {"email": "a@b.example", "groups": ["admins"]}})
    assert plan["alerts"] == [
        {
            "service": "hello",
            "alert": "Slow",
            "expr": "up == 0",
            "for": "5m",
            "severity": "warning",
            "summary": "It is slow",
        }
    ]
    assert plan["backups"][0]["paths"] == ["/srv/kronos/hello/data"]
    assert plan["backups"][0]["stop"] is True
    assert plan["services"]["hello"]["reload"] == {
        "signal": None,
        "http": {"port": 8080, "path": "/reload", "method": "POST"},
        "watch": False,
        "check": None,
    }
    assert plan["services"]["hello"]["capabilities"] == ["CHOWN"]
    assert plan["users"] == {"anna": {"name": None, "email": "a@b.example", "groups": ["admins"], "devices": []}}


def test_the_collections_own_stacks_make_a_plan(planning: Any) -> None:
    plan = planning.plan(
        kronos_stacks=["traefik", "dashboard", "monitoring", "media"],
        kronos_storage={"media": {"type": "local", "path": "/mnt/media"}},
        kronos_image_mirror="registry.lab:5000",
    )
    assert plan["stack_order"] == ["traefik", "dashboard", "monitoring", "media"]
    assert all(service["image"].startswith("registry.lab:5000/") for service in plan["services"].values())
    assert {probe["service"] for probe in plan["probes"] if probe["kind"] == "route"} >= {"radarr", "homer", "traefik"}
    ways_out = {network["name"] for network in plan["networks"] if not network["internal"]}
    for service in plan["services"].values():
        wanted = 0 if service["network"] == "host" else 1
        assert len(ways_out & set(service["networks"])) == wanted


def test_the_plan_is_plain_and_its_digest_holds(planning: Any) -> None:
    plan = own(planning, {"hello": HELLO})
    assert json.loads(json.dumps(plan)) == plan
    assert to_plain(plan) == plan
    assert plan["digest"] == digest_of(plan)
    assert digest_of({**plan, "run": "another"}) == plan["digest"]
    assert digest_of({**plan, "settings": {**plan["settings"], "fast": False}}) == plan["digest"]
    assert digest_of({**plan, "collection": "another"}) != plan["digest"]
    assert own(planning, {"hello": HELLO}, kronos_fast=False)["digest"] == plan["digest"]
    assert own(planning, {"hello": {**HELLO, "init": False}})["digest"] != plan["digest"]


def shuffled(value: Any, source: random.Random) -> Any:
    """The same mapping, its keys in another order."""
    if isinstance(value, dict):
        keys = list(value)
        source.shuffle(keys)
        return {key: shuffled(value[key], source) for key in keys}
    return [shuffled(item, source) for item in value] if isinstance(value, list) else value


@settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.randoms(use_true_random=False))
def test_the_order_of_the_input_does_not_matter(planning: Any, source: random.Random) -> None:
    services = {name: {**HELLO, "routes": [{**HELLO["routes"][0], "host": name}]} for name in ("aa", "bb", "cc")}  # type: ignore[dict-item,index]
    services["aa"]["needs"] = ["cc"]
    services["bb"]["talks_to"] = ["aa"]
    variables = {
        "kronos_services": services,
        "kronos_services_x": {"bb": {"zone": "media"}},
        "kronos_zones": {"media": {}, "edge": {}},
    }
    plan = planning.plan(**variables)
    assert planning.plan(**shuffled(variables, source))["digest"] == plan["digest"]


GARBAGE = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=8)
    | st.sampled_from(["{{", "{{ x }}", "..", "a"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=6), inner, max_size=3),
    max_leaves=6,
)
SETTINGS = st.sampled_from(
    [
        "domain",
        "address",
        "lan",
        "vpn",
        "stacks",
        "tls",
        "storage",
        "zones",
        "users",
        "services",
        "secrets",
        "uid",
        "fast",
    ]
)
PLACES = st.sampled_from(
    [*sorted(HELLO), "environment", "compose", "ports", "needs", "secrets", "limits", "zone", "network", "external"]
)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(PLACES, GARBAGE, max_size=4), st.dictionaries(SETTINGS, GARBAGE, max_size=2))
def test_garbage_gives_problems_and_nothing_else(
    planning: Any, record: dict[str, Any], variables: dict[str, Any]
) -> None:
    said = {"kronos_services": {"hello": HELLO}, "kronos_services_x": {"hello": record}}
    said |= {f"kronos_{name}": value for name, value in variables.items()}
    before = copy.deepcopy(said)
    try:
        plan = planning.plan(**said)
    except PlanError:
        return
    finally:
        assert repr(said) == repr(before)
    assert plan["digest"]


def test_two_hundred_services(planning_with: Any, planning: Any, capsys: pytest.CaptureFixture[str]) -> None:
    """The time is printed, not asserted: the machine may be busy. What is asserted is that it all comes out."""
    text = (
        "name: {name}\nimage: x/{name}:1\nzone: media\n"
        "user: {{uid: '{{{{ kronos_uid }}}}', gid: '{{{{ kronos_gid }}}}'}}\n"
        "environment: {{TZ: '{{{{ kronos_timezone }}}}', NAME: '{name}-{{{{ inventory_hostname }}}}'}}\n"
        "volumes: [{{name: config, target: /config}}]\nroutes: [{{host: {name}, port: 80, access: lan}}]\n"
        "health: {{http: {{port: 80, path: /ping, expect: \"status == 'OK'\"}}}}\nmetrics: [{{port: 81}}]\n"
        "talks_to: [s0, s1]\ntile: {{group: Many}}\ncapabilities: [CHOWN, SETUID]\nlimits: {{memory: 1g}}\n"
    )
    files = {f"roles/many/services/s{number}.yml": text.format(name=f"s{number}") for number in range(200)}
    started = time.process_time()
    many = planning_with(files, own=False)
    written = time.process_time() - started
    overrides = {f"s{number}": {"limits": {"memory": "2g"}} for number in range(0, 200, 3)}
    started = time.process_time()
    plan = many.plan(kronos_stacks=["many"], kronos_services=overrides)
    spent = time.process_time() - started
    assert len(plan["services"]) == len(plan["routes"]) == 200
    with capsys.disabled():
        print(f"\nplan for 200 services: {spent:.2f} s of CPU, reading the records {written:.2f} s")

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One inventory, three hosts of different stacks and overrides."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import docker
import labtest
import pytest
import testinfra

HOME, STORE, FILMS = "several", "several-b", "several-c"
ECHO = {
    "image": "docker.io/kronos/echo:1.0",
    "user": {"uid": 1000, "gid": 1000, "how": "run"},
    "health": {"http": {"port": 8080, "path": "/health"}},
}
NEVER_HEALTHY = {**ECHO, "image": "docker.io/kronos/echo:sick", "routes": []}
HOSTS: dict[str, dict[str, Any]] = {
    HOME: {
        "kronos_stacks": ["traefik", "dashboard"],
        "kronos_services": {
            "hello": {
                **ECHO,
                "routes": [{"host": "hello", "port": 8080, "access": "public"}],
                "ports": [{"port": 9500, "target": 8080, "reach": "lan"}],
                "metrics": [{"port": 8080}],
            }
        },
    },
    STORE: {
        "kronos_stacks": ["traefik", "monitoring"],
        "kronos_services_store": {"prometheus": {"limits": {"memory": "300m"}}},
    },
    FILMS: {
        "kronos_stacks": ["traefik", "media"],
        "kronos_storage": {"media": {"type": "local", "path": "/mnt/storage/media"}},
        "kronos_services_films": {"sonarr": {"enabled": False}, "hello": ECHO},
    },
}
EXPECTED = {
    HOME: {"traefik", "homer", "hello"},
    STORE: {"traefik", "prometheus", "alertmanager", "node-exporter", "blackbox-exporter"},
    FILMS: {"traefik", "jellyfin", "radarr", "transmission", "hello"},
}


def lab_variables() -> dict[str, dict[str, Any]]:
    hosts: dict[str, dict[str, Any]] = json.loads((labtest.ROOT / ".lab/inventory.json").read_text())["_meta"][
        "hostvars"
    ]
    return {name: hosts[name] for name in HOSTS}


def inventory(folder: Path, **changes: dict[str, Any]) -> Path:
    """Write the inventory of the three; *changes* are further variables, by host (with _ for -)."""
    hosts = {
        name: {**known, "kronos_domain": f"{name}.localhost", **HOSTS[name], **changes.get(name.replace("-", "_"), {})}
        for name, known in lab_variables().items()
    }
    path = folder / "hosts.json"
    path.write_text(json.dumps({"kronos": {"hosts": hosts}}))
    return path


def run_all(folder: Path, *arguments: str, **changes: dict[str, Any]) -> labtest.Run:
    return labtest.play("site.yml", "--limit", "kronos", *arguments, inventory=inventory(folder, **changes))


def on(name: str) -> Any:
    return testinfra.get_host(f"ansible://{name}", ansible_inventory=str(labtest.INVENTORY))


def running(name: str) -> set[str]:
    return set(on(name).check_output("docker ps --format '{{.Names}}'").split())


def hosts_of(run: labtest.Run, action: str, **wanted: Any) -> set[str]:
    """Hosts on which a task of this action returned these values."""
    return {
        task["host"]
        for task in run.tasks
        if task["action"] == action and all(task.get(key) == value for key, value in wanted.items())
    }


SUMMARY, STACK, CHECK = "kronos.homelab.summary", "kronos.homelab.stack", "kronos.homelab.host_check"


@pytest.fixture(scope="module", autouse=True)
def _three(tmp_path_factory: pytest.TempPathFactory) -> None:
    """All three converge at once, the second run is quiet."""
    folder = tmp_path_factory.mktemp("three")
    first = run_all(folder)
    assert first.code == 0, first.output
    assert hosts_of(first, SUMMARY) == set(HOSTS)
    second = run_all(folder)
    assert (second.code, second.changed) == (0, []), second.output
    assert hosts_of(second, CHECK, drifted=False) == set(HOSTS)


def test_each_host_has_its_own_stacks_and_overrides() -> None:
    assert {name: running(name) for name in HOSTS} == EXPECTED
    prometheus = labtest.inspect(on(STORE), ["prometheus"])["prometheus"]
    assert prometheus["HostConfig"]["Memory"] == 300 * 1024**2


def test_one_host_watches_what_another_publishes() -> None:
    def up() -> list[str]:
        return [one["value"][1] for one in labtest.prometheus(on(STORE), f'up{{host="{HOME}"}}')]

    labtest.until(lambda: up() == ["1"], 60, "the metrics of the other host")


def test_a_host_that_is_away_holds_up_nobody(tmp_path: Path) -> None:
    away = docker.from_env(version="auto").containers.get(f"kronos-lab-host-{FILMS}")
    away.pause()
    try:
        change = {"kronos_services_zz": {"hello": {"environment": {"GREETING": "away"}}}}
        run = run_all(tmp_path, "-T", "5", several=change)
    finally:
        away.unpause()
    assert run.code != 0
    assert {task["host"] for task in run.tasks if task["outcome"] == "unreachable"} == {FILMS}
    assert hosts_of(run, SUMMARY) == {HOME, STORE}
    assert run.actions() == {"hello": "recreated"}
    assert f"{FILMS}: not converged" in run.output
    assert hosts_of(run_all(tmp_path, several=change), SUMMARY) == set(HOSTS), "and it takes part again"


def test_a_broken_inventory_of_one_host_and_a_broken_engine_of_another(tmp_path: Path) -> None:
    films = on(FILMS)
    films.check_output("mv /usr/sbin/dockerd /usr/sbin/dockerd.away && systemctl kill --signal KILL docker")
    change = {"kronos_services_zz": {"hello": {"environment": {"GREETING": "broken"}}}}
    try:
        run = run_all(tmp_path, several=change, several_b={"kronos_services_zz": {"prometeus": {"enabled": False}}})
    finally:
        films.check_output("mv /usr/sbin/dockerd.away /usr/sbin/dockerd")
    assert run.code != 0
    assert {task["host"] for task in run.tasks if task["outcome"] == "failed"} == {STORE, FILMS}
    assert hosts_of(run, SUMMARY) == {HOME}
    assert run.actions() == {"hello": "recreated"}
    for name in (STORE, FILMS):
        assert f"{name}: not converged" in run.output
    healed = run_all(tmp_path)
    assert healed.code == 0, healed.output
    assert {name: running(name) for name in HOSTS} == EXPECTED


def test_one_that_waits_in_vain_for_health_does_not_make_the_others_wait(tmp_path: Path) -> None:
    sick = {"kronos_services_zz": {"slow": {**NEVER_HEALTHY, "stack": "traefik"}}, "kronos_health_timeout": 60}
    change = {"kronos_services_zz": {"hello": {"environment": {"GREETING": "quick"}}}}
    run = run_all(tmp_path, several=change, several_c=sick)
    assert run.code != 0
    order = [(task["host"], task["outcome"]) for task in run.tasks if task["action"] in (STACK, CHECK)]
    done = order.index((FILMS, "failed"))
    assert [host for host, _outcome in order[done:] if host != FILMS] == [], "the others had ended before"
    assert hosts_of(run, SUMMARY) == {HOME, STORE}
    assert run_all(tmp_path).code == 0

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import json
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import atomic
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import (
    IMAGE,
    actions,
    changed_stack,
    demo_host,
    stack,
)


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def host(tmp_path):
    return demo_host(tmp_path)


def edit(path, text="x"):
    def change(host):
        with open(path.format(base=host.layout().base, root=host.root), "a", encoding="utf-8") as stream:
            stream.write(text)

    return change


def gone(path):
    return lambda host: atomic.remove(path.format(base=host.layout().base, root=host.root))


def mode(path):
    return lambda host: os.chmod(path.format(base=host.layout().base, root=host.root), 0o777)


def box(service, new_name="", **values):
    def change(host):
        host.box(service).__dict__.update(values, name=new_name or service)

    return change


def replace_folder(path):
    def change(host):
        folder = path.format(base=host.layout().base, root=host.root)
        os.rename(folder, f"{host.root}/aside")
        os.mkdir(folder)
        for name in os.listdir(f"{host.root}/aside"):
            os.rename(f"{host.root}/aside/{name}", f"{folder}/{name}")
        os.chmod(folder, os.stat(f"{host.root}/aside").st_mode & 0o777)
        os.rmdir(f"{host.root}/aside")

    return change


def drop(name):
    def change(host):
        del host.boxes[host.box(name).id]

    return change


def rotate(host):
    host.put_secret("web", "db", "new-marker-value")


def move_tag(host):
    host.images[f"{IMAGE}1.0"] = "sha256:moved"


def detach(host):
    del host.box("late").networks["kronos-two"]


def attach(host):
    host.box("late").networks["bridge"] = "net-9"


def new_network(host):
    host.nets["kronos-two"] = "net-77"


def other_address(host):
    """As after `docker network disconnect` and `docker network connect` without the address."""
    host.box("rules").definition["networks"]["kronos-default"].pop("ipv4_address")


def second(host):
    """What a killed `docker compose up` leaves behind."""
    twin = copy.copy(host.box("web"))
    twin.__dict__.update(id="c77", name="c77_web", status="created")
    host.boxes["c77"] = twin


def by_hand(host):
    host.box("web").environment["EXTRA"] = "hidden-by-hand"


DRIFTS = [
    ("container removed", drop("web"), {"web": ("created",)}),
    ("container stopped", box("web", status="exited"), {"web": ("started", "state")}),
    ("container paused", box("web", status="paused"), {"web": ("started", "state")}),
    ("container dead", box("web", status="dead"), {"web": ("recreated", "state")}),
    ("container renamed", box("web", new_name="other"), {"web": ("recreated", "container_name")}),
    ("job failed", box("once", exit_code=4), {"once": ("started", "state")}),
    ("job removed", drop("once"), {"once": ("created",)}),
    ("network taken", detach, {"late": ("recreated", "networks")}),
    ("network added", attach, {"late": ("recreated", "networks")}),
    ("network made anew", new_network, {"late": ("recreated", "networks")}),
    ("address lost", other_address, {"rules": ("recreated", "networks")}),
    ("tag moved", move_tag, dict.fromkeys(("web", "rules", "late", "once"), ("recreated", "image"))),
    ("limits changed", box("web", memory=99), {"web": ("recreated", "mem_limit")}),
    ("environment changed", by_hand, {"web": ("recreated", "environment.EXTRA")}),
    ("twin left", second, {}),
    ("file edited", edit("{base}/files/web/config/a.yml"), {"web": ("restarted", "files.config/a.yml")}),
    ("file deleted", gone("{base}/files/web/config/a.yml"), {"web": ("restarted", "files.config/a.yml")}),
    ("file's mode", mode("{base}/files/web/config/a.yml"), {}),
    ("foreign file", edit("{base}/files/web/config/c.yml"), {"web": ("restarted", "files.config/c.yml")}),
    ("reloadable edited", edit("{base}/files/rules/rules/r.yml"), {"rules": ("reloaded", "files.rules/r.yml")}),
    ("foreign beside reloadable", edit("{base}/files/rules/rules/z"), {"rules": ("reloaded", "files.rules/z")}),
    ("env file edited", edit("{base}/env/web.env"), {}),
    ("env file deleted", gone("{base}/env/web.env"), {}),
    ("foreign env file", edit("{base}/env/other.env"), {}),
    ("secret's copy deleted", gone("{base}/secrets/web/db"), {"web": ("restarted", "secrets.db")}),
    ("secret's copy opened", mode("{base}/secrets/web/db"), {}),
    ("secret rotated", rotate, {"web": ("recreated", "secrets.db")}),
    ("compose.yml edited", edit("{base}/compose.yml"), {}),
    ("compose.yml deleted", gone("{base}/compose.yml"), {}),
    ("state deleted", gone("{base}/state.json"), {}),
    ("state garbled", edit("{base}/state.json", "{"), {}),
    ("generations deleted", gone("{base}/generations"), {}),
    ("generation deleted", gone("{base}/generations/1"), {}),
    ("generation garbled", edit("{base}/generations/1/generation.json", "{"), {}),
    ("journal garbled", edit("{base}/journal.json", "{"), "unfinished"),
    ("data's mode", mode("{root}/srv/web"), {}),
    ("data replaced", replace_folder("{root}/srv/web"), {"web": ("recreated", "volumes./data")}),
    ("config replaced", replace_folder("{base}/files/web/config"), {"web": ("recreated", "volumes./config")}),
    (
        "all deleted",
        gone("{base}"),
        {"web": ("recreated", "volumes./config", "volumes./run/secrets"), "rules": ("recreated", "volumes./rules")},
    ),
    (
        "key of fingerprints lost",
        gone("{root}/etc/fingerprint.key"),
        {"web": ("recreated", "environment.TOKEN", "secrets.db")},
    ),
]


# what the receipts of other modules tell
ELSEWHERE = ("network made anew", "secret rotated", "key of fingerprints lost")


@pytest.mark.parametrize(("name", "drift", "expected"), DRIFTS, ids=[one[0] for one in DRIFTS])
def test_drift_is_seen_told_and_repaired(host, name, drift, expected):
    host.converge(**stack(host))
    host.settle()
    assert host.reasons() == []
    drift(host)
    assert host.reasons() or name in ELSEWHERE, "the fast path notices it"
    check = host.converge(check=True, **stack(host))
    real = host.converge(**stack(host))
    assert check["changed"]
    if expected != "unfinished":
        assert actions(real) == expected
    for key in ("actions", "diff", "changed"):
        assert check[key] == real[key], "the run does what check mode says"
    assert all("marker" not in one and "by-hand" not in one for one in (json.dumps(real), json.dumps(check)))
    third = host.converge(**stack(host))
    assert not third["changed"], third["diff"]
    assert set(host.running()) == {"web", "rules", "late"}
    host.settle()
    assert host.reasons() == []


CHANGES = [
    (lambda p, s: p["web"]["environment"].update(TZ="Europe/Rome"), {"web": ("recreated", "environment.TZ")}),
    (lambda p, s: p["web"].update(user="5:5"), {"web": ("recreated", "user")}),
    (lambda p, s: p["late"].update(networks=["kronos-two"]), {"late": ("recreated", "networks")}),
    (lambda p, s: s["web"]["files"][0].update(content="a: 2\n"), {"web": ("recreated", "files.config/a.yml")}),
    (lambda p, s: s["web"]["files"].pop(), {"web": ("recreated", "files.config/sub/b.yml")}),
    (lambda p, s: s["rules"]["files"][0].update(content="r: 2\n"), {"rules": ("reloaded", "files.rules/r.yml")}),
    (lambda p, s: s["rules"]["files"][0].update(mode="0600"), {"rules": ("reloaded", "files")}),
    (lambda p, s: s["rules"].update(health={"http": {"port": 9}}), {"rules": ("unchanged", "health")}),
    (lambda p, s: p.pop("late"), {"late": ("removed",)}),
    (lambda p, s: p.update(more={**p["late"], "container_name": "more"}), {"more": ("created",)}),
    (lambda p, s: p["late"].update(network_mode="service:web"), {"late": ("recreated", "network_mode", "networks")}),
]


@pytest.mark.parametrize(("change", "expected"), CHANGES, ids=range(len(CHANGES)))
def test_changes_are_named(host, change, expected):
    host.converge(**stack(host))
    wanted = changed_stack(host, lambda p, s: (change(p, s), [s.pop(one) for one in set(s) - set(p)]))
    check = host.converge(check=True, **wanted)
    real = host.converge(**wanted)
    assert actions(real) == expected
    assert (check["actions"], check["diff"]) == (real["actions"], real["diff"])
    assert not host.converge(**wanted)["changed"]
    assert set(host.running()) == set(wanted["project"]["services"]) - {"once"}


def test_a_container_inside_anothers_network_follows_it(host):
    def inside(project, services):
        del project["late"]["networks"]
        project["late"]["network_mode"] = "service:web"

    host.converge(**changed_stack(host, inside))
    wanted = changed_stack(host, inside)
    wanted["project"]["services"]["web"]["image"] = f"{IMAGE}1.1"
    result = host.converge(**wanted)
    assert actions(result) == {"web": ("recreated", "image"), "late": ("recreated", "network_mode")}

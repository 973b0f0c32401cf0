# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import copy
import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import generations
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.probe import Answer
from ansible_collections.kronos.homelab.plugins.module_utils.stack_execute import StackFailed
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import IMAGE, TOKEN, demo_host, read, stack
from ansible_collections.kronos.homelab.tests.unit.fakes.docker_host import Killed, count_writes


@pytest.fixture(autouse=True)
def _no_waiting_for_the_disk(monkeypatch):
    monkeypatch.setattr(os, "fsync", lambda handle: None)


@pytest.fixture
def host(tmp_path):
    return demo_host(tmp_path)


BAD = [
    ("sick", "web", "is not healthy after 10 s: does not give HTTP 2xx or 3xx at port 8080/health", "HTTP 503"),
    ("exits", "web", "exits again and again", ""),
    ("refused", "web", "cannot be started: docker compose up: Error response from daemon: no such device", ""),
]


@pytest.mark.parametrize(("tag", "service", "reason", "answer"), BAD)
def test_a_bad_update_is_turned_back(host, tag, service, reason, answer):
    host.converge(**stack(host))
    host.log = f"cannot log in with {TOKEN}\nbye\n"
    with pytest.raises(StackFailed) as failure:
        host.converge(**stack(host, web=tag))
    details = failure.value.details
    assert details["service"] == service
    assert reason in details["reason"]
    assert answer in details["answer"]
    assert details["logs"] == ["cannot log in with ********", "bye"]
    assert details["restored"] == {"generation": 1, "healthy": True}
    assert "Generation 1 is back and healthy" in str(failure.value)
    assert TOKEN not in f"{failure.value}{details}"
    assert host.running()["web"] == "1.0"
    assert not host.converge(**stack(host))["changed"]


def test_a_long_line_of_a_log_is_cut_where_it_hides_nothing(host):
    host.converge(**stack(host))
    host.log = "x" * 495 + TOKEN + "y" * 90_000
    with pytest.raises(StackFailed) as failure:
        host.converge(**stack(host, web="sick"))
    assert failure.value.details["logs"] == ["x" * 495 + "*****"]


@pytest.mark.parametrize(
    ("tag", "message"),
    [("9.9", "image registry.example:5000/docker.io/kronos/echo:9.9 cannot be pulled: Error response from daemon")],
)
def test_nothing_is_touched_for_a_missing_image(host, tag, message, monkeypatch):
    host.converge(**stack(host))
    host.calls.clear()
    count_writes(host, monkeypatch)
    with pytest.raises(KronosError, match=message):
        host.converge(**stack(host, web=tag))
    assert host.calls == [("pull", f"{IMAGE}{tag}")]


@pytest.mark.parametrize("check", [True, False])
def test_nothing_is_touched_for_what_can_be_known_to_fail(host, check, monkeypatch):
    host.converge(**stack(host))
    host.calls.clear()
    count_writes(host, monkeypatch)
    refused = stack(host)
    refused["project"]["services"]["web"]["bananas"] = 1
    with pytest.raises(KronosError, match=r"compose refuses the definition: .*bananas.*Nothing was changed"):
        host.converge(check=check, **refused)
    taken = stack(host)
    taken["project"]["services"]["web"]["container_name"] = "theirs"
    host.boxes["c99"] = copy.copy(host.box("late"))
    host.boxes["c99"].__dict__.update(id="c99", name="theirs", labels={})
    with pytest.raises(KronosError, match="the container name theirs belongs to a container that is not ours"):
        host.converge(check=check, **taken)
    assert host.calls == []


@pytest.mark.parametrize("check", [True, False])
def test_a_port_that_another_program_has(host, check):
    host.listeners[8080] = "apache2 (process 4711)"
    wanted = stack(host)
    wanted["project"]["services"]["web"]["ports"] = ["8080:80"]
    with pytest.raises(KronosError, match=r"web wants port 8080/tcp, which apache2 \(process 4711\) has"):
        host.converge(check=check, **wanted)
    assert not host.boxes
    host.listeners.clear()
    host.converge(**wanted)
    host.listeners[8080] = "docker-proxy (process 5)"
    wanted["project"]["services"]["web"]["image"] = f"{IMAGE}1.1"
    host.converge(**wanted)
    assert host.running()["web"] == "1.1", "its own port is no obstacle"


@pytest.mark.parametrize("check", [True, False])
def test_a_port_that_another_container_has(host, check, monkeypatch):
    host.converge(**stack(host))
    listed, theirs = host.containers, {"Id": "c99", "Names": ["/theirs"], "Image": "nginx:1", "State": "running"}
    theirs["Ports"] = [{"PublicPort": 8080, "Type": "tcp"}]
    monkeypatch.setattr(host, "containers", lambda: [*listed(), theirs])
    wanted = stack(host)
    wanted["project"]["services"]["web"]["ports"] = ["8080:80"]
    with pytest.raises(KronosError, match=r"web wants port 8080/tcp, which the container theirs \(image nginx:1\) has"):
        host.converge(check=check, **wanted)
    del theirs["Ports"]
    assert host.converge(check=check, **wanted)["actions"]["web"]["action"] == "recreated"


@pytest.mark.parametrize("check", [True, False])
def test_a_port_that_was_taken_while_our_own_container_was_down(host, check):
    wanted = stack(host)
    wanted["project"]["services"]["web"]["ports"] = ["8080:80"]
    host.converge(**wanted)
    host.box("web").status = "exited"
    host.listeners[8080] = "nginx (process 4711)"
    with pytest.raises(KronosError, match=r"web wants port 8080/tcp, which nginx \(process 4711\) has"):
        host.converge(check=check, **wanted)
    assert host.box("web").status == "exited"
    host.listeners.clear()
    assert host.converge(check=check, **wanted)["actions"]["web"]["action"] == "started"


def test_a_missing_network_is_named_before_anything_is_touched(host):
    del host.nets["kronos-two"]
    with pytest.raises(KronosError, match="late wants the network kronos-two, which does not exist"):
        host.converge(**stack(host))
    assert not os.path.exists(host.layout().base)
    assert host.converge(check=True, **stack(host))["changed"]


def test_a_first_install_that_fails_is_left_stopped_and_tried_again(host):
    with pytest.raises(StackFailed, match="There is no version before it to go back to") as failure:
        host.converge(**stack(host, web="sick"))
    assert failure.value.details["restored"] == {"generation": 0, "healthy": False}
    assert host.running() == {}
    assert read(host.layout().state)["result"] == "failed"
    with pytest.raises(StackFailed):
        host.converge(**stack(host, web="sick"))
    assert host.running() == {}
    assert host.converge(**stack(host))["generation"] == 1
    assert not host.converge(**stack(host))["changed"]


def test_where_the_version_before_fails_too_both_are_left(host, monkeypatch):
    host.converge(**stack(host))
    monkeypatch.setattr(host, "_answer", lambda box, probe: Answer(500, "all is lost"))
    with pytest.raises(StackFailed, match=r"Generation 1 was put back and is not healthy either: web .*all is lost"):
        host.converge(**stack(host, web="1.1"))
    assert os.path.exists(f"{host.layout().failed}/compose.yml")
    assert host.running()["web"] == "1.0"
    monkeypatch.undo()
    assert host.converge(**stack(host))["changed"]
    assert not host.converge(**stack(host))["changed"]


def test_a_sick_unchanged_neighbour_is_reported_and_does_not_turn_a_good_change_back(host):
    host.converge(**stack(host))
    for name in ("rules", "late"):  # late even needs the changed one
        host.box(name).definition["image"] = f"{IMAGE}sick"
    result = host.converge(**stack(host, web="1.1"))
    assert host.running()["web"] == "1.1"
    assert set(result["sick"]) == {"rules", "late"}
    assert "rules was not changed and is not healthy" in " ".join(result["warnings"])


def test_what_needs_a_changed_service_must_stay_healthy(host, monkeypatch):
    host.converge(**stack(host))

    def late_breaks_with_new_web(box, probe):
        if box.name == "late" and host.box("web").tag == "1.1":
            box = host.box("web")
            return type(host)._answer(host, type(box)(**{**box.__dict__, "definition": {"image": "x:sick"}}), probe)
        return type(host)._answer(host, box, probe)

    monkeypatch.setattr(host, "_answer", late_breaks_with_new_web)
    with pytest.raises(StackFailed) as failure:
        host.converge(**stack(host, web="1.1"))
    assert failure.value.details["service"] == "late"
    assert host.running()["web"] == "1.0"


def big_change(host, tag):
    """Everything at once: a new image, a file, a reload, a service less and one more."""
    wanted = stack(host, web=tag)
    services, project = wanted["services"], wanted["project"]["services"]
    services["web"]["files"][0]["content"] = "a: 2\n"
    services["rules"]["files"][0]["content"] = "r: 2\n"
    project["more"] = {**project["late"], "container_name": "more"}
    del project["late"], services["late"]
    return wanted


@pytest.mark.parametrize(("tag", "after", "stride"), [("1.1", "same", 1), ("1.1", "old", 3), ("sick", "same", 3)])
def test_a_run_killed_at_any_step_is_finished_by_the_next(tmp_path, monkeypatch, tag, after, stride):
    killed = 0
    while True:
        host = demo_host(tmp_path / str(killed))
        host.converge(**stack(host))
        host.events, host.kill_at = 0, killed
        with monkeypatch.context() as patch:
            count_writes(host, patch)
            try:
                host.converge(**big_change(host, tag))
                break
            except StackFailed:
                break
            except Killed:
                pass
        host.kill_at = -1
        check_finished(host, tag, after)
        killed += stride
    assert killed > 25


def check_finished(host, tag, after):
    wanted = stack(host) if after == "old" else big_change(host, tag)
    if tag == "sick":
        with pytest.raises(StackFailed) as failure:
            host.converge(**wanted)
        assert failure.value.details["restored"] == {"generation": 1, "healthy": True}
        wanted = stack(host)
    else:
        host.converge(**wanted)
    third = host.converge(**wanted)
    assert not third["changed"], third["diff"]
    names = set(wanted["project"]["services"])
    assert {one.name for one in host.boxes.values()} == names
    assert set(host.running()) == names - {"once"}
    assert host.running()["web"] == ("1.0" if wanted == stack(host) else tag)
    assert not os.path.exists(host.layout().journal)
    left = [name for _folder, _folders, names in os.walk(host.layout().base) for name in names]
    assert not [name for name in left if ".kronos-" in name or name.startswith(".new-")]
    check_way_back(host)


def check_way_back(host):
    """Where versions were kept twice, the one before the live one would be the same."""
    live = read(host.layout().state)["generation"]
    before = generations.before(live, host.layout())
    if before:
        one, other = (generations.load(number, host.layout()).identity for number in (live, before))
        assert one != other, (live, before)

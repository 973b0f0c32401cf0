# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils.probe import Answer
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import Container
from ansible_collections.kronos.homelab.plugins.module_utils.stack_health import (
    OK,
    SICK,
    WAIT,
    Clock,
    Gate,
    Unhealthy,
    judge,
)
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import HttpProbe, Service

PROBE = HttpProbe(80, "/health")
PLAIN = Service("web", {}, "web", timeout=30)
PROBED = Service("web", {}, "web", probe=PROBE, timeout=30)
JOB = Service("web", {}, "web", kind="job", timeout=30)


def box(status="running", **more):
    return Container("c1", "web", "web", status, **more)


JUDGED = [
    (PLAIN, None, None, 0, 0, SICK, "has no container"),
    (PLAIN, box(), None, 1, 0, WAIT, "does not stay up for 5 s"),
    (PLAIN, box(), None, 5, 0, OK, ""),
    (PLAIN, box("restarting", exit_code=3), None, 9, 1, WAIT, "is restarting, exit code 3"),
    (PLAIN, box("exited", exit_code=1), None, 9, 0, SICK, "has stopped: exited (1)"),
    (PLAIN, box("exited"), None, 9, 0, SICK, "has stopped: exited (0)"),
    (PLAIN, box("paused"), None, 9, 0, WAIT, "is paused"),
    (PLAIN, box(exit_code=2), None, 1, 5, SICK, "exits again and again (5 restarts, exit code 2)"),
    (PLAIN, box(health="starting"), None, 9, 0, WAIT, "is starting by its own check"),
    (PLAIN, box(health="unhealthy"), None, 9, 0, WAIT, "is unhealthy by its own check"),
    (PLAIN, box(health="healthy"), None, 0, 0, OK, ""),
    (PROBED, box(health="unhealthy"), Answer(200), 0, 0, OK, ""),
    (PROBED, box(), Answer(503, "no"), 9, 0, WAIT, "does not give HTTP 2xx or 3xx at port 80/health"),
    (PROBED, box(), Answer(error="connection refused"), 9, 0, WAIT, "does not give an answer"),
    (PROBED, box(), None, 9, 0, WAIT, "does not give an answer"),
    (JOB, box(), None, 99, 0, WAIT, "has not ended"),
    (JOB, box("created"), None, 99, 0, WAIT, "has not ended"),
    (JOB, box("exited"), None, 0, 0, OK, ""),
    (JOB, box("exited", exit_code=7), None, 0, 0, SICK, "ended with exit code 7"),
    (JOB, box("dead"), None, 0, 0, SICK, "is dead"),
]


@pytest.mark.parametrize(
    ("service", "container", "answer", "steady", "restarts", "verdict", "reason"), JUDGED, ids=range(len(JUDGED))
)
def test_judge(service, container, answer, steady, restarts, verdict, reason):
    found = judge(service, container, answer, steady, restarts)
    assert found.verdict == verdict
    assert reason in found.reason


class Engine:
    """Containers by a function of time."""

    def __init__(self, show):
        self.now, self.show = 0.0, show

    def inspect(self, name):
        found = self.show(self.now)
        if found is None:
            return None
        status, restarts, begun = found
        state = {"Status": status, "StartedAt": str(begun), "Pid": 7}
        return {"Id": "c1", "Name": "/web", "State": state, "RestartCount": restarts, "Config": {}}

    def logs(self, name, lines):
        return "last words\n"

    def sleep(self, seconds):
        self.now += seconds


def gate(engine, answers=None):
    alive = []
    made = Gate(engine, answers or (lambda asked: {}), Clock(lambda: engine.now, engine.sleep), lambda: alive.append(1))
    return made, alive


def test_steady_for_five_seconds_after_the_last_restart():
    engine = Engine(lambda now: ("running", int(min(now, 3)), int(min(now, 3))))
    made, alive = gate(engine)
    made.wait([PLAIN])
    assert 8 <= engine.now < 10
    assert alive


def test_crash_loops_end_early():
    engine = Engine(lambda now: ("restarting", int(now * 2), now))
    made, _alive = gate(engine)
    with pytest.raises(Unhealthy, match="exits again and again") as failure:
        made.wait([PROBED])
    assert engine.now < 5
    assert failure.value.logs == "last words\n"


def test_a_probe_that_comes_in_time_and_one_that_does_not():
    engine = Engine(lambda now: ("running", 0, 0))
    made, _alive = gate(engine, lambda asked: dict.fromkeys(asked, Answer(200 if engine.now > 9 else 502, "wait")))
    made.wait([PROBED])
    engine.now = -50.0
    with pytest.raises(Unhealthy) as failure:
        made.wait([PROBED])
    assert failure.value.reason.startswith("is not healthy after 30 s: does not give HTTP 2xx or 3xx")
    assert failure.value.answer == "HTTP 502: wait"


def test_one_look():
    engine = Engine(lambda now: ("running", 0, 0))
    made, _alive = gate(engine, lambda asked: dict.fromkeys(asked, Answer(500, "no")))
    assert made.sick([PLAIN]) == {}
    assert made.sick([PROBED]) == {"web": "does not give HTTP 2xx or 3xx at port 80/health (last answer: HTTP 500: no)"}
    assert engine.now == 0


def test_hold_wants_it_twice_in_a_row():
    engine = Engine(lambda now: ("running", 0, 0))
    good = iter([True, False, True, True])
    made, _alive = gate(engine, lambda asked: dict.fromkeys(asked, Answer(200 if next(good) else 500)))
    made.hold(PROBED, PROBE, 15)
    assert next(good, None) is None
    made, _alive = gate(engine, lambda asked: dict.fromkeys(asked, Answer(400, "bad rule")))
    with pytest.raises(Unhealthy, match=r"does not take its new files \(last answer: HTTP 400: bad rule\)"):
        made.hold(PROBED, PROBE, 3)
    stopped, _alive = gate(Engine(lambda now: None))
    with pytest.raises(Unhealthy):
        stopped.hold(PROBED, PROBE, 3)

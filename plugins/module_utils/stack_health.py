# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proving that services are healthy, by polling them ourselves.

``docker compose up --wait`` calls a job that exited 0 a failure, knows no HTTP probe and no early end.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace

from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import Engine
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.probe import Answer, Prober, meets
from ansible_collections.kronos.homelab.plugins.module_utils.progress import HEALTH, SILENT, Progress
from ansible_collections.kronos.homelab.plugins.module_utils.stack_container import Container, container_of
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import HttpProbe, Service

STEADY = 5.0
MOST_RESTARTS = 5
LOG_LINES = 20
OK, WAIT, SICK = "ok", "wait", "sick"


class Unhealthy(KronosError):
    """A service did not prove healthy; ``logs`` are its last lines."""

    def __init__(self, service: str, reason: str, answer: str = "", logs: str = "") -> None:
        self.service, self.reason, self.answer, self.logs = service, reason, answer, logs
        super().__init__(f"{service} {reason}" + (f" (last answer: {answer})" if answer else ""))


@dataclass(frozen=True)
class Verdict:
    """ok: healthy; wait: not yet; sick: it will not become so by waiting."""

    verdict: str
    reason: str = ""
    answer: str = ""


@dataclass(frozen=True)
class Clock:
    """Time, for tests to fake."""

    now: Callable[[], float]
    sleep: Callable[[float], None]


@dataclass
class _Watch:
    """What one service looked like since the gate began to look."""

    first_restarts: int
    since: float
    mark: tuple[str, int]


class Gate:
    """Polls services until all are healthy.

    *alive* is called in each round (the lease of the run). *conceal* takes secrets out of what a service says, whole,
    before anything is cut off or put on one line.
    """

    def __init__(
        self,
        engine: Engine,
        prober: Prober,
        clock: Clock,
        alive: Callable[[], None] = lambda: None,
        progress: Progress = SILENT,
        conceal: Callable[[str], str] = str,
    ) -> None:
        self._engine = engine
        self._ask = prober
        self._clock = clock
        self._alive = alive
        self._progress = progress
        self._conceal = conceal

    def wait(self, services: Iterable[Service]) -> None:
        """Return when every one is healthy; raises Unhealthy for the first that is not, or not in time."""
        waiting = {service.name: service for service in services}
        begun, watches = self._clock.now(), dict[str, _Watch]()
        self._progress.begin(HEALTH, waiting)
        while True:
            for name, verdict in self._look(waiting, watches).items():
                late = self._clock.now() - begun >= waiting[name].timeout
                if verdict.verdict == SICK or (verdict.verdict == WAIT and late):
                    raise self._unhealthy(waiting[name], verdict, late)
                if verdict.verdict == OK:
                    del waiting[name]
                    self._progress.done(name)
                else:
                    self._progress.said(name, verdict.answer)
            if not waiting:
                return
            self._alive()
            # who is healthy is seen so within a tenth of the time that it took
            self._clock.sleep(min(1.0, 0.1 + 0.1 * (self._clock.now() - begun)))

    def sick(self, services: Iterable[Service]) -> dict[str, str]:
        """One look: the reason of every service that is not healthy right now."""
        wanted = {service.name: service for service in services}
        found = self._look(wanted, {}, patient=False)
        return {
            name: f"{one.reason} (last answer: {one.answer})" if one.answer else one.reason
            for name, one in found.items()
            if one.verdict != OK
        }

    def hold(self, service: Service, probe: HttpProbe, timeout: float, times: int = 2) -> None:
        """Return when *probe* is met *times* in a row; raises Unhealthy after *timeout* seconds."""
        begun, row = self._clock.now(), 0
        while True:
            verdict = self._probe_once(service, probe)
            row = row + 1 if verdict.verdict == OK else 0
            if row >= times:
                return
            if self._clock.now() - begun >= timeout:
                raise self._unhealthy(service, Verdict(WAIT, "does not take its new files", verdict.answer))
            self._alive()
            self._clock.sleep(0.5)

    def _probe_once(self, service: Service, probe: HttpProbe) -> Verdict:
        container = self._container(service)
        if container is None or not container.pid:
            return Verdict(WAIT, "is not running")
        answer = self._asked({service.name: (container.pid, probe)})[service.name]
        return by_probe(probe, answer)

    def _asked(self, questions: Mapping[str, tuple[int, HttpProbe]]) -> dict[str, Answer]:
        """The answers, fit to be quoted."""
        found = self._ask(questions) if questions else {}
        return {name: replace(answer, conceal=self._conceal) for name, answer in found.items()}

    def _look(
        self, services: Mapping[str, Service], watches: dict[str, _Watch], patient: bool = True
    ) -> dict[str, Verdict]:
        found = {name: self._container(service) for name, service in services.items()}
        questions = {
            name: (container.pid, service.probe)
            for name, service in services.items()
            if service.probe and (container := found[name]) and container.status == "running"
        }
        answers = self._asked(questions)
        verdicts = {}
        for name, service in services.items():
            steady, restarts = self._watch(name, found[name], watches)
            verdicts[name] = judge(service, found[name], answers.get(name), steady if patient else STEADY, restarts)
        return verdicts

    def _watch(self, name: str, container: Container | None, watches: dict[str, _Watch]) -> tuple[float, int]:
        """For how long it has been the same running process, and how often it restarted meanwhile."""
        now = self._clock.now()
        if container is None:
            return 0, 0
        mark = (container.started, container.restarts)
        watch = watches.setdefault(name, _Watch(container.restarts, now, mark))
        if watch.mark != mark or container.status != "running":
            watch.mark, watch.since = mark, now
        return now - watch.since, container.restarts - watch.first_restarts

    def _container(self, service: Service) -> Container | None:
        document = self._engine.inspect(service.container)
        if not document:
            return None
        container = container_of(document)
        return replace(container, health_said=" ".join(self._conceal(container.health_said).split()))

    def _unhealthy(self, service: Service, verdict: Verdict, late: bool = False) -> Unhealthy:
        reason = verdict.reason
        if late and verdict.verdict == WAIT:
            reason = f"is not healthy after {service.timeout:.0f} s: {verdict.reason}"
        return Unhealthy(service.name, reason, verdict.answer, self.logs(service))

    def logs(self, service: Service) -> str:
        """The last lines of its log; empty where Docker has none."""
        with contextlib.suppress(KronosError):
            return self._conceal(self._engine.logs(service.container, LOG_LINES))
        return ""


def judge(
    service: Service, container: Container | None, answer: Answer | None, steady: float, restarts: int
) -> Verdict:
    """The verdict on one service. *steady*: for how long it has run; *restarts*: since we look. Pure."""
    if container is None:
        return Verdict(SICK, "has no container")
    if service.kind == "job":
        return _judge_job(container)
    if restarts >= MOST_RESTARTS:
        return Verdict(SICK, f"exits again and again ({restarts} restarts, exit code {container.exit_code})")
    if container.status in ("exited", "dead", "removing"):
        return Verdict(SICK, f"has stopped: {container.says}")
    if container.status != "running":
        return Verdict(WAIT, f"is {container.says}, exit code {container.exit_code}")
    if service.probe:
        return by_probe(service.probe, answer or Answer(error="not asked"))
    if container.health:
        waiting = Verdict(WAIT, f"is {container.health} by its own check", container.health_said)
        return Verdict(OK) if container.health == "healthy" else waiting
    if steady >= STEADY:
        return Verdict(OK)
    return Verdict(WAIT, f"does not stay up for {STEADY:.0f} s")


def by_probe(probe: HttpProbe, answer: Answer) -> Verdict:
    """The verdict of an HTTP probe alone."""
    wanted = meets(probe, answer)
    if not wanted:
        return Verdict(OK)
    return Verdict(WAIT, f"does not give {wanted} at port {probe.port}{probe.path}", answer.says)


def _judge_job(container: Container) -> Verdict:
    if container.status == "exited":
        done = container.exit_code == 0
        return Verdict(OK) if done else Verdict(SICK, f"ended with exit code {container.exit_code}")
    if container.status in ("dead", "removing"):
        return Verdict(SICK, f"is {container.status}")
    return Verdict(WAIT, "has not ended")

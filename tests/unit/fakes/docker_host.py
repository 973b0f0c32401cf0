# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A host with Docker, in memory: its files are real (below a temporary folder), its containers are not.

The tag of an image says how its containers behave: ``sick`` never answers well, ``exits`` ends at once each time,
``refused`` cannot be started; a tag the registry does not know cannot be pulled. Everything else is healthy.
"""

from __future__ import annotations

import errno
import hashlib
import itertools
import os
from dataclasses import dataclass, field

import yaml
from ansible_collections.kronos.homelab.plugins.module_utils import atomic, host_state, stack_ports
from ansible_collections.kronos.homelab.plugins.module_utils.compose import bind_mounts, network_names
from ansible_collections.kronos.homelab.plugins.module_utils.docker_api import DockerRefused
from ansible_collections.kronos.homelab.plugins.module_utils.probe import Answer
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran
from ansible_collections.kronos.homelab.plugins.module_utils.stack_flow import World, work
from ansible_collections.kronos.homelab.plugins.module_utils.stack_health import Clock
from ansible_collections.kronos.homelab.plugins.module_utils.stack_layout import Layout

TAGS = ("1.0", "1.1", "sick", "exits", "refused", "fails")


class Killed(BaseException):
    """kill -9, as far as a test can do it."""


@dataclass
class FakeContainer:
    id: str
    name: str
    image_ref: str
    image: str
    labels: dict
    definition: dict
    networks: dict
    environment: dict
    status: str = "running"
    exit_code: int = 0
    begun: float = 0.0
    memory: int = 0

    def attached(self, network):
        """Its endpoint, as an inspect and a list show it."""
        joined = self.definition.get("networks")
        options = (joined.get(network) or {}) if isinstance(joined, dict) else {}
        return {
            "NetworkID": self.networks[network],
            "IPAMConfig": {"IPv4Address": options["ipv4_address"]} if "ipv4_address" in options else None,
        }

    @property
    def tag(self):
        return self.definition["image"].rpartition(":")[2]


@dataclass
class FakeHost:
    """The World of a stack: an Engine, a Runner, a Prober and a Clock in one."""

    root: str
    now: float = 1000.0
    images: dict = field(default_factory=dict)
    nets: dict = field(default_factory=lambda: {"kronos-default": "net-1", "kronos-two": "net-2"})
    boxes: dict = field(default_factory=dict)
    calls: list = field(default_factory=list)
    listeners: dict = field(default_factory=dict)
    kill_at: int = -1
    full_at: int = -1
    events: int = 0
    log: str = "it begins\nit goes on\n"
    numbers: itertools.count = field(default_factory=lambda: itertools.count(1))

    # -- the world -------------------------------------------------------------------------------------------

    def layout(self, stack="demo"):
        owner = {"uid": os.geteuid(), "gid": os.getegid()}
        return Layout(
            stack,
            stacks=f"{self.root}/opt",
            etc=f"{self.root}/etc",
            run=f"{self.root}/run",
            receipts=f"{self.root}/receipts",
            docker=f"{self.root}/docker",
            **owner,
        )

    def world(self):
        clock = Clock(lambda: self.now, self.pass_time)
        return World(lambda: self, lambda lock: self.run, self.ask, clock, lambda: self.now, self.replaced, self.held)

    def converge(self, check=False, **params):
        defaults = {
            "name": "demo",
            "state": "present",
            "project": None,
            "services": None,
            "health_timeout": 10,
            "keep_generations": 3,
            "generation": 0,
            "awaited_secrets": [],
            "returning_secrets": [],
            "run": "",
        }
        return work({**defaults, **params}, check, self.world(), self.layout())

    def event(self, *what):
        """One step of a change; the one numbered ``kill_at`` is never made."""
        if self.events == self.kill_at:
            raise Killed(*what)
        self.events += 1
        self.calls.append(what)

    def pass_time(self, seconds):
        self.now += seconds

    def put_secret(self, service, name, value):
        folder = os.path.dirname(self.layout().master(service, name))
        os.makedirs(folder, exist_ok=True)
        with open(os.path.join(folder, name), "w", encoding="utf-8", newline="") as stream:
            stream.write(value)

    def settle(self):
        """A whole run has ended well."""
        host_state.seal("digest", root=self.layout().receipts)

    def reasons(self):
        """Why the fast path wants a whole run."""
        layout = self.layout()
        found = host_state.judge("digest", _Socket(self), self.run, root=layout.receipts, stacks=layout.stacks)
        return list(found.reasons)

    def box(self, name):
        return next((one for one in self.boxes.values() if one.name == name), None)

    def running(self):
        """Container name → tag of everything that runs."""
        return {one.name: one.tag for one in self.boxes.values() if one.status == "running"}

    def replaced(self, pid, source, target):
        """A container keeps the folders that it was started with."""
        box = self._by_pid(pid)
        return box.definition["inodes"].get(target) != _inode(source)

    def held(self, port):
        return self.listeners.get(port.port, "")

    # -- Engine ----------------------------------------------------------------------------------------------

    def containers(self):
        return [
            {
                "Id": one.id,
                "Names": [f"/{one.name}"],
                "Image": one.image_ref,
                "ImageID": one.image,
                "State": one.status,
                "Labels": one.labels,
                "NetworkSettings": {"Networks": {key: one.attached(key) for key in one.networks}},
            }
            for one in self.boxes.values()
        ]

    def inspect(self, container):
        one = self.boxes.get(container) or self.box(container)
        if one is None:
            return None
        restarts = min(20, int((self.now - one.begun) / 0.5)) if one.tag == "exits" and one.status == "running" else 0
        return {
            "Id": one.id,
            "Name": f"/{one.name}",
            "Image": one.image,
            "RestartCount": restarts,
            "State": {
                "Status": "restarting" if restarts else one.status,
                "Paused": one.status == "paused",
                "ExitCode": 3 if restarts else one.exit_code,
                "Pid": int(one.id[1:]) if one.status == "running" else 0,
                "StartedAt": str(one.begun),
            },
            "Config": {
                "Image": one.image_ref,
                "Labels": one.labels,
                "Env": [f"{name}={value}" for name, value in one.environment.items()],
            },
            "HostConfig": {"NetworkMode": "bridge", "Memory": one.memory, "PortBindings": _bindings(one.definition)},
            "NetworkSettings": {"Networks": {key: one.attached(key) for key in one.networks}},
        }

    def image(self, ref):
        found = self.images.get(ref) or (ref if ref in self.images.values() else None)
        return {"Id": found, "RepoDigests": []} if found else None

    def tags(self, repository):
        return sorted(name for name in self.images if name.startswith(f"{repository}:"))

    def networks(self):
        return dict(self.nets)

    def start(self, container):
        self.event("start", self._find(container).name)
        self._begin(self._find(container))

    def stop(self, container):
        self.event("stop", self._find(container).name)
        self._find(container).status = "exited"

    def restart(self, container):
        self.event("restart", self._find(container).name)
        self._begin(self._find(container))

    def unpause(self, container):
        self.event("unpause", self._find(container).name)
        self._find(container).status = "running"

    def signal(self, container, name):
        self.event("signal", container, name)

    def remove(self, container):
        if container in self.boxes:
            self.event("remove", self.boxes[container].name)
            del self.boxes[container]

    def tag(self, image, repository, tag):
        self.event("tag", f"{repository}:{tag}")
        self.images[f"{repository}:{tag}"] = self.images.get(image, image)

    def untag(self, ref):
        self.event("untag", ref)
        self.images.pop(ref, None)

    def logs(self, container, lines):
        return self.log

    # -- Runner ----------------------------------------------------------------------------------------------

    def run(self, argv, stdin="", timeout=0):
        if argv[:2] == ["docker", "pull"]:
            return self._pull(argv[-1])
        if argv[:3] == ["docker", "compose", "version"]:
            return Ran(0, "2.26.1\n", "")
        file, verb, rest = argv[11], argv[12], argv[13:]
        assert argv[:3] == ["docker", "compose", "--ansi"]
        if verb == "config":
            bad = [name for name, one in _load(stdin)["services"].items() if "bananas" in one]
            return Ran(15 if bad else 0, "", f"services.{bad[0]} Additional property bananas" if bad else "")
        assert verb == "up", verb
        with open(file, encoding="utf-8") as stream:
            return self._up(_load(stream), rest[rest.index("--force-recreate") + 1 :])

    def _pull(self, ref):
        self.event("pull", ref)
        if ref.rpartition(":")[2] not in TAGS:
            return Ran(1, "", f"Error response from daemon: manifest for {ref} not found")
        self.images[ref] = f"sha256:{hashlib.sha256(ref.encode()).hexdigest()}"
        return Ran(0, "", "")

    def _up(self, project, services):
        for name in services:
            definition = project["services"][name]
            self.event("up", name)
            if definition["image"].endswith(":refused"):
                return Ran(1, "", f"Container {name}  Creating\nError response from daemon: no such device")
            self._make(project, name, definition)
        return Ran(0, "", "")

    def _make(self, project, name, definition):
        """As compose does: the new one beside the old, then the old one goes, then the name."""
        old = [one for one in self.boxes.values() if _is(one, project, name)]
        key = f"c{next(self.numbers)}"
        labels = {
            **definition["labels"],
            "com.docker.compose.project": project["name"],
            "com.docker.compose.service": name,
        }
        joined = network_names(definition, project, project["name"])
        inodes = {target: _inode(source) for source, target in bind_mounts(definition)}
        box = FakeContainer(
            id=key,
            name=f"{key}_{definition['container_name']}" if old else definition["container_name"],
            image_ref=definition["image"],
            image=self.images[definition["image"]],
            labels=labels,
            definition={**definition, "inodes": inodes},
            networks={one: self.nets[one] for one in joined},
            environment=dict(definition.get("environment") or {}),
            status="created",
        )
        self.boxes[key] = box
        for one in old:
            self.event("recreate", name)
            del self.boxes[one.id]
        self.event("begin", name)
        box.name = definition["container_name"]
        self._begin(box)

    def _begin(self, box):
        box.begun, box.status = self.now, "running"
        if box.definition.get("restart") == "no":
            box.status, box.exit_code = "exited", 1 if box.tag == "fails" else 0

    # -- Prober ----------------------------------------------------------------------------------------------

    def ask(self, questions):
        return {name: self._answer(self._by_pid(pid), probe) for name, (pid, probe) in questions.items()}

    def _answer(self, box, probe):
        if box.tag == "exits":
            return Answer(error="connection refused")
        if box.tag == "sick":
            return Answer(503, '{"status": "sick"}')
        if probe.method == "POST":
            self.event("reload", box.name)
        return Answer(200, '{"status": "ok"}')

    def _by_pid(self, pid):
        return self.boxes[f"c{pid}"]

    def _find(self, container):
        found = self.boxes.get(container) or self.box(container)
        if found is None:
            raise DockerRefused(f"Docker: no such container: {container}")
        return found


@dataclass
class _Socket:
    """The same Docker as docker_socket.Engine shows it."""

    host: FakeHost

    def containers(self):
        return self.host.containers()

    def networks(self):
        return [{"Name": name, "Id": key} for name, key in self.host.nets.items()]

    def find(self, path):
        _empty, kind, rest = path.split("/", 2)
        return {"containers": self.host.inspect, "images": self.host.image}[kind](rest[: -len("/json")])


def _load(source):
    return yaml.load(source, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))


def _is(one, project, name):
    labels = one.labels
    return (labels.get("com.docker.compose.project"), labels.get("com.docker.compose.service")) == (
        project["name"],
        name,
    )


def _bindings(definition):
    return {f"{one.port}/tcp": [{"HostPort": str(one.port)}] for one in stack_ports.wanted(definition)}


def _inode(path):
    try:
        return os.stat(path).st_ino
    except FileNotFoundError:
        return None


def count_writes(host, monkeypatch):
    """Let every change of a file be an event as well; from event ``full_at`` on, the disk takes nothing more."""
    for name in ("write_file", "remove", "ensure_dir"):
        monkeypatch.setattr(atomic, name, _counted(host, name, getattr(atomic, name)))


def _counted(host, name, real):
    def counted(path, *args, **options):
        if name == "ensure_dir" and os.path.isdir(path):
            return real(path, *args, **options)
        if name == "remove" and not os.path.lexists(path):
            return False
        if name != "remove" and 0 <= host.full_at <= host.events:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), path)
        host.event(name, os.path.relpath(path, host.root))
        return real(path, *args, **options)

    return counted

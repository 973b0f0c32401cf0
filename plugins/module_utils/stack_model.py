# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is wanted of one stack: the module's arguments, checked and given types.

``parse`` reports every mistake at once, each with its path (``services.web.files[0].path: …``).
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils import secret_slots
from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError

NAME = re.compile(r"[a-z][a-z0-9-]{0,62}")
SECRET = re.compile(r"[a-z][a-z0-9_-]{0,62}")
VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
# Letters, digits and a few signs in every part; no part is empty, `.` or `..`.
RELATIVE = re.compile(r"(?!.*(?:^|/)\.{1,2}(?:/|$))[A-Za-z0-9_.@+,-]+(?:/[A-Za-z0-9_.@+,-]+)*")
SECRETS_TARGET = "/run/secrets"


@dataclass(frozen=True)
class HttpProbe:
    """A question over HTTP, asked inside the container's network namespace."""

    port: int
    path: str = "/"
    expect: str | None = None
    status: tuple[int, ...] = ()
    address: str = "127.0.0.1"
    scheme: str = "http"
    method: str = "GET"


@dataclass(frozen=True)
class Reload:
    """How a service takes new files without a restart."""

    signal: str | None = None
    http: HttpProbe | None = None
    watch: bool = False
    check: HttpProbe | None = None


@dataclass(frozen=True)
class RenderedFile:
    """A file of a service, below its folder ``files/<service>``; ``secrets``: those of the service that have slots."""

    path: str
    content: str = field(repr=False)
    mode: int = 0o644
    reload: bool = False
    secrets: tuple[str, ...] = ()


@dataclass(frozen=True)
class DataDirectory:
    """A directory that holds a service's data: created, its own owner and mode kept, its content never touched."""

    path: str
    uid: int = 0
    gid: int = 0
    mode: int = 0o755


@dataclass(frozen=True)
class Service:
    """One service: its compose definition and what only this module knows of it.

    ``drops``: it starts as root and becomes ``uid`` by itself.
    """

    name: str
    definition: Mapping[str, Any] = field(repr=False)
    container: str = ""
    kind: str = "service"
    needs: tuple[str, ...] = ()
    uid: int = 0
    gid: int = 0
    drops: bool = False
    probe: HttpProbe | None = None
    reload: Reload | None = None
    secret_environment: Mapping[str, str] = field(default_factory=dict)
    secret_files: Mapping[str, str] = field(default_factory=dict)
    directories: tuple[DataDirectory, ...] = ()
    files: tuple[RenderedFile, ...] = ()
    timeout: float = 120

    @property
    def secrets(self) -> list[str]:
        """Names of every secret it uses."""
        within = {name for file in self.files for name in file.secrets}
        return sorted({*self.secret_environment.values(), *self.secret_files.values(), *within})

    @property
    def image(self) -> str:
        """The image as its definition names it."""
        return str(self.definition.get("image", ""))


@dataclass(frozen=True)
class Stack:
    """One compose project. ``top`` is the project without its services (networks, volumes …);
    ``source`` what it was parsed from."""

    name: str
    project: str
    services: Mapping[str, Service]
    top: Mapping[str, Any] = field(default_factory=dict)
    source: Mapping[str, Any] = field(default_factory=dict, repr=False)

    def waves(self, only: set[str]) -> list[list[str]]:
        """The services *only* in order of start: each wave needs nothing but the waves before it."""
        left, done, waves = set(only), set(self.services) - only, []
        while left:
            ready = sorted(name for name in left if not (set(self.services[name].needs) & left) - done)
            if not ready:  # a cycle, which the planner refuses: start them together
                ready = sorted(left)
            waves.append(ready)
            left -= set(ready)
            done |= set(ready)
        return waves

    def dependents(self, of: set[str]) -> set[str]:
        """The services that need one of *of*, directly or through others, without these themselves."""
        found: set[str] = set()
        while True:
            more = {
                name
                for name, service in self.services.items()
                if name not in found and set(service.needs) & (of | found)
            }
            if not more:
                return found - of
            found |= more


def parse(name: str, project: Mapping[str, Any], services: Mapping[str, Any], timeout: float = 120) -> Stack:
    """The Stack of these arguments; raises KronosError with every mistake, one a line."""
    wrong: list[str] = []
    if not NAME.fullmatch(name):
        wrong.append(f"name: {name!r}: lower-case letters, digits and `-` are wanted")
    definitions = project.get("services") or {}
    wrong += [f"services.{one}: not in project.services" for one in services if one not in definitions]
    found: dict[str, Service] = {}
    for one, definition in definitions.items():
        if not isinstance(definition, Mapping):
            wrong.append(f"project.services.{one}: a dictionary is wanted")
            continue
        found[one] = _service(one, definition, services.get(one) or {}, timeout, wrong)
    known = set(found)
    if wrong:
        raise KronosError("\n".join(f"stack {name}: {one}" for one in wrong))
    top = {key: value for key, value in project.items() if key not in ("services", "name")}
    own = str(project.get("name") or f"kronos-{name}")
    ordered = {
        one: replace(
            service,
            container=service.container or f"{own}-{one}-1",
            # Needs of other stacks are met before: the roles run in that order.
            needs=tuple(need for need in service.needs if need in known),
        )
        for one, service in sorted(found.items())
    }
    source = {"project": project, "services": services, "health_timeout": timeout}
    return Stack(name, own, ordered, top, source)


def _service(
    name: str, definition: Mapping[str, Any], extra: Mapping[str, Any], timeout: float, wrong: list[str]
) -> Service:
    at = f"services.{name}"
    if not NAME.fullmatch(name):
        wrong.append(f"{at}: lower-case letters, digits and `-` are wanted in a name")
    if not definition.get("image"):
        wrong.append(f"project.services.{name}.image: missing")
    user, health = extra.get("user") or {}, extra.get("health") or {}
    return Service(
        name=name,
        definition=definition,
        container=str(definition.get("container_name") or ""),
        kind=str(extra.get("kind") or "service"),
        needs=tuple(extra.get("needs") or ()),
        uid=int(user.get("uid") or 0),
        gid=int(user.get("gid") or 0),
        drops=user.get("how") == "puid",
        probe=_probe(health.get("http"), f"{at}.health.http", wrong),
        reload=_reload(extra.get("reload"), f"{at}.reload", wrong),
        secret_environment=_references(extra.get("secret_environment"), f"{at}.secret_environment", wrong),
        secret_files=_references(extra.get("secret_files"), f"{at}.secret_files", wrong),
        directories=_directories(extra.get("directories"), f"{at}.directories", wrong),
        files=_files(extra.get("files"), f"{at}.files", wrong),
        timeout=float(health.get("timeout") or extra.get("health_timeout") or timeout),
    )


def read_probe(value: Mapping[str, Any], at: str) -> HttpProbe:
    """The probe that a plan describes; raises KronosError, with *at* as its place, where it cannot be one."""
    wrong: list[str] = []
    probe = _probe(value, at, wrong)
    if probe is None:
        raise KronosError("; ".join(wrong) or f"{at}: empty")
    return probe


def _probe(value: Any, at: str, wrong: list[str]) -> HttpProbe | None:
    if not value:
        return None
    if not value.get("port"):
        wrong.append(f"{at}.port: missing")
        return None
    return HttpProbe(
        port=int(value["port"]),
        path=str(value.get("path") or "/"),
        expect=value.get("expect") or None,
        status=tuple(int(one) for one in value.get("status") or ()),
        address=str(value.get("address") or "127.0.0.1"),
        scheme=str(value.get("scheme") or "http"),
        method=str(value.get("method") or "GET"),
    )


def _reload(value: Any, at: str, wrong: list[str]) -> Reload | None:
    if not value:
        return None
    check = value.get("check") or {}
    return Reload(
        signal=str(value["signal"]) if value.get("signal") else None,
        http=_probe({"method": "POST", **value["http"]}, f"{at}.http", wrong) if value.get("http") else None,
        watch=bool(value.get("watch")),
        check=_probe(check.get("http"), f"{at}.check.http", wrong),
    )


def _references(value: Any, at: str, wrong: list[str]) -> dict[str, str]:
    found = {str(variable): str(secret) for variable, secret in (value or {}).items()}
    for variable, secret in found.items():
        if not VARIABLE.fullmatch(variable):
            wrong.append(f"{at}: {variable!r} is no name for a variable")
        if not SECRET.fullmatch(secret):
            wrong.append(f"{at}.{variable}: {secret!r} is no name for a secret")
    return dict(sorted(found.items()))


def _directories(value: Any, at: str, wrong: list[str]) -> tuple[DataDirectory, ...]:
    found = []
    for index, one in enumerate(value or ()):
        path = str(one.get("path", ""))
        if not path.startswith("/") or path == "/" or ".." in path.split("/"):
            wrong.append(f"{at}[{index}].path: {path!r}: an absolute path is wanted")
        mode = mode_of(one.get("mode", "0755"), f"{at}[{index}].mode", wrong)
        found.append(DataDirectory(path, int(one.get("uid") or 0), int(one.get("gid") or 0), mode))
    return tuple(found)


def _files(value: Any, at: str, wrong: list[str]) -> tuple[RenderedFile, ...]:
    found, seen = [], set()
    for index, one in enumerate(value or ()):
        path = str(one.get("path", ""))
        if not RELATIVE.fullmatch(path) or "/" not in path:
            wrong.append(f"{at}[{index}].path: {path!r}: `folder/name` below the service's files is wanted")
        if path in seen:
            wrong.append(f"{at}[{index}].path: {path!r} is named twice")
        seen.add(path)
        mode = mode_of(one.get("mode", "0644"), f"{at}[{index}].mode", wrong)
        content = str(one.get("content", ""))
        named = _slots(one.get("secrets"), content, f"{at}[{index}].secrets", wrong)
        found.append(RenderedFile(path, content, mode, bool(one.get("reload")), named))
    return tuple(sorted(found, key=lambda each: each.path))


def _slots(value: Any, content: str, at: str, wrong: list[str]) -> tuple[str, ...]:
    """The secrets that a file holds. A kept generation has the files beside it, and no content here."""
    stated = [str(name) for name in value or ()]
    there = secret_slots.names(content)
    for index, name in enumerate(stated):
        if not SECRET.fullmatch(name):
            wrong.append(f"{at}[{index}]: {name!r} is no name for a secret")
        elif name not in there:
            wrong.append(f"{at}[{index}]: the content has no place for {name!r}")
    return tuple(sorted(set(stated)))


def mode_of(value: Any, at: str, wrong: list[str]) -> int:
    """The mode in *value* (``"0640"``, or an int as YAML 1.1 reads ``0640``); a mistake goes to *wrong*."""
    try:
        mode = value if isinstance(value, int) else int(str(value), 8)
    except ValueError:
        mode = -1
    if not 0 <= mode <= 0o7777:
        wrong.append(f'{at}: {value!r}: an octal mode such as "0640" is wanted')
        return 0o600
    return mode

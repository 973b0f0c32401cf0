# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose files, env files, and calling ``docker compose``.

The host needs no YAML library: a scalar in JSON's quotes is a YAML scalar, and structure is plain indentation.
Literal values go in; compose interpolates ``$`` in values, so that it is doubled here.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.runner import Ran, Runner

OLDEST = (2, 20)
VERSION_TIME, CHECK_TIME, UP_TIME = 20, 60, 900
HEADER = "# Written by kronos.homelab.stack, which undoes changes made by hand.\n"
_PLAIN_KEY = re.compile(r"[A-Za-z_][A-Za-z0-9_./-]*")
_PROGRESS = re.compile(r"(?:Container|Network|Volume|Image) \S+ +[A-Z][a-z]+")
_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
# What JSON leaves as it is and YAML 1.2 does not want inside double quotes.
_UNPRINTABLE = re.compile("[\x7f-\x9f\u2028\u2029\ufeff\ufffe\uffff]")


def project_text(project: Mapping[str, Any]) -> str:
    """compose.yml of this project: the same text for the same data, safe against interpolation."""
    return HEADER + "\n".join(_lines(escape(project), 0)) + "\n"


def escape(value: Any) -> Any:
    """Literal data as compose must read it: ``$`` doubled in every value (keys are never interpolated)."""
    if isinstance(value, str):
        return value.replace("$", "$$")
    if isinstance(value, Mapping):
        return {key: escape(each) for key, each in value.items()}
    if isinstance(value, (list, tuple)):
        return [escape(each) for each in value]
    return value


def env_text(values: Mapping[str, str]) -> str:
    """An env file that gives exactly these values.

    compose-go reads double quotes with Go's escapes and ``\\$`` for a dollar sign; inside single quotes a
    backslash before a quote cannot be written at all (seen with compose 2.26).
    """
    return "".join(f"{name}={_env_quoted(value)}\n" for name, value in sorted(values.items()))


def env_values(text: str) -> list[str]:
    """The values in an env file that ``env_text`` wrote."""
    return list(env_pairs(text).values())


def env_pairs(text: str) -> dict[str, str]:
    """Variable → value of an env file that ``env_text`` wrote; other lines are left out."""
    escapes = {"n": "\n", "r": "\r"}
    found = {}
    for line in text.split("\n"):
        name, _equals, quoted = line.partition("=")
        if len(quoted) > 1 and quoted[0] == quoted[-1] == '"':
            found[name] = re.sub(r"\\(.)", lambda one: escapes.get(one[1], one[1]), quoted[1:-1])
    return found


def _env_quoted(value: str) -> str:
    for sign, written in (("\\", "\\\\"), ('"', '\\"'), ("$", "\\$"), ("\n", "\\n"), ("\r", "\\r")):
        value = value.replace(sign, written)
    return f'"{value}"'


def _lines(value: Any, depth: int) -> list[str]:
    """Block style for what is not empty; scalars and empty containers are written by ``_scalar``."""
    pad = "  " * depth
    if isinstance(value, Mapping):
        return [line for key, each in value.items() for line in _entry(f"{pad}{_key(key)}:", each, depth)]
    return [line for each in value for line in _entry(f"{pad}-", each, depth)]


def _entry(lead: str, value: Any, depth: int) -> list[str]:
    if isinstance(value, (Mapping, list, tuple)) and value:
        inner = _lines(value, depth + 1)
        if lead.endswith("-"):  # the first line of an item stands beside its dash
            return [f"{lead} {inner[0].lstrip()}", *inner[1:]]
        return [lead, *inner]
    return [f"{lead} {_scalar(value)}"]


def _key(key: Any) -> str:
    text = str(key)
    if _PLAIN_KEY.fullmatch(text) and text.lower() not in _WORDS:
        return text
    return _scalar(text)


def _scalar(value: Any) -> str:
    if value is None or isinstance(value, (bool, int, float)):
        return json.dumps(value)
    if isinstance(value, (Mapping, list, tuple)):
        return "{}" if isinstance(value, Mapping) else "[]"
    text = json.dumps(str(value), ensure_ascii=False)
    return _UNPRINTABLE.sub(lambda found: f"\\u{ord(found.group()):04x}", text)


class ComposeMissing(KronosError):
    """The host has no docker compose, or one that is too old."""


class Compose:
    """``docker compose`` for one project; ``folder`` holds its compose.yml."""

    def __init__(self, run: Runner, folder: str, project: str) -> None:
        self._run = run
        self._folder = folder
        self._project = project

    def check(self, project: Mapping[str, Any]) -> None:
        """Let compose judge a project without writing anything; raises KronosError with its answer.

        Raises ComposeMissing where there is none, or one so old that it would misread the project. Env files are left
        out: they need not exist yet, and their text is ours.
        """
        self._refuse_missing()
        services = {
            name: {key: value for key, value in definition.items() if key != "env_file"}
            for name, definition in project["services"].items()
        }
        text = project_text({**project, "services": services})
        ran = self._run(self._argv("-", "config", "-q"), stdin=text, timeout=CHECK_TIME)
        if ran.endless:
            raise KronosError(_hangs(ran))
        if ran.code:
            raise KronosError(f"docker compose refuses the definition: {tail(ran)}")

    def up(self, services: Sequence[str]) -> None:
        """Create these services' containers anew and start them, and nothing else."""
        options = ("-d", "--no-deps", "--no-build", "--pull", "never", "--force-recreate")
        ran = self._run(self._argv(f"{self._folder}/compose.yml", "up", *options, *services), timeout=UP_TIME)
        if ran.code:
            raise KronosError(f"docker compose up: {tail(ran)}")

    def _refuse_missing(self) -> None:
        ran = self._run(["docker", "compose", "version", "--short"], timeout=VERSION_TIME)
        if ran.endless:
            raise KronosError(_hangs(ran))
        version = tuple(int(part) for part in re.findall(r"\d+", ran.out)[:2])
        if ran.code or version < OLDEST:
            found = f"version {ran.out.strip()}" if not ran.code else "none"
            wanted = ".".join(str(part) for part in OLDEST)
            raise ComposeMissing(
                f"docker compose {wanted} or later is wanted on the host, found {found} (its package is "
                f"docker-compose, docker-compose-v2 or docker-compose-plugin: apt-get install --reinstall it)"
            )

    def _argv(self, file: str, *rest: str) -> list[str]:
        # Without these options a stray .env or compose.override.yml in the folder would have a say.
        return [
            *("docker", "compose", "--ansi", "never", "--project-directory", self._folder),
            *("-p", self._project, "--env-file", "/dev/null", "-f", file, *rest),
        ]


def _hangs(ran: Ran) -> str:
    return f"docker compose hangs: {ran.err} (try it on the host: docker compose version)"


def tail(ran: Ran, lines: int = 6) -> str:
    """The last lines of what a program said, as one line, without compose's reports of progress."""
    said = [line.strip() for line in (ran.err or ran.out).splitlines() if line.strip()]
    said = [line for line in said if not _PROGRESS.fullmatch(line)]
    return " / ".join(said[-lines:]) or f"exit code {ran.code}"


def bind_mounts(definition: Mapping[str, Any]) -> list[tuple[str, str]]:
    """(source, target) of every bind mount in a service's definition, long or short syntax."""
    found = []
    for one in definition.get("volumes") or ():
        if isinstance(one, Mapping):
            if one.get("type") == "bind":
                found.append((str(one.get("source")), str(one.get("target"))))
        elif str(one).startswith("/"):
            source, _colon, rest = str(one).partition(":")
            found.append((source, rest.partition(":")[0]))
    return found


def network_names(definition: Mapping[str, Any], top: Mapping[str, Any], project: str) -> dict[str, Any]:
    """Docker's name → options of every network that a service joins; empty where it has a network mode."""
    if definition.get("network_mode"):
        return {}
    joined = definition.get("networks")
    if joined is None:
        joined = ["default"]
    options = dict(joined) if isinstance(joined, Mapping) else dict.fromkeys(joined)
    declared = top.get("networks") or {}
    return {_network_name(key, declared.get(key) or {}, project): each for key, each in options.items()}


def fixed_addresses(definition: Mapping[str, Any], top: Mapping[str, Any], project: str) -> dict[str, str]:
    """Docker's name of a network → the IPv4 address that a service has there, where it states one."""
    joined = network_names(definition, top, project)
    return {
        name: str(options["ipv4_address"]) for name, options in joined.items() if (options or {}).get("ipv4_address")
    }


def _network_name(key: str, declared: Mapping[str, Any], project: str) -> str:
    if declared.get("name"):
        return str(declared["name"])
    return key if declared.get("external") else f"{project}_{key}"

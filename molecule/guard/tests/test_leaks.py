# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Secrets are nowhere but where they belong: not in what Ansible prints, logs or caches, not on the host."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import labtest
import pytest
from guarding import watch
from guarding.closed import plan_of
from guarding.markers import hits
from guarding.records import KEEPER, shouter
from guarding.story import Story

GOOD = ("first", "update", "rotation foretold", "rotation", "info", "rollback", "forward")
# Where root alone finds a secret of ours.
HOLDERS = [
    r"/etc/kronos/secrets/[a-z-]+/[a-z_-]+",
    r"/etc/kronos/(fingerprint\.key|ca/root\.key|tls/proxy/key\.pem)",
    r"/opt/kronos/stacks/[a-z]+/(failed/|generations/[0-9]+/)?(secrets/[a-z-]+/[a-z_-]+|env/[a-z-]+\.env)",
]
# The engine's own notes of a container's plain environment, below folders that only root enters, and the journal.
ENGINE = [
    r"/var/lib/docker/containers/[0-9a-f]{64}/config\.v2\.json",
    r"/var/lib/containerd/io\.containerd\.metadata\.v1\.bolt/meta\.db",
    r"/run/containerd/io\.containerd\.runtime\.v2\.task/moby/[0-9a-f]{64}/config\.json",
    r"/var/log/journal/.*\.journal~?",
]


def test_the_runs_went_as_they_should(story: Story) -> None:
    codes = {name: run.code for name, run in story.runs.items()}
    assert {name for name, code in codes.items() if code == 0} == set(GOOD), {
        name: story.runs[name].failures for name, code in codes.items() if (code == 0) != (name in GOOD)
    }
    assert story.runs["rotation foretold"].actions() == story.runs["rotation"].actions() == {"keeper": "recreated"}
    assert "shouter" in " ".join(story.runs["failing update"].failures)


def test_the_markers_are_the_very_values_that_the_services_use(story: Story) -> None:
    code = (
        "import json,os,pathlib;"
        "files = {name: pathlib.Path('/run/secrets', name).read_text() for name in ('db', 'phrase', 'pem')};"
        "print(json.dumps([dict(os.environ), files]))"
    )
    environment, files = json.loads(watch.shell(f'docker exec shouter python3 -c "{code}"'))
    assert {name: environment[f"S_{name.upper()}"] for name in story.odd} == story.odd
    assert files["pem"] == story.pem
    assert environment["S_PEM_FILE"] == "/run/secrets/pem"
    assert {environment["S_TOKEN"], files["db"], files["phrase"], *story.odd.values(), files["pem"]} <= story.values
    assert len(story.needles) > 100


@pytest.mark.parametrize("name", [*GOOD, "failing update", "verify"])
def test_no_run_prints_a_secret(story: Story, name: str) -> None:
    assert "EXEC" in story.runs[name].output or name == "verify", "as talkative as can be"
    assert hits(story.runs[name].output, story.needles) == set()


def test_what_a_run_leaves_on_the_controller_holds_no_secret(story: Story) -> None:
    files = [path for path in story.folder.rglob("*") if path.is_file()]
    assert {"log", "facts", "home"} <= {path.relative_to(story.folder).parts[0] for path in files} | {"home"}
    assert {path.name: hits(path.read_text(errors="replace"), story.needles) for path in files} == {
        path.name: set() for path in files
    }


@pytest.mark.parametrize("place", ["host", "controller"])
def test_no_process_shows_a_secret(story: Story, place: str) -> None:
    seen = "\n".join(story.processes[place])
    assert "site.yml" in seen if place == "controller" else "docker compose" in seen
    assert hits(seen, story.needles) == set()


def test_a_failing_service_that_shouts_its_secrets_is_quoted_without_them(story: Story) -> None:
    run = story.runs["failing update"]
    told = " ".join(run.failures)
    assert "HTTP 503: ********" in told
    assert "Last lines of its log" in told
    assert told.count("********") > 10
    said = watch.shell("journalctl -o cat CONTAINER_NAME=shouter --no-pager")
    assert len(hits(said, story.needles)) > 10, "it did shout them"


def test_a_sick_service_is_quoted_without_its_secrets(story: Story) -> None:
    assert "HTTP 503: ********" in story.runs["verify"].output
    assert "HTTP 503: ********" in story.runs["info"].output


def test_nothing_that_a_container_says_commands_the_terminal_or_ansible(story: Story) -> None:
    told = story.runs["failing update"].output
    assert "\\x1b[31mred" in told or "\\\\x1b[31mred" in told, "it is quoted"
    for run in story.runs.values():
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\x9b]", run.output)
    assert "\u202e" not in " ".join(story.runs["failing update"].failures)
    assert "touch /tmp/guard-pwned" in told, "as text"
    assert not Path("/tmp/guard-pwned").exists()
    assert watch.shell("test -e /tmp/guard-pwned && echo yes || echo no").strip() == "no"


def declared(name: str, record: dict[str, Any]) -> set[tuple[str, str]]:
    """Service and variable of every plain secret that a record declares."""
    plain = {key for key, secret in record["secrets"].items() if secret.get("plain_env")}
    return {
        (name, key)
        for key, value in record["environment"].items()
        if isinstance(value, dict) and value["secret"] in plain
    }


def test_docker_shows_the_declared_exceptions_and_nothing_else(host: Any, story: Story) -> None:
    wanted = story.needles
    shown = set()
    for name, one in labtest.inspect(host).items():
        rest = []
        for line in one["Config"]["Env"]:
            if hits(line, wanted):
                shown.add((name, line.partition("=")[0]))
            else:
                rest.append(line)
        one["Config"]["Env"] = rest
        assert hits(json.dumps(one), wanted) == set(), name
    catalogue = {("radarr", "RADARR__AUTH__APIKEY"), ("sonarr", "SONARR__AUTH__APIKEY")}
    assert shown == declared("shouter", shouter(story.odd)) | declared("keeper", KEEPER) | catalogue
    listed = {
        (item["service"], item["what"].removeprefix("environment."))
        for item in plan_of(story.variables, *story.secrets())["exceptions"]
        if item["what"].startswith("environment.")
    }
    assert shown == listed
    others = "docker image inspect $(docker images -q | sort -u); docker network inspect $(docker network ls -q)"
    assert hits(watch.shell(f"{others}; docker volume ls; docker info"), wanted) == set()


def test_no_log_but_that_of_the_shouter_itself_holds_a_secret(story: Story) -> None:
    entries = watch.shell("journalctl -o json --all --no-pager").splitlines()
    assert len(entries) > 100
    found = set()
    for line in entries:
        entry = json.loads(line)
        if entry.get("CONTAINER_NAME") != "shouter":
            texts = [
                bytes(value).decode("utf-8", "replace")
                if isinstance(value, list) and value and isinstance(value[0], int)
                else str(value)
                for value in entry.values()
            ]
            if hits("\n".join(texts), story.needles):
                found.add(
                    str(entry.get("CONTAINER_NAME") or entry.get("_SYSTEMD_UNIT") or entry.get("SYSLOG_IDENTIFIER"))
                )
    assert found == set()


def test_no_user_of_the_host_can_read_a_secret(story: Story) -> None:
    count, found = watch.files_with(
        list(story.needles), ["/", "/run", "/tmp", "/dev/shm", "/var/lib/docker"], user=True
    )
    assert count > 5000
    assert found == []


def test_root_finds_secrets_where_they_belong_and_nowhere_else(story: Story) -> None:
    usual = [
        "/etc",
        "/opt",
        "/root",
        "/home",
        "/srv",
        "/mnt",
        "/run",
        "/tmp",
        "/usr/local",
        "/var/lib",
        "/var/log",
        "/var/tmp",
    ]
    roots = [*usual, *(f"/var/lib/docker/{folder}" for folder in ("containers", "image", "network", "volumes"))]
    _count, found = watch.files_with(list(story.needles), roots, user=False)
    strays = [path for path in found if not any(re.fullmatch(holder, path) for holder in HOLDERS + ENGINE)]
    assert strays == []
    for holder in HOLDERS + ENGINE[:1]:
        assert any(re.fullmatch(holder, path) for path in found), f"{holder}: the search finds what is there"
    ours = [path for path in found if any(re.fullmatch(holder, path) for holder in HOLDERS)]
    modes = watch.shell("stat -c '%a %n' " + " ".join(ours)).splitlines()
    assert [line for line in modes if not re.match("(600|400) ", line)] == []


def test_a_rotation_restarts_the_users_of_that_secret_alone(story: Story) -> None:
    before, after = story.before_rotation, story.after_rotation
    assert {name for name in before if before[name] != after.get(name)} == {"keeper"}
    assert set(before) == set(after)

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One story of a host, told with `-vvvv` while processes are watched; the tests look at what is left of it."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import labtest

from guarding import markers, records, watch


@dataclass
class Story:
    """The runs by name, what was seen of processes meanwhile, and everything that must not be seen."""

    folder: Path
    odd: dict[str, str]
    pem: str
    runs: dict[str, labtest.Run] = field(default_factory=dict)
    processes: dict[str, set[str]] = field(default_factory=dict)
    values: set[str] = field(default_factory=set)
    before_rotation: dict[str, str] = field(default_factory=dict)
    after_rotation: dict[str, str] = field(default_factory=dict)
    variables: dict[str, Any] = field(default_factory=dict)

    @property
    def needles(self) -> dict[str, str]:
        """What to search for."""
        return markers.needles(self.values)

    def run(self, name: str, playbook: str, *arguments: str, environment: Any = None, **variables: Any) -> labtest.Run:
        """Run a playbook as talkative as it can be, with caches and logs below the story's folder."""
        settings = {
            # molecule asks for colours, which are no text of a container's
            "ANSIBLE_FORCE_COLOR": "false",
            "ANSIBLE_HOME": str(self.folder / "home"),
            "ANSIBLE_LOG_PATH": str(self.folder / "log"),
            "ANSIBLE_CACHE_PLUGIN": "ansible.builtin.jsonfile",
            "ANSIBLE_CACHE_PLUGIN_CONNECTION": str(self.folder / "facts"),
            **(environment or {}),
        }
        arguments = ("-vvvv", *self.secrets(vaulted=not self.runs), *arguments)
        run = labtest.start(playbook, *arguments, variables=variables, environment=settings).finish()
        self.runs[name] = run
        (self.folder / f"{name}.json").write_text(json.dumps(run.tasks))
        self.values |= set(watch.remote(KEPT))
        return run

    def secrets(self, vaulted: bool = False) -> list[str]:
        """Arguments that give the secrets: from a plain file, or from the vault."""
        home = self.folder.parent
        if vaulted:
            return ["-e", f"@{home / 'vaulted.yml'}", "--vault-password-file", str(home / "password")]
        return ["-e", f"@{home / 'plain.yml'}"]

    def write_secrets(self) -> None:
        """Write the file of given secrets, plain and vaulted, beside the folder that is searched."""
        given = json.dumps({**self.odd, "pem": self.pem}, ensure_ascii=False, indent=1)
        # A value with braces is no template.
        lines = [line.replace('": "', '": !unsafe "', 1) for line in given.splitlines()]
        text = "kronos_secrets:\n  shouter:\n" + "\n".join(f"    {line}" for line in lines) + "\n"
        home = self.folder.parent
        (home / "plain.yml").write_text(text)
        (home / "password").write_text("not a marker\n")
        shutil.copy(home / "plain.yml", home / "vaulted.yml")
        command = ["encrypt", "--vault-password-file", str(home / "password"), str(home / "vaulted.yml")]
        subprocess.run([sys.executable, "-m", "ansible", "vault", *command], check=True, capture_output=True)


KEPT = """
import glob, os
secrets = [path for path in glob.glob("/etc/kronos/secrets/*/*") if not os.path.basename(path).startswith(".")]
keys = ["/etc/kronos/ca/root.key", *glob.glob("/etc/kronos/tls/*/key.pem"), "/etc/kronos/fingerprint.key"]
result = [open(path).read() for path in secrets + keys]
"""


def started() -> dict[str, str]:
    """When each container was started."""
    found = json.loads(watch.shell("docker inspect $(docker ps -aq)"))
    return {one["Name"].lstrip("/"): one["State"]["StartedAt"] for one in found}


def tell(story: Story) -> None:
    """First install, update, prediction, rotation, failure, a sick service seen by verify and info, way back."""
    usual = records.variables(story.odd)
    newer = records.variables(story.odd, keeper={**records.KEEPER, "image": "docker.io/kronos/echo:1.1"})
    story.variables = newer
    story.run("first", "site.yml", **usual)
    story.run("update", "site.yml", **newer)
    rotate = {**newer, "secrets_rotate": ["keeper/key"], "kronos_fast": False}
    story.run("rotation foretold", "site.yml", "--check", **rotate)
    story.before_rotation = started()
    story.run("rotation", "site.yml", environment={"ANSIBLE_PIPELINING": "false"}, **rotate)
    story.after_rotation = started()
    failing = records.variables(story.odd, keeper=newer["kronos_services_guard"]["keeper"])
    failing["kronos_services_guard"]["shouter"] = records.shouter(story.odd, shout=True)
    story.run("failing update", "site.yml", **{**failing, "kronos_health_timeout": 10})
    watch.shell("docker exec shouter touch /state/sick")
    story.run("verify", "verify.yml", **newer)
    story.run("info", "info.yml", **newer)
    watch.shell("docker exec shouter rm /state/sick")
    story.run("rollback", "rollback.yml", **{**newer, "stack": "own"})
    story.run("forward", "site.yml", **newer)


_told: list[Story] = []


def forget() -> None:
    """Remove the evidence."""
    for story in _told:
        shutil.rmtree(story.folder.parent, ignore_errors=True)


def story_of() -> Story:
    """The story, told once."""
    if not _told:
        # Short: the paths of SSH's sockets lie below it.
        home = Path(tempfile.mkdtemp(prefix="kg"))
        story = Story(home / "e", markers.odd_values(), markers.private_key())
        _told.append(story)
        story.folder.mkdir()
        story.write_secrets()
        story.values |= {*story.odd.values(), story.pem}
        with watch.watched_host() as on_host, watch.watched_controller() as here:
            tell(story)
        story.processes = {"host": on_host, "controller": here}
    return _told[0]

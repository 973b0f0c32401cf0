# SPDX-License-Identifier: GPL-3.0-or-later
"""The configuration of FTL, as far as the lab needs it, and dnsmasq, which answers by it."""

from __future__ import annotations

import contextlib
import copy
import datetime
import json
import signal
import subprocess
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import gravity

HIDDEN = "********"
DEFAULTS: dict[str, Any] = {
    "dns": {
        "upstreams": [],
        "CNAMEdeepInspect": True,
        "blockESNI": True,
        "ignoreLocalhost": False,
        "showDNSSEC": True,
        "piholePTR": "PI.HOLE",
        "replyWhenBusy": "ALLOW",
        "blockTTL": 2,
        "hosts": [],
        "domainNeeded": False,
        "expandHosts": False,
        "domain": {"name": "lan", "local": True},
        "bogusPriv": True,
        "dnssec": False,
        "interface": "",
        "hostRecord": "",
        "listeningMode": "LOCAL",
        "queryLogging": True,
        "cnameRecords": [],
        "port": 53,
        "revServers": [],
        "cache": {"size": 10000, "optimizer": 3600, "upstreamBlockedTTL": 86400},
        "blocking": {"active": True, "mode": "NULL", "edns": "TEXT"},
        "specialDomains": {"mozillaCanary": True, "iCloudPrivateRelay": True, "designatedResolver": True},
        "reply": {"host": {"force4": False, "IPv4": "", "force6": False, "IPv6": ""}},
        "rateLimit": {"count": 1000, "interval": 60},
    },
    "dhcp": {"active": False, "start": "", "end": "", "router": "", "hosts": []},
    "ntp": {
        "ipv4": {"active": True, "address": ""},
        "ipv6": {"active": True, "address": ""},
        "sync": {"active": True, "server": "pool.ntp.org", "interval": 3600, "count": 8},
    },
    "resolver": {"resolveIPv4": True, "resolveIPv6": True, "networkNames": True, "refreshNames": "IPV4_ONLY"},
    "database": {"DBimport": True, "maxDBdays": 91, "DBinterval": 60},
    "webserver": {
        "domain": "pi.hole",
        "acl": "",
        "port": "80o,443os,[::]:80o,[::]:443os",
        "session": {"timeout": 1800, "restore": True},
        "interface": {"boxed": True, "theme": "default-auto"},
        "api": {
            "max_sessions": 16,
            "prettyJSON": False,
            "pwhash": "",
            "password": "",
            "totp_secret": "",
            "app_pwhash": "",
            "app_sudo": False,
            "cli_pw": True,
            "excludeClients": [],
            "excludeDomains": [],
            "allow_destructive": True,
        },
    },
    "misc": {"nice": -10, "delay_startup": 0, "addr2line": True, "privacylevel": 0, "dnsmasq_lines": []},
}
CHOICES = {
    ("dns", "listeningMode"): ("LOCAL", "SINGLE", "BIND", "ALL", "NONE"),
    ("dns", "blocking", "mode"): ("NULL", "IP_NODATA_AAAA", "IP", "NX", "NODATA"),
}
RESTART = {"upstreams", "cnameRecords", "revServers", "dnssec", "domain", "domainNeeded", "expandHosts", "bogusPriv"}
RESTART |= {"interface", "listeningMode", "port", "dnsmasq_lines", "queryLogging", "hostRecord", "cache"}
SECRET = (("webserver", "api", "password"), ("webserver", "api", "pwhash"), ("webserver", "api", "totp_secret"))
Path_ = tuple[str, ...]


class Bad(Exception):
    """A value that cannot be: message and hint of the API's answer."""

    def __init__(self, message: str, hint: str | None) -> None:
        super().__init__(message)
        self.message, self.hint = message, hint


def leaves(tree: Mapping[str, Any], path: Path_ = ()) -> list[tuple[Path_, Any]]:
    """Path and value of everything below."""
    found = []
    for key, value in tree.items():
        found += leaves(value, (*path, key)) if isinstance(value, Mapping) else [((*path, key), value)]
    return found


def at(tree: Any, path: Path_) -> Any:
    """The value at *path*; None where there is none."""
    for key in path:
        if not isinstance(tree, Mapping) or key not in tree:
            return None
        tree = tree[key]
    return tree


class Config:
    """pihole.toml: read at the start, rewritten with every change."""

    def __init__(self, path: Path, environment: Mapping[str, str], password: str) -> None:
        self.path, self.tree = path, copy.deepcopy(DEFAULTS)
        self.fixed: set[Path_] = set()
        self.password, self.app_hash = password, ""
        with contextlib.suppress(OSError):
            for key, value in parse(path.read_text()):
                if type(at(self.tree, key)) is type(value):
                    self._set(key, value)
        for key, old in leaves(DEFAULTS):
            text = environment.get("FTLCONF_" + "_".join(key))
            if text is not None:
                self.fixed.add(key)
                self._set(key, from_text(text, old))
        if not self.tree["dns"]["upstreams"]:
            self.tree["dns"]["upstreams"] = ["8.8.8.8", "8.8.4.4"]
        self.tree["webserver"]["api"]["pwhash"] = "$BALLOON-SHA256$lab"
        self.save()

    def _set(self, path: Path_, value: Any) -> None:
        at(self.tree, path[:-1])[path[-1]] = value

    def shown(self) -> dict[str, Any]:
        """The tree without what nobody may read."""
        tree = copy.deepcopy(self.tree)
        tree["webserver"]["api"]["password"] = HIDDEN
        for path in SECRET[1:]:
            if at(tree, path):
                at(tree, path[:-1])[path[-1]] = HIDDEN
        return tree

    def change(self, tree: Mapping[str, Any]) -> set[Path_]:
        """Merge *tree*; paths that changed. What nobody knows is passed over without a word."""
        known = [(path, value) for path, value in leaves(tree) if at(DEFAULTS, path) is not None]
        for path, value in known:
            check(path, value)
        changed_paths = {path for path, value in known if at(self.tree, path) != value}
        for path in sorted(changed_paths):
            # observed: the password may be changed although the environment sets it
            if path in self.fixed and path != ("webserver", "api", "password"):
                raise Bad("Config items set via environment variables cannot be changed via the API", ".".join(path))
        for path, value in known:
            if path == ("webserver", "api", "password"):
                self.password = value
            elif path in changed_paths:
                value = value.upper() if path in CHOICES else value
                self._set(path, value)
        self.save()
        return changed_paths

    def save(self) -> None:
        """Write the file anew where more than its date differs."""
        text = "".join(
            f"{'.'.join(path)} = {json.dumps(value)}{marks(self, path)}\n" for path, value in leaves(self.tree)
        )
        old = self.path.read_text().split("\n", 2)[-1] if self.path.exists() else ""
        if old != text:
            now = datetime.datetime.now(datetime.timezone.utc)
            self.path.write_text(
                f"# Pi-hole configuration file (v6.4)\n# Last updated on {now:%Y-%m-%d %H:%M:%S}\n{text}"
            )


def marks(config: Config, path: Path_) -> str:
    """The comment that FTL writes behind a value."""
    if path in config.fixed:
        return " ### CHANGED (env), default = " + json.dumps(at(DEFAULTS, path))
    changed = at(config.tree, path) != at(DEFAULTS, path)
    return " ### CHANGED, default = " + json.dumps(at(DEFAULTS, path)) if changed else ""


def parse(text: str) -> list[tuple[Path_, Any]]:
    """What save has written."""
    lines = [line.split(" ### CHANGED")[0] for line in text.splitlines() if line and not line.startswith("#")]
    pairs = [line.partition(" = ") for line in lines]
    return [(tuple(key.split(".")), json.loads(value)) for key, _is, value in pairs]


def from_text(text: str, old: Any) -> Any:
    """A value of the environment; arrays are split at semicolons."""
    if isinstance(old, bool):
        return text.lower() == "true"
    if isinstance(old, int):
        return int(text)
    if isinstance(old, list):
        return [part for part in text.split(";") if part]
    return text


def check(path: Path_, value: Any) -> None:
    """Raise Bad for a wrong type or value."""
    name, default = ".".join(path), at(DEFAULTS, path)
    words = {bool: "bool", int: "integer", str: "string", list: "array of strings"}
    fits = type(value) is type(default) and (not isinstance(value, list) or all(isinstance(v, str) for v in value))
    if not fits:
        raise Bad("Config item is invalid", f"{name}: not of type {words.get(type(default), 'object')}")
    if path in CHOICES and value.upper() not in CHOICES[path]:
        raise Bad("Config item is invalid", f"{name}: invalid option")
    if path == ("dns", "cnameRecords") and any(not 2 <= len(line.split(",")) <= 3 for line in value):
        raise Bad("Config item validation failed", f"{name}: not a valid CNAME definition")


class Resolver:
    """dnsmasq, configured from the tree and the tables."""

    def __init__(self, folder: Path, config: Config, database: gravity.Database) -> None:
        self.folder, self.config, self.database = folder, config, database
        self.process: subprocess.Popen[bytes] | None = None

    def write(self) -> None:
        """Files that dnsmasq reads."""
        dns = self.config.tree["dns"]
        lines = ["no-resolv", "no-hosts", "keep-in-foreground", "cache-size=1000", f"port={dns['port']}"]
        lines += [f"addn-hosts={self.folder}/hosts", f"pid-file={self.folder}/pid", "log-facility=-"]
        lines += [f"server={server}" for server in dns["upstreams"]]
        lines += [f"cname={record}" for record in dns["cnameRecords"]]
        lines += self.config.tree["misc"]["dnsmasq_lines"]
        for server in dns["revServers"]:
            on, network, address, *domain = server.split(",")
            if on == "true":
                lines += [f"rev-server={network},{address}", *(f"server=/{name}/{address}" for name in domain)]
        blocking = dns["blocking"]["active"]
        lines += [f"address=/{name}/0.0.0.0" for name in sorted(self.database.blocked_below()) if blocking]
        (self.folder / "dnsmasq.conf").write_text("\n".join(lines) + "\n")
        blocked = sorted(self.database.blocked()) if blocking else []
        hosts = [*dns["hosts"], *(f"0.0.0.0 {name}\n:: {name}" for name in blocked)]
        (self.folder / "hosts").write_text("\n".join(hosts) + "\n")

    def start(self) -> None:
        """Start it, and wait until it minds its signals: before that, one that says to read files anew ends it."""
        self.write()
        ready = self.folder / "pid"
        ready.unlink(missing_ok=True)
        self.process = subprocess.Popen(["dnsmasq", f"--conf-file={self.folder}/dnsmasq.conf", "--user=", "--group="])
        end = time.monotonic() + 10
        while not ready.exists() and self.process.poll() is None and time.monotonic() < end:
            time.sleep(0.02)

    def stop(self) -> None:
        """End it."""
        if self.process:
            self.process.terminate()
            self.process.wait()

    def reload(self) -> None:
        """Names and blocked domains anew, without a restart where that is enough."""
        before = (self.folder / "dnsmasq.conf").read_text()
        self.write()
        if before != (self.folder / "dnsmasq.conf").read_text():
            self.stop()
            self.start()
        elif self.process:
            self.process.send_signal(signal.SIGHUP)

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names: what may be called what, image references, zones, and bridge names."""

from __future__ import annotations

import hashlib
import ipaddress
import re
from typing import NamedTuple

DNS_SAFE = re.compile(r"[a-z]([a-z0-9-]{0,61}[a-z0-9])?")
KEY_SAFE = re.compile(r"[a-z][a-z0-9_-]{0,62}")
LABEL = re.compile(r"[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?")

DNS_SAFE_WANTED = "a DNS-safe name: small letters, digits and inner hyphens, a letter first, at most 63"
KEY_SAFE_WANTED = "a name of small letters, digits, '_' and '-', a letter first"

# Zones that records name; one that the inventory does not define is realised as the default zone.
KNOWN_ZONES = ("edge", "apps", "media", "management", "storage", "data")
DEFAULT_ZONE = "default"
DATA_ZONE = "data"

# Linux allows 15 characters for an interface name.
INTERFACE_LENGTH = 15

_REPOSITORY = re.compile(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*(/[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*)*")
_TAG = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}")
_DIGEST = re.compile(r"sha256:[0-9a-f]{64}")
_REGISTRY = re.compile(r"[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?")


# What may stand in a URL, but for quotes, angle brackets, backticks, braces and what must be percent-encoded.
URL_PATH = r"/[A-Za-z0-9._~/@%+=,:;&?*-]*"
URL = r"https?://[A-Za-z0-9.\[\]:_-]+(/[A-Za-z0-9._~/@%+=,:;&?*!$()#\[\]|^-]*)?"


def is_mirror(text: str) -> bool:
    """Tell whether this is a registry, perhaps with a path: what images can be pulled through."""
    registry, _slash, path = text.rstrip("/").partition("/")
    return _REGISTRY.fullmatch(registry) is not None and (not path or _REPOSITORY.fullmatch(path) is not None)


def is_dns_safe(name: str) -> bool:
    """Tell whether a service, zone or stack may have this name (RFC 1035 label, small letters)."""
    return DNS_SAFE.fullmatch(name) is not None


def is_key_safe(name: str) -> bool:
    """Tell whether a secret, volume or folder may have this name: one harmless path component."""
    return KEY_SAFE.fullmatch(name) is not None


def is_host_name(name: str) -> bool:
    """Tell whether this is a host name in small letters: one label or several joined by dots."""
    return len(name) <= 253 and all(LABEL.fullmatch(label) for label in name.split("."))


class Image(NamedTuple):
    """An image reference in full: ``docker.io/library/traefik:3.7``."""

    registry: str
    repository: str
    tag: str
    digest: str = ""

    def __str__(self) -> str:
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.repository}:{self.tag}{digest}"


def parse_image(reference: str) -> Image:
    """Read an image reference and fill in Docker's defaults (docker.io, library/).

    Raises ValueError with the wanted form: a pinned tag is needed, ``latest`` is none.
    Source of the grammar: the distribution project's reference package.
    """
    rest, _at, digest = reference.partition("@")
    if digest and not _DIGEST.fullmatch(digest):
        raise ValueError("a digest of the form sha256:<64 hex digits>")
    head, slash, tail = rest.partition("/")
    if slash and ("." in head or ":" in head or head == "localhost"):
        registry, rest = head, tail
    else:
        registry = "docker.io"
    repository, _colon, tag = rest.partition(":")
    if not tag:
        raise ValueError("an image with a pinned tag, such as name:1.2.3")
    if tag == "latest":
        raise ValueError("a pinned tag, such as name:1.2.3, not 'latest'")
    if not (_REGISTRY.fullmatch(registry) and _REPOSITORY.fullmatch(repository) and _TAG.fullmatch(tag)):
        raise ValueError("an image reference such as registry/name:1.2.3")
    if registry == "docker.io" and "/" not in repository:
        repository = f"library/{repository}"
    return Image(registry, repository, tag, digest)


def mirrored(image: Image, mirror: str) -> str:
    """The reference to pull: ``<mirror>/<registry>/<repository>:<tag>``, or the image itself without a mirror.

    A registry's port is written with a hyphen, since a colon is no part of a repository.
    """
    if not mirror:
        return str(image)
    return f"{mirror.rstrip('/')}/{image._replace(registry=image.registry.replace(':', '-'))!s}"


def bridge_name(network: str) -> str:
    """The Linux bridge of the docker network ``kronos-<x>``: ``kr-<x>``, hashed where that is too long."""
    name = "kr-" + network.removeprefix("kronos-")
    if len(name) <= INTERFACE_LENGTH:
        return name
    return "kr-" + hashlib.sha256(network.encode()).hexdigest()[:12]


def vlan_interface(number: int) -> str:
    """The interface of a VLAN: ``kr<id>``, which no bridge of ours (``kr-…``) can be called."""
    return f"kr{number}"


def is_ip(text: str) -> bool:
    """Tell an IP address from a name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a network manager of the host is told of our VLAN interfaces: what all providers share."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from ansible_collections.kronos.homelab.plugins.module_utils import tree
from ansible_collections.kronos.homelab.plugins.module_utils.vlan_model import Interface

HEAD = "# Made by kronos.homelab from kronos_zones; what is changed here is lost.\n"
Command = Sequence[str]


@dataclass(frozen=True)
class Parent:
    """An interface that carries VLANs: who configures it, and by which file or under which name."""

    name: str
    manager: str
    configured_by: str = ""


@dataclass(frozen=True)
class Work:
    """What is to be brought up, once the files stand.

    ``missing`` are not there, and ``known`` of them were, by the same files; ``differing`` are there in another shape.
    ``unwritten`` of those differ only in the kernel. ``parents``: name of the interface -> name of its parent.
    """

    missing: tuple[str, ...] = ()
    known: tuple[str, ...] = ()
    differing: tuple[str, ...] = ()
    unwritten: tuple[str, ...] = ()
    parents: Mapping[str, str] | None = None

    def parents_of(self, names: Sequence[str]) -> list[str]:
        """The parents of these interfaces, each once."""
        return sorted({(self.parents or {})[name] for name in names})


class Provider(Protocol):
    """One way to keep interfaces over a reboot and to bring them up now."""

    @property
    def name(self) -> str:
        """How it is chosen."""

    @property
    def ours(self) -> tuple[str, ...]:
        """Paths (glob) of files that only we write."""

    @property
    def makes_anew(self) -> bool:
        """Whether an interface is made anew in order to be changed."""

    @property
    def at_boot(self) -> tuple[Command, ...]:
        """What makes the manager go by restored files before the network comes up at boot."""

    def files(self, interfaces: Sequence[Interface], parents: Mapping[str, Parent]) -> list[tree.Wanted]:
        """Every file that these interfaces need. Pure."""

    def take_down(self, names: Sequence[str]) -> list[Command]:
        """Commands before the files change, for interfaces that go or are made anew; they may fail."""

    def bring_up(self, work: Work) -> list[Command]:
        """Commands after the files have changed."""

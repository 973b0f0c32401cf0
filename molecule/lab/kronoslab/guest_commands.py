# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands `lab.py guest …`."""

from __future__ import annotations

import argparse
import os
import time

from . import guest_image, guests, hosts, inventory
from .console import LabError, say, step
from .place import Place, locked


def add_to(parser: argparse.ArgumentParser) -> None:
    """Add the subcommands."""
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        return added

    up = command("up", up_command, "build the image where it is missing, boot guests")
    up.add_argument("--guest", action="append", required=True, metavar="NAME", help="a guest; may be repeated")
    up.add_argument("--suite", choices=guest_image.SUITES, default="trixie", help="release of Debian")
    up.add_argument("--manager", choices=guests.MANAGERS, default="networkd", help="who configures their network")
    up.add_argument("--fresh", action="store_true", help="make these guests anew")
    down = command("down", down_command, "remove guests")
    down.add_argument("--guest", action="append", default=[], metavar="NAME", help="remove only these")
    reboot = command("reboot", reboot_command, "reboot a guest and wait until it is back")
    reboot.add_argument("guest")
    reboot.add_argument("--hard", action="store_true", help="as a power cut would")
    monitor = command("monitor", monitor_command, "tell QEMU: stop, cont, system_reset, set_link cable off, …")
    monitor.add_argument("guest")
    monitor.add_argument("words", nargs="+")
    ssh = command("ssh", ssh_command, "run a command on a guest, or a shell")
    ssh.add_argument("guest")
    ssh.add_argument("remote", nargs=argparse.REMAINDER)


def up_command(place: Place, options: argparse.Namespace) -> None:
    started = time.monotonic()
    with locked():
        place.state.mkdir(parents=True, exist_ok=True)
        booting = []
        for name in options.guest:
            booting.append(guests.up(place, name, suite=options.suite, manager=options.manager, fresh=options.fresh))
    for guest in booting:  # takes minutes on a slow machine, which nobody else has to wait for
        with step(f"guest {guest.name} ({guest.address})"):
            guests.wait(place, guest)
    with locked():
        inventory.write_guests(place)
    say(f"guests are up ({time.monotonic() - started:.0f} s)")


def down_command(place: Place, options: argparse.Namespace) -> None:
    with locked():
        guests.remove_all(place, options.guest)
        inventory.write_guests(place)


def reboot_command(place: Place, options: argparse.Namespace) -> None:
    guests.reboot(place, _guest(place, options.guest), hard=options.hard)


def monitor_command(place: Place, options: argparse.Namespace) -> None:
    guests.monitor(options.guest, " ".join(options.words))


def ssh_command(place: Place, options: argparse.Namespace) -> None:
    args = [*hosts.ssh_args(place, _guest(place, options.guest).address), *options.remote]
    os.execvp(args[0], args)


def _guest(place: Place, name: str) -> guests.Guest:
    found = guests.known(place).get(name)
    if found is None:
        raise LabError(f"no guest {name!r}: `lab.py guest up --guest {name}` makes it")
    return found

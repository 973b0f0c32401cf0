# SPDX-License-Identifier: GPL-3.0-or-later
"""The commands of lab.py."""

from __future__ import annotations

import argparse
import os
import shutil
import time
from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor

from . import demo, engine, guest_commands, guests, hosts, inventory, network, registry
from .build import Builder, image_exists
from .console import LabError, fail, run, say, step
from .place import LABEL, MIRROR, Place, find_place, locked
from .recipes import Table, load_table, local_name

WORKERS = 2


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; an expected failure prints one message and returns 1."""
    options = _parser().parse_args(argv)
    place = find_place()
    try:
        return int(options.command(place, options) or 0)
    except LabError as error:
        return fail(str(error))
    except KeyboardInterrupt:
        return fail("interrupted; the same command goes on where it stopped")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="lab.py", description="Real Debian hosts in containers, for tests and the demo."
    )
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    def command(name: str, function: object, text: str) -> argparse.ArgumentParser:
        added = commands.add_parser(name, help=text, description=text)
        added.set_defaults(command=function)
        return added

    up = command("up", up_command, "build what is missing, run the registry, start hosts")
    up.add_argument("--host", action="append", default=[], metavar="NAME", help="a host to start; may be repeated")
    up.add_argument("--fresh", action="store_true", help="make these hosts anew, empty")
    up.add_argument("--suite", default="", help="Debian release of a new host, where it is not the lab's")
    up.add_argument(
        "--publish", action="append", default=[], metavar="PORT:PORT", help="ports on loopback, for a new host"
    )
    down = command("down", down_command, "remove all that the lab made on this machine")
    down.add_argument("--keep-images", action="store_true", help="keep built images and the registry's store")
    down.add_argument("--host", action="append", default=[], metavar="NAME", help="remove only these hosts")
    command("status", status_command, "show what there is")
    command("inventory", inventory_command, "write the inventory of the running hosts anew, print its path")
    command("demo", demo_command, "make a host by site.yml, prove it, show how to open it")
    text = "machines with a kernel of their own, for VLANs and file servers"
    guest_commands.add_to(commands.add_parser("guest", help=text, description=text))
    ssh = command("ssh", ssh_command, "run a command on a host, or a shell")
    ssh.add_argument("host")
    ssh.add_argument("remote", nargs=argparse.REMAINDER)
    return parser


def up_command(place: Place, options: argparse.Namespace) -> None:
    started = time.monotonic()
    with locked():
        bring_up(place, options.host, fresh=options.fresh, publish=options.publish, suite=options.suite)
    say(f"lab is up ({time.monotonic() - started:.0f} s); inventory: {place.inventory}")


def bring_up(
    place: Place, names: Sequence[str], *, fresh: bool = False, publish: Sequence[str] = (), suite: str = ""
) -> None:
    """All of `up`: engine, network, images, registry, hosts, inventory; two things at a time."""
    table = load_table(place.source)
    place.state.mkdir(parents=True, exist_ok=True)
    engine.ensure_tools(place)
    engine.ensure(place)
    network.ensure()
    hosts.ensure_key(place)
    builder = Builder(place, table)
    builder.ensure("base")
    with ThreadPoolExecutor(WORKERS) as pool:
        port = pool.submit(registry.ensure, place, builder)
        host_image = pool.submit(builder.ensure, host_layer(table, suite))
        pushes = [pool.submit(_push, place, builder, ref, port) for ref in _build_order(table)]
        try:
            image = host_image.result()
            for name in names:
                hosts.up(place, name, image, publish=publish, fresh=fresh)
            for future in pushes:
                future.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    inventory.write(place)


def host_layer(table: Table, suite: str) -> str:
    """Name of the layer that a host of this Debian release is made of; empty: of the lab's own."""
    layer = f"host-{suite}" if suite and suite != table.base["suite"] else "host"
    if layer not in table.layers:
        raise LabError(
            f"no hosts of {suite}: images.toml has {', '.join(name for name in table.layers if 'host' in name)}"
        )
    return layer


def _push(place: Place, builder: Builder, ref: str, port: Future[int]) -> None:
    registry.push(place, builder, ref, port.result())


def _build_order(table: Table) -> list[str]:
    """Images of one layer side by side: two workers then seldom wait for each other's layer."""
    return sorted(table.images, key=lambda ref: (table.images[ref].layers, ref))


def down_command(place: Place, options: argparse.Namespace) -> None:
    with locked():
        if not options.host:
            guests.remove_all(place)
        if not engine.answers():
            say("no Docker engine answers: nothing to remove from it")
        elif options.host:
            for name in options.host:
                hosts.remove(name)
            inventory.write(place)
            return
        else:
            remove_all(keep_images=options.keep_images)
        engine.stop(place)
        if not options.keep_images:
            shutil.rmtree(place.state, ignore_errors=True)
    say("the lab is gone" + (" (images kept)" if options.keep_images else ""))


def remove_all(*, keep_images: bool) -> None:
    """Remove containers, volumes, network and images by the lab's label, whichever checkout made them."""
    mine = ["--quiet", "--filter", f"label={LABEL}"]
    containers = run(["docker", "ps", "--all", *mine]).stdout.split()
    volumes = run(["docker", "volume", "ls", *mine]).stdout.split()
    with step("removing hosts, registry and network"):
        if containers:
            run(["docker", "rm", "--force", "--volumes", *containers], timeout=900)
        for volume in volumes:
            if not (keep_images and volume == registry.VOLUME):
                run(["docker", "volume", "rm", "--force", volume], timeout=900)
        network.remove()
    if not keep_images:
        with step("removing images"):
            remove_images()


def remove_images() -> None:
    """Remove every image of the lab; one that somebody's own container uses stays."""
    listed = ["docker", "images", "--format", "{{.Repository}}:{{.Tag}}", "--filter", f"label={LABEL}"]
    for name in run(listed).stdout.split():
        if "<none>" not in name:
            run(["docker", "rmi", "--force", name], check=False, timeout=900)
    run(["docker", "image", "prune", "--force", "--filter", f"label={LABEL}"], check=False, timeout=900)


def status_command(place: Place, options: argparse.Namespace) -> None:
    for guest in guests.known(place).values():
        state = "running" if guest.name in guests.running() else "stopped"
        say(f"guest     {state}  {guest.address:<15} {guest.name} ({guest.suite}, {guest.manager})")
    if not engine.answers():
        say("no Docker engine answers: the lab is down")
        return
    how = engine.started_by_lab(place).get("how")
    say(f"engine    {'started by the lab' if how else 'was there before the lab'}")
    port = registry.loopback_port()
    say(f"registry  {MIRROR}" + (f", here 127.0.0.1:{port}" if port else " does not run"))
    table = load_table(place.source)
    for ref, recipe in table.images.items():
        say(f"image     {'built  ' if image_exists(local_name(table, ref)) else 'missing'}  {recipe.kind:<8}  {ref}")
    for host in hosts.existing().values():
        state = "running" if host.running else "stopped"
        say(f"host      {state}  {host.address:<15} {host.name} {' '.join(host.publish)}".rstrip())


def demo_command(place: Place, options: argparse.Namespace) -> int:
    demo.check_tools()
    ports = demo.choose_ports(os.environ)
    publish = [f"{port}:{port}" for port in (ports.http, ports.https)]
    with locked():
        if engine.answers():
            demo.check_free(ports, hosts.existing().get(demo.HOST))
        place.state.mkdir(parents=True, exist_ok=True)
        inventory.remember(place, demo.HOST, demo.host_variables(ports))
        bring_up(place, [demo.HOST], publish=publish)
    return demo.show(place, ports)


def inventory_command(place: Place, options: argparse.Namespace) -> None:
    inventory.write(place)
    say(str(place.inventory))


def ssh_command(place: Place, options: argparse.Namespace) -> None:
    host = hosts.existing().get(options.host)
    if host is None:
        raise LabError(f"no host {options.host!r}: `lab.py up --host {options.host}` makes it")
    args = [*hosts.ssh_args(place, host.address), *options.remote]
    os.execvp(args[0], args)

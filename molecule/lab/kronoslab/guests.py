# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests: machines with a kernel of their own, for what a container cannot have (VLANs, NFS, CIFS, a real boot).

QEMU with Debian's own kernel, without hardware virtualisation where there is none. Like lab hosts they belong to this
machine, not to one checkout; what runs is told by the list of processes.
"""

from __future__ import annotations

import json
import os
import platform
import re
import shutil
import signal
import socket
import tempfile
import time
from collections.abc import Collection, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from . import engine, guest_image, hosts, trunk
from .console import LabError, run, run_logged, step, tail
from .place import Place

PREFIX = "kronos-guest-"
MANAGERS = ("networkd", "ifupdown", "netplan")
PACKAGES = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils"}
# a boot takes half a minute without hardware virtualisation, and much more on a busy machine
READY_SECONDS = 420
STOP_SECONDS = 20


@dataclass(frozen=True)
class Guest:
    """A guest as it was asked for. ``number`` gives its address, its cable and its network card."""

    name: str
    number: int
    suite: str
    manager: str
    image: str

    @property
    def address(self) -> str:
        """Where it answers in the untagged network."""
        return trunk.address(self.number)


@dataclass(frozen=True)
class Process:
    """The QEMU of a guest, whichever checkout started it."""

    pid: int
    number: int


def known(place: Place) -> dict[str, Guest]:
    """Guests of this checkout, running or not, by name."""
    notes = sorted(place.guests.glob("*/meta.json"))
    return {guest.name: guest for guest in (Guest(**json.loads(note.read_text())) for note in notes)}


def running() -> dict[str, Process]:
    """Guests that run on this machine, by name."""
    found = {}
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            words = path.read_bytes().decode(errors="replace").split("\0")
        except OSError:
            continue
        name, number = told_by(words)
        if name:
            found[name] = Process(int(path.parent.name), number)
    return dict(sorted(found.items()))


def told_by(words: Sequence[str]) -> tuple[str, int]:
    """Name and number of the guest that a command line runs; an empty name for any other command."""
    if not Path(words[0]).name.startswith("qemu-system"):
        return "", 0
    line = " ".join(words)
    name = re.search(rf"-name {PREFIX}(\S+)", line)
    number = re.search(r"ifname=tap([0-9]+)", line)
    return (name[1], int(number[1])) if name and number else ("", 0)


def up(place: Place, name: str, *, suite: str, manager: str, fresh: bool = False) -> Guest:
    """Make sure that a guest runs, and let it boot; `fresh`, or another kind than it is, makes it anew. See wait."""
    check(name)
    there, process = known(place).get(name), running().get(name)
    kind = (suite, manager, str(guest_image.folder(place, suite)))
    if fresh or there is None or (there.suite, there.manager, there.image) != kind:
        remove(place, name)
        there, process = None, None
    if process is not None and there is not None:
        return there
    _ensure_tools(place)
    trunk.ensure()
    used = {Path(guest.image) for guest in known(place).values()}
    image = guest_image.ensure(place, suite, used)
    taken = {each.number for each in (*known(place).values(), *running().values())}
    guest = there or Guest(name, trunk.free_number(taken), suite, manager, str(image))
    _start(place, guest)
    return guest


def check(name: str) -> None:
    """Raise LabError where a guest cannot be: not a name, not root, not this kind of machine."""
    if not hosts.NAME.fullmatch(name):
        raise LabError(f"not a guest name: {name!r} (small letters, digits and dashes, a letter first)")
    if os.geteuid() != 0:
        raise LabError("guests need root on this machine, for their network and their image")
    if platform.machine() != "x86_64":
        raise LabError(f"guests are made for x86_64, and this machine is {platform.machine()}")


def _start(place: Place, guest: Guest) -> None:
    folder = place.guests / guest.name
    folder.mkdir(parents=True, exist_ok=True)
    overlay = folder / "overlay.qcow2"
    if not overlay.exists():
        backing = str(Path(guest.image) / "root.img")
        run(["qemu-img", "create", "-q", "-f", "qcow2", "-b", backing, "-F", "raw", str(overlay)])
    (folder / "meta.json").write_text(json.dumps(asdict(guest)) + "\n")
    trunk.add_tap(guest.number)
    key = hosts.ensure_key(place).split()[1]
    command = qemu_args(guest, folder, key, accelerator(Path("/proc/cpuinfo").read_text(), _may_use_kvm()))
    run_logged(trunk.inside(command), place.logs / "guests.log", timeout=60)
    hosts.forget_host_key(place, guest.address)


def qemu_args(guest: Guest, folder: Path, key: str, acceleration: Sequence[str]) -> list[str]:
    """The command that runs a guest in the background."""
    told = {"host": guest.name, "address": f"{guest.address}/{trunk.SUBNET.prefixlen}", "manager": guest.manager}
    line = ["console=ttyS0", "root=/dev/vda", "rw", "mitigations=off", "net.ifnames=0", "quiet"]
    line += ["transparent_hugepage=never"]
    line += [f"kronos.{name}={value}" for name, value in {**told, "key": key}.items()]
    # the host's page cache outlives a reset of the guest: waiting for its disk would prove nothing
    disk = f"file={folder}/overlay.qcow2,if=none,id=disk,format=qcow2,cache=unsafe"
    return [
        "qemu-system-x86_64",
        *("-name", PREFIX + guest.name),
        *("-M", "q35"),
        *acceleration,
        *("-m", "1024M"),  # one core: without hardware virtualisation a second one costs more than it gives
        *("-nodefaults", "-no-user-config", "-display", "none", "-daemonize"),
        *("-serial", f"file:{folder}/console.log"),
        *("-monitor", f"unix:{_socket(guest.name)},server,nowait"),
        *("-kernel", f"{guest.image}/vmlinuz", "-initrd", f"{guest.image}/initrd", "-append", " ".join(line)),
        *("-drive", disk, "-device", "virtio-blk-pci,drive=disk"),
        *("-netdev", f"tap,id=cable,ifname={trunk.tap(guest.number)},script=no,downscript=no"),
        *("-device", f"virtio-net-pci,netdev=cable,mac=52:54:00:98:00:{guest.number:02x}"),
        *("-device", "virtio-rng-pci"),
    ]


def accelerator(cpuinfo: str, kvm: bool) -> list[str]:
    """How its code is run. A /dev/kvm alone says little: it may be of a kind that Debian's kernel cannot use."""
    if kvm and re.search(r"^flags\s*:.*\b(vmx|svm)\b", cpuinfo, re.MULTILINE):
        return ["-accel", "kvm", "-cpu", "host"]
    # QEMU 7 crashes newer kernels with these two
    return ["-accel", "tcg,thread=multi", "-cpu", "max,la57=off,cx16=off"]


def wait(place: Place, guest: Guest, *, not_boot: str = "") -> None:
    """Wait until a guest has booted and lets us in; *not_boot* is the boot that has to be over."""
    deadline = time.monotonic() + READY_SECONDS
    while boot_of(place, guest) in ("", not_boot):
        if guest.name not in running():
            raise LabError(f"guest {guest.name} ended; the end of its console:\n{_console(place, guest)}")
        if time.monotonic() > deadline:
            raise LabError(f"guest {guest.name} did not come up in {READY_SECONDS} s:\n{_console(place, guest)}")
        time.sleep(0.5)


def boot_of(place: Place, guest: Guest) -> str:
    """Which boot of a guest has ended well enough to work with; empty for none."""
    ready = "systemctl is-system-running --wait | grep -qE 'running|degraded' && cat /proc/sys/kernel/random/boot_id"
    try:
        return run([*hosts.ssh_args(place, guest.address), ready], check=False, timeout=60).stdout.strip()
    except LabError:  # it hangs: asked again
        return ""


def reboot(place: Place, guest: Guest, *, hard: bool) -> None:
    """Reboot a guest and wait until it is back; `hard`: as a power cut would."""
    if hard:
        monitor(guest.name, "system_reset")
        wait(place, guest)
        return
    before = boot_of(place, guest)
    run([*hosts.ssh_args(place, guest.address), "systemctl reboot"], check=False, timeout=60)
    wait(place, guest, not_boot=before)


def monitor(name: str, command: str) -> None:
    """Say something to QEMU itself: `system_reset`, `stop`, `cont`, `set_link cable off`, `quit`, …"""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(10)
        try:
            channel.connect(_socket(name))
            _until_prompt(channel)
            channel.sendall(command.encode() + b"\n")
            _until_prompt(channel)
        except OSError as error:
            raise LabError(f"guest {name} does not listen: {error}") from error


def _until_prompt(channel: socket.socket) -> None:
    said = b""
    while not said.endswith(b"(qemu) "):
        part = channel.recv(4096)
        if not part:
            return  # `quit` has no more to say
        said += part


def remove(place: Place, name: str) -> None:
    """End a guest, whichever checkout started it, and forget what was on it."""
    process = running().get(name)
    if process is not None:
        os.kill(process.pid, signal.SIGTERM)
        deadline = time.monotonic() + STOP_SECONDS
        while name in running():
            if time.monotonic() > deadline:
                os.kill(process.pid, signal.SIGKILL)
            time.sleep(0.1)
        trunk.remove_tap(process.number)
    Path(_socket(name)).unlink(missing_ok=True)
    shutil.rmtree(place.guests / name, ignore_errors=True)


def remove_all(place: Place, names: Collection[str] = ()) -> None:
    """Remove these guests (all of this machine without names), and the trunk with the last of them."""
    wanted = [*names] or [*known(place), *running()]
    if wanted:
        with step(f"removing guests: {', '.join(dict.fromkeys(wanted))}"):
            for name in dict.fromkeys(wanted):
                remove(place, name)
    if trunk.exists() and not running():
        trunk.remove()


def _console(place: Place, guest: Guest) -> str:
    return tail(place.guests / guest.name / "console.log")


def _socket(name: str) -> str:
    """Not beside the disk: the path of a socket must be short."""
    return str(Path(tempfile.gettempdir()) / f"{PREFIX}{name}.sock")


def _may_use_kvm() -> bool:
    return os.access("/dev/kvm", os.R_OK | os.W_OK)


def _ensure_tools(place: Place) -> None:
    engine.ensure_tools(place)
    missing = [package for program, package in PACKAGES.items() if not engine.program(program)]
    if missing:
        engine.install(place, missing)

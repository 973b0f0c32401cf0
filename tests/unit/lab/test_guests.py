# SPDX-License-Identifier: GPL-3.0-or-later
"""Guests: their command line, and what is told from it; numbers, images, inventory."""

from __future__ import annotations

import contextlib
import ipaddress
import json
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from kronoslab import commands, guest_commands, guest_image, guests, inventory, trunk
from kronoslab.console import LabError
from kronoslab.place import Place

GUEST = guests.Guest("web", 12, "trixie", "ifupdown", "/images/one")
INTEL = "processor\t: 0\nflags\t\t: fpu vme vmx sse\n"


@pytest.fixture
def place(tmp_path: Path) -> Place:
    """A checkout with recipes of two scripts."""
    scripts = tmp_path / "molecule" / "lab" / "guest"
    scripts.mkdir(parents=True)
    for name in ("build.sh", "hook"):
        (scripts / name).write_text("true\n")
    return Place(tmp_path, tmp_path / ".lab")


@pytest.fixture
def root(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests.os, "geteuid", lambda: 0)


def test_a_guest_is_told_by_its_command_line() -> None:
    words = guests.qemu_args(GUEST, Path("/state/web"), "AAAA", [])
    assert guests.told_by(words) == ("web", 12)
    assert guests.told_by(["/usr/bin/" + words[0], *words[1:], ""]) == ("web", 12)


@pytest.mark.parametrize(
    "words",
    [
        ["sh", "-c", "qemu-system-x86_64 -name kronos-guest-web ifname=tap12"],
        ["qemu-system-x86_64", "-name", "somebody", "-netdev", "tap,ifname=tap12"],
        ["qemu-system-x86_64", "-name", "kronos-guest-web"],
        [""],
    ],
)
def test_others_are_no_guests(words: list[str]) -> None:
    assert guests.told_by(words) == ("", 0)


def test_what_a_guest_is_told_and_given() -> None:
    words = guests.qemu_args(GUEST, Path("/state/web"), "AAAA", ["-accel", "kvm"])
    line = words[words.index("-append") + 1].split()
    assert {
        "kronos.host=web",
        "kronos.address=10.98.0.12/24",
        "kronos.manager=ifupdown",
        "kronos.key=AAAA",
        "root=/dev/vda",
    } <= set(line)
    assert words[words.index("-kernel") + 1] == "/images/one/vmlinuz"
    assert "tap,id=cable,ifname=tap12,script=no,downscript=no" in words
    assert "virtio-net-pci,netdev=cable,mac=52:54:00:98:00:0c" in words
    assert words[words.index("-accel") + 1] == "kvm"


@pytest.mark.parametrize(
    ("cpuinfo", "kvm", "expected"),
    [
        (INTEL, True, "kvm"),
        (INTEL.replace("vmx", "svm"), True, "kvm"),
        (INTEL, False, "tcg,thread=multi"),
        ("flags\t\t: fpu vme\n", True, "tcg,thread=multi"),
        ("model name\t: vmx\nflags\t\t: fpu\n", True, "tcg,thread=multi"),
    ],
)
def test_hardware_virtualisation_is_used_where_it_is(cpuinfo: str, kvm: bool, expected: str) -> None:
    assert guests.accelerator(cpuinfo, kvm)[1] == expected


@pytest.mark.parametrize("name", ["", "Web", "-a", "a b", "a;b", "1a", "a/b"])
def test_guest_names_are_checked(name: str, root: None) -> None:
    with pytest.raises(LabError, match="not a guest name"):
        guests.check(name)


@pytest.mark.parametrize(
    ("user", "machine", "expected"), [(1000, "x86_64", "need root"), (0, "aarch64", "made for x86_64")]
)
def test_where_no_guest_can_be(user: int, machine: str, expected: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests.os, "geteuid", lambda: user)
    monkeypatch.setattr(guests.platform, "machine", lambda: machine)
    with pytest.raises(LabError, match=expected):
        guests.check("web")


@pytest.mark.parametrize(("taken", "expected"), [([], 11), ([11, 12], 13), ([12], 11)])
def test_free_number(taken: list[int], expected: int) -> None:
    assert trunk.free_number(taken) == expected


def test_no_free_number() -> None:
    with pytest.raises(LabError, match="no free number"):
        trunk.free_number(range(1, 255))


@pytest.mark.parametrize(
    ("routes", "fine"),
    [(["default", "192.168.1.0/24"], True), (["10.98.0.0/16"], False), (["10.98.0.7"], False), ([], True)],
)
def test_a_network_of_the_user_is_not_hidden(routes: list[str], fine: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[list[str]] = []
    monkeypatch.setattr(trunk, "exists", lambda: False)
    monkeypatch.setattr(trunk, "_routes", lambda: routes)
    monkeypatch.setattr(trunk, "run", lambda args, **_said: asked.append(args) or subprocess.CompletedProcess(args, 0))
    if fine:
        trunk.ensure()
        assert ["ip", "netns", "add", "kronos-trunk"] in asked
    else:
        with pytest.raises(LabError, match=r"a route to 10\.98\.0"):
            trunk.ensure()
        assert asked == []


def test_every_number_has_an_address() -> None:
    for number in (trunk.FIRST, trunk.LAST):
        assert ipaddress.ip_address(trunk.address(number)) in trunk.SUBNET
        assert len(trunk.tap(number)) <= 15


def test_an_image_is_named_by_its_recipe(place: Place) -> None:
    first = guest_image.folder(place, "trixie")
    assert first == guest_image.folder(place, "trixie")
    assert first != guest_image.folder(place, "bookworm")
    (place.source / "guest" / "hook").write_text("false\n")
    assert first != guest_image.folder(place, "trixie")


def builder(monkeypatch: pytest.MonkeyPatch, code: int) -> list[list[str]]:
    """Let the script of an image only make the folder; return what was called."""
    called: list[list[str]] = []

    def run(args: list[str], log: Path) -> None:
        called.append(args)
        Path(args[2]).mkdir(parents=True)
        if code:
            raise LabError("no image")

    monkeypatch.setattr(guest_image, "run_logged", run)
    monkeypatch.setattr(guest_image, "_ensure_tools", lambda _place: None)
    return called


def test_an_image_is_built_once_and_older_ones_go(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    called = builder(monkeypatch, 0)
    older, used, other = (place.guests / f"image-{name}" for name in ("trixie-1", "trixie-2", "bookworm-1"))
    for folder in (older, used, other):
        folder.mkdir(parents=True)
    image = guest_image.ensure(place, "trixie", {used})
    assert guest_image.ensure(place, "trixie", {used}) == image
    assert len(called) == 1
    assert sorted(place.guests.iterdir()) == sorted([image, used, other])


def test_half_an_image_does_not_stay(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    builder(monkeypatch, 1)
    with pytest.raises(LabError, match="no image"):
        guest_image.ensure(place, "trixie")
    assert list(place.guests.iterdir()) == []


def test_guests_are_in_an_inventory_only_where_they_are_named(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = place.guests / "web"
    folder.mkdir(parents=True)
    (folder / "meta.json").write_text(json.dumps(guests.asdict(GUEST)))
    monkeypatch.setattr(guests, "running", lambda: {"web": guests.Process(1, 12), "foreign": guests.Process(2, 13)})
    inventory.write_guests(place)
    place.inventory.write_text(json.dumps(inventory.inventory_data({"host": "172.28.80.11"}, {})))
    script = place.source / "list_hosts.py"
    script.write_text(Path(inventory.__file__).parents[1].joinpath("list_hosts.py").read_text())
    for asked, expected in ((None, ["host"]), ("web", ["web"]), ("web,host,gone", ["host", "web"])):
        environment = {"KRONOS_LAB_HOSTS": asked} if asked else {}
        done = subprocess.run([sys.executable, str(script), "--list"], env=environment, capture_output=True, check=True)
        assert json.loads(done.stdout)["kronos"]["hosts"] == expected
    assert json.loads(done.stdout)["_meta"]["hostvars"]["web"]["kronos_address"] == "10.98.0.12"


def test_what_is_wrong_is_one_line(capsys: pytest.CaptureFixture[str], root: None) -> None:
    assert commands.main(["guest", "ssh", "no-such-guest"]) == 1
    assert capsys.readouterr().err.startswith("lab: no guest 'no-such-guest'")


def test_the_monitor_is_told_and_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(guests, "_socket", lambda name: str(tmp_path / f"{name}.sock"))
    with pytest.raises(LabError, match="guest web does not listen"):
        guests.monitor("web", "stop")
    heard: list[bytes] = []

    def listen(server: socket.socket) -> None:
        channel, _address = server.accept()
        with channel:
            channel.sendall(b"QEMU 7.2 monitor\r\n(qemu) ")
            heard.append(channel.recv(100))
            channel.sendall(b"stop\r\n")
            channel.sendall(b"(qemu) ")

    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "web.sock"))
        server.listen()
        other = threading.Thread(target=listen, args=(server,))
        other.start()
        guests.monitor("web", "stop")
        other.join()
    assert heard == [b"stop\n"]


@pytest.mark.parametrize("at_work", [True, False])
def test_the_trunk_goes_with_the_last_guest(place: Place, monkeypatch: pytest.MonkeyPatch, at_work: bool) -> None:
    (place.guests / "web").mkdir(parents=True)
    there = {"other": guests.Process(1, 13)} if at_work else {}
    removed: list[bool] = []
    monkeypatch.setattr(guests, "running", lambda: there)
    monkeypatch.setattr(trunk, "exists", lambda: True)
    monkeypatch.setattr(trunk, "remove", lambda: removed.append(True))
    guests.remove_all(place, ["web"])
    assert not (place.guests / "web").exists()
    assert removed == ([] if at_work else [True])


def test_nobody_else_waits_for_a_boot(monkeypatch: pytest.MonkeyPatch, place: Place) -> None:
    held: list[str] = []
    seen: dict[str, int] = {}

    @contextlib.contextmanager
    def locked() -> Iterator[None]:
        held.append("the lab")
        yield
        held.clear()

    def note(name: str) -> None:
        seen[name] = len(held)

    monkeypatch.setattr(guest_commands, "locked", locked)
    monkeypatch.setattr(guests, "up", lambda *args, **kind: note("up") or GUEST)
    monkeypatch.setattr(guests, "wait", lambda *args: note("wait"))
    monkeypatch.setattr(inventory, "write_guests", lambda place: note("inventory"))
    options = commands._parser().parse_args(["guest", "up", "--guest", "web"])
    guest_commands.up_command(place, options)
    assert seen == {"up": 1, "wait": 0, "inventory": 1}

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import json
import os
import ssl
import subprocess
import sys
from dataclasses import replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import ca, ca_state, certificates, host_state
from ansible_collections.kronos.homelab.plugins.module_utils.ca_state import CaError, Leaf, Wanted

NOW = datetime(2026, 11, 22, tzinfo=timezone.utc)
PROXY = Leaf("proxy", ("home.example", "*.home.example", "192.0.2.10"), os.geteuid(), os.getegid(), 90)
SOURCES = Path(ca.__file__).parent


class Home:
    """An authority in a folder of its own, with a file that Traefik would watch."""

    def __init__(self, folder):
        self.watched = folder / "kronos.yml"
        self.watched.write_text("http: {}\n")
        leaf = replace(PROXY, republish=(str(self.watched), str(folder / "not there")))
        self.wanted = Wanted("Home", (leaf,), 30, str(folder / "kronos"))

    def plan(self, now=NOW, force=False):
        return ca.plan(self.wanted, ca_state.read(self.wanted), now, force)

    def run(self, now=NOW, force=False):
        present = ca_state.read(self.wanted)
        change = ca.plan(self.wanted, present, now, force)
        ca.apply(change, self.wanted, present, now)
        return change

    def path(self, name):
        return Path(self.wanted.folder) / name

    def chain(self):
        return certificates.parse(self.path("tls/proxy/cert.pem").read_bytes())


@pytest.fixture
def home(tmp_path):
    return Home(tmp_path)


@pytest.fixture
def settled(home):
    home.run()
    return home


def test_everything_is_made_once(home):
    watched = os.stat(home.watched).st_ino
    change = home.run()
    assert (change.root, change.issue) == ("created", {"proxy": "there is none"})
    leaf, root = home.chain()
    assert certificates.pem(root) == home.path("ca/root.crt").read_bytes()
    assert sorted(certificates.names_of(leaf)) == ["*.home.example", "192.0.2.10", "home.example"]
    assert certificates.not_after(leaf) == NOW + timedelta(days=90)
    modes = {"ca/root.key": 0o600, "ca/root.crt": 0o644, "tls/proxy/key.pem": 0o400, "tls/proxy/cert.pem": 0o644}
    assert {name: home.path(name).stat().st_mode & 0o777 for name in modes} == modes
    assert os.stat(home.watched).st_ino != watched
    assert home.watched.read_text() == "http: {}\n"
    assert not home.plan().changed


def test_openssl_agrees(settled):
    now = ["-attime", str(int(NOW.timestamp()))]
    root, chain = settled.path("ca/root.crt"), settled.path("tls/proxy/cert.pem")
    words = [
        "openssl",
        "verify",
        *now,
        "-x509_strict",
        "-verify_hostname",
        "radarr.home.example",
        "-CAfile",
        root,
        chain,
    ]
    done = subprocess.run(words, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    ssl.create_default_context(cafile=str(root))


ROUNDS = {
    "deleted": (lambda home: home.path("tls/proxy/cert.pem").unlink(), "there is none"),
    "key deleted": (lambda home: home.path("tls/proxy/key.pem").unlink(), "there is none"),
    "garbled": (lambda home: home.path("tls/proxy/cert.pem").write_text("x"), "it cannot be read"),
    "half": (
        lambda home: home.path("tls/proxy/cert.pem").write_bytes(certificates.pem(home.chain()[0])),
        "it does not chain to the root",
    ),
    "key garbled": (lambda home: home.path("tls/proxy/key.pem").write_text("x"), "it cannot be read"),
    "another key": (
        lambda home: home.path("tls/proxy/key.pem").write_bytes(certificates.key_pem(certificates.new_key())),
        "its key does not fit",
    ),
    "names": (
        lambda home: setattr(home, "wanted", replace(home.wanted, leaves=(replace(PROXY, names=("a.example",)),))),
        "its names differ",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", ROUNDS)
def test_a_leaf_that_is_not_good_is_issued_again(settled, name):
    happens, reason = ROUNDS[name]
    root = settled.path("ca/root.crt").read_bytes()
    happens(settled)
    predicted = settled.plan()
    assert predicted.issue == {"proxy": reason}
    assert settled.run() == predicted
    assert settled.path("ca/root.crt").read_bytes() == root
    assert not settled.plan().changed


@pytest.mark.parametrize(
    ("days", "reason"),
    [(0, None), (59, None), (61, "it expires soon"), (91, "it has expired"), (-1, "it is not valid yet")],
)
def test_time(settled, days, reason):
    now = NOW + timedelta(days=days)
    change = settled.plan(now)
    assert [why.split(":")[0] for why in change.issue.values()] == ([reason] if reason else [])
    key = settled.path("tls/proxy/key.pem").read_bytes()
    settled.run(now)
    assert not settled.plan(now).changed
    assert settled.path("tls/proxy/key.pem").read_bytes() == key


def test_a_leaf_does_not_outlive_its_root(settled):
    now = NOW + timedelta(days=ca.ROOT_DAYS - 40)
    settled.run(now)
    leaf, root = settled.chain()
    assert certificates.not_after(leaf) == certificates.not_after(root)


def edit_note(home, **changes):
    path = home.path("ca/issued.json")
    path.write_text(json.dumps({**json.loads(path.read_text()), **changes}))


REPAIRS = {
    "root key open": lambda home: home.path("ca/root.key").chmod(0o644),
    "root edited": lambda home: home.path("ca/root.crt").write_bytes(home.path("ca/root.crt").read_bytes() + b"# x\n"),
    "leaf key open": lambda home: home.path("tls/proxy/key.pem").chmod(0o644),
    "folder of a leaf closed": lambda home: home.path("tls/proxy").chmod(0o700),
    "folder of leaves closed": lambda home: home.path("tls").chmod(0o711),
    "folder of the root open": lambda home: home.path("ca").chmod(0o755),
    "note edited": lambda home: edit_note(home, due=1000),
    "note deleted": lambda home: home.path("ca/issued.json").unlink(),
    "note garbled": lambda home: home.path("ca/issued.json").write_text("[3"),
    "note empty": lambda home: home.path("ca/issued.json").write_text("[]"),
}


@pytest.mark.parametrize("name", REPAIRS)
def test_repairs_leave_the_certificates(settled, name):
    before = [settled.path(file).read_bytes() for file in ("ca/root.key", "tls/proxy/key.pem", "tls/proxy/cert.pem")]
    REPAIRS[name](settled)
    predicted = settled.plan()
    assert predicted.changed
    assert predicted.issue == {}
    assert settled.run() == predicted
    after = [settled.path(file).read_bytes() for file in ("ca/root.key", "tls/proxy/key.pem", "tls/proxy/cert.pem")]
    assert after == before
    assert not settled.plan().changed
    assert ca.diff(predicted, settled.wanted, ca_state.read(settled.wanted))


LOSSES = {
    "key lost": (lambda home: home.path("ca/root.key").unlink(), "ca/root.key, the key of the authority, is lost"),
    "key broken": (lambda home: home.path("ca/root.key").write_text("x"), "ca/root.key.* cannot be read"),
    "both lost": (
        lambda home: (home.path("ca/root.key").unlink(), home.path("ca/root.crt").unlink()),
        "the root of the authority is lost",
    ),
    "broken": (lambda home: home.path("ca/root.crt").write_text("x"), "ca/root.crt.* is broken"),
    "of another key": (
        lambda home: home.path("ca/root.key").write_bytes(certificates.key_pem(certificates.new_key())),
        "not that of its key",
    ),
}


@pytest.mark.parametrize("name", LOSSES)
def test_a_lost_root_is_never_replaced_silently(settled, name):
    happens, says = LOSSES[name]
    happens(settled)
    with pytest.raises(CaError, match=f"{says}.*force_new_root"):
        settled.run()
    change = settled.run(force=True)
    assert (change.root, change.issue) == ("created", {"proxy": "there is a new root"})
    assert not settled.plan().changed


def test_an_expired_root_is_an_error(settled):
    with pytest.raises(CaError, match=r"the root certificate has expired on 2036-11-22; .*force_new_root"):
        settled.run(NOW + timedelta(days=ca.ROOT_DAYS + 1))


def test_a_root_certificate_comes_back_from_a_chain(settled):
    root = settled.path("ca/root.crt").read_bytes()
    settled.path("ca/root.crt").unlink()
    change = settled.run()
    assert (change.root, change.issue) == ("restored", {})
    assert settled.path("ca/root.crt").read_bytes() == root
    assert not settled.plan().changed


def test_killed_between_key_and_certificate_of_a_new_root(home):
    home.path("ca").mkdir(parents=True)
    home.path("ca/root.key").write_bytes(certificates.key_pem(certificates.new_key()))
    assert home.run().root == "restored"
    assert not home.plan().changed


def test_killed_before_publishing(settled):
    settled.path("ca/issued.json").write_text("{}")
    watched = os.stat(settled.watched).st_ino
    change = settled.run()
    assert change.publish == ("proxy",)
    assert os.stat(settled.watched).st_ino != watched


def test_an_edited_note_still_says_which_leaves_there_were(settled):
    edit_note(settled, due=1000)
    settled.wanted = replace(settled.wanted, leaves=())
    assert settled.run().remove == ("proxy",)
    assert not settled.plan().changed


def test_the_living_receipt_knows_the_folders(settled):
    left = json.loads(settled.path("ca/issued.json").read_text())
    settled.path("tls/proxy").chmod(0o700)
    assert host_state.left_reasons(left, host_state.Docker(), {}, lambda: 0) == [
        f"{settled.path('tls/proxy')}: mode 0700, was 0755"
    ]


def test_a_leaf_that_nobody_wants_goes(settled):
    other = replace(PROXY, name="other")
    settled.wanted = replace(settled.wanted, leaves=(*settled.wanted.leaves, other))
    settled.run()
    settled.wanted = replace(settled.wanted, leaves=settled.wanted.leaves[:1])
    assert settled.run().remove == ("other",)
    assert not settled.path("tls/other").exists()
    assert not settled.plan().changed


@pytest.mark.parametrize(
    ("leaf", "says"),
    [
        (replace(PROXY, name="../x"), "is no name for a folder"),
        (replace(PROXY, names=()), "at least one name"),
        (replace(PROXY, names=("a b",)), "'a b' is neither a DNS name nor an address"),
        (replace(PROXY, names=("*",)), "neither"),
        (replace(PROXY, names=("a.*.b",)), "neither"),
        (replace(PROXY, days=30), "valid 30 days, yet to be renewed 30 before"),
    ],
)
def test_what_no_certificate_can_be_made_of(home, leaf, says):
    with pytest.raises(CaError, match=says):
        ca_state.check(replace(home.wanted, leaves=(leaf,)))


def test_the_note_is_a_living_receipt(settled):
    left = {"living": [str(settled.path("ca/issued.json"))]}

    def reasons(now):
        return host_state.left_reasons(left, host_state.Docker(), {}, now.timestamp)

    assert reasons(NOW) == []
    assert reasons(NOW + timedelta(days=61)) == ["certificate proxy: it expires soon"]
    settled.path("tls/proxy/key.pem").chmod(0o644)
    assert len(reasons(NOW)) == 1


def test_without_the_library_what_is_missing_is_predicted(home, monkeypatch):
    monkeypatch.setattr(certificates, "available", lambda: False)
    change = home.plan()
    assert (change.root, change.issue) == ("created", {"proxy": "there is none"})
    monkeypatch.undo()
    home.run()
    monkeypatch.setattr(certificates, "available", lambda: False)
    assert not home.plan().changed


def test_no_key_in_a_diff_or_representation(settled):
    settled.path("tls/proxy/cert.pem").unlink()
    present = ca_state.read(settled.wanted)
    text = repr(present) + str(ca.diff(settled.plan(), settled.wanted, present))
    assert "PRIVATE" not in text


def test_the_wish_survives_the_file(settled):
    assert ca_state.from_json(ca_state.to_json(settled.wanted)) == settled.wanted
    for text in (b"{", b"{}", b"[]", b'{"leaves": [{}]}', b'{"leaves": [], "more": 1}'):
        with pytest.raises(CaError, match="cannot be understood"):
            ca_state.from_json(text)


def test_the_timers_program_runs_without_the_collection(home, tmp_path):
    program = tmp_path / "lib"
    program.mkdir()
    for name in ("ca", "ca_state", "certificates"):
        (program / f"kronos_{name}.py").write_text((SOURCES / f"{name}.py").read_text())
    config = tmp_path / "wanted.json"
    config.write_bytes(ca_state.to_json(home.wanted))

    def renew(*words):
        words = [sys.executable, "-I", "-S", "-c", RUN, str(program), *sys.path, "--", "renew", "--config", *words]
        return subprocess.run(words, capture_output=True, text=True, check=False)

    first, second, third = renew(str(config)), renew(str(config)), renew(str(tmp_path / "none"))
    assert (first.returncode, first.stdout) == (0, "certificate proxy issued: there is none\n"), first.stderr
    assert (second.returncode, second.stdout) == (0, "")
    assert (third.returncode, third.stderr) == (1, f"certificates: {tmp_path / 'none'}: there is no such file\n")
    assert json.loads(home.path("ca/issued.json").read_text())["leaves"]["proxy"]["names"] == list(PROXY.names)


def test_what_the_timers_program_says(home, capsys, monkeypatch):
    home.path("ca").mkdir(parents=True)
    config = home.path("ca/wanted.json")
    config.write_bytes(ca_state.to_json(home.wanted))
    words = ["renew", "--config", str(config)]
    assert [ca.main(words), ca.main(words)] == [0, 0]
    assert capsys.readouterr().out == "certificate proxy issued: there is none\n"
    home.path("ca/root.key").unlink()
    assert ca.main(words) == 1
    assert "ca/root.key, the key of the authority, is lost" in capsys.readouterr().err
    monkeypatch.setattr(certificates, "available", lambda: False)
    assert ca.main(words) == 1
    assert "Python's cryptography is missing" in capsys.readouterr().err


# The library must be found, the collection must not.
RUN = """
import sys
split = sys.argv.index("--")
sys.path = [sys.argv[1]] + [path for path in sys.argv[2:split] if ".ansible" not in path and path]
sys.argv = sys.argv[split:]
sys.modules["ansible_collections"] = None
import kronos_ca
sys.exit(kronos_ca.main())
"""

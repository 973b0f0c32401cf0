# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A certificate of the host, copied for the proxy."""

from __future__ import annotations

import os
import stat
from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import certificates, given_certificate


def pair(folder: Path, name: str) -> tuple[str, str]:
    folder.mkdir(exist_ok=True)
    key, now = certificates.new_key(), datetime.now(timezone.utc)
    built = certificates.build(name, (name,), key, key, None, now, now + timedelta(days=2))
    (folder / "c.pem").write_bytes(certificates.pem(built))
    (folder / "k.pem").write_bytes(certificates.key_pem(key))
    return str(folder / "c.pem"), str(folder / "k.pem")


def arguments(certificate: str, key: str, tmp_path: Path) -> list[str]:
    words = ["--certificate", certificate, "--key", key, "--folder", str(tmp_path / "given")]
    return [*words, "--uid", str(os.getuid()), "--gid", str(os.getgid()), "--republish", str(tmp_path / "kronos.yml")]


def test_it_is_taken_once(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    watched = tmp_path / "kronos.yml"
    watched.write_text("x")
    before = watched.stat().st_ino
    words = arguments(*pair(tmp_path / "host", "a.example"), tmp_path)
    assert given_certificate.main(words) == 0
    assert "was replaced" in capsys.readouterr().out
    assert watched.stat().st_ino != before
    copy = tmp_path / "given" / "key.pem"
    assert stat.S_IMODE(copy.stat().st_mode) == 0o400
    kept = copy.stat().st_ino
    assert given_certificate.main(words) == 0
    assert (capsys.readouterr().out, copy.stat().st_ino) == ("", kept)


def test_what_does_not_fit_is_not_taken(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    certificate, key = pair(tmp_path / "host", "a.example")
    assert given_certificate.main(arguments(certificate, key, tmp_path)) == 0
    before = (tmp_path / "given" / "cert.pem").read_bytes()
    _other, strange = pair(tmp_path / "other", "b.example")
    assert given_certificate.main(arguments(certificate, strange, tmp_path)) == 1
    assert "are no pair" in capsys.readouterr().err
    assert (tmp_path / "given" / "cert.pem").read_bytes() == before


def test_what_is_not_there_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert given_certificate.main(arguments("/nowhere/c.pem", "/nowhere/k.pem", tmp_path)) == 1
    assert capsys.readouterr().err == "certificate: /nowhere/k.pem: No such file or directory\n"

# SPDX-License-Identifier: GPL-3.0-or-later
"""The pure parts of building: wheels, and the messages of commands that fail."""

from __future__ import annotations

import stat
import sys
import zipfile
from pathlib import Path

import pytest
from kronoslab import build, console

MIRROR = "http://mirror.example/debian"


def make_wheel(path: Path, names: list[str]) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, b"program")
    return path


def test_programs_of_a_wheel_become_executable(tmp_path: Path) -> None:
    wheel = make_wheel(tmp_path / "x.whl", ["x-1.data/scripts/x", "x/__init__.py"])
    build.unpack_wheel(wheel, tmp_path / "out")
    assert [path.name for path in (tmp_path / "out").iterdir()] == ["x"]
    assert stat.S_IMODE((tmp_path / "out" / "x").stat().st_mode) == 0o755


def test_a_wheel_without_a_program(tmp_path: Path) -> None:
    with pytest.raises(console.LabError, match=r"no program in x\.whl"):
        build.unpack_wheel(make_wheel(tmp_path / "x.whl", ["x/__init__.py"]), tmp_path / "out")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", (build.DEBIAN, build.SECURITY)),
        (
            f"deb {MIRROR} trixie main\ndeb {MIRROR}-security trixie-security main\n",
            (MIRROR, f"{MIRROR}-security"),
        ),
        (
            "Types: deb\n# http://snapshot.example/debian/2025\nURIs: https://mirror.example/debian/\nSuites: trixie\n",
            ("https://mirror.example/debian", build.SECURITY),
        ),
        (
            "deb [signed-by=/x.gpg] http://mirror.example/debian trixie main\n",
            ("http://mirror.example/debian", build.SECURITY),
        ),
        ("deb http://archive.ubuntu.com/ubuntu noble main\n", (build.DEBIAN, build.SECURITY)),
    ],
)
def test_mirrors(text: str, expected: tuple[str, str]) -> None:
    assert build.mirrors_in(text) == expected


def test_a_failed_command_is_one_clear_error() -> None:
    with pytest.raises(console.LabError, match=r"failed \(3\): .*\n      no such luck"):
        console.run([sys.executable, "-c", "import sys; print('no such luck', file=sys.stderr); sys.exit(3)"])


def test_a_missing_program_is_named() -> None:
    with pytest.raises(console.LabError, match="'no-such-program' is not installed"):
        console.run(["no-such-program"])


def test_a_failed_long_command_quotes_the_end_of_its_log(tmp_path: Path) -> None:
    log = tmp_path / "log" / "x.log"
    with pytest.raises(console.LabError, match="line 99"):
        console.run_logged([sys.executable, "-c", "[print('line', n) for n in range(100)]; exit(1)"], log)
    assert "line 0" in log.read_text()


def test_a_command_without_end_is_stopped() -> None:
    with pytest.raises(console.LabError, match="no end after"):
        console.run([sys.executable, "-c", "import time; time.sleep(60)"], timeout=0.2)

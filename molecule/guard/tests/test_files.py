# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every file of ours has its owner and mode, and nothing of ours can be written by others."""

from __future__ import annotations

import re

import labtest
import pytest
from guarding import watch

ROOTS = "/etc/kronos /opt/kronos /var/lib/kronos /run/kronos* /usr/local/lib/kronos /etc/systemd/system/kronos*"
STACK = "/opt/kronos/stacks/[a-z-]+"
NAME = "[a-z][a-z0-9_-]*"
# kind (d: folder, f: file), path, owner (user:group; * for the service's own), mode
TABLE = [
    ("d", "/etc/kronos", "0:0", "700"),
    ("f", "/etc/kronos/fingerprint.key", "0:0", "600"),
    ("d", "/etc/kronos/secrets(/NAME)?", "0:0", "700"),
    ("f", "/etc/kronos/secrets/NAME/NAME", "0:0", "600"),
    ("d", "/etc/kronos/ca", "0:0", "700"),
    ("f", r"/etc/kronos/ca/(root\.key|wanted\.json|issued\.json|\.lock)", "0:0", "600"),
    ("f", r"/etc/kronos/ca/root\.crt", "0:0", "644"),
    ("d", "/etc/kronos/tls(/NAME)?", "0:0", "755"),  # mounted by the proxy, which reads it as its own user
    ("f", r"/etc/kronos/tls/proxy/cert\.pem", "65532:65532", "644"),
    ("f", r"/etc/kronos/tls/proxy/key\.pem", "65532:65532", "400"),
    ("d", "/etc/kronos/firewall", "0:0", "700"),
    ("f", r"/etc/kronos/firewall/ruleset\.nft", "0:0", "600"),
    ("f", r"/etc/kronos/guard\.json", "0:0", "644"),  # shares and who uses them, which everybody on the host can see
    ("f", r"/etc/kronos/bans\.json", "0:0", "644"),  # networks of the home and how patient the host is
    ("d", "/opt/kronos(/stacks)?", "0:0", "755"),
    ("d", "STACK", "0:0", "700"),
    ("f", r"STACK/(compose\.yml|state\.json|journal\.json)", "0:0", "600"),
    ("d", "STACK/env", "0:0", "700"),
    ("f", r"STACK/env/NAME\.env", "0:0", "600"),
    ("d", "STACK/secrets(/NAME)?", "0:0", "711"),  # mounted by the service, which reads it as its own user
    ("f", "STACK/secrets/NAME/NAME", "1000:1000", "400"),
    ("d", "STACK/files(/.+)?", "0:0", "755"),
    ("f", "STACK/files/.+", "0:*", "644"),
    ("d", "STACK/(generations|failed)(/[0-9]+)?", "0:0", "700"),
    ("d", "STACK/(generations/[0-9]+|failed)/.+", "0:0", "7[0-5][0-5]"),  # below a folder that only root enters
    ("f", "STACK/(generations/[0-9]+|failed)/.+", "0:0", "600"),
    ("d", "/var/lib/kronos", "0:0", "755"),
    ("d", "/var/lib/kronos/receipts", "0:0", "700"),
    ("f", r"/var/lib/kronos/receipts/(asked--)?[a-z_]+--[a-z-]+\.json", "0:0", "600"),
    ("d", "/var/lib/kronos/pending", "0:0", "700"),
    ("f", r"/var/lib/kronos/pending/[a-z]+\.ended", "0:0", "600"),
    ("d", "/run/kronos", "0:0", "700"),
    ("f", r"/run/kronos/firewall\.json", "0:0", "644"),
    ("d", "/run/kronos-guard", "0:0", "755"),
    ("f", r"/run/kronos-guard/state\.json", "0:0", "644"),
    ("f", r"/run/kronos/([a-z-]+\.lock|lease\.json|last-run)", "0:0", "600"),
    ("d", "/run/kronos-progress", "0:0", "755"),
    ("d", "/usr/local/lib/kronos", "0:0", "755"),
    ("f", r"/usr/local/lib/kronos/kronos_(ca|firewall|timed)\.py", "0:0", "755"),
    ("f", r"/usr/local/lib/kronos/kronos_(?!(ca|firewall|timed)\.py)[a-z_]+\.py", "0:0", "644"),
    ("d", "/usr/local/lib/kronos/__pycache__", "0:0", "755"),
    ("f", r"/usr/local/lib/kronos/__pycache__/kronos_.+\.pyc", "0:0", "644"),
    ("f", r"/etc/systemd/system/kronos-[a-z.-]+\.(service|timer|path)", "0:0", "644"),
]


def pattern(path: str) -> re.Pattern[str]:
    return re.compile(path.replace("STACK", STACK).replace("NAME", NAME))


def matches(kind: str, path: str) -> list[tuple[str, str, str]]:
    """The rows for this path, the most telling one alone where a general one matches too."""
    rows = [
        (wanted, owner, mode) for what, wanted, owner, mode in TABLE if what == kind and pattern(wanted).fullmatch(path)
    ]
    return [row for row in rows if ".+" not in row[0]] or rows


@pytest.fixture(scope="module")
def listed() -> list[tuple[str, str, str, str]]:
    """Kind, owner, mode and path of everything of ours."""
    found = []
    for line in watch.shell(f"find {ROOTS} -printf '%y %U:%G %m %p\\n'").splitlines():
        kind, owner, mode, path = line.split(" ", 3)
        found.append((kind, owner, mode, path))
    return found


def test_everything_of_ours_is_in_the_table_with_owner_and_mode(listed: list[tuple[str, str, str, str]]) -> None:
    wrong = []
    for kind, owner, mode, path in listed:
        rows = matches(kind, path)
        if len(rows) != 1:
            wrong.append(f"{path}: {kind} matches {len(rows)} rows")
            continue
        _wanted, wanted_owner, wanted_mode = rows[0]
        if not re.fullmatch(wanted_owner.replace("*", "[0-9]+"), owner) or not re.fullmatch(wanted_mode, mode):
            wrong.append(f"{path}: {owner} {mode}, wanted {wanted_owner} {wanted_mode}")
    assert wrong == []
    assert len(listed) > 100


def test_nobody_else_can_write_to_anything_of_ours(listed: list[tuple[str, str, str, str]]) -> None:
    assert [path for kind, _owner, mode, path in listed if kind != "l" and int(mode, 8) & 0o022] == []
    assert [path for kind, _owner, _mode, path in listed if kind not in ("d", "f")] == [], "no links, no sockets"


def test_no_row_of_the_table_is_about_nothing(listed: list[tuple[str, str, str, str]]) -> None:
    optional = (r"STACK/(compose\.yml|state\.json|journal\.json)", "/run/kronos-progress")
    unused = [
        path
        for kind, path, _owner, _mode in TABLE
        if path not in optional and not any(kind == one[0] and pattern(path).fullmatch(one[3]) for one in listed)
    ]
    assert unused == []


def test_data_folders_are_closed_to_strangers() -> None:
    lines = watch.shell("stat -c '%u:%g %a %n' /srv/kronos/*/*").splitlines()
    assert len(lines) >= 5
    assert [line for line in lines if not line.split()[1].endswith("0")] == []
    assert labtest.HOST == "guard"

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_secrets import secret_packages


def derived(kind):
    return {"format": "hex", "derive": {"from": "a/b", "hash": kind}}


@pytest.mark.parametrize(
    ("secrets", "packages"),
    [
        ([], []),
        ([{"format": "hex"}], []),
        ([derived("pbkdf2_sha512")], []),
        ([derived("bcrypt"), derived("argon2id"), derived("argon2id")], ["python3-argon2", "python3-bcrypt"]),
        ([{"format": "rsa_key"}], ["python3-cryptography"]),
    ],
)
def test_packages(secrets, packages):
    assert secret_packages({"secrets": secrets}) == packages

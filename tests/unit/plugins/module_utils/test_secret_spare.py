# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

import os

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import secret_spare
from ansible_collections.kronos.homelab.tests.unit.fakes.demo_stack import TOKEN, demo_host, stack


@pytest.fixture
def host(tmp_path):
    found = demo_host(tmp_path)
    found.converge(**stack(found))
    return found


def link(host, path):
    os.rename(path, f"{host.root}/aside")
    os.symlink(f"{host.root}/aside", path)


CASES = [
    ("db", lambda host: None, "db-marker-value"),
    ("token", lambda host: None, TOKEN),
    ("other", lambda host: None, None),
    ("db", lambda host: os.unlink(f"{host.layout().secrets('web')}/db"), None),
    ("db", lambda host: link(host, f"{host.layout().secrets('web')}/db"), None),
    ("token", lambda host: os.unlink(host.layout().env("web")), None),
    ("token", lambda host: os.unlink(host.layout().state), None),
    ("token", lambda host: os.unlink(f"{host.layout().generations}/1/generation.json"), None),
    ("token", lambda host: os.truncate(f"{host.layout().generations}/1/generation.json", 5), None),
]


@pytest.mark.parametrize(("name", "harm", "value"), CASES, ids=range(len(CASES)))
def test_the_value_in_use(host, name, harm, value):
    harm(host)
    assert secret_spare.find("web", name, host.layout().stacks) == value
    assert secret_spare.find("late", name, host.layout().stacks) is None


def test_no_stack_at_all(tmp_path):
    assert secret_spare.find("web", "db", str(tmp_path / "none")) is None

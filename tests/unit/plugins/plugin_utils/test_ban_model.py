# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What may be said of bans; mistakes are among the broken inventories."""

from __future__ import annotations

from typing import Any

import pytest
import yaml
from ansible_collections.kronos.homelab.plugins.plugin_utils.ban_model import Ban
from ansible_collections.kronos.homelab.plugins.plugin_utils.collection import collection_root
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import PlanError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_bans import ban_rules


def test_the_roles_defaults_are_the_models_own() -> None:
    defaults = yaml.safe_load((collection_root() / "roles/traefik/defaults/main.yml").read_text())
    assert Ban().model_dump(by_alias=True) == defaults["traefik_ban"]


@pytest.mark.parametrize(
    "said", [None, {}, {"failures": 2}, {"failures": "{{ 3 + 4 }}", "for": "2d"}, {"within": "90s", "for": "9999999s"}]
)
def test_what_the_plan_takes_the_role_takes(planning: Any, said: Any) -> None:
    plan = planning.plan(kronos_stacks=["traefik"], traefik_ban=said)
    rendered = {key: 7 if key == "failures" else value for key, value in (said or {}).items()}
    assert ban_rules(plan, rendered)["ban"]


def test_a_template_that_fails_is_told(planning: Any) -> None:
    with pytest.raises(PlanError) as caught:
        planning.plan(kronos_stacks=["traefik"], traefik_ban={"failures": "{{ nowhere }}"})
    assert "traefik_ban: failures" in caught.value.message()

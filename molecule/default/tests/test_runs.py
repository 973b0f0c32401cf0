# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Prediction, first run, quiet second run."""

from __future__ import annotations

from typing import Any

import labtest


def test_the_prediction_on_a_machine_without_docker_is_what_the_first_run_did() -> None:
    predicted, real = labtest.record(0), labtest.record(1)
    assert predicted.tasks[0]["check"]
    assert not real.tasks[0]["check"]
    assert predicted.actions() == real.actions()
    assert set(predicted.actions().values()) == {"created"}
    assert predicted.changed == real.changed
    assert predicted.files == real.files


def test_the_second_run_changed_nothing() -> None:
    assert labtest.record(2).changed == []


def test_a_full_run_on_the_converged_machine_restarts_nothing(host: Any) -> None:
    def started() -> dict[str, tuple[str, str]]:
        return {name: (one["Id"], one["State"]["StartedAt"]) for name, one in labtest.inspect(host).items()}

    before = started()
    run = labtest.site(kronos_fast=False)
    assert run.code == 0, run.output
    assert run.changed == []
    assert run.actions() == {}
    assert started() == before


def test_check_mode_on_the_converged_machine_predicts_nothing(host: Any) -> None:
    run = labtest.site("--check", kronos_fast=False)
    assert run.code == 0, run.output
    assert (run.changed, run.files) == ([], [])


def test_the_prediction_of_a_change_is_what_the_run_does(host: Any) -> None:
    change = {"kronos_services_zz": {"hello": {"environment": {"GREETING": "good evening"}}}}
    predicted = labtest.site("--check", **change)
    real = labtest.site(**change)
    assert real.code == 0, real.output
    assert predicted.actions() == real.actions() == {"hello": "recreated"}
    assert predicted.files == real.files
    assert any("compose.yml" in name for name in real.files)
    assert labtest.site().actions() == {"hello": "recreated"}


def test_the_summary_names_every_service_with_its_address() -> None:
    (shown,) = [task for task in labtest.record(1).tasks if task["action"] == "kronos.homelab.summary"]
    rows = {row["service"]: row for row in shown["services"]}
    assert rows["hello"]["url"] == f"https://hello.{labtest.HOST}.localhost"
    assert rows["prometheus"]["this run"] == "created"

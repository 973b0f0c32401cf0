# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the stack module is told."""

from __future__ import annotations

from typing import Any

import pytest
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError
from ansible_collections.kronos.homelab.plugins.plugin_utils.render_stack import slot, stack_services

FILES = {"kind": "files", "source": "/opt/kronos/stacks/own/files/app/config", "target": "/etc/app", "read_only": True}
HUP = {"signal": "HUP", "http": None, "watch": False, "check": None}


def plan_of(plans: Any, **said: Any) -> Any:
    """A plan with one service that mounts rendered files, one beside it and one disabled."""
    app = plans.service("app", mounts=[FILES], **said)
    return plans.plan(app, plans.service("other"), plans.service("far", stack="data"), disabled=["off"])


def test_everything_the_module_needs(plans: Any) -> None:
    directories = [{"path": "/srv/kronos/app/data", "uid": 1, "gid": 2, "mode": "0750"}]
    said = {
        "needs": ["far", "other"],
        "user": {"uid": 1, "gid": 2, "how": "run"},
        "health": {"http": {"port": 80}, "command": None, "timeout": 9},
        "reload": HUP,
        "secret_environment": {"KEY": "key"},
        "secret_files": {"X_FILE": "x"},
        "directories": directories,
    }
    services = stack_services(plan_of(plans, **said), "own")
    assert services["app"] == {**said, "kind": "service", "needs": ["other"], "health_timeout": 9, "files": []}
    assert services["other"]["health_timeout"] == 120


@pytest.mark.parametrize(
    ("file", "wanted"),
    [
        ({}, {"mode": "0644", "reload": False}),
        ({"mode": "0400"}, {"mode": "0400", "reload": False}),
        ({"reload": True}, {"mode": "0644", "reload": True}),
        ({"path": "config/deep/er.yml"}, {"mode": "0644", "reload": False}),
    ],
)
def test_files(file: dict[str, Any], wanted: dict[str, Any], plans: Any) -> None:
    given = {"path": "config/app.yml", "content": "a: 1\n", **file}
    services = stack_services(plan_of(plans, reload=HUP), "own", {"app": [given]})
    assert services["app"]["files"] == [{**given, **wanted}]


@pytest.mark.parametrize(
    ("file", "message"),
    [
        ({"path": "../x"}, r"files\.app\[0\]\.path: '\.\./x' is no relative path"),
        ({"path": "/config/x"}, "is no relative path"),
        ({"path": "config/../../x"}, "is no relative path"),
        ({"path": "config//x"}, "is no relative path"),
        ({"path": "config"}, "is no relative path"),
        ({"path": 5}, "is no relative path"),
        ({"path": "other/x"}, r"lies in none of the service's files volumes \['config'\]"),
        ({"content": None}, r"files\.app\[0\]\.content: text is wanted, found NoneType"),
        ({"mode": 644}, "is no quoted octal mode"),
        ({"mode": "0999"}, "is no quoted octal mode"),
        ({"reload": "yes"}, "reload: true or false is wanted, found 'yes'"),
        ({"reload": True}, "reload: the record of app says no way to reload"),
        ({"moed": "0644"}, r"files\.app\[0\]\.moed: unknown key; did you mean 'mode'"),
    ],
)
def test_bad_files(file: dict[str, Any], message: str, plans: Any) -> None:
    given = {"path": "config/app.yml", "content": "", **file}
    with pytest.raises(RenderError, match=message):
        stack_services(plan_of(plans), "own", {"app": [given]})


def test_overrides_are_laid_over(plans: Any) -> None:
    check = {"http": {"port": 1, "path": "/"}}
    services = stack_services(
        plan_of(plans, reload=HUP), "own", {}, {"app": {"reload": {"check": check}}, "off": {"kind": "job"}}
    )
    assert services["app"]["reload"] == {**HUP, "check": check}
    assert set(services) == {"app", "other"}


@pytest.mark.parametrize("argument", ["files", "overrides"])
def test_unknown_service(argument: str, plans: Any) -> None:
    with pytest.raises(RenderError, match=rf"{argument}\.ap: no such service in the stack; did you mean 'app'"):
        stack_services(plan_of(plans), "own", **{argument: {"ap": {}}})


def test_files_of_a_disabled_service_are_left_out(plans: Any) -> None:
    services = stack_services(plan_of(plans), "own", {"off": [{"path": "config/x", "content": ""}]})
    assert "off" not in services


def test_a_file_names_the_secrets_that_it_holds(plans: Any) -> None:
    plan = plan_of(plans) | {"secrets": [{"service": "app", "name": "key"}, {"service": "other", "name": "far"}]}
    file = {"path": "config/a.yml", "content": f'a: "{slot("key")}"', "secrets": ["key"]}
    assert stack_services(plan, "own", {"app": [file]})["app"]["files"][0]["secrets"] == ["key"]
    assert "secrets" not in stack_services(plan, "own", {"app": [{**file, "secrets": []}]})["app"]["files"][0]
    with pytest.raises(RenderError, match=r"files.app\[0\].secrets: app has no secret 'far'"):
        stack_services(plan, "own", {"app": [{**file, "secrets": ["far"]}]})

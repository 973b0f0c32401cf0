# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The login as the inventory describes it: the variables authelia_*."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.explain import read_model
from ansible_collections.kronos.homelab.plugins.plugin_utils.model import Line, Strict, matching
from ansible_collections.kronos.homelab.plugins.plugin_utils.problems import Path, Problems, path_text
from ansible_collections.kronos.homelab.plugins.plugin_utils.templating import Renderer, here
from pydantic import AfterValidator, Field

PREFIX = "authelia_"

# https://www.authelia.com/configuration/prologue/common/#duration
Span = Annotated[
    str, AfterValidator(matching(r"([1-9][0-9]*(ms|s|m|h|d|w|M|y))+", "a duration such as 30m, 12h or 1M (a month)"))
]
SmtpAddress = Annotated[
    str,
    AfterValidator(
        matching(
            r"(smtp|submission|submissions)://[a-z0-9]([a-z0-9.-]*[a-z0-9])?(:[1-9][0-9]{0,4})?",
            "an address such as submission://mail.example.com:587",
        )
    ),
]


class Smtp(Strict):
    """The mail server through which the login writes to people."""

    address: SmtpAddress = Field(description="smtp://, submission:// (587) or submissions:// (465), name and port.")
    sender: Line = Field(description="Sender of its mails.")
    username: Line | None = Field(
        None, description="Name at the server; its password is kronos_secrets.authelia.smtp_password."
    )
    subject: Annotated[Line, Field(pattern=r"\{title\}")] = Field(
        "[Login] {title}", description="Subject; {title} says what it is about."
    )


class Session(Strict):
    """How long people stay logged in."""

    inactivity: Span = Field("1h", description="Without a request.")
    expiration: Span = Field("12h", description="At most.")
    remember_me: Span = Field("1M", description="For those who ask to be remembered.")


class Login(Strict):
    """What the role authelia is told."""

    factor: Literal["one_factor", "two_factor"] = Field("one_factor", description="Factors, where a route says none.")
    smtp: Smtp | None = Field(None, description="Mail server; without one, mails are written to a file on the host.")
    session: Session = Field(default_factory=Session, description="How long people stay logged in.")
    config: dict[str, Any] = Field(default_factory=dict, description="Laid over the rendered configuration.")


def read_login(variables: Mapping[str, Any], renderer: Renderer, problems: Problems) -> Login | None:
    """The variables authelia_*; None where one of them is wrong."""
    before, data = len(problems), {}
    for key in Login.model_fields:
        name = PREFIX + key
        if variables.get(name) is not None:
            data[key] = renderer.tree(variables[name], here(name))
    if len(problems) > before:
        return None
    return read_model(Login, data, _locate, problems)


def _locate(path: Path) -> tuple[str, str]:
    return PREFIX + str(path[0]), path_text(path[1:])

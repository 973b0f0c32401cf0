# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A service that lets people log in through OpenID Connect: what it has to agree on with the login."""

from __future__ import annotations

from typing import Annotated, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.model import Strict, matching
from pydantic import AfterValidator, Field

# RFC 6749 3.1.2: absolute, without a fragment; programs of phones have schemes of their own.
Redirect = Annotated[
    str,
    AfterValidator(
        matching(
            r"/[A-Za-z0-9._~/-]*|[a-z][a-z0-9+.-]*:/{1,3}[A-Za-z0-9._~:/-]+",
            "a path on the service's first route, or a whole URL without query and fragment",
        )
    ),
]
Scope = Literal["openid", "profile", "email", "groups", "address", "phone", "offline_access"]

# https://www.authelia.com/integration/openid-connect/openid-connect-1.0-claims/#scope-definitions
Claim = Literal["name", "preferred_username", "email", "email_verified", "alt_emails", "groups"]

_USUAL_SCOPES: tuple[Scope, ...] = ("openid", "profile", "email", "groups")


class Oidc(Strict):
    """How the service logs people in through the login. Its client id is its name, its password the secret `oidc`."""

    redirect: list[Redirect] = Field(
        min_length=1, description="Where people come back to: a path on the first route, or a whole URL."
    )
    scopes: list[Scope] = Field(default_factory=lambda: list(_USUAL_SCOPES), description="What it may learn of them.")
    id_token: list[Claim] = Field(
        default_factory=list,
        description="What it reads of them in the ID token; usual programs ask the userinfo endpoint instead.",
    )
    auth: Literal["client_secret_basic", "client_secret_post"] = Field(
        "client_secret_basic", description="How it proves itself when it asks for a token."
    )
    consent: Literal["implicit", "explicit", "pre-configured", "auto"] = Field(
        "implicit", description="Whether people are asked for consent; implicit: never."
    )
    pkce: bool = Field(True, description="Proof key of each login (PKCE, S256); false for programs that know none.")

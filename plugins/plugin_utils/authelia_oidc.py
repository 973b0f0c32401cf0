# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of Authelia's configuration as an OpenID Connect provider.

From https://www.authelia.com/configuration/identity-providers/openid-connect/provider/, for 4.39.
"""

from __future__ import annotations

from typing import Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.authelia_options import (
    Cors,
    Duration,
    Lifespans,
    Policy,
    Subject,
    Texts,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.model import Strict, wrong
from pydantic import Field, model_validator


class SigningKey(Strict):
    key: str
    key_id: str | None = None
    algorithm: Literal["RS256", "RS384", "RS512", "PS256", "PS384", "PS512", "ES256", "ES384", "ES512"] = "RS256"
    use: Literal["sig"] = "sig"
    certificate_chain: str | None = None


class PolicyRule(Strict):
    policy: Policy
    subject: Subject = Field(default_factory=list)
    networks: Texts = Field(default_factory=list)


class ClientPolicy(Strict):
    default_policy: Policy
    rules: list[PolicyRule] = Field(min_length=1)


class CustomClaim(Strict):
    name: str = ""
    attribute: str


class ClaimsPolicy(Strict):
    """https://www.authelia.com/configuration/identity-providers/openid-connect/provider/#claims_policies"""

    id_token: list[str] = Field(default_factory=list)
    id_token_audience_mode: Literal["specification", "experimental-merged"] = "specification"
    access_token: list[str] = Field(default_factory=list)
    custom_claims: dict[str, CustomClaim] = Field(default_factory=dict)


class Client(Strict):
    """https://www.authelia.com/configuration/identity-providers/openid-connect/clients/"""

    client_id: str
    client_name: str | None = None
    client_secret: str | None = None
    public: bool = False
    authorization_policy: str = "two_factor"
    claims_policy: str | None = None
    redirect_uris: list[str] = Field(min_length=1)
    request_uris: list[str] = Field(default_factory=list)
    sector_identifier_uri: str | None = None
    audience: list[str] = Field(default_factory=list)
    requested_audience_mode: Literal["explicit", "implicit"] = "explicit"
    scopes: list[str] = Field(default_factory=list)
    grant_types: list[str] = Field(default_factory=list)
    response_types: list[str] = Field(default_factory=list)
    response_modes: list[str] = Field(default_factory=list)
    lifespan: str | None = None
    consent_mode: Literal["auto", "implicit", "explicit", "pre-configured"] = "auto"
    pre_configured_consent_duration: Duration | None = None
    require_pushed_authorization_requests: bool = False
    require_pkce: bool = False
    pkce_challenge_method: Literal["", "plain", "S256"] = ""
    authorization_signed_response_alg: str | None = None
    id_token_signed_response_alg: str | None = None
    access_token_signed_response_alg: str | None = None
    userinfo_signed_response_alg: str | None = None
    introspection_signed_response_alg: str | None = None
    request_object_signing_alg: str | None = None
    token_endpoint_auth_signing_alg: str | None = None
    token_endpoint_auth_method: Literal[
        "client_secret_basic", "client_secret_post", "client_secret_jwt", "private_key_jwt", "none"
    ] = "client_secret_basic"
    allow_multiple_auth_methods: bool = False
    jwks_uri: str | None = None
    jwks: list[dict[str, Any]] = Field(default_factory=list)

    @model_validator(mode="after")
    def _can_prove_itself(self) -> Client:
        by_key = self.public or self.token_endpoint_auth_method in ("private_key_jwt", "none")
        if not by_key and not self.client_secret:
            raise wrong("the key 'client_secret', unless the client is public or proves itself by a key", "nothing")
        return self


class Oidc(Strict):
    hmac_secret: str
    jwks: list[SigningKey] = Field(min_length=1)
    authorization_policies: dict[str, ClientPolicy] = Field(default_factory=dict)
    claims_policies: dict[str, ClaimsPolicy] = Field(default_factory=dict)
    clients: list[Client] = Field(min_length=1)
    scopes: dict[str, Any] = Field(default_factory=dict)
    lifespans: Lifespans = Lifespans()
    cors: Cors = Cors()
    pushed_authorizations: dict[str, Any] = Field(default_factory=dict)
    require_pushed_authorization_requests: bool = False
    enforce_pkce: Literal["always", "never", "public_clients_only"] = "public_clients_only"
    enable_pkce_plain_challenge: bool = False
    enable_client_debug_messages: bool = False
    enable_jwt_access_token_stateless_introspection: bool = False
    minimum_parameter_entropy: int = 8
    discovery_signed_response_alg: str | None = None

    @model_validator(mode="after")
    def _policies_are_known(self) -> Oidc:
        known = {"one_factor", "two_factor", *self.authorization_policies}
        for client in self.clients:
            if client.authorization_policy not in known:
                raise wrong("a policy that is defined", f"the policy {client.authorization_policy!r}")
            if client.claims_policy is not None and client.claims_policy not in self.claims_policies:
                raise wrong("a claims policy that is defined", f"the claims policy {client.claims_policy!r}")
        return self


class IdentityProviders(Strict):
    oidc: Oidc

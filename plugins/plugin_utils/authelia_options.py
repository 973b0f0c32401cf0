# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Parts of Authelia's configuration that nothing here renders: only ``authelia_config`` can say them.

Their names and kinds are those of https://www.authelia.com/configuration/prologue/introduction/ and the pages below
it, for 4.39. Values that Authelia itself judges, it judges when it starts.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.model import Strict, matching, wrong
from pydantic import AfterValidator, Field

Policy = Literal["deny", "bypass", "one_factor", "two_factor"]
Texts = str | list[str]
Subject = str | list[str | list[str]]
Whole = Annotated[int, Field(ge=0)]
# https://www.authelia.com/configuration/prologue/common/#duration: seconds, `1h30m`, `2 weeks`
_DURATION = r"[0-9]+( ?[A-Za-z]+(,? ?(and )?[0-9]+ ?[A-Za-z]+)*)?"
Duration = Whole | Annotated[str, AfterValidator(matching(_DURATION, "a duration such as 30m, 12h or 1M (a month)"))]
Version = Literal["TLS1.0", "TLS1.1", "TLS1.2", "TLS1.3", "SSL3.0"]


def only_one(model: Strict, *names: str) -> None:
    """Raise pydantic's error unless the model has exactly one of these fields."""
    if sum(getattr(model, name) is not None for name in names) != 1:
        raise wrong(f"one of {', '.join(names[:-1])} and {names[-1]}")


class Tls(Strict):
    """How a server that Authelia asks is known: https://www.authelia.com/configuration/prologue/common/#tls"""

    server_name: str | None = None
    skip_verify: bool = False
    minimum_version: Version = "TLS1.2"
    maximum_version: Version = "TLS1.3"
    certificate_chain: str | None = None
    private_key: str | None = None


class Buffers(Strict):
    read: Annotated[int, Field(ge=4096)] = 4096
    write: Annotated[int, Field(ge=4096)] = 4096


class Timeouts(Strict):
    read: Duration = "6s"
    write: Duration = "6s"
    idle: Duration = "30s"


class Metrics(Strict):
    enabled: bool = False
    address: str = "tcp://:9959/metrics"
    buffers: Buffers = Buffers()
    timeouts: Timeouts = Timeouts()


class Telemetry(Strict):
    metrics: Metrics = Metrics()


class Headers(Strict):
    csp_template: str | None = None


class Endpoints(Strict):
    enable_pprof: bool = False
    enable_expvars: bool = False
    authz: dict[str, Any] = Field(default_factory=dict)
    rate_limits: dict[str, Any] = Field(default_factory=dict)


class ResetProof(Strict):
    jwt_lifespan: Duration = "5m"
    jwt_algorithm: Literal["HS256", "HS384", "HS512"] = "HS256"


class Elevation(Strict):
    code_lifespan: Duration = "5m"
    elevation_lifespan: Duration = "10m"
    characters: Annotated[int, Field(ge=6, le=12)] = 8
    require_second_factor: bool = False
    skip_second_factor: bool = False


class IdentityValidation(Strict):
    reset_password: ResetProof = ResetProof()
    elevated_session: Elevation = Elevation()


class Standard(Strict):
    enabled: bool = False
    min_length: Whole = 8
    max_length: Whole = 0
    require_uppercase: bool = False
    require_lowercase: bool = False
    require_number: bool = False
    require_special: bool = False


class Zxcvbn(Strict):
    enabled: bool = False
    min_score: Literal[0, 1, 2, 3, 4] = 3


class PasswordPolicy(Strict):
    standard: Standard = Standard()
    zxcvbn: Zxcvbn = Zxcvbn()


class PrivacyPolicy(Strict):
    enabled: bool = False
    require_user_acceptance: bool = False
    policy_url: str | None = None


class Definitions(Strict):
    network: dict[str, list[str]] = Field(default_factory=dict)
    user_attributes: dict[str, Any] = Field(default_factory=dict)


class Duo(Strict):
    disable: bool = False
    hostname: str
    integration_key: str
    secret_key: str
    enable_self_enrollment: bool = False


class Redis(Strict):
    host: str
    port: Annotated[int, Field(ge=0, le=65535)] = 6379
    timeout: Duration = "5s"
    max_retries: int = 3
    username: str | None = None
    password: str | None = None
    database_index: Whole = 0
    maximum_active_connections: Whole = 8
    minimum_idle_connections: Whole = 0
    tls: Tls | None = None
    high_availability: dict[str, Any] | None = None


class Database(Strict):
    """PostgreSQL or MySQL."""

    address: str
    database: str = "authelia"
    username: str
    password: str
    timeout: Duration = "5s"
    tls: Tls | None = None


class Postgres(Database):
    schema_: str = Field("public", alias="schema")
    servers: list[dict[str, Any]] = Field(default_factory=list)


class Ldap(Strict):
    """https://www.authelia.com/configuration/first-factor/ldap/"""

    address: str
    implementation: str = "custom"
    timeout: Duration = "20s"
    start_tls: bool = False
    tls: Tls | None = None
    pooling: dict[str, Any] | None = None
    base_dn: str | None = None
    additional_users_dn: str | None = None
    users_filter: str | None = None
    additional_groups_dn: str | None = None
    groups_filter: str | None = None
    group_search_mode: Literal["filter", "memberof"] = "filter"
    permit_referrals: bool = False
    permit_unauthenticated_bind: bool = False
    permit_feature_detection_failure: bool = False
    user: str | None = None
    password: str | None = None
    attributes: dict[str, Any] = Field(default_factory=dict)


class Search(Strict):
    email: bool = False
    case_insensitive: bool = False


class Lifespans(Strict):
    access_token: Duration = "1h"
    authorize_code: Duration = "1m"
    id_token: Duration = "1h"
    refresh_token: Duration = "90m"
    device_code: Duration = "10m"
    custom: dict[str, Any] = Field(default_factory=dict)


class Cors(Strict):
    endpoints: list[str] = Field(default_factory=list)
    allowed_origins: list[str] = Field(default_factory=list)
    allowed_origins_from_client_redirect_uris: bool = False

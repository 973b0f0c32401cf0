# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of Authelia's configuration, as far as it is used here: a key that is not in it, Authelia does not know.

From https://www.authelia.com/configuration/prologue/introduction/ and the pages below it, for 4.39. What it checks
beyond that is checked here too, since Authelia does not start on a mistake. Secrets come in files that environment
variables name (https://www.authelia.com/configuration/methods/secrets/), or on the host.
"""

from __future__ import annotations

from typing import Annotated, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.login_model import Span
from ansible_collections.kronos.homelab.plugins.plugin_utils.model import Strict, wrong
from pydantic import Field, model_validator

Policy = Literal["deny", "bypass", "one_factor", "two_factor"]
Factor = Literal["one_factor", "two_factor"]
Whole = Annotated[int, Field(ge=0)]


class Buffers(Strict):
    read: Annotated[int, Field(ge=4096)] = 4096
    write: Annotated[int, Field(ge=4096)] = 4096


class Timeouts(Strict):
    read: Span = "6s"
    write: Span = "6s"
    idle: Span = "30s"


class Server(Strict):
    address: str
    asset_path: str | None = None
    disable_healthcheck: bool = False
    buffers: Buffers = Buffers()
    timeouts: Timeouts = Timeouts()


class Log(Strict):
    level: Literal["trace", "debug", "info", "warn", "error"] = "info"
    format: Literal["json", "text"] = "text"
    file_path: str | None = None
    keep_stdout: bool = False


class Totp(Strict):
    disable: bool = False
    issuer: str = "Authelia"
    algorithm: Literal["SHA1", "SHA256", "SHA512"] = "SHA1"
    digits: Literal[6, 8] = 6
    period: Whole = 30
    skew: Whole = 1
    secret_size: Annotated[int, Field(ge=20)] = 32


class Webauthn(Strict):
    disable: bool = False
    enable_passkey_login: bool = False
    display_name: str = "Authelia"
    timeout: Span = "60s"


class Ntp(Strict):
    address: str = "udp://time.cloudflare.com:123"
    version: Literal[3, 4] = 4
    max_desync: Span = "3s"
    disable_startup_check: bool = False
    disable_failure: bool = False


class Switch(Strict):
    disable: bool = False


class PasswordReset(Switch):
    custom_url: str = ""


class FilePassword(Strict):
    algorithm: Literal["argon2", "sha2crypt", "pbkdf2", "bcrypt", "scrypt"] = "argon2"


class FileBackend(Strict):
    path: str
    watch: bool = False
    password: FilePassword = FilePassword()


class Backend(Strict):
    password_reset: PasswordReset = PasswordReset()
    password_change: Switch = Switch()
    refresh_interval: Span | Literal["always", "disable"] = "5m"
    file: FileBackend


class Rule(Strict):
    domain: list[str] = Field(min_length=1)
    policy: Policy
    resources: list[str] = Field(default_factory=list)
    subject: list[str | list[str]] = Field(default_factory=list)
    methods: list[str] = Field(default_factory=list)
    networks: list[str] = Field(default_factory=list)

    @model_validator(mode="after")
    def _bypass_knows_nobody(self) -> Rule:
        if self.policy == "bypass" and self.subject:
            raise wrong("no subject beside bypass: who it is, is not known before", "a subject beside bypass")
        return self


class AccessControl(Strict):
    default_policy: Policy = "deny"
    rules: list[Rule] = Field(default_factory=list)

    @model_validator(mode="after")
    def _says_something(self) -> AccessControl:
        if not self.rules and self.default_policy not in ("one_factor", "two_factor"):
            raise wrong("a rule: Authelia does not start with deny alone", "no rule")
        return self


class Cookie(Strict):
    domain: str
    authelia_url: Annotated[str, Field(pattern="^https://")]
    default_redirection_url: Annotated[str, Field(pattern="^https://")] | None = None
    name: str | None = None
    same_site: Literal["lax", "strict", "none"] | None = None
    inactivity: Span | None = None
    expiration: Span | None = None
    remember_me: Span | None = None

    @model_validator(mode="after")
    def _leads_elsewhere(self) -> Cookie:
        if self.default_redirection_url == self.authelia_url:
            raise wrong("another address than authelia_url", self.default_redirection_url)
        return self


class Session(Strict):
    name: str = "authelia_session"
    same_site: Literal["lax", "strict", "none"] = "lax"
    inactivity: Span = "5m"
    expiration: Span = "1h"
    remember_me: Span = "1M"
    cookies: list[Cookie] = Field(min_length=1)


class Regulation(Strict):
    modes: list[Literal["user", "ip"]] = ["user"]
    max_retries: Whole = 3
    find_time: Span = "2m"
    ban_time: Span = "5m"


class Local(Strict):
    path: str


class Storage(Strict):
    local: Local


class Filesystem(Strict):
    filename: str


class MailServer(Strict):
    address: str
    sender: str
    subject: str = "[Authelia] {title}"
    username: str | None = None
    password: str | None = None
    timeout: Span = "5s"
    identifier: str = "localhost"
    startup_check_address: str | None = None
    disable_require_tls: bool = False
    disable_html_emails: bool = False


class Notifier(Strict):
    disable_startup_check: bool = False
    filesystem: Filesystem | None = None
    smtp: MailServer | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Notifier:
        if (self.filesystem is None) == (self.smtp is None):
            raise wrong("one of filesystem and smtp")
        return self


class SigningKey(Strict):
    key: str
    key_id: str | None = None
    algorithm: Literal["RS256"] = "RS256"
    use: Literal["sig"] = "sig"


class PolicyRule(Strict):
    policy: Policy
    subject: list[str | list[str]] = Field(default_factory=list)


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
    client_id: str
    client_name: str
    client_secret: str
    public: bool = False
    authorization_policy: str
    claims_policy: str | None = None
    redirect_uris: list[str] = Field(min_length=1)
    scopes: list[str]
    consent_mode: Literal["auto", "implicit", "explicit", "pre-configured"] = "auto"
    require_pkce: bool = False
    pkce_challenge_method: Literal["", "plain", "S256"] = ""
    token_endpoint_auth_method: Literal["client_secret_basic", "client_secret_post"] = "client_secret_basic"


class Oidc(Strict):
    hmac_secret: str
    jwks: list[SigningKey] = Field(min_length=1)
    authorization_policies: dict[str, ClientPolicy] = Field(default_factory=dict)
    claims_policies: dict[str, ClaimsPolicy] = Field(default_factory=dict)
    clients: list[Client] = Field(min_length=1)

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


class Configuration(Strict):
    """The whole of configuration.yml."""

    theme: Literal["light", "dark", "grey", "oled", "auto"] = "light"
    server: Server
    log: Log = Log()
    totp: Totp = Totp()
    webauthn: Webauthn = Webauthn()
    ntp: Ntp = Ntp()
    authentication_backend: Backend
    access_control: AccessControl
    session: Session
    regulation: Regulation = Regulation()
    storage: Storage
    notifier: Notifier
    identity_providers: IdentityProviders | None = None


class Person(Strict):
    displayname: Annotated[str, Field(min_length=1)]
    password: str
    disabled: bool = False
    email: str | None = None
    groups: list[str] = Field(default_factory=list)


class Users(Strict):
    """The whole of users.yml: https://www.authelia.com/reference/guides/passwords/"""

    users: dict[str, Person] = Field(min_length=1)

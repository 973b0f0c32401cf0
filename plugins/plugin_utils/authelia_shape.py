# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The shape of Authelia's configuration: a key that is not in it, Authelia does not know, and does not start on.

From https://www.authelia.com/configuration/prologue/introduction/ and the pages below it, for 4.39. What it checks
beyond that is checked here too, since Authelia does not start on a mistake. Secrets come in files that environment
variables name (https://www.authelia.com/configuration/methods/secrets/), or on the host.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils import authelia_options as options
from ansible_collections.kronos.homelab.plugins.plugin_utils.authelia_oidc import IdentityProviders
from ansible_collections.kronos.homelab.plugins.plugin_utils.authelia_options import (
    Duration,
    Policy,
    Subject,
    Texts,
    Whole,
)
from ansible_collections.kronos.homelab.plugins.plugin_utils.model import Strict, wrong
from pydantic import Field, model_validator


class Server(Strict):
    address: str
    asset_path: str | None = None
    disable_healthcheck: bool = False
    buffers: options.Buffers = options.Buffers()
    timeouts: options.Timeouts = options.Timeouts()
    tls: dict[str, Any] | None = None
    headers: options.Headers = options.Headers()
    endpoints: options.Endpoints = options.Endpoints()


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
    allowed_algorithms: list[str] = Field(default_factory=list)
    allowed_digits: list[int] = Field(default_factory=list)
    allowed_periods: list[int] = Field(default_factory=list)
    disable_reuse_security_policy: bool = False


class Webauthn(Strict):
    disable: bool = False
    enable_passkey_login: bool = False
    display_name: str = "Authelia"
    timeout: Duration = "60s"
    attestation_conveyance_preference: Literal["none", "indirect", "direct"] = "indirect"
    experimental_enable_passkey_uv_two_factors: bool = False
    experimental_enable_passkey_upgrade: bool = False
    selection_criteria: dict[str, str] = Field(default_factory=dict)
    metadata: dict[str, Any] = Field(default_factory=dict)
    filtering: dict[str, Any] = Field(default_factory=dict)


class Ntp(Strict):
    address: str = "udp://time.cloudflare.com:123"
    version: Literal[3, 4] = 4
    max_desync: Duration = "3s"
    disable_startup_check: bool = False
    disable_failure: bool = False


class Switch(Strict):
    disable: bool = False


class PasswordReset(Switch):
    custom_url: str = ""


class FilePassword(Strict):
    """Beside the algorithm, each may have its own costs: here hashes are made by the host, and told by themselves."""

    algorithm: Literal["argon2", "sha2crypt", "pbkdf2", "bcrypt", "scrypt"] = "argon2"
    argon2: dict[str, Any] = Field(default_factory=dict)
    sha2crypt: dict[str, Any] = Field(default_factory=dict)
    pbkdf2: dict[str, Any] = Field(default_factory=dict)
    bcrypt: dict[str, Any] = Field(default_factory=dict)
    scrypt: dict[str, Any] = Field(default_factory=dict)


class FileBackend(Strict):
    path: str
    watch: bool = False
    password: FilePassword = FilePassword()
    search: options.Search = options.Search()
    extra_attributes: dict[str, Any] = Field(default_factory=dict)


class Backend(Strict):
    password_reset: PasswordReset = PasswordReset()
    password_change: Switch = Switch()
    refresh_interval: Duration | Literal["always", "disable"] = "5m"
    file: FileBackend | None = None
    ldap: options.Ldap | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Backend:
        options.only_one(self, "file", "ldap")
        return self


class Rule(Strict):
    domain: Texts = Field(default_factory=list)
    domain_regex: Texts = Field(default_factory=list)
    policy: Policy
    resources: Texts = Field(default_factory=list)
    subject: Subject = Field(default_factory=list)
    methods: Texts = Field(default_factory=list)
    networks: Texts = Field(default_factory=list)
    query: list[Any] = Field(default_factory=list)

    @model_validator(mode="after")
    def _bypass_knows_nobody(self) -> Rule:
        if not self.domain and not self.domain_regex:
            raise wrong("domain or domain_regex: Authelia takes no rule without one", "neither")
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
    inactivity: Duration | None = None
    expiration: Duration | None = None
    remember_me: Duration | None = None

    @model_validator(mode="after")
    def _leads_elsewhere(self) -> Cookie:
        if self.default_redirection_url == self.authelia_url:
            raise wrong("another address than authelia_url", self.default_redirection_url)
        return self


class Session(Strict):
    name: str = "authelia_session"
    same_site: Literal["lax", "strict", "none"] = "lax"
    inactivity: Duration = "5m"
    expiration: Duration = "1h"
    remember_me: Duration = "1M"
    cookies: list[Cookie] = Field(min_length=1)
    redis: options.Redis | None = None


class Regulation(Strict):
    modes: list[Literal["user", "ip"]] = ["user"]
    max_retries: Whole = 3
    find_time: Duration = "2m"
    ban_time: Duration = "5m"


class Local(Strict):
    path: str


class Storage(Strict):
    local: Local | None = None
    postgres: options.Postgres | None = None
    mysql: options.Database | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Storage:
        options.only_one(self, "local", "postgres", "mysql")
        return self


class Filesystem(Strict):
    filename: str


class MailServer(Strict):
    address: str
    sender: str
    subject: str = "[Authelia] {title}"
    username: str | None = None
    password: str | None = None
    timeout: Duration = "5s"
    identifier: str = "localhost"
    startup_check_address: str | None = None
    disable_require_tls: bool = False
    disable_html_emails: bool = False
    disable_starttls: bool = False
    tls: options.Tls | None = None


class Notifier(Strict):
    disable_startup_check: bool = False
    template_path: str | None = None
    filesystem: Filesystem | None = None
    smtp: MailServer | None = None

    @model_validator(mode="after")
    def _is_one(self) -> Notifier:
        options.only_one(self, "filesystem", "smtp")
        return self


class Configuration(Strict):
    """The whole of configuration.yml."""

    theme: Literal["light", "dark", "grey", "oled", "auto"] = "light"
    certificates_directory: str | None = None
    default_2fa_method: Literal["", "totp", "webauthn", "mobile_push"] = ""
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
    identity_validation: options.IdentityValidation = options.IdentityValidation()
    duo_api: options.Duo | None = None
    telemetry: options.Telemetry = options.Telemetry()
    definitions: options.Definitions = options.Definitions()
    password_policy: options.PasswordPolicy = options.PasswordPolicy()
    privacy_policy: options.PrivacyPolicy = options.PrivacyPolicy()


class Person(Strict):
    displayname: Annotated[str, Field(min_length=1)]
    password: str
    disabled: bool = False
    email: str | None = None
    groups: list[str] = Field(default_factory=list)


class Users(Strict):
    """The whole of users.yml: https://www.authelia.com/reference/guides/passwords/"""

    users: dict[str, Person] = Field(min_length=1)

# SPDX-License-Identifier: GPL-3.0-or-later
"""The stand-in's reading of Authelia's configuration: what the real one does not start on, this one refuses too.

The keys are those of Authelia's own documentation for 4.39 (https://www.authelia.com/configuration/), written down here
apart from the collection's renderer.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

import yaml

LEAF: dict[str, Any] = {}


def leaves(names: str) -> dict[str, Any]:
    """Keys that have a value and nothing below."""
    return dict.fromkeys(names.split(), LEAF)


COOKIE = leaves("domain authelia_url default_redirection_url name same_site inactivity expiration remember_me")
CLIENT = leaves(
    "client_id client_name client_secret sector_identifier_uri public redirect_uris request_uris audience scopes"
    " grant_types response_types response_modes authorization_policy lifespan claims_policy consent_mode"
    " pre_configured_consent_duration require_pkce pkce_challenge_method require_pushed_authorization_requests"
    " token_endpoint_auth_method token_endpoint_auth_signing_alg allow_multiple_auth_methods requested_audience_mode"
    " userinfo_signed_response_alg id_token_signed_response_alg access_token_signed_response_alg jwks jwks_uri"
    " authorization_signed_response_alg introspection_signed_response_alg request_object_signing_alg"
)
TLS = leaves("server_name skip_verify minimum_version maximum_version certificate_chain private_key")
DATABASE = {**leaves("address database username password timeout schema servers"), "tls": TLS}
OIDC = {
    **leaves(
        "hmac_secret enable_client_debug_messages minimum_parameter_entropy enforce_pkce enable_pkce_plain_challenge"
        " enable_jwt_access_token_stateless_introspection discovery_signed_response_alg lifespans cors scopes"
        " pushed_authorizations require_pushed_authorization_requests"
    ),
    "jwks": leaves("key_id algorithm use key certificate_chain"),
    "authorization_policies": {"*": {**leaves("default_policy"), "rules": leaves("policy subject networks")}},
    "claims_policies": {
        "*": {
            **leaves("id_token id_token_audience_mode access_token"),
            "custom_claims": {"*": leaves("name attribute")},
        }
    },
    "clients": CLIENT,
}
KEYS: dict[str, Any] = {
    **leaves("theme default_2fa_method certificates_directory"),
    "server": {
        **leaves("address asset_path disable_healthcheck"),
        "tls": leaves("certificate key client_certificates"),
        "headers": leaves("csp_template"),
        "buffers": leaves("read write"),
        "timeouts": leaves("read write idle"),
        "endpoints": leaves("enable_pprof enable_expvars authz rate_limits"),
    },
    "log": leaves("level format file_path keep_stdout"),
    "duo_api": leaves("disable hostname integration_key secret_key enable_self_enrollment"),
    "definitions": leaves("network user_attributes"),
    "privacy_policy": leaves("enabled require_user_acceptance policy_url"),
    "telemetry": {"metrics": leaves("enabled address buffers timeouts")},
    "totp": leaves(
        "disable issuer algorithm digits period skew secret_size allowed_algorithms allowed_digits allowed_periods"
        " disable_reuse_security_policy"
    ),
    "webauthn": leaves(
        "disable enable_passkey_login display_name timeout attestation_conveyance_preference selection_criteria"
        " metadata filtering experimental_enable_passkey_uv_two_factors experimental_enable_passkey_upgrade"
    ),
    "ntp": leaves("address version max_desync disable_startup_check disable_failure"),
    "identity_validation": {
        "reset_password": leaves("jwt_lifespan jwt_algorithm jwt_secret"),
        "elevated_session": leaves(
            "code_lifespan elevation_lifespan characters require_second_factor skip_second_factor"
        ),
    },
    "authentication_backend": {
        **leaves("refresh_interval"),
        "password_reset": leaves("disable custom_url"),
        "password_change": leaves("disable"),
        "file": {
            **leaves("path watch search extra_attributes"),
            "password": leaves("algorithm argon2 scrypt pbkdf2 sha2crypt bcrypt"),
        },
        "ldap": {
            **leaves(
                "address implementation timeout start_tls pooling base_dn additional_users_dn users_filter"
                " additional_groups_dn groups_filter group_search_mode permit_referrals permit_unauthenticated_bind"
                " permit_feature_detection_failure user password attributes"
            ),
            "tls": TLS,
        },
    },
    "password_policy": {
        "standard": leaves(
            "enabled min_length max_length require_uppercase require_lowercase require_number require_special"
        ),
        "zxcvbn": leaves("enabled min_score"),
    },
    "access_control": {
        **leaves("default_policy"),
        "rules": leaves("domain domain_regex policy subject resources methods networks query"),
    },
    "session": {
        **leaves("secret name same_site inactivity expiration remember_me"),
        "cookies": COOKIE,
        "redis": {
            **leaves(
                "host port timeout max_retries username password database_index maximum_active_connections"
                " minimum_idle_connections high_availability"
            ),
            "tls": TLS,
        },
    },
    "regulation": leaves("modes max_retries find_time ban_time"),
    "storage": {**leaves("encryption_key"), "local": leaves("path"), "postgres": DATABASE, "mysql": DATABASE},
    "notifier": {
        **leaves("disable_startup_check template_path"),
        "filesystem": leaves("filename"),
        "smtp": leaves(
            "address timeout username password sender identifier subject startup_check_address disable_require_tls"
            " disable_starttls disable_html_emails tls"
        ),
    },
    "identity_providers": {"oidc": OIDC},
}
SECRETS = {
    "AUTHELIA_SESSION_SECRET_FILE": ("session", "secret"),
    "AUTHELIA_STORAGE_ENCRYPTION_KEY_FILE": ("storage", "encryption_key"),
    "AUTHELIA_IDENTITY_VALIDATION_RESET_PASSWORD_JWT_SECRET_FILE": (
        "identity_validation",
        "reset_password",
        "jwt_secret",
    ),
}
POLICIES = ("deny", "bypass", "one_factor", "two_factor")
DIGEST = re.compile(r"\$(argon2id|pbkdf2-sha512|2[aby]|6)\$.*")


def strange(data: Any, keys: dict[str, Any], path: str = "") -> list[str]:
    """The keys that Authelia does not know."""
    if isinstance(data, list):
        return [one for item in data for one in strange(item, keys, f"{path}[]")]
    if not isinstance(data, dict) or keys is LEAF:
        return []
    found = []
    for key, value in data.items():
        here = f"{path}.{key}" if path else str(key)
        if key not in keys and "*" not in keys:
            found.append(f"configuration key not expected: {here}")
        else:
            found += strange(value, keys.get(key, keys.get("*", LEAF)), here)
    return found


def load(path: str) -> tuple[dict[str, Any], list[str]]:
    """The configuration with its secrets, and everything that is wrong with it."""
    config = yaml.safe_load(Path(path).read_text())
    wrong = strange(config, KEYS)
    for variable in sorted(os.environ):
        if variable.startswith("AUTHELIA_") and variable not in SECRETS:
            wrong.append(f"configuration environment variable not expected: {variable}")
    for variable, place in SECRETS.items():
        if variable in os.environ:
            part = config
            for key in place[:-1]:
                part = part.setdefault(key, {})
            if place[-1] in part:
                wrong.append(f"secrets: {'.'.join(place)}: it is defined in multiple ways")
            part[place[-1]] = Path(os.environ[variable]).read_text().strip()
    return config, wrong + (missing(config) if not wrong else [])


def missing(config: dict[str, Any]) -> list[str]:
    """What Authelia wants to be there."""
    wrong = []
    if len(config.get("storage", {}).get("encryption_key", "")) < 20:
        wrong.append("storage: option 'encryption_key' must be 20 characters or longer")
    if not config.get("session", {}).get("secret"):
        wrong.append("session: option 'secret' is required")
    reset = config["authentication_backend"].get("password_reset", {}).get("disable", False)
    if not reset and not config.get("identity_validation", {}).get("reset_password", {}).get("jwt_secret"):
        wrong.append("identity_validation: reset_password: option 'jwt_secret' is required")
    control = config.get("access_control", {})
    rules, policy = control.get("rules") or [], control.get("default_policy", "deny")
    if not rules and policy not in ("one_factor", "two_factor"):
        wrong.append(f"access_control: 'default_policy' option '{policy}' is invalid: when no rules are specified")
    for number, rule in enumerate(rules, 1):
        if rule.get("policy") not in POLICIES or not rule.get("domain"):
            wrong.append(f"access_control: rule #{number}: options 'policy' and 'domain' are required")
        if rule.get("policy") == "bypass" and rule.get("subject"):
            wrong.append(f"access_control: rule #{number}: 'policy' option 'bypass' is not supported with a subject")
        for expression in rule.get("resources") or []:
            re.compile(expression)
    for cookie in config["session"].get("cookies") or [{}]:
        domain, url = cookie.get("domain", ""), cookie.get("authelia_url", "")
        host = re.sub(r"^https://([^:/]+).*$", r"\1", url)
        if "." not in domain:
            wrong.append(f"session: domain config: option 'domain' is not a valid cookie domain: {domain!r}")
        if not url.startswith("https://") or not host.endswith(f".{domain}"):
            wrong.append(f"session: domain config: option 'authelia_url' does not share a cookie scope with {domain!r}")
        if cookie.get("default_redirection_url") == url:
            wrong.append("session: domain config: 'default_redirection_url' is effectively equal to 'authelia_url'")
    if len({"filesystem", "smtp"} & set(config.get("notifier") or {})) != 1:
        wrong.append("notifier: you must ensure either the 'smtp' or 'filesystem' notifier is configured")
    provider = (config.get("identity_providers") or {}).get("oidc")
    return wrong + (missing_of_provider(provider) if provider is not None else [])


def missing_of_provider(provider: dict[str, Any]) -> list[str]:
    """The same of the OpenID Connect provider."""
    wrong = []
    if not provider.get("hmac_secret"):
        wrong.append("identity_providers: oidc: option 'hmac_secret' is required")
    keys = provider.get("jwks") or []
    if not keys or not all("PRIVATE KEY-----" in one.get("key", "") for one in keys):
        wrong.append("identity_providers: oidc: option 'jwks' is required, with private keys")
    policies = {"one_factor", "two_factor", *(provider.get("authorization_policies") or {})}
    for client in provider.get("clients") or []:
        name = client.get("client_id")
        if not DIGEST.fullmatch(client.get("client_secret", "")):
            wrong.append(f"identity_providers: oidc: clients: client '{name}': option 'client_secret' is plaintext")
        if client.get("authorization_policy") not in policies:
            wrong.append(f"identity_providers: oidc: clients: client '{name}': unknown 'authorization_policy'")
        if client.get("claims_policy") not in {None, *(provider.get("claims_policies") or {})}:
            wrong.append(f"identity_providers: oidc: clients: client '{name}': unknown 'claims_policy'")
    if not provider.get("clients"):
        wrong.append("identity_providers: oidc: option 'clients' must have one or more clients configured")
    return wrong


def load_users(path: str) -> tuple[dict[str, Any], list[str]]:
    """The users, and what is wrong with them."""
    data = yaml.safe_load(Path(path).read_text()) or {}
    keys = {"users": {"*": leaves("displayname password disabled email groups given_name family_name")}}
    wrong, users = strange(data, keys), data.get("users") or {}
    if not users:
        wrong.append("users: non zero value required")
    for name, user in users.items():
        if not DIGEST.fullmatch(user.get("password") or "") or not user.get("displayname"):
            wrong.append(f"users: {name}: displayname and a password digest are required")
    return users, wrong

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kronos_tls: where the proxy's certificates come from. One mode, and what belongs to it."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.model import AbsolutePath, Key, Line, Strict, Url, wrong
from pydantic import Field, model_validator

LETS_ENCRYPT = "https://acme-v02.api.letsencrypt.org/directory"

# lego's variables: https://go-acme.github.io/lego/dns/
Variable = Annotated[Line, Field(pattern=r"^[A-Z][A-Z0-9_]*$")]
# Go's templates would be read in Traefik's files; an address needs no braces.
Resolver = Annotated[Line, Field(pattern=r"^[A-Za-z0-9.-]+(:[0-9]{1,5})?$|^\[[0-9a-f:]+\](:[0-9]{1,5})?$")]
Provider = Annotated[Line, Field(pattern=r"^[a-z0-9]+$")]
Mail = Annotated[Line, Field(pattern=r"^[^@\s{}]+@[^@\s{}]+$")]
Pem = Annotated[str, Field(pattern=r"^(\s*-----BEGIN CERTIFICATE-----[A-Za-z0-9+/=\s]+-----END CERTIFICATE-----\s*)*$")]

_ACME = frozenset({"email", "server", "server_ca", "duration", "root_certificate"})
_KEYS: dict[str, frozenset[str]] = {
    "internal_ca": frozenset(),
    "acme_http": _ACME,
    "acme_dns": _ACME | {"provider", "environment", "secrets", "resolvers", "check_propagation"},
    "files": frozenset({"certificate", "key", "root_certificate"}),
}
_NEEDED: dict[str, tuple[str, ...]] = {"acme_dns": ("provider",), "files": ("certificate", "key")}


class Tls(Strict):
    """Where certificates come from."""

    mode: Literal["internal_ca", "acme_dns", "acme_http", "files"] = Field(
        "internal_ca",
        description="internal_ca: a root of our own on the host. acme_dns, acme_http: an ACME authority such as Let's "
        "Encrypt, which looks at a DNS record or asks at port 80. files: a certificate that lies on the host.",
    )
    email: Mail | None = Field(None, description="acme: where the authority writes to.")
    server: Url = Field(LETS_ENCRYPT, description="acme: directory of the authority.")
    server_ca: Pem = Field("", description="acme: certificate (PEM) that vouches for a directory of one's own.")
    duration: int = Field(
        2160, ge=1, le=87600, description="acme: hours that certificates are valid; says when they are renewed."
    )
    provider: Provider | None = Field(None, description="acme_dns: lego's name of the DNS provider, e.g. cloudflare.")
    environment: dict[Variable, Line] = Field(
        default_factory=dict, description="acme_dns: variables of the provider that are no secret."
    )
    secrets: dict[Variable, Key] = Field(
        default_factory=dict, description="acme_dns: variable -> its name in kronos_secrets.traefik."
    )
    resolvers: list[Resolver] = Field(
        default_factory=list, description="acme_dns: name servers that are asked whether the record is there."
    )
    check_propagation: bool = Field(True, description="acme_dns: wait until the record is seen.")
    certificate: AbsolutePath | None = Field(None, description="files: certificate with its chain (PEM) on the host.")
    key: AbsolutePath | None = Field(None, description="files: its key (PEM) on the host.")
    root_certificate: Pem = Field(
        "", description="Root (PEM) that clients trust, where it is none of the public ones: verify and probes use it."
    )

    @property
    def is_acme(self) -> bool:
        """Whether an ACME authority issues."""
        return self.mode.startswith("acme")

    @model_validator(mode="after")
    def _fits_the_mode(self) -> Tls:
        said = self.model_fields_set - {"mode"}
        strange = sorted(key for key in said - _KEYS[self.mode] if getattr(self, key) != _default(key))
        if strange:
            owners = " or ".join(mode for mode, keys in _KEYS.items() if strange[0] in keys)
            raise wrong(f"{strange[0]} only with the mode {owners}", f"{strange[0]} with {self.mode}")
        missing = [key for key in _NEEDED.get(self.mode, ()) if not getattr(self, key)]
        if missing:
            raise wrong(f"{' and '.join(missing)} beside it", f"the mode {self.mode} alone")
        twice = sorted(set(self.environment) & set(self.secrets))
        if twice:
            raise wrong("each variable once, in environment or in secrets", f"{twice[0]} in both")
        return self


def _default(key: str) -> Any:
    return Tls.model_fields[key].get_default(call_default_factory=True)

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The parts of a service record: each a small pydantic model with its descriptions (they go into the JSON Schema)."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from ansible_collections.kronos.homelab.plugins.plugin_utils.model import (
    AbsolutePath,
    Address,
    Duration,
    Id,
    Jmespath,
    Key,
    Line,
    Name,
    Port,
    RelativePath,
    Size,
    Strict,
    Url,
    UrlPath,
    matching,
    wrong,
)
from pydantic import AfterValidator, Discriminator, Field, Tag, WithJsonSchema, field_validator, model_validator


class User(Strict):
    """Who the container runs as."""

    uid: Id = Field(description="Numeric user id; owns the data folders.")
    gid: Id = Field(description="Numeric group id.")
    how: Literal["run", "puid"] = Field(
        "run",
        description="run: the engine starts the process so. puid: the image drops from root to PUID/PGID itself.",
    )


class SecretReference(Strict):
    """The value of a secret, by its name in `secrets`."""

    secret: Key = Field(description="Name of one of the service's secrets.")


SecretPath = Annotated[
    str, AfterValidator(matching(r"([a-z][a-z0-9-]*/)?[a-z][a-z0-9_-]*", "the name of a secret, or service/name"))
]


class Derived(Strict):
    """A secret that is made from another one, and anew when that changes."""

    from_: SecretPath = Field(
        alias="from", description="The other secret: a name of the same service, or service/name."
    )
    hash: Literal["argon2id", "bcrypt", "pbkdf2_sha512"] = Field(description="The password hash that is made of it.")


class Secret(Strict):
    """One secret: made once on the host, given in `kronos_secrets`, or derived from another one."""

    format: Literal["hex", "base64", "alphanumeric", "uuid", "passphrase", "rsa_key", "given"] = Field(
        "hex", description="How it is made; rsa_key: a private key (PEM); given: it must be in kronos_secrets."
    )
    length: int = Field(
        32, ge=8, le=1024, description="Length in characters (words for a passphrase: a fifth); unused for rsa_key."
    )
    derive: Derived | None = Field(None, description="Made from another secret; format and length say nothing then.")
    plain_env: Line | None = Field(
        None, description="Why the value must be a plain environment variable, which docker inspect shows."
    )


def _kind_of_value(value: Any) -> str:
    return "<secret>" if isinstance(value, (dict, SecretReference)) else "<plain>"


_SCALAR_SCHEMA = {"type": ["string", "number", "boolean"], "description": "A plain value."}


def _scalar(value: Any) -> Any:
    if not isinstance(value, (str, bool, int, float)):
        raise wrong("text, a number, true/false, or {secret: <name>}")
    return value


PlainValue = Annotated[Any, AfterValidator(_scalar), WithJsonSchema(_SCALAR_SCHEMA)]

EnvironmentValue = Annotated[
    Annotated[SecretReference, Tag("<secret>")] | Annotated[PlainValue, Tag("<plain>")],
    Discriminator(_kind_of_value),
]


Mode = Annotated[str, AfterValidator(matching(r"0[0-7]{3}", 'a quoted octal mode such as "0750"'))]


class Volume(Strict):
    """One mount. Exactly one of name, storage, files and host says where it comes from."""

    name: Key | None = Field(None, description="A folder of its own: <kronos_data_dir>/<service>/<name>.")
    storage: Name | None = Field(None, description="A share of kronos_storage.")
    path: RelativePath | None = Field(None, description="A folder below the share; only with storage.")
    files: Key | None = Field(None, description="A folder of rendered files; always read-only.")
    host: AbsolutePath | None = Field(None, description='A path of the host; needs reasons."volumes.<target>".')
    target: AbsolutePath = Field(description="Where the container sees it.")
    read_only: bool = Field(False, description="Mount it read-only.")
    mode: Mode | None = Field(
        None, description='Rights of a folder of its own, where the program sets others than "0750" itself.'
    )

    @model_validator(mode="after")
    def _one_source(self) -> Volume:
        sources = [key for key in ("name", "storage", "files", "host") if getattr(self, key) is not None]
        if len(sources) != 1:
            raise wrong("exactly one of name, storage, files, host", " and ".join(sources) or "none of them")
        if self.path is not None and self.storage is None:
            raise wrong("path only beside storage", f"path {self.path!r} beside {sources[0]}")
        if self.mode is not None and self.name is None:
            raise wrong("mode only beside name", f"mode {self.mode!r} beside {sources[0]}")
        return self


Reach = Annotated[Name, Field(description="Who may reach it: public, lan, vpn, or the name of a zone.")]


class PublishedPort(Strict):
    """One port on the host's own address, beside the proxy."""

    port: Port = Field(description="Port on the host.")
    target: Port | None = Field(None, description="Port in the container; default: the same.")
    protocol: Literal["tcp", "udp"] = Field("tcp", description="tcp or udp.")
    reach: Reach = Field(description="Who may reach it: public, lan, vpn, or the name of a zone.")
    address: Literal["any", "host"] = Field(
        "any", description="host: on kronos_address alone, so that another program may have the port on loopback."
    )


class HttpCheck(Strict):
    """An HTTP question whose answer tells that the service works."""

    port: Port = Field(description="Port in the container.")
    path: UrlPath = Field("/", description="Path to ask for.")
    expect: Jmespath | None = Field(None, description="JMESPath on the JSON answer that must hold.")
    status: list[Annotated[int, Field(ge=100, le=599)]] = Field(
        default_factory=list, description="Accepted status codes; default: any 2xx or 3xx."
    )
    address: Address = Field("127.0.0.1", description="Where it listens, seen from inside the container.")
    scheme: Literal["http", "https"] = Field("http", description="What it speaks.")

    @field_validator("status", mode="before")
    @classmethod
    def _one_status(cls, value: Any) -> Any:
        return [value] if isinstance(value, int) and not isinstance(value, bool) else value


class Health(Strict):
    """How to tell that the service works: one of http and command."""

    http: HttpCheck | None = Field(None, description="Asked inside the container's network.")
    command: str | list[str] | None = Field(None, description="Run in the container; must exit 0.")
    timeout: int | None = Field(
        None, ge=1, le=3600, description="Seconds until it must hold; default: kronos_health_timeout."
    )
    image_check: bool = Field(
        True, description="Beside http, the image's own check goes on; false where it asks for what is not there."
    )

    @model_validator(mode="after")
    def _one_check(self) -> Health:
        if (self.http is None) == (self.command is None):
            raise wrong("one of http and command", "both" if self.http else "neither")
        return self


class ReloadCall(Strict):
    """An HTTP call that makes the service read its files again."""

    port: Port = Field(description="Port in the container.")
    path: UrlPath = Field(description="Path to call.")
    method: Literal["POST", "PUT", "GET"] = Field("POST", description="HTTP method.")


class ReloadCheck(Strict):
    """What must hold after a reload."""

    http: HttpCheck = Field(description="Asked as for health.")


class Reload(Strict):
    """How the service takes changed files without a restart: one of signal, http and watch."""

    signal: Literal["HUP", "USR1", "USR2"] | None = Field(None, description="Signal to send.")
    http: ReloadCall | None = Field(None, description="HTTP call to make.")
    watch: bool = Field(False, description="The program watches its folder by itself.")
    check: ReloadCheck | None = Field(None, description="Proof that the new configuration was accepted.")

    @model_validator(mode="after")
    def _one_way(self) -> Reload:
        if sum((self.signal is not None, self.http is not None, self.watch)) != 1:
            raise wrong("exactly one of signal, http, watch: true")
        return self


class Metric(Strict):
    """One address that Prometheus scrapes."""

    port: Port = Field(description="Port in the container.")
    path: UrlPath = Field("/metrics", description="Path of the metrics.")
    address: Address | None = Field(None, description="Another address than the service's own.")


class Alert(Strict):
    """One alert rule beside those that every service gets."""

    alert: Annotated[Line, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$")] = Field(description="Name of the alert.")
    expr: str = Field(min_length=1, description="PromQL expression that fires.")
    for_: Duration = Field("5m", alias="for", description="How long it must hold.")
    severity: Literal["info", "warning", "critical"] = Field("warning", description="How urgent it is.")
    summary: Line = Field(description="One line for the reader.")


class Dump(Strict):
    """A database dump taken before the backup."""

    engine: Literal["postgres", "mariadb", "mysql", "mongodb", "redis", "sqlite"] = Field(
        description="Kind of database."
    )
    database: Line | None = Field(None, description="Database, or the file's path for sqlite; default: all.")
    user: Line | None = Field(None, description="User of the database.")
    secret: Key | None = Field(None, description="Secret with the user's password.")


class Backup(Strict):
    """What is kept of this service, and how often."""

    schedule: Literal["hourly", "daily", "weekly", "monthly"] = Field("daily", description="How often.")
    stop: bool = Field(False, description="Stop the service while its files are read.")
    dump: Dump | None = Field(None, description="A database dump instead of raw files.")
    exclude: list[Line] = Field(default_factory=list, description="Patterns that are not kept.")


class Tile(Strict):
    """The tile on the dashboard."""

    group: Line = Field(description="Heading under which it stands.")
    name: Line | None = Field(None, description="Default: the service's name with a capital letter.")
    subtitle: Line | None = Field(None, description="Default: the summary.")
    icon: Line | None = Field(None, description="Name of the icon; default: the service's name.")
    url: Url | None = Field(None, description="Default: the first route's address.")


class Limits(Strict):
    """Bounds of what the container may use."""

    memory: Size = Field("512m", description="Memory; the container is killed above it.")
    pids: int = Field(512, ge=1, le=1000000, description="Number of processes and threads.")
    cpus: float | None = Field(None, gt=0, le=1024, description="Number of processors.")


class External(Strict):
    """Something that runs elsewhere (a NAS, a router, a VM) and gets a route, a tile and a probe here."""

    url: Url = Field(description="Where it answers.")
    verify: bool = Field(True, description="Check its certificate.")

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Base of our pydantic models, and the checked kinds of text that records and settings are made of."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from typing import Annotated, Any

import jmespath
from ansible_collections.kronos.homelab.plugins.module_utils.printable import COMMANDING
from ansible_collections.kronos.homelab.plugins.plugin_utils import names
from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field
from pydantic_core import PydanticCustomError


class Strict(BaseModel):
    """A mapping whose keys are all known; anything else is a mistake."""

    model_config = ConfigDict(extra="forbid", use_attribute_docstrings=False, hide_input_in_errors=True)


def wrong(wanted: str, found: str | None = None) -> PydanticCustomError:
    """The error of our own checks; ``explain.py`` turns it into a problem with these very words."""
    return PydanticCustomError("kronos", "{wanted}", {"wanted": wanted, "found": found})


def matching(pattern: str, wanted: str) -> Callable[[str], str]:
    """A check that the whole text is of this form; *wanted* says it in words."""
    compiled = re.compile(pattern)

    def check(value: str) -> str:
        if not compiled.fullmatch(value):
            raise wrong(wanted)
        return value

    return check


def _dns_safe(value: str) -> str:
    if not names.is_dns_safe(value):
        raise wrong(names.DNS_SAFE_WANTED)
    return value


def _key_safe(value: str) -> str:
    if not names.is_key_safe(value):
        raise wrong(names.KEY_SAFE_WANTED)
    return value


def _host_name(value: str) -> str:
    if not names.is_host_name(value):
        raise wrong("a host name: labels of small letters, digits and inner hyphens, joined by dots")
    return value


def _image(value: str) -> str:
    try:
        names.parse_image(value)
    except ValueError as error:
        raise wrong(str(error)) from None
    return value


def _jmespath(value: str) -> str:
    try:
        jmespath.compile(value)
    except Exception as error:  # the library raises several kinds, some of them not its own
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise wrong(f"a JMESPath expression ({reason})") from None
    return value


def _cidr(value: str) -> str:
    try:
        return str(ipaddress.ip_network(value))
    except ValueError:
        pass
    try:
        loose = ipaddress.ip_network(value, strict=False)
    except ValueError:
        raise wrong("a network such as 192.168.1.0/24") from None
    raise wrong(f"a network without host bits, {loose}")


def _interface_address(value: str) -> str:
    try:
        if "/" not in value:
            raise ValueError
        return str(ipaddress.ip_interface(value))
    except ValueError:
        raise wrong("an address with its prefix length, such as 192.168.20.2/24") from None


def _ip(value: str) -> str:
    try:
        return str(ipaddress.ip_address(value))
    except ValueError:
        raise wrong("an IP address") from None


def _address(value: str) -> str:
    if re.fullmatch(r"[0-9.]+|.*:.*", value):
        return _ip(value)
    return _host_name(value.lower())


def _absolute(value: str) -> str:
    if not re.fullmatch(r"/[^:\\]*", value) or COMMANDING.search(value) or ".." in value.split("/"):
        raise wrong("an absolute path without '..', ':' and control characters")
    return value.rstrip("/") or "/"


def _relative(value: str) -> str:
    parts = value.split("/")
    if (
        not value
        or value.startswith("/")
        or re.search(r"[:\\]", value)
        or COMMANDING.search(value)
        or not {"", ".", ".."}.isdisjoint(parts)
    ):
        raise wrong("a relative path without '.', '..' and control characters")
    return value


def _registry(value: str) -> str:
    if value and not names.is_mirror(value):
        raise wrong("a registry such as registry.example:5000, perhaps with a path, or nothing")
    return value


def _one_line(value: str) -> str:
    if COMMANDING.search(value):
        raise wrong("text on one line, without control characters")
    return value


def _as_text(value: Any) -> Any:
    """YAML reads ``1.5`` or ``512`` as numbers where text is meant; booleans stay a mistake."""
    if isinstance(value, (int, float)) and not isinstance(value, bool):
        return str(value)
    return value


Name = Annotated[str, AfterValidator(_dns_safe)]
Key = Annotated[str, AfterValidator(_key_safe)]
HostName = Annotated[str, AfterValidator(_host_name)]
ImageName = Annotated[str, AfterValidator(_image)]
Jmespath = Annotated[str, AfterValidator(_jmespath)]
Cidr = Annotated[str, AfterValidator(_cidr)]
InterfaceAddress = Annotated[str, AfterValidator(_interface_address)]
Ip = Annotated[str, AfterValidator(_ip)]
Address = Annotated[str, AfterValidator(_address)]
AbsolutePath = Annotated[str, AfterValidator(_absolute)]
RelativePath = Annotated[str, AfterValidator(_relative)]
Line = Annotated[str, AfterValidator(_one_line)]
Registry = Annotated[str, AfterValidator(_registry)]
Port = Annotated[int, Field(ge=1, le=65535)]
Id = Annotated[int, Field(ge=0, le=4294967294)]
Size = Annotated[
    str,
    BeforeValidator(_as_text),
    AfterValidator(matching(r"(?=.*[1-9])[0-9]+(\.[0-9]+)?[bkmgBKMG]?[bB]?", "a size such as 512m or 1g")),
]
Duration = Annotated[
    str,
    BeforeValidator(_as_text),
    AfterValidator(matching(r"([0-9]+(ms|s|m|h|d|w|y))+|0", "a duration such as 30s or 5m")),
]
UrlPath = Annotated[
    str,
    # No quotes, backticks, spaces, braces: the text ends up in proxy rules and in URLs.
    AfterValidator(matching(names.URL_PATH, "a URL path that starts with /")),
]
Url = Annotated[
    str, AfterValidator(matching(names.URL, "a URL with http:// or https://, without quotes, braces and spaces"))
]
EnvironmentName = Annotated[
    str, AfterValidator(matching(r"[A-Za-z_][A-Za-z0-9_.-]*", "the name of an environment variable"))
]

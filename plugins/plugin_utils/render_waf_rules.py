# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""ModSecurity's rules: what all routes share around the OWASP core rule set, and what a single route changes.

Directives: https://github.com/owasp-modsecurity/ModSecurity/wiki/Reference-Manual-(v3.x)
Variables of the core rule set, versions 3.3 and 4: https://coreruleset.org/docs/
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ansible_collections.kronos.homelab.plugins.plugin_utils.render_base import RenderError

# The container's entry point links both to where its image has them (roles/waf/services/waf.yml).
CORE_RULES = "/tmp/rules"
UNICODE_MAP = "/tmp/unicode.mapping"

# The most text in the fields of a form, of JSON or of XML, and the most fields; files in a form do not count.
MOST_TEXT = 2 << 20
MOST_FIELDS = 10000

# What programs of a home use beside a browser's methods: REST, and WebDAV with its calendars.
METHODS = (
    *("GET", "HEAD", "POST", "OPTIONS", "PUT", "PATCH", "DELETE"),
    *("PROPFIND", "PROPPATCH", "MKCOL", "COPY", "MOVE", "LOCK", "UNLOCK", "REPORT", "SEARCH", "MKCALENDAR"),
)

# What uploads are sent as, beside forms, JSON and XML: nothing is parsed in them, so nothing can hide from a parser.
CONTENT_TYPES = (
    *("application/x-www-form-urlencoded", "multipart/form-data", "multipart/related", "multipart/mixed"),
    *("application/json", "application/json-patch+json", "application/merge-patch+json", "application/vnd.api+json"),
    *("application/ld+json", "application/activity+json", "application/cloudevents+json"),
    *("application/xml", "text/xml", "application/soap+xml", "application/csp-report", "application/reports+json"),
    *("application/octet-stream", "application/offset+octet-stream", "application/pdf", "application/zip"),
    *("application/gzip", "application/x-tar", "application/epub+zip", "application/x-bittorrent", "application/x-nzb"),
    *("text/plain", "text/markdown", "text/html", "text/csv", "text/calendar", "text/vcard", "application/x-ndjson"),
    *("image/jpeg", "image/png", "image/gif", "image/webp", "image/heic", "image/heif", "image/avif", "image/svg+xml"),
    *("image/x-adobe-dng", "image/tiff", "video/mp4", "video/quicktime", "video/webm", "video/x-matroska"),
    *("audio/mpeg", "audio/mp4", "audio/flac", "audio/ogg", "audio/wav", "audio/webm"),
)

_MAIN = """\
SecRuleEngine On
SecRequestBodyAccess On
SecRequestBodyLimitAction Reject
SecRequestBodyJsonDepthLimit 512
# Answers are streamed: what a service sends is not held back to be read.
SecResponseBodyAccess Off
SecTmpDir /tmp
SecDataDir /tmp
SecUploadKeepFiles Off
SecTmpSaveUploadedFiles Off
SecPcreMatchLimit 100000
SecPcreMatchLimitRecursion 100000
SecArgumentSeparator &
SecCookieFormat 0
SecStatusEngine Off
SecUnicodeMapFile {unicode} 20127

# One line of JSON for each request that a rule spoke of; no headers and no bodies: they carry passwords and cookies.
SecAuditEngine RelevantOnly
SecAuditLogRelevantStatus "^$"
SecAuditLogFormat JSON
SecAuditLogType Serial
SecAuditLog /dev/stdout
SecAuditLogParts AHZ

SecDefaultAction "phase:1,log,auditlog,pass"
SecDefaultAction "phase:2,log,auditlog,pass"

SecRule REQUEST_HEADERS:Content-Type "^(?:application(?:/soap\\+|/)|text/)xml" \\
    "id:200000,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=XML"
SecRule REQUEST_HEADERS:Content-Type "^application/json" \\
    "id:200001,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQUEST_HEADERS:Content-Type "^application/[a-z0-9.-]+[+]json" \\
    "id:200006,phase:1,t:none,t:lowercase,pass,nolog,ctl:requestBodyProcessor=JSON"
SecRule REQBODY_ERROR "!@eq 0" \\
    "id:200002,phase:2,t:none,log,auditlog,deny,status:400,msg:'The body is not what its type says',severity:2"
SecRule MULTIPART_STRICT_ERROR "!@eq 0" \\
    "id:200003,phase:2,t:none,log,auditlog,deny,status:400,msg:'The multipart body is not well formed',severity:2"
SecRule TX:/^MSC_/ "!@streq 0" \\
    "id:200005,phase:2,t:none,log,auditlog,deny,msg:'ModSecurity failed: %{{MATCHED_VAR_NAME}}'"

# Ten megabytes of JSON took a worker nine seconds: what is looked at word by word has a bound of its own.
SecRule ARGS_COMBINED_SIZE "@gt {words}" \\
    "id:100001,phase:2,t:none,log,auditlog,deny,status:413,msg:'More text than is looked at'"
SecRule &ARGS "@gt {fields}" \\
    "id:100002,phase:2,t:none,log,auditlog,deny,status:413,msg:'More fields than are looked at'"
SecRule REQBODY_PROCESSOR "@streq XML" \\
    "id:100003,phase:2,t:none,log,auditlog,deny,status:413,msg:'More XML than is looked at',chain"
    SecRule REQUEST_BODY_LENGTH "@gt {words}" "t:none"

SecAction "id:900990,phase:1,pass,t:none,nolog,setvar:tx.crs_setup_version=400"
SecAction "id:900200,phase:1,pass,t:none,nolog,setvar:'tx.allowed_methods={methods}'"
SecAction "id:900220,phase:1,pass,t:none,nolog,setvar:'tx.allowed_request_content_type={types}'"

Include {rules}/*.conf
"""


def main_rules() -> str:
    """Return the file of rules that all routes share."""
    return _MAIN.format(
        unicode=UNICODE_MAP,
        methods=" ".join(METHODS),
        types=" ".join(f"|{one}|" for one in CONTENT_TYPES),
        rules=CORE_RULES,
        words=MOST_TEXT,
        fields=MOST_FIELDS,
    )


def route_rules(name: str, waf: Mapping[str, Any]) -> list[str]:
    """Return the directives of one route, which come before the shared ones. Raises RenderError."""
    level = _number(name, "paranoia", waf["paranoia"], 1, 4)
    excluded = [_number(name, "exclude_rules", rule, 900000, 999999) for rule in waf["exclude_rules"]]
    limit = _number(name, "max_body", waf["max_body"], 1, 1 << 53)
    levels = ("paranoia_level", "executing_paranoia_level", "blocking_paranoia_level", "detection_paranoia_level")
    variables = ",".join(f"setvar:tx.{one}={level}" for one in levels)
    return [
        f"SecRuleEngine {'DetectionOnly' if waf['detect_only'] else 'On'}",
        f"SecRequestBodyLimit {limit}",
        f"SecRequestBodyNoFilesLimit {limit}",
        # Set before the core rule set looks; its names in version 3.3 and in 4.
        f'SecAction "id:100000,phase:1,pass,t:none,nolog,{variables}"',
        *(f"SecRuleRemoveById {rule}" for rule in sorted(set(excluded))),
    ]


def _number(name: str, key: str, value: Any, least: int, most: int) -> int:
    """Return the number; nothing else may stand in a directive."""
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise RenderError(f"routes.{name}.waf.{key}: a number from {least} to {most} is wanted, found {value!r}")
    return value

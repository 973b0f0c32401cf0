# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Cloudflare's API (v4) as we use it: pages, errors, limits of rate, answers that do not come or come cut.

Beside cloudflare.py this file runs on the host by itself (as ``kronos_cloudflare_api.py``). The token goes nowhere
but to the address that was given: no redirect is followed.
"""

from __future__ import annotations

import email.utils
import http.client
import ipaddress
import json
import math
import re
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Callable, Mapping
from typing import Any

Data = dict[str, Any]
Fetch = Callable[[str], str]
Answer = tuple[int, Mapping[str, str], bytes]
Send = Callable[[urllib.request.Request, float], Answer]

SECONDS = 20.0
TRIES = 4
LONGEST_WAIT = 60.0
WAIT_IN_ALL = 150.0
LARGEST = 16 * 1024 * 1024
MOST_PAGES = 500
NO_TOKEN = (6003, 6111, 9106, 9109, 10000, 10001)
GONE = 81044
ADDRESS = re.compile(rb"[0-9A-Fa-f.:]{7,45}")


class CloudflareError(Exception):
    """What the user must decide or repair; ``code`` is Cloudflare's own."""

    def __init__(self, text: str, code: int = 0) -> None:
        super().__init__(text)
        self.code = code


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_args: Any, **_named: Any) -> None:
        return None


def send(request: urllib.request.Request, seconds: float) -> Answer:
    """Send a request for real; an HTTP error is an answer like any other."""
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=seconds) as answer:
            return answer.status, _titled(answer.headers), answer.read(LARGEST)
    except urllib.error.HTTPError as error:
        with error:
            return error.code, _titled(error.headers), error.read(LARGEST)


def _titled(headers: Any) -> dict[str, str]:
    return {str(name).title(): str(value) for name, value in headers.items()}


class Client:
    """Requests to the API, each repeated while it makes sense."""

    def __init__(
        self,
        base: str,
        token: str,
        *,
        send: Send = send,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._base, self._token = base.rstrip("/"), token
        self._send, self._sleep, self._clock = send, sleep, clock
        self._left = WAIT_IN_ALL

    def listed(self, path: str, per_page: int) -> list[Data]:
        """Every entry of a list, page by page."""
        found: list[Data] = []
        for page in range(1, MOST_PAGES + 1):
            answer = self.call("GET", path, query={"page": page, "per_page": per_page})
            result = answer.get("result")
            if not isinstance(result, list):
                raise CloudflareError(f"GET {path}: an answer without a list")
            found += result
            pages = (answer.get("result_info") or {}).get("total_pages")
            if not result or (page >= pages if isinstance(pages, int) else len(result) < per_page):
                return found
        raise CloudflareError(f"GET {path}: more than {MOST_PAGES} pages")

    def call(
        self,
        method: str,
        path: str,
        *,
        query: Mapping[str, Any] | None = None,
        body: Mapping[str, Any] | None = None,
        gone_is_done: bool = False,
    ) -> Data:
        """One request; raises CloudflareError with Cloudflare's own words where it is refused."""
        what, last = f"{method} {path}", ""
        for number in range(TRIES):
            try:
                status, headers, content = self._send(self._request(method, path, query, body), SECONDS)
            except (OSError, http.client.HTTPException) as error:
                last = f"no answer ({getattr(error, 'reason', None) or error or type(error).__name__})"
                self._wait(2.0**number, what, last)
                continue
            if status == 429:
                last = "too many requests"
                self._wait(retry_after(headers.get("Retry-After"), self._clock()), what, last)
                continue
            answer = _parsed(content)
            if status >= 500 or answer is None:
                last = f"HTTP {status}" if status >= 400 else "an answer that is cut, or no JSON"
                self._wait(2.0**number, what, last)
                continue
            if status < 300 and answer.get("success") is True:
                return answer
            refusal = _error(what, status, answer)
            if gone_is_done and (status == 404 or refusal.code == GONE):
                return {}
            raise refusal
        raise CloudflareError(f"{what}: {last}, {TRIES} times")

    def _request(
        self, method: str, path: str, query: Mapping[str, Any] | None, body: Mapping[str, Any] | None
    ) -> urllib.request.Request:
        url = self._base + path + (f"?{urllib.parse.urlencode(query)}" if query else "")
        data = json.dumps(dict(body)).encode() if body is not None else None
        headers = {"Authorization": f"Bearer {self._token}", "Content-Type": "application/json"}
        return urllib.request.Request(url, data=data, method=method, headers=headers)

    def _wait(self, seconds: float, what: str, why: str) -> None:
        """Wait, but not longer in all than a run may take."""
        if seconds > self._left:
            raise CloudflareError(f"{what}: {why}, and no end within {WAIT_IN_ALL:.0f} s")
        self._left -= seconds
        self._sleep(seconds)


def retry_after(text: str | None, now: float) -> float:
    """Seconds to wait as a header says it, in seconds or as a date; within bounds, whatever it says."""
    try:
        seconds = float(text or "")
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(text or "").timestamp() - now
        except (TypeError, ValueError):
            seconds = 5.0
    return min(max(seconds, 1.0), LONGEST_WAIT) if not math.isnan(seconds) else 5.0


def _parsed(content: bytes) -> Data | None:
    try:
        answer = json.loads(content)
    except ValueError:
        return None
    return answer if isinstance(answer, dict) else None


def _error(what: str, status: int, answer: Data) -> CloudflareError:
    listed = [each for each in answer.get("errors") or [] if isinstance(each, dict)]
    code = next((each["code"] for each in listed if isinstance(each.get("code"), int)), 0)
    said = "; ".join(f"{each.get('message', 'no reason given')} ({each.get('code', 0)})" for each in listed)
    hint = ""
    if code in NO_TOKEN or status in (401, 403):
        hint = ". The token (kronos_secrets.cloudflare.token) needs Zone:Read and DNS:Edit for the zones of your names"
    return CloudflareError(f"{what}: {said or f'HTTP {status}'}{hint}", code)


def fetch(url: str) -> str:
    """The text at an address, by which a service tells ours."""
    status, _headers, content = send(urllib.request.Request(url, headers={"User-Agent": "kronos.homelab"}), 10.0)
    if status != 200:
        raise OSError(f"HTTP {status}")
    return content[:4096].decode("ascii", "replace")


def ask_address(service: str, family: int, fetch: Fetch) -> tuple[str, str]:
    """Our address as a service tells it, or why not: it must be a public one of this version of IP."""
    try:
        text = fetch(service)
    except (OSError, http.client.HTTPException, ValueError) as error:
        return "", str(getattr(error, "reason", None) or error or type(error).__name__)
    for word in ADDRESS.findall(text.encode()):
        try:
            address = ipaddress.ip_address(word.decode())
        except ValueError:
            continue
        if address.version == family and address.is_global and not address.is_multicast:
            return str(address), ""
    return "", f"no public IPv{family} address in its answer"


def read_token(path: str) -> str:
    """The token, from the secret store."""
    with open(path, encoding="utf-8") as stream:
        token = stream.read().strip()
    if not token or not token.isprintable() or " " in token:
        raise CloudflareError(f"{path}: holds no token")
    return token

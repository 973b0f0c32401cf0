# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Requests to Cloudflare: pages, waits within bounds, errors in its own words, a token that goes nowhere else."""

from __future__ import annotations

import http.client
import json
import urllib.error

import pytest
from ansible_collections.kronos.homelab.plugins.module_utils import cloudflare_api as api

GOOD = {"success": True, "errors": [], "result": []}
TOKEN = "very-secret"


class Server:
    """Answers what it is told, one after the other; an exception is raised instead."""

    def __init__(self, *answers):
        self.answers, self.asked, self.waited = list(answers), [], []

    def __call__(self, request, seconds):
        self.asked.append((request.get_method(), request.full_url, dict(request.header_items()), request.data))
        answer = self.answers.pop(0)
        if isinstance(answer, Exception):
            raise answer
        status, headers, body = answer
        return status, headers, body if isinstance(body, bytes) else json.dumps(body).encode()

    @property
    def client(self):
        return api.Client("https://api.example/v4/", TOKEN, send=self, sleep=self.waited.append, clock=lambda: 1000.0)


def limited(after=None):
    return 429, {"Retry-After": after} if after is not None else {}, {"success": False}


@pytest.mark.parametrize(
    ("troubles", "waits"),
    [
        ([], []),
        ([limited("7")], [7.0]),
        ([limited()], [5.0]),
        ([limited("soon")], [5.0]),
        ([limited("-5")], [1.0]),
        ([limited("nan")], [5.0]),
        ([limited("86400")], [60.0]),
        ([limited("Thu, 01 Jan 1970 00:16:52 GMT")], [12.0]),
        ([limited("Wed, 21 Oct 2099 07:28:00 GMT")], [60.0]),
        ([(502, {}, b"<html>")], [1.0]),
        ([(503, {}, {"success": False}), (200, {}, b'{"result": [')], [1.0, 2.0]),
        ([(200, {}, b"[]")], [1.0]),
        ([urllib.error.URLError("refused"), http.client.IncompleteRead(b""), TimeoutError()], [1.0, 2.0, 4.0]),
    ],
)
def test_what_passes_is_waited_for(troubles, waits):
    server = Server(*troubles, (200, {}, GOOD))
    assert server.client.call("GET", "/zones") == GOOD
    assert server.waited == waits


@pytest.mark.parametrize(
    ("answers", "said", "code"),
    [
        ([(502, {}, b"x")] * 4, "GET /zones: HTTP 502, 4 times", 0),
        ([limited("9999")] * 4, "GET /zones: too many requests, and no end within 150 s", 0),
        ([(200, {}, b"x")] * 4, "an answer that is cut, or no JSON, 4 times", 0),
        ([urllib.error.URLError("refused")] * 4, r"no answer \(refused\), 4 times", 0),
        ([(400, {}, {"errors": [{"code": 9004, "message": "No proxy."}]})], r"GET /zones: No proxy. \(9004\)$", 9004),
        ([(403, {}, {"errors": [{"code": 9109, "message": "Invalid"}]})], r"Invalid \(9109\). The token", 9109),
        ([(400, {}, {"errors": [{"code": 10000, "message": "Auth"}]})], "needs Zone:Read and DNS:Edit", 10000),
        ([(302, {"Location": "http://other"}, {})], "GET /zones: HTTP 302", 0),
        ([(200, {}, {"success": False, "errors": None})], "GET /zones: HTTP 200", 0),
        ([(400, {}, {"errors": ["x", {"code": "y"}]})], r"no reason given \(y\)", 0),
    ],
)
def test_what_stays_is_told(answers, said, code):
    server = Server(*answers)
    with pytest.raises(api.CloudflareError, match=said) as raised:
        server.client.call("GET", "/zones")
    assert raised.value.code == code
    assert TOKEN not in str(raised.value)
    assert not server.answers or "no end" in said


@pytest.mark.parametrize("answer", [(404, {}, {}), (400, {}, {"errors": [{"code": 81044, "message": "gone"}]})])
def test_what_is_gone_needs_no_removal(answer):
    assert Server(answer).client.call("DELETE", "/x", gone_is_done=True) == {}
    with pytest.raises(api.CloudflareError):
        Server(answer).client.call("DELETE", "/x")


@pytest.mark.parametrize("pages", [3, None])
def test_every_page_is_read(pages):
    info = {"total_pages": pages} if pages else {}
    full, last = [{"id": n} for n in range(5)], [{"id": 9}]
    server = Server(*((200, {}, {**GOOD, "result": part, "result_info": info}) for part in (full, full, last)))
    assert len(server.client.listed("/zones", per_page=5)) == 11
    assert [url for _method, url, _headers, _data in server.asked] == [
        f"https://api.example/v4/zones?page={page}&per_page=5" for page in (1, 2, 3)
    ]
    assert server.asked[0][2]["Authorization"] == f"Bearer {TOKEN}"


def test_a_list_that_is_none_or_never_ends():
    with pytest.raises(api.CloudflareError, match="an answer without a list"):
        Server((200, {}, {**GOOD, "result": {}})).client.listed("/zones", per_page=5)
    endless = [(200, {}, {**GOOD, "result": [{}] * 5, "result_info": {"total_pages": 10**9}})] * api.MOST_PAGES
    with pytest.raises(api.CloudflareError, match="more than 500 pages"):
        Server(*endless).client.listed("/zones", per_page=5)


@pytest.mark.parametrize(
    ("family", "text", "address", "reason"),
    [
        (4, "9.9.9.9\n", "9.9.9.9", ""),
        (4, "ip=9.9.9.9\nts=1\n", "9.9.9.9", ""),
        (6, "2620:00fe::00fe", "2620:fe::fe", ""),
        (4, "2620:fe::fe", "", "no public IPv4 address"),
        (6, "9.9.9.9", "", "no public IPv6 address"),
        (4, "192.168.1.1", "", "no public IPv4 address"),
        (4, "100.64.0.1", "", "no public IPv4 address"),
        (4, "224.0.0.1", "", "no public IPv4 address"),
        (6, "fe80::1", "", "no public IPv6 address"),
        (4, "<html>999.999.999.999</html>", "", "no public IPv4 address"),
    ],
)
def test_our_address(family, text, address, reason):
    found, said = api.ask_address("http://ip.example", family, lambda _url: text)
    assert found == address
    assert reason in said


@pytest.mark.parametrize(
    "error", [urllib.error.URLError("refused"), TimeoutError("late"), http.client.BadStatusLine("x")]
)
def test_nobody_tells_our_address(error):
    def fail(_url):
        raise error

    found, said = api.ask_address("http://ip.example", 4, fail)
    assert (found, bool(said)) == ("", True)


@pytest.mark.parametrize("text", ["", "  \n", "two words", "a\x00b"])
def test_what_is_no_token(tmp_path, text):
    (tmp_path / "token").write_text(text)
    with pytest.raises(api.CloudflareError, match="holds no token"):
        api.read_token(str(tmp_path / "token"))

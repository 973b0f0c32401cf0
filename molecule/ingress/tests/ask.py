# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs beside the lab host: ``ask.py SOURCE TARGET NAME PATH METHOD HEADERS COUNT`` asks over HTTPS, prints JSON."""

from __future__ import annotations

import http.client
import json
import socket
import ssl
import sys


def ask(source: str, target: str, name: str, path: str, method: str, headers: dict[str, str]) -> dict[str, object]:
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    try:
        raw = socket.create_connection((target, 443), 4, source_address=(source, 0))
        raw.settimeout(10)
        connection = http.client.HTTPSConnection(name)
        connection.sock = context.wrap_socket(raw, server_hostname=name)
        connection.request(method, path, headers=headers)
        answer = connection.getresponse()
        return {
            "status": answer.status,
            "body": answer.read().decode("utf-8", "replace"),
            "headers": {key.lower(): value for key, value in answer.getheaders()},
        }
    except OSError as error:
        return {"status": 0, "body": str(error), "headers": {}}


source, target, name, path, method, headers, count = sys.argv[1:]
for _each in range(int(count)):
    print(json.dumps(ask(source, target, name, path, method, json.loads(headers))))

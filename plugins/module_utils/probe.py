# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""HTTP questions asked inside a container's network namespace, each in a child that can be killed.

So a probe reaches listeners on internal networks, macvlan and loopback, needs no program in the image, and a
service that accepts and never answers cannot hold the run up.
"""

from __future__ import annotations

import ctypes
import http.client
import json
import os
import select
import signal
import ssl
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Protocol

from ansible_collections.kronos.homelab.plugins.module_utils.errors import KronosError
from ansible_collections.kronos.homelab.plugins.module_utils.stack_model import HttpProbe

CLONE_NEWNET = 0x40000000
LONGEST = 1 << 20
PATIENCE = 5.0


@dataclass(frozen=True)
class Answer:
    """What came back: a status and a body (*conceal* takes out what may not be quoted), or why nothing did."""

    status: int = 0
    body: str = ""
    error: str = ""
    conceal: Callable[[str], str] = field(default=str, repr=False, compare=False)

    @property
    def says(self) -> str:
        """In one line, as an error message quotes it."""
        if self.error:
            return self.error
        body = " ".join(self.conceal(self.body).split())
        return f"HTTP {self.status}: {body[:300]}" if body else f"HTTP {self.status}"


class Prober(Protocol):
    """``ask({name: (pid, probe)})``: one answer each, all asked at once."""

    def __call__(self, questions: Mapping[str, tuple[int, HttpProbe]]) -> dict[str, Answer]: ...


def ask(questions: Mapping[str, tuple[int, HttpProbe]], patience: float = PATIENCE) -> dict[str, Answer]:
    """Ask every question inside the network of the process with its pid; late children are killed."""
    children = {name: _start(pid, probe, patience) for name, (pid, probe) in questions.items()}
    deadline = time.monotonic() + patience + 1
    return {name: _collect(child, pipe, deadline, questions[name][1]) for name, (child, pipe) in children.items()}


def meets(probe: HttpProbe, answer: Answer) -> str:
    """Empty where *answer* is what *probe* wants; else what was wanted."""
    if answer.error:
        return "an answer"
    if probe.status:
        if answer.status not in probe.status:
            return f"HTTP {' or '.join(str(one) for one in probe.status)}"
    elif not 200 <= answer.status < 400:
        return "HTTP 2xx or 3xx"
    if not probe.expect:
        return ""
    try:
        document = json.loads(answer.body)
    except (ValueError, RecursionError):
        return f"JSON for `{probe.expect}`"
    return "" if truth(search(probe.expect, document)) else f"`{probe.expect}`"


def search(expression: str, document: Any) -> Any:
    """JMESPath; the library is imported only where a probe asks for it."""
    try:
        import jmespath
    except ImportError as error:
        raise KronosError(
            "Python's jmespath library is missing on the host (Debian: python3-jmespath; role `docker` installs it)"
        ) from error
    try:
        return jmespath.search(expression, document)
    except jmespath.exceptions.JMESPathError as error:
        raise KronosError(f"`{expression}`: {' '.join(str(error).split())}") from error


def truth(value: Any) -> bool:
    """JMESPath's own idea of truth: only false, null and what is empty is false; 0 is true."""
    return not (value is None or value is False or value in ("", [], {}))


def _start(pid: int, probe: HttpProbe, patience: float) -> tuple[int, int]:
    receive, send = os.pipe()
    child = os.fork()
    if child:
        os.close(send)
        return child, receive
    # Nothing of the parent may run here: no exit handlers, no buffers of its output.
    try:
        os.close(receive)
        found = _child(pid, probe, patience)
        data = json.dumps([found.status, found.body, found.error]).encode()
        while data:
            data = data[os.write(send, data) :]
    finally:
        os._exit(0)


def _child(pid: int, probe: HttpProbe, patience: float) -> Answer:
    try:
        enter_network(pid)
        return fetch(probe, patience)
    except (OSError, http.client.HTTPException, ValueError) as error:
        reason = getattr(error, "strerror", None) or str(error) or type(error).__name__
        return Answer(error=str(reason).lower())


def enter_network(pid: int) -> None:
    """Move this process into the network namespace of *pid* (os.setns came with Python 3.12 only)."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.open(f"/proc/{pid}/ns/net", os.O_RDONLY | os.O_CLOEXEC)
    if libc.setns(handle, CLONE_NEWNET):
        number = ctypes.get_errno()
        raise OSError(number, f"setns: {os.strerror(number)}")
    os.close(handle)


def fetch(probe: HttpProbe, patience: float) -> Answer:
    """Ask from here. Certificates are not checked: the service is known by its namespace."""
    connection: http.client.HTTPConnection
    if probe.scheme == "https":
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        connection = http.client.HTTPSConnection(probe.address, probe.port, timeout=patience, context=context)
    else:
        connection = http.client.HTTPConnection(probe.address, probe.port, timeout=patience)
    try:
        headers = {"User-Agent": "kronos-probe", "Accept": "*/*", "Connection": "close"}
        connection.request(probe.method, probe.path, headers=headers)
        response = connection.getresponse()
        return Answer(response.status, response.read(LONGEST).decode("utf-8", "replace"))
    finally:
        connection.close()


def _collect(child: int, pipe: int, deadline: float, probe: HttpProbe) -> Answer:
    data = bytearray()
    try:
        while True:
            left = deadline - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                os.kill(child, signal.SIGKILL)
                return Answer(error=f"no answer from port {probe.port} in time")
            block = os.read(pipe, 65536)
            if not block:
                break
            data += block
    finally:
        os.close(pipe)
        os.waitpid(child, 0)
    try:
        status, body, error = json.loads(data.decode())
    except ValueError:
        return Answer(error="the probe died")
    return Answer(status, body, f"{error} (port {probe.port})" if error else "")

# Copyright (c) 2026 The kronos.homelab authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client that asks a route again and again while something happens, and what it saw."""

from __future__ import annotations

import asyncio
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import labtest

PAUSE = 0.05
TIMEOUT = 20.0
Connection = tuple[asyncio.StreamReader, asyncio.StreamWriter]


@dataclass(frozen=True)
class Sample:
    """One request: when it was sent (seconds since the start), how long it took, and whether it was answered well."""

    sent: float
    took: float
    good: bool


@dataclass
class Samples:
    """All requests of one watch, in the order in which they were sent."""

    seen: list[Sample] = field(default_factory=list)

    @property
    def failed(self) -> int:
        """How many requests were not answered well."""
        return sum(not one.good for one in self.seen)

    @property
    def outage(self) -> float:
        """For how many seconds requests failed: from the first failed one's sending to the next good one's, summed."""
        total, since = 0.0, None
        for one in self.seen:
            if not one.good and since is None:
                since = one.sent
            elif one.good and since is not None:
                total, since = total + one.sent - since, None
        return total + (self.seen[-1].sent - since if since is not None else 0.0)

    @property
    def slowest(self) -> float:
        """Seconds that the slowest well answered request took."""
        return max((one.took for one in self.seen if one.good), default=0.0)


class Client:
    """Asks one route over connections that stay open, as browsers do: a handshake each time would load the machine.

    It asks where a version that never gets healthy answers 503.
    """

    def __init__(self, name: str) -> None:
        self.fqdn = f"{name}.{labtest.HOST}.localhost"
        self.address = labtest.address()
        self.context = ssl._create_unverified_context()
        self.idle: list[Connection] = []

    async def ask(self) -> bool:
        """Send one GET; whether it was answered by 200 within the limit."""
        try:
            return await asyncio.wait_for(self._exchange(), TIMEOUT)
        except (OSError, ValueError, asyncio.IncompleteReadError, asyncio.TimeoutError):
            return False

    async def _exchange(self) -> bool:
        reader, writer = self.idle.pop() if self.idle else await self._connect()
        try:
            writer.write(f"GET /health HTTP/1.1\r\nHost: {self.fqdn}\r\n\r\n".encode())
            status, *headers = (await reader.readuntil(b"\r\n\r\n")).decode().lower().split("\r\n")
            fields = dict(line.split(": ", 1) for line in headers if line)
            await reader.readexactly(int(fields["content-length"]))
        except BaseException:
            writer.close()
            raise
        self.idle.append((reader, writer))
        return status.split()[1] == "200"

    async def _connect(self) -> Connection:
        return await asyncio.open_connection(self.address, 443, ssl=self.context, server_hostname=self.fqdn)


async def _sample(client: Client, seen: list[Sample], stop: threading.Event) -> None:
    began, running = time.monotonic(), set()

    async def once() -> None:
        sent = time.monotonic()
        good = await client.ask()
        seen.append(Sample(sent - began, time.monotonic() - sent, good))

    while not stop.is_set():
        task = asyncio.ensure_future(once())
        running.add(task)
        task.add_done_callback(running.discard)
        await asyncio.sleep(PAUSE)
    await asyncio.gather(*running)
    for _reader, writer in client.idle:
        writer.close()


@contextmanager
def watching(name: str) -> Iterator[Samples]:
    """Ask for the route *name* every 50 ms until the block ends, without waiting for earlier answers."""
    samples, stop = Samples(), threading.Event()
    client = Client(name)
    thread = threading.Thread(target=lambda: asyncio.run(_sample(client, samples.seen, stop)))
    thread.start()
    try:
        yield samples
    finally:
        stop.set()
        thread.join()
        samples.seen.sort(key=lambda one: one.sent)

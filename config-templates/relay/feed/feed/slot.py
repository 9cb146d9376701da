"""
One mount in one slot of this Relay: the connection to the Icecast there.

A Relay's Icecast and NGINX stand in a slot. While listeners of a former slot are left, two of them run, or three. A
slot that is off refuses the connection, and is tried again. Each has its own place in the stream.
"""

import asyncio
import time
from collections.abc import Callable
from typing import NamedTuple

from feed import keeper, source
from feed.keeper import KeptSource, Memory, Place
from feed.problem import Problem, Refused

RETRY_SECONDS = 0.5
FAULTS = (OSError, Refused, TimeoutError)


class Where(NamedTuple):
    """The Icecast of a slot."""

    name: str
    port: int


class Stream(NamedTuple):
    """What Icecast is told of a mount."""

    mount: str
    content_type: str
    name: str
    """What Icecast shows as the stream's name."""


class Slot:
    def __init__(self, where: Where, stream: Stream, memory: Memory) -> None:
        self.where = where
        self.stream = stream
        self.memory = memory
        self.key = keeper.key(stream.mount, where.name)
        self.source: source.Source | None = None
        self.base = 0
        # Audio that is to be sent next.
        self.pending = b""
        # Where the process before has left it.
        self.kept: Place | None = None
        self.since = 0.0
        self.trying: asyncio.Task[None] | None = None
        self.retry_at = 0.0
        self.problem = Problem(f"{stream.mount}, slot {where.name}: ", "Icecast plays it")

    async def connect(self, burst: Callable[[], bytes]) -> None:
        """New listeners get their burst from what was sent before. Raises one of FAULTS."""
        stream = self.stream
        connection = await source.connect(self.where.port, stream.mount, stream.content_type, stream.name)
        self.source = source.Source(connection)
        self.base = source.written(connection)
        self.since = time.monotonic()
        keeper.keep(self.key, connection)
        self.pending = burst()
        self.problem.over()

    def try_to_connect(self, now: float, burst: Callable[[], bytes]) -> None:
        """In the background: the other slots go on meanwhile. Most slots are off most of the time."""
        if self.source or self.trying or now < self.retry_at:
            return
        self.retry_at = now + RETRY_SECONDS

        async def attempt() -> None:
            try:
                await self.connect(burst)
            except ConnectionRefusedError:
                # The slot is off.
                pass
            except FAULTS as reason:
                self.problem.tell(reason)
            finally:
                self.trying = None

        self.trying = asyncio.create_task(attempt())

    def resume(self, kept: KeptSource) -> None:
        self.source, self.base, self.kept = kept.source, kept.base, kept.place
        self.since = time.monotonic()

    def check(self) -> None:
        """Notices when Icecast has ended the connection."""
        if self.source:
            try:
                self.source.check()
            except OSError as reason:
                self.lose(reason)

    def send(self, count: int, title: bytes, place: Place, fill: bool = False) -> None:
        """Sends the first bytes of what is pending. `place`: of the whole output."""
        link = self.source
        if link is None or (not count and not link.unsent):
            return
        audio, self.pending = self.pending[:count], self.pending[count:]
        data = link.encode(audio, title, fill)
        position = link.position + len(data)
        self.memory.write(self.base, place._replace(position=position, phase=link.phase, cut=len(self.pending)))
        try:
            link.send(data)
        except OSError as reason:
            self.lose(reason)

    def lose(self, reason: Exception) -> None:
        self.problem.tell(reason)
        self.disconnect()

    def disconnect(self) -> None:
        if self.source:
            self.source.close()
            self.source = None
            keeper.forget(self.key)
        self.pending = b""

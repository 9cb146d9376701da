"""
Listens to one mount of one region, as a player does: it asks DNS for the region's name, connects to one of the
addresses over TLS, and decodes what comes. It has one connection at a time.
"""

import asyncio
import random
import ssl
import time
from collections.abc import Callable, Sequence

from ears import names, requests
from ears.decoder import Decoder, Stuck
from ears.requests import AWAY, Answer, Place, Refused
from ears.ring import CONTENT_TYPES, Ring
from ears.settings import Mount, Region, Settings
from ears.sound import Part, Sound
from ears.titles import Titles
from feed import icy
from feed.problem import Problem

# Without audio for so long, a player says that it has stopped.
ADVANCING_SECONDS = 5.0
# Without a byte for so long, a connection is given up.
SILENT_SECONDS = 15.0
RETRY_SECONDS = (1.0, 2.0, 4.0, 8.0, 15.0, 30.0)
# A connection that held for this long was a good one.
GOOD_SECONDS = 60.0
# Then a new one begins, at any of the region's Relays: what drains there is not kept, and a first byte is measured.
RENEW_SECONDS = 900.0
# What DNS has answered last is newer than the connection then.
SURE_SECONDS = 2 * names.ASK_SECONDS
# A Relay knows by then that a connection has ended.
ENDED_SECONDS = 0.5
MOST_BYTES = 1 << 16


class Listener:
    def __init__(
        self,
        settings: Settings,
        region: Region,
        mount: Mount,
        tls: ssl.SSLContext,
        ring: Ring,
        answered: Callable[[str], Sequence[str] | None],
    ) -> None:
        """`answered`: what DNS has answered last for a region's name, by region."""
        self.settings = settings
        self.region = region
        self.mount = mount
        self.tls = tls
        self.ring = ring
        self.answered = answered
        self.sound = Sound(settings.silence_db)
        self.titles = Titles()
        # The Relay that is heard, by address, while there is a connection with audio.
        self.address: str | None = None
        self.first_byte_seconds: float | None = None
        # The source that is heard, as the stream's titles say, if they do; and as its Relay does.
        self.said: str | None = None
        self.told: str | None = None
        self.problem = Problem(f"{region.region}{mount.path}: ", "is heard")
        self.clips = Problem(f"{region.region}{mount.path}: its clips: ", "are kept")

    async def run(self) -> None:
        """Listens for ever."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self.listen()
                # A player would have two connections for a moment here; Ears never have.
                failures = 0
                await asyncio.sleep(ENDED_SECONDS)
                continue
            except (*AWAY, Refused, Stuck) as reason:
                self.problem.tell(reason)
                failures = 0 if time.monotonic() - began > GOOD_SECONDS else failures + 1
            await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])

    @property
    def source(self) -> str | None:
        return self.said or self.told

    def advancing(self, now: float) -> bool:
        return self.address is not None and self.sound.at is not None and now - self.sound.at < ADVANCING_SECONDS

    async def listen(self) -> None:
        """One connection, until it is renewed. Raises AWAY, Refused or Stuck when it ends sooner."""
        began = time.monotonic()
        address, answer = await self._connect()
        decoder = Decoder(self.mount.codec, self._heard)
        try:
            interval = self._interval(answer)
            first = await self._read(answer)
            self.first_byte_seconds = time.monotonic() - began
            self.address, self.said, self.told = address, None, None
            self.titles.begin()
            self.ring.begin()
            await decoder.start()
            try:
                await self._take(answer, icy.Titles(interval), decoder, first)
            finally:
                await decoder.end()
        finally:
            self.address = None
            requests.close(answer.writer)
            self.ring.end()

    async def _connect(self) -> tuple[str, Answer]:
        """Any of the answers of DNS, and the next one where it does not let us in. Raises AWAY or Refused."""
        addresses = await names.resolve(self.region.name, self.settings.port)
        random.shuffle(addresses)
        for left, address in reversed(list(enumerate(addresses))):
            place = Place(address, self.settings.port, self.region.name, self.tls)
            try:
                answer = await requests.ask(place, self.mount.path, "Icy-MetaData: 1")
            except (*AWAY, Refused) as reason:
                self.problem.tell(f"{address}: {str(reason) or type(reason).__name__}")
                if not left:
                    raise
                continue
            if answer.status == 200:
                return address, answer
            requests.close(answer.writer)
            if not left:
                raise Refused(f"{address} answers {answer.status}")
        raise Refused(f"{self.region.name} has no address")

    def _interval(self, answer: Answer) -> int:
        """Bytes between titles. Raises Refused when there will be no audio of this mount."""
        kind, interval = answer.fields.get("content-type"), answer.fields.get("icy-metaint", "0")
        if kind != CONTENT_TYPES[self.mount.codec]:
            raise Refused(f"is {str(kind)[:40]!r}, not {CONTENT_TYPES[self.mount.codec]}")
        if not (interval.isascii() and interval.isdigit() and len(interval) < 10):
            raise Refused(f"has titles {interval[:20]!r} bytes apart")
        return int(interval)

    async def _read(self, answer: Answer) -> bytes:
        """Raises TimeoutError, or Refused at the end."""
        async with asyncio.timeout(SILENT_SECONDS):
            data = await answer.reader.read(MOST_BYTES)
        if not data:
            raise Refused(f"{self.address} ends the stream" if self.address else "there is no audio")
        return data

    async def _take(self, answer: Answer, titles: icy.Titles, decoder: Decoder, data: bytes) -> None:
        began = time.monotonic()
        until = began + RENEW_SECONDS * random.uniform(0.8, 1.2)
        while time.monotonic() < until and not (time.monotonic() - began > SURE_SECONDS and self._is_left()):
            for audio, text in titles.part(data):
                if audio:
                    self._keep(audio)
                    await decoder.decode(audio)
                if text is not None:
                    self.titles.hear(icy.title_of(icy.clean(text)), time.monotonic())
                    self.said = icy.source_of(text)
            if time.monotonic() - max(self.sound.at or 0.0, began) > SILENT_SECONDS:
                raise Stuck("what comes cannot be decoded")
            data = await self._read(answer)

    def _keep(self, audio: bytes) -> None:
        """For clips. A full disk is no reason to hear nothing."""
        try:
            self.ring.add(audio)
            self.clips.over()
        except OSError as reason:
            self.clips.tell(reason)

    def _is_left(self) -> bool:
        """Whether DNS answers this Relay no more: it may be waiting for its last listeners."""
        answered = self.answered(self.region.region)
        return bool(answered) and self.address not in (answered or ())

    def _heard(self, part: Part) -> None:
        self.sound.hear(part, time.monotonic())
        self.problem.over()

"""For the tests of the feed: frames that hold no sound, and an output whose time passes as the tests tell."""

import asyncio
import itertools
import math
import os
import random
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

import pytest
from feed import source
from feed.frames import Frame
from feed.output import LUMP_SECONDS, Output, Plan
from feed.slot import Stream, Where
from feed.track import Track

# Of the slots' Icecasts.
PORTS = {"a": 8000, "b": 8016}

# 24 ms each, as MP3 at 48 kHz.
SECONDS = 0.024
EACH_SECOND = 1 / SECONDS


def mp3(body: bytes = b"", kbps_at: int = 5, rate_at: int = 1, mono: bool = False) -> bytes:
    """A frame of MPEG-1 layer III: by default 64 kbit/s at 48 kHz, 192 bytes long."""
    kbps = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[kbps_at]
    length = 144 * kbps * 1000 // (44100, 48000, 32000)[rate_at]
    head = bytes([0xFF, 0xFB, kbps_at << 4 | rate_at << 2, 0xC0 if mono else 0x40])
    return head + body[: length - 4].ljust(length - 4, b"\0")


def adts(body: bytes, rate_at: int = 3) -> bytes:
    """A frame of AAC LC with two channels: by default at 48 kHz."""
    length = 7 + len(body)
    head = [0xFF, 0xF1, 1 << 6 | rate_at << 2, 2 << 6 | length >> 11, length >> 3 & 255, (length & 7) << 5 | 0x1F, 0xFC]
    return bytes(head) + body


def with_gains(gains: Sequence[int], mono: bool = False) -> bytes:
    """An MP3 frame with these gains: of both granules in mono, else left and right of the first, then of the second."""
    bits = 0
    first, width = (18, 59) if mono else (20, 59)
    for part, gain in enumerate(gains):
        bits |= gain << 256 - (first + width * part + 21) - 8
    return mp3(bits.to_bytes(32, "big"), mono=mono)


def parts_of(data: bytes, cuts: Iterable[int]) -> list[bytes]:
    """The data, cut at these places."""
    places = [0, *sorted(min(cut, len(data)) for cut in cuts), len(data)]
    return [data[begin:end] for begin, end in itertools.pairwise(places)]


def loudness(count: int, seed: int) -> list[int]:
    """Numbers as those of speech: they change at random, and remember what they were a moment before."""
    dice = random.Random(seed)
    numbers = []
    level = 0.0
    for _ in range(count):
        level = 0.8 * level + dice.gauss(0, 12)
        numbers.append(round(150 + level))
    return numbers


def noise(count: int, seed: int) -> list[int]:
    """Numbers of which none says anything of the next."""
    dice = random.Random(seed)
    return [dice.randrange(100, 200) for _ in range(count)]


def programme(name: str, count: int, numbers: Sequence[int] | None = None, first: int = 0) -> list[Frame]:
    """Frames that are all different, and say which they are."""
    numbers = numbers or loudness(2 * count, len(name))
    return [
        Frame(f"<{name} {first + at}>".encode(), SECONDS, (numbers[2 * at], numbers[2 * at + 1])) for at in range(count)
    ]


class FakeSource(source.Source):
    """Takes all that it is given."""

    def __init__(self) -> None:
        self.position = 0
        self.phase = 0
        self.title = b""
        self.unsent = b""
        self.audio = bytearray()
        # Titles, and after how many bytes of audio they came.
        self.titles: list[tuple[int, bytes]] = []
        self.broken = False

    def encode(self, audio: bytes, title: bytes, fill: bool = False) -> bytes:
        if not self.titles or self.titles[-1][1] != title:
            self.titles.append((len(self.audio), title))
        self.audio += audio
        return super().encode(audio, title, fill)

    def send(self, data: bytes) -> None:
        self.position += len(data)

    def check(self) -> None:
        if self.broken:
            raise OSError("Icecast has ended the connection")

    def close(self) -> None:
        pass


class FakeIcecast:
    """Stands in for the connections to the Icecasts of both slots; `source` is the last one to the first slot."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        # By the slots' ports.
        self.up = {PORTS["a"]}
        self.sources = {port: FakeSource() for port in PORTS.values()}

        async def connect(port: int, *_: object) -> int:
            if port not in self.up:
                raise ConnectionRefusedError("Icecast is down")
            return port

        def make(port: int) -> FakeSource:
            self.sources[port] = FakeSource()
            return self.sources[port]

        patch.setattr(source, "connect", connect)
        patch.setattr(source, "Source", make)
        patch.setattr(source, "written", lambda _: 0)

    @property
    def source(self) -> FakeSource:
        return self.of("a")

    def of(self, slot: str) -> FakeSource:
        return self.sources[PORTS[slot]]

    def stop(self, slot: str = "a") -> None:
        self.up.discard(PORTS[slot])
        self.of(slot).broken = True

    def start(self, slot: str = "a") -> None:
        self.up.add(PORTS[slot])


class Sender:
    """An upstream: brings its frames as time passes, from its burst on."""

    def __init__(self, track: Track, frames: Sequence[Frame], behind: float = 0.0, burst: float = 12.0) -> None:
        """`behind`: how much later than the others it brings the same moment; `burst`: what it sends at once."""
        self.track = track
        self.frames = frames
        self.behind = behind
        self.burst = burst
        self.sent = 0
        self.plays = True
        self.connected = False
        self.present = 0.0
        self.filler: list[Frame] = []
        # Frames that are read at a time.
        self.most = 10_000
        # What each connection begins with, as a Master's does.
        self.title = b"StreamTitle='Talk';StreamUrl='studio';"

    def pass_to(self, moment: float, now: float) -> None:
        """`moment`: seconds of the programme."""
        self.present = moment - self.behind
        if not self.plays:
            return
        due = max(0, math.floor(self.present * EACH_SECOND))
        if not self.connected:
            self.connected = True
            self.track.begin()
            self.track.title(self.title, now)
            self.sent = max(0, due - round(self.burst * EACH_SECOND))
        due = min(due, self.sent + self.most)
        count = max(0, due - self.sent)
        instead, self.filler = self.filler[:count], self.filler[count:]
        self.track.take([*instead, *self.frames[self.sent + len(instead) : due]], now, 1.0)
        self.sent = max(self.sent, due)

    def stop(self) -> None:
        """Falls silent, on an open connection."""
        self.plays = False

    def play(self) -> None:
        """Comes back, by a new connection."""
        self.plays, self.connected = True, False

    def leave_out(self, seconds: float) -> None:
        """What it sends from now on is as much later in the programme; earlier, where that is negative."""
        self.behind -= seconds
        self.sent += round(seconds * EACH_SECOND)

    def go_on(self, filler: list[Frame], behind: float) -> None:
        """Comes back on the open connection: with something else first, and then later than before."""
        self.plays, self.filler, self.behind = True, filler, behind
        self.sent = math.floor((self.present - behind) * EACH_SECOND)


class Studio:
    """An output, its upstreams and their time, which passes as the tests tell."""

    def __init__(
        self,
        folder: Path,
        patch: pytest.MonkeyPatch,
        programmes: Iterable[Sequence[Frame]],
        behind: Sequence[float] = (0.0, 0.0),
    ) -> None:
        """`behind`: how much later than the programme's present an upstream is."""
        self.now = 1000.0
        self.senders = [
            Sender(Track(name), frames, late) for name, frames, late in zip("ab", programmes, behind, strict=False)
        ]
        self.loop: Callable[[], list[Frame]] = lambda: programme("loop", 50)
        self.icecast = FakeIcecast(patch)
        slots = [Where(name, port) for name, port in PORTS.items()]
        plan = Plan(Stream("/main.mp3", "audio/mpeg", "Main"), slots, 1.0, 8.0, os.fspath(folder))
        self.output = Output(plan, [one.track for one in self.senders], self.read_loop)
        self.output.started = self.output.ticked = self.output.rested = self.output.rounds.at = self.now
        # Listeners came 30 s after the programme began: upstreams have a past to burst.
        self.programme_began = self.now - 30

    def sender(self, name: str) -> Sender:
        return next(sender for sender in self.senders if sender.track.name == name)

    def read_loop(self) -> list[Frame]:
        return self.loop()

    def tick(self) -> None:
        """What Output.run does each time."""
        self.now += LUMP_SECONDS
        for sender in self.senders:
            sender.pass_to(self.now - self.programme_began, self.now)
        self.step()

    def step(self) -> None:
        output = self.output
        output.keep_time(self.now)
        if output.begin(self.now):
            asyncio.run(self.whole_step())
        output.programme.look(self.now)
        output.rest(self.now)

    async def whole_step(self) -> None:
        await self.output.step(self.now)
        # What was begun in the background.
        await asyncio.sleep(0)

    def run(self, seconds: float) -> None:
        for _ in range(round(seconds / LUMP_SECONDS)):
            self.tick()

    def until(self, heard: str | None, most: float) -> float:
        """Runs until something is heard; how many seconds that took."""
        began = self.now
        while self.output.programme.heard != heard:
            assert self.now - began < most, f"{heard} is not heard after {most} s"
            self.tick()
        return self.now - began

    def behind(self) -> float:
        """By how much what was sent is late."""
        return self.output.due(self.now) - self.output.programme.history.end

    def lag(self) -> float:
        """By how much what was sent last is older than the programme's present."""
        return self.now - self.programme_began - self.heard()[-1][1] * SECONDS

    def heard_last(self, slot: str) -> bytes:
        """The end of what listeners in a slot got."""
        return bytes(self.icecast.of(slot).audio[-100:])

    def heard(self, slot: str = "a") -> list[tuple[str, int]]:
        """Which frames listeners in a slot got: the programme's name and the number in it."""
        frames = bytes(self.icecast.of(slot).audio).decode().strip("<>").split("><")
        return [(name, int(number)) for name, number in (frame.split() for frame in frames)]

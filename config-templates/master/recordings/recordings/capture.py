"""
Takes out of a stream that Icecast sends, and when each frame of it was played.

A connection begins with the last seconds that Icecast has: by their bytes a new connection goes on where the last one
ended. A frame comes when it has been played, or later. So of all frames, the one that came earliest tells the time of
all, also of what Icecast sent at once, or late.
"""

import collections
import secrets
import time
from collections.abc import Callable
from typing import NamedTuple, Protocol

from feed import icy
from feed.frames import Frame, FrameCutter
from recordings.takes import TAKE_SECONDS, Title

# How long what came is looked at before its time is known. Icecast's burst is here by then.
SETTLE_SECONDS = 2.0
# A pause as long may be one in which the Master left audio out.
STALL_SECONDS = 1.0
# What may be missing in a reel: less is the punctuality of a machine.
LOST_SECONDS = 0.3
# So many frames, byte for byte, are found again in the next connection.
TAIL_FRAMES = 8
# The same bytes further away than this from where they are expected are other silence.
NEAR_SECONDS = 3.0
# So much that came as it was played tells when frames come.
TELLING_SECONDS = 5.0
# A clock that was set back does not make a take longer than this.
LONGEST_TAKE_SECONDS = TAKE_SECONDS + 5


class Writer(Protocol):
    """Where takes go; see `spool.Roll`."""

    def begin(self, reel: str, position: float, start: float, title: Title) -> None: ...

    def write(self, data: bytes) -> None: ...

    def entitle(self, title: Title) -> None: ...

    def end(self, start: float, seconds: float) -> None: ...


class Held(NamedTuple):
    frame: Frame
    at: float
    title: Title


class Capture:
    """One channel's. Times are those of a steady clock, but for what a writer is told: seconds since 1970."""

    def __init__(self, content_type: str, writer: Writer, wall: Callable[[], float] = time.time) -> None:
        self.content_type = content_type
        self.writer = writer
        self.wall = wall
        self.title = Title(0, "", None)
        self.titles = icy.Titles(0)
        self.cutter = FrameCutter(content_type)
        self.tail: collections.deque[bytes] = collections.deque(maxlen=TAIL_FRAMES)
        # The reel, where its next frame belongs, and when its beginning was played.
        self.reel: str | None = None
        self.position = 0.0
        self.began = 0.0
        # What came since the connection began, or since a stall, while its time is not known.
        self.settling = False
        self.fresh = True
        self.held: list[Held] = []
        self.last_arrival: float | None = None
        # The take that is open: its length, its place in the reel, its end on the clock.
        self.open = False
        self.seconds = 0.0
        self.take_position = 0.0
        self.boundary = 0.0
        self.ahead = 0.0
        self.live_seconds = 0.0
        self.earliest = float("inf")
        self.told: tuple[str, str | None] = ("", None)

    def resume(self, reel: str, position: float, end: float, tail: list[bytes], now: float) -> None:
        """Goes on with a reel of another process, whose last frame was played at `end`, in seconds since 1970."""
        self.reel, self.position = reel, position
        self.began = end - (self.wall() - now) - position
        self.tail.extend(tail)

    def connected(self, interval: int) -> None:
        """`interval`: bytes of audio between two titles."""
        self.titles = icy.Titles(interval)
        self.cutter = FrameCutter(self.content_type)
        self.settling, self.fresh, self.held = True, True, []
        self.last_arrival = None

    def arrived(self, data: bytes, now: float) -> None:
        if not self.settling and self.last_arrival is not None and now - self.last_arrival >= STALL_SECONDS:
            self.settling, self.fresh, self.held = True, False, []
        self.last_arrival = now
        ahead = self.wall() - now
        for audio, text in self.titles.part(data):
            for frame in self.cutter.cut(audio):
                if self.settling:
                    self.held.append(Held(frame, now, self.title))
                else:
                    self._write(frame, self.title, ahead)
                    # It is what the time of the next take is known by.
                    self.live_seconds += frame.seconds
                    self.earliest = min(self.earliest, now - self.position)
            if text is not None:
                self.title = Title(0, icy.title_of(icy.clean(text)), icy.source_of(text))
        if self.settling and self.held and now - self.held[0].at >= SETTLE_SECONDS:
            self._settle(ahead)

    def disconnected(self) -> None:
        """What was not settled after a connection comes again with the next one."""
        if self.settling and not self.fresh and self.held:
            self._settle(self.wall() - self.held[-1].at)
        self.settling, self.held = False, []
        self._end()

    def _settle(self, ahead: float) -> None:
        """Decides where what is held belongs, and writes it."""
        held, self.held, self.settling = self.held, [], False
        starts = [0.0]
        for one in held:
            starts.append(starts[-1] + one.frame.seconds)
        began = min(one.at - end for one, end in zip(held, starts[1:], strict=True))
        first = 0
        if self.reel is not None:
            expected = self.began + self.position
            if not self.fresh:
                follows = abs(began - expected) <= LOST_SECONDS
            else:
                found = self._find_tail(held, [began + start for start in starts], expected)
                follows = found is not None
                # What was recorded already is not recorded again, were it by another encoder.
                first = found if found is not None else sum(began + end <= expected for end in starts[1:])
            if not follows:
                self.reel = None
        if self.reel is None:
            self._end()
            self.reel, self.position = secrets.token_hex(6), 0.0
        self.began = began + starts[first] - self.position
        for one in held[first:]:
            self._write(one.frame, one.title, ahead)

    def _find_tail(self, held: list[Held], starts: list[float], expected: float) -> int | None:
        """The number of the frame that follows the last one that was recorded."""
        tail = list(self.tail)
        if not tail:
            return None
        data = [one.frame.data for one in held]
        places = [
            number
            for number in range(len(tail), len(data) + 1)
            if data[number - 1] == tail[-1] and data[number - len(tail) : number] == tail
        ]
        nearest = min(places, key=lambda number: abs(starts[number] - expected), default=None)
        return nearest if nearest is not None and abs(starts[nearest] - expected) <= NEAR_SECONDS else None

    def _write(self, frame: Frame, title: Title, ahead: float) -> None:
        start = self.began + self.position + ahead
        if self.open and (start >= self.boundary or self.seconds >= LONGEST_TAKE_SECONDS):
            self._end()
            start = self.began + self.position + ahead
        if not self.open:
            self._begin(start, title, ahead)
        elif (title.title, title.source) != self.told:
            self.writer.entitle(Title(round(self.seconds, 3), title.title, title.source))
            self.told = (title.title, title.source)
        self.writer.write(frame.data)
        self.seconds += frame.seconds
        self.position += frame.seconds
        self.tail.append(frame.data)

    def _begin(self, start: float, title: Title, ahead: float) -> None:
        assert self.reel is not None
        self.open, self.seconds = True, 0.0
        self.live_seconds, self.earliest = 0.0, float("inf")
        self.take_position, self.ahead = self.position, ahead
        # Not a take of one frame, where the end of the last one was known a little better afterwards.
        self.boundary = ((start + 1) // TAKE_SECONDS + 1) * TAKE_SECONDS
        self.told = (title.title, title.source)
        self.writer.begin(self.reel, round(self.position, 6), start, Title(0, *self.told))

    def _end(self) -> None:
        if not self.open:
            return
        self.open = False
        if self.live_seconds >= TELLING_SECONDS:
            self.began = self.earliest
        self.writer.end(self.began + self.take_position + self.ahead, round(self.seconds, 6))

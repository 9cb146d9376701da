"""What one connection to an upstream has brought: the frames of its last seconds, when they came, and their titles."""

import bisect
from collections.abc import Sequence
from typing import NamedTuple

from feed.frames import Frame

# What a Master gives a new link, what a Relay is behind it, and what lining up needs.
KEPT_SECONDS = 24.0
# How long the latest frames are looked at to tell how punctual an upstream is. Longer than the pauses between its
# lumps.
PUNCTUAL_SECONDS = 4.0


class Title(NamedTuple):
    number: int
    """The frame from which on it holds."""
    text: bytes
    """As Icecast takes it."""
    source: str | None
    """What the Master plays from there on, if it says so."""


class Run:
    """Numbers of frames and seconds count from the beginning. A new run begins with the upstream's last seconds."""

    def __init__(self) -> None:
        self.first = 0
        self.frames: list[Frame] = []
        self.starts: list[float] = [0.0]
        self.arrivals: list[float] = []
        self.titles: list[Title] = []

    @property
    def following(self) -> int:
        """The number of the frame that comes next."""
        return self.first + len(self.frames)

    @property
    def start(self) -> float:
        return self.starts[0]

    @property
    def end(self) -> float:
        """Seconds of audio so far."""
        return self.starts[-1]

    def add(self, frames: Sequence[Frame], now: float) -> None:
        """Adds frames that arrived at the same time."""
        for frame in frames:
            self.frames.append(frame)
            self.starts.append(self.starts[-1] + frame.seconds)
            self.arrivals.append(now)
        self._forget()

    def _forget(self) -> None:
        old = bisect.bisect_right(self.starts, self.end - KEPT_SECONDS) - 1
        # Not for each frame: it moves all that stay.
        if old < 64:
            return
        del self.frames[:old], self.starts[:old], self.arrivals[:old]
        self.first += old
        while len(self.titles) > 1 and self.titles[1].number <= self.first:
            del self.titles[0]

    def frame(self, number: int) -> Frame | None:
        """The frame of a number, or None where it is not there yet. Raises LookupError where it is gone."""
        if number < self.first:
            raise LookupError(f"frame {number} is gone")
        at = number - self.first
        return self.frames[at] if at < len(self.frames) else None

    def start_of(self, number: int) -> float:
        return self.starts[number - self.first]

    def nearest(self, seconds: float) -> int:
        """The number of the frame that begins nearest to a place."""
        at = bisect.bisect_left(self.starts, seconds)
        if at and (at == len(self.starts) or seconds - self.starts[at - 1] < self.starts[at] - seconds):
            at -= 1
        return self.first + at

    def title_at(self, number: int) -> Title | None:
        """The title that holds at a frame."""
        held = None
        for title in self.titles:
            if title.number > number:
                break
            held = title
        return held

    def lead(self) -> float:
        """
        Seconds of audio minus the time at which they arrived, when the upstream was most punctual of late: `lead() +
        now` is where its audio should be now. There must be frames.
        """
        low = bisect.bisect_left(self.starts, self.end - PUNCTUAL_SECONDS)
        low = min(low, len(self.frames) - 1)
        return max(self.starts[at + 1] - self.arrivals[at] for at in range(low, len(self.frames)))

    def series(self, begin: float, end: float) -> tuple[list[int], float]:
        """The numbers of the frames in a range of seconds, and the place of the first one."""
        low = max(0, bisect.bisect_left(self.starts, begin))
        high = min(len(self.frames), bisect.bisect_right(self.starts, end) - 1)
        numbers = [number for frame in self.frames[low:high] for number in frame.series]
        return numbers, self.starts[min(low, len(self.starts) - 1)]

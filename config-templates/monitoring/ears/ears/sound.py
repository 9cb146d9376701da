"""What decoded audio sounds like: levels, silence, a dead side, loudness. It comes in tenths of a second."""

import collections
import math
from typing import NamedTuple

PART_SECONDS = 0.1
LEVEL_PARTS = 100
# Three minutes: of a shorter time, one song and the next would differ.
LOUDNESS_PARTS = 1800
# Of digital silence, whose level would be minus infinity.
FLOOR_DB = -120.0
# A side that far below the other one does not belong to a stereo picture.
DEAD_SIDE_DB = 40.0
# Nobody knows what was on air while nothing was heard for longer.
GAP_SECONDS = 5.0
# EBU R128: what is quieter does not count (ITU-R BS.1770-4).
ABSOLUTE_GATE, RELATIVE_GATE = -70.0, -10.0


class Part(NamedTuple):
    """A tenth of a second. Levels are RMS, in dB below full scale; `momentary` is EBU R128's, in LUFS."""

    left: float
    right: float
    momentary: float


class Sound:
    """Times are seconds of a steady clock, when a part was heard."""

    def __init__(self, silence_db: float) -> None:
        self.silence_db = silence_db
        self.levels: collections.deque[Part] = collections.deque(maxlen=LEVEL_PARTS)
        self.loudnesses: collections.deque[float] = collections.deque(maxlen=LOUDNESS_PARTS)
        self.at: float | None = None
        # When each side was last above silence; or when it was heard first, after a gap.
        self.sounded = [0.0, 0.0]

    def hear(self, part: Part, now: float) -> None:
        if self.at is None or now - self.at > GAP_SECONDS:
            self.sounded = [now, now]
            self.levels.clear()
        self.at = now
        part = Part(*(FLOOR_DB if math.isnan(level) else max(FLOOR_DB, level) for level in part))
        self.levels.append(part)
        self.loudnesses.append(part.momentary)
        for side, level in enumerate(part[:2]):
            if level >= self.silence_db:
                self.sounded[side] = now

    @property
    def silent_seconds(self) -> float:
        """How long the silence lasts that was heard last."""
        return 0.0 if self.at is None else self.at - max(self.sounded)

    @property
    def side_dead_seconds(self) -> float:
        """How long one side has been silent while the other is far above it: over 10 s, since both are in pauses."""
        if self.at is None:
            return 0.0
        for side, (one, other) in enumerate([self.sides(), self.sides()[::-1]]):
            if one < self.silence_db and one <= other - DEAD_SIDE_DB:
                return self.at - self.sounded[side]
        return 0.0

    def sides(self) -> tuple[float, float]:
        """Levels of left and right over 10 s."""
        return mean([part.left for part in self.levels]), mean([part.right for part in self.levels])

    def loudness(self) -> float:
        """EBU R128's integrated loudness of the last three minutes: its two gates, on blocks of 400 ms."""
        blocks = [block for block in self.loudnesses if block > ABSOLUTE_GATE]
        gate = mean(blocks) + RELATIVE_GATE
        return mean([block for block in blocks if block > gate])


def mean(levels: list[float]) -> float:
    """The level of all these together."""
    if not levels:
        return FLOOR_DB
    return max(FLOOR_DB, 10 * math.log10(sum(10 ** (level / 10) for level in levels) / len(levels)))

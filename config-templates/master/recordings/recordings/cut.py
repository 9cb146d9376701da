"""
Which takes make up a time, and their frames. One Master's recording is taken for as long as it has no hole. Where it
has one, the other's goes on.
"""

import dataclasses
from collections.abc import Iterable, Iterator, Sequence

from recordings.takes import Found, Take, Title, frames_of

# Positions of takes that follow each other differ by no more.
ROW_SECONDS = 0.01
# Nobody misses less: it is what two Masters' recordings may differ by where one goes on for the other.
JOINT_SECONDS = 0.25
# So much earlier than the end an end counts as the same.
SAME_END_SECONDS = 1.0


@dataclasses.dataclass
class Reel:
    """Takes that follow each other without a gap."""

    found: list[Found]

    @property
    def first(self) -> Take:
        return self.found[0].take

    @property
    def last(self) -> Take:
        return self.found[-1].take

    @property
    def start(self) -> float:
        return self.first.start

    @property
    def end(self) -> float:
        return self.last.end

    def follows(self, take: Take) -> bool:
        same = (take.master, take.disk, take.reel) == (self.last.master, self.last.disk, self.last.reel)
        return same and abs(take.position - self.last.position - self.last.seconds) <= ROW_SECONDS


@dataclasses.dataclass
class Part:
    """A time that is taken from one reel."""

    reel: Reel
    begin: float
    end: float


@dataclasses.dataclass
class Choice:
    parts: list[Part]
    missing: list[tuple[float, float]]
    """Times that nobody has."""


def reels_of(found: Iterable[Found]) -> list[Reel]:
    """Every take once, in rows."""
    known = {one.take.identity: one for one in found}
    reels: list[Reel] = []
    order = sorted(known.values(), key=lambda one: (one.take.master, one.take.disk, one.take.reel, one.take.position))
    for one in order:
        if reels and reels[-1].follows(one.take):
            reels[-1].found.append(one)
        else:
            reels.append(Reel([one]))
    return reels


def choose(reels: Sequence[Reel], begin: float, end: float, masters: Sequence[str]) -> Choice:
    """The fewest joints; of reels that reach as far, the one of the first Master in the list."""

    def rank(reel: Reel) -> int:
        return masters.index(reel.first.master) if reel.first.master in masters else len(masters)

    parts: list[Part] = []
    missing: list[tuple[float, float]] = []
    at = begin
    while at < end:
        there = [reel for reel in reels if reel.start <= at + JOINT_SECONDS and reel.end > at + JOINT_SECONDS]
        if not there:
            following = min((reel.start for reel in reels if reel.start > at), default=end)
            # What is left is shorter than a joint.
            if min(following, end) - at > JOINT_SECONDS:
                missing.append((at, min(following, end)))
            at = min(following, end)
            continue
        furthest = max(min(reel.end, end) for reel in there)
        best = min(
            (reel for reel in there if min(reel.end, end) >= furthest - SAME_END_SECONDS),
            key=lambda reel: (min(reel.end, end) < end - JOINT_SECONDS, rank(reel), -reel.end),
        )
        parts.append(Part(best, max(at, best.start), min(best.end, end)))
        at = parts[-1].end
    return Choice(parts, missing)


def audio_of(part: Part) -> Iterator[bytes]:
    """The whole frames of a part."""
    for one in part.reel.found:
        take = one.take
        if take.end <= part.begin or take.start >= part.end:
            continue
        audio = one.read()
        if take.start >= part.begin and take.end <= part.end:
            yield audio
            continue
        at = take.start
        kept = []
        for begin, end, seconds in frames_of(audio, take.codec):
            if part.begin <= at + seconds / 2 < part.end:
                kept.append(audio[begin:end])
            at += seconds
        yield b"".join(kept)


def titles_of(part: Part) -> Iterator[tuple[float, Title]]:
    """What was played in a part, and since when, in seconds since 1970."""
    last: tuple[str, str | None] | None = None
    for one in part.reel.found:
        for number, title in enumerate(one.take.titles):
            at = one.take.start + title.offset
            following = one.take.titles[number + 1 :]
            until = one.take.start + following[0].offset if following else one.take.end
            if until <= part.begin or at >= part.end or (title.title, title.source) == last:
                continue
            last = (title.title, title.source)
            yield max(at, part.begin), title

"""
The last minutes of a mount on the disk, as they were encoded, in files of 10 s that hold whole frames.

A file is named by when its first frame was heard and by when its connection began, in milliseconds since 1970:
`1764331200000-1764331000000.mp3`. A connection begins with some seconds that the one before has had already.
"""

import contextlib
import os
import re
import time
from collections.abc import Callable, Iterator
from typing import BinaryIO, NamedTuple

from feed.frames import Frame, FrameCutter, read_loop

KEPT_SECONDS = 300.0
FILE_SECONDS = 10.0
# 10 s of 320 kbit/s are 400 kB. What does not keep to time does not fill the disk either.
MOST_BYTES = 1 << 20
# Until what a connection begins with is here: its last frame is the one that was heard just now.
SETTLE_SECONDS = 1.0
MOST_FILES = round(KEPT_SECONDS / FILE_SECONDS) + 10
NAME = re.compile(r"([0-9]{13})-([0-9]{13})\.(mp3|aac)")

CONTENT_TYPES = {"mp3": "audio/mpeg", "aac": "audio/aac"}


class Piece(NamedTuple):
    """One file."""

    run: int
    start: float
    path: str


def pieces(folder: str) -> list[Piece]:
    """All files of a folder, one connection after the other."""
    try:
        found = [NAME.fullmatch(name) for name in os.listdir(folder)]
    except FileNotFoundError:
        return []
    return sorted(Piece(int(one[2]), int(one[1]) / 1000, os.path.join(folder, one[0])) for one in found if one)


class Ring:
    """Writes one mount's. Times are seconds since 1970."""

    def __init__(self, folder: str, codec: str, wall: Callable[[], float] = time.time) -> None:
        self.folder = folder
        self.codec = codec
        self.wall = wall
        self.cutter = FrameCutter(CONTENT_TYPES[codec])
        self.run = 0
        # What a connection began with.
        self.held: list[Frame] = []
        self.file: BinaryIO | None = None
        self.seconds = 0.0
        self.size = 0
        os.makedirs(folder, exist_ok=True)

    def begin(self) -> None:
        """A new connection."""
        self.end()
        self.held = []
        self.cutter = FrameCutter(CONTENT_TYPES[self.codec])
        self.run = round(self.wall() * 1000)

    def add(self, audio: bytes) -> None:
        """What came just now: it was heard up to now. Raises OSError where the disk does not take it."""
        frames = self.held + self.cutter.cut(audio)
        # Not where the clock was set back meanwhile.
        settling = 0 <= self.wall() - self.run / 1000 < SETTLE_SECONDS
        self.held = frames if settling else []
        if settling or not frames:
            return
        before = self.wall() - sum(frame.seconds for frame in frames)
        for frame in frames:
            if self.file is None or self.seconds >= FILE_SECONDS or self.size + len(frame.data) > MOST_BYTES:
                self.end()
                self._open(before)
            assert self.file is not None
            self.file.write(frame.data)
            self.size += len(frame.data)
            self.seconds += frame.seconds
            before += frame.seconds
        assert self.file is not None
        self.file.flush()

    def end(self) -> None:
        if self.file is not None:
            # A full disk has been told already.
            with contextlib.suppress(OSError):
                self.file.close()
        self.file, self.seconds, self.size = None, 0.0, 0

    def _open(self, start: float) -> None:
        self._forget()
        self.file = open(os.path.join(self.folder, f"{round(start * 1000)}-{self.run}.{self.codec}"), "wb")  # noqa: SIM115

    def _forget(self) -> None:
        """What is too old, what a clock that was set has left in the future, and what is too much."""
        now = self.wall()
        all_of_it = pieces(self.folder)
        for number, piece in enumerate(reversed(all_of_it)):
            if not now - KEPT_SECONDS - 2 * FILE_SECONDS < piece.start < now + 60 or number >= MOST_FILES:
                os.unlink(piece.path)


class Clip(NamedTuple):
    audio: bytes
    seconds: float


def cut(folder: str, codec: str, begin: float, seconds: float) -> Clip:
    """
    What was heard from a time on, without what a new connection repeats. It is shorter where nothing came, and empty
    without any of it.
    """
    audio: list[bytes] = []
    length, end, run, heard = 0.0, float("-inf"), -1, float("-inf")
    for piece, frames in placed(folder, codec):
        if piece.run != run:
            # Within a connection, no frame comes twice, however late it was.
            run, heard = piece.run, end
        at = piece.start
        for frame in frames:
            if begin <= at < begin + seconds and at > heard - frame.seconds / 2:
                audio.append(frame.data)
                length += frame.seconds
            at += frame.seconds
        end = max(end, at)
    return Clip(b"".join(audio), length)


def placed(folder: str, codec: str) -> list[tuple[Piece, list[Frame]]]:
    """
    The files with their frames. Each ends before the next one begins: audio that comes faster than real time, as a
    burst does, is older than its arrival.
    """
    found: list[tuple[Piece, list[Frame]]] = []
    for piece in reversed(pieces(folder)):
        if not found:
            latest = time.time()
        else:
            later, _ = found[-1]
            latest = later.start if later.run == piece.run else later.run / 1000
        frames = list(frames_of(piece.path, codec))
        start = min(piece.start, latest - sum(frame.seconds for frame in frames))
        found.append((piece._replace(start=start), frames))
    return found[::-1]


def frames_of(path: str, codec: str) -> Iterator[Frame]:
    """Those of a file, which may be gone by now, or end in the middle of one."""
    try:
        yield from read_loop(path, CONTENT_TYPES[codec])
    except (FileNotFoundError, ValueError):
        return

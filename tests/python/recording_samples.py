"""For the tests of recordings: frames that say when they were played, an Icecast in simulated time, and takes."""

import dataclasses
import struct
from collections.abc import Iterable, Sequence

from feed import icy
from feed_samples import SECONDS, mp3
from recordings.capture import Capture
from recordings.takes import Found, Take, Title, frames_of

# A whole hour. Steady clocks begin at 0 where this is now.
EPOCH = 1_764_352_800.0
INTERVAL = 4000


def frame(number: int) -> bytes:
    """The frame that is played SECONDS times its number after the beginning; it says so."""
    return mp3(struct.pack(">I", number).hex().encode())


def number_of(data: bytes) -> int:
    return struct.unpack(">I", bytes.fromhex(data[4:12].decode()))[0]


def numbers_in(audio: bytes) -> list[int]:
    return [number_of(audio[begin:end]) for begin, end, _seconds in frames_of(audio, "mp3")]


@dataclasses.dataclass
class Written:
    """A take as a writer got it."""

    reel: str
    position: float
    titles: list[Title]
    audio: bytes = b""
    start: float = 0.0
    seconds: float = 0.0

    @property
    def numbers(self) -> list[int]:
        return numbers_in(self.audio)

    def off(self) -> float:
        """How far its start is from when its first frame was played."""
        return self.start - EPOCH - self.numbers[0] * SECONDS


class Notes:
    """A writer that notes what it is told."""

    def __init__(self) -> None:
        self.takes: list[Written] = []
        self.open = False

    def begin(self, reel: str, position: float, start: float, title: Title) -> None:
        assert not self.open
        self.takes.append(Written(reel, position, [title], start=start))
        self.open = True

    def write(self, data: bytes) -> None:
        assert self.open
        self.takes[-1].audio += data

    def entitle(self, title: Title) -> None:
        assert self.open
        self.takes[-1].titles.append(title)

    def end(self, start: float, seconds: float) -> None:
        assert self.open
        self.takes[-1].start, self.takes[-1].seconds = start, seconds
        self.open = False


class World:
    """A Master that plays frame after frame, and an Icecast that has the last 16 s of them for whoever comes."""

    def __init__(self, frames: Sequence[bytes] | None = None) -> None:
        self.frames = frames
        self.now = 0.0
        self.step = 0.0
        self.titles: dict[int, bytes] = {}

    def wall(self) -> float:
        return EPOCH + self.now + self.step

    def frame(self, number: int) -> bytes:
        return frame(number) if self.frames is None else self.frames[number % len(self.frames)]

    def hear(
        self,
        capture: Capture,
        begin: float,
        end: float,
        burst: float = 16.0,
        stalls: Iterable[tuple[float, float]] = (),
        lost: Iterable[tuple[float, float]] = (),
    ) -> None:
        """
        One connection. In a stall nothing arrives, and all of it afterwards; what is lost never does.
        """
        self.now = begin
        capture.connected(INTERVAL)
        stream = Blocks(self)
        following = max(0, round((begin - burst) / SECONDS))
        while self.now < end:
            if not any(since <= self.now < until for since, until in stalls):
                data = b""
                while (following + 1) * SECONDS <= self.now:
                    if not any(since <= following * SECONDS < until for since, until in lost):
                        data += stream.add(following)
                    following += 1
                if data:
                    capture.arrived(data, self.now)
            self.now += 0.25
        capture.disconnected()


class Blocks:
    """Puts titles between the audio, as Icecast does."""

    def __init__(self, world: World) -> None:
        self.world = world
        self.left = INTERVAL
        self.text: bytes | None = None
        self.told: bytes | None = None

    def add(self, number: int) -> bytes:
        earlier = [at for at in self.world.titles if at <= number]
        self.text = self.world.titles[max(earlier)] if earlier else None
        data = self.world.frame(number)
        made = b""
        while len(data) >= self.left:
            made += data[: self.left]
            data = data[self.left :]
            self.left = INTERVAL
            made += icy.block(self.text) if self.text is not None and self.text != self.told else b"\0"
            self.told = self.text
        self.left -= len(data)
        return made + data


def take_of(
    numbers: range, master: str = "a", reel: str = "r", first: int = 0, off: float = 0.0, titles: tuple[Title, ...] = ()
) -> tuple[Take, bytes]:
    """A take of these frames; `first` is the number with which its reel begins, `off` how wrong its clock is."""
    audio = b"".join(frame(number) for number in numbers)
    take = Take(
        channel="main",
        master=master,
        disk=f"{ord(master):08x}",
        codec="mp3",
        reel=reel,
        position=round((numbers[0] - first) * SECONDS, 6),
        start=EPOCH + numbers[0] * SECONDS + off,
        seconds=round(len(numbers) * SECONDS, 6),
        size=len(audio),
        titles=titles or (Title(0, "", None),),
    )
    return take, audio


def found_of(take: Take, audio: bytes) -> Found:
    return Found(take, lambda: audio)

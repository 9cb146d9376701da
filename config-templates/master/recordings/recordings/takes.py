"""
What a Master records. A *take* is half a minute of a channel, or less. A *reel* is a row of takes that follow each
other without a gap. Positions count from its beginning.
"""

import dataclasses
import datetime
import json
import re
from collections.abc import Callable
from typing import Any

from feed.frames import CODECS, HEADER_BYTES

# Takes end on the clock. What was not uploaded yet when a Master dies is this much, and what it takes to upload it.
TAKE_SECONDS = 30
HOUR_SECONDS = 3600

CONTENT_TYPES = {"mp3": "audio/mpeg", "aac": "audio/aac"}

TAKE_KEY = re.compile(r"takes/([a-z0-9-]+)/([a-z0-9-]+)/\d{4}-\d\d-\d\d/\d\d/(\d+)\.([0-9a-f]+)\.take")
HOUR_KEY = re.compile(r"hours/([a-z0-9-]+)/([a-z0-9-]+)/(\d{4}-\d\d-\d\d)/(\d{6})\.([0-9a-f]+)\.json")


@dataclasses.dataclass(frozen=True)
class Title:
    offset: float
    """Seconds from the beginning of its take, or of its file."""
    title: str
    source: str | None
    """What the Master played, such as `studio`."""


@dataclasses.dataclass(frozen=True)
class Take:
    channel: str
    master: str
    disk: str
    """What tells two disks of one Master apart, old and new."""
    codec: str
    reel: str
    position: float
    """Seconds from the beginning of its reel."""
    start: float
    """When the Master played its first frame, in seconds since 1970."""
    seconds: float
    size: int
    """Bytes of audio."""
    titles: tuple[Title, ...] = ()

    @property
    def end(self) -> float:
        return self.start + self.seconds

    @property
    def hour(self) -> int:
        """When the hour began that most of it belongs to, in seconds since 1970."""
        return int((self.start + self.seconds / 2) // HOUR_SECONDS * HOUR_SECONDS)

    @property
    def identity(self) -> tuple[str, str, str, int]:
        """The same for every copy of a take."""
        return self.master, self.disk, self.reel, round(self.position * 100)


@dataclasses.dataclass(frozen=True)
class Found:
    """A take somewhere, and how its audio is read."""

    take: Take
    read: Callable[[], bytes]


def moment(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z"


def day_of(seconds: float) -> str:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC).strftime("%Y-%m-%d")


def take_name(take: Take) -> str:
    return f"{round(take.start * 1000)}.{take.disk}.take"


def take_key(take: Take) -> str:
    return f"{takes_prefix(take.master, take.channel, take.hour)}{take_name(take)}"


def takes_prefix(master: str, channel: str, hour: float) -> str:
    at = datetime.datetime.fromtimestamp(hour, datetime.UTC)
    return f"takes/{master}/{channel}/{at:%Y-%m-%d}/{at:%H}/"


def hour_key(first: Take) -> str:
    """Of the file that a take begins, without its ending."""
    at = datetime.datetime.fromtimestamp(max(first.start, first.hour), datetime.UTC)
    return f"hours/{first.master}/{first.channel}/{at:%Y-%m-%d}/{at:%H%M%S}.{first.disk}"


def hour_start(key: str) -> float | None:
    """When the file of such a key begins; None where it is no such key."""
    found = HOUR_KEY.fullmatch(key)
    if not found:
        return None
    return datetime.datetime.strptime(f"{found[3]}{found[4]}+0000", "%Y-%m-%d%H%M%S%z").timestamp()


def pack(take: Take, audio: bytes) -> bytes:
    """A take as one object: a line of JSON, then the audio."""
    return json.dumps({**dataclasses.asdict(take), "size": len(audio)}, ensure_ascii=False).encode() + b"\n" + audio


def unpack(content: bytes) -> tuple[Take, bytes]:
    """Raises ValueError when it is no take, or not all of it."""
    line, _, audio = content.partition(b"\n")
    try:
        take = from_json(json.loads(line))
    except (KeyError, TypeError) as reason:
        raise ValueError(f"it is no take: {reason!r}") from None
    if take.size != len(audio):
        raise ValueError(f"it holds {len(audio)} of {take.size} bytes")
    return take, audio


def from_json(told: dict[str, Any]) -> Take:
    titles = tuple(Title(one["offset"], one["title"], one["source"]) for one in told["titles"])
    fields = {field.name: told[field.name] for field in dataclasses.fields(Take) if field.name != "titles"}
    return Take(**fields, titles=titles)


def frames_of(audio: bytes, codec: str) -> list[tuple[int, int, float]]:
    """Where the whole frames of some audio are: begin, end, seconds. What is no frame ends it."""
    header_at = CODECS[CONTENT_TYPES[codec]].header
    frames = []
    at = 0
    while at + HEADER_BYTES <= len(audio):
        header = header_at(audio, at)
        if header is None or at + header.length > len(audio):
            break
        frames.append((at, at + header.length, header.seconds))
        at += header.length
    return frames

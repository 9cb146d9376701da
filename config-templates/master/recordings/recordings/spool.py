"""
Takes on a Master's disk, until they are at S3.

    <channel>/open.audio, open.json                the take that grows
    <channel>/takes/<hour>/<start>.<disk>.take     complete; .sent once it is at S3
    <channel>/hours/<name>.mp3, <name>.json        an hour that is over, in one file
"""

import contextlib
import dataclasses
import functools
import json
import os
import secrets
import shutil
from collections.abc import Callable, Iterator
from typing import BinaryIO

import files
from recordings import takes
from recordings.takes import Found, Take, Title

# Never filled by recordings: the system, its journal and the emergency shows need the rest.
RESERVE_BYTES = 1 << 30


def disk_of(home: str) -> str:
    """What tells this disk from that of another machine of the same name."""
    path = os.path.join(home, "disk")
    known = files.read_text(path)
    if not known:
        known = secrets.token_hex(4)
        files.write(path, known, 0o644)
    return known


def write_whole(path: str, content: bytes) -> None:
    """A file that is there whole or not at all, also after a power cut."""
    new = os.path.join(os.path.dirname(path), f".new-{os.path.basename(path)}")
    with open(new, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    os.rename(new, path)


class Spool:
    def __init__(self, home: str) -> None:
        self.home = home

    def channels(self) -> list[str]:
        with contextlib.suppress(FileNotFoundError):
            return sorted(one.name for one in os.scandir(self.home) if one.is_dir() and not one.name.startswith("."))
        return []

    def hours(self, channel: str) -> list[int]:
        """Hours of which there are takes, oldest first, in seconds since 1970."""
        return sorted(int(name) for name in self._names(channel, "takes") if name.isdigit())

    def hour_folder(self, channel: str, hour: int) -> str:
        return os.path.join(self.home, channel, "takes", str(hour))

    def takes(self, channel: str, hour: int) -> list[str]:
        """Paths of complete takes, sent or not, by their start."""
        folder = self.hour_folder(channel, hour)
        found = [name for name in self._names(channel, "takes", str(hour)) if name.endswith((".take", ".sent"))]
        return [os.path.join(folder, name) for name in sorted(found, key=lambda name: int(name.split(".")[0]))]

    def finished(self, channel: str) -> list[str]:
        """Paths of files of an hour, without their ending, oldest first."""
        names = sorted(name for name in self._names(channel, "hours") if name.endswith(".json") and name[0] != ".")
        return [os.path.join(self.home, channel, "hours", name.removesuffix(".json")) for name in names]

    def files(self) -> Iterator[tuple[str, os.stat_result]]:
        """All that counts, while others may take it away."""
        for folder, _folders, names in os.walk(self.home):
            for name in names:
                path = os.path.join(folder, name)
                with contextlib.suppress(FileNotFoundError):
                    yield path, os.stat(path)

    def size(self) -> int:
        return sum(status.st_size for _path, status in self.files())

    def trim(self, limit: int, say: Callable[[str], None]) -> None:
        """Keeps the spool within its limit, and the disk with room. First goes what is at S3 already, oldest first."""
        usage = shutil.disk_usage(self.home)
        too_much = max(self.size() - limit, RESERVE_BYTES - usage.free)
        if too_much <= 0:
            return

        def order(entry: tuple[str, os.stat_result]) -> tuple[bool, float]:
            return not entry[0].endswith(".sent"), entry[1].st_mtime

        candidates = [one for one in self.files() if "/takes/" in one[0] or "/hours/" in one[0]]
        for path, status in sorted(candidates, key=order):
            if too_much <= 0:
                return
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
                too_much -= status.st_size
                if not path.endswith(".sent"):
                    say(f"no room for recordings: {os.path.relpath(path, self.home)} goes before it was uploaded")

    def _names(self, *below: str) -> list[str]:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            return os.listdir(os.path.join(self.home, *below))
        return []

    # --- For who reads

    def found(self, channel: str) -> Iterator[Found]:
        """Every take of a channel that is here, also the one that grows."""
        for hour in self.hours(channel):
            for path in self.takes(channel, hour):
                with contextlib.suppress(FileNotFoundError, ValueError):
                    yield found_take(path)
        for path in self.finished(channel):
            with contextlib.suppress(FileNotFoundError, ValueError):
                yield from hour_takes(files.read_json(f"{path}.json"), functools.partial(read_part, path))
        grown = read_open(os.path.join(self.home, channel))
        if grown is not None:
            take, audio = grown
            yield Found(take, lambda: audio)


def read_take(path: str) -> tuple[Take, bytes]:
    """The uploader may rename it meanwhile. Raises ValueError when it is no take."""
    for name in (path, path.removesuffix(".take") + ".sent"):
        with contextlib.suppress(FileNotFoundError), open(name, "rb") as file:
            return takes.unpack(file.read())
    raise FileNotFoundError(path)


def found_take(path: str) -> Found:
    return Found(read_take(path)[0], lambda: read_take(path)[1])


def read_part(path: str, at: int, size: int) -> bytes:
    """A part of an hour's audio; `path` is without its ending."""
    for codec in takes.CONTENT_TYPES:
        with contextlib.suppress(FileNotFoundError), open(f"{path}.{codec}", "rb") as file:
            file.seek(at)
            return file.read(size)
    raise FileNotFoundError(path)


def hour_takes(told: dict, read: Callable[[int, int], bytes]) -> Iterator[Found]:
    """The takes of an hour's file, by what its JSON tells; `read` gives a part of its audio."""
    offset = 0.0
    titles = [Title(one["offset"], one["title"], one["source"]) for one in told["titles"]]
    held = Title(0, "", None)
    for one in told["takes"]:
        inside = [title for title in titles if offset <= title.offset < offset + one["seconds"]]
        own = [dataclasses.replace(title, offset=round(title.offset - offset, 3)) for title in inside]
        if not own or own[0].offset > 0:
            own.insert(0, dataclasses.replace(held, offset=0.0))
        held = own[-1]
        take = Take(
            channel=told["channel"],
            master=told["master"],
            disk=told["disk"],
            codec=told["codec"],
            reel=one["reel"],
            position=one["position"],
            start=one["start"],
            seconds=one["seconds"],
            size=one["size"],
            titles=tuple(own),
        )
        yield Found(take, functools.partial(read, one["at"], one["size"]))
        offset += one["seconds"]


def read_open(folder: str) -> tuple[Take, bytes] | None:
    """The take that grows, or that a killed recorder left: as many whole frames as there are."""
    try:
        begun = takes.from_json(files.recall(os.path.join(folder, "open.json")))
        with open(os.path.join(folder, "open.audio"), "rb") as file:
            audio = file.read()
    except (FileNotFoundError, KeyError, TypeError):
        return None
    frames = takes.frames_of(audio, begun.codec)
    if not frames:
        return None
    whole = audio[: frames[-1][1]]
    seconds = round(sum(one[2] for one in frames), 6)
    return dataclasses.replace(begun, seconds=seconds, size=len(whole)), whole


class Roll:
    """Writes one channel's takes. One thread's."""

    def __init__(self, spool: Spool, channel: str, master: str, codec: str, ended: Callable[[], None]) -> None:
        self.folder = os.path.join(spool.home, channel)
        self.spool = spool
        self.ended = ended
        self.template = {"channel": channel, "master": master, "disk": disk_of(spool.home), "codec": codec}
        self.take: Take | None = None
        self.file: BinaryIO | None = None
        os.makedirs(self.folder, exist_ok=True)

    def begin(self, reel: str, position: float, start: float, title: Title) -> None:
        facts = {"reel": reel, "position": position, "start": start, "seconds": 0.0, "size": 0}
        self.take = Take(**self.template, **facts, titles=(title,))  # type: ignore[arg-type]
        # Unbuffered: whoever kills the recorder loses nothing that it had.
        self.file = open(os.path.join(self.folder, "open.audio"), "wb", buffering=0)  # noqa: SIM115
        self._note()

    def write(self, data: bytes) -> None:
        assert self.file is not None
        self.file.write(data)

    def entitle(self, title: Title) -> None:
        assert self.take is not None
        self.take = dataclasses.replace(self.take, titles=(*self.take.titles, title))
        self._note()

    def end(self, start: float, seconds: float) -> None:
        assert self.take is not None
        assert self.file is not None
        self.file.close()
        with open(os.path.join(self.folder, "open.audio"), "rb") as file:
            audio = file.read()
        self._keep(dataclasses.replace(self.take, start=start, seconds=seconds, size=len(audio)), audio)
        self.take = self.file = None
        self.ended()

    def recover(self) -> tuple[Take, bytes] | None:
        """Keeps what a killed recorder left open. The newest take that is here, with its audio."""
        channel = self.template["channel"]
        left = read_open(self.folder)
        newest = self._newest(channel)
        if left is not None and (newest is None or newest[0].identity != left[0].identity):
            self._keep(*left)
            return left
        for name in ("open.json", "open.audio"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.folder, name))
        return newest

    def _newest(self, channel: str) -> tuple[Take, bytes] | None:
        for hour in reversed(self.spool.hours(channel)):
            for path in reversed(self.spool.takes(channel, hour)):
                with contextlib.suppress(FileNotFoundError, ValueError):
                    return read_take(path)
        return None

    def _note(self) -> None:
        assert self.take is not None
        text = json.dumps(dataclasses.asdict(self.take), ensure_ascii=False)
        files.write(os.path.join(self.folder, "open.json"), text, 0o644)

    def _keep(self, take: Take, audio: bytes) -> None:
        folder = self.spool.hour_folder(take.channel, take.hour)
        os.makedirs(folder, exist_ok=True)
        write_whole(os.path.join(folder, takes.take_name(take)), takes.pack(take, audio))
        for name in ("open.json", "open.audio"):
            with contextlib.suppress(FileNotFoundError):
                os.unlink(os.path.join(self.folder, name))

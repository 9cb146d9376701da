"""
What is on the disk goes to S3. Takes of the hour that is under way go one by one, so that a Master that dies leaves
them there. An hour that is over goes in one file, with its titles beside it; then its takes are taken away.
"""

import contextlib
import json
import os
import time
from collections.abc import Callable, Iterable
from typing import BinaryIO, Protocol

from recordings import spool, takes
from recordings.settings import Settings
from recordings.takes import Take, Title

LOOK_SECONDS = 5
# S3 is away: it is asked ever less often.
LONGEST_WAIT_SECONDS = 60
# The last take of an hour is complete by then.
HOUR_LATE_SECONDS = 60


class Store(Protocol):
    """What is asked of the bucket; see `bucket.Bucket`."""

    def put(self, key: str, file: BinaryIO, content_type: str) -> None: ...

    def delete(self, keys: Iterable[str]) -> None: ...


class Uploader:
    def __init__(self, kept: spool.Spool, store: Store, settings: Settings, say: Callable[[str], None]) -> None:
        self.spool = kept
        self.store = store
        self.settings = settings
        self.say = say
        self.uploaded: dict[str, float] = {}

    def clean(self) -> None:
        """What a power cut left of a file of an hour: its takes are here."""
        for channel in self.spool.channels():
            whole = {os.path.basename(path) for path in self.spool.finished(channel)}
            folder = os.path.join(self.spool.home, channel, "hours")
            with contextlib.suppress(FileNotFoundError):
                for name in os.listdir(folder):
                    if name.startswith(".new-") or name.rpartition(".")[0] not in whole:
                        os.unlink(os.path.join(folder, name))

    def work(self, now: float) -> None:
        """Uploads what is due. Raises Away."""
        for channel in self.spool.channels():
            for hour in self.spool.hours(channel):
                if now >= hour + takes.HOUR_SECONDS + HOUR_LATE_SECONDS:
                    self._finish(channel, hour)
        for channel in self.spool.channels():
            for hour in self.spool.hours(channel):
                for path in self.spool.takes(channel, hour):
                    if path.endswith(".take"):
                        self._send_take(path)
        for channel in self.spool.channels():
            for path in self.spool.finished(channel):
                self._send_hour(path)

    def _send_take(self, path: str) -> None:
        with contextlib.suppress(FileNotFoundError), open(path, "rb") as file:
            take = self._whole(path)
            if take is None:
                return
            self.store.put(takes.take_key(take), file, "application/octet-stream")
            os.rename(path, f"{path.removesuffix('.take')}.sent")
            self.uploaded[take.channel] = take.end

    def _whole(self, path: str) -> Take | None:
        try:
            return spool.read_take(path)[0]
        except ValueError as reason:
            self.say(f"{os.path.relpath(path, self.spool.home)} is taken away: {reason}")
            os.unlink(path)
            return None

    def _finish(self, channel: str, hour: int) -> None:
        """Makes a file of an hour that is over, for each codec that it was recorded in."""
        paths: dict[str, list[str]] = {}
        for path in self.spool.takes(channel, hour):
            with contextlib.suppress(FileNotFoundError):
                take = self._whole(path)
                if take is not None:
                    paths.setdefault(take.codec, []).append(path)
        for codec, of_codec in paths.items():
            self._join(channel, codec, of_codec)
        with contextlib.suppress(OSError):
            os.rmdir(self.spool.hour_folder(channel, hour))

    def _join(self, channel: str, codec: str, paths: list[str]) -> None:
        folder = os.path.join(self.spool.home, channel, "hours")
        os.makedirs(folder, exist_ok=True)
        new = os.path.join(folder, f".new-{codec}")
        index = Index()
        joined: list[str] = []
        with open(new, "wb") as file:
            for path in paths:
                with contextlib.suppress(FileNotFoundError):
                    take, audio = spool.read_take(path)
                    if index.add(take, path.endswith(".sent")):
                        file.write(audio)
                    joined.append(path)
            file.flush()
            os.fsync(file.fileno())
        if index.first is None:
            os.unlink(new)
            return
        name = os.path.join(folder, takes.hour_key(index.first).replace("/", "_"))
        os.rename(new, f"{name}.{codec}")
        spool.write_whole(f"{name}.json", json.dumps(index.told(), ensure_ascii=False).encode())
        for path in joined:
            for one in (path, path.removesuffix(".take") + ".sent"):
                with contextlib.suppress(FileNotFoundError):
                    os.unlink(one)

    def _send_hour(self, path: str) -> None:
        with open(f"{path}.json", "rb") as description:
            told = json.load(description)
            key = os.path.basename(path).replace("_", "/")
            audio = f"{path}.{told['codec']}"
            try:
                with open(audio, "rb") as file:
                    self.store.put(f"{key}.{told['codec']}", file, takes.CONTENT_TYPES[told["codec"]])
            except FileNotFoundError:
                # There was no room for it.
                os.unlink(f"{path}.json")
                return
            # Last: who finds it finds the audio, too.
            self.store.put(f"{key}.json", description, "application/json")
        self.store.delete(told["sent"])
        self.uploaded[told["channel"]] = max(one["start"] + one["seconds"] for one in told["takes"])
        for one in (f"{path}.json", audio):
            os.unlink(one)
        self.say(f"{key}.{told['codec']} is at S3: {told['seconds'] / 60:.1f} min")

    def metrics(self, reached: bool) -> str:
        """What the node exporter tells of it."""
        lines = [
            "# HELP aerial_recordings_s3_reached Whether the last attempt to upload recordings succeeded.",
            "# TYPE aerial_recordings_s3_reached gauge",
            f"aerial_recordings_s3_reached {int(reached)}",
        ]
        waiting = [(path, status) for path, status in self.spool.files() if waits(path)]
        lines += [
            "# HELP aerial_recordings_waiting_bytes Recordings on this disk that are not at S3 yet.",
            "# TYPE aerial_recordings_waiting_bytes gauge",
            f"aerial_recordings_waiting_bytes {sum(status.st_size for _path, status in waiting)}",
            "# HELP aerial_recordings_waiting_since_seconds When the oldest of them was written, or 0.",
            "# TYPE aerial_recordings_waiting_since_seconds gauge",
            f"aerial_recordings_waiting_since_seconds {min((one.st_mtime for _, one in waiting), default=0):.0f}",
            "# HELP aerial_recordings_uploaded_seconds When the newest audio that is at S3 was played.",
            "# TYPE aerial_recordings_uploaded_seconds gauge",
        ]
        lines += [
            f'aerial_recordings_uploaded_seconds{{channel="{channel}"}} {self.uploaded.get(channel, 0):.0f}'
            for channel in self.settings.channels
        ]
        return "\n".join(lines) + "\n"


def waits(path: str) -> bool:
    """Whether a file on the disk is a recording that is not at S3."""
    return path.endswith((".take", *(f".{codec}" for codec in takes.CONTENT_TYPES))) and "/.new-" not in path


class Index:
    """What the JSON of an hour's file tells: its takes, where they are in it, and the titles."""

    def __init__(self) -> None:
        self.first: Take | None = None
        self.known: set[tuple] = set()
        self.entries: list[dict] = []
        self.titles: list[dict] = []
        self.sent: list[str] = []
        self.last: Title | None = None
        self.size = 0
        self.seconds = 0.0

    def add(self, take: Take, sent: bool) -> bool:
        """Whether its audio belongs into the file; not where a crash left it twice. `sent`: whether S3 has it."""
        if sent:
            self.sent.append(takes.take_key(take))
        if take.identity in self.known:
            return False
        self.known.add(take.identity)
        self.first = self.first or take
        where = {"at": self.size, "size": take.size, "reel": take.reel, "position": take.position}
        self.entries.append({"start": round(take.start, 3), "seconds": take.seconds, **where})
        for title in take.titles:
            if self.last is None or (title.title, title.source) != (self.last.title, self.last.source):
                what = {"title": title.title, "source": title.source}
                at = takes.moment(take.start + title.offset)
                self.titles.append({"offset": round(self.seconds + title.offset, 3), "at": at, **what})
            self.last = title
        self.size += take.size
        self.seconds += take.seconds
        return True

    def told(self) -> dict:
        assert self.first is not None
        last = self.entries[-1]
        return {
            "channel": self.first.channel,
            "master": self.first.master,
            "disk": self.first.disk,
            "codec": self.first.codec,
            "start": takes.moment(self.first.start),
            "end": takes.moment(last["start"] + last["seconds"]),
            "seconds": round(self.seconds, 3),
            "titles": self.titles,
            "takes": self.entries,
            "sent": self.sent,
        }


def run(uploader: Uploader, away: type[Exception], write_metrics: Callable[[str], None]) -> None:
    """Uploads for ever. What is wrong is said once, and when it is over."""
    uploader.clean()
    problem: str | None = None
    wait = LOOK_SECONDS
    while True:
        try:
            uploader.work(time.time())
            if problem is not None:
                uploader.say("S3 takes recordings again")
            problem, wait = None, LOOK_SECONDS
        except away as reason:
            if problem is None:
                uploader.say(f"recordings wait on this disk: {reason}")
            problem, wait = str(reason), min(2 * wait, LONGEST_WAIT_SECONDS)
        write_metrics(uploader.metrics(problem is None))
        time.sleep(wait)

"""Which shows are kept for emergencies, and how they come and go. Installed beside `aerial-emergency`.

A kept file's name says all that matters of it, `<day of the show>.<when it was stored>.<SHA-256>.<ending>`: its order,
and what it must hold. It is in its folder from the moment when it is known to be good, and whole.
"""

import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import re
import shutil
import time
from collections.abc import Callable, Iterable, Iterator
from typing import BinaryIO, Protocol

import audio
import files

KEY = re.compile(r"shows/(\d{4})/(\d\d)/(\d\d)/([^/]+)/.*?(\.[A-Za-z0-9]+)")
NAME = re.compile(r"(\d{8}\.\d{8}T\d{6}Z)\.([0-9a-f]{64})(\.[a-z0-9]+)")
SHA256 = re.compile(r"[0-9a-f]{64}")
# Days with shows that are searched for one channel: each is a request, every ten minutes, for ever.
LOOK_BACK_DAYS = 100
# Never filled by shows: the system and its journal need the rest.
RESERVE_BYTES = 512 << 20
# Hashed in one run beside what has changed; a disk is not read for hours on end.
VERIFY_BYTES = 4 << 30


class Away(Exception):
    """S3 cannot be had, or not well; the text says why."""


class Gone(Exception):
    """A show that was listed is there no more."""


@dataclasses.dataclass(frozen=True)
class Listed:
    """A show as the bucket lists it; `modified` in seconds."""

    key: str
    size: int
    etag: str
    modified: float

    @property
    def identity(self) -> str:
        """Different for every version of a key."""
        return f"{self.etag} {self.modified:.3f}"


class Bucket(Protocol):
    """What is asked of the bucket of shows; see `aerial-emergency`."""

    def folders(self, prefix: str) -> list[str]: ...

    def objects(self, prefix: str) -> list[Listed]: ...

    def fetch(self, key: str, file: BinaryIO) -> tuple[dict[str, str], str]: ...


def hash_of(path: str) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def name_for(listed: Listed, sha256: str) -> str:
    year, month, day, _channel, ending = KEY.fullmatch(listed.key).groups()
    stored = datetime.datetime.fromtimestamp(listed.modified, datetime.UTC)
    return f"{year}{month}{day}.{stored:%Y%m%dT%H%M%SZ}.{sha256}{ending.lower()}"


def days(bucket: Bucket) -> Iterator[str]:
    """Prefixes of all days with shows, newest first, asked for as they are needed."""

    def down(prefix: str, digits: str) -> list[str]:
        found = [folder for folder in bucket.folders(prefix) if re.fullmatch(digits, folder[len(prefix) :])]
        return sorted(found, reverse=True)

    for year in down("shows/", r"\d{4}/"):
        for month in down(year, r"\d\d/"):
            yield from down(month, r"\d\d/")


class Days:
    """The same, asked once for all channels."""

    def __init__(self, bucket: Bucket) -> None:
        self.source = days(bucket)
        self.known: list[str] = []

    def __iter__(self) -> Iterator[str]:
        for index in range(LOOK_BACK_DAYS):
            while len(self.known) <= index:
                day = next(self.source, None)
                if day is None:
                    return
                self.known.append(day)
            yield self.known[index]


class Keeper:
    """The shows on this machine's disk. `problem(path)` says why audio cannot be played, or None."""

    def __init__(self, home: str, plan: dict, say: Callable[[str], None], problem: Callable[[str], str | None]) -> None:
        self.home = home
        self.plan = plan
        self.say = say
        self.problem = problem
        self.incoming = os.path.join(home, ".incoming")
        self.state_path = os.path.join(home, ".state.json")
        # By channel and key: `known`, the version here and its file; `refused`, a version that is no good, and why.
        # By file: `verified`, its marks when its hash was last found right, and when that was.
        self.state: dict = {"known": {}, "refused": {}, "verified": {}, **files.recall(self.state_path)}

    def remember(self) -> None:
        files.write(self.state_path, json.dumps(self.state), 0o644)

    def folder(self, channel: str) -> str:
        return os.path.join(self.home, channel)

    def kept(self, channel: str) -> dict[str, int]:
        """Sizes of the shows that are here, by name, oldest first. Files that people put there are theirs to mind."""
        sizes = {}
        with contextlib.suppress(FileNotFoundError):
            for name in sorted(os.listdir(self.folder(channel))):
                if NAME.fullmatch(name):
                    sizes[name] = os.path.getsize(os.path.join(self.folder(channel), name))
        return sizes

    # --- What is here

    def verify(self) -> None:
        """Takes away what does not hold what its name says: it has changed on the disk."""
        shutil.rmtree(self.incoming, ignore_errors=True)
        verified: dict[str, dict] = {}
        budget = VERIFY_BYTES
        kept = [(channel, name) for channel in self.plan["channels"] for name in self.kept(channel)]
        at = {pair: "/".join(pair) for pair in kept}
        before = self.state["verified"]
        # What was looked at longest ago comes first; what has been touched, in any case.
        for pair in sorted(kept, key=lambda one: before.get(at[one], {}).get("at", 0)):
            path = os.path.join(self.folder(pair[0]), pair[1])
            status = os.stat(path)
            marks = [status.st_size, status.st_mtime_ns, status.st_ctime_ns, status.st_ino]
            known = before.get(at[pair], {})
            if known.get("marks") == marks and budget <= 0:
                verified[at[pair]] = known
                continue
            budget -= status.st_size
            if hash_of(path) == NAME.fullmatch(pair[1]).group(2):
                verified[at[pair]] = {"marks": marks, "at": time.time()}
            else:
                os.unlink(path)
                self.say(f"{at[pair]} has changed on the disk; it is taken away, to be fetched again")
        self.state["verified"] = verified
        self.remember()

    # --- What is newer

    def refresh(self, bucket: Bucket) -> None:
        """Brings each channel up to date; raises Away when S3 goes, with everything so far kept."""
        found = Days(bucket)
        for channel in self.plan["channels"]:
            self.refresh_channel(channel, bucket, found)

    def refresh_channel(self, channel: str, bucket: Bucket, found: Iterable[str]) -> None:
        os.makedirs(self.folder(channel), exist_ok=True)
        limit, total = self.plan["limitBytes"], 0
        chosen: set[str] = set()
        listed: set[str] = set()
        for show in self.newest(channel, bucket, found):
            listed.add(show.key)
            if self.is_refused(channel, show) or self.refuse_by_listing(channel, show):
                continue
            if total + show.size > limit:
                break
            name = self.here(channel, show)
            if name is None:
                if not self.has_room(show.size):
                    self.say(f"the disk is too full for {show.key}; older shows stay")
                    break
                name = self.take(channel, show, bucket)
                if name is None:
                    continue
            chosen.add(name)
            total += show.size
            self.trim(channel, chosen)
        self.forget_refused(channel, listed)
        self.say(f"{channel}: {len(self.kept(channel))} shows, {sum(self.kept(channel).values()) >> 20} MiB")

    def newest(self, channel: str, bucket: Bucket, found: Iterable[str]) -> Iterator[Listed]:
        """Shows of a channel, the newest day first, in a day what was stored last."""
        for day in found:
            shows = bucket.objects(f"{day}{channel}/")
            yield from sorted(shows, key=lambda show: (show.modified, show.key), reverse=True)

    def here(self, channel: str, show: Listed) -> str | None:
        """The file that holds this very version, or None."""
        known = self.state["known"].get(channel, {}).get(show.key, {})
        if known.get("identity") == show.identity and known.get("file") in self.kept(channel):
            return known["file"]
        return None

    def has_room(self, size: int) -> bool:
        return shutil.disk_usage(self.home).free - size > RESERVE_BYTES

    def take(self, channel: str, show: Listed, bucket: Bucket) -> str | None:
        """Fetches a show, and puts it in place once it is known to be good. Its name, or None where it is not."""
        os.makedirs(self.incoming, exist_ok=True)
        path = os.path.join(self.incoming, f"{channel}{os.path.splitext(show.key)[1].lower()}")
        try:
            with open(path, "wb") as file:
                metadata, version = bucket.fetch(show.key, file)
                file.flush()
                os.fsync(file.fileno())
            sha256 = metadata.get("sha256", "")
            why = self.fault(path, sha256)
            if why is not None:
                self.refuse(channel, show, why, version)
                return None
            name = name_for(show, sha256)
            os.chmod(path, 0o644)
            os.replace(path, os.path.join(self.folder(channel), name))
        except Gone:
            return None
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(path)
        self.replace(channel, show, name)
        self.say(f"{channel}: {show.key} is here, {show.size >> 10} KiB")
        return name

    def fault(self, path: str, sha256: str) -> str | None:
        if not SHA256.fullmatch(sha256):
            return "it carries no SHA-256: it was not uploaded by aerial-backup"
        if hash_of(path) != sha256:
            return "it does not hold what its SHA-256 says"
        return self.problem(path)

    def replace(self, channel: str, show: Listed, name: str) -> None:
        """Remembers a show that is in place; an older version of the same has to go."""
        known = self.state["known"].setdefault(channel, {})
        old = known.get(show.key, {}).get("file")
        known[show.key] = {"identity": show.identity, "file": name}
        self.remember()
        if old is not None and old != name and old not in [one["file"] for one in known.values()]:
            self.remove(channel, old)

    def trim(self, channel: str, chosen: set[str]) -> None:
        """Takes away the oldest shows that are not wanted, as far as the limit asks for it."""
        sizes = self.kept(channel)
        for name in [name for name in sizes if name not in chosen]:
            if sum(sizes.values()) <= self.plan["limitBytes"]:
                return
            del sizes[name]
            self.remove(channel, name)

    def remove(self, channel: str, name: str) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(os.path.join(self.folder(channel), name))
        known = self.state["known"].get(channel, {})
        for key in [key for key, one in known.items() if one["file"] == name]:
            del known[key]
        self.remember()

    # --- What is no good

    def refuse_by_listing(self, channel: str, show: Listed) -> bool:
        matched = KEY.fullmatch(show.key)
        if matched is None or matched.group(5).lower() not in audio.TYPES:
            why = "its name ends like no audio"
        elif show.size > self.plan["limitBytes"]:
            why = f"it has {show.size >> 20} MiB, the limit of a channel is {self.plan['limitBytes'] >> 20}"
        else:
            return False
        self.refuse(channel, show, why, None)
        return True

    def refuse(self, channel: str, show: Listed, why: str, version: str | None) -> None:
        """Told once; the same version is not fetched again."""
        self.state["refused"].setdefault(channel, {})[show.key] = {
            "identity": show.identity,
            "version": version,
            "why": why,
        }
        self.remember()
        self.say(f"{channel}: {show.key} ({version or 'any version'}) is not kept for emergencies: {why}")

    def is_refused(self, channel: str, show: Listed) -> bool:
        known = self.state["refused"].get(channel, {}).get(show.key)
        return known is not None and known["identity"] == show.identity

    def forget_refused(self, channel: str, listed: set[str]) -> None:
        """What is no longer among the newest is not remembered for ever."""
        refused = self.state["refused"].get(channel, {})
        self.state["refused"][channel] = {key: one for key, one in refused.items() if key in listed}
        self.remember()

    # --- What is told

    def status(self) -> dict[str, dict]:
        return {
            channel: {
                "shows": self.kept(channel),
                "keys": {one["file"]: key for key, one in self.state["known"].get(channel, {}).items()},
                "refused": self.state["refused"].get(channel, {}),
            }
            for channel in self.plan["channels"]
        }

    def summary(self) -> str:
        count = sum(len(self.kept(channel)) for channel in self.plan["channels"])
        return f"{count} shows here"

    def metrics(self, reached: bool, now: float, seconds: float) -> str:
        """Prometheus' text format."""
        lines = [
            "# HELP aerial_emergency_s3_reached Whether the last run reached the bucket of shows.",
            "# TYPE aerial_emergency_s3_reached gauge",
            f"aerial_emergency_s3_reached {int(reached)}",
            "# TYPE aerial_emergency_run_timestamp_seconds gauge",
            f"aerial_emergency_run_timestamp_seconds {now:.0f}",
            "# TYPE aerial_emergency_run_duration_seconds gauge",
            f"aerial_emergency_run_duration_seconds {seconds:.3f}",
        ]
        figures: dict[str, Callable[[str], int]] = {
            "shows": lambda channel: len(self.kept(channel)),
            "bytes": lambda channel: sum(self.kept(channel).values()),
            "refused_shows": lambda channel: len(self.state["refused"].get(channel, {})),
            "newest_show_timestamp_seconds": self.newest_day,
        }
        for name, figure in figures.items():
            lines.append(f"# TYPE aerial_emergency_{name} gauge")
            lines += [f'aerial_emergency_{name}{{channel="{one}"}} {figure(one)}' for one in self.plan["channels"]]
        return "\n".join(lines) + "\n"

    def newest_day(self, channel: str) -> int:
        names = list(self.kept(channel))
        if not names:
            return 0
        day = datetime.datetime.strptime(names[-1][:8], "%Y%m%d").replace(tzinfo=datetime.UTC)
        return int(day.timestamp())

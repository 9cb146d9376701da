"""Brings shows back from the bucket, as they were at a time."""

import argparse
import collections
import concurrent.futures
import contextlib
import dataclasses
import grp
import hashlib
import os
import pwd
import shutil
import sys
import threading
import time

from backup import library, naming
from backup.settings import WARNING, Failed, Settings, say
from backup.store import Away, Store

WORKERS = 4
ATTEMPTS = 3
# What a file is named until it is complete; hidden, so that neither playout nor uploader takes it for a show.
PARTIAL = ".aerial-restoring-"


@dataclasses.dataclass(frozen=True)
class Wanted:
    channel: str
    path: str
    key: str
    version: str
    size: int
    uploaded_at: float
    target: str

    @property
    def name(self) -> str:
        return f"{self.channel}/{self.path}"


class Counts:
    def __init__(self) -> None:
        self.restored = self.kept = self.bytes = 0
        self.failed: list[str] = []
        self.lock = threading.Lock()


def find(settings: Settings, store: Store, given: argparse.Namespace) -> list[Wanted]:
    """The versions that are wanted, with the places they go to."""
    versions = [
        {
            "key": entry["Key"],
            "version": entry["VersionId"],
            "size": entry["Size"],
            "uploadedAt": entry["LastModified"].timestamp(),
            "isLatest": entry["IsLatest"],
        }
        for entry in store.versions(settings.shows_bucket, naming.SHOWS)
    ]
    if given.at is not None:
        date(settings, store, versions, given.at)
    found, libraries = [], dict(settings.libraries)
    elsewhere: collections.Counter[str] = collections.Counter()
    for (channel, path), version in sorted(naming.shows_as_of(versions, given.at).items()):
        if not naming.chosen(channel, path, given.shows, given.channel):
            continue
        root = libraries.get(channel) if given.library else os.path.join(given.to or "", channel)
        if root is None:
            elsewhere[channel] += 1
            continue
        found.append(
            Wanted(
                *(channel, path, version["key"], version["version"], version["size"], version["uploadedAt"]),
                os.path.join(root, path),
            )
        )
    for channel, count in elsewhere.items():
        say(f"{count} shows are of channel {channel}, which this machine has not: see --to", WARNING)
    return found


def date(settings: Settings, store: Store, versions: list[dict], at: float) -> None:
    """Corrects the times of versions that were replaced: not every S3 keeps them. The uploader has noted its own."""
    doubtful = [version for version in versions if version["uploadedAt"] > at and not version["isLatest"]]

    def look(version: dict) -> None:
        held = store.head(settings.shows_bucket, version["key"], version["version"])
        noted = held and held["Metadata"].get("uploaded")
        if noted:
            version["uploadedAt"] = min(version["uploadedAt"], naming.parse_rfc3339_ns(noted) / 1e9)

    with concurrent.futures.ThreadPoolExecutor(WORKERS * 2) as pool:
        for _ in pool.map(look, doubtful):
            pass


class Restorer:
    def __init__(self, settings: Settings, store: Store, owner: tuple[int, int] | None) -> None:
        self.settings = settings
        self.store = store
        self.owner = owner
        self.counts = Counts()

    def shows(self, wanted: list[Wanted]) -> float:
        started = time.monotonic()
        total = sum(show.size for show in wanted)
        room(wanted)
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            futures = [pool.submit(self.show, show) for show in wanted]
            pending = set(futures)
            try:
                while pending:
                    _, pending = concurrent.futures.wait(pending, timeout=1 if sys.stderr.isatty() else 10)
                    self.progress(len(wanted), total, started)
                for future in futures:
                    future.result()
            except BaseException:
                pool.shutdown(cancel_futures=True, wait=False)
                raise
        if sys.stderr.isatty():
            say("")
        return time.monotonic() - started

    def progress(self, count: int, total: int, started: float) -> None:
        done = self.counts.restored + self.counts.kept + len(self.counts.failed)
        rate = self.counts.bytes / max(0.001, time.monotonic() - started) / 1e6
        text = f"{done} of {count} shows, {self.counts.bytes / 1e6:.0f} of {total / 1e6:.0f} MB, {rate:.1f} MB/s"
        if sys.stderr.isatty():
            print(f"\r{text}  ", end="", file=sys.stderr, flush=True)
        elif done < count:
            say(text)

    def show(self, show: Wanted) -> None:
        """One show, complete or not at all; one that is right already is left."""
        problem = kept = None
        for attempt in range(1, ATTEMPTS + 1):
            try:
                kept, problem = self.fetch(show), None
                break
            except Away as reason:
                problem = str(reason)
                time.sleep(attempt)
            except (Failed, OSError, ValueError) as reason:
                problem = str(reason)
                break
        with self.counts.lock:
            if problem is not None:
                self.counts.failed.append(f"{show.name}: {problem}")
            elif kept:
                self.counts.kept += 1
            else:
                self.counts.restored += 1

    def fetch(self, show: Wanted) -> bool:
        given = self.store.get(self.settings.shows_bucket, show.key, show.version)
        metadata = given["Metadata"]
        if "sha256" not in metadata:
            given["Body"].close()
            raise Failed("its object has no sha256: it was not put there by this backup")
        mtime_ns = naming.parse_rfc3339_ns(metadata["mtime"]) if "mtime" in metadata else None
        if self.is_right(show, metadata["sha256"]):
            given["Body"].close()
            finish(show.target, mtime_ns, self.owner)
            return True
        self.make_folders(os.path.dirname(show.target))
        partial = os.path.join(
            os.path.dirname(show.target),
            PARTIAL + hashlib.sha256(os.path.basename(show.target).encode()).hexdigest()[:16],
        )
        try:
            digest = hashlib.sha256()
            with open(partial, "wb") as file:
                for piece in self.store.pieces(given, show.key):
                    digest.update(piece)
                    file.write(piece)
                    with self.counts.lock:
                        self.counts.bytes += len(piece)
                file.flush()
                os.fsync(file.fileno())
            if digest.hexdigest() != metadata["sha256"]:
                raise Failed(f"its sha256 is {digest.hexdigest()}, not {metadata['sha256']}: not restored")
            finish(partial, mtime_ns, self.owner)
            os.replace(partial, show.target)
        finally:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(partial)
        return False

    def is_right(self, show: Wanted, sha256: str) -> bool:
        try:
            with open(show.target, "rb") as file:
                return os.fstat(file.fileno()).st_size == show.size and library.sha256_of(file) == sha256
        except (FileNotFoundError, NotADirectoryError):
            return False

    def make_folders(self, folder: str) -> None:
        if not folder or os.path.isdir(folder):
            return
        self.make_folders(os.path.dirname(folder))
        with contextlib.suppress(FileExistsError):
            os.mkdir(folder, 0o755)
            if self.owner:
                os.chown(folder, *self.owner)


def finish(path: str, mtime_ns: int | None, owner: tuple[int, int] | None) -> None:
    os.chmod(path, 0o644)
    if owner:
        os.chown(path, *owner)
    if mtime_ns is not None:
        os.utime(path, ns=(mtime_ns, mtime_ns))


def room(wanted: list[Wanted]) -> None:
    """Refuses what the disk has no room for, before anything is written."""
    needed: dict[int, tuple[str, int]] = {}
    for show in wanted:
        folder = show.target
        while not os.path.isdir(folder):
            folder = os.path.dirname(folder)
        held = os.path.getsize(show.target) if os.path.isfile(show.target) else 0
        device = os.stat(folder).st_dev
        place, size = needed.get(device, (folder, 0))
        needed[device] = place, size + max(0, show.size - held)
    for folder, size in needed.values():
        free = shutil.disk_usage(folder).free
        if size > free:
            raise Failed(f"{size / 1e9:.1f} GB are to be restored to {folder}, which has {free / 1e9:.1f} GB free")


def owner_of(settings: Settings) -> tuple[int, int] | None:
    """(uid, gid) that restored shows get; None for whoever restores them."""
    if settings.restore_owner is None or os.geteuid() != 0:
        return None
    user, _, group = settings.restore_owner.partition(":")
    try:
        return pwd.getpwnam(user).pw_uid, grp.getgrnam(group or user).gr_gid
    except KeyError:
        say(f"there is no {settings.restore_owner} on this machine: what is restored belongs to root", WARNING)
        return None

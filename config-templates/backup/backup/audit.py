"""Proves that every show which the libraries or the database know is in the bucket, and the same there.

It believes nobody: the list of the bucket, the metadata of each object, our records and what the disk gives now are
compared with one another. `quick` reads no contents and asks for no single object.
"""

import collections
import concurrent.futures
import os
import random
import sqlite3
import time

from backup import archive, library, naming
from backup.database import Database
from backup.records import Records
from backup.results import recorded
from backup.settings import WARNING, Failed, Settings, alone, say
from backup.store import Away, Store

# A show that is longer than this not in the bucket is a problem; younger ones are on their way.
PATIENCE_SECONDS = 600
DUMP_AGE_SECONDS = 2 * 3600
CONFIGURATION_AGE_SECONDS = 2 * 86_400
WORKERS = 8
KINDS = (
    "missing in the bucket",
    "differs in the bucket",
    "differs on disk",
    "not uploaded",
    "not on disk",
    "unplayable",
    "not locked",
    "old dump",
    "old configuration",
    "unreadable",
)


def audit(settings: Settings, quick: bool = False) -> None:
    kind = "audit-quick" if quick else "audit"
    with alone(settings, kind), recorded(settings, kind) as run:
        auditor = Auditor(settings, quick)
        try:
            auditor.work()
        except Away as reason:
            raise Failed(f"S3 is away: {reason}") from None
        finally:
            auditor.problems.sort(key=lambda problem: (KINDS.index(problem["kind"]), problem.get("path", "")))
            run.problems = auditor.problems
            counts = collections.Counter(problem["kind"] for problem in auditor.problems)
            run.figures = {
                "shows": auditor.looked_at,
                "bytes": auditor.read_bytes,
                "problems": {kind: counts[kind] for kind in KINDS},
            }
        for problem in auditor.problems:
            name = "/".join(problem[part] for part in ("channel", "path") if part in problem)
            say(f"{problem['kind']}: {name}{': ' if name else ''}{problem['detail']}", WARNING)
        if auditor.problems:
            raise Failed(f"the audit of {auditor.looked_at} shows found {len(auditor.problems)} problems")
        say(f"the audit found {auditor.looked_at} shows well, {auditor.read_bytes} bytes compared")


class Auditor:
    def __init__(self, settings: Settings, quick: bool) -> None:
        self.settings = settings
        self.quick = quick
        self.store = Store(settings)
        self.records = Records(settings)
        self.has_records = self.records.fact("known since") is not None
        self.problems: list[dict] = []
        self.looked_at = 0
        self.read_bytes = 0

    def problem(self, kind: str, detail: str, channel: str | None = None, path: str | None = None) -> None:
        show = {"channel": channel, "path": path} if channel is not None else {}
        self.problems.append({"kind": kind, **show, "detail": detail})

    def work(self) -> None:
        now = time.time()
        shows = library.scan(self.settings.libraries)
        self.looked_at = len(shows)
        kept, by_show = {}, {}
        for entry in self.store.listing(self.settings.shows_bucket, naming.SHOWS):
            kept[entry["Key"]] = entry
            by_show[naming.parse_show_key(entry["Key"])] = entry["Key"]
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            for _ in pool.map(lambda show: self.look(show, kept, by_show, now), shows):
                pass
        self.compare_database(shows)
        self.look_at_archive(now)
        self.look_at_locks(kept)

    def look(self, show: library.Show, kept: dict[str, dict], by_show: dict, now: float) -> None:
        where = {"channel": show.channel, "path": show.path}
        waiting = self.records.waiting.get(show.id)
        refused = show.unusable or (waiting and waiting["refused"])
        if refused:
            self.problem("unplayable", refused, **where)
            return
        row = self.records.shows.get(show.id)
        key = row["key"] if row else by_show.get(show.id)
        # Without records, what the bucket has under the show's name is what it is compared with.
        if key is None or (self.has_records and not self.records.is_safe(show)):
            if now - self.waiting_since(show, waiting) > PATIENCE_SECONDS:
                why = (waiting and waiting["failed"]) or "the uploader has not come to it: see its journal"
                self.problem("not uploaded", why, **where)
            return
        entry = kept.get(key)
        if entry is None:
            self.problem("missing in the bucket", f"there is no current version of {key}", **where)
        elif entry["Size"] != show.size:
            self.problem("differs in the bucket", f"{entry['Size']} bytes there, {show.size} here", **where)
        elif not self.quick:
            self.compare(show, row, key, where)

    def waiting_since(self, show: library.Show, waiting: sqlite3.Row | None) -> float:
        """Since when a show is as it is; for one that the uploader has never seen, since it came to its folder."""
        if waiting and (waiting["size"], waiting["mtime_ns"]) == (show.size, show.mtime_ns):
            return waiting["since"]
        try:
            return os.stat(show.file, follow_symlinks=False).st_ctime
        except FileNotFoundError:
            return time.time()

    def compare(self, show: library.Show, row: sqlite3.Row | None, key: str, where: dict[str, str]) -> None:
        held = self.store.head(self.settings.shows_bucket, key)
        there = held and held["Metadata"].get("sha256")
        if held is None:
            self.problem("missing in the bucket", f"there is no current version of {key}", **where)
            return
        if row and row["sha256"] and there != row["sha256"]:
            self.problem("differs in the bucket", f"sha256 {there} there, {row['sha256']} when uploaded", **where)
            return
        try:
            with library.opened(show) as file:
                here = library.sha256_of(file, from_disk=True)
                library.unchanged(file, show)
        except library.Unfinished:
            # Changed since we began: the uploader's business.
            return
        except OSError as reason:
            self.problem("unreadable", str(reason), **where)
            return
        self.read_bytes += show.size
        if here != there:
            self.problem(
                "differs on disk",
                f"sha256 {here} here, {there} in the bucket: the file has been damaged, restore it from there",
                **where,
            )

    def compare_database(self, shows: list[library.Show]) -> None:
        """Shows of the database that no library holds. Their paths begin with the last part of a library's."""
        if self.settings.database is None:
            return
        present = {os.path.join(dict(self.settings.libraries)[show.channel], show.path): show for show in shows}
        parents = {os.path.dirname(path.rstrip("/")) for _, path in self.settings.libraries}
        try:
            known = Database(self.settings.database).known_files()
        except Failed as reason:
            self.problem("unreadable", str(reason))
            return
        for path in known:
            places = [os.path.normpath(os.path.join(parent, path)) for parent in sorted(parents)]
            if any(place in present for place in places):
                continue
            channel, library_path = self.place_of(places)
            if any(os.path.exists(place) for place in places):
                self.problem("not uploaded", "its name is not that of a show", channel, library_path)
            else:
                self.problem("not on disk", "the database has it: aerial-restore --shows", channel, library_path)

    def place_of(self, places: list[str]) -> tuple[str, str]:
        """Channel and path of a file that is not there; the whole path where it is in no library."""
        for channel, root in self.settings.libraries:
            for place in places:
                if place.startswith(root.rstrip("/") + "/"):
                    return channel, os.path.relpath(place, root)
        return "", places[0]

    def look_at_archive(self, now: float) -> None:
        for kind, limit in (("database", DUMP_AGE_SECONDS), ("configuration", CONFIGURATION_AGE_SECONDS)):
            if kind == "database" and self.settings.database is None:
                continue
            key = archive.newest(self.settings, self.store, kind)
            problem = "old dump" if kind == "database" else "old configuration"
            if key is None:
                self.problem(problem, f"there is none in {self.settings.archive_bucket}")
                continue
            age = now - (naming.archive_time(kind, key) or 0)
            if age > limit:
                self.problem(problem, f"{key} is the newest, {age / 3600:.1f} h old")
            self.look_at_lock(self.settings.archive_bucket, key)

    def look_at_locks(self, kept: dict[str, dict]) -> None:
        """A lock's presence on the newest show, and on one of all."""
        if kept:
            newest = max(kept.values(), key=lambda entry: entry["LastModified"])["Key"]
            for key in {newest, random.choice(sorted(kept))}:
                self.look_at_lock(self.settings.shows_bucket, key)

    def look_at_lock(self, bucket: str, key: str) -> None:
        """Whether an object is locked: by itself, as Amazon's S3 notes it, or by what its bucket asks of all."""
        held = self.store.head(bucket, key)
        if held and not held.get("ObjectLockRetainUntilDate") and not self.store.locks_all(bucket):
            self.problem("not locked", f"{key} in {bucket} could be deleted: has the bucket no object lock?")

"""Puts each new or changed show into the bucket, within a minute of its being complete.

There is no queue that could be lost: what is to be done is found by looking at the disk each time. A show counts as
kept only when S3 has verified its hash; whoever is killed between that and our note of it finds the hash in the
bucket and puts nothing twice.
"""

import concurrent.futures
import json
import tempfile
import time

import audio
from backup import library, naming
from backup.library import Unfinished
from backup.records import Records
from backup.results import Run, recorded
from backup.settings import ERROR, WARNING, Failed, Settings, alone, say
from backup.store import Away, Refused, Store

# Several at once, so that a long show does not hold up a short one.
WORKERS = 3
LOOK_AGAIN_SECONDS = 10
# So many in a row that find S3 away, and the run ends; the timer's next one goes on.
AWAY_LIMIT = 3


class Unplayable(Exception):
    pass


def upload(settings: Settings, again: bool = False) -> None:
    """Uploads all that is due. `again` also puts what the bucket has lost, and looks anew at what was refused."""
    with alone(settings, "upload"), recorded(settings, "upload") as run:
        uploader = Uploader(settings)
        try:
            if again:
                uploader.find_lost()
            uploader.work()
            uploader.write_manifest()
        except Away as reason:
            raise Failed(f"S3 is away: {reason}") from None
        finally:
            uploader.tell(run)
        failed = [problem for problem in run.problems if problem["kind"] == "failed"]
        if failed:
            raise Failed(f"{len(failed)} shows could not be uploaded: they are tried again")


class Uploader:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.records = Records(settings)
        self.store = Store(settings)
        self.shows: list[library.Show] = []
        self.flying: dict[concurrent.futures.Future, library.Show] = {}
        self.tried: set[tuple] = set()
        self.lost: set[tuple[str, str]] = set()
        self.away = 0
        self.last_away = ""

    def work(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
            due, looked = self.look(), time.monotonic()
            while True:
                # The newest first: after a long absence of S3, today's show does not wait for the whole archive.
                while due and len(self.flying) < WORKERS and self.away < AWAY_LIMIT:
                    show = due.pop()
                    self.tried.add((show.id, show.size, show.mtime_ns))
                    row = self.records.shows.get(show.id)
                    self.flying[pool.submit(self.carry, show, row and row["key"])] = show
                if not self.flying:
                    break
                done, _ = concurrent.futures.wait(self.flying, LOOK_AGAIN_SECONDS, concurrent.futures.FIRST_COMPLETED)
                for future in done:
                    self.collect(self.flying.pop(future), future)
                if time.monotonic() - looked > LOOK_AGAIN_SECONDS:
                    due, looked = self.look(), time.monotonic()
        if self.away:
            raise Away(self.last_away)

    def look(self) -> list[library.Show]:
        """What is complete and not kept; what comes first is last."""
        now = time.time()
        self.shows = library.scan(self.settings.libraries)
        flying = {show.id for show in self.flying.values()}
        due, open_ = [], set()
        for show in self.shows:
            if self.records.is_safe(show):
                continue
            open_.add(show.id)
            row = self.records.waiting.get(show.id)
            since = library.quiet_since(row and (row["size"], row["mtime_ns"], row["since"]), show, now)
            self.records.saw(show, since)
            row = self.records.waiting[show.id]
            if show.unusable and not row["refused"]:
                self.refuse(show, show.unusable)
            elif (
                not row["refused"]
                and (now - since >= library.QUIET_SECONDS or show.id in self.lost)
                and row["retry_at"] <= now
                and show.id not in flying
                and (show.id, show.size, show.mtime_ns) not in self.tried
            ):
                due.append(show)
        self.records.forget_waiting(open_)
        if due and self.records.fact("known since") is None:
            self.learn()
        # What S3 was away for comes after what was not tried, lest it be the reason.
        return sorted(due, key=lambda show: (-self.records.waiting[show.id]["attempts"], show.mtime_ns))

    def learn(self) -> None:
        """What the bucket has already, on a new machine or after our records were lost."""
        keys = [entry["Key"] for entry in self.store.listing(self.settings.shows_bucket, naming.SHOWS)]
        manifest = read_manifest(self.settings, self.store) if keys else []
        self.records.learn_keys(keys, manifest)
        if keys:
            say(f"the bucket holds {len(keys)} shows already: this machine's are compared with them")

    def carry(self, show: library.Show, key: str | None) -> tuple[str, str, str, float, bool]:
        """Sees to it that a show is in the bucket: (key, hash, version, when, whether it was put). In a thread."""
        with library.opened(show) as file:
            sha256 = library.sha256_of(file)
            library.unchanged(file, show)
            key = key or naming.show_key(show.channel, show.path, show.mtime_ns)
            bucket = self.settings.shows_bucket
            held = self.store.head(bucket, key)
            if held and held["Metadata"].get("sha256") == sha256 and held["ContentLength"] == show.size:
                return key, sha256, held["VersionId"], held["LastModified"].timestamp(), False
            if held and self.is_damaged(show, held):
                raise Failed(
                    "it has the size and time of what the bucket holds, but not the content: damaged on disk? "
                    "Restore it (aerial-restore --library --shows), or, if it is right: touch it"
                )
            reason = library.why_unplayable(file)
            if reason is not None:
                raise Unplayable(reason)
            version = self.store.put(
                *(bucket, key, file, show.size, sha256),
                metadata=naming.show_metadata(show.channel, show.path, show.mtime_ns, sha256, time.time()),
                content_type=audio.type_of(show.path) or "",
            )
            return key, sha256, version, time.time(), True

    def is_damaged(self, show: library.Show, held: dict) -> bool:
        """Whether a show has changed without becoming newer, as disks do it. Only asked when our records are lost."""
        same_time = held["Metadata"].get("mtime") == naming.rfc3339_ns(show.mtime_ns)
        return same_time and held["ContentLength"] == show.size

    def collect(self, show: library.Show, future: concurrent.futures.Future) -> None:
        try:
            key, sha256, version, uploaded_at, was_put = future.result()
        except Unfinished:
            # From its beginning again.
            self.tried.discard((show.id, show.size, show.mtime_ns))
            self.records.saw(show, time.time())
        except Unplayable as reason:
            self.refuse(show, str(reason))
        except Away as reason:
            self.away += 1
            self.last_away = str(reason)
            self.records.fail(show, None)
        except (Failed, OSError) as reason:
            say(f"{show.name}: {reason}", ERROR)
            self.records.fail(show, str(reason))
        else:
            self.away = 0
            self.records.keep(show, key, sha256, version, uploaded_at, show.size if was_put else None)
            if was_put:
                say(f"{show.name} is kept as {key}, {show.size} bytes, sha256 {sha256}")

    def refuse(self, show: library.Show, reason: str) -> None:
        say(f"{show.name} is not backed up: {reason}", WARNING)
        self.records.refuse(show, reason)

    def find_lost(self) -> None:
        kept = {entry["Key"]: entry["Size"] for entry in self.store.listing(self.settings.shows_bucket, naming.SHOWS)}
        self.lost = {
            show
            for show, row in self.records.shows.items()
            if row["version_id"] is not None and kept.get(row["key"]) != row["size"]
        }
        for channel, path in sorted(self.lost):
            say(f"{channel}/{path} has gone from the bucket", WARNING)
        self.records.forget_contents(self.lost)
        self.records.forget_refusals()

    def write_manifest(self) -> None:
        """A large manifest is not written for each show: at 36,000 shows, once an hour."""
        pause = min(3600, len(self.records.shows) / 10)
        if not self.records.fact("manifest is old") or (
            len(self.records.shows) > 1000 and time.time() < self.records.fact("manifest at", 0) + pause
        ):
            return
        entries = self.records.manifest()
        text = json.dumps(entries, ensure_ascii=False, indent=0).encode() + b"\n"
        with tempfile.TemporaryFile() as file:
            file.write(text)
            self.store.put(
                *(self.settings.archive_bucket, naming.MANIFEST, file, len(text), library.sha256_of(file)),
                metadata={"shows": str(len(entries))},
                content_type="application/json",
            )
        self.records.set_fact("manifest is old", 0)
        self.records.set_fact("manifest at", time.time())

    def tell(self, run: Run) -> None:
        now = time.time()
        safe = [show for show in self.shows if self.records.is_safe(show)]
        waiting = self.records.waiting
        for (channel, path), row in sorted(waiting.items()):
            reason = row["refused"] or row["failed"]
            if reason:
                kind = "refused" if row["refused"] else "failed"
                run.problems.append({"kind": kind, "channel": channel, "path": path, "detail": reason})
        pending = [row for row in waiting.values() if not row["refused"]]
        run.figures = {
            "shows": len(self.shows),
            "protected_shows": len(safe),
            "protected_bytes": sum(show.size for show in safe),
            "pending_shows": len(pending),
            "refused_shows": len(waiting) - len(pending),
            "failed_shows": sum(1 for row in pending if row["failed"]),
            "oldest_pending_seconds": round(max((now - row["since"] for row in pending), default=0), 1),
            "uploaded_shows_total": self.records.fact("uploaded shows", 0),
            "uploaded_bytes_total": self.records.fact("uploaded bytes", 0),
        }


def read_manifest(settings: Settings, store: Store) -> list[dict]:
    """The manifest in the archive's bucket; empty where there is none."""
    try:
        given = store.get(settings.archive_bucket, naming.MANIFEST)
        return json.loads(b"".join(store.pieces(given, naming.MANIFEST)))
    except (Refused, ValueError):
        return []

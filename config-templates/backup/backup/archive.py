"""Dumps of the database and archives of the configuration, encrypted before they touch a disk.

They hold people's data and hashes of passwords, so they are for the holder of the station's backup key alone, which
`age` reads: an SSH key. Not restic, which must be able to delete its locks; our writer can delete nothing.
"""

import contextlib
import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
import threading
import time
from collections.abc import Iterator
from typing import Any

from backup import library, naming
from backup.database import Database
from backup.results import recorded
from backup.settings import KEY, WARNING, Failed, Settings, alone, say
from backup.store import Away, Store

# Amazon's limit is 2 KB for all metadata of an object.
ROWS_LIMIT = 1500
PIECE_BYTES = 1 << 20
DUMP_MAGIC = b"PGDMP"


class Sealed:
    """A stream into an encrypted file without a name; its plain text is hashed and counted on the way."""

    def __init__(self, settings: Settings) -> None:
        self.file = tempfile.TemporaryFile(dir=settings.state)
        command = ["age", "--encrypt", "--recipient", settings.recipient]
        pipe = subprocess.PIPE
        self.process: Any = subprocess.Popen(command, stdin=pipe, stdout=self.file, stderr=pipe)
        self.digest = hashlib.sha256()
        self.plain_bytes = 0

    def write(self, piece: bytes) -> int:
        self.digest.update(piece)
        self.plain_bytes += len(piece)
        try:
            self.process.stdin.write(piece)
        except BrokenPipeError:
            self.close()
        return len(piece)

    def close(self) -> None:
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        errors = self.process.stderr.read().decode("utf-8", "replace").strip()
        if self.process.wait() != 0:
            raise Failed(f"age says: {errors}")

    def put(self, settings: Settings, kind: str, at: float, metadata: dict[str, str]) -> tuple[str, int]:
        size = os.fstat(self.file.fileno()).st_size
        key = naming.archive_key(kind, at)
        Store(settings).put(
            *(settings.archive_bucket, key, self.file, size, library.sha256_of(self.file)),
            metadata={"sha256": self.digest.hexdigest(), **metadata},
            content_type="application/octet-stream",
        )
        return key, size


@contextlib.contextmanager
def decrypted(pieces: Iterator[bytes]) -> Iterator[Iterator[bytes]]:
    """The plain pieces of what was encrypted for this station. Raises Failed when it was not, or has been changed."""
    if not os.path.exists(KEY):
        raise Failed(f"{KEY} is missing: this machine cannot read backups")
    # Two processes, so that neither can wait for the other: one feeds, one decrypts.
    read_end, write_end = os.pipe()
    command, pipe = ["age", "--decrypt", "--identity", KEY], subprocess.PIPE
    process: Any = subprocess.Popen(command, stdin=read_end, stdout=pipe, stderr=pipe)
    os.close(read_end)
    trouble = []

    def feed() -> None:
        try:
            with os.fdopen(write_end, "wb") as pipe, contextlib.suppress(BrokenPipeError):
                for piece in pieces:
                    pipe.write(piece)
        except Exception as reason:
            trouble.append(reason)

    feeder = threading.Thread(target=feed, daemon=True)
    feeder.start()

    def plain() -> Iterator[bytes]:
        while piece := process.stdout.read(PIECE_BYTES):
            yield piece
        feeder.join()
        if trouble:
            raise trouble[0]
        errors = process.stderr.read().decode("utf-8", "replace").strip()
        if process.wait() != 0:
            raise Failed(f"age says: {errors}")

    try:
        yield plain()
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
        feeder.join()


def newest(settings: Settings, store: Store, kind: str, at: float | None = None) -> str | None:
    """Key of the newest dump or archive until a time; None when there is none."""
    keys = (entry["Key"] for entry in store.listing(settings.archive_bucket, f"{kind}/"))
    return naming.newest_archive(kind, keys, at)


def rows_metadata(rows: dict[str, int]) -> dict[str, str]:
    """Rows by table, as metadata: tables without rows are left out, and the smallest where there are too many."""
    kept = dict(sorted(((table, count) for table, count in rows.items() if count), key=lambda entry: -entry[1]))
    while len(text := json.dumps(kept, separators=(",", ":"))) > ROWS_LIMIT:
        kept.popitem()
    return {"rows": text, "row-total": str(sum(rows.values())), "tables": str(len(rows))}


def differing_rows(metadata: dict[str, str], rows: dict[str, int]) -> list[str]:
    """How the rows of a restored database differ from what its dump was said to hold: a text for each table."""
    told = json.loads(metadata.get("rows", "{}"))
    found = [
        f"{table} has {rows.get(table, 'no')} rows, not {count}"
        for table, count in told.items()
        if rows.get(table) != count
    ]
    total, tables = int(metadata.get("row-total", "0")), int(metadata.get("tables", "0"))
    if sum(rows.values()) != total or len(rows) != tables:
        found.append(f"{sum(rows.values())} rows in {len(rows)} tables, not {total} in {tables}")
    return found


def dump(settings: Settings, accept_smaller: bool = False) -> None:
    """Dumps the database. A dump that holds less than half of the last one's rows is refused, unless accepted: on a
    machine that has lost its database, it would become the newest, which a restore takes."""
    if settings.database is None:
        say("this station has no database to dump")
        return
    database, at = Database(settings.database), time.time()
    with alone(settings, "dump"), recorded(settings, "dump") as run:
        try:
            with database.snapshot() as (snapshot, rows):
                if not rows:
                    raise Failed(f"the database {database.name} has no tables: there is nothing to dump")
                if not accept_smaller:
                    refuse_shrunk(settings, sum(rows.values()))
                sealed = dumped(settings, database, snapshot)
            key, size = sealed.put(settings, "database", at, rows_metadata(rows))
        except Away as reason:
            raise Failed(f"S3 is away: {reason}") from None
        run.figures = {"size_bytes": size, "rows": sum(rows.values()), "tables": len(rows)}
        run.more = {"key": key}
        say(f"dumped {sum(rows.values())} rows in {len(rows)} tables as {key}, {size} bytes encrypted")


def refuse_shrunk(settings: Settings, total: int) -> None:
    store = Store(settings)
    key = newest(settings, store, "database")
    held = key and store.head(settings.archive_bucket, key)
    before = int(held["Metadata"].get("row-total", "0")) if held else 0
    if total * 2 < before:
        raise Failed(
            f"the database holds {total} rows, the newest dump {before}: a dump now would stand before it. "
            "Restore it (aerial-restore), or, if all is as it should be: aerial-backup dump --accept-smaller"
        )


def dumped(settings: Settings, database: Database, snapshot: str) -> Sealed:
    process = database.start(
        *("pg_dump", "--format=custom", f"--snapshot={snapshot}", "--dbname", database.name),
        **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE},
    )
    sealed = Sealed(settings)
    start = b""
    try:
        while piece := process.stdout.read(PIECE_BYTES):
            start = start or piece[: len(DUMP_MAGIC)]
            sealed.write(piece)
    except BaseException:
        process.kill()
        raise
    finally:
        sealed.close()
        errors = process.stderr.read().decode("utf-8", "replace").strip()
        code = process.wait()
    if code != 0 or start != DUMP_MAGIC:
        raise Failed(f"pg_dump says: {errors or f'nothing, with exit code {code}'}")
    return sealed


def configuration(settings: Settings) -> None:
    """Archives the configuration; paths that do not exist are named, and make the run unhealthy."""
    at = time.time()
    with alone(settings, "configuration"), recorded(settings, "configuration") as run:
        present = [path for path in settings.configuration if os.path.lexists(path)]
        missing = [path for path in settings.configuration if path not in present]
        run.problems = [{"kind": "missing", "path": path, "detail": "it does not exist"} for path in missing]
        for path in missing:
            say(f"{path} does not exist", WARNING)
        if not present:
            raise Failed("nothing of the configuration exists: nothing is archived")
        sealed = Sealed(settings)
        count = 0
        with tarfile.open(fileobj=sealed, mode="w|", format=tarfile.PAX_FORMAT) as tar:
            for path in present:
                tar.add(path)
            count = len(tar.getmembers())
        sealed.close()
        try:
            key, size = sealed.put(settings, "configuration", at, {"files": str(count)})
        except Away as reason:
            raise Failed(f"S3 is away: {reason}") from None
        run.figures = {"size_bytes": size, "files": count, "missing_paths": len(missing)}
        run.more = {"key": key}
        say(f"archived {count} files as {key}, {size} bytes encrypted")

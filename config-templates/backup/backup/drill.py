"""Proves that what is kept can be restored: the newest dump into a scratch database, and shows, compared by hash.

Nothing of it touches the disk, and the scratch database goes however the drill ends: a guardian process of its own
notices the end of this one, even by kill -9.
"""

import concurrent.futures
import contextlib
import hashlib
import os
import random
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

from backup import archive, naming
from backup.archive import decrypted
from backup.database import SCRATCH, Database
from backup.results import Run, recorded
from backup.settings import WARNING, Failed, Settings, alone, say
from backup.store import Away, Store

WORKERS = 4


def drill(settings: Settings, shows: int = 5, everything: bool = False) -> None:
    kind = "drill-all" if everything else "drill"
    with alone(settings, "drill"), recorded(settings, kind) as run:
        store = Store(settings)
        try:
            durations: dict[str, float] = {}
            if settings.database is not None:
                with timed(durations, "database"):
                    drill_database(settings, store, run)
            with timed(durations, "shows"):
                drill_shows(settings, store, run, None if everything else shows)
        except Away as reason:
            raise Failed(f"S3 is away: {reason}") from None
        run.more["durations"] = durations
        for problem in run.problems:
            say(f"{problem['kind']}: {problem.get('key', '')}: {problem['detail']}", WARNING)
        if run.problems:
            raise Failed(f"{len(run.problems)} of what was restored is not as it was")
        say("restored and found well: " + ", ".join(f"{name} {value}" for name, value in run.figures.items()))


@contextlib.contextmanager
def timed(durations: dict[str, float], name: str) -> Iterator[None]:
    started = time.monotonic()
    yield
    durations[name] = round(time.monotonic() - started, 3)


@contextlib.contextmanager
def scratch(database: Database) -> Iterator[str]:
    """The name of a database that exists until the end of the block, or of this process."""
    database.drop_scratch()
    name = f"{SCRATCH}_{secrets.token_hex(4)}"
    guardian = subprocess.Popen(
        [sys.argv[0], "drill", "--guard", name], stdin=subprocess.PIPE, start_new_session=True, cwd="/"
    )
    try:
        database.create(name, like=database.name)
        yield name
    finally:
        guardian.stdin.close()
        if guardian.wait() != 0:
            raise Failed(f"the scratch database {name} could not be dropped")


def guard(settings: Settings, name: str) -> None:
    """Waits for the end of the drill that started it, and drops its database."""
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    sys.stdin.buffer.read()
    database = Database(settings.database)
    database.drop(name)
    if os.getppid() == 1:
        # The drill was killed: its `create database` may still have been under way.
        time.sleep(1)
        database.drop(name)


def clean(settings: Settings) -> None:
    """Drops what is left when drill and guardian were both killed; nothing while another drill is at work."""
    if settings.database is None:
        return
    with alone(settings, "drill", wait=False) as free:
        if free:
            Database(settings.database).drop_scratch()


def drill_database(settings: Settings, store: Store, run: Run) -> None:
    key = archive.newest(settings, store, "database")
    if key is None:
        run.problems.append({"kind": "no dump", "detail": f"there is none in {settings.archive_bucket}"})
        return
    database = Database(settings.database)
    given = store.get(settings.archive_bucket, key)
    with scratch(database) as name:
        with decrypted(store.pieces(given, key)) as pieces:
            sha256 = database.fill(name, pieces, "--no-owner", "--no-privileges")
        rows = database.rows(name)
    differences = archive.differing_rows(given["Metadata"], rows)
    if sha256 != given["Metadata"].get("sha256"):
        differences.append(f"sha256 {sha256}, not {given['Metadata'].get('sha256')}")
    run.problems += [{"kind": "dump differs", "key": key, "detail": difference} for difference in differences]
    run.figures["rows"] = sum(rows.values())
    run.figures["dump_age_seconds"] = round(time.time() - (naming.archive_time("database", key) or 0))
    run.more["dump"] = {"key": key, "rows": {table: count for table, count in rows.items() if count}}


def drill_shows(settings: Settings, store: Store, run: Run, sample: int | None) -> None:
    keys = [
        entry["Key"]
        for entry in store.listing(settings.shows_bucket, naming.SHOWS)
        if naming.parse_show_key(entry["Key"])
    ]
    picked = keys if sample is None else random.sample(keys, min(sample, len(keys)))
    lock, total = threading.Lock(), 0

    def compare(key: str) -> None:
        nonlocal total
        given = store.get(settings.shows_bucket, key)
        digest, size = hashlib.sha256(), 0
        for piece in store.pieces(given, key):
            digest.update(piece)
            size += len(piece)
        told = given["Metadata"].get("sha256")
        with lock:
            total += size
            if digest.hexdigest() != told:
                detail = f"sha256 {digest.hexdigest()} of what was downloaded, {told} when uploaded"
                run.problems.append({"kind": "show differs", "key": key, "detail": detail})

    with concurrent.futures.ThreadPoolExecutor(WORKERS) as pool:
        for _ in pool.map(compare, picked):
            pass
    run.figures["shows"], run.figures["bytes"] = len(picked), total
    run.more["sample"] = picked if sample is not None else f"all {len(picked)}"

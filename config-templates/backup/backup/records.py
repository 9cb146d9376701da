"""What this machine knows of the bucket. It may be lost: then it is made again from the bucket and the disk."""

import os
import sqlite3
import time
from typing import Any

from backup import naming
from backup.library import Show
from backup.settings import Settings, say

TABLES = """
create table if not exists shows (
    channel text, path text, key text not null,
    size integer, mtime_ns integer, sha256 text, version_id text, uploaded_at real,
    primary key (channel, path)
);
create table if not exists waiting (
    channel text, path text, size integer, mtime_ns integer, since real,
    refused text, failed text, attempts integer not null default 0, retry_at real not null default 0,
    primary key (channel, path)
);
create table if not exists facts (name text primary key, value);
"""
# After a failure that is the show's own; S3 being away is no such.
FIRST_RETRY_SECONDS, LONGEST_RETRY_SECONDS = 15, 600


class Records:
    def __init__(self, settings: Settings) -> None:
        self.path = os.path.join(settings.state, "shows.sqlite")
        try:
            self.connect()
        except sqlite3.DatabaseError as reason:
            say(f"{self.path} cannot be read ({reason}): it is made again from the bucket")
            for ending in ("", "-wal", "-shm"):
                if os.path.exists(self.path + ending):
                    os.replace(self.path + ending, self.path + ".broken" + ending)
            self.connect()

    def connect(self) -> None:
        self.database = sqlite3.connect(self.path, timeout=60, isolation_level=None)
        self.database.row_factory = sqlite3.Row
        self.database.execute("pragma journal_mode = wal")
        self.database.execute("pragma synchronous = full")
        self.database.executescript(TABLES)
        self.shows = {(row["channel"], row["path"]): row for row in self.database.execute("select * from shows")}
        self.waiting = {(row["channel"], row["path"]): row for row in self.database.execute("select * from waiting")}

    def fact(self, name: str, missing: float | None = None) -> Any:
        row = self.database.execute("select value from facts where name = ?", (name,)).fetchone()
        return missing if row is None else row["value"]

    def set_fact(self, name: str, value: float) -> None:
        self.database.execute("insert or replace into facts values (?, ?)", (name, value))

    def is_safe(self, show: Show) -> bool:
        """Whether the show's present content is in the bucket, as far as is known here."""
        row = self.shows.get(show.id)
        return (
            row is not None
            and row["version_id"] is not None
            and (row["size"], row["mtime_ns"]) == (show.size, show.mtime_ns)
        )

    def learn_keys(self, keys: list[str], manifest: list[dict]) -> None:
        """After a loss: what keys shows have, and what the manifest told of them. Contents are compared again."""
        told = {(entry["channel"], entry["path"]): entry for entry in manifest}
        with self.transaction():
            for key in sorted(keys):
                show = naming.parse_show_key(key)
                if show is None or show in self.shows:
                    continue
                entry = told.get(show, {})
                entry = entry if entry.get("key") == key else {}
                self.database.execute(
                    "insert or replace into shows values (?, ?, ?, ?, -1, ?, ?, ?)",
                    (
                        *(*show, key, entry.get("size"), entry.get("sha256"), entry.get("versionId")),
                        naming.parse_rfc3339_ns(entry["uploadedAt"]) / 1e9 if entry else None,
                    ),
                )
            self.set_fact("known since", time.time())
        self.shows = {(row["channel"], row["path"]): row for row in self.database.execute("select * from shows")}

    def saw(self, show: Show, since: float) -> None:
        """Notes a show that is not in the bucket as it is."""
        row = self.waiting.get(show.id)
        if row is None or (row["size"], row["mtime_ns"], row["since"]) != (show.size, show.mtime_ns, since):
            self.wait(show, since=since)

    def wait(
        self,
        show: Show,
        since: float,
        refused: str | None = None,
        failed: str | None = None,
        attempts: int = 0,
        retry_at: float = 0,
    ) -> None:
        self.database.execute(
            "insert or replace into waiting values (?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (*show.id, show.size, show.mtime_ns, since, refused, failed, attempts, retry_at),
        )
        self.waiting[show.id] = self.database.execute(
            "select * from waiting where channel = ? and path = ?", show.id
        ).fetchone()

    def refuse(self, show: Show, reason: str) -> None:
        self.wait(show, since=self.waiting[show.id]["since"], refused=reason)

    def fail(self, show: Show, reason: str | None) -> None:
        """Notes an attempt that failed: for a reason of the show's own, or for none."""
        row = self.waiting[show.id]
        attempts = row["attempts"] + 1
        if reason is None:
            self.wait(show, row["since"], attempts=attempts)
            return
        delay = min(LONGEST_RETRY_SECONDS, FIRST_RETRY_SECONDS * 2 ** min(attempts - 1, 10))
        self.wait(show, row["since"], failed=reason, attempts=attempts, retry_at=time.time() + delay)

    def keep(
        self, show: Show, key: str, sha256: str, version_id: str, uploaded_at: float, size_put: int | None
    ) -> None:
        """Notes that the show as it was seen is in the bucket."""
        with self.transaction():
            self.database.execute(
                "insert or replace into shows values (?, ?, ?, ?, ?, ?, ?, ?)",
                (*show.id, key, show.size, show.mtime_ns, sha256, version_id, uploaded_at),
            )
            self.database.execute("delete from waiting where channel = ? and path = ?", show.id)
            self.set_fact("manifest is old", 1)
            if size_put is not None:
                self.set_fact("uploaded shows", self.fact("uploaded shows", 0) + 1)
                self.set_fact("uploaded bytes", self.fact("uploaded bytes", 0) + size_put)
        self.waiting.pop(show.id, None)
        self.shows[show.id] = self.database.execute(
            "select * from shows where channel = ? and path = ?", show.id
        ).fetchone()

    def forget_waiting(self, present: set[tuple[str, str]]) -> None:
        """Drops what waited and is no more."""
        for gone in set(self.waiting) - present:
            self.database.execute("delete from waiting where channel = ? and path = ?", gone)
            del self.waiting[gone]

    def forget_refusals(self) -> None:
        """What was refused is looked at again."""
        self.database.execute("update waiting set refused = null, retry_at = 0")
        self.connect()

    def forget_contents(self, lost: set[tuple[str, str]]) -> None:
        """Shows that are to be put again, since the bucket has lost them."""
        with self.transaction():
            for show in lost:
                self.database.execute(
                    "update shows set version_id = null, mtime_ns = -1 where channel = ? and path = ?", show
                )
        self.shows = {(row["channel"], row["path"]): row for row in self.database.execute("select * from shows")}

    def manifest(self) -> list[dict]:
        return [
            {
                "path": row["path"],
                "channel": row["channel"],
                "key": row["key"],
                "versionId": row["version_id"],
                "size": row["size"],
                "sha256": row["sha256"],
                "mtime": naming.rfc3339_ns(row["mtime_ns"]) if row["mtime_ns"] >= 0 else None,
                "uploadedAt": naming.rfc3339(row["uploaded_at"]),
            }
            for row in self.database.execute("select * from shows where version_id is not null order by channel, path")
        ]

    def transaction(self) -> "Transaction":
        return Transaction(self.database)


class Transaction:
    def __init__(self, database: sqlite3.Connection) -> None:
        self.database = database

    def __enter__(self) -> None:
        self.database.execute("begin immediate")

    def __exit__(self, kind: object, *_: object) -> None:
        self.database.execute("rollback" if kind else "commit")

"""
Every connection of a listener that is still counted, on the disk: the same entry twice makes no difference. What is
older than addresses may be is deleted.
"""

import math
import os
import sqlite3
from collections.abc import Iterator
from typing import Self

from figures.lines import Alive, Began, Ended, Entry, Open, Plays
from figures.sessions import Connection

# A Relay says every 15 minutes who still listens. Who was not named for so long has gone, though nobody said so.
OPEN_SECONDS = 1200.0

TABLES = """
create table if not exists connections (
    id text primary key, machine text, boot text, worker integer, mount text, address text, agent text,
    begin real, until real, ended integer, said_open real
);
create index if not exists open on connections (machine, boot, ended) where ended = 0;
create table if not exists played (
    machine text, mount text, since real, source text, title text, primary key (machine, mount, since)
);
create table if not exists cursors (machine text primary key, cursor text);
create table if not exists first (one integer primary key, moment real);
"""


class Store:
    def __init__(self, path: str) -> None:
        # Addresses are in it.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR, 0o600))
        self.database = sqlite3.connect(path)
        self.database.executescript(TABLES)
        self.database.execute("pragma secure_delete = on")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.commit()
        self.database.close()

    def commit(self) -> None:
        self.database.commit()

    def cursor(self, machine: str) -> str | None:
        """Up to where a machine's journal has been read."""
        found = self.database.execute("select cursor from cursors where machine = ?", (machine,)).fetchone()
        return found[0] if found else None

    def remember(self, machine: str, cursor: str) -> None:
        self.database.execute("insert or replace into cursors values (?, ?)", (machine, cursor))

    def take(self, entry: Entry) -> None:
        match entry:
            case Began():
                self.database.execute(
                    "insert into connections values (?, ?, ?, ?, ?, ?, ?, ?, ?, 0, ?) on conflict do nothing",
                    (*entry, entry.begin, entry.begin),
                )
            case Ended():
                # The end knows all of it, whatever came before.
                self.database.execute(
                    "insert into connections"
                    " values (:id, :machine, '', 0, :mount, :address, :agent, :begin, :end, 1, 0)"
                    " on conflict (id) do update set begin = excluded.begin, until = excluded.until, ended = 1",
                    entry._asdict(),
                )
            case Alive():
                self.database.executemany(
                    "update connections set until = max(until, ?)"
                    " where machine = ? and boot = ? and ended = 0 and worker = ? and begin <= ? and said_open >= ?",
                    [
                        (entry.time, entry.machine, entry.boot, worker, entry.time, entry.time - OPEN_SECONDS)
                        for worker in entry.workers
                    ],
                )
            case Open():
                self.database.executemany(
                    "update connections set until = max(until, ?), said_open = max(said_open, ?)"
                    " where id = ? and machine = ? and boot = ? and ended = 0",
                    [(entry.time, entry.time, name, entry.machine, entry.boot) for name in entry.ids],
                )
            case Plays():
                self.database.execute("insert or replace into played values (?, ?, ?, ?, ?)", entry)

    def first(self) -> float | None:
        """Since when listeners are counted: when the first of all entries was logged, also where that was forgotten."""
        self.database.execute(
            "insert into first select 1, min(moment) from ("
            "select min(iif(ended, until, begin)) as moment from connections union all select min(since) from played)"
            " having min(moment) is not null on conflict (one) do update set moment = min(moment, excluded.moment)"
        )
        found = self.database.execute("select moment from first").fetchone()
        return found[0] if found else None

    def forget(self, before: float) -> None:
        """Deletes what was over before this time. What played then, and still plays, stays."""
        self.first()
        self.database.execute("delete from connections where until < ?", (before,))
        self.database.execute(
            "delete from played where since < ? and since < ("
            "select max(since) from played as later where later.machine = played.machine"
            " and later.mount = played.mount and later.since < ?)",
            (before, before),
        )

    def connections(self, begin: float = -math.inf, end: float = math.inf) -> list[Connection]:
        """All connections that were there between two times, by their beginnings."""
        rows = self.database.execute(
            "select machine, mount, address, agent, begin, until from connections where until > ? and begin < ?"
            " order by begin, until, id",
            (begin, end),
        )
        return [Connection(*row) for row in rows]

    def played(self) -> Iterator[Plays]:
        """What was heard, by machine and mount, in the order of time."""
        rows = self.database.execute("select * from played order by machine, mount, since").fetchall()
        return (Plays(*row) for row in rows)

#!/usr/bin/python3
"""
Puts what NGINX logs of listeners into the journal, so that the monitoring machine has it within seconds: a line when
one begins, and one when they end. Every 15 s it says which of NGINX's workers live: of a machine or a worker that dies,
nobody logs the end, and then this was the last that is known of its listeners. Every 15 minutes it says who still
listens: who is not named has gone, though the line of that was lost.

It goes on where it was, also in a log that has been rotated meanwhile; some lines may come twice then, and have an id.
"""

import datetime
import glob
import gzip
import json
import os
import socket
import time
from collections.abc import Iterable, Iterator
from typing import BinaryIO, NamedTuple

FOLDER = "/var/log/aerial-nginx"
LOG = os.path.join(FOLDER, "access.log")
JOURNAL = "/run/systemd/journal/socket"
IDENTIFIER = "aerial-listeners"
LOOK_SECONDS = 1.0
ALIVE_SECONDS = 15.0
# The store of listener figures goes by it (figures/store.py).
OPEN_SECONDS = 900.0
# journalctl has null for a field of more than 4,096 bytes.
OPEN_IN_LINE = 100
LONGEST = 512
# NGINX writes what it still holds into a log that was rotated within 8 s.
ROTATED_SECONDS = 60.0
PART_BYTES = 1 << 18
# Not the page that a listener came from.
KEPT = ("begins", "id", "time", "listener", "mount", "seconds", "bytes", "agent", "worker")
NO_MOUNTS = (".json", ".m3u", ".pls", ".xspf")


def of_listener(line: bytes) -> dict | None:
    """What the journal gets of a line, or None where it is not of a listener."""
    try:
        # Players name themselves in any encoding.
        value = json.loads(line.decode("utf-8", "replace"))
        mount = value["mount"].partition("?")[0]
        known = "begins" in value or (value["method"] == "GET" and "id" in value)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not known or mount.endswith(NO_MOUNTS) or mount.startswith("/."):
        return None
    return {key: cut(value[key]) for key in KEPT if key in value}


def cut(value: object) -> object:
    return value[:LONGEST] if isinstance(value, str) else value


def packed(value: dict) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


class Listening:
    """Who listens: the beginning has been read, and not the end."""

    def __init__(self, worker_by_id: dict[str, int]) -> None:
        self.worker_by_id = worker_by_id

    def take(self, value: dict) -> None:
        if "begins" in value:
            self.worker_by_id[value["begins"]] = value.get("worker", 0)
        else:
            self.worker_by_id.pop(value["id"], None)

    def statements(self, living: Iterable[int], now: float) -> list[dict]:
        """What is to be said of them, in parts. Those of workers that are gone are forgotten."""
        alive = set(living)
        self.worker_by_id = {name: worker for name, worker in self.worker_by_id.items() if worker in alive}
        names = list(self.worker_by_id)
        parts = (names[at : at + OPEN_IN_LINE] for at in range(0, len(names), OPEN_IN_LINE))
        return [{"open": part, "time": now} for part in parts]


class Open(NamedTuple):
    file: BinaryIO
    inode: int
    until: float | None
    """When it is left, on the monotonic clock; None for the present log."""


class Follower:
    """Reads lines that are added to a log, by whoever writes into it and renames it."""

    def __init__(self, log: str, state: str) -> None:
        self.log = log
        self.state = state
        self.files: list[Open] = []
        self.listening = Listening({})
        self.saved: float | None = None
        """When the program that was here before remembered what it had read."""
        self._resume()

    def lines(self, now: float) -> list[bytes]:
        """All whole lines that are new, at most a part of each file."""
        self._open_present(now)
        found: list[bytes] = []
        for one in self.files:
            data = one.file.read(PART_BYTES)
            whole = data[: data.rfind(b"\n") + 1]
            one.file.seek(len(whole) - len(data), os.SEEK_CUR)
            found += whole.splitlines()
        for one in [one for one in self.files if one.until is not None and now > one.until]:
            one.file.close()
            self.files.remove(one)
        return found

    def save(self) -> None:
        """Remembers what has been read."""
        new = f"{self.state}.new"
        with open(new, "w", encoding="utf-8") as file:
            offsets = {str(one.inode): one.file.tell() for one in self.files}
            json.dump({"offsets": offsets, "open": self.listening.worker_by_id}, file)
        os.replace(new, self.state)

    def missed(self) -> Iterator[bytes]:
        """Lines of logs that were packed since the last save. Some of them may have been read before."""
        if self.saved is None:
            return
        since = self.saved - ROTATED_SECONDS
        for path in sorted(glob.glob(os.path.join(os.path.dirname(self.log), "access-*.log.gz"))):
            try:
                if os.stat(path).st_mtime < since:
                    continue
                with gzip.open(path) as file:
                    yield from (line for line in file if moment_of(line) >= since)
            except (OSError, EOFError):
                # Packed or deleted just now.
                continue

    def _resume(self) -> None:
        try:
            with open(self.state, encoding="utf-8") as file:
                state = json.load(file)
                offsets = state["offsets"]
                self.listening = Listening(state["open"])
                self.saved = os.fstat(file.fileno()).st_mtime
        except (OSError, ValueError, KeyError):
            # The first time: what is there was before.
            self._open_present(0.0)
            for one in self.files:
                one.file.seek(0, os.SEEK_END)
            return
        folder = os.path.dirname(self.log)
        for name in sorted(os.listdir(folder)):
            path = os.path.join(folder, name)
            if not name.endswith(".log"):
                continue
            log = open(path, "rb")  # noqa: SIM115
            facts = os.fstat(log.fileno())
            offset = offsets.get(str(facts.st_ino))
            if offset is None or offset > facts.st_size:
                log.close()
                continue
            log.seek(offset)
            until = None if path == self.log else time.monotonic() + ROTATED_SECONDS
            self.files.append(Open(log, facts.st_ino, until))

    def _open_present(self, now: float) -> None:
        try:
            inode = os.stat(self.log).st_ino
            if any(one.inode == inode and one.until is None for one in self.files):
                return
            file = open(self.log, "rb")  # noqa: SIM115
        except FileNotFoundError:
            return
        self.files = [one._replace(until=one.until or now + ROTATED_SECONDS) for one in self.files]
        self.files.append(Open(file, os.fstat(file.fileno()).st_ino, None))


def moment_of(line: bytes) -> float:
    """When a line was logged; 0 where it does not say."""
    try:
        return datetime.datetime.fromisoformat(json.loads(line.decode("utf-8", "replace"))["time"]).timestamp()
    except (ValueError, KeyError, TypeError):
        return 0.0


def workers(processes: str = "/proc") -> list[int]:
    """Every NGINX that lives."""
    found = []
    for name in os.listdir(processes):
        if name.isdigit():
            try:
                with open(os.path.join(processes, name, "comm"), encoding="utf-8") as file:
                    if file.read().strip() == "nginx":
                        found.append(int(name))
            except OSError:
                pass
    return sorted(found)


def main() -> None:
    follower = Follower(LOG, os.path.join(os.environ["STATE_DIRECTORY"], "read"))
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.connect(JOURNAL)

    def tell(value: dict) -> None:
        # It waits for journald: then NGINX's log waits, and NGINX does not.
        journal.send(f"PRIORITY=6\nSYSLOG_IDENTIFIER={IDENTIFIER}\nMESSAGE={packed(value)}\n".encode())

    def take(line: bytes) -> None:
        value = of_listener(line)
        if value:
            follower.listening.take(value)
            tell(value)

    for line in follower.missed():
        take(line)
    follower.save()
    said = said_open = 0.0
    unsaved = False
    while True:
        now = time.monotonic()
        lines = follower.lines(now)
        for line in lines:
            take(line)
        unsaved = unsaved or bool(lines)
        if now - said >= ALIVE_SECONDS:
            said = now
            living = workers()
            if now - said_open >= OPEN_SECONDS:
                said_open = now
                for statement in follower.listening.statements(living, time.time()):
                    tell(statement)
            tell({"workers": living, "time": time.time()})
            if unsaved:
                follower.save()
                unsaved = False
        if not lines:
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()

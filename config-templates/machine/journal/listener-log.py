#!/usr/bin/python3
"""
Puts what NGINX logs of listeners into the journal, so that the monitoring machine has it within seconds: a line when
one begins, and one when they end. Every 15 s it says which of NGINX's workers live: of a machine or a worker that dies,
nobody logs the end, and then this was the last that is known of its listeners.

It goes on where it was, also in a log that has been rotated meanwhile; some lines may come twice then, and have an id.
"""

import json
import os
import socket
import time
from typing import BinaryIO, NamedTuple

FOLDER = "/var/log/aerial-nginx"
LOG = os.path.join(FOLDER, "access.log")
JOURNAL = "/run/systemd/journal/socket"
IDENTIFIER = "aerial-listeners"
LOOK_SECONDS = 1.0
ALIVE_SECONDS = 15.0
# NGINX writes what it still holds into a log that was rotated within 8 s.
ROTATED_SECONDS = 60.0
PART_BYTES = 1 << 18
# Not the page that a listener came from.
KEPT = ("begins", "id", "time", "listener", "mount", "seconds", "bytes", "agent", "worker")
NO_MOUNTS = (".json", ".m3u", ".pls", ".xspf")


def of_listener(line: bytes) -> str | None:
    """What the journal gets of a line, or None where it is not of a listener."""
    try:
        value = json.loads(line)
        mount = value["mount"].partition("?")[0]
        known = "begins" in value or (value["method"] == "GET" and "id" in value)
    except (ValueError, KeyError, TypeError, AttributeError):
        return None
    if not known or mount.endswith(NO_MOUNTS) or mount.startswith("/."):
        return None
    return json.dumps({key: value[key] for key in KEPT if key in value}, ensure_ascii=False, separators=(",", ":"))


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
            json.dump({str(one.inode): one.file.tell() for one in self.files}, file)
        os.replace(new, self.state)

    def _resume(self) -> None:
        try:
            with open(self.state, encoding="utf-8") as file:
                known = json.load(file)
        except (OSError, ValueError):
            # The first time: what is there was before.
            known = None
        if known is None:
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
            offset = known.get(str(facts.st_ino))
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
    follower.save()
    journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    journal.connect(JOURNAL)

    def tell(message: str) -> None:
        # It waits for journald: then NGINX's log waits, and NGINX does not.
        journal.send(f"PRIORITY=6\nSYSLOG_IDENTIFIER={IDENTIFIER}\nMESSAGE={message}\n".encode())

    said = 0.0
    while True:
        now = time.monotonic()
        lines = follower.lines(now)
        for message in map(of_listener, lines):
            if message:
                tell(message)
        if lines:
            follower.save()
        if now - said >= ALIVE_SECONDS:
            said = now
            tell(json.dumps({"workers": workers(), "time": time.time()}))
        if not lines:
            time.sleep(LOOK_SECONDS)


if __name__ == "__main__":
    main()

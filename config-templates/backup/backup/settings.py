"""What this machine is told about its backup, and the errors that are for people."""

import contextlib
import fcntl
import os
import sys
from collections.abc import Iterator

import files

SETTINGS = "/etc/aerial/backup.json"
CREDENTIALS = "/etc/aerial/backup/credentials"
KEY = "/etc/aerial/backup/key"


class Failed(Exception):
    """Something that cannot be done; the text says what, and what would help. It holds no secret."""


class Settings:
    def __init__(self, given: dict) -> None:
        try:
            self.region = given["region"]
            self.shows_bucket = given["showsBucket"]
            self.archive_bucket = given["archiveBucket"]
            self.libraries = [(library["channel"], library["path"]) for library in given["libraries"]]
            self.recipient = given["recipient"]
            self.database = given["database"]
            self.configuration = given["configuration"]
            self.state = given["state"]
            self.restore_owner = given.get("restoreOwner")
        except KeyError as key:
            raise Failed(f"{SETTINGS} has no {key}") from None


def read_settings() -> Settings:
    if os.geteuid() != 0:
        raise Failed("only root may do this: begin with sudo")
    try:
        settings = Settings(files.read_json(SETTINGS))
    except FileNotFoundError:
        raise Failed(f"{SETTINGS} is missing: this machine has no backup to work with") from None
    os.makedirs(settings.state, mode=0o700, exist_ok=True)
    return settings


ERROR, WARNING = 3, 4


def say(text: str, level: int | None = None) -> None:
    """A line for the journal, with its level, or for the person who waits."""
    mark = f"<{level}>" if level is not None and "JOURNAL_STREAM" in os.environ else ""
    print(f"{mark}{text}", file=sys.stderr, flush=True)


@contextlib.contextmanager
def alone(settings: Settings, name: str, wait: bool = True) -> Iterator[bool]:
    """Only one run of a kind at a time; the next one waits, or is told False."""
    with open(os.path.join(settings.state, f".{name}.lock"), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                yield False
                return
            say("waiting for another run to end")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield True

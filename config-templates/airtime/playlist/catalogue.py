#!/usr/bin/python3
"""Keeps the catalogue in PostgreSQL up to date with the library and the playout, for as long as it runs."""

import os
import sys
import time

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import files
from airtime import catalogue, database, settings

EVERY_SECONDS = 5
# A restore may put another database in place of the one we know.
FORGET_SECONDS = 60


def main() -> None:
    known = settings.load()
    schema = files.read_text("/usr/local/lib/aerial/airtime/schema.sql") or ""
    present, read_at, said = None, 0.0, None
    seen: dict = {}
    while True:
        try:
            if present is None or time.monotonic() - read_at > FORGET_SECONDS:
                database.prepare(schema)
                present, read_at = catalogue.known(), time.monotonic()
            seen = catalogue.step(known, present, seen, time.time())
            catalogue.record_played(known)
            said = None
        except (database.Failed, OSError) as reason:
            present = None
            if str(reason) != said:
                print(f"catalogue: {reason}", file=sys.stderr, flush=True)
            said = str(reason)
        if os.environ.get("AERIAL_ONCE"):
            break
        time.sleep(EVERY_SECONDS)


if __name__ == "__main__":
    main()

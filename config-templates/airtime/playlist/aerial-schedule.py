#!/usr/bin/python3
"""The playout's weekly schedule.

aerial-schedule check [FILE]   whether it can be used; FILE before it takes the place of schedule.txt
aerial-schedule show           what it makes of the next 24 hours
"""

import argparse
import datetime
import sys
import time

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import files
from airtime import library, schedule, settings


def read(known: settings.Settings, path: str) -> list[schedule.Entry]:
    try:
        text = files.read_text(path)
        if text is None:
            sys.exit(f"aerial-schedule: there is no {path}; without a schedule the whole library plays")
        return schedule.parse(text, known.channels)
    except UnicodeDecodeError:
        sys.exit(f"aerial-schedule: {path} is not UTF-8: save it as plain text in UTF-8")
    except schedule.Mistakes as mistakes:
        print(f"aerial-schedule: {path} cannot be used; the last good schedule stays in force", file=sys.stderr)
        for line, text in mistakes.found:
            print(f"  line {line}: {text}", file=sys.stderr)
        sys.exit(1)


def check(known: settings.Settings, path: str) -> None:
    entries = read(known, path)
    for channel in known.channels:
        shows = list(library.shows(known.library_of(channel)))
        for entry in (entry for entry in entries if entry.channel == channel):
            if not library.inside(shows, entry.target):
                print(f"note: line {entry.line}: {entry.target} holds no show yet; until it does, the library plays")
    print(f"{path} is right: {len(entries)} {'entry' if len(entries) == 1 else 'entries'}")


def show(known: settings.Settings, path: str) -> None:
    entries = read(known, path)
    now = time.time()
    for channel in known.channels:
        own = [entry for entry in entries if entry.channel == channel]
        print(f"[{channel}] times of {known.zone.key}")
        present = schedule.in_force(own, known.zone, now)
        ahead = schedule.occurrences(own, known.zone, now, now + 86_400)
        for one in ([present] if present else []) + ahead:
            end = f" to {wall(known, one.end)}" if one.end else ""
            print(f"  {wall(known, one.start)}{end}  {one.entry.target}")
        if not present and not ahead:
            print("  the whole library, round the clock")


def wall(known: settings.Settings, moment: float) -> str:
    return f"{datetime.datetime.fromtimestamp(moment, known.zone):%a %H:%M}"


def main() -> None:
    parser = argparse.ArgumentParser(description="The playout's weekly schedule.")
    parser.add_argument("command", choices=["check", "show"])
    parser.add_argument("file", nargs="?")
    options = parser.parse_args()
    known = settings.load()
    {"check": check, "show": show}[options.command](known, options.file or known.schedule)


if __name__ == "__main__":
    main()

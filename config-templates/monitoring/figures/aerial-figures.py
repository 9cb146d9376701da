#!/usr/bin/python3
"""
Makes listener figures out of what the Relays put into their journals.

    aerial-figures CONFIG.json FOLDER

FOLDER gets days/YYYY-MM-DD.json, months/YYYY-MM.html and .csv and, if the station wants it,
soundexchange/YYYY-MM-DD.csv. To run it again changes nothing: every connection has an id. A day is counted anew until
its addresses go (`addressDays`); what a Relay sends after that is too late.
"""

import datetime
import json
import os
import subprocess
import sys
import time
import zoneinfo
from collections.abc import Callable, Iterator

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

from figures import days, report
from figures.lines import IDENTIFIERS, Entry, files_by_machine, parsed
from figures.sessions import sessions_of
from figures.store import Store

# What ended no longer ago may belong to a session that goes on in the first day that is still counted.
BEFORE_SECONDS = 300.0
# Of Debian's package libloc-database.
COUNTRIES = "/usr/share/libloc-location/location.db"
SCHEMA = ["--output=json", "--output-fields=MESSAGE,SYSLOG_IDENTIFIER,_HOSTNAME,_BOOT_ID", "--quiet"]


def read_journal(files: list[str], cursor: str | None) -> Iterator[tuple[Entry | None, str]]:
    """Entries of a machine behind a cursor, each with its own cursor; None for one that says nothing of listeners."""
    there = [f"--file={file}" for file in files if os.path.exists(file)]
    if not there:
        return
    command = ["journalctl", *SCHEMA, *there]
    command += [f"--identifier={name}" for name in IDENTIFIERS]
    if cursor:
        command.append(f"--after-cursor={cursor}")
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout
        for line in process.stdout:
            value = json.loads(line)
            yield parsed(value), value["__CURSOR"]
    if process.returncode:
        raise OSError(f"journalctl fails ({process.returncode}) for {' '.join(files)}")


def take_in(store: Store, config: dict) -> None:
    """Everything that is new in the journals."""
    for machine, files in files_by_machine(config["journals"]).items():
        cursor = store.cursor(machine)
        for entry, behind in read_journal(files, cursor):
            cursor = behind
            if entry:
                store.take(entry)
        # A file that got another name meanwhile may not have been read: then all that is new is read again.
        if cursor and files_by_machine(config["journals"]).get(machine) == files:
            store.remember(machine, cursor)
        store.commit()


def country_of(config: dict) -> Callable[[str], str] | None:
    """Looks an address up in the free table. None where the station does not want it."""
    if not config["countries"]:
        return None
    import location

    database = location.Database(COUNTRIES)

    def look_up(address: str) -> str:
        try:
            network = database.lookup(address)
        except ValueError:
            network = None
        return (network and network.country_code) or "unknown"

    return look_up


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as file:
        config = json.load(file)
    folder = sys.argv[2]
    now = time.time()
    zone = zoneinfo.ZoneInfo(config["timeZone"])
    cut_off = now - config["addressDays"] * 86400
    first = datetime.datetime.fromtimestamp(cut_off, zone).date() + datetime.timedelta(days=1)
    # Files for SoundExchange are of days of UTC.
    first_of_utc = datetime.datetime.fromtimestamp(cut_off, datetime.UTC).date() + datetime.timedelta(days=1)
    today = datetime.datetime.fromtimestamp(now, zone).date()
    months = set()
    with Store(os.path.join(folder, "connections.sqlite")) as store:
        take_in(store, config)
        store.forget(cut_off - BEFORE_SECONDS)
        store.commit()
        since = store.first()
        played = list(store.played())
        look_up = country_of(config)
        for number in range((today - first).days + 1):
            day = first + datetime.timedelta(days=number)
            if since is None or since >= days.span(day, zone)[1]:
                continue
            # One day at a time: of all days, connections would not fit into the memory.
            sessions = sessions_of(store.connections(*days.around_of(day, zone)), config)
            counted = days.Counted(config, sessions, played, look_up)
            days.write_day(folder, counted.day(day, zone, now, since))
            months.add(f"{day:%Y-%m}")
            if config["soundExchange"] and day >= first_of_utc:
                report.write_listener_file(folder, counted, day)
    for month in sorted(months):
        report.write_month(folder, config, month)
    report.truncate_old(folder, first_of_utc)


if __name__ == "__main__":
    main()

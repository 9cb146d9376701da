#!/usr/bin/python3
"""Brings the station's shows and database back from S3.

    aerial-restore --library --database airtime          everything, to where it belongs on this machine
    aerial-restore --to /root/found --shows '*news*'     single shows, to look at
    aerial-restore --to /root/found --at '2026-11-22 18:00' --list

Shows go to DIR/CHANNEL/PATH, the database's dump to DIR/database.dump (for pg_restore). Each show is compared with the
hash it had when it was uploaded, and appears complete or not at all. What is right already is kept, so a restore
that was interrupted is completed by the same command.

With --at, a show is what had been uploaded by then, so up to a minute older than what lay on the disk; a show that had
been renamed or removed in the library is restored as well, since the bucket keeps everything. Delete markers are
ignored: our writer never deletes, so one was made by mistake or in malice. With --shows or --channel, the database
is restored only when --database is given.

Exit codes: 0 all is restored, 1 not all is, 2 misused.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, "/usr/local/lib/aerial")

from backup import archive, naming, restore, restore_archives
from backup import settings as settings_
from backup.settings import Failed, say
from backup.store import Away, Store


def moment(text: str) -> float:
    try:
        return naming.parse_time(text)
    except ValueError as reason:
        raise argparse.ArgumentTypeError(str(reason)) from None


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    where = parser.add_mutually_exclusive_group()
    where.add_argument("--to", metavar="DIR", help="folder to restore to")
    where.add_argument("--library", action="store_true", help="restore each channel's shows into its library here")
    parser.add_argument("--at", type=moment, metavar="TIME", help="as it was then, 2026-11-22T23:00:00Z or local time")
    parser.add_argument("--shows", metavar="PATTERN", help="only shows whose path fits, with * and ?")
    parser.add_argument("--channel", help="only shows of this channel")
    database = parser.add_mutually_exclusive_group()
    database.add_argument("--database", metavar="NAME", help="restore the dump into this database")
    database.add_argument("--no-database", action="store_true", help="leave the database alone")
    parser.add_argument("--no-shows", action="store_true", help="leave the shows alone")
    parser.add_argument("--replace", action="store_true", help="put the dump in the place of a database with content")
    parser.add_argument("--configuration", action="store_true", help="also unpack it, to DIR/configuration")
    parser.add_argument("--list", action="store_true", help="only list what there is")
    parser.add_argument("--dry-run", action="store_true", help="only say what would be done")
    given = parser.parse_args()
    if not (given.to or given.library or given.list):
        parser.error("say where to: --to DIR, or --library")
    if given.configuration and not given.to:
        parser.error("--configuration needs --to DIR")
    given.to = given.to and os.path.abspath(given.to)
    return given


def main() -> int:
    given = options()
    os.umask(0o022)
    settings = settings_.read_settings()
    store = Store(settings)
    started = time.monotonic()
    wanted = [] if given.no_shows else restore.find(settings, store, given)
    dump = wanted_archive(settings, store, given, "database")
    tar = archive.newest(settings, store, "configuration", given.at) if given.configuration else None
    if given.shows and not wanted:
        raise Failed(f"no show fits {given.shows!r}: see --list")
    if given.list:
        tell_list(wanted, dump, tar)
        return 0
    restorer = restore.Restorer(settings, store, restore.owner_of(settings))
    total = sum(show.size for show in wanted)
    if given.dry_run:
        say(f"would restore {len(wanted)} shows, {total} bytes" + (f", and {dump}" if dump else ""))
        return 0
    if given.database:
        restore_archives.refuse_full(settings, given.database, given.replace)
    if given.to:
        os.makedirs(given.to, exist_ok=True)
    seconds = restorer.shows(wanted)
    for problem in restorer.counts.failed:
        say(f"not restored: {problem}", settings_.ERROR)
    counts = restorer.counts
    say(
        f"{counts.restored} shows restored, {counts.bytes} bytes in {seconds:.1f} s; {counts.kept} were right already; "
        f"{len(counts.failed)} failed"
    )
    archives(settings, store, given, dump, tar)
    say(f"done in {time.monotonic() - started:.1f} s")
    return 1 if counts.failed else 0


def wanted_archive(settings: settings_.Settings, store: Store, given: argparse.Namespace, kind: str) -> str | None:
    # Into a library alone, or with single shows, a dump goes only if it is asked for.
    wanted = given.database or ((given.to or given.list) and not given.shows and not given.channel)
    if given.no_database or not wanted:
        return None
    key = archive.newest(settings, store, kind, given.at)
    if key is None and given.database:
        raise Failed(f"there is no dump of the database in {settings.archive_bucket} from that time or before")
    return key


def tell_list(wanted: list[restore.Wanted], dump: str | None, tar: str | None) -> None:
    for show in wanted:
        print(f"{naming.rfc3339(show.uploaded_at)} {show.size:>12} {show.name}")
    for key in (dump, tar):
        if key:
            print(key)


def archives(
    settings: settings_.Settings, store: Store, given: argparse.Namespace, dump: str | None, tar: str | None
) -> None:
    if dump and given.database:
        started = time.monotonic()
        rows = restore_archives.database_to_server(settings, store, dump, given.database)
        say(
            f"{given.database} is restored from {dump}: {sum(rows.values())} rows in {len(rows)} tables, "
            f"in {time.monotonic() - started:.1f} s"
        )
    elif dump and given.to:
        target = os.path.join(given.to, "database.dump")
        restore_archives.database_to_file(settings, store, dump, target)
        say(f"{target} is {dump}, decrypted: remove it when it has been restored")
    if given.configuration:
        if tar is None:
            raise Failed(f"there is no configuration in {settings.archive_bucket} from that time or before")
        restore_archives.configuration_to(settings, store, tar, os.path.join(given.to, "configuration"))
        say(f"{os.path.join(given.to, 'configuration')} is {tar}, unpacked")


if __name__ == "__main__":
    try:
        sys.exit(main())
    except Away as reason:
        say(f"aerial-restore: S3 is away: {reason}")
        sys.exit(1)
    except Failed as reason:
        say(f"aerial-restore: {reason}")
        sys.exit(1)
    except KeyboardInterrupt:
        say("interrupted: the same command goes on from here")
        sys.exit(130)

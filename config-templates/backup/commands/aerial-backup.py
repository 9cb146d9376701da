#!/usr/bin/python3
"""The backup of this machine's shows, database and configuration on S3.

    aerial-backup upload [--again]           new and changed shows; --again: also lost, and refused, ones
    aerial-backup dump [--accept-smaller]    the database, encrypted
    aerial-backup configuration              the configuration, encrypted
    aerial-backup audit [--quick]            is everything in the bucket, and the same? names all that is not
    aerial-backup drill [--shows N | --all]  restores on trial, and compares
    aerial-backup status [--json]            how the last run of each ended

Timers do all of it; each is for people too. It exits with 0 when all is well, 1 when not, 2 when misused. Results lie
in /var/lib/aerial/backup/*.json. For restoring see aerial-restore --help.
"""

import argparse
import os
import sys

sys.path.insert(0, "/usr/local/lib/aerial")

from backup import settings as settings_


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True, metavar="command")
    upload = commands.add_parser("upload", help="put new and changed shows into the bucket")
    upload.add_argument("--again", action="store_true", help="also put what the bucket has lost, try what was refused")
    dump = commands.add_parser("dump", help="dump the database")
    dump.add_argument("--accept-smaller", action="store_true", help="even if it has lost more than half of its rows")
    commands.add_parser("configuration", help="archive the configuration")
    audit = commands.add_parser("audit", help="compare everything with the bucket")
    audit.add_argument("--quick", action="store_true", help="names and sizes only")
    drill = commands.add_parser("drill", help="restore on trial")
    drill.add_argument("--shows", type=int, default=5, metavar="N", help="as many, taken at random (5)")
    drill.add_argument("--all", action="store_true", help="all shows: what is downloaded from S3 is paid for")
    drill.add_argument("--clean", action="store_true", help="only remove what a killed drill has left")
    drill.add_argument("--guard", help=argparse.SUPPRESS)
    status = commands.add_parser("status", help="how the last runs ended")
    status.add_argument("--json", action="store_true", help="for programs")
    # As the units are named, whose instances are single words.
    short = {"audit-quick": ["audit", "--quick"], "drill-all": ["drill", "--all"]}
    return parser.parse_args([word for argument in sys.argv[1:] for word in short.get(argument, [argument])])


def main() -> None:
    given = options()
    os.umask(0o077)
    settings = settings_.read_settings()
    # Each is loaded when it is wanted: the uploader starts every 12 s.
    match given.command:
        case "upload":
            from backup.upload import upload

            upload(settings, given.again)
        case "dump":
            from backup.archive import dump

            dump(settings, given.accept_smaller)
        case "configuration":
            from backup.archive import configuration

            configuration(settings)
        case "audit":
            from backup.audit import audit

            audit(settings, given.quick)
        case "drill":
            from backup import drill

            if given.guard:
                drill.guard(settings, given.guard)
            elif given.clean:
                drill.clean(settings)
            else:
                drill.drill(settings, given.shows, given.all)
        case "status":
            from backup.status import status

            sys.exit(0 if status(settings, given.json) else 1)


if __name__ == "__main__":
    try:
        main()
    except settings_.Failed as reason:
        settings_.say(f"aerial-backup: {reason}", settings_.ERROR)
        sys.exit(1)
    except KeyboardInterrupt:
        sys.exit(130)

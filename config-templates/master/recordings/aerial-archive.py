#!/usr/bin/python3
"""
What went on air, from the recordings of all Masters at S3, and what this Master has not uploaded yet.

    aerial-archive cut CHANNEL FROM TO FILE      whole frames, as they were encoded; FILE `-` is the standard output
    aerial-archive titles CHANNEL FROM TO        when what was played, and by which source

    aerial-archive cut main 2026-11-22T19:58 20:31 out.mp3

Times are the station's, or have an offset: 2026-11-22T19:58+01:00, 2026-11-22T18:58Z. TO may be a time of the day, the
first after FROM. They are when the Masters played it; listeners hear it some seconds later. Where one Master's
recording has a hole, another's fills it. `--master b` takes only that Master's. If nobody has some of the seconds, it
says which, and ends with 3.
"""

import argparse
import contextlib
import os
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

CREDENTIALS = "/etc/aerial/recordings/reader"
os.environ.setdefault("AWS_SHARED_CREDENTIALS_FILE", CREDENTIALS)
os.environ.setdefault("AWS_CONFIG_FILE", "/dev/null")
os.environ.setdefault("AWS_EC2_METADATA_DISABLED", "true")

from recordings import collect, cut, settings
from recordings.bucket import Away, Bucket
from recordings.moments import Unclear, read_moment, show
from recordings.spool import Spool
from recordings.takes import CONTENT_TYPES, Found

INCOMPLETE = 3


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="aerial-archive", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    commands = parser.add_subparsers(dest="command", required=True)
    for name in ("cut", "titles"):
        command = commands.add_parser(name)
        command.add_argument("channel")
        command.add_argument("begin", metavar="FROM")
        command.add_argument("end", metavar="TO")
        if name == "cut":
            command.add_argument("file", metavar="FILE")
        command.add_argument("--master", help="only this Master's recordings, such as b")
    return parser.parse_args()


def gather(known: settings.Settings, channel: str, begin: float, end: float) -> list[Found]:
    """S3 away is no reason to give nothing: this disk may have it."""
    found = [one for one in Spool(settings.HOME).found(channel) if one.take.end > begin and one.take.start < end]
    try:
        found += collect.at_s3(Bucket(known.bucket, known.region, "reader"), channel, begin, end)
    except Away as reason:
        tell(f"this is what is on this Master's disk, S3 is away: {reason}")
    return found


def codec_of(file: str, found: list[Found]) -> str:
    """What the file is to hold: by its ending, or what there is."""
    there = [one.take.codec for one in found]
    most = max(CONTENT_TYPES, key=there.count)
    if file == "-":
        return most
    ending = os.path.splitext(file)[1].removeprefix(".").lower()
    if ending not in there:
        sys.exit(f"it was recorded as {most.upper()}, and is not encoded again: let the file end in .{most}")
    return ending


@contextlib.contextmanager
def opened(file: str) -> Iterator[BinaryIO]:
    """The file is there when all is in it."""
    if file == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    new = f"{file}.part"
    with open(new, "wb") as out:
        yield out
    os.replace(new, file)


def spell(seconds: float) -> str:
    return f"{int(seconds // 60)}:{seconds % 60:04.1f}"


def main() -> None:
    given = arguments()
    known = settings.load()
    zone = known.time_zone
    try:
        first = read_moment(given.begin, zone)
        begin, end = first.timestamp(), read_moment(given.end, zone, first).timestamp()
    except Unclear as reason:
        sys.exit(str(reason))
    if end <= begin:
        sys.exit(f"{given.end} is not after {given.begin}")
    found = gather(known, given.channel, begin, end)
    if given.master:
        found = [one for one in found if one.take.master == given.master]
    if not found:
        future = ": it has not been played yet" if begin > time.time() else ""
        sys.exit(f"nobody has {given.channel} from {show(begin, zone)} to {show(end, zone)}{future}")
    if given.command == "cut":
        codec = codec_of(given.file, found)
        found = [one for one in found if one.take.codec == codec]
    choice = cut.choose(cut.reels_of(found), begin, end, known.masters)
    if given.command == "cut":
        try:
            with opened(given.file) as out:
                for part in choice.parts:
                    tell(
                        f"{show(part.begin, zone)} to {show(part.end, zone)}: Master {part.reel.first.master}, "
                        f"{spell(part.end - part.begin)}"
                    )
                    for audio in cut.audio_of(part):
                        out.write(audio)
        except (Away, OSError) as reason:
            sys.exit(f"{given.file} is not made: {reason}")
    else:
        for part in choice.parts:
            for at, title in cut.titles_of(part):
                print(f"{show(at, zone)}  {title.source or '-':<12}  {title.title}")
    for since, until in choice.missing:
        tell(f"nobody has {show(since, zone)} to {show(until, zone)}: {spell(until - since)}")
    sys.exit(INCOMPLETE if choice.missing else 0)


if __name__ == "__main__":
    main()

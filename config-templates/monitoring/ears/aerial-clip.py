#!/usr/bin/python3
"""
Writes a clip: what the Ears heard on a channel, as it was encoded. The Ears keep five minutes.

    aerial-clip main 1764331200 30 clip.mp3

The region is the one that has most of it, unless it is given. Where a part is missing, because nothing came, the clip
is shorter, and standard error says by how much. Without any of it, there is no clip, and it fails.
"""

import argparse
import os
import sys
import time

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

from ears import settings
from ears.ring import KEPT_SECONDS, Clip, cut

# Frames do not end where the clip does.
EXACT_SECONDS = 0.1


def find(options: argparse.Namespace, home: str) -> tuple[str, Clip]:
    """The region, and the clip from it. Raises LookupError with the reason."""
    regions = sorted(os.listdir(home)) if os.path.isdir(home) else []
    if options.region is not None:
        regions = [one for one in regions if one == options.region]
    having = [one for one in regions if os.path.isdir(os.path.join(home, one, options.channel, options.codec))]
    if not having:
        where = f" in {options.region}" if options.region is not None else ""
        raise LookupError(f"the Ears do not listen to {options.channel} in {options.codec}{where}")
    clips = [
        (
            one,
            cut(os.path.join(home, one, options.channel, options.codec), options.codec, options.begin, options.seconds),
        )
        for one in having
    ]
    region, clip = max(clips, key=lambda found: found[1].seconds)
    if not clip.audio:
        age = time.time() - options.begin
        raise LookupError(
            f"there is nothing of {options.channel} for these {options.seconds:g} s, which began {age:.0f} s ago; "
            f"the Ears keep {KEPT_SECONDS:.0f} s"
        )
    return region, clip


def number(text: str) -> float:
    value = float(text)
    if not 0 < value < 1e11:
        raise ValueError(text)
    return value


def main(home: str = settings.HOME) -> None:
    parser = argparse.ArgumentParser(
        prog="aerial-clip", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("channel", help="id of the channel, such as main")
    parser.add_argument("begin", metavar="FROM_UNIX", type=number, help="when it begins, in seconds since 1970")
    parser.add_argument("seconds", type=number, help="its length")
    parser.add_argument("out", help="the file to write")
    parser.add_argument("--region", help="region of the Relays, such as ams3")
    parser.add_argument("--codec", choices=["mp3", "aac"], default="mp3", help="(default: mp3)")
    options = parser.parse_args()
    if os.sep in options.channel or options.channel.startswith("."):
        parser.error(f"{options.channel!r} is no channel")
    try:
        region, clip = find(options, home)
        with open(options.out, "wb") as file:
            file.write(clip.audio)
    except (OSError, LookupError) as reason:
        sys.exit(f"aerial-clip: {reason.args[0] if isinstance(reason, LookupError) else reason}")
    missing = options.seconds - clip.seconds
    lacks = f", {missing:.1f} s are missing" if missing > EXACT_SECONDS else ""
    print(f"{clip.seconds:.1f} s from {region}{lacks}", file=sys.stderr)


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Tells Liquidsoap what to play, as JSON: {"uri": "...", "start": seconds since 1970}; an empty uri for nothing.

playout first CHANNEL               when Liquidsoap starts
playout following CHANNEL SECONDS   after what ends in SECONDS
playout upcoming CHANNEL            a show that the schedule has begin in the next seconds, once
"""

import json
import sys
import time

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

from airtime import rotation, settings


def main() -> None:
    command, channel, *rest = sys.argv[1:]
    known = settings.load()
    chooser = rotation.Rotation(known, channel)
    now = time.time()
    if command == "first":
        choice = chooser.first(now)
    elif command == "following":
        choice = chooser.following(now + min(max(float(rest[0]), 0), 86_400))
    else:
        choice = chooser.upcoming(now)
    answer = {"uri": "", "start": 0.0}
    if choice is not None:
        answer = {"uri": rotation.uri(known, channel, choice), "start": choice.start}
    print(json.dumps(answer))


if __name__ == "__main__":
    main()

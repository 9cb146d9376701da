#!/usr/bin/python3
"""
Records what this Master plays: each channel's public mount, as it was encoded, in takes of half a minute on the disk.

    aerial-recorder

`aerial-recordings` uploads them. The password of listeners is the unit's credential.
"""

import os
import sys
import threading
import time
import traceback

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import files
from recordings import settings, stream, takes
from recordings.capture import TAIL_FRAMES, Capture
from recordings.spool import Roll, Spool


def make_capture(known: settings.Settings, spool: Spool, channel: str) -> Capture:
    """A channel's, which goes on where the last recorder ended."""
    codec = known.channels[channel].codec
    roll = Roll(spool, channel, known.master, codec, lambda: spool.trim(known.spool_bytes, settings.say))
    capture = Capture(takes.CONTENT_TYPES[codec], roll)
    newest = roll.recover()
    if newest is not None and newest[0].codec == codec:
        take, audio = newest
        tail = [audio[begin:end] for begin, end, _seconds in takes.frames_of(audio, codec)[-TAIL_FRAMES:]]
        capture.resume(take.reel, take.position + take.seconds, take.end, tail, time.monotonic())
    return capture


def end_all(failure: threading.ExceptHookArgs) -> None:
    """A full disk, or a bug: all channels end, so that systemd starts them again."""
    traceback.print_exception(failure.exc_type, failure.exc_value, failure.exc_traceback)
    os._exit(1)


def main() -> None:
    os.umask(0o022)
    known = settings.load()
    password = (files.read_text(os.path.join(os.environ["CREDENTIALS_DIRECTORY"], "listener")) or "").strip()
    spool = Spool(settings.HOME)

    def record(channel: str) -> None:
        capture = make_capture(known, spool, channel)
        mount = known.channels[channel].mount
        stream.record(capture, known.icecast_port, mount, f"radio:{password}", settings.say)

    threading.excepthook = end_all
    threads = [threading.Thread(target=record, args=(channel,), daemon=True) for channel in known.channels]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()

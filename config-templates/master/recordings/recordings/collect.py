"""All takes of a time, at S3 and on this disk."""

import functools
import json
from collections.abc import Iterator

from recordings import takes
from recordings.bucket import Bucket
from recordings.spool import hour_takes
from recordings.takes import HOUR_SECONDS, Found

# A file of an hour, and a take, may begin this much before what is asked for.
EARLIER_SECONDS = HOUR_SECONDS + 60
TAKE_EARLIER_SECONDS = 60


def at_s3(bucket: Bucket, channel: str, begin: float, end: float) -> Iterator[Found]:
    """Every Master's. Raises Away."""
    for master in bucket.folders("hours/"):
        for day in days(begin - EARLIER_SECONDS, end):
            for key in bucket.keys(f"hours/{master}/{channel}/{day}/"):
                start = takes.hour_start(key)
                if start is not None and begin - EARLIER_SECONDS <= start < end:
                    yield from hour(bucket, key)
    for master in bucket.folders("takes/"):
        first = (begin - TAKE_EARLIER_SECONDS) // HOUR_SECONDS * HOUR_SECONDS
        while first < end:
            for key in bucket.keys(takes.takes_prefix(master, channel, first)):
                found = takes.TAKE_KEY.fullmatch(key)
                if found and begin - TAKE_EARLIER_SECONDS <= int(found[3]) / 1000 < end:
                    take, audio = takes.unpack(bucket.get(key))
                    yield Found(take, functools.partial(bytes, audio))
            first += HOUR_SECONDS


def hour(bucket: Bucket, key: str) -> Iterator[Found]:
    told = json.loads(bucket.get(key))
    audio = f"{key.removesuffix('.json')}.{told['codec']}"
    yield from hour_takes(told, functools.partial(bucket.get, audio))


def days(begin: float, end: float) -> list[str]:
    """Days of UTC that a time touches."""
    last = takes.day_of(end)
    found = [takes.day_of(begin)]
    at = begin
    while found[-1] != last:
        at += 12 * HOUR_SECONDS
        if takes.day_of(at) != found[-1]:
            found.append(takes.day_of(at))
    return found

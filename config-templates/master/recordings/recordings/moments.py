"""Times as people write them: in the station's time zone, or with an offset."""

import datetime
import re
import zoneinfo

WRITTEN = re.compile(
    r"(?:(\d{4})-(\d\d)-(\d\d)[T ])?(\d\d):(\d\d)(?::(\d\d(?:\.\d{1,6})?))?\s*(Z|[+-]\d\d:?\d\d)?", re.IGNORECASE
)


class Unclear(Exception):
    """A text that is no moment, or that is two; the text says what to write."""


def offset_of(text: str) -> datetime.tzinfo:
    if text in "Zz":
        return datetime.UTC
    minutes = int(text[1:3]) * 60 + int(text[-2:])
    return datetime.timezone(datetime.timedelta(minutes=-minutes if text[0] == "-" else minutes))


def read_moment(text: str, zone: str, after: datetime.datetime | None = None) -> datetime.datetime:
    """
    A moment such as `2026-11-22T19:58`, `2026-11-22T19:58:30+01:00` or `2026-11-22T18:58Z`. With `after`, also a time
    of the day: the first such time after that moment.

    Raises Unclear, also for a time that a change of the clocks leaves out, or has twice.
    """
    found = WRITTEN.fullmatch(text.strip())
    if not found or (found[1] is None and after is None):
        raise Unclear(f"{text!r} is no time: write it as 2026-11-22T19:58")
    year, month, day, hour, minute, second, offset = found.groups()
    given: datetime.tzinfo | None = offset_of(offset) if offset else None
    if given is None and after is not None and year is None and not isinstance(after.tzinfo, zoneinfo.ZoneInfo):
        # As the time before it was written.
        given = after.tzinfo
    whole = float(second or 0)
    try:
        clock = datetime.time(int(hour), int(minute), int(whole), round(whole % 1 * 1e6))
        if after is None or year is not None:
            date = datetime.date(int(year), int(month), int(day))
            return settle(datetime.datetime.combine(date, clock), given, zone, text)
        date = after.astimezone(given or zoneinfo.ZoneInfo(zone)).date()
        local = datetime.datetime.combine(date, clock)
        if local.replace(tzinfo=given or after.tzinfo).timestamp() <= after.timestamp():
            local += datetime.timedelta(days=1)
        return settle(local, given, zone, text)
    except ValueError as reason:
        raise Unclear(f"{text!r} is no time: {reason}") from None


def settle(local: datetime.datetime, given: datetime.tzinfo | None, zone: str, text: str) -> datetime.datetime:
    """A local time as the one moment that it is."""
    if given is not None:
        return local.replace(tzinfo=given)
    at = local.replace(tzinfo=zoneinfo.ZoneInfo(zone))
    early, late = at.utcoffset(), at.replace(fold=1).utcoffset()
    if early == late:
        return at
    offsets = [one.isoformat()[-6:] for one in (at, at.replace(fold=1))]
    back = at.astimezone(datetime.UTC).astimezone(at.tzinfo).replace(tzinfo=None)
    if back != local:
        raise Unclear(f"{text!r} does not exist in {zone}: the clocks went forward over it")
    raise Unclear(
        f"{text!r} is twice in {zone}: end it in {offsets[0]} for the first one, or {offsets[1]} for the second"
    )


def show(seconds: float, zone: str) -> str:
    """A moment in the station's time zone, with its offset: `2026-11-22 19:58:00.0+01:00`."""
    at = datetime.datetime.fromtimestamp(round(seconds, 1), zoneinfo.ZoneInfo(zone))
    return f"{at:%Y-%m-%d %H:%M:%S}.{at.microsecond // 100000}{at.isoformat()[-6:]}"

"""The weekly schedule: what a station writes in schedule.txt, and what that means at a moment.

A line is DAYS TIME[-TIME] PATH. Wall-clock times of the station's time zone; a path is in the channel's library.
"""

import dataclasses
import datetime
import re

import audio

from airtime import library

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MINUTES_A_DAY = 24 * 60
LINE = re.compile(r"(\S+)\s+(\d\d?:\d\d)(?:\s*-\s*(\d\d?:\d\d))?\s+(\S.*)")
EXAMPLE = "write it as: mon-fri 06:00-09:00 morning/"


class Mistakes(Exception):
    """What is wrong in a schedule, as (line, text with the remedy)."""

    def __init__(self, found: list[tuple[int, str]]) -> None:
        super().__init__("\n".join(f"line {line}: {text}" for line, text in found))
        self.found = found


class Mistake(Exception):
    """What is wrong in one line."""


@dataclasses.dataclass(frozen=True)
class Entry:
    line: int
    text: str
    channel: str
    days: tuple[int, ...]
    # Minutes after midnight; an end after midnight is beyond 24 h. Without an end, one show is played.
    start: int
    end: int | None
    target: str


@dataclasses.dataclass(frozen=True)
class Occurrence:
    """An entry on one day, in seconds since 1970."""

    entry: Entry
    start: float
    end: float | None


def parse(text: str, channels: tuple[str, ...]) -> list[Entry]:
    """The entries of a schedule. Raises Mistakes with all of them."""
    entries: list[Entry] = []
    found = []
    channel = channels[0]
    for number, written in enumerate(text.removeprefix("\ufeff").splitlines(), 1):
        line = written.strip()
        if not line or line.startswith("#"):
            continue
        try:
            if line.startswith("["):
                channel = parse_channel(line, channels)
            else:
                entry = parse_line(number, line, channel)
                refuse_same_start(entry, entries)
                entries.append(entry)
        except Mistake as reason:
            found.append((number, str(reason)))
    if found:
        raise Mistakes(found)
    return entries


def parse_channel(line: str, channels: tuple[str, ...]) -> str:
    name = line.strip("[] \t")
    if name not in channels or not line.endswith("]"):
        raise Mistake(f"{line} is no channel: use " + ", ".join(f"[{known}]" for known in channels))
    return name


def parse_line(number: int, line: str, channel: str) -> Entry:
    parts = LINE.fullmatch(line)
    if not parts:
        raise Mistake(f"{line!r} is not understood: {EXAMPLE}")
    days, start, end, target = parts.groups()
    first = parse_time(start, "23:59")
    last = None if end is None else parse_time(end, "24:00")
    if last is not None and last <= first:
        if last == first:
            raise Mistake(f"{start}-{end} ends when it starts: leave out the end to play one show")
        last += MINUTES_A_DAY
    return Entry(number, line, channel, parse_days(days), first, last, parse_target(target, end))


def parse_days(text: str) -> tuple[int, ...]:
    if text.lower() == "daily":
        return tuple(range(7))
    days = set()
    for part in text.lower().split(","):
        first, dash, last = part.partition("-")
        if first not in DAYS or (dash and last not in DAYS):
            raise Mistake(
                f"{part!r} is no day: use {', '.join(DAYS)}, ranges such as mon-fri, lists such as sat,sun, or daily"
            )
        index, end = DAYS.index(first), DAYS.index(last or first)
        days.add(index)
        while index != end:
            index = (index + 1) % 7
            days.add(index)
    return tuple(sorted(days))


def parse_time(text: str, latest: str) -> int:
    hours, minutes = (int(part) for part in text.split(":"))
    limit = MINUTES_A_DAY if latest == "24:00" else MINUTES_A_DAY - 1
    if minutes > 59 or hours * 60 + minutes > limit:
        raise Mistake(f"{text} is no time: use 00:00 to {latest}")
    return hours * 60 + minutes


def parse_target(target: str, end: str | None) -> str:
    if target.startswith("/") or any(part in ("", ".", "..") for part in target.removesuffix("/").split("/")):
        raise Mistake(f"{target!r} is no path in the library: use one such as morning/ or live/concert.flac")
    if not target.endswith("/"):
        if not library.is_show(target):
            endings = ", ".join(audio.TYPES)
            raise Mistake(f"{target!r} is neither a folder, which ends in /, nor audio ({endings}): change its end")
        if end is not None:
            raise Mistake(f"{target!r} is one show, which plays to its end: leave out -{end}, or name a folder")
    return target


def refuse_same_start(entry: Entry, others: list[Entry]) -> None:
    for other in others:
        if other.channel == entry.channel and other.start == entry.start:
            day = next((day for day in entry.days if day in other.days), None)
            if day is not None:
                raise Mistake(
                    f"starts on {DAYS[day]} {clock(entry.start)} as line {other.line} does: change or remove one"
                )


def clock(minutes: int) -> str:
    return f"{minutes // 60 % 24:02d}:{minutes % 60:02d}"


def occurrences(entries: list[Entry], zone: datetime.tzinfo, since: float, until: float) -> list[Occurrence]:
    """All occurrences that start within [since, until], in order."""
    day = datetime.datetime.fromtimestamp(since, zone).date() - datetime.timedelta(days=1)
    last = datetime.datetime.fromtimestamp(until, zone).date() + datetime.timedelta(days=1)
    found = []
    while day <= last:
        for entry in entries:
            if day.weekday() in entry.days:
                start = moment(day, entry.start, zone)
                end = None if entry.end is None else moment(day, entry.end, zone)
                if since <= start <= until:
                    found.append(Occurrence(entry, start, end))
        day += datetime.timedelta(days=1)
    return sorted(found, key=lambda one: one.start)


def moment(day: datetime.date, minutes: int, zone: datetime.tzinfo) -> float:
    """A wall-clock time in seconds since 1970. One that daylight saving skips is as much later."""
    day += datetime.timedelta(days=minutes // MINUTES_A_DAY)
    minutes %= MINUTES_A_DAY
    return datetime.datetime.combine(day, datetime.time(minutes // 60, minutes % 60), zone).timestamp()


def in_force(entries: list[Entry], zone: datetime.tzinfo, now: float) -> Occurrence | None:
    """The occurrence with an end that covers a moment, the last begun first; None outside of all."""
    past = occurrences(entries, zone, now - 2 * 86_400, now)
    covering = [one for one in past if one.end is not None and one.end > now]
    return covering[-1] if covering else None

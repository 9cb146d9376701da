"""The figures of a day."""

import datetime
import json
import os
import re
from collections.abc import Callable, Iterable
from zoneinfo import ZoneInfo

from figures.counting import Listening
from figures.lines import Plays
from figures.players import player_of
from figures.sessions import Connection, Session

# Titles beyond the most heard ones are counted together, by source.
TITLES = 200
HOUR = 3600.0
# A session may begin the evening before, and end the morning after; and a day of UTC begins up to 14 hours apart.
AROUND_SECONDS = 24 * HOUR
RELAY = re.compile(r"^relay-(.+)-\d+$")


def span(day: datetime.date, zone: ZoneInfo) -> tuple[float, float]:
    """When a day begins and ends: it has 23 to 25 hours."""

    def midnight(of: datetime.date) -> float:
        return datetime.datetime(of.year, of.month, of.day, tzinfo=zone).timestamp()

    return midnight(day), midnight(day + datetime.timedelta(days=1))


def around_of(day: datetime.date, zone: ZoneInfo) -> tuple[float, float]:
    """From when to when connections are needed for the figures of a day."""
    begin, end = span(day, zone)
    return begin - AROUND_SECONDS, end + AROUND_SECONDS


def region_of(machine: str) -> str:
    found = RELAY.match(machine)
    return found[1] if found else "unknown"


def stamp(moment: float, zone: ZoneInfo) -> str:
    return datetime.datetime.fromtimestamp(moment, zone).isoformat(timespec="seconds")


class Counted:
    """What is known of listeners around a day, from which its figures are made."""

    def __init__(
        self,
        config: dict,
        sessions: list[Session],
        played: Iterable[Plays] = (),
        country_of: Callable[[str], str] | None = None,
    ) -> None:
        self.config = config
        self.short = [session for session in sessions if not session.counts]
        self.sessions = [session for session in sessions if session.counts]
        self.country_of = country_of
        self.channel_by_mount = {
            form["mount"]: channel["id"] for channel in config["channels"] for form in channel["formats"]
        }
        self.format_by_mount = {
            form["mount"]: f"{form['codec']} {form['bitrateKbps']}"
            for channel in config["channels"]
            for form in channel["formats"]
        }
        self.played: dict[tuple[str, str], list[Plays]] = {}
        for entry in played:
            self.played.setdefault((entry.machine, entry.mount), []).append(entry)
        self.groups: dict[str, Callable[[Connection], str]] = {
            "channels": lambda one: self.channel_by_mount[one.mount],
            "formats": lambda one: self.format_by_mount[one.mount],
            "mounts": lambda one: one.mount,
            "regions": lambda one: region_of(one.machine),
            "players": lambda one: player_of(one.agent),
        }
        if country_of:
            known: dict[str, str] = {}
            look_up = country_of

            def country(one: Connection) -> str:
                if one.address not in known:
                    known[one.address] = look_up(one.address)
                return known[one.address]

            self.groups["countries"] = country

    def of_day(self, day: datetime.date, zone: ZoneInfo) -> list[Session]:
        """Sessions of which some part is in a day."""
        begin, end = span(day, zone)
        return [session for session in self.sessions if session.begin < end and session.end > begin]

    def day(self, day: datetime.date, zone: ZoneInfo, now: float, since: float = 0.0) -> dict:
        """The figures, where listeners are counted since a time. They hold nothing by which anybody could be known."""
        begin, midnight = span(day, zone)
        end = min(midnight, now)
        sessions = self.of_day(day, zone)
        ours = (one for session in sessions for one in session.connections)
        connections = [one for one in ours if one.begin < end and one.end > begin]
        listening = Listening((one.begin, one.end) for one in connections)
        short = [session for session in self.short if begin <= session.begin < end]
        peak, peak_at = listening.peak(begin, end)
        return {
            "day": day.isoformat(),
            "timeZone": self.config["timeZone"],
            "through": stamp(end, zone),
            "complete": since <= begin and now >= midnight,
            "elapsedHours": rounded((end - begin) / HOUR),
            **self.summary(sessions, connections, begin, end),
            "peakAt": stamp(peak_at, zone) if peak else None,
            "short": {"sessions": len(short), "hours": rounded(sum(one.seconds for one in short) / HOUR)},
            "hourly": hourly(listening, begin, midnight, end),
            **{name: self.grouped(group, sessions, connections, begin, end) for name, group in self.groups.items()},
            "programmes": self.programmes(connections, begin, end),
        }

    def summary(self, sessions: Iterable[Session], connections: Iterable[Connection], begin: float, end: float) -> dict:
        listening = Listening((one.begin, one.end) for one in connections)
        listened = listening.seconds(begin, end)
        known = list(sessions)
        return {
            "sessions": sum(begin <= session.begin < end for session in known),
            "active": len(known),
            "hours": rounded(listened / HOUR),
            "peak": listening.peak(begin, end)[0],
            "average": rounded(listened / (end - begin)) if end > begin else 0.0,
        }

    def grouped(
        self,
        group: Callable[[Connection], str],
        sessions: list[Session],
        connections: list[Connection],
        begin: float,
        end: float,
    ) -> dict:
        """The same by what a connection belongs to; a session belongs to what its first one does."""
        ours: dict[str, list[Connection]] = {}
        for one in connections:
            ours.setdefault(group(one), []).append(one)
        begun: dict[str, list[Session]] = {}
        for session in sessions:
            begun.setdefault(group(session.first), []).append(session)
        return {
            name: self.summary(begun.get(name, []), ours.get(name, []), begin, end) for name in sorted({*ours, *begun})
        }

    def programmes(self, connections: list[Connection], begin: float, end: float) -> list[dict]:
        """Who heard what, by what each Relay's feed says it played; most heard first."""
        places: dict[tuple[str, str], list[Connection]] = {}
        for one in connections:
            places.setdefault((one.machine, one.mount), []).append(one)
        heard: dict[tuple[str, str, str], float] = {}

        def add(mount: str, source: str, title: str, seconds: float) -> None:
            key = (self.channel_by_mount[mount], source, title)
            heard[key] = heard.get(key, 0.0) + seconds

        for (machine, mount), ours in places.items():
            listening = Listening((one.begin, one.end) for one in ours)
            entries = self.played.get((machine, mount), [])
            first = entries[0].since if entries else end
            add(mount, "unknown", "", listening.seconds(begin, min(end, max(begin, first))))
            ends = [*(entry.since for entry in entries[1:]), end][: len(entries)]
            for entry, until in zip(entries, ends, strict=True):
                seconds = listening.seconds(max(begin, entry.since), min(end, until))
                if seconds:
                    add(mount, entry.source, entry.title, seconds)
        ranked = sorted(heard.items(), key=lambda item: (-item[1], item[0]))
        rest: dict[tuple[str, str], float] = {}
        for (channel, source, _), seconds in ranked[TITLES:]:
            rest[channel, source] = rest.get((channel, source), 0.0) + seconds
        found = [(*key, seconds) for key, seconds in ranked[:TITLES]]
        found += [(channel, source, "other titles", seconds) for (channel, source), seconds in rest.items()]
        return [
            {"channel": channel, "source": source, "title": title, "hours": rounded(seconds / HOUR)}
            for channel, source, title, seconds in found
            if seconds > 0
        ]


def hourly(listening: Listening, begin: float, midnight: float, end: float) -> list[float | None]:
    """The average of each hour; None for those to come."""
    found: list[float | None] = []
    hour = begin
    while hour < midnight:
        until = min(hour + HOUR, midnight, end)
        found.append(rounded(listening.seconds(hour, until) / (until - hour)) if until > hour else None)
        hour += HOUR
    return found


def rounded(value: float) -> float:
    return round(value, 6)


def write_day(folder: str, figures: dict) -> None:
    write(os.path.join(folder, "days", f"{figures['day']}.json"), json.dumps(figures, ensure_ascii=False) + "\n")


def write(path: str, text: str, mode: int = 0o644) -> None:
    """A whole new file in place of the old one, for the status page to read."""
    os.makedirs(os.path.dirname(path), mode=0o755, exist_ok=True)
    new = f"{path}.new"
    with open(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8", newline="") as file:
        file.write(text)
    os.chmod(new, mode)
    os.replace(new, path)

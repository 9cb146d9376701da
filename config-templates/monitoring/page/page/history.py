"""The past: minutes of a week, and days of the last 90, kept from run to run. Only what is missing is asked for."""

import datetime
import zoneinfo
from collections.abc import Callable

from page.prometheus import Series
from page.verdict import SILENCE_SECONDS, Facts, code, judge

MINUTE = 60
WEEK_MINUTES = 7 * 24 * 60
DAYS = 90
# What is asked for at once: of a day, a series has 1,440 values.
CHUNK_MINUTES = 1440
# When a minute is over, its last values may still be on their way.
SETTLE_SECONDS = 30

AskRange = Callable[[str, int, int, int], list[Series]]

QUERIES = {
    "hearing": "avg by (channel) (min_over_time(aerial_ears_advancing[1m]))",
    "silent": f"avg by (channel) (max_over_time(aerial_ears_silent_seconds[1m]) >= bool {SILENCE_SECONDS})",
    "heard": "max by (channel, source) (max_over_time(aerial_ears_playing[1m])) == 1",
    "serving": "avg(max_over_time(aerial_relay_healthy[1m]))",
    "upstreams": "max by (mount, upstream) (max_over_time(aerial_relay_upstream[1m])) == 1",
    "played": "max by (machine, channel, source) (max_over_time(aerial_master_playing[1m])) == 1",
}


class History:
    """Of each channel, a letter for each minute (verdict.code), and for each day how many minutes were what."""

    def __init__(self, settings: dict, kept: dict, now: float) -> None:
        self.settings = settings
        self.order: list[str] = [source["name"] for source in settings["sources"]]
        self.zone = zoneinfo.ZoneInfo(settings["timeZone"])
        last = int(now - SETTLE_SECONDS) // MINUTE
        self.next: int = kept.get("next", last - WEEK_MINUTES)
        # Another station's, or of other sources: letters would mean something else.
        if kept.get("order") != self.order:
            kept = {}
            self.next = last - WEEK_MINUTES
        self.next = max(self.next, last - WEEK_MINUTES)
        self.minutes: dict[str, str] = kept.get("minutes", {})
        self.days: dict[str, dict[str, dict[str, int]]] = kept.get("days", {})

    def kept(self) -> dict:
        """For the next run."""
        return {"next": self.next, "order": self.order, "minutes": self.minutes, "days": self.days}

    def due(self, now: float) -> bool:
        return self.next < int(now - SETTLE_SECONDS) // MINUTE

    def advance(self, ask_range: AskRange, now: float) -> None:
        """Takes in what has been missing until now, a day at most. Raises Silent, and has taken in nothing then."""
        end = min(int(now - SETTLE_SECONDS) // MINUTE, self.next + CHUNK_MINUTES)
        if end <= self.next:
            return
        # A value at the end of a minute is of that minute.
        first, last = (self.next + 1) * MINUTE, end * MINUTE
        found = {name: ask_range(query, first, last, MINUTE) for name, query in QUERIES.items()}
        for channel in self.settings["channels"]:
            letters = "".join(
                code(judge(self.facts(channel, found, at), self.order), self.order)
                for at in range(first, last + 1, MINUTE)
            )
            self.remember(channel["id"], letters)
        self.next = end

    def facts(self, channel: dict, found: dict[str, list[Series]], at: int) -> Facts:
        """What is known of a channel in the minute that ends then."""
        mounts = {mount["mount"] for mount in channel["mounts"]}

        def number(name: str, own: bool = True) -> float | None:
            for labels, values in found[name]:
                if not own or labels.get("channel") == channel["id"]:
                    return values.get(at)
            return None

        def names(name: str, label: str, wanted: Callable[[dict[str, str]], bool]) -> set[str]:
            return {labels[label] for labels, values in found[name] if at in values and wanted(labels)}

        upstreams = names("upstreams", "upstream", lambda labels: labels.get("mount") in mounts)
        masters = {f"master-{name}" for name in upstreams}
        here = [row for row in found["played"] if at in row[1] and row[0].get("channel") == channel["id"]]
        chosen = [row for row in here if row[0].get("machine") in masters] or here
        return Facts(
            hearing=number("hearing"),
            silent=number("silent") or 0.0,
            heard=names("heard", "source", lambda labels: labels.get("channel") == channel["id"]),
            serving=number("serving", own=False),
            upstreams=upstreams,
            played={labels["source"] for labels, _values in chosen},
        )

    def remember(self, channel: str, letters: str) -> None:
        """Appends minutes, which begin at `next`."""
        before = self.minutes.get(channel, "")
        self.minutes[channel] = (before + letters)[-WEEK_MINUTES:]
        days = self.days.setdefault(channel, {})
        for offset, letter in enumerate(letters):
            day = self.day((self.next + offset) * MINUTE)
            counts = days.setdefault(day, {})
            counts[letter] = counts.get(letter, 0) + 1
        for day in sorted(days)[:-DAYS]:
            del days[day]

    def day(self, at: float) -> str:
        return datetime.datetime.fromtimestamp(at, self.zone).date().isoformat()

    def week(self, channel: str) -> dict:
        """The minutes as runs: since when, and how many minutes of which letter."""
        letters = self.minutes.get(channel, "")
        runs: list[list[str | int]] = []
        start = 0
        for index in range(1, len(letters) + 1):
            if index == len(letters) or letters[index] != letters[start]:
                runs.append([letters[start], index - start])
                start = index
        return {"start": (self.next - len(letters)) * MINUTE, "runs": runs}

    def availability(self, channel: str, now: float) -> list[dict]:
        """The last 90 days, the oldest first: the part of the known minutes in which listeners heard something."""
        days = self.days.get(channel, {})
        today = datetime.datetime.fromtimestamp(now, self.zone).date()
        rows = []
        for back in range(DAYS - 1, -1, -1):
            day = (today - datetime.timedelta(days=back)).isoformat()
            counts = {letter: count for letter, count in days.get(day, {}).items() if letter != "?"}
            known = sum(counts.values())
            lost = counts.get("x", 0) + counts.get("q", 0)
            rows.append(
                {
                    "day": day,
                    "knownMinutes": known,
                    "lostMinutes": lost,
                    "coverMinutes": sum(counts.get(letter, 0) for letter in "ens"),
                    "partMinutes": counts.get("p", 0),
                    "share": round((known - lost) / known, 6) if known else None,
                }
            )
        return rows

#!/usr/bin/python3
"""Writes what the status page shows, as JSON, every few seconds: from Prometheus, the Relays and the open alerts.

    aerial-status-page SETTINGS [--once]

In `folder`, `public/` holds what everyone may see and `team/` all. Each has status.json, the present, and past.json,
the week by minutes and 90 days, which changes each minute. Whoever reads them judges by `written` whether they are of
now.
"""

import datetime
import json
import os
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import files
from page import parts
from page.history import History
from page.prometheus import Samples, Silent, ask, ask_range
from page.snapshot import QUERY, Present
from page.verdict import Verdict

EVERY_SECONDS = 5
# A page that has nothing newer than this says so.
STALE_SECONDS = 30
CURVE_SECONDS, CURVE_STEP_SECONDS = 24 * 3600, 300
QUALITY_EVERY_SECONDS = 60
BILL_EVERY_SECONDS = 600
RELAY_PATIENCE_SECONDS = 2
RELAY_LIMIT_BYTES = 1 << 18
# A state that was noted longer ago than this may have changed meanwhile.
FORGET_SECONDS = 300

# Parts of past.json; the others are in status.json.
PAST = ("history", "availability")


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


class Page:
    """What the page shows, and what is kept for the next time."""

    def __init__(self, settings: dict) -> None:
        self.settings = settings
        self.state_file = os.path.join(settings["folder"], "state.json")
        kept = files.recall(self.state_file)
        self.history = History(settings, kept.get("history", {}), time.time())
        # By channel: what was last seen, since when, and when it was seen.
        self.seen: dict[str, dict] = kept.get("seen", {})
        self.curve: dict | None = None
        self.quality: dict[str, dict] = {}
        self.sent_gib: float | None = None
        self.due: dict[str, float] = {}
        self.complaint = ""
        for name in ("public", "team"):
            os.makedirs(os.path.join(settings["folder"], name), mode=0o755, exist_ok=True)

    def once(self) -> None:
        """One round: asks, judges, writes."""
        now = time.time()
        problem = None
        present = Present(self.settings, Samples([]), now)
        try:
            present = Present(self.settings, Samples(ask(self.settings["prometheus"], QUERY)), now)
            self.look_back(now)
        except Silent as reason:
            problem = str(reason)
        if problem != self.complaint and problem is not None:
            say(problem)
        self.complaint = problem or ""
        self.write_present(present, now, problem)

    def look_back(self, now: float) -> None:
        """What is asked for less often. Raises Silent."""
        base = self.settings["prometheus"]
        if self.history.due(now):
            self.history.advance(lambda *asked: ask_range(base, *asked), now)
            self.write_past(now)
        if self.is_due("quality", QUALITY_EVERY_SECONDS, now):
            self.curve = curve(base, now)
            self.quality = quality(base)
        if self.is_due("bill", BILL_EVERY_SECONDS, now):
            # What was sent before this machine was there is not known, and not counted. eth1 is the private network,
            # which is free.
            query = (
                f'sum(increase(node_network_transmit_bytes_total{{device!~"lo|eth1"}}[{max(60, int(month(now)[1]))}s]))'
            )
            rows = ask(base, query)
            self.sent_gib = rows[0][1] / 2**30 if rows else None

    def is_due(self, name: str, every: float, now: float) -> bool:
        if now < self.due.get(name, 0.0):
            return False
        self.due[name] = now + every
        return True

    def since(self, channel: str, verdict: Verdict, now: float) -> float | None:
        """Since when a channel is as it is; None where that was not seen."""
        what = f"{verdict.state} {verdict.source}"
        before = self.seen.get(channel)
        at = None
        if before is not None and now - before["seen"] < FORGET_SECONDS:
            at = before["at"] if before["what"] == what else now
        self.seen[channel] = {"what": what, "at": at, "seen": now}
        return at

    def write_present(self, present: Present, now: float, problem: str | None) -> None:
        settings = self.settings
        verdicts = {channel["id"]: present.verdict(channel) for channel in settings["channels"]}
        playing = now_playing(present) if problem is None else {}
        relays = parts.relays_part(present)
        counts = [region["listeners"] for region in relays if region["listeners"] is not None]
        shown = {
            "relays": relays,
            "listeners": {"now": sum(counts) if counts else None, "curve": self.curve},
            "sources": parts.sources_part(present, verdicts, self.quality),
            "masters": parts.masters_part(present),
            "alerts": parts.alerts_part(settings["alerts"]),
            "bill": parts.bill_part(settings, self.sent_gib, share_of_month(now)),
            **({"backup": parts.backup_part(present)} if settings["backup"] else {}),
        }
        common = {
            "written": round(now, 1),
            "staleAfterSeconds": STALE_SECONDS,
            "problem": problem,
            "station": settings["station"],
            "timeZone": settings["timeZone"],
            "onAir": parts.on_air(settings, verdicts),
            "channels": [
                parts.channel_part(
                    present,
                    channel,
                    verdicts[channel["id"]],
                    self.since(channel["id"], verdicts[channel["id"]], now),
                    playing.get(channel["id"]),
                )
                for channel in settings["channels"]
            ],
        }
        self.write("status.json", common, shown)

    def write_past(self, now: float) -> None:
        channels = self.settings["channels"]
        legend = {chr(ord("A") + index): source["title"] for index, source in enumerate(self.settings["sources"])}
        shown = {
            "history": [{"title": channel["title"], **self.history.week(channel["id"])} for channel in channels],
            "availability": [
                {"title": channel["title"], "days": self.history.availability(channel["id"], now)}
                for channel in channels
            ],
        }
        self.write("past.json", {"written": round(now, 1), "sources": legend}, shown)
        kept = {"history": self.history.kept(), "seen": self.seen}
        files.write(self.state_file, json.dumps(kept), 0o600)

    def write(self, name: str, common: dict, shown: Mapping[str, object]) -> None:
        """Writes a file for everyone without the private parts, and one for the team with all."""
        private = self.settings["private"]
        for folder, hidden in (("public", private), ("team", [])):
            body = {
                **common,
                "team": folder == "team",
                "more": bool(private) and folder == "public",
                "parts": {part: value for part, value in shown.items() if part not in hidden},
            }
            files.write(
                os.path.join(self.settings["folder"], folder, name), json.dumps(body, ensure_ascii=False), 0o644
            )


# Without the Ears and the feeds of Relays in a tier below: of Relays, upstreams are called ams3-1, of Masters a.
LISTENERS = (
    "clamp_min(sum(aerial_relay_listeners) - (sum(aerial_ears_connections) or vector(0))"
    ' - (sum(aerial_relay_upstream_alive{upstream=~".+-.+"}) or vector(0)), 0)'
)


def curve(base: str, now: float) -> dict:
    """Listeners of the last 24 h. A value is None where Prometheus has none."""
    end = int(now) // CURVE_STEP_SECONDS * CURVE_STEP_SECONDS
    start = end - CURVE_SECONDS
    found = ask_range(base, LISTENERS, start, end, CURVE_STEP_SECONDS)
    values = found[0][1] if found else {}
    points = [values.get(at) for at in range(start, end + 1, CURVE_STEP_SECONDS)]
    return {
        "start": start,
        "step": CURVE_STEP_SECONDS,
        "values": [None if value is None else round(value) for value in points],
    }


def quality(base: str) -> dict[str, dict]:
    """Of each source by channel: how much of the last day it was connected, and how often it went."""
    found: dict[str, dict] = {}
    for key, query in (
        ("connectedShare", "max by (channel, source) (avg_over_time(aerial_master_source_connected[1d]))"),
        ("losses", "max by (channel, source) (resets(aerial_master_source_connected[1d]))"),
    ):
        for labels, value in ask(base, query):
            name = f"{labels.get('channel')} {labels.get('source')}"
            found.setdefault(name, {})[key] = round(value, 4) if key == "connectedShare" else round(value)
    return found


def now_playing(present: Present) -> dict[str, dict]:
    """What the first Relay that answers, of those that are well, says of each channel: title, and since when."""
    relays = present.settings["relays"]
    for relay in [one for one in relays if present.state_of(one["name"], "relay") in ("well", "draining")][:2]:
        url = f"http://{relay['address']}/status.json"
        try:
            with urllib.request.urlopen(url, timeout=RELAY_PATIENCE_SECONDS) as response:
                told = json.loads(response.read(RELAY_LIMIT_BYTES))
            return {
                channel["id"]: {"title": channel["playing"]["title"], "since": channel["playing"].get("titleSince")}
                for channel in told["channels"]
                if channel.get("playing") and channel["playing"].get("title")
            }
        except (OSError, ValueError, KeyError, TypeError, AttributeError):
            continue
    return {}


def month(now: float) -> tuple[float, float]:
    """How long this month is, and how much of it is over, in seconds. Bills go by UTC."""
    today = datetime.datetime.fromtimestamp(now, datetime.UTC)
    first = today.replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    following = (first + datetime.timedelta(days=32)).replace(day=1)
    return (following - first).total_seconds(), now - first.timestamp()


def share_of_month(now: float) -> float:
    """How much of this month is over, at least an hour: less says nothing of the rest."""
    length, passed = month(now)
    return max(passed, 3600.0) / length


def main() -> None:
    arguments = sys.argv[1:]
    if not arguments or arguments[1:] not in ([], ["--once"]):
        sys.exit("usage: aerial-status-page SETTINGS [--once]")
    page = Page(files.read_json(arguments[0]))
    while True:
        started = time.monotonic()
        page.once()
        if arguments[1:]:
            return
        time.sleep(max(1.0, EVERY_SECONDS - (time.monotonic() - started)))


if __name__ == "__main__":
    main()

"""The text of messages: what listeners hear, since when, what Aerial did, whether anybody has to act."""

import datetime
import zoneinfo
from collections.abc import Sequence

from alerts.settings import Settings


def clock(when: float, zone: zoneinfo.ZoneInfo) -> str:
    return datetime.datetime.fromtimestamp(when, zone).strftime("%Y-%m-%d %H:%M:%S")


def duration(seconds: float) -> str:
    """For example `2 h 5 min`; seconds only below ten minutes."""
    whole = round(seconds)
    days, hours, minutes = whole // 86400, whole % 86400 // 3600, whole % 3600 // 60
    short = [(minutes, "min"), (whole % 60, "s")]
    parts = short if whole < 600 else [(days, "d"), (hours, "h"), (minutes, "min")]
    return " ".join(f"{number} {name}" for number, name in parts if number) or "0 s"


def titles(events: Sequence[dict]) -> str:
    """The first event's title, and how many there are besides."""
    first = " ".join(events[0]["title"].split())
    return first if len(events) == 1 else f"{first} (and {len(events) - 1} more)"


def runbook(event: dict, settings: Settings) -> str:
    return settings.runbooks + event["runbook"]


def began(message: dict, hears: str, settings: Settings, escalated: bool) -> tuple[str, str]:
    """Subject and text of a message about what has begun."""
    events = message["events"]
    lines = []
    if escalated:
        lines += [
            f"Nobody has acknowledged this, and it lasts: {duration(settings.escalate_after_seconds)} and longer.",
            "",
        ]
    for event in events:
        lines += [
            event["title"],
            f"Since: {clock(event['since'], settings.zone)} ({settings.zone.key})",
            f"Listeners hear: {event['what']}",
            "",
        ]
    first = events[0]
    lines += [
        f"On air now: {hears}",
        f"By itself: {first['covered']}",
        f"To do: {first['todo']}",
        f"Runbook: {runbook(first, settings)}",
    ]
    if message["wantsClip"]:
        lines.append(
            "Clip: the 30 s around it." if message["clip"] else f"There is no clip: {message['noClip'] or 'not known'}"
        )
    lines.append(f"Acknowledge: aerial-alert acknowledge {first['message']}, on the monitoring machine")
    subject = f"[{settings.station}] {'Still: ' if escalated else ''}{titles(events)}"
    return subject, "\n".join(lines) + "\n"


def over(message: dict, hears: str, settings: Settings) -> tuple[str, str]:
    """Subject and text of a message about what is over."""
    lines = [span(event, settings) for event in message["events"]]
    return (
        f"[{settings.station}] Over: {titles(message['events'])}",
        "\n".join([*lines, "", f"On air now: {hears}"]) + "\n",
    )


def span(event: dict, settings: Settings) -> str:
    since = clock(event["since"], settings.zone)
    if event["ended"] is None:
        return f"{event['title']}: since {since}"
    return f"{event['title']}: from {since}, for {duration(event['ended'] - event['since'])}"


def digest(events: Sequence[dict], older: Sequence[dict], settings: Settings, day: str) -> tuple[str, str]:
    """Subject and text of the day's digest. `older` were told of before, and last."""
    count = "1 event" if len(events) == 1 else f"{len(events)} events"
    lines = [f"What Aerial covered by itself, or what can wait; times are those of {settings.zone.key}.", ""]
    for event in events:
        lines.append(f"- {span(event, settings)}")
        if event["ended"] is None:
            lines += [
                f"  By itself: {event['covered']}",
                f"  To do: {event['todo']}",
                f"  Runbook: {runbook(event, settings)}",
            ]
    if older:
        lines += ["", "Told of before, and still so:", *(f"- {span(event, settings)}" for event in older)]
    return f"[{settings.station}] Digest of {day}: {count}", "\n".join(lines) + "\n"

"""What has happened and lasts: events, and the messages that tell of them. The caller brings clock and network."""

import datetime
from typing import Any

# How long Alertmanager must have been running before an alert that it does not know counts as over.
SETTLED_SECONDS = 300
# For so long what belongs together is gathered into one message: regions hear of one fault some seconds apart.
GATHER_SECONDS = 10.0


def parse_time(text: str) -> float:
    return datetime.datetime.fromisoformat(text).timestamp()


def rfc3339(when: float) -> str:
    return datetime.datetime.fromtimestamp(when, datetime.UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def new_state() -> dict[str, Any]:
    return {
        # What lasts, by Alertmanager's fingerprint.
        "events": {},
        # What was or is to be told at once, by number; each tells of one or more events.
        "messages": {},
        # Events of the next digest.
        "digest": [],
        # Day of the last digest.
        "digested": "",
        "number": 0,
        # What is to be sent: in order for each receiver.
        "queue": [],
    }


def event_of(alert: dict, now: float) -> dict[str, Any]:
    """An alert of Alertmanager as an event."""
    said, labels = alert["annotations"], alert["labels"]
    began = said.get("began")
    since = float(began) if began else parse_time(alert["startsAt"]) - float(said.get("for", "0"))
    hidden = ("alertname", "severity", "audience", "station")
    return {
        "alert": labels["alertname"],
        "severity": labels.get("severity", "now"),
        "audience": labels.get("audience", "engineer"),
        "engineerAfter": float(said.get("engineerAfter", "0")),
        "labels": {name: value for name, value in labels.items() if name not in hidden},
        "title": said.get("title", labels["alertname"]),
        "what": said.get("what", ""),
        "covered": said.get("covered", ""),
        "todo": said.get("todo", ""),
        "runbook": said.get("runbook", ""),
        "wantsClip": "clip" in said,
        "since": min(since, now),
        "ended": None,
        "message": None,
    }


def take(state: dict[str, Any], alerts: list[dict], now: float) -> bool:
    """
    Takes what Alertmanager says; whether anything is new. What it says again is known. Events of one alert that are not
    told yet are one message.
    """
    fresh: dict[str, list[dict]] = {}
    changed = False
    for alert in alerts:
        known = state["events"].get(alert["fingerprint"])
        if alert["status"] == "firing" and known is None:
            event = event_of(alert, now)
            state["events"][alert["fingerprint"]] = event
            changed = True
            if event["severity"] == "now":
                fresh.setdefault(event["alert"], []).append(event)
            else:
                state["digest"].append(event)
        elif alert["status"] == "resolved" and known is not None:
            end(state, alert["fingerprint"], min(parse_time(alert["endsAt"]), now))
            changed = True
    for name, together in fresh.items():
        number = untold(state, name) or opened(state, now)
        message = state["messages"][number]
        message["events"] += together
        message["wantsClip"] = any(event["wantsClip"] for event in message["events"])
        for event in together:
            event["message"] = number
    return changed


def untold(state: dict[str, Any], name: str) -> str | None:
    """Number of the message of this alert that lasts and that nobody has been told of yet."""
    for number, message in state["messages"].items():
        if message["events"][0]["alert"] == name and not message["told"] and not is_over(message):
            return str(number)
    return None


def opened(state: dict[str, Any], now: float) -> str:
    """Number of a new message, of no events yet."""
    state["number"] += 1
    number = str(state["number"])
    state["messages"][number] = {
        "events": [],
        "opened": now,
        # Lists that were told, and all receivers of these.
        "told": [],
        "receivers": [],
        "acknowledged": False,
        "clip": None,
        "noClip": None,
        "wantsClip": False,
    }
    return number


def end(state: dict[str, Any], fingerprint: str, when: float) -> None:
    """An event is over. Its message or the digest tells of that, and then forgets it."""
    event = state["events"].pop(fingerprint)
    event["ended"] = max(when, event["since"])
    if event["message"] is not None:
        # After a restart, what is in the message is a copy.
        for other in state["messages"][event["message"]]["events"]:
            if (other["alert"], other["labels"]) == (event["alert"], event["labels"]):
                other["ended"] = event["ended"]
        return
    for other in state["digest"]:
        if (other["alert"], other["labels"], other["since"]) == (event["alert"], event["labels"], event["since"]):
            other["ended"] = event["ended"]
            return
    state["digest"].append(event)


def drop(state: dict[str, Any], number: str, fingerprints: set[str]) -> None:
    """Forgets those of a message's events: nobody has been told of them, and nobody is to be."""
    message = state["messages"][number]
    for fingerprint in fingerprints:
        event = state["events"].get(fingerprint)
        if event is not None and event["message"] == number:
            del state["events"][fingerprint]
            # After a restart, what is in the message is a copy.
            message["events"] = [
                other
                for other in message["events"]
                if (other["alert"], other["labels"]) != (event["alert"], event["labels"])
            ]
    if not message["events"]:
        del state["messages"][number]


def reconcile(state: dict[str, Any], known: set[str], uptime: float, now: float) -> bool:
    """
    Ends what Alertmanager does not have any more: it does not tell of the end of an alert that another one inhibits.
    When it has just begun, it may not have heard of all.
    """
    gone = [fingerprint for fingerprint in state["events"] if fingerprint not in known]
    if uptime < SETTLED_SECONDS:
        return False
    for fingerprint in gone:
        end(state, fingerprint, now)
    return bool(gone)


def is_over(message: dict) -> bool:
    return all(event["ended"] is not None for event in message["events"])


def due_lists(message: dict, escalate_after: float, now: float) -> list[str]:
    """
    Which lists are to be told of a message that have not been; in the order in which they are told. The studio is told
    at once: it can help itself.
    """
    waited = now - message["opened"]
    first = message["events"][0]
    if first["audience"] != "studio" and waited < GATHER_SECONDS and not is_over(message):
        return []
    due = [first["audience"]]
    if first["audience"] == "studio" and waited >= first["engineerAfter"]:
        due.append("engineer")
    if waited >= escalate_after and not message["acknowledged"]:
        due.append("escalation")
    return [name for name in due if name not in message["told"]]


def digest_due(state: dict[str, Any], local: datetime.datetime, hour: int) -> bool:
    """Once a day, at the hour or as soon after it as the machine runs."""
    return local.hour >= hour and state["digested"] != local.date().isoformat()


def listing(state: dict[str, Any]) -> list[dict[str, Any]]:
    """What lasts, for the status page: what is urgent first, then what is new."""
    keys = ("alert", "severity", "title", "what", "covered", "todo", "runbook", "labels")
    ordered = sorted(state["events"].values(), key=lambda event: (event["severity"] != "now", -event["since"]))
    return [
        {
            **{key: event[key] for key in keys},
            "since": rfc3339(event["since"]),
            **({"number": event["message"]} if event["message"] else {}),
        }
        for event in ordered
    ]

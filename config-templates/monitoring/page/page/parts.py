"""The parts of the page, each as plain values, with the words that people read."""

import json
from collections.abc import Mapping

from page.snapshot import Present
from page.verdict import Verdict

# Beside sources, by the names that the Masters give.
OTHERS = {
    "emergency": "Emergency shows",
    "announcement": "Announcement",
    "standby": "Standby audio",
    "nothing": "Nothing",
}
WORDS = {
    "on": "On air",
    "cover": "On air, without a source",
    "silent": "Silence on air",
    "off": "Off air",
    "unknown": "Not known",
}
# The worst first: what is said of all channels together. That something is not known hides nothing that is.
BADNESS = ("off", "silent", "cover", "unknown", "on")

# What the backup proves, how old each may be in seconds, and what it is called.
BACKUP = (
    ("upload", 3600, "Shows copied to the bucket"),
    ("dump", 3 * 3600, "Database saved"),
    ("audit", 2 * 86400, "Everything compared with the bucket"),
    ("drill", 2 * 86400, "Restored on trial"),
    ("drill_all", 9 * 86400, "All shows restored on trial"),
)


def title_of(settings: dict, source: str | None) -> str | None:
    if source is None:
        return None
    return next(
        (known["title"] for known in settings["sources"] if known["name"] == source), OTHERS.get(source, source)
    )


def region_title(settings: dict, region: str) -> str:
    return settings["regions"].get(region, region)


def on_air(settings: dict, verdicts: Mapping[str, Verdict]) -> dict:
    """Of all channels together."""
    states = [verdict.state for verdict in verdicts.values()]
    state = next((state for state in BADNESS if state in states), "unknown")
    partly = any(verdict.partly for verdict in verdicts.values())
    words = WORDS[state]
    if state == "on" and partly:
        words = "On air, not everywhere"
    affected = [channel["title"] for channel in settings["channels"] if verdicts[channel["id"]].state == state]
    some = len(affected) < len(verdicts) and state != "on"
    return {"state": state, "partly": partly, "words": words, "channels": affected if some else []}


def channel_part(present: Present, channel: dict, verdict: Verdict, since: float | None, playing: dict | None) -> dict:
    """What everyone may know of a channel."""
    settings = present.settings
    return {
        "id": channel["id"],
        "title": channel["title"],
        "state": verdict.state,
        "partly": verdict.partly,
        "words": "On air, not everywhere" if verdict.state == "on" and verdict.partly else WORDS[verdict.state],
        "source": title_of(settings, verdict.source),
        "since": since,
        "deaf": [region_title(settings, region) for region in present.deaf(channel["id"])],
        # The title is the Relays' word: it says nothing while they play by themselves.
        "playing": playing if verdict.state == "on" else None,
        "players": [
            {
                "url": f"https://{settings['stream']}{mount['mount']}",
                "type": mount["contentType"],
                "title": f"{mount['codec'].upper()} {mount['bitrateKbps']} kbit/s",
            }
            for mount in channel["mounts"]
        ],
    }


def sources_part(present: Present, verdicts: Mapping[str, Verdict], quality: dict) -> list[dict]:
    """By channel: each source, whether it sends, and how well it did on the last day."""
    samples, settings = present.samples, present.settings
    masters = [master["name"] for master in settings["masters"] if present.knows(master["name"])]

    def anywhere(name: str, channel: str, source: str) -> bool | None:
        values = [
            value
            for labels, value in samples.of(f"aerial_master_{name}", channel=channel, source=source)
            if labels.get("machine") in masters
        ]
        return None if not values else 1 in values

    def state(channel: str, source: str) -> str:
        connected = anywhere("source_connected", channel, source)
        if connected is None:
            return "unknown"
        if verdicts[channel].source == source:
            return "heard"
        if anywhere("source_silent", channel, source):
            return "silent"
        return "ready" if connected else "absent"

    return [
        {
            "channel": channel["title"],
            "level": present.level(channel["id"]),
            "sources": [
                {
                    "title": source["title"],
                    "state": state(channel["id"], source["name"]),
                    **quality.get(f"{channel['id']} {source['name']}", {}),
                }
                for source in settings["sources"]
            ],
        }
        for channel in settings["channels"]
    ]


def masters_part(present: Present) -> list[dict]:
    """The Masters, preferred first, and what each plays."""
    settings = present.settings
    return [
        {
            "name": f"Master {master['name'].removeprefix('master-')}",
            "place": region_title(settings, master["region"]),
            "state": present.state_of(master["name"], "master"),
            "plays": [
                {"channel": channel["title"], "source": title_of(settings, labels.get("source"))}
                for channel in settings["channels"]
                for labels, value in present.samples.of(
                    "aerial_master_playing", channel=channel["id"], machine=master["name"]
                )
                if value == 1 and present.knows(master["name"])
            ],
        }
        for master in settings["masters"]
    ]


def relays_part(present: Present) -> list[dict]:
    """
    Relays by region. Listeners are None where no Relay of the region says how many. The Ears are none, and neither are
    the feeds of Relays in a tier below.
    """
    settings = present.settings
    regions: dict[str, list[dict]] = {}
    for relay in settings["relays"]:
        counts = present.samples.of("aerial_relay_listeners", machine=relay["name"])
        own = [
            *present.samples.of("aerial_ears_connections", relay=relay["name"]),
            *present.samples.of("aerial_relay_upstream_alive", upstream=relay["name"].removeprefix("relay-")),
        ]
        known = bool(counts) and present.knows(relay["name"])
        regions.setdefault(relay["region"], []).append(
            {
                "name": relay["name"],
                "state": present.state_of(relay["name"], "relay"),
                # They may come and go between the two readings.
                "listeners": max(0, int(sum_of(counts) - sum_of(own))) if known else None,
            }
        )
    return [
        {"region": region, "place": region_title(settings, region), "listeners": total(relays), "relays": relays}
        for region, relays in regions.items()
    ]


def sum_of(values: list[tuple[dict, float]]) -> float:
    return sum(value for _labels, value in values)


def total(relays: list[dict]) -> int | None:
    known = [relay["listeners"] for relay in relays if relay["listeners"] is not None]
    return sum(known) if known else None


def backup_part(present: Present) -> list[dict]:
    """What the backup last proved, and whether that is too long ago. What nobody says is `unknown`, and never well."""
    rows = []
    for kind, limit, title in BACKUP:
        at = present.samples.value(f"aerial_backup_{kind}_last_success_timestamp_seconds")
        healthy = present.samples.value(f"aerial_backup_{kind}_healthy")
        state = "unknown"
        if at is not None:
            state = "well" if healthy == 1 and present.now - at < limit else "old" if healthy == 1 else "failed"
            state = "never" if at == 0 else state
        rows.append({"title": title, "state": state, "at": at or None})
    return rows


def alerts_part(path: str) -> dict:
    """What aerial-alert holds for open, what cannot wait first. `known` is false where its list cannot be read."""
    try:
        with open(path, encoding="utf-8") as file:
            given = json.load(file)
        alerts = [
            {key: str(alert.get(key) or "") for key in ("alert", "severity", "what", "covered", "todo", "runbook")}
            | {"since": alert.get("since")}
            for alert in given
        ]
    except (OSError, ValueError, AttributeError, TypeError):
        return {"known": False, "alerts": []}
    return {"known": True, "alerts": sorted(alerts, key=lambda alert: alert["severity"] != "now")}


def bill_part(settings: dict, sent_gib: float | None, share: float) -> dict:
    """
    The month's bill in USD at list prices: what is rented goes by time, transfer by what was sent. `share` is how much
    of the month is over.
    """
    plan = settings["plan"]
    rented = sum(item["monthlyUsd"] for item in plan["items"] if item["name"] != "Transfer")

    def over(gib: float, included: float) -> float:
        return max(0.0, gib - included) * plan["transferUsdPerGib"]

    known = sent_gib is not None
    projected_gib = None if sent_gib is None else sent_gib / share
    return {
        "planned": round(plan["monthlyUsd"], 2),
        "soFar": round(rented * share + over(sent_gib or 0.0, plan["includedGiB"] * share), 2) if known else None,
        "projected": round(rented + over(projected_gib, plan["includedGiB"]), 2) if projected_gib is not None else None,
        "sentGiB": round(sent_gib, 1) if sent_gib is not None else None,
        "includedGiB": round(plan["includedGiB"]),
        "items": [{"name": item["name"], "monthlyUsd": round(item["monthlyUsd"], 2)} for item in plan["items"]],
    }

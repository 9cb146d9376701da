"""What the status page says of a station, by what Prometheus knows."""

import itertools
import json
import re
import time
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from page import parts, snapshot
from page.history import WEEK_MINUTES, History
from page.prometheus import Samples, Series, Silent
from page.snapshot import QUERY, Present
from page.verdict import Facts, Verdict, code, judge
from programs import load

ORDER = ["studio", "mobile"]
NOW = 1_790_000_000.0
SETTINGS: dict[str, Any] = {
    "station": "Radio",
    "stream": "stream.radio.example",
    "timeZone": "UTC",
    "channels": [
        {
            "id": "main",
            "title": "Main",
            "mounts": [{"mount": "/main.mp3", "codec": "mp3", "bitrateKbps": 192, "contentType": "audio/mpeg"}],
        }
    ],
    "sources": [{"name": "studio", "title": "Studio"}, {"name": "mobile", "title": "Mobile studio"}],
    "masters": [{"name": "master-a", "region": "ams3"}, {"name": "master-b", "region": "fra1"}],
    "relays": [
        {"name": "relay-ams3-1", "region": "ams3", "address": "192.0.2.1"},
        {"name": "relay-nyc3-1", "region": "nyc3", "address": "192.0.2.2"},
    ],
    "regions": {"ams3": "Amsterdam", "nyc3": "New York"},
    "backup": True,
    "private": ["masters", "alerts", "bill", "backup", "sources"],
    "plan": {
        "monthlyUsd": 110,
        "items": [{"name": "Masters", "monthlyUsd": 100}, {"name": "Transfer", "monthlyUsd": 10}],
        "includedGiB": 1000,
        "transferUsdPerGib": 0.01,
    },
}


def row(name: str, value: float, **labels: str) -> tuple[dict[str, str], float]:
    return {"__name__": name, **labels}, value


def machine(name: str, role: str, *, up: bool = True, healthy: bool = True, age: float = 5) -> list:
    file = f"/var/lib/prometheus/node-exporter/aerial-{role}.prom"
    return [
        row("up", int(up), machine=name, job="machine"),
        row("node_textfile_mtime_seconds", NOW - age, machine=name, role=role, file=file),
        row(f"aerial_{role}_healthy", int(healthy), machine=name),
    ]


def relay(name: str, upstream: str = "a", listeners: int = 3, **facts: Any) -> list:
    return [
        *machine(name, "relay", **facts),
        row("aerial_relay_upstream", 1, machine=name, mount="/main.mp3", upstream=upstream),
        row("aerial_relay_listeners", listeners, machine=name, mount="/main.mp3"),
    ]


def master(name: str, playing: str = "studio", **facts: Any) -> list:
    return [
        *machine(name, "master", **facts),
        row("aerial_master_playing", 1, machine=name, channel="main", source=playing),
        row("aerial_master_playing", 0, machine=name, channel="main", source="mobile"),
        row("aerial_master_source_connected", 1, machine=name, channel="main", source="studio"),
        row("aerial_master_source_silent", 0, machine=name, channel="main", source="studio"),
    ]


def ears(region: str, playing: str = "studio", *, advancing: int = 1, silent: float = 0, age: float = 5) -> list:
    labels = {"listen_region": region, "channel": "main", "mount": "/main.mp3"}
    return [
        row("aerial_ears_seen_timestamp_seconds", NOW - age, listen_region=region),
        row("aerial_ears_advancing", advancing, **labels),
        row("aerial_ears_silent_seconds", silent, **labels),
        row("aerial_ears_playing", 1, **labels, source=playing),
    ]


def present(*groups: list) -> Present:
    return Present(SETTINGS, Samples([one for group in groups for one in group]), NOW)


def verdict(*groups: list) -> Verdict:
    return present(*groups).verdict(SETTINGS["channels"][0])


WELL = [*master("master-a"), *master("master-b"), *relay("relay-ams3-1"), *relay("relay-nyc3-1")]


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (Facts(), Verdict("unknown")),
        (Facts(serving=0.0), Verdict("off")),
        (Facts(serving=1.0), Verdict("unknown")),
        (Facts(serving=0.5, upstreams={"a"}, played={"studio"}), Verdict("on", "studio")),
        (Facts(serving=1.0, upstreams={"standby"}, played={"studio"}), Verdict("cover", "standby")),
        (Facts(serving=1.0, upstreams={"a", "standby"}, played={"studio"}), Verdict("on", "studio", partly=True)),
        (Facts(hearing=0.0, serving=1.0, played={"studio"}), Verdict("off")),
        (Facts(hearing=1.0, silent=1.0, heard={"studio"}), Verdict("silent", "studio")),
        (Facts(hearing=0.5, heard={"studio"}), Verdict("on", "studio", partly=True)),
        (Facts(hearing=1.0, heard={"studio", "emergency"}), Verdict("cover", "emergency")),
        (Facts(hearing=1.0), Verdict("unknown")),
    ],
)
def test_what_listeners_hear_follows_from_the_ears_first(facts: Facts, expected: Verdict) -> None:
    assert judge(facts, ORDER) == expected


def test_each_verdict_has_a_letter_in_the_history() -> None:
    verdicts = [
        Verdict("on", "studio"),
        Verdict("on", "mobile"),
        Verdict("on", "studio", partly=True),
        Verdict("cover", "emergency"),
        Verdict("cover", "standby"),
        Verdict("silent", "studio"),
        Verdict("off"),
        Verdict("unknown"),
        Verdict("on", "a source that nobody knows"),
    ]
    assert "".join(code(one, ORDER) for one in verdicts) == "ABpesqx??"


def test_a_station_without_ears_is_judged_by_its_machines() -> None:
    assert verdict(WELL) == Verdict("on", "studio")


def test_both_masters_dead_is_standby_audio() -> None:
    dead = [row("up", 0, machine=name, job="machine") for name in ("master-a", "master-b")]
    assert verdict(dead, relay("relay-ams3-1", "standby"), relay("relay-nyc3-1", "standby")) == Verdict(
        "cover", "standby"
    )


def test_what_another_master_plays_does_not_count_while_nobody_hears_it() -> None:
    assert verdict(master("master-a"), master("master-b", "emergency"), relay("relay-ams3-1")).source == "studio"


@pytest.mark.parametrize(
    "groups",
    [
        [],
        [row("up", 0, machine="relay-ams3-1", job="machine")],
        [*relay("relay-ams3-1", age=600), *master("master-a", age=600)],
    ],
)
def test_nothing_is_well_that_nobody_says_or_that_is_old(groups: list) -> None:
    assert verdict(groups).state == "unknown"


def test_ears_that_have_not_listened_for_long_are_not_believed() -> None:
    assert verdict(WELL, ears("ams3", "mobile", age=600)) == Verdict("on", "studio")


def test_a_region_that_hears_nothing_is_named() -> None:
    now = present(WELL, ears("ams3"), ears("nyc3", advancing=0))
    assert now.verdict(SETTINGS["channels"][0]) == Verdict("on", "studio", partly=True)
    told = parts.channel_part(now, SETTINGS["channels"][0], Verdict("on", "studio", partly=True), None, None)
    assert told["deaf"] == ["New York"]
    assert told["words"] == "On air, not everywhere"


def test_states_of_machines() -> None:
    now = present(relay("relay-ams3-1", healthy=False), [row("up", 0, machine="relay-nyc3-1", job="machine")])
    assert [now.state_of(name, "relay") for name in ("relay-ams3-1", "relay-nyc3-1", "relay-sgp1-1")] == [
        "unwell",
        "unreachable",
        "unknown",
    ]


def test_the_ears_and_feeds_of_relays_are_no_listeners() -> None:
    here = relay("relay-ams3-1", listeners=5)

    def shown(ears: int, feeds: int) -> int | None:
        own = [
            row("aerial_ears_connections", ears, relay="relay-ams3-1", machine="monitoring"),
            row("aerial_relay_upstream_alive", feeds, machine="relay-nyc3-1", upstream="ams3-1", mount="/main.mp3"),
            row("aerial_relay_upstream_alive", 1, machine="relay-nyc3-1", upstream="a", mount="/main.mp3"),
        ]
        return parts.relays_part(present(here, own))[0]["listeners"]

    assert [shown(0, 0), shown(2, 1), shown(5, 1)] == [5, 2, 0]


def test_prometheus_is_asked_for_every_metric_of_the_present() -> None:
    asked = re.search(r'=~"(.+)"', QUERY)
    assert asked
    sources = [Path(module.__file__).read_text() for module in (parts, snapshot) if module.__file__]
    names = {name for text in sources for name in re.findall(r'"(aerial_[a-z_]+)"', text)}
    assert len(names) > 5
    assert [name for name in sorted(names) if not re.fullmatch(asked[1], name)] == []


def test_listeners_are_not_known_where_no_relay_of_a_region_says_how_many() -> None:
    assert [region["listeners"] for region in parts.relays_part(present(relay("relay-ams3-1")))] == [3, None]


def test_a_source_is_heard_ready_silent_absent_or_not_known() -> None:
    now = present(WELL)
    [channel] = parts.sources_part(now, {"main": Verdict("cover", "emergency")}, {"main studio": {"losses": 2}})
    assert [(one["title"], one["state"]) for one in channel["sources"]] == [
        ("Studio", "ready"),
        ("Mobile studio", "unknown"),
    ]
    assert channel["sources"][0]["losses"] == 2
    assert channel["level"] is None


def test_the_backup_is_well_only_where_its_last_success_is_young() -> None:
    backup = [
        row("aerial_backup_upload_healthy", 1),
        row("aerial_backup_upload_last_success_timestamp_seconds", NOW - 60),
        row("aerial_backup_dump_healthy", 1),
        row("aerial_backup_dump_last_success_timestamp_seconds", NOW - 86400),
        row("aerial_backup_audit_healthy", 0),
        row("aerial_backup_audit_last_success_timestamp_seconds", NOW - 60),
        row("aerial_backup_drill_healthy", 0),
        row("aerial_backup_drill_last_success_timestamp_seconds", 0),
    ]
    states = [one["state"] for one in parts.backup_part(present(backup))]
    assert states == ["well", "old", "failed", "never", "unknown"]


@pytest.mark.parametrize("text", ["", "{", '{"alert": 1}', "[1]", "null"])
def test_alerts_that_cannot_be_read_are_not_taken_for_none(tmp_path: Path, text: str) -> None:
    path = tmp_path / "now.json"
    path.write_text(text)
    assert parts.alerts_part(str(path)) == {"known": False, "alerts": []}
    assert parts.alerts_part(str(tmp_path / "missing.json"))["known"] is False


def test_alerts_of_now_come_first(tmp_path: Path) -> None:
    path = tmp_path / "now.json"
    path.write_text(json.dumps([{"alert": "A", "severity": "digest"}, {"alert": "B", "severity": "now", "todo": None}]))
    told = parts.alerts_part(str(path))
    assert told["known"]
    assert [(one["alert"], one["todo"]) for one in told["alerts"]] == [("B", ""), ("A", "")]


def test_the_bill_goes_by_time_and_by_what_was_sent() -> None:
    bill = parts.bill_part(SETTINGS, 750.0, 0.5)
    # 100 for half a month, and 250 GiB beyond half of what is included; by its end 500 beyond all of it.
    assert (bill["soFar"], bill["projected"], bill["planned"]) == (52.5, 105.0, 110)
    unknown = parts.bill_part(SETTINGS, None, 0.5)
    assert (unknown["soFar"], unknown["projected"]) == (None, None)


class Past:
    """Answers ranges: the studio is heard, but for an hour of which nothing is known, and 5 minutes of nothing."""

    def __init__(self) -> None:
        self.asked: list[tuple[int, int]] = []

    def __call__(self, query: str, start: int, end: int, step: int) -> list[Series]:
        self.asked.append((start, end))
        times = [at for at in range(start, end + 1, step) if not NOW - 7200 < at <= NOW - 3600]
        if "advancing" in query:
            return [({"channel": "main"}, {at: 0.0 if NOW - 600 < at <= NOW - 300 else 1.0 for at in times})]
        if "ears_playing" in query:
            return [({"channel": "main", "source": "studio"}, dict.fromkeys(times, 1.0))]
        return []


def caught_up(history: History, past: Past, now: float) -> None:
    while history.due(now):
        history.advance(past, now)


def test_the_past_is_asked_for_once() -> None:
    past, history = Past(), History(SETTINGS, {}, NOW)
    caught_up(history, past, NOW)
    spans = sorted(set(past.asked))
    assert len(spans) == 7
    assert all(one[1] < other[0] for one, other in itertools.pairwise(spans))
    past.asked.clear()
    again = History(SETTINGS, json.loads(json.dumps(history.kept())), NOW + 60)
    caught_up(again, past, NOW + 60)
    assert {end - start for start, end in past.asked} == {0}
    assert len(again.minutes["main"]) == WEEK_MINUTES


def test_what_is_not_known_is_neither_on_air_nor_off() -> None:
    history = History(SETTINGS, {}, NOW)
    caught_up(history, Past(), NOW)
    week = history.week("main")
    assert [tuple(run) for run in week["runs"]][1:4] == [("?", 60), ("A", 50), ("x", 5)]
    assert sum(minutes for _letter, minutes in week["runs"]) == WEEK_MINUTES
    days = history.availability("main", NOW)
    assert len(days) == 90
    assert days[0]["share"] is None
    assert sum(day["lostMinutes"] for day in days) == 5
    assert sum(day["knownMinutes"] for day in days) == WEEK_MINUTES - 60


def test_a_past_that_fails_is_asked_for_again() -> None:
    def fails(*_asked: object) -> list[Series]:
        raise Silent("no")

    history = History(SETTINGS, {}, NOW)
    before = history.next
    with pytest.raises(Silent):
        history.advance(fails, NOW)
    assert history.next == before
    assert history.minutes == {}


def test_other_sources_begin_another_history() -> None:
    history = History(SETTINGS, {}, NOW)
    caught_up(history, Past(), NOW)
    other = {**SETTINGS, "sources": SETTINGS["sources"][:1]}
    assert History(other, history.kept(), NOW).minutes == {}


@pytest.fixture
def program() -> ModuleType:
    return load("monitoring/page/aerial-status-page.py")


def test_without_prometheus_the_page_says_so_and_private_parts_stay_private(
    program: ModuleType, tmp_path: Path
) -> None:
    settings = {**SETTINGS, "prometheus": "http://127.0.0.1:9", "folder": str(tmp_path), "alerts": "/nowhere"}
    page = program.Page(settings)
    page.once()
    public, team = (json.loads((tmp_path / name / "status.json").read_text()) for name in ("public", "team"))
    assert public["onAir"]["state"] == "unknown"
    assert "Prometheus" in public["problem"]
    assert abs(public["written"] - time.time()) < 30
    assert set(public["parts"]) == {"relays", "listeners"}
    assert set(SETTINGS["private"]) < set(team["parts"])
    assert public["more"]
    assert not team["more"]


def test_since_when_is_told_only_where_it_was_seen(program: ModuleType, tmp_path: Path) -> None:
    page = program.Page({**SETTINGS, "prometheus": "", "folder": str(tmp_path), "alerts": ""})
    on, off = Verdict("on", "studio"), Verdict("off")
    told = [page.since("main", *one) for one in ((on, 0.0), (on, 5.0), (off, 10.0), (off, 15.0), (on, 4000.0))]
    assert told == [None, None, 10.0, 10.0, None]


def test_the_month_ends_when_the_next_one_begins(program: ModuleType) -> None:
    length, passed = program.month(1_798_761_600.0 - 3600)
    assert (length, length - passed) == (31 * 86400, 3600)

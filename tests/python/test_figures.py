"""Listener figures: hours add up, however what was heard is cut into lines, files and days."""

import datetime
import json
import os
import random
import sys
import time
from itertools import pairwise
from pathlib import Path
from types import ModuleType, SimpleNamespace
from zoneinfo import ZoneInfo

import pytest
from figures import report
from figures.counting import Listening
from figures.days import HOUR, Counted, around_of, span, write_day
from figures.lines import Alive, Began, Ended, Entry, Open, Plays, files_by_machine, parsed
from figures.players import player_of
from figures.sessions import Connection, joined, sessions_of
from figures.store import OPEN_SECONDS, Store
from hypothesis import given, settings
from hypothesis import strategies as st
from programs import load

BERLIN = ZoneInfo("Europe/Berlin")
CONFIG = {
    "station": "Radio Test",
    "timeZone": "Europe/Berlin",
    "stationAddresses": ["198.51.100.1"],
    "channels": [
        {
            "id": "main",
            "title": "Main",
            "formats": [
                {"mount": "/main.mp3", "codec": "mp3", "bitrateKbps": 128},
                {"mount": "/main.aac", "codec": "aac", "bitrateKbps": 64},
            ],
        }
    ],
}
# The day on which summer time ends, which has 25 hours; and the end of a month.
DAY = datetime.date(2026, 10, 25)
START = span(DAY, BERLIN)[0]


def heard(begin: float, end: float, **other: str) -> Connection:
    who = {"machine": "relay-nyc3-1", "mount": "/main.mp3", "address": "192.0.2.7", "agent": "VLC/3.0"}
    return Connection(**{**who, **other}, begin=START + begin, end=START + end)


def figures_of(connections: list[Connection], days: int = 1, played: list[Plays] | None = None) -> list[dict]:
    counted = Counted(CONFIG, sessions_of(connections, CONFIG), played or [])
    dates = [DAY + datetime.timedelta(days=number) for number in range(days)]
    return [counted.day(day, BERLIN, START + 100 * 86400) for day in dates]


# --- Sessions


@pytest.mark.parametrize(
    ("pieces", "sessions"),
    [
        ([(0, 59)], 0),
        ([(0, 60)], 1),
        # A player that comes back: half a minute and half a minute.
        ([(0, 30), (100, 130)], 1),
        ([(0, 60), (240, 300)], 1),
        ([(0, 60), (241, 301)], 2),
        # Two players behind one address.
        ([(0, 100), (50, 150)], 2),
        # The log's seconds are whole ones.
        ([(0, 100), (99, 199)], 1),
    ],
)
def test_a_session_has_a_minute_and_no_break_of_more_than_three(pieces: list[tuple[int, int]], sessions: int) -> None:
    found = joined(heard(*piece) for piece in pieces)
    assert sum(session.counts for session in found) == sessions


def test_a_session_goes_on_at_another_relay_and_not_on_another_mount_or_player() -> None:
    first = heard(0, 100)
    assert len(joined([first, heard(110, 200, machine="relay-fra1-1")])) == 1
    for other in ({"mount": "/main.aac"}, {"agent": "Winamp"}, {"address": "192.0.2.8"}):
        assert len(joined([first, heard(110, 200, **other)])) == 2


def test_a_player_that_reconnects_for_days_is_one_session_and_counted_as_quickly_as_any() -> None:
    count = 50_000
    (session,) = joined(heard(10 * number, 10 * number + 4) for number in range(count))
    assert (session.begin, session.end) == (START, START + 10 * count - 6)
    assert session.seconds == 4 * count


def test_ears_machines_of_the_station_and_other_paths_are_no_listeners() -> None:
    strangers = [
        {"agent": "aerial-ears/1"},
        {"agent": "aerial-feed"},
        {"address": "198.51.100.1"},
        {"address": "127.0.0.1"},
        {"address": "nonsense"},
        {"mount": "/other.mp3"},
    ]
    assert sessions_of([heard(0, 100, **one) for one in strangers], CONFIG) == []


# --- Hours add up


@st.composite
def listeners(draw: st.DrawFn) -> list[Connection]:
    """Each at an address of its own, so that what each of them hears is one session."""
    count = draw(st.integers(0, 12))
    found = []
    for number in range(count):
        begin = draw(st.integers(0, 8 * 86400 * 1000)) / 1000
        length = draw(st.integers(0, 3 * 86400 * 1000)) / 1000
        mount = draw(st.sampled_from(["/main.mp3", "/main.aac"]))
        machine = draw(st.sampled_from(["relay-nyc3-1", "relay-nyc3-2", "relay-fra1-1"]))
        address = f"192.0.2.{number}"
        found.append(heard(begin, begin + length, mount=mount, machine=machine, address=address))
    return found


@given(listeners())
@settings(max_examples=50)
def test_the_hours_of_days_and_of_every_group_add_up_to_those_of_all_sessions(connections: list[Connection]) -> None:
    figures = figures_of(connections, 12)
    whole = sum(session.seconds for session in sessions_of(connections, CONFIG) if session.counts) / HOUR
    assert sum(day["hours"] for day in figures) == pytest.approx(whole, abs=1e-4)
    assert sum(day["sessions"] for day in figures) == sum(one.seconds >= 60 for one in connections)
    months = [report.add_up([day for day in figures if day["day"][:7] == month]) for month in ("2026-10", "2026-11")]
    assert sum(month["hours"] for month in months) == pytest.approx(whole, abs=1e-4)
    for day in figures:
        for group in ("channels", "formats", "mounts", "regions", "players"):
            parts = day[group].values()
            assert sum(part["hours"] for part in parts) == pytest.approx(day["hours"], abs=1e-4)
            assert sum(part["sessions"] for part in parts) == day["sessions"]
        assert sum(one["hours"] for one in day["programmes"]) == pytest.approx(day["hours"], abs=1e-4)
        assert sum(day["hourly"]) == pytest.approx(day["hours"], abs=1e-3)
        assert day["average"] <= day["peak"] <= 12


@given(listeners(), st.randoms(use_true_random=False))
@settings(max_examples=50)
def test_it_makes_no_difference_how_connections_are_cut(connections: list[Connection], chance: random.Random) -> None:
    """By a Relay that starts again, by another slot: a listener who comes back at once is the same session."""
    pieces: list[Connection] = []
    for one in connections:
        cuts = sorted(round(chance.uniform(one.begin, one.end), 3) for _ in range(chance.randrange(4)))
        pieces += [one._replace(begin=begin, end=end) for begin, end in pairwise([one.begin, *cuts, one.end])]
    chance.shuffle(pieces)
    for whole, cut in zip(figures_of(connections, 12), figures_of(pieces, 12), strict=True):
        for key in ("hours", "average", "sessions", "active", "peak"):
            assert cut[key] == pytest.approx(whole[key], abs=1e-4)


def test_a_day_on_which_the_clocks_change_is_as_long_as_it_is() -> None:
    (day,) = figures_of([heard(0, 25 * HOUR)])
    assert (day["hours"], day["elapsedHours"], day["average"], len(day["hourly"])) == (25, 25, 1, 25)


@given(st.lists(st.tuples(st.integers(0, 99), st.integers(0, 99))), st.integers(0, 99), st.integers(0, 99))
def test_listening_is_what_each_listens(spans: list[tuple[int, int]], one: int, other: int) -> None:
    begin, end = sorted((one, other))
    listening = Listening(spans)
    assert listening.seconds(begin, end) == sum(max(0, min(end, b) - max(begin, a)) for a, b in spans if b > a)
    counts = [sum(a <= at < b for a, b in spans) for at in range(begin, max(begin + 1, end))]
    assert listening.peak(begin, end)[0] == max(counts)


def test_who_heard_what_goes_by_what_the_relay_played() -> None:
    def played(after: float, source: str, title: str, machine: str = "relay-nyc3-1") -> Plays:
        return Plays(machine, "/main.mp3", START + after, source, title)

    connections = [heard(0, 2 * HOUR), heard(HOUR, 2 * HOUR, address="192.0.2.8", machine="relay-fra1-1")]
    (day,) = figures_of(
        connections,
        played=[
            played(-500, "studio", "News"),
            played(HOUR, "studio", "Talk"),
            played(1.5 * HOUR, "emergency", ""),
            played(1.5 * HOUR, "standby", "", "relay-fra1-1"),
        ],
    )
    assert {(one["source"], one["title"]): one["hours"] for one in day["programmes"]} == {
        ("studio", "News"): 1,
        ("studio", "Talk"): 0.5,
        ("emergency", ""): 0.5,
        ("unknown", ""): 0.5,
        ("standby", ""): 0.5,
    }


# --- Lines


def entry(message: object, identifier: str = "aerial-listeners") -> dict:
    return {
        "_HOSTNAME": "relay-nyc3-1",
        "_BOOT_ID": "b1",
        "SYSLOG_IDENTIFIER": identifier,
        "__REALTIME_TIMESTAMP": "1795377600500000",
        "MESSAGE": message if isinstance(message, str) else json.dumps(message),
    }


def test_lines_are_read_as_nginx_and_the_feed_write_them() -> None:
    who = {"mount": "/main%2Emp3?x=1", "listener": "192.0.2.7", "agent": "VLC"}
    end = parsed(entry({"id": "a", "time": "2026-11-22T21:00:00+01:00", "seconds": 3600.5, **who}))
    assert isinstance(end, Ended)
    assert end[:5] == ("a", "relay-nyc3-1", "/main.mp3", "192.0.2.7", "VLC")
    assert end.end == datetime.datetime(2026, 11, 22, 20, tzinfo=datetime.UTC).timestamp()
    assert end.end - end.begin == 3600.5
    begin = parsed(entry({"begins": "a", "time": "2026-11-22T20:00:00+00:00", "worker": 12, **who}))
    assert isinstance(begin, Began)
    assert (begin.boot, begin.worker) == ("b1", 12)
    assert parsed(entry({"workers": [12], "time": 5.0})) == Alive("relay-nyc3-1", "b1", [12], 5.0)
    plays = parsed(entry('/main.mp3 plays {"source": null, "title": "Ä"}', "aerial-feed"))
    assert plays == Plays("relay-nyc3-1", "/main.mp3", 1795377600.5, "unknown", "Ä")
    assert parsed(entry("/main.mp3: a -> standby", "aerial-feed")) is None
    assert parsed(entry({"open": ["a", "b"], "time": 5.0})) == Open("relay-nyc3-1", "b1", ["a", "b"], 5.0)
    for broken in ("", "[]", "{}", '{"begins": 1}', '{"id":"a","time":"x"}'):
        assert parsed(entry(broken)) is None
    assert parsed({"MESSAGE": [1, 2]}) is None


def test_files_belong_to_the_machine_before_the_at(tmp_path: Path) -> None:
    for machine in ("127.1.1.1", "127.1.1.1@x", "127.2.2.2"):
        (tmp_path / f"remote-{machine}.journal").touch()
    # Of a machine that lost its power; and no journals.
    for name in ("remote-127.1.1.1@y.journal~", "plain-127.1.1.1@x.journal", "other"):
        (tmp_path / name).touch()
    found = files_by_machine(str(tmp_path))
    assert {machine: len(files) for machine, files in found.items()} == {
        "remote-127.1.1.1": 3,
        "remote-127.2.2.2": 1,
    }


# --- The store


def began(name: str, begin: float, worker: int = 1, boot: str = "b1") -> Began:
    return Began(name, "relay-nyc3-1", boot, worker, "/main.mp3", "192.0.2.7", "VLC", begin)


def ended(name: str, begin: float, end: float) -> Ended:
    return Ended(name, "relay-nyc3-1", "/main.mp3", "192.0.2.7", "VLC", begin, end)


def stored(path: Path, entries: list[Entry]) -> list[Connection]:
    with Store(str(path)) as store:
        for one in entries:
            store.take(one)
        return store.connections()


@given(st.data())
@settings(max_examples=50)
def test_the_same_log_twice_and_in_another_order_is_the_same(
    tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    entries: list[Entry] = []
    for number in range(data.draw(st.integers(0, 6))):
        begin = data.draw(st.integers(0, 1000))
        entries.append(began(f"{number}", begin, data.draw(st.integers(1, 2))))
        if data.draw(st.booleans()):
            entries.append(ended(f"{number}", begin, begin + data.draw(st.integers(0, 1000))))
    entries += [Alive("relay-nyc3-1", "b1", [1], moment) for moment in range(0, 3000, 500)]
    folder = tmp_path_factory.mktemp("store")
    once = stored(folder / "once", entries)
    assert stored(folder / "twice", entries) == once
    assert stored(folder / "twice", entries) == once
    # Machines send their entries in order, but an end may be there before its beginning.
    beginnings_last = sorted(entries, key=lambda one: isinstance(one, Began))
    ends = {one.id for one in entries if isinstance(one, Ended)}
    late = stored(folder / "late", [one for one in beginnings_last if not isinstance(one, Began) or one.id in ends])
    finished = [one for one in entries if not isinstance(one, Began) or one.id in ends]
    assert late == stored(folder / "finished", finished)


def test_of_a_killed_worker_counts_what_was_last_known_of_it(tmp_path: Path) -> None:
    entries: list[Entry] = [
        began("a", 100, worker=7),
        began("b", 100, worker=8),
        Alive("relay-nyc3-1", "b1", [7, 8], 115),
        Alive("relay-nyc3-1", "b1", [7], 130),
        # After the next boot, another process has the same number.
        Alive("relay-nyc3-1", "b2", [7, 8], 500),
        Alive("relay-fra1-1", "b1", [7, 8], 600),
    ]
    assert sorted(one.end for one in stored(tmp_path / "store", entries)) == [115, 130]


def test_a_listener_whose_end_was_lost_counts_on_for_minutes_and_not_while_the_worker_lives(tmp_path: Path) -> None:
    said = range(900, 2 * 86400, 900)
    entries: list[Entry] = [began("lost", 100), began("stays", 100)]
    for moment in range(0, 2 * 86400, 15):
        if moment in said:
            entries.append(Open("relay-nyc3-1", "b1", ["stays"], moment))
            # Other machines and boots know nothing of it.
            entries.append(Open("relay-nyc3-1", "b2", ["lost"], moment))
        entries.append(Alive("relay-nyc3-1", "b1", [1], moment))
    first, last = sorted(one.end for one in stored(tmp_path / "store", entries))
    assert first <= 100 + OPEN_SECONDS
    assert last == 2 * 86400 - 15


@given(listeners(), st.randoms(use_true_random=False))
@settings(max_examples=30)
def test_a_day_is_the_same_from_the_connections_around_it_as_from_all(
    tmp_path_factory: pytest.TempPathFactory, connections: list[Connection], chance: random.Random
) -> None:
    entries: list[Entry] = []
    for one in connections:
        middle = round(chance.uniform(one.begin, one.end), 3)
        for begin, end in ((one.begin, middle), (middle, one.end)):
            who = (one.machine, one.mount, one.address, one.agent)
            entries.append(Ended(f"{len(entries)}", *who, begin, end))
    with Store(str(tmp_path_factory.mktemp("days") / "store")) as store:
        for entry_ in entries:
            store.take(entry_)
        everything = sessions_of(store.connections(), CONFIG)
        for number in range(12):
            day = DAY + datetime.timedelta(days=number)
            around = sessions_of(store.connections(*around_of(day, BERLIN)), CONFIG)
            of_day, of_all = (
                Counted(CONFIG, sessions).day(day, BERLIN, START + 100 * 86400) for sessions in (around, everything)
            )
            for key in ("sessions", "active", "hours", "peak"):
                assert of_day[key] == pytest.approx(of_all[key], abs=1e-4)


def test_connections_of_other_days_are_not_read(tmp_path: Path) -> None:
    begin, end = span(DAY, BERLIN)
    with Store(str(tmp_path / "store")) as store:
        for name, first, last in (("before", -3, -2), ("through", -3, 3), ("within", 0, 0.5), ("after", 3, 4)):
            store.take(ended(name, begin + first * 86400, begin + last * 86400))
        assert len(store.connections(*around_of(DAY, BERLIN))) == 2
        assert len(store.connections()) == 4
    assert around_of(DAY, BERLIN) == (begin - 86400, end + 86400)


def test_what_is_too_old_is_deleted_with_its_address_and_what_still_plays_stays(tmp_path: Path) -> None:
    path = tmp_path / "store"
    with Store(str(path)) as store:
        store.take(ended("old", 0, 100)._replace(address="203.0.113.77"))
        store.take(ended("long", 0, 1000))
        for since, title in ((10.0, "gone"), (20.0, "plays"), (900.0, "later")):
            store.take(Plays("relay-nyc3-1", "/main.mp3", since, "studio", title))
        store.commit()
        store.forget(500)
        assert [one.end for one in store.connections()] == [1000]
        assert [one.title for one in store.played()] == ["plays", "later"]
    assert b"203.0.113.77" not in path.read_bytes()
    assert path.stat().st_mode & 0o777 == 0o600


# --- The program


@pytest.fixture(name="program", scope="module")
def _program() -> ModuleType:
    return load("monitoring/figures/aerial-figures.py")


def run(program: ModuleType, folder: Path, monkeypatch: pytest.MonkeyPatch, **other: object) -> None:
    """With what the store has: no machine sends anything."""
    config = {**CONFIG, "addressDays": 7, "countries": False, "soundExchange": False, "journals": str(folder / "none")}
    config.update(other)
    (folder / "config.json").write_text(json.dumps(config))
    monkeypatch.setattr("sys.argv", ["aerial-figures", str(folder / "config.json"), str(folder)])
    program.main()


def test_countries_are_looked_up_in_the_table_that_debian_installs(
    program: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Database:
        def __init__(self, path: str) -> None:
            # `dpkg --contents` of libloc-database 0~20250326~0345-1, Debian 13's.
            assert path == "/usr/share/libloc-location/location.db"

        def lookup(self, address: str) -> SimpleNamespace | None:
            if address == "nonsense":
                raise ValueError
            return SimpleNamespace(country_code="DE") if address == "192.0.2.7" else None

    monkeypatch.setitem(sys.modules, "location", SimpleNamespace(Database=Database))
    country = program.country_of({"countries": True})
    assert [country(address) for address in ("192.0.2.7", "192.0.2.8", "nonsense")] == ["DE", "unknown", "unknown"]
    assert program.country_of({"countries": False}) is None


def test_an_address_is_stored_no_longer_than_it_may(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "connections.sqlite"
    old = time.time() - 7 * 86400
    # What ended within the longest break before may belong to a session that goes on.
    stored(path, [ended("gone", old - 3600, old - 400), ended("joins", old - 3600, old - 100)])
    run(program, tmp_path, monkeypatch)
    assert [one.end for one in stored(path, [])] == [old - 100]


def test_a_journal_that_is_put_aside_meanwhile_is_read_the_next_time(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    files = {name: tmp_path / f"remote-127.1.1.1{name}.journal" for name in ("", "@1", "@2")}
    files[""].touch()
    files["@1"].touch()
    reads: list[list[str]] = []

    def read(names: list[str], cursor: str | None) -> list[tuple[Entry | None, str]]:
        reads.append([cursor or "", *(Path(name).name for name in names)])
        if len(reads) == 1:
            files[""].rename(files["@2"])
        return [(None, f"cursor {len(reads)}")]

    monkeypatch.setattr(program, "read_journal", read)
    with Store(str(tmp_path / "store")) as store:
        for _ in range(3):
            program.take_in(store, {"journals": str(tmp_path)})
    both = ["remote-127.1.1.1@1.journal", "remote-127.1.1.1@2.journal"]
    assert reads == [["", "remote-127.1.1.1.journal", both[0]], ["", *both], ["cursor 2", *both]]


def test_a_journal_that_has_gone_is_not_asked_for(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "journalctl").write_text('#!/bin/sh\necho "$*" >>"$0.calls"\n')
    (tmp_path / "journalctl").chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.environ['PATH']}")
    (tmp_path / "here").touch()
    assert list(program.read_journal([str(tmp_path / "gone")], None)) == []
    assert list(program.read_journal([str(tmp_path / "gone"), str(tmp_path / "here")], None)) == []
    (call,) = (tmp_path / "journalctl.calls").read_text().splitlines()
    assert "/gone" not in call
    assert f"--file={tmp_path}/here" in call


def test_a_file_for_soundexchange_keeps_its_lines_when_what_they_were_made_of_goes(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its day is one of UTC, and begins in New York in the evening before."""

    def moment(day: int, hour: float) -> float:
        return datetime.datetime(2026, 10, day, tzinfo=datetime.UTC).timestamp() + hour * HOUR

    def rows_at(now: float) -> list[str]:
        monkeypatch.setattr(program.time, "time", lambda: now)
        run(program, tmp_path, monkeypatch, timeZone="America/New_York", soundExchange=True)
        return (tmp_path / "soundexchange/2026-10-20.csv").read_text().splitlines()[1:]

    stored(tmp_path / "connections.sqlite", [ended("a", moment(20, 2), moment(20, 3))])
    rest = ",2026-10-20,02:00:00,main,3600,200,VLC"
    assert rows_at(moment(21, 12)) == [f"192.0.2.7{rest}"]
    assert rows_at(moment(27, 3.5)) == [f"192.0.2.0/24{rest}"]


def test_a_day_that_was_under_way_when_counting_began_is_not_complete(
    program: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, _ = span(datetime.datetime.now(BERLIN).date() - datetime.timedelta(days=3), BERLIN)
    entries = [ended(name, begin + hours * 3600, begin + (hours + 1) * 3600) for name, hours in (("a", 5), ("b", 30))]
    stored(tmp_path / "connections.sqlite", list(entries))
    run(program, tmp_path, monkeypatch)
    days = [json.loads(path.read_text()) for path in sorted((tmp_path / "days").iterdir())]
    assert [day["complete"] for day in days] == [False, True, True, False]
    assert [day["sessions"] for day in days] == [1, 1, 0, 0]


def test_when_counting_began_is_known_though_that_was_forgotten(tmp_path: Path) -> None:
    with Store(str(tmp_path / "store")) as store:
        assert store.first() is None
        # Of a connection, an end says that it began before. Of others there was no line then.
        store.take(ended("a", 100, 200))
        assert store.first() == 200
        store.take(Plays("relay-nyc3-1", "/main.mp3", 50.0, "studio", ""))
        assert store.first() == 50
        store.take(Plays("relay-nyc3-1", "/main.mp3", 400.0, "studio", ""))
        store.forget(500)
        assert store.first() == 50


# --- Players and reports


@pytest.mark.parametrize(
    ("agent", "player"),
    [
        ("VLC/3.0.20 LibVLC/3.0.20", "VLC"),
        ("WinampMPEG/5.8, Ultravox/2.1", "Winamp"),
        ("Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/130.0 Safari/537.36", "Chrome"),
        ("Mozilla/5.0 (Macintosh) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/17.0 Safari/605.1.15", "Safari"),
        ("Mozilla/5.0 (Windows NT 10.0) AppleWebKit/537.36 Chrome/130 Safari/537.36 Edg/130.0", "Edge"),
        ("Mozilla/5.0 (X11; rv:130.0) Gecko/20100101 Firefox/130.0", "Firefox"),
        ("AppleCoreMedia/1.0.0.21G93 (iPhone; U; CPU OS 17_6)", "Apple player"),
        ("Linux UPnP/1.0 Sonos/80.1 (ZPS1)", "Sonos"),
        ("FSL/2.0 Frontier Silicon", "hardware radio"),
        ("", "unknown"),
        ("SomethingNew/1", "other"),
    ],
)
def test_players_are_known_by_what_they_say(agent: str, player: str) -> None:
    assert player_of(agent) == player


def test_the_month_is_a_page_and_a_table_that_nothing_breaks_out_of(tmp_path: Path) -> None:
    titles = [Plays("relay-nyc3-1", "/main.mp3", START - 1, "studio", '=cmd|"<script>alert(1)</script>')]
    for day in figures_of([heard(0, 30 * HOUR)], 2, titles):
        write_day(str(tmp_path), day)
    report.write_month(str(tmp_path), CONFIG, "2026-10")
    page = (tmp_path / "months/2026-10.html").read_text()
    assert "<script" not in page
    assert "<b>30.0</b> hours" in page
    assert "month,2026-10,,,1,30" in (tmp_path / "months/2026-10.csv").read_text()
    assert "\"'=cmd|" in (tmp_path / "months/2026-10.csv").read_text()
    assert (tmp_path / "days/2026-10-25.json").stat().st_mode & 0o777 == 0o644
    assert "192.0.2" not in (tmp_path / "days/2026-10-25.json").read_text()


def test_soundexchange_has_addresses_as_long_as_they_may_be_kept(tmp_path: Path) -> None:
    connections = [heard(7200, 7300), heard(7200, 7260, address="2001:db8:1:2::3")]
    counted = Counted(CONFIG, sessions_of(connections, CONFIG))
    report.write_listener_file(str(tmp_path), counted, DAY)
    path = tmp_path / "soundexchange/2026-10-25.csv"
    assert path.read_text().splitlines() == [
        "ip,date,time,stream,duration,status,player",
        "2001:db8:1:2::3,2026-10-25,00:00:00,main,60,200,VLC",
        "192.0.2.7,2026-10-25,00:00:00,main,100,200,VLC",
    ]
    report.truncate_old(str(tmp_path), DAY)
    assert "192.0.2.7" in path.read_text()
    for _ in range(2):
        report.truncate_old(str(tmp_path), DAY + datetime.timedelta(days=1))
        assert [row.split(",")[0] for row in path.read_text().splitlines()[1:]] == ["2001:db8:1::/48", "192.0.2.0/24"]

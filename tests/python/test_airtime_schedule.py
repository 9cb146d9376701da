"""What a week's schedule means, and what is chosen by it."""

import datetime
import itertools
import json
import os
import pathlib
import random
import re
import subprocess
import sys
import unicodedata
from collections.abc import Callable
from typing import Any

import audio
import pytest
from airtime import library, rotation, schedule, settings

CHANNELS = ("main", "jazz")
MODULES = pathlib.Path(schedule.__file__).parents[1]
SHARED = pathlib.Path(audio.__file__).parent
# Eleven in the morning of a Friday.
FRIDAY = "2026-11-20 11:00"
WEEK = """
# Comments and empty lines mean nothing.
mon-fri 06:00-09:00 morning/
fri 22:00-02:00 dance/
Sun 20:00 live/concert.flac
daily 07:30 news/

[jazz]
sat,sun 00:00-24:00 slow & blue/
"""


class Station:
    """A playout's volume in a folder of its own."""

    def __init__(self, folder: pathlib.Path) -> None:
        self.folder = folder
        for channel in CHANNELS:
            (folder / "library" / channel).mkdir(parents=True)
        (folder / "playout" / "played").mkdir(parents=True)
        self.config = folder / "airtime.json"
        told = {"volume": str(folder), "timeZone": "Europe/Berlin", "channels": CHANNELS, "masters": []}
        self.config.write_text(json.dumps(told))
        self.known = settings.load()
        # What cannot be decoded, by path in the library of main.
        self.broken: set[str] = set()

    def add_shows(self, *paths: str) -> None:
        for path in paths:
            file = self.folder / "library" / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_text(path)

    def write_schedule(self, text: str) -> None:
        (self.folder / "schedule.txt").write_text(text, newline="")

    def check(self, text: str) -> subprocess.CompletedProcess[str]:
        """What `aerial-schedule check` says of a schedule."""
        self.write_schedule(text)
        program = self.folder / "aerial-schedule.py"
        program.write_text((MODULES / "aerial-schedule.py").read_text().replace("/usr/local/lib/aerial", str(MODULES)))
        return subprocess.run(
            [sys.executable, program, "check"],
            env={**os.environ, "AERIAL_AIRTIME": str(self.config), "PYTHONPATH": str(SHARED)},
            capture_output=True,
            text=True,
            check=False,
        )

    def at(self, text: str) -> float:
        return datetime.datetime.fromisoformat(text).replace(tzinfo=self.known.zone).timestamp()

    def wall(self, moment: float | None) -> str:
        assert moment is not None
        return f"{datetime.datetime.fromtimestamp(moment, self.known.zone):%a %d %H:%M}"

    def is_playable(self, file: str) -> bool:
        return file.split("/library/main/")[1] not in self.broken

    def rotation(self, playable: Callable[[str], bool] | None = None) -> Any:
        return rotation.Rotation(self.known, "main", playable or self.is_playable, random.Random(7))

    def following(self, moment: str = FRIDAY) -> str | None:
        """The path that follows at a moment, in a process of its own as it were."""
        return path_of(self.rotation().following(self.at(moment)))


def path_of(choice: Any) -> str | None:
    return None if choice is None else choice.path


@pytest.fixture
def station(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Station:
    monkeypatch.setenv("AERIAL_AIRTIME", str(tmp_path / "airtime.json"))
    return Station(tmp_path)


class TestSchedule:
    def test_is_read_with_ranges_lists_nights_and_channels(self) -> None:
        entries = schedule.parse(WEEK, CHANNELS)
        assert [(one.channel, one.days, one.start, one.end, one.target) for one in entries] == [
            ("main", (0, 1, 2, 3, 4), 360, 540, "morning/"),
            ("main", (4,), 1320, 1560, "dance/"),
            ("main", (6,), 1200, None, "live/concert.flac"),
            ("main", (0, 1, 2, 3, 4, 5, 6), 450, None, "news/"),
            ("jazz", (5, 6), 0, 1440, "slow & blue/"),
        ]

    @pytest.mark.parametrize(
        ("text", "days"),
        [
            ("fri-mon", (0, 4, 5, 6)),
            ("sun", (6,)),
            ("Mon,wed-thu", (0, 2, 3)),
            ("daily", (0, 1, 2, 3, 4, 5, 6)),
        ],
    )
    def test_has_days_in_ranges_that_may_go_past_the_end_of_the_week(self, text: str, days: tuple[int, ...]) -> None:
        assert schedule.parse_days(text) == days

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            ("mun 06:00-09:00 morning/", "line 1: 'mun' is no day: use mon, tue"),
            ("mon 25:00 a.mp3", "line 1: 25:00 is no time: use 00:00 to 23:59"),
            ("mon 06:00-06:00 morning/", "ends when it starts: leave out the end"),
            ("mon 06:00-09:00 a.mp3", "plays to its end: leave out -09:00"),
            ("mon 06:00 /etc/passwd.mp3", "is no path in the library: use one such as"),
            ("mon 06:00 ../../etc/", "is no path in the library"),
            ("mon 06:00 notes.txt", "is neither a folder, which ends in /, nor audio"),
            ("mon morning/", "is not understood: write it as"),
            ("[rock]\nmon 06:00 a.mp3", "line 1: [rock] is no channel: use [main], [jazz]"),
            (
                "mon 06:00 a.mp3\ndaily 06:00-07:00 b/",
                "line 2: starts on mon 06:00 as line 1 does: change or remove one",
            ),
        ],
    )
    def test_is_refused_with_its_line_and_the_remedy(self, station: Station, text: str, reason: str) -> None:
        told = station.check(text)
        assert told.returncode == 1
        assert reason in told.stderr
        assert "the last good schedule stays in force" in told.stderr

    def test_is_told_all_of_its_mistakes_at_once(self, station: Station) -> None:
        said = station.check("mun 06:00 a.mp3\nmon 25:00 a.mp3\n").stderr
        assert re.search(r"line 1: .*line 2: ", said, re.DOTALL)

    def test_is_right_with_folders_that_hold_no_show_yet_and_the_checker_says_which(self, station: Station) -> None:
        station.add_shows("main/morning/one.mp3")
        told = station.check(WEEK)
        assert told.returncode == 0
        assert "line 4: dance/ holds no show yet" in told.stdout
        assert "morning/ holds no show" not in told.stdout
        assert "is right: 5 entries" in told.stdout

    def test_may_come_from_any_editor(self, station: Station) -> None:
        """With a byte-order mark, and lines that end in CR LF."""
        assert station.check("\ufeffmon 06:00-09:00 morning/\r\n").returncode == 0

    @pytest.mark.parametrize(
        ("day", "start", "end", "hours"),
        [
            ("2026-03-28", "Sat 28 02:30", "Sat 28 04:00", 1.5),
            # 02:30 does not exist that night.
            ("2026-03-29", "Sun 29 03:30", "Sun 29 04:00", 0.5),
            ("2026-10-25", "Sun 25 02:30", "Sun 25 04:00", 2.5),
        ],
    )
    def test_means_wall_clock_times_through_both_changes_of_daylight_saving(
        self, station: Station, day: str, start: str, end: str, hours: float
    ) -> None:
        entries = schedule.parse("daily 02:30-04:00 night/", CHANNELS)
        since, until = station.at(f"{day} 00:00"), station.at(f"{day} 23:00")
        (one,) = schedule.occurrences(entries, station.known.zone, since, until)
        assert (station.wall(one.start), station.wall(one.end)) == (start, end)
        assert ((one.end or 0) - one.start) / 3600 == hours

    @pytest.mark.parametrize(
        ("moment", "target"),
        [
            ("2026-11-20 21:59", None),
            ("2026-11-20 22:00", "dance/"),
            ("2026-11-20 23:15", "guests/"),
            ("2026-11-20 23:30", "dance/"),
            ("2026-11-21 01:00", "night/"),
            ("2026-11-21 06:00", None),
        ],
    )
    def test_has_the_entry_in_force_that_began_last_also_past_midnight(
        self, station: Station, moment: str, target: str | None
    ) -> None:
        text = "fri 22:00-02:00 dance/\ndaily 00:00-06:00 night/\nfri 23:00-23:30 guests/"
        found = schedule.in_force(schedule.parse(text, CHANNELS), station.known.zone, station.at(moment))
        assert (found and found.entry.target) == target


class TestRotation:
    def test_plays_nothing_twice_until_all_has_been_played_and_never_the_same_twice_in_a_row(
        self, station: Station
    ) -> None:
        shows = ["a.mp3", "b.ogg", "deep/c.flac", "ü & “q”.mp3"]
        station.add_shows(*(f"main/{path}" for path in [*shows, ".hidden.mp3", "x.part"]))
        one = station.rotation()
        told = [path_of(one.following(station.at(FRIDAY))) for _ in range(12)]
        for begin in (0, 4, 8):
            assert sorted(str(path) for path in told[begin : begin + 4]) == sorted(shows)
        assert all(path != before for before, path in itertools.pairwise(told))

    def test_has_nothing_with_an_empty_library_and_plays_what_arrives_at_the_next_call(self, station: Station) -> None:
        assert station.following() is None
        station.add_shows("main/new.mp3")
        assert station.following() == "new.mp3"

    @pytest.mark.parametrize(
        ("time", "expected"),
        [("11:00", {"morning/m.mp3"}), ("13:00", {"a.mp3", "morning/m.mp3"}), ("15:00", {"a.mp3", "morning/m.mp3"})],
    )
    def test_plays_the_folder_of_the_schedule_for_the_moment_or_the_library_where_it_is_empty(
        self, station: Station, time: str, expected: set[str]
    ) -> None:
        station.add_shows("main/a.mp3", "main/morning/m.mp3")
        station.write_schedule("fri 10:00-12:00 morning/\nfri 12:00-14:00 noon/\n")
        one = station.rotation()
        assert {path_of(one.following(station.at(f"2026-11-20 {time}"))) for _ in range(5)} == expected

    def test_finds_names_however_a_computer_spells_their_letters(self, station: Station) -> None:
        station.add_shows(f"main/{unicodedata.normalize('NFD', 'grüße')}/a.mp3", "main/other.mp3")
        station.write_schedule(f"fri 10:00-12:00 {unicodedata.normalize('NFC', 'grüße')}/\n")
        assert unicodedata.normalize("NFC", station.following() or "") == unicodedata.normalize("NFC", "grüße/a.mp3")

    def test_leaves_out_what_cannot_be_decoded_until_it_changes(self, station: Station) -> None:
        station.add_shows("main/a.mp3", "main/bad.mp3")
        station.broken.add("bad.mp3")
        one = station.rotation()
        heard = {path_of(one.following(station.at(FRIDAY))) for _ in range(4)}
        station.broken.clear()
        (station.folder / "library/main/bad.mp3").write_text("mended, and longer")
        assert heard == {"a.mp3"}
        assert {path_of(one.following(station.at(FRIDAY))) for _ in range(4)} == {"a.mp3", "bad.mp3"}

    def test_plays_nothing_and_does_not_fail_where_nothing_can_be_decoded(self, station: Station) -> None:
        station.add_shows("main/bad.mp3")
        station.broken.add("bad.mp3")
        assert station.rotation().first(station.at(FRIDAY)) is None

    def test_announces_a_show_once_shortly_before_its_time(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """What it takes the turn of has not been heard."""
        station.add_shows("main/a.mp3", "main/b.mp3", "main/live/c.mp3")
        station.write_schedule("fri 11:00 live/c.mp3\n")
        one = station.rotation()
        monkeypatch.setattr(one.chance, "shuffle", lambda paths: paths.sort())
        assert path_of(one.following(station.at("2026-11-20 10:59"))) == "a.mp3"
        told = [one.upcoming(station.at(FRIDAY) + late) for late in (-30, -10, -5, 5)]
        assert [choice and (choice.path, choice.start - station.at(FRIDAY)) for choice in told] == [
            *(None, ("live/c.mp3", 0), None, None),
        ]
        assert json.loads(pathlib.Path(one.state_file).read_text())["played"][""] == []

    def test_begins_an_entry_that_was_written_a_moment_after_its_start(self, station: Station) -> None:
        station.add_shows("main/a.mp3", "main/live/c.mp3")
        one = station.rotation()
        one.first(station.at("2026-11-20 10:00"))
        station.write_schedule("fri 11:00 live/c.mp3")
        told = [path_of(one.upcoming(station.at(FRIDAY) + late)) for late in (5, 60)]
        assert told == ["live/c.mp3", None]

    def test_joins_a_show_that_has_begun_where_it_would_be_when_the_playout_starts_in_its_middle(
        self, station: Station, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        station.add_shows("main/a.mp3", "main/live/c.mp3")
        station.write_schedule("fri 11:00 live/c.mp3\n")
        monkeypatch.setattr(library, "probe", lambda _file: {"seconds": 1800.0})
        one = station.rotation()
        choice = one.first(station.at("2026-11-20 11:10"))
        assert (choice.path, choice.passed) == ("live/c.mp3", 600)
        assert one.first(station.at("2026-11-20 11:31")).passed == 0

    def test_goes_by_the_last_good_schedule_while_the_present_one_is_wrong_also_after_a_restart(
        self, station: Station
    ) -> None:
        station.add_shows("main/a.mp3", "main/morning/m.mp3")
        station.write_schedule("fri 10:00-12:00 morning/\n")
        assert station.following() == "morning/m.mp3"
        station.write_schedule("fri 10:00-12:00 oops")
        again = station.rotation(playable=lambda _file: True)
        assert [path_of(again.following(station.at(FRIDAY))) for _ in range(3)] == ["morning/m.mp3"] * 3

    def test_carries_on_when_a_power_cut_has_torn_what_it_remembered(self, station: Station) -> None:
        station.add_shows("main/a.mp3")
        (station.folder / "playout/main.json").write_text('{"played": {"": ["a.m')
        assert station.following() == "a.mp3"

    def test_gives_liquidsoap_a_name_in_which_nothing_can_end_a_value(self, station: Station) -> None:
        choice = rotation.Choice('a"b,c:d #1%.mp3', start=5.0, passed=2.5, show='mon 06:00 "x"/')
        assert rotation.uri(station.known, "main", choice) == (
            'annotate:aerial_path="main/a%22b%2Cc%3Ad%20%231%25.mp3",'
            'aerial_show="mon%2006%3A00%20%22x%22/",aerial_start="5.000",liq_cue_in="2.500":'
            f'{station.folder}/library/main/a"b,c:d #1%.mp3'
        )

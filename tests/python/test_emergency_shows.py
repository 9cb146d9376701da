"""Which shows a Master keeps on its disk for emergencies, and how they come and go."""

import dataclasses
import datetime
import hashlib
import pathlib
from typing import Any, BinaryIO

import emergency_shows as it
import pytest


@dataclasses.dataclass(frozen=True)
class Show:
    """A show in the bucket of a test. Its audio is whatever is written; `bad` in it makes it unplayable."""

    content: str
    # When it was stored, in seconds.
    modified: float = 1000
    # In place of the right one.
    sha256: str | None = None


Shows = dict[str, Show]


class Bucket:
    """Notes what is fetched, and is away from the request `away_at` on."""

    def __init__(self, shows: Shows, away_at: int | None) -> None:
        self.shows = shows
        self.away_at = away_at
        self.requests = 0
        self.fetched: list[str] = []

    def ask(self) -> None:
        self.requests += 1
        if self.away_at is not None and self.requests > self.away_at:
            raise it.Away("no route to host")

    def folders(self, prefix: str) -> list[str]:
        self.ask()
        rest = [key.removeprefix(prefix) for key in self.shows if key.startswith(prefix)]
        return sorted({f"{prefix}{one.split('/')[0]}/" for one in rest if "/" in one})

    def objects(self, prefix: str) -> list[it.Listed]:
        self.ask()
        return [
            it.Listed(key, len(show.content.encode()), hashlib.md5(show.content.encode()).hexdigest(), show.modified)
            for key, show in sorted(self.shows.items())
            if key.startswith(prefix)
        ]

    def fetch(self, key: str, file: BinaryIO) -> tuple[dict[str, str], str]:
        self.fetched.append(key)
        show = self.shows[key]
        if show.content == "gone":
            raise it.Gone(key)
        content = show.content.encode()
        half = len(content) // 2
        file.write(content[:half])
        file.flush()
        self.ask()
        file.write(content[half:])
        sha256 = hashlib.sha256(content).hexdigest() if show.sha256 is None else show.sha256
        return {"sha256": sha256}, f"version-{show.modified}"


def problem(path: str) -> str | None:
    return "FFmpeg cannot decode it" if b"bad" in pathlib.Path(path).read_bytes() else None


@dataclasses.dataclass
class Result:
    said: list[str]
    fetched: list[str]
    away: str | None
    metrics: str


class Master:
    """A keeper's folder. Each run is a keeper of its own, as the timer starts it."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home

    def run(self, shows: Shows, away_at: int | None = None, limit_bytes: int = 30, full: bool = False) -> Result:
        said: list[str] = []
        plan = {"limitBytes": limit_bytes, "channels": ["main", "jazz"]}
        keeper: Any = it.Keeper(str(self.home), plan, said.append, problem)
        keeper.has_room = lambda _size: not full
        bucket = Bucket(shows, away_at)
        away = None
        try:
            keeper.verify()
            keeper.refresh(bucket)
        except it.Away as reason:
            away = str(reason)
        keeper.status()
        return Result(said, bucket.fetched, away, keeper.metrics(away is None, 1000, 2.5))

    def names(self, channel: str = "main") -> list[str]:
        folder = self.home / channel
        return sorted(file.name for file in folder.iterdir()) if folder.exists() else []

    def playable(self, channel: str = "main") -> list[str]:
        """What a channel would play, as Liquidsoap finds it, oldest first."""
        return [(self.home / channel / name).read_text() for name in self.names(channel)]


@pytest.fixture
def master(tmp_path: pathlib.Path) -> Master:
    return Master(tmp_path)


def ten(mark: str) -> str:
    return (mark * 10)[:10]


OLD, MID, NEW, NEWEST = ten("old "), ten("mid "), ten("new "), ten("newest ")
THREE: Shows = {
    "shows/2026/11/20/main/Früh.mp3": Show(OLD),
    "shows/2026/11/21/main/Night.mp3": Show(MID),
    "shows/2026/11/21/jazz/a/b.flac": Show(ten("jazz")),
    "shows/2026/11/22/main/Night.MP3": Show(NEW),
}
LATEST = "shows/2026/11/23/main/n.ogg"


def test_are_the_newest_of_each_channel_that_fit_under_names_that_say_what_they_hold(master: Master) -> None:
    result = master.run({**THREE, "shows/2025/01/01/main/x.mp3": Show(ten("ancient "))})
    assert master.playable() == [OLD, MID, NEW]
    assert master.playable("jazz") == [ten("jazz")]
    assert f"20261122.19700101T001640Z.{hashlib.sha256(NEW.encode()).hexdigest()}.mp3" in master.names()
    assert "shows/2025/01/01/main/x.mp3" not in result.fetched
    assert list((master.home / ".incoming").iterdir()) == []


def test_are_not_fetched_twice(master: Master) -> None:
    master.run(THREE)
    assert master.run(THREE).fetched == []


def test_make_room_for_newer_ones_the_oldest_first_once_those_are_in_place(master: Master) -> None:
    master.run(THREE)
    assert master.run({**THREE, LATEST: Show(NEWEST)}).fetched == [LATEST]
    assert master.playable() == [MID, NEW, NEWEST]


def test_follow_a_show_that_was_overwritten_and_drop_its_old_version(master: Master) -> None:
    master.run(THREE)
    master.run({**THREE, "shows/2026/11/22/main/Night.MP3": Show("corrected", 2000)})
    assert master.playable() == [OLD, MID, "corrected"]


def test_stay_when_somebody_deletes_them_from_the_bucket_until_newer_ones_need_the_room(master: Master) -> None:
    master.run(THREE)
    master.run({"shows/2026/11/21/jazz/a/b.flac": Show(ten("jazz"))})
    assert len(master.playable()) == 3
    master.run({LATEST: Show(NEWEST)})
    assert master.playable() == [MID, NEW, NEWEST]


@pytest.mark.parametrize(
    ("bad", "why"),
    [
        pytest.param(Show("bad audio!", 1), "FFmpeg cannot decode it", id="that cannot be decoded"),
        pytest.param(
            *(Show("tampered!!", 1, "0" * 64), "it does not hold what its SHA-256 says"),
            id="that is not what its hash says",
        ),
        pytest.param(Show("somebody's", 1, ""), "it carries no SHA-256", id="that has no hash"),
        pytest.param(Show("x" * 31, 1), "the limit of a channel", id="that is larger than all may be"),
    ],
)
def test_do_not_take_the_place_of_good_ones_for_a_bad_one_which_is_told_and_fetched_once(
    master: Master, bad: Show, why: str
) -> None:
    key = "shows/2026/11/23/main/bad.mp3"
    shows = {**THREE, key: bad}
    assert sum(why in line for line in master.run(shows).said) == 1
    assert master.playable() == [OLD, MID, NEW]
    again = master.run(shows)
    assert again.fetched == []
    assert not any(why in line for line in again.said)
    assert 'aerial_emergency_refused_shows{channel="main"} 1' in again.metrics
    # A new version of it has its chance.
    master.run({**shows, key: Show("mended", 3000)})
    assert master.playable()[-1] == "mended"


def test_leave_aside_what_is_no_audio_by_its_name(master: Master) -> None:
    key = "shows/2026/11/23/main/cover.jpg"
    assert key not in master.run({**THREE, key: Show("picture")}).fetched


def test_go_from_the_disk_when_they_have_changed_there_also_while_s3_is_away_and_come_back(master: Master) -> None:
    master.run(THREE)
    (master.home / "main" / master.names()[0]).write_text(ten("rot "))
    assert "has changed on the disk" in master.run(THREE, away_at=0).said[0]
    assert master.playable() == [MID, NEW]
    master.run(THREE)
    assert master.playable() == [OLD, MID, NEW]


@pytest.mark.parametrize("away_at", [0, 2, 5, 7])
def test_stay_whole_when_s3_goes_away_and_are_complete_afterwards(master: Master, away_at: int) -> None:
    before = {"shows/2026/11/19/main/a.mp3": Show(ten("before "))}
    master.run(before)
    result = master.run({**before, **THREE}, away_at=away_at)
    assert result.away is None or "aerial_emergency_s3_reached 0" in result.metrics
    good = {show.content for show in [*THREE.values(), *before.values()]}
    assert len(master.playable()) > 0
    assert set(master.playable()) <= good
    master.run({**before, **THREE})
    assert master.playable() == [OLD, MID, NEW]


def test_survive_a_lost_memory_of_what_is_here_and_a_show_that_goes_while_it_is_fetched(master: Master) -> None:
    master.run(THREE)
    (master.home / ".state.json").unlink()
    master.run({**THREE, "shows/2026/11/23/main/g.mp3": Show("gone")})
    assert master.playable() == [OLD, MID, NEW]


def test_are_not_fetched_onto_a_full_disk(master: Master) -> None:
    master.run(THREE, limit_bytes=10)
    assert master.run(THREE, full=True).fetched == []
    assert master.playable() == [NEW]


def test_leave_files_alone_that_people_put_there(master: Master) -> None:
    (master.home / "main").mkdir()
    (master.home / "main/by-hand.mp3").write_text("x" * 100)
    master.run(THREE)
    assert "x" * 100 in master.playable()
    assert len(master.playable()) == 4


def test_are_searched_for_in_a_hundred_days_with_shows_no_more(master: Master) -> None:
    many = {f"shows/{2000 + year}/01/01/jazz/x.mp3": Show("j") for year in range(120)}
    early, late = "shows/2005/01/01/main/early.mp3", "shows/2050/01/01/main/late.mp3"
    assert early not in master.run({**many, early: Show("early")}).fetched
    assert late in master.run({**many, late: Show("late")}).fetched


def test_are_counted_for_prometheus_by_channel(master: Master) -> None:
    metrics = master.run(THREE).metrics
    assert 'aerial_emergency_shows{channel="main"} 3\n' in metrics
    assert 'aerial_emergency_bytes{channel="jazz"} 10\n' in metrics
    newest = int(datetime.datetime(2026, 11, 22, tzinfo=datetime.UTC).timestamp())
    assert f'newest_show_timestamp_seconds{{channel="main"}} {newest}' in metrics
    assert "aerial_emergency_s3_reached 1\n" in metrics

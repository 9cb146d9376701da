"""What is on a Master's disk, and how it comes to S3: also after power cuts, without S3, and without room."""

import json
import pathlib
from collections.abc import Iterable
from typing import BinaryIO

import pytest
from feed_samples import SECONDS
from recording_samples import EPOCH, Notes, World, frame, numbers_in, take_of
from recordings import spool, takes, upload
from recordings.capture import Capture
from recordings.settings import Recorded, Settings
from recordings.takes import Take, Title

HOUR = 3600


class Away(Exception):
    pass


class Store:
    """S3, as far as the uploader asks; it is away after so many requests."""

    def __init__(self) -> None:
        self.objects: dict[str, bytes] = {}
        self.requests_left = 1000

    def ask(self) -> None:
        if self.requests_left <= 0:
            raise Away
        self.requests_left -= 1

    def put(self, key: str, file: BinaryIO, content_type: str) -> None:
        self.ask()
        assert content_type in ("audio/mpeg", "application/json", "application/octet-stream")
        file.seek(0)
        self.objects[key] = file.read()

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            self.ask()
            # S3 minds no key that is not there.
            self.objects.pop(key, None)


class Master:
    """One that records and uploads, step by step."""

    def __init__(self, home: pathlib.Path) -> None:
        self.home = home
        self.spool = spool.Spool(str(home))
        self.store = Store()
        self.said: list[str] = []
        known = Settings(
            "a", ["a", "b"], "bucket", "eu-central-1", "UTC", 8000, 1 << 30, {"main": Recorded("mp3", "/")}
        )
        self.uploader = upload.Uploader(self.spool, self.store, known, self.said.append)
        self.roll = spool.Roll(self.spool, "main", "a", "mp3", lambda: None)

    def record(self, begin: int, end: int, titles: tuple[Title, ...] = ()) -> None:
        """Takes of these seconds after the hour began."""
        for since in range(begin, end, 30):
            until = min(since + 30, end)
            take, audio = take_of(range(round(since / SECONDS), round(until / SECONDS)), titles=titles)
            self.roll.begin(take.reel, take.position, take.start, take.titles[0])
            self.roll.write(audio)
            for title in take.titles[1:]:
                self.roll.entitle(title)
            self.roll.end(take.start, take.seconds)

    def work(self, seconds: float) -> None:
        self.uploader.work(EPOCH + seconds)

    def files(self) -> list[str]:
        return sorted(str(path.relative_to(self.home)) for path in self.home.rglob("*") if path.is_file())

    def found(self) -> list[int]:
        return [number for one in self.spool.found("main") for number in numbers_in(one.read())]


@pytest.fixture
def master(tmp_path: pathlib.Path) -> Master:
    return Master(tmp_path)


def frames(begin: int, end: int) -> list[int]:
    return list(range(round(begin / SECONDS), round(end / SECONDS)))


def hours_at(store: Store) -> dict[str, bytes]:
    return {key: content for key, content in store.objects.items() if key.startswith("hours/")}


def test_takes_are_at_s3_while_their_hour_is_under_way(master: Master) -> None:
    master.record(0, 90)
    master.work(95)
    assert len(master.store.objects) == 3
    found = [takes.unpack(content) for content in master.store.objects.values()]
    assert sorted(number for _take, audio in found for number in numbers_in(audio)) == frames(0, 90)
    disk = master.roll.template["disk"]
    assert takes.take_key(found[0][0]) == f"takes/a/main/2025-11-28/18/{round(EPOCH * 1000)}.{disk}.take"
    master.work(100)
    assert master.store.requests_left == 997


def test_an_hour_that_is_over_is_one_file_with_its_titles_and_its_takes_go(master: Master) -> None:
    master.record(3480, 3600, (Title(0, "Größe", "studio"), Title(10, "第一回", "airtime")))
    master.work(3600)
    master.record(3600, 3630)
    master.work(3659)
    assert hours_at(master.store) == {}
    master.work(3661)
    disk = master.roll.template["disk"]
    name = f"hours/a/main/2025-11-28/185800.{disk}"
    assert sorted(hours_at(master.store)) == [f"{name}.json", f"{name}.mp3"]
    assert numbers_in(master.store.objects[f"{name}.mp3"]) == frames(3480, 3600)
    told = json.loads(master.store.objects[f"{name}.json"])
    assert told["start"] == "2025-11-28T18:58:00.000Z"
    assert told["end"] == "2025-11-28T19:00:00.000Z"
    assert [(one["offset"], one["at"][11:19], one["title"], one["source"]) for one in told["titles"]] == [
        (offset, at, title, source)
        for n in range(4)
        for offset, at, title, source in [
            (30 * n, f"18:5{8 + n // 2}:{30 * (n % 2):02}", "Größe", "studio"),
            (30 * n + 10, f"18:5{8 + n // 2}:{30 * (n % 2) + 10}", "第一回", "airtime"),
        ]
    ]
    # What follows it is a take of the next hour.
    assert [key for key in master.store.objects if key.startswith("takes/")] == [
        f"takes/a/main/2025-11-28/19/{round((EPOCH + 3600) * 1000)}.{disk}.take"
    ]
    assert [path for path in master.files() if "hours" in path] == []


def test_what_an_hours_file_tells_gives_its_takes_back(master: Master) -> None:
    titles = (Title(0, "One", "studio"), Title(12.5, "Two", "mobile"))
    master.record(0, 30, titles)
    master.record(30, 120, (Title(0, "Two", "mobile"),))
    before = [one.take for one in master.spool.found("main")]
    master.store.requests_left = 0
    with pytest.raises(Away):
        master.work(HOUR + 60)
    assert [path.split(".")[-1] for path in master.files() if "main" in path] == ["json", "mp3"]
    found = list(master.spool.found("main"))
    assert [one.take for one in found] == before
    assert [number for one in found for number in numbers_in(one.read())] == frames(0, 120)


def test_s3_away_for_hours_loses_nothing(master: Master) -> None:
    master.store.requests_left = 0
    spans = [(n * HOUR + begin, n * HOUR + begin + 120) for n in range(4) for begin in (0, 3480)]
    for begin, end in spans:
        master.record(begin, end)
        with pytest.raises(Away):
            master.work(end)
    assert sorted(master.found()) == [number for span in spans for number in frames(*span)]
    master.store.requests_left = 1000
    master.work(4 * HOUR + 61)
    audio = [content for key, content in sorted(hours_at(master.store).items()) if key.endswith(".mp3")]
    expected = [frames(*spans[2 * n]) + frames(*spans[2 * n + 1]) for n in range(4)]
    assert [numbers_in(one) for one in audio] == expected
    # Nothing was sent twice: no take of an hour that was over already.
    assert master.store.requests_left == 1000 - 8


@pytest.mark.parametrize("requests", range(12))
def test_wherever_s3_goes_away_all_of_an_hour_is_there_in_the_end(master: Master, requests: int) -> None:
    master.record(3510, 3600)
    master.work(3600)
    master.store.requests_left = requests
    try:
        master.work(3661)
    except Away:
        master.store.requests_left = 100
        # And a power cut: what was remembered in memory is gone.
        master.uploader.uploaded.clear()
        master.uploader.clean()
        master.work(3700)
    assert [key.split(".")[-1] for key in sorted(master.store.objects)] == ["json", "mp3"]
    assert numbers_in(next(one for key, one in master.store.objects.items() if key.endswith("mp3"))) == frames(
        3510, 3600
    )
    assert [path for path in master.files() if "main" in path] == []


def test_a_power_cut_while_an_hour_is_joined_leaves_its_takes(master: Master) -> None:
    master.record(3540, 3600)
    folder = master.home / "main/hours"
    folder.mkdir()
    (folder / ".new-mp3").write_bytes(b"half")
    (folder / "hours_a_main_2025-11-28_185900.00.mp3").write_bytes(b"without its JSON")
    master.uploader.clean()
    master.work(3661)
    (audio,) = [content for key, content in master.store.objects.items() if key.endswith(".mp3")]
    assert numbers_in(audio) == frames(3540, 3600)


def test_what_comes_late_to_an_hour_does_not_take_its_files_place(master: Master) -> None:
    master.record(3000, 3570)
    master.work(3661)
    master.record(3570, 3600)
    master.work(3700)
    audio = {key[-21:-13]: numbers_in(one) for key, one in master.store.objects.items() if key.endswith(".mp3")}
    assert sorted(audio.values()) == [frames(3000, 3570), frames(3570, 3600)]


def test_a_torn_take_is_said_and_goes(master: Master) -> None:
    master.record(0, 60)
    torn = next(path for path in master.home.rglob("*.take"))
    torn.write_bytes(torn.read_bytes()[:-10])
    master.work(60)
    assert len(master.store.objects) == 1
    assert "taken away: it holds" in master.said[0]


def test_the_disk_is_never_filled_and_what_is_at_s3_goes_first(master: Master) -> None:
    master.record(0, 300)
    master.work(300)
    master.record(300, 600)
    said: list[str] = []
    each = master.spool.size() // 20
    master.spool.trim(15 * each, said.append)
    assert master.spool.size() <= 15 * each
    assert said == []
    assert set(frames(300, 600)) <= set(master.found())
    master.spool.trim(5 * each, said.append)
    assert 0 < master.spool.size() <= 5 * each
    assert len(said) >= 5
    assert said[0].endswith("goes before it was uploaded")
    # The newest stay.
    assert master.found()[-1] == frames(0, 600)[-1]


def test_an_hour_that_had_no_room_is_forgotten(master: Master) -> None:
    master.record(0, 60)
    master.store.requests_left = 0
    with pytest.raises(Away):
        master.work(HOUR + 60)
    next(master.home.rglob("*.mp3")).unlink()
    master.store.requests_left = 10
    master.work(HOUR + 70)
    assert master.store.objects == {}
    assert [path for path in master.files() if "main" in path] == []


def test_the_take_that_grows_can_be_read_and_outlives_the_recorder(master: Master) -> None:
    begun, audio = take_of(range(100, 600))
    master.roll.begin("r", begun.position, begun.start, Title(0, "One", "studio"))
    master.roll.write(audio + frame(600)[:100])
    master.roll.entitle(Title(3, "Two", "mobile"))
    assert master.found() == list(range(100, 600))
    again = spool.Roll(master.spool, "main", "a", "mp3", lambda: None)
    newest = again.recover()
    assert newest is not None
    take, kept = newest
    assert numbers_in(kept) == list(range(100, 600))
    assert [title.title for title in take.titles] == ["One", "Two"]
    assert take.seconds == pytest.approx(500 * SECONDS)
    assert master.found() == list(range(100, 600))
    assert spool.Roll(master.spool, "main", "a", "mp3", lambda: None).recover() == newest


def test_a_recorder_that_is_killed_and_started_again_within_the_burst_loses_nothing(master: Master) -> None:
    world = World()
    capture = Capture("audio/mpeg", master.roll, world.wall)
    world.hear(capture, 20, 47)

    class Killed(Exception):
        pass

    def die() -> None:
        raise Killed

    roll = spool.Roll(master.spool, "main", "a", "mp3", lambda: None)
    capture = Capture("audio/mpeg", roll, world.wall)
    capture.disconnected = die  # type: ignore[method-assign]
    resume(capture, roll, world, 50)
    with pytest.raises(Killed):
        world.hear(capture, 50, 70)
    roll = spool.Roll(master.spool, "main", "a", "mp3", lambda: None)
    capture = Capture("audio/mpeg", roll, world.wall)
    resume(capture, roll, world, 75)
    world.hear(capture, 75, 100)
    found = sorted(master.spool.found("main"), key=lambda one: one.take.position)
    assert len({one.take.reel for one in found}) == 1
    numbers = [number for one in found for number in numbers_in(one.read())]
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert (numbers[0] * SECONDS, numbers[-1] * SECONDS) == pytest.approx((4, 100), abs=0.5)


def resume(capture: Capture, roll: spool.Roll, world: World, now: float) -> None:
    """As `aerial-recorder` begins."""
    world.now = now
    newest = roll.recover()
    assert newest is not None
    take, audio = newest
    places = takes.frames_of(audio, "mp3")[-8:]
    tail = [audio[begin:end] for begin, end, _seconds in places]
    capture.resume(take.reel, take.position + take.seconds, take.end, tail, now)


def test_a_writer_is_told_what_a_capture_makes() -> None:
    # The writers of these tests and the one on a disk take the same.
    assert {name for name in dir(Notes) if not name.startswith("_")} <= {
        *(name for name in dir(spool.Roll) if not name.startswith("_")),
        "open",
    }


@pytest.mark.parametrize("content", [b"", b"{}\nxx", b'{"channel": 1}\n', b"\xff\xfb\x90", b"[]\n", b"null\n"])
def test_what_is_no_take_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"take|Expecting|decode|bytes"):
        takes.unpack(content)


def test_a_take_is_one_object_with_all_that_is_known_of_it() -> None:
    take, audio = take_of(range(50), titles=(Title(0, "Größe\n第一回", None), Title(0.5, "x", "studio")))
    assert takes.unpack(takes.pack(take, audio)) == (take, audio)
    other: Take = take_of(range(50), master="b")[0]
    assert takes.take_key(other) != takes.take_key(take)


def test_figures_say_what_waits_and_whether_s3_answers(master: Master) -> None:
    master.record(0, 60)
    before = master.uploader.metrics(reached=False)
    assert "aerial_recordings_s3_reached 0" in before
    assert "aerial_recordings_waiting_bytes 0" not in before
    master.work(60)
    after = master.uploader.metrics(reached=True)
    assert "aerial_recordings_s3_reached 1\n" in after
    assert "aerial_recordings_waiting_bytes 0\n" in after
    assert "aerial_recordings_waiting_since_seconds 0\n" in after
    assert f'aerial_recordings_uploaded_seconds{{channel="main"}} {EPOCH + 60:.0f}\n' in after

"""What a Relay puts into its journal of what NGINX logs: each line once, whatever happens to the log."""

import datetime
import gzip
import json
import os
import time
from pathlib import Path
from types import ModuleType

import pytest
from programs import load


@pytest.fixture(name="program", scope="module")
def _program() -> ModuleType:
    return load("machine/journal/listener-log.py")


def add(path: Path, text: str) -> None:
    with path.open("a") as file:
        file.write(text)


def test_it_begins_at_the_end_and_waits_for_the_rest_of_a_line(program: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("before\n")
    follower = program.Follower(str(log), str(tmp_path / "read"))
    assert follower.lines(0.0) == []
    add(log, "one\ntw")
    assert follower.lines(1.0) == [b"one"]
    add(log, "o\n")
    assert follower.lines(2.0) == [b"two"]


def test_it_reads_what_comes_into_a_log_that_was_renamed(program: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("")
    follower = program.Follower(str(log), str(tmp_path / "read"))
    add(log, "one\n")
    old = tmp_path / "access-1.log"
    log.rename(old)
    assert follower.lines(1.0) == [b"one"]
    add(log, "new\n")
    add(old, "late\n")
    assert sorted(follower.lines(2.0)) == [b"late", b"new"]
    add(old, "far too late\n")
    follower.lines(2.0 + program.ROTATED_SECONDS)
    assert follower.lines(3.0 + program.ROTATED_SECONDS) == []
    assert len(follower.files) == 1


def test_it_goes_on_where_it_was_though_the_log_was_renamed_meanwhile(program: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("")
    follower = program.Follower(str(log), str(tmp_path / "read"))
    add(log, "one\n")
    follower.lines(1.0)
    follower.save()
    add(log, "two\n")
    log.rename(tmp_path / "access-1.log")
    log.write_text("three\n")
    again = program.Follower(str(log), str(tmp_path / "read"))
    assert sorted(again.lines(1.0)) == [b"three", b"two"]
    again.save()
    assert program.Follower(str(log), str(tmp_path / "read")).lines(2.0) == []


def line(**fields: object) -> bytes:
    return json.dumps({"time": "2026-11-22T20:00:00+00:00", "mount": "/main.mp3", "method": "GET", **fields}).encode()


def test_it_takes_beginnings_and_ends_and_leaves_pages_out(program: ModuleType) -> None:
    begin = program.of_listener(line(begins="a", listener="192.0.2.1", worker=7, referer="https://x.example"))
    assert begin == {
        "begins": "a",
        "time": "2026-11-22T20:00:00+00:00",
        "mount": "/main.mp3",
        "listener": "192.0.2.1",
        "worker": 7,
    }
    assert program.of_listener(line(id="a", seconds=5))
    assert program.of_listener(line(id="a", mount="/status.json")) is None
    assert program.of_listener(line(id="a", method="HEAD")) is None
    assert program.of_listener(line(id="a", mount="/.well-known/acme-challenge/x")) is None
    assert program.of_listener(b"no json") is None
    assert program.of_listener(b"7") is None


def test_it_takes_a_player_that_names_itself_in_another_encoding_and_cuts_long_names(program: ModuleType) -> None:
    value = program.of_listener(line(id="a", agent="Radio M?nchen").replace(b"?", b"\xfc"))
    assert value["agent"] == "Radio M\ufffdnchen"
    value = program.of_listener(line(id="a", agent="\u4e2d" * 4000, mount="/" + "x" * 4000))
    assert (len(value["agent"]), len(value["mount"])) == (512, 512)
    assert len(program.packed(value).encode()) < 4096


def test_it_says_who_still_listens_in_lines_that_the_journal_shows_whole(program: ModuleType) -> None:
    listening = program.Listening({})
    names = [f"{number:032x}" for number in range(250)]
    for name in names:
        listening.take(program.of_listener(line(begins=name, worker=7)))
    listening.take(program.of_listener(line(begins="of another", worker=8)))
    listening.take(program.of_listener(line(id=names[0])))
    # Of one that began before anybody looked.
    listening.take(program.of_listener(line(id="unknown")))
    said = listening.statements([7], 5.0)
    assert [one["time"] for one in said] == [5.0] * 3
    assert [name for one in said for name in one["open"]] == names[1:]
    # journalctl has null for a field of more than 4,096 bytes.
    assert all(len(program.packed(one).encode()) < 4096 for one in said)
    assert listening.statements([], 6.0) == []


def test_it_knows_who_listens_after_a_restart(program: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("")
    follower = program.Follower(str(log), str(tmp_path / "read"))
    follower.listening.take(program.of_listener(line(begins="a", worker=7)))
    follower.save()
    again = program.Follower(str(log), str(tmp_path / "read"))
    assert again.listening.statements([7], 5.0) == [{"open": ["a"], "time": 5.0}]


def test_it_finds_what_was_packed_while_it_was_away(program: ModuleType, tmp_path: Path) -> None:
    log = tmp_path / "access.log"
    log.write_text("")
    follower = program.Follower(str(log), str(tmp_path / "read"))
    assert list(follower.missed()) == []
    now = time.time()
    for name, age in (("1", 3600), ("2", 0)):
        path = tmp_path / f"access-{name}.log.gz"
        moments = [datetime.datetime.fromtimestamp(now - age - before, datetime.UTC) for before in (7200, 30)]
        path.write_bytes(gzip.compress(b"".join(line(id=name, time=f"{moment:%FT%T%z}") + b"\n" for moment in moments)))
        os.utime(path, (now - age,) * 2)
    follower.save()
    os.utime(tmp_path / "read", (now - 60,) * 2)
    # Lines that may have been read before have an id. Those of hours before need not come again.
    missed = program.Follower(str(log), str(tmp_path / "read")).missed()
    assert [json.loads(one)["id"] for one in missed] == ["2"]


def test_it_finds_the_workers_that_live(program: ModuleType, tmp_path: Path) -> None:
    for pid, name in (("12", "nginx"), ("7", "nginx"), ("9", "icecast2"), ("sys", "nginx")):
        (tmp_path / pid).mkdir()
        (tmp_path / pid / "comm").write_text(f"{name}\n")
    assert program.workers(str(tmp_path)) == [7, 12]

"""Which takes make up a time: one Master's as long as it has no hole, and nobody's seconds are named."""

import itertools

import pytest
from feed_samples import SECONDS
from hypothesis import given, settings
from hypothesis import strategies as st
from recording_samples import EPOCH, found_of, numbers_in, take_of
from recordings import cut, takes
from recordings.takes import Found, Title


def reel(master: str, name: str, begin: int, end: int, off: float = 0.0, each: int = 30) -> list[Found]:
    """A Master's takes from one second to another."""
    edges = [*range(begin, end, each), end]
    at = [round(edge / SECONDS) for edge in edges]
    return [
        found_of(*take_of(range(since, until), master, name, at[0], off)) for since, until in itertools.pairwise(at)
    ]


def choose(found: list[Found], begin: float, end: float, masters: str = "ab") -> cut.Choice:
    return cut.choose(cut.reels_of(found), EPOCH + begin, EPOCH + end, list(masters))


def spans(choice: cut.Choice) -> list[tuple[str, float, float]]:
    return [(part.reel.first.master, round(part.begin - EPOCH, 1), round(part.end - EPOCH, 1)) for part in choice.parts]


def missing(choice: cut.Choice) -> list[tuple[float, float]]:
    return [(round(since - EPOCH, 1), round(until - EPOCH, 1)) for since, until in choice.missing]


def numbers(choice: cut.Choice) -> list[int]:
    return [number for part in choice.parts for audio in cut.audio_of(part) for number in numbers_in(audio)]


def test_a_whole_reel_gives_the_frames_of_the_time_and_no_other() -> None:
    choice = choose(reel("a", "r", 0, 3600), 1198.0, 3091.5)
    assert spans(choice) == [("a", 1198, 3091.5)]
    expected = list(range(numbers(choice)[0], numbers(choice)[-1] + 1))
    assert numbers(choice) == expected
    assert (expected[0] * SECONDS, (expected[-1] + 1) * SECONDS) == pytest.approx((1198, 3091.5), abs=SECONDS)
    assert choice.missing == []


def test_the_preferred_masters_is_taken_where_both_are_whole() -> None:
    found = reel("b", "s", 0, 300) + reel("a", "r", 0, 300)
    assert spans(choose(found, 10, 200)) == [("a", 10, 200)]
    assert spans(choose(found, 10, 200, "ba")) == [("b", 10, 200)]
    # Of a Master that the station has no more.
    assert spans(choose(found, 10, 200, "cb")) == [("b", 10, 200)]


def test_the_others_recording_fills_what_a_dead_master_lacks() -> None:
    found = reel("a", "r", 0, 90) + reel("b", "s", 0, 300, off=0.08) + reel("a", "r2", 200, 300)
    choice = choose(found, 0, 300)
    assert spans(choice) == [("b", 0.1, 300)]
    dead = reel("a", "r", 0, 90) + reel("b", "s", 60, 300, off=0.08)
    choice = choose(dead, 0, 300)
    assert spans(choice) == [("a", 0, 90), ("b", 90, 300)]
    assert missing(choice) == []
    assert len(numbers(choice)) * SECONDS == pytest.approx(300, abs=0.2)


def test_seconds_that_nobody_has_are_named() -> None:
    found = reel("a", "r", 10, 100) + reel("b", "s", 50, 130) + reel("a", "r2", 142, 200)
    choice = choose(found, 0, 220)
    assert spans(choice) == [("a", 10, 100), ("b", 100, 130), ("a", 142, 200)]
    assert missing(choice) == [(0, 10), (130, 142), (200, 220)]


def test_a_take_that_is_there_twice_is_taken_once() -> None:
    once = reel("a", "r", 0, 120)
    choice = choose(once + reel("a", "r", 0, 120) + once[1:2], 0, 120)
    assert numbers(choice) == list(range(round(120 / SECONDS)))


def test_what_was_played_is_told_with_its_time_once() -> None:
    first = take_of(range(1250), titles=(Title(0, "One", "studio"), Title(12.5, "Two", "studio")))
    second = take_of(range(1250, 2500), titles=(Title(0, "Two", "studio"), Title(6, "Two", "mobile")))
    choice = choose([found_of(*first), found_of(*second)], 5, 60)
    told = [
        (round(at - EPOCH, 1), title.title, title.source) for part in choice.parts for at, title in cut.titles_of(part)
    ]
    assert told == [(5, "One", "studio"), (12.5, "Two", "studio"), (36, "Two", "mobile")]


@st.composite
def recordings(draw: st.DrawFn) -> list[tuple[str, int, int]]:
    """Times that two Masters have, each without overlaps."""
    found = []
    for master in "ab":
        edges = sorted(draw(st.sets(st.integers(0, 200), max_size=8)))
        found += [(master, since, until) for since, until in zip(edges[::2], edges[1::2], strict=False)]
    return found


@settings(max_examples=100)
@given(recordings(), st.integers(0, 100), st.integers(1, 100), st.floats(-0.1, 0.1))
def test_what_anybody_has_is_in_the_cut_and_what_nobody_has_is_missing(
    recorded: list[tuple[str, int, int]], begin: int, length: int, off: float
) -> None:
    found = []
    for number, (master, since, until) in enumerate(recorded):
        found += reel(master, f"r{number}", since, until, off if master == "b" else 0)
    choice = choose(found, begin, begin + length)
    there = [
        any(since <= second < until for _master, since, until in recorded) for second in range(begin, begin + length)
    ]
    named = sum(until - since for since, until in choice.missing)
    joints = len(choice.parts) + len(choice.missing)
    assert named == pytest.approx(there.count(False), abs=0.25 * joints + 0.01)
    given_seconds = len(numbers(choice)) * SECONDS
    assert given_seconds == pytest.approx(there.count(True), abs=0.25 * joints + 0.1)
    edges = sorted([(part.begin, part.end) for part in choice.parts] + choice.missing)
    for (_, earlier_end), (later_begin, _) in itertools.pairwise(edges):
        assert -0.001 <= later_begin - earlier_end <= 0.25


def test_frames_that_are_no_frames_end_what_is_read() -> None:
    _take, audio = take_of(range(10))
    assert len(takes.frames_of(audio + audio[:50], "mp3")) == 10
    assert takes.frames_of(b"no audio at all", "mp3") == []

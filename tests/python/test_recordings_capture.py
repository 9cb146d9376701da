"""What a Master records of its stream, and when each frame of it was played."""

import itertools

import pytest
from feed_samples import SECONDS, mp3
from hypothesis import given, settings
from hypothesis import strategies as st
from recording_samples import EPOCH, Notes, World, Written
from recordings.capture import Capture

# Icecast is looked at each 0.25 s here, and a frame is whole when the next one has begun.
CLOSE = 0.35


def capture_in(world: World) -> tuple[Capture, Notes]:
    notes = Notes()
    return Capture("audio/mpeg", notes, world.wall), notes


def all_numbers(takes: list[Written]) -> list[int]:
    return [number for take in takes for number in take.numbers]


def rows(takes: list[Written]) -> list[list[Written]]:
    """Takes by reel, whose positions must follow each other."""
    found = [list(group) for _, group in itertools.groupby(takes, key=lambda take: take.reel)]
    for row in found:
        for one, following in itertools.pairwise(row):
            assert following.position == pytest.approx(one.position + one.seconds, abs=0.001)
    return found


def holds(row: list[Written], begin: float, end: float) -> None:
    """A row holds each frame of a time once, and knows when it was played."""
    numbers = all_numbers(row)
    assert numbers == list(range(numbers[0], numbers[-1] + 1))
    assert numbers[0] * SECONDS == pytest.approx(begin, abs=CLOSE)
    assert (numbers[-1] + 1) * SECONDS == pytest.approx(end, abs=CLOSE)
    assert [take.off() for take in row] == pytest.approx([0] * len(row), abs=CLOSE)


def test_it_begins_with_what_icecast_has_and_ends_takes_on_the_clock() -> None:
    world = World()
    capture, notes = capture_in(world)
    world.hear(capture, 20, 130)
    (row,) = rows(notes.takes)
    holds(row, 4, 130)
    assert [round(take.start + take.seconds - EPOCH) for take in row] == [30, 60, 90, 120, 130]
    assert [len(take.numbers) * SECONDS for take in row] == pytest.approx([take.seconds for take in row])


def test_a_connection_that_breaks_and_comes_back_costs_nothing() -> None:
    world = World()
    capture, notes = capture_in(world)
    world.hear(capture, 20, 51)
    world.hear(capture, 60, 63)
    world.hear(capture, 64, 64.5)
    world.hear(capture, 70, 100)
    (row,) = rows(notes.takes)
    holds(row, 4, 100)


def test_what_icecast_has_no_more_is_a_hole_with_the_right_ends() -> None:
    world = World()
    capture, notes = capture_in(world)
    world.hear(capture, 20, 50)
    world.hear(capture, 80, 100)
    first, second = rows(notes.takes)
    holds(first, 4, 50)
    holds(second, 64, 100)


def test_what_another_encoder_repeats_is_not_recorded_again() -> None:
    world = World()
    capture, notes = capture_in(world)
    world.hear(capture, 20, 50)
    # Liquidsoap has started again: other bytes, and its Icecast has little of the past.
    other = World([mp3(f"other {number}".encode()) for number in range(997)])
    capture.wall = other.wall
    other.hear(capture, 53, 80, burst=6)
    first, second = rows(notes.takes)
    holds(first, 4, 50)
    assert second[0].start == pytest.approx(EPOCH + 50, abs=CLOSE)
    assert sum(take.seconds for take in second) == pytest.approx(30, abs=2 * CLOSE)


def test_a_stall_after_which_everything_comes_is_no_hole() -> None:
    world = World()
    capture, notes = capture_in(world)
    world.hear(capture, 20, 120, stalls=[(40, 48), (70, 71.5), (80, 81.2), (83, 84.5)])
    (row,) = rows(notes.takes)
    holds(row, 4, 120)


def test_audio_that_is_lost_in_a_stall_is_a_hole_with_the_right_ends() -> None:
    world = World()
    capture, notes = capture_in(world)
    world.hear(capture, 20, 120, stalls=[(40, 47)], lost=[(39.7, 46)])
    first, second = rows(notes.takes)
    holds(first, 4, 39.7)
    # A frame is whole when the next one has begun, so one of them comes after the hole.
    assert all_numbers(second)[0] == all_numbers(first)[-1] + 1
    second[0].audio = second[0].audio[len(world.frame(0)) :]
    holds(second, 46, 120)


def test_silence_is_not_longer_or_shorter_for_a_connection_that_broke() -> None:
    world = World([mp3()])
    capture, notes = capture_in(world)
    world.hear(capture, 20, 50)
    world.hear(capture, 55, 62)
    world.hear(capture, 70, 100)
    assert sum(take.seconds for take in notes.takes) == pytest.approx(96, abs=2 * CLOSE)
    starts = [take.start for take in notes.takes]
    ends = [take.start + take.seconds for take in notes.takes]
    assert starts[1:] == pytest.approx(ends[:-1], abs=2 * CLOSE)


def test_titles_are_where_they_begin_and_every_take_knows_its_own() -> None:
    world = World()
    world.titles = {
        0: "StreamTitle='Größe, 第一回';StreamUrl='studio';".encode(),
        round(40 / SECONDS): b"StreamTitle='it''s; a title';StreamUrl='airtime';",
    }
    capture, notes = capture_in(world)
    world.hear(capture, 20, 70)
    told = [[(title.title, title.source) for title in take.titles] for take in notes.takes]
    german, english = ("Größe, 第一回", "studio"), ("it''s; a title", "airtime")
    # A block of titles comes after 4,000 bytes at the first: half a second.
    assert told == [[("", None), german], [german, english], [english]]
    assert notes.takes[0].titles[1].offset == pytest.approx(0.5, abs=0.1)
    # The block that follows is within half a second.
    assert 10 <= notes.takes[1].titles[1].offset + notes.takes[1].start - EPOCH - 30 <= 10.7


def test_a_clock_that_is_set_makes_no_take_long_and_loses_no_frame() -> None:
    world = World()
    capture, notes = capture_in(world)
    capture.connected(0)
    following = 0
    for tick in range(4 * 120):
        world.now = tick / 4
        world.step = -3600 if world.now >= 47 else 0
        data = b""
        while (following + 1) * SECONDS <= world.now:
            data += world.frame(following)
            following += 1
        if data:
            capture.arrived(data, world.now)
    capture.disconnected()
    numbers = all_numbers(notes.takes)
    assert numbers == list(range(len(numbers)))
    assert max(take.seconds for take in notes.takes) < 36
    assert len({take.reel for take in notes.takes}) == 1
    assert notes.takes[-1].start == pytest.approx(EPOCH + notes.takes[-1].numbers[0] * SECONDS - 3600, abs=CLOSE)


@settings(max_examples=20)
@given(st.lists(st.tuples(st.floats(0.1, 30), st.floats(0.3, 40)), min_size=1, max_size=4), st.floats(0, 16))
def test_whatever_connections_there_were_no_frame_is_twice_and_all_times_are_right(
    connections: list[tuple[float, float]], burst: float
) -> None:
    world = World()
    capture, notes = capture_in(world)
    at = 20.0
    for pause, length in connections:
        world.hear(capture, at + pause, at + pause + length, burst)
        at += pause + length
    assert not notes.open
    for row in rows(notes.takes):
        numbers = all_numbers(row)
        assert numbers == list(range(numbers[0], numbers[-1] + 1))
    numbers = all_numbers(notes.takes)
    assert numbers == sorted(numbers)
    # At a new reel, times decide: a few frames may be twice there.
    assert len(numbers) - len(set(numbers)) <= 15 * len(connections)
    assert [take.off() for take in notes.takes] == pytest.approx([0] * len(notes.takes), abs=CLOSE)

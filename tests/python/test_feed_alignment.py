"""How streams are lined up, and what is remembered of them for that: `alignment`, `track` and `history`."""

import random

import pytest
from feed import history as history_
from feed import icy
from feed import run as run_
from feed.alignment import find
from feed.history import History, Sent
from feed.track import Track
from feed_samples import SECONDS, loudness, programme
from hypothesis import given
from hypothesis import strategies as st

APART = 8


@given(st.integers(0, 500), st.integers(0, 1000))
def test_a_shifted_and_noisy_pattern_is_found_where_it_is(at: int, seed: int) -> None:
    series = loudness(900, seed)
    dice = random.Random(seed)
    pattern = [round(number + dice.gauss(0, 8)) for number in series[at : at + 400]]
    found = find(pattern, series, APART)
    assert found is not None
    assert abs(found.at - at) <= 1
    assert found.score > 0.5
    assert found.lead > 0.12


@given(st.integers(0, 1000))
def test_another_programme_has_no_lead_of_an_equal_one(seed: int) -> None:
    found = find(loudness(400, 2 * seed), loudness(900, 2 * seed + 1), APART)
    assert found is not None
    assert found.score < 0.5


@pytest.mark.parametrize("flat", [[0] * 400, [140] * 400])
def test_nothing_is_told_of_a_flat_pattern(flat: list[int]) -> None:
    assert find(flat, loudness(900, 1), APART) is None


def test_a_flat_series_scores_nothing() -> None:
    found = find(loudness(400, 1), [140] * 900, APART)
    assert found is None or found.score == 0


def test_only_places_of_the_range_are_looked_at() -> None:
    series = loudness(900, 1)
    pattern = series[300:700]
    near = find(pattern, series, APART, 298, 303)
    assert near is not None
    assert near.at == 300
    elsewhere = find(pattern, series, APART, 310, 320)
    assert elsewhere is not None
    assert 310 <= elsewhere.at < 320
    assert elsewhere.score < 0.9
    assert find(pattern, series, APART, 501, 600) is None
    assert find(pattern, series, APART, -20, 0) is None
    assert find(series, pattern, APART) is None


def filled(count: int = 100) -> Track:
    track = Track("a")
    for at, frame in enumerate(programme("talk", count)):
        track.take([frame], at * SECONDS, 1.0)
    return track


def test_a_track_forgets_what_is_old_and_counts_on() -> None:
    track = filled(3000)
    assert track.run.following == 3000
    assert track.run.end == pytest.approx(3000 * SECONDS)
    assert run_.KEPT_SECONDS <= track.run.end - track.run.start < run_.KEPT_SECONDS + 65 * SECONDS
    last = track.run.frame(2999)
    assert last is not None
    assert last.data == b"<talk 2999>"
    assert track.run.frame(3000) is None
    with pytest.raises(LookupError, match="gone"):
        track.run.frame(track.run.first - 1)
    assert track.run.start_of(track.run.first) == track.run.start
    assert len(track.run.starts) == len(track.run.frames) + 1 == len(track.run.arrivals) + 1


@given(st.floats(-5, 80))
def test_the_nearest_frame_is_at_most_half_a_frame_away(seconds: float) -> None:
    track = filled(3000)
    number = track.run.nearest(seconds)
    assert track.run.first <= number <= track.run.following
    if track.run.start <= seconds <= track.run.end:
        assert abs(track.run.start_of(number) - seconds) <= SECONDS / 2 + 1e-9


def test_a_title_holds_from_its_frame_to_the_next() -> None:
    track = Track("a")
    frames = programme("talk", 3000)
    track.take(frames[:10], 0, 1.0)
    track.title(b"StreamTitle='one';", 0.0)
    track.take(frames[10:20], 0, 1.0)
    track.title(b"StreamTitle='two';StreamUrl='studio';", 0.0)
    track.take(frames[20:40], 0, 1.0)
    one, two = b"StreamTitle='one';", b"StreamTitle='two';"
    held = [track.run.title_at(number) for number in (0, 9, 10, 19, 20, 39)]
    assert [title and title.text for title in held] == [None, None, one, one, two, two]
    assert [title and title.source for title in held] == [*(None, None, None, None), "studio", "studio"]
    track.take(frames[40:], 0, 1.0)
    last = track.run.title_at(2999)
    assert last is not None
    assert last.text == two
    # Titles before the first frame that is kept are forgotten, but for the one that holds.
    assert [title.text for title in track.run.titles] == [two]


def test_the_lead_follows_the_most_punctual_frame_of_late() -> None:
    track = Track("a")
    frames = programme("talk", 1000)
    # A burst of 12 s at 100 s, then lumps of a second, each a second late.
    track.take(frames[:500], 100.0, 1.0)
    assert track.run.lead() == pytest.approx(12.0 - 100.0)
    for lump in range(10):
        begin = 500 + round(lump / SECONDS)
        track.take(frames[begin : 500 + round((lump + 1) / SECONDS)], 102.0 + lump, 1.0)
    assert track.run.lead() == pytest.approx(track.run.end - 111.0)


def test_an_upstream_is_well_since_its_last_pause() -> None:
    track = Track("a")
    frames = programme("talk", 4)
    for frame, at in zip(frames, (10.0, 10.9, 12.0, 12.5), strict=True):
        track.take([frame], at, 1.0)
    assert track.well_since == 12.0
    track.take([], 20.0, 1.0)
    assert track.arrived == 12.5


def test_a_new_run_begins_with_nothing() -> None:
    track = filled()
    track.title(b"StreamTitle='one';", 0.0)
    before = track.run
    track.begin()
    assert (track.run.first, track.run.following, track.run.end) == (0, 0, 0.0)
    assert before.following == 100
    assert track.run.title_at(0) is None


def test_a_track_says_how_good_what_a_master_plays_is_once_that_has_lasted() -> None:
    track = filled()
    # Whoever does not say what plays is taken to play a source.
    assert track.rank(0.0, unsure=9) == 0
    track.title(b"StreamTitle='x';StreamUrl='emergency';", 100.0)
    assert track.rank(102.9, unsure=9) == 9
    track.title(b"StreamTitle='next show';StreamUrl='emergency';", 102.0)
    assert track.rank(103.0, unsure=9) == 1
    track.title(b"StreamTitle='x';StreamUrl='announcement';", 110.0)
    assert track.rank(113.0, unsure=9) == 2
    track.title(b"StreamTitle='x';StreamUrl='studio';", 120.0)
    assert track.rank(122.9, unsure=9) == 9
    assert track.rank(123.0, unsure=9) == 0


def test_the_series_of_a_range_begins_where_it_says() -> None:
    track = filled(1000)
    numbers, begin = track.run.series(2.0, 4.0)
    number = track.run.nearest(begin)
    assert 2.0 <= begin < 2.0 + SECONDS
    assert len(numbers) == pytest.approx(2 * 2.0 / SECONDS, abs=4)
    frame = track.run.frame(number)
    assert frame is not None
    assert tuple(numbers[:2]) == frame.series
    assert track.run.series(30.0, 31.0)[0] == []


def test_a_history_keeps_as_much_and_gives_the_last_seconds() -> None:
    history = History(500.0)
    for frame in programme("talk", 3000):
        history.add(Sent(frame, icy.NOTHING))
    assert history.end == pytest.approx(500.0 + 3000 * SECONDS)
    assert history_.KEPT_SECONDS <= history.end - history.starts[0] < history_.KEPT_SECONDS + 65 * SECONDS
    last = history.last(8.0)
    assert last[-1].frame.data == b"<talk 2999>"
    assert sum(sent.frame.seconds for sent in last) == pytest.approx(8.0, abs=SECONDS)


def test_a_history_that_is_short_gives_all_it_has() -> None:
    history = History(500.0)
    assert history.last(8.0) == []
    for frame in programme("talk", 10):
        history.add(Sent(frame, icy.NOTHING))
    assert len(history.last(8.0)) == 10

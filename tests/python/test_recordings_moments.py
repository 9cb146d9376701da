"""Times as engineers write them for `aerial-archive`."""

import datetime

import pytest
from recordings.moments import Unclear, read_moment, show

ZONE = "Europe/Berlin"


def utc(text: str, zone: str = ZONE) -> str:
    return read_moment(text, zone).astimezone(datetime.UTC).strftime("%Y-%m-%dT%H:%M:%S")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-11-22T19:58", "2026-11-22T18:58:00"),
        ("2026-07-01 19:58:30", "2026-07-01T17:58:30"),
        ("2026-11-22T19:58Z", "2026-11-22T19:58:00"),
        ("2026-11-22T19:58-05:00", "2026-11-23T00:58:00"),
        ("2026-11-22T19:58+0530", "2026-11-22T14:28:00"),
        # The hour that is twice, with its offset.
        ("2026-10-25T02:30+02:00", "2026-10-25T00:30:00"),
        ("2026-10-25T02:30+01:00", "2026-10-25T01:30:00"),
        ("2026-10-25T03:00", "2026-10-25T02:00:00"),
        ("2026-03-29T01:59:59", "2026-03-29T00:59:59"),
        ("2026-03-29T03:00", "2026-03-29T01:00:00"),
    ],
)
def test_a_time_is_the_stations_or_has_an_offset(text: str, expected: str) -> None:
    assert utc(text) == expected


@pytest.mark.parametrize(
    ("begin", "end", "seconds"),
    [
        ("2026-11-22T19:58", "20:31", 33 * 60),
        ("2026-11-22T23:50", "00:10", 20 * 60),
        ("2026-11-22T19:58", "19:58", 24 * 3600),
        ("2026-11-22T19:58", "2026-11-22T20:00:01.5", 121.5),
        # As the time before it was written.
        ("2026-11-22T19:58Z", "20:31", 33 * 60),
        ("2026-11-22T19:58", "20:31Z", 93 * 60),
        # Days of 25 and of 23 hours.
        ("2026-10-25T00:00", "2026-10-26T00:00", 25 * 3600),
        ("2026-03-29T00:00", "2026-03-30T00:00", 23 * 3600),
        ("2026-10-25T01:30", "03:30", 3 * 3600),
        ("2026-10-24T23:30", "03:30", 5 * 3600),
        ("2026-03-29T01:30", "03:30", 3600),
        ("2026-10-25T01:30", "02:30+01:00", 2 * 3600),
        ("2026-10-25T02:30+02:00", "02:30+01:00", 3600),
    ],
)
def test_an_end_may_be_a_time_of_the_day(begin: str, end: str, seconds: float) -> None:
    first = read_moment(begin, ZONE)
    assert read_moment(end, ZONE, first).timestamp() - first.timestamp() == seconds


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("yesterday", "write it as 2026-11-22T19:58"),
        ("19:58", "write it as 2026-11-22T19:58"),
        ("2026-02-30T19:58", "day is out of range"),
        ("2026-11-22T25:00", "hour must be in 0..23"),
        ("2026-03-29T02:30", "does not exist in Europe/Berlin: the clocks went forward over it"),
        (
            "2026-10-25T02:30",
            "is twice in Europe/Berlin: end it in +02:00 for the first one, or +01:00 for the second",
        ),
    ],
)
def test_what_is_no_moment_or_two_is_refused_in_words(text: str, said: str) -> None:
    with pytest.raises(Unclear, match=said.replace("+", r"\+").replace(".", r"\.")):
        read_moment(text, ZONE)


def test_moments_are_shown_with_their_offset() -> None:
    assert show(1_793_885_400.04, ZONE) == "2026-11-05 14:30:00.0+01:00"
    assert [show(at, ZONE) for at in (1_792_888_200, 1_792_891_800)] == [
        "2026-10-25 02:30:00.0+02:00",
        "2026-10-25 02:30:00.0+01:00",
    ]

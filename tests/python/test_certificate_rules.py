"""When a Master asks the certificate authority."""

import certificate_rules as rules
import pytest

DAY = 86_400
NOW = 1_000_000
NAMES = ["stream.radio.test", "ingest.radio.test"]
# Issued at 0, for 90 days.
HELD = {"names": NAMES[::-1], "notBefore": 0, "notAfter": 90 * DAY}


@pytest.mark.parametrize(
    ("now", "rank", "held", "expected"),
    [
        pytest.param(10 * DAY, 0, HELD, None, id="nothing while the certificate is young"),
        pytest.param(59.9 * DAY, 0, HELD, None, id="nothing just before a third of its life is left"),
        pytest.param(60.1 * DAY, 0, HELD, "age", id="a renewal when a third is left, on the preferred Master"),
        pytest.param(60.1 * DAY, 1, HELD, None, id="nothing then, on the other"),
        pytest.param(67.6 * DAY, 1, HELD, "age", id="a renewal on the other when a quarter is left"),
        pytest.param(67.6 * DAY, 2, HELD, None, id="nothing then, on a third Master"),
        pytest.param(81.1 * DAY, 7, HELD, "age", id="a renewal at a tenth, whatever the rank"),
        pytest.param(90 * DAY, 1, HELD, "first", id="one when it has expired"),
        pytest.param(0, 0, None, "first", id="one when there is none"),
        pytest.param(0, 0, {**HELD, "names": NAMES[:1]}, "first", id="one when a name is missing"),
        pytest.param(0, 0, {**HELD, "names": [*NAMES, "old.radio.test"]}, None, id="nothing when it is for more names"),
    ],
)
def test_what_a_master_needs_of_the_authority(now: float, rank: int, held: dict | None, expected: str | None) -> None:
    assert rules.need(now, NAMES, rank, held) == expected


@pytest.mark.parametrize(
    ("rank", "wanted", "state", "expected"),
    [
        pytest.param(0, None, {}, False, id="not for what it does not need"),
        pytest.param(0, "age", {}, True, id="at once to renew"),
        pytest.param(0, "age", {"retryAt": NOW + 1}, False, id="not again soon after a failure"),
        pytest.param(0, "age", {"retryAt": NOW}, True, id="again when the time for it has come"),
        pytest.param(0, "first", {"wantedSince": NOW - 599}, False, id="not while names lead elsewhere"),
        pytest.param(0, "first", {"wantedSince": NOW - 600}, True, id="all the same after ten minutes"),
        pytest.param(1, "first", {"wantedSince": NOW - 899}, False, id="later than the preferred one then"),
        pytest.param(
            *(0, "first", {"wantedSince": NOW, "answeredSince": NOW}, True),
            id="at once when all names lead here",
        ),
        pytest.param(
            *(1, "first", {"wantedSince": NOW, "answeredSince": NOW - 179}, False),
            id="later as the second",
        ),
        pytest.param(
            *(1, "first", {"wantedSince": NOW, "answeredSince": NOW - 180}, True),
            id="then, if the first did not",
        ),
        pytest.param(
            *(0, "first", {"wantedSince": 0, "answeredSince": NOW - 500, "retryAt": NOW + 1}, False),
            id="not again although names lead here, when that was so at the failure",
        ),
        pytest.param(
            0,
            "first",
            {"wantedSince": 0, "answeredSince": NOW, "retryAt": NOW + 1, "failedUnanswered": True},
            True,
            id="again as soon as names lead here, when they did not at the failure",
        ),
        pytest.param(
            *(0, "first", {"wantedSince": 0, "retryAt": NOW + 1, "failedUnanswered": True}, False),
            id="not again while they still do not",
        ),
    ],
)
def test_a_master_asks(rank: int, wanted: str | None, state: dict, expected: bool) -> None:
    ask, why = rules.verdict(NOW, rank, wanted, state)
    assert ask is expected
    assert isinstance(why, str)


def test_it_asks_ever_more_rarely_after_failures_so_that_no_hour_has_more_than_four() -> None:
    waits = [rules.retry_after(failures) for failures in (1, 2, 3, 4, 5, 6, 7, 8, 1000)]
    assert waits == [300, 600, 1200, 2400, 4800, 9600, 19_200, 21_600, 21_600]

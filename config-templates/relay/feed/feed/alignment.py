"""
Where in one series of numbers another one stands: how two upstreams' streams of one programme are lined up without
decoding them.
"""

import itertools
import math
from collections.abc import Sequence
from typing import NamedTuple

# Debian 12's Python, in which the tests run, has no sumprod. It takes 4 ms for 600 numbers at 900 places.
dot = getattr(math, "sumprod", None) or (lambda a, b: sum(x * y for x, y in zip(a, b, strict=True)))


class Found(NamedTuple):
    at: int
    """Place in the series where the pattern's first number stands."""
    score: float
    """The correlation there, -1 to 1."""
    lead: float
    """How far it is above the best score of any other place: the confidence."""


def find(
    pattern: Sequence[int], series: Sequence[int], apart: int, low: int = 0, high: int | None = None
) -> Found | None:
    """
    The place from `low` to before `high` where the pattern correlates best with the series. Places that are fewer than
    `apart` numbers away do not count as others. None where nothing can be told: a pattern or series that is flat, such
    as digital silence or a steady tone.
    """
    length = len(pattern)
    high = len(series) - length + 1 if high is None else min(high, len(series) - length + 1)
    low = max(low, 0)
    pattern_sum = sum(pattern)
    pattern_spread = length * dot(pattern, pattern) - pattern_sum**2
    if high <= low or pattern_spread <= 0:
        return None
    sums = [0, *itertools.accumulate(series)]
    squares = [0, *itertools.accumulate(x * x for x in series)]
    scores = []
    for at in range(low, high):
        part_sum = sums[at + length] - sums[at]
        spread = length * (squares[at + length] - squares[at]) - part_sum**2
        if spread <= 0:
            scores.append(0.0)
            continue
        product = length * dot(pattern, series[at : at + length]) - pattern_sum * part_sum
        scores.append(product / math.sqrt(pattern_spread * spread))
    best = max(range(len(scores)), key=scores.__getitem__)
    others = scores[: max(0, best - apart + 1)] + scores[best + apart :]
    return Found(low + best, scores[best], scores[best] - max(others, default=0.0))

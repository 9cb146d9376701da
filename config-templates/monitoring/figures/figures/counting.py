"""How many listen at a time, and for how long, out of times at which they come and go."""

import bisect
from collections.abc import Iterable
from itertools import accumulate


class Listening:
    """The number of listeners as a function of time."""

    def __init__(self, spans: Iterable[tuple[float, float]]) -> None:
        """`spans`: from when to when each listens."""
        changes: dict[float, int] = {}
        for begin, end in spans:
            if end > begin:
                changes[begin] = changes.get(begin, 0) + 1
                changes[end] = changes.get(end, 0) - 1
        self.times = sorted(changes)
        self.counts = list(accumulate(changes[moment] for moment in self.times))
        # Seconds listened up to each of the times.
        parts = (
            count * (after - before)
            for count, before, after in zip(self.counts, self.times, self.times[1:], strict=False)
        )
        self.listened = list(accumulate(parts, initial=0.0)) if self.times else []

    def until(self, moment: float) -> float:
        """Seconds listened, by all of them together, before a moment."""
        at = bisect.bisect_right(self.times, moment) - 1
        return self.listened[at] + self.counts[at] * (moment - self.times[at]) if at >= 0 else 0.0

    def seconds(self, begin: float, end: float) -> float:
        """Seconds listened between two moments."""
        return self.until(end) - self.until(begin) if end > begin else 0.0

    def peak(self, begin: float, end: float) -> tuple[int, float]:
        """The most who listened at the same time between two moments, and when first."""
        at = bisect.bisect_right(self.times, begin) - 1
        best = (self.counts[at] if at >= 0 else 0, begin)
        for place in range(at + 1, bisect.bisect_left(self.times, end)):
            if self.counts[place] > best[0]:
                best = (self.counts[place], self.times[place])
        return best

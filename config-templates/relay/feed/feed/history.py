"""What a mount's listeners were sent, back to where a new listener begins."""

import bisect
from typing import NamedTuple

from feed.frames import Frame

KEPT_SECONDS = 12.0


class Sent(NamedTuple):
    frame: Frame
    title: bytes


class History:
    """Seconds count from the same zero as the output's."""

    def __init__(self, begin: float) -> None:
        self.sent: list[Sent] = []
        self.starts: list[float] = [begin]

    @property
    def end(self) -> float:
        return self.starts[-1]

    def add(self, sent: Sent) -> None:
        self.sent.append(sent)
        self.starts.append(self.starts[-1] + sent.frame.seconds)
        old = bisect.bisect_right(self.starts, self.end - KEPT_SECONDS) - 1
        if old >= 64:
            del self.sent[:old], self.starts[:old]

    def last(self, seconds: float) -> list[Sent]:
        """What was sent in the last seconds."""
        return self.sent[bisect.bisect_left(self.starts, self.end - seconds) :]

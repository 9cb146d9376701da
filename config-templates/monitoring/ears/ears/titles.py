"""Whether the title in a stream is the one that its Relay tells."""

import collections

# A title reaches the stream with the next block of titles, 16,000 bytes apart, and Relays tell it for 2 s more.
LATE_SECONDS = 20.0
WRONG_SECONDS = 10.0


class Titles:
    """Of one mount. Times are seconds of a steady clock."""

    def __init__(self) -> None:
        self.told: collections.deque[tuple[float, str]] = collections.deque()
        self.heard = ""
        self.wrong_since: float | None = None

    def begin(self) -> None:
        """A new connection, which begins without a title."""
        self.heard = ""
        self.told.clear()
        self.wrong_since = None

    def hear(self, title: str, now: float) -> None:
        self.heard = title
        self._judge(now)

    def tell(self, title: str, now: float) -> None:
        """What the Relay that is heard says of itself."""
        self.told.append((now, title))
        self._judge(now)

    def right(self, now: float) -> bool | None:
        """None where the Relay has not said it lately."""
        self._judge(now)
        if not self.told:
            return None
        return self.wrong_since is None or now - self.wrong_since < WRONG_SECONDS

    def _judge(self, now: float) -> None:
        while self.told and now - self.told[0][0] > LATE_SECONDS:
            self.told.popleft()
        if any(title == self.heard for _, title in self.told):
            self.wrong_since = None
        elif self.told and self.wrong_since is None:
            self.wrong_since = now

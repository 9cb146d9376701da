"""How many rounds over its listeners Icecast is made to go for those who have just come; see `source`."""

# This many, and this far apart. The later ones are for a listener whom a busy machine has brought to Icecast late.
ROUND_SECONDS = (0.01, 0.01, 0.01, 0.01, 0.02, 0.03, 0.05, 0.08)
# When a herd comes, no more than this a second, and this many at once.
EACH_SECOND = 32.0
AT_ONCE = 64.0


class Rounds:
    def __init__(self, now: float) -> None:
        self.due = 0
        self.left = AT_ONCE
        self.at = now

    def came(self) -> None:
        """A new listener is on its way to Icecast."""
        self.due = len(ROUND_SECONDS)

    @property
    def wait_seconds(self) -> float:
        """Until the next one that is due."""
        return ROUND_SECONDS[-self.due]

    def take(self, now: float, possible: bool) -> bool:
        """Whether to make one now; none is due any more when that is not possible, or too many were made."""
        self.left = min(AT_ONCE, self.left + (now - self.at) * EACH_SECOND)
        self.at = now
        if not possible or self.left < 1:
            self.due = 0
            return False
        self.due -= 1
        self.left -= 1
        return True

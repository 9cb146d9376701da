"""What one upstream sends for one mount: the audio of its present connection, and how well it is."""

from collections.abc import Sequence

from feed import icy
from feed.frames import Frame
from feed.run import Run, Title

# Until all of what a new connection has sent at once is read.
BURST_SECONDS = 0.5
# What a Master plays while it has none of its sources, the better first.
FILLERS = ("emergency", "announcement")
# Masters change over at slightly different moments.
SURE_SECONDS = 3.0


class Track:
    """
    A run is one connection to the upstream, a piece is what comes without a stall. After a stall, the upstream may have
    left something out, or be later than before.
    """

    def __init__(self, name: str) -> None:
        self.name = name
        self.piece = 0
        self.begin()
        self.arrived = float("-inf")
        self.well_since: float | None = None
        # What the upstream plays now, and since when; a new connection says it again.
        self.source: str | None = None
        self.source_since = float("-inf")

    def begin(self) -> None:
        """A new run."""
        self.run = Run()
        self.piece += 1
        self.piece_start = 0.0
        self.began = float("inf")

    def take(self, frames: Sequence[Frame], now: float, stall_seconds: float) -> None:
        """Adds frames that arrived at the same time."""
        if not frames:
            return
        first = self.well_since is None
        came_back = now - self.arrived > stall_seconds
        self.arrived = now
        self.began = min(self.began, now)
        self.run.add(frames, now)
        if came_back:
            self.well_since = now
        if came_back and not first:
            # Without what it sends of the time before, which may not join what it sends from now on.
            self.piece += 1
            self.piece_start = self.run.end

    def title(self, text: bytes, now: float) -> None:
        """A block of titles that holds from the next frame on."""
        source = icy.source_of(text)
        if source != self.source:
            self.source, self.source_since = source, now
        self.run.titles.append(Title(self.run.following, icy.clean(text), source))

    @property
    def present(self) -> bool:
        """Whether the newest audio is what the upstream sends now: of a burst, some may not have been read yet."""
        return self.arrived - self.began >= BURST_SECONDS

    @property
    def worth(self) -> int:
        """0 for a source, or if the upstream does not say what it plays; else the place in FILLERS, from 1 on."""
        return FILLERS.index(self.source) + 1 if self.source in FILLERS else 0

    def rank(self, now: float, unsure: int) -> int:
        """Its worth; `unsure` while that has changed in the last seconds."""
        return self.worth if now - self.source_since >= SURE_SECONDS else unsure

    def piece_of(self, number: int) -> int:
        """The piece in which a frame of the present run is, or is to come."""
        return self.piece if self.run.start_of(number) >= self.piece_start else self.piece - 1

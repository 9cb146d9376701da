"""
What a mount's listeners hear: the frames of one upstream, then of another, each behind the last one sent.

Seconds count what was sent. It is about `hold` seconds older than what the upstream sends now. So one that falls silent
is noticed, and replaced at the frame that follows, before any listener's buffer is touched.
"""

import time
from collections.abc import Callable

from feed import icy, keeper
from feed.frames import Frame
from feed.history import History, Sent
from feed.keeper import mark
from feed.lineup import APART_SECONDS, REACH_SECONDS, Lineup, Verdict
from feed.run import Run
from feed.track import FILLERS, Track

# An upstream that comes back must have been well for this long. Encoders need up to 12 s to find out that their line to
# a Master is dead, and are heard there 3.5 s after they are back, on a busy machine later. Then it leaves something
# out.
WELL_SECONDS = 20.0
# The same for one that plays something else than what is heard, or of which it is not known where it is.
WELL_BUT_OTHER_SECONDS = 30.0

STANDBY = "standby"
# Of an upstream of which it is not known what it plays now.
WORST = len(FILLERS) + 1


class Programme:
    def __init__(
        self, mount: str, tracks: list[Track], loop: Callable[[], list[Frame]], stall_seconds: float, hold: float
    ) -> None:
        """`loop` reads the frames of the standby audio. It may raise OSError or ValueError while there is none."""
        self.mount = mount
        self.tracks = tracks
        self.read_loop = loop
        self.stall_seconds = stall_seconds
        self.hold = hold
        self.history = History(0.0)
        self.marks: list[int] = []
        self.lineup = Lineup(tracks)
        # Seconds minus the monotonic clock at which the upstream that is heard, or the next one, sends them.
        self.lead: float | None = None
        # What it should be.
        self.target = 0.0
        # The same as `offset` of the track that is heard.
        self.own_offset = 0.0
        self.current: Track | None = None
        # The run of it that is heard. Another one may have begun.
        self.run: Run | None = None
        self.piece = 0
        self.next = 0
        self.loop: list[Frame] = []
        self.loop_next = 0
        self.standing_by = False
        self.since = time.time()
        self.switches = 0
        # The source that is heard, if the Master says so.
        self.source: str | None = None

    @property
    def heard(self) -> str | None:
        """The upstream that listeners hear, `standby`, or None before the first audio."""
        if self.standing_by:
            return STANDBY
        return self.current.name if self.current else None

    @property
    def running(self) -> Track | None:
        """The track that is heard, while it is in the run that is heard."""
        return self.current if self.current and self.current.run is self.run else None

    @property
    def in_hand(self) -> float:
        """Seconds that are left of the run that is heard."""
        return self.run.end - self.run.start_of(max(self.next, self.run.first)) if self.run else 0.0

    def alive(self, track: Track, now: float) -> bool:
        return bool(track.run.frames) and now - track.arrived < self.stall_seconds

    def well(self, track: Track, now: float) -> float:
        """For how long it had been alive when it sent what is heard of it first, in seconds: that is `hold` old."""
        if track.well_since is None or not self.alive(track, now):
            return 0.0
        return now - self.hold - track.well_since

    def aligned(self, track: Track) -> bool:
        verdict = self.verdict(track)
        return verdict is not None and verdict.kind == "aligned"

    def offset(self, track: Track) -> float | None:
        """Seconds of the output minus seconds of a track, by what is known; None when nothing is."""
        verdict = self.verdict(track)
        if verdict and verdict.kind == "aligned":
            known = verdict.offset
            if self.running:
                place = self.history.end - self.own_offset
                known = self.lineup.corrected(track, self.running, known, place)
            return known + self.own_offset
        # By arrival: all of them send the present, which should be `hold` from now. Where less was in hand of the
        # upstream before, or more, this sets it right.
        return self.target - track.run.lead() if self.lead is not None and track.present else None

    def look(self, now: float) -> None:
        """Lines up the other upstreams with the one that is heard."""
        if self.running and self.running.run.frames:
            self.lineup.look(now, self.running)

    def verdict(self, track: Track) -> Verdict | None:
        """What is known of a track beside the one that is heard."""
        return self.lineup.verdict(track, self.current, self.piece) if self.current else None

    def follow(self, clock: float) -> None:
        """
        Remembers where the audio of the upstream is that is heard, and where its present is. After the standby audio,
        upstreams begin where they should be.
        """
        track = self.running
        self.target = clock + self.hold
        if self.standing_by:
            self.lead = self.target
        elif track and track.run.frames:
            number = min(max(self.next, track.run.first), track.run.following)
            self.own_offset = self.history.end - track.run.start_of(number)
            self.piece = track.piece_of(number)
            self.lead = self.own_offset + track.run.lead()

    def joint(self, track: Track, least: float, starved: bool) -> int | None:
        """
        The number of the track's frame that follows the last one sent, or None when the track does not have it, and
        `least` seconds more. `starved`: what it has will do, even if something is left out.
        """
        if track is not self.running:
            same = self.behind_same(track)
            if same is not None and (track is self.current or self.likely(track, same)):
                return same
        offset = self.offset(track)
        if offset is None:
            return None
        place = self.history.end - offset
        if place < track.run.start - APART_SECONDS:
            return track.run.first if starved else None
        return track.run.nearest(place) if place < track.run.end - least else None

    def likely(self, track: Track, number: int) -> bool:
        """Whether a frame came at about its time: two Relays may play the same standby audio, at any place of it."""
        place = self.history.end - track.run.start_of(number)
        return self.lead is None or abs(place - (self.lead - track.run.lead())) <= REACH_SECONDS

    def behind_same(self, track: Track, marks: list[int] | None = None) -> int | None:
        """
        The number of the frame behind those that were sent last, byte for byte: the upstream sends its last seconds
        again, or both upstreams are Relays of one Master. Frames of silence are all alike: then there are several such
        places. `marks`: of other frames than the last ones.
        """
        wanted = self.marks if marks is None else marks
        if len(wanted) < keeper.MARKS:
            return None
        known = [mark(frame) for frame in track.run.frames]
        places = [
            at
            for at in range(len(known) - keeper.MARKS + 1)
            if known[at] == wanted[0] and known[at : at + keeper.MARKS] == wanted
        ]
        return track.run.first + places[0] + keeper.MARKS if len(places) == 1 else None

    def choose(self, now: float, starved: bool = False) -> None:
        """Goes to another upstream where that is better. `starved`: nothing is left of the one that is heard."""
        running = self.running
        others = [track for track in self.tracks if track is not running and self.alive(track, now)]
        ranks = {track.name: track.rank(now, unsure=WORST) for track in others}
        # Where there is time, to one that has enough in hand to be left again.
        least = 0.0
        if running and self.alive(running, now) and not starved:
            least = self.stall_seconds
            rank = running.rank(now, unsure=0)
            preferred = self.tracks[: self.tracks.index(running)]
            candidates = [
                track
                for track in others
                if (ranks[track.name] < rank and self.well(track, now) >= WELL_SECONDS)
                or (track in preferred and ranks[track.name] == rank and self.well(track, now) >= self.needed(track))
            ]
            candidates.sort(key=lambda track: ranks[track.name])
        else:
            # One that has just come, or plays none of its sources, only where there is no other.
            proven = [track for track in others if track is self.current or self.well(track, now) >= self.needed(track)]
            candidates = sorted(
                others, key=lambda track: (ranks[track.name], track not in proven, not self.aligned(track))
            )
            if not starved and self.in_hand > self.stall_seconds:
                # There is time to see whether the one that is heard goes on. If its connection has begun anew, that may
                # go on where the old one has ended. Another one of which it is not known where it is would leave
                # something out, or play it again.
                again = [track for track in others if track is self.current]
                candidates = again or [track for track in candidates if self.aligned(track)]
        for track in candidates:
            number = self.joint(track, least, starved)
            if number is not None:
                if running and starved:
                    # It is alive, and brings too little.
                    running.well_since = now
                self.go(track, number)
                return

    def needed(self, track: Track) -> float:
        """For how many seconds an upstream must be well before listeners go back to it."""
        verdict = self.verdict(track)
        same = verdict and verdict.kind != "different" and not verdict.misses
        return WELL_SECONDS if same else WELL_BUT_OTHER_SECONDS

    def go(self, track: Track, number: int) -> None:
        print(f"{self.mount}: {self.heard or 'nothing'} -> {track.name}", flush=True)
        if self.heard != track.name:
            self.since = time.time()
            self.switches += self.heard is not None
        self.current, self.run, self.next = track, track.run, number
        self.piece = track.piece_of(number)
        self.own_offset = self.history.end - track.run.start_of(number)
        self.standing_by = False

    def go_standby(self) -> None:
        """The standby audio. Raises OSError or ValueError while there is none."""
        self.loop = self.read_loop()
        print(f"{self.mount}: {self.heard or 'nothing'} -> {STANDBY}", flush=True)
        self.since = time.time()
        self.switches += self.heard is not None
        self.current, self.run, self.standing_by, self.loop_next = None, None, True, 0

    def take(self) -> Sent | None:
        """The next frame, which counts as sent, or None while there is none."""
        sent = self._following()
        if sent:
            self.history.add(sent)
            self.marks = [*self.marks[1 - keeper.MARKS :], mark(sent.frame)]
        return sent

    def _following(self) -> Sent | None:
        if self.standing_by:
            frame = self.loop[self.loop_next]
            self.loop_next = (self.loop_next + 1) % len(self.loop)
            return Sent(frame, icy.NOTHING)
        run = self.run
        if run is None:
            return None
        self.next = max(self.next, run.first)
        found = run.frame(self.next)
        if found is None:
            return None
        self.next += 1
        title = run.title_at(self.next - 1)
        self.source = title.source if title else None
        return Sent(found, title.text if title else icy.NOTHING)

    def waits(self, now: float, late: float) -> bool:
        """Whether an upstream that is there will go on soon. `late`: by how many seconds the audio is already."""
        if late > self.hold:
            return False
        if self.running and self.alive(self.running, now):
            return True
        for track in self.tracks:
            if not self.alive(track, now):
                continue
            offset = self.offset(track)
            if not track.present or (offset is not None and 0 <= self.history.end - offset - track.run.end < self.hold):
                return True
        return False

    def status(self, now: float) -> dict[str, object]:
        lag = None if self.lead is None or self.standing_by else round(self.lead + now - self.history.end, 2)
        return {
            "upstream": self.heard,
            "since": round(self.since, 1),
            "source": STANDBY if self.standing_by else self.source,
            "lagSeconds": lag,
            "switches": self.switches,
            "upstreams": {track.name: self.status_of(track, now) for track in self.tracks},
        }

    def status_of(self, track: Track, now: float) -> dict[str, object]:
        verdict = self.verdict(track)
        kind, confidence = (verdict.kind, verdict.confidence) if verdict else ("unknown", 0.0)
        behind = self.behind(track, verdict) if verdict else None
        if track is self.current:
            kind, confidence, behind = "heard", 1.0, 0.0
        return {
            "alive": self.alive(track, now),
            "alignment": kind,
            "confidence": round(confidence, 2),
            "behindSeconds": None if behind is None else round(behind, 3),
        }

    def behind(self, track: Track, verdict: Verdict) -> float | None:
        """How much later than the upstream that is heard it brings the same moment, in seconds."""
        if verdict.kind != "aligned" or self.lead is None or not track.run.frames:
            return None
        return self.lead - self.own_offset - track.run.lead() - verdict.offset

    def skip(self, clock: float) -> None:
        """From here on, the present of an upstream is heard, whatever came before it."""
        self.current = self.run = None
        self.marks = []
        self.lead = clock + self.hold

    def forget(self) -> None:
        """As at the beginning: nobody hears anything."""
        self.standing_by = False
        self.current = self.run = self.lead = None

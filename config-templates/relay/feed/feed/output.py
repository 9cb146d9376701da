"""
One mount of this Relay: its programme as a continuous stream into Icecast, at the pace of time.

Seconds of an output are those of its programme; they run with the monotonic clock.
"""

import asyncio
import json
import math
import time
from collections.abc import Callable
from typing import NamedTuple

from feed import icy, source
from feed.frames import Frame
from feed.history import History, Sent
from feed.keeper import MARKS, KeptSource, Memory, Place
from feed.problem import Problem
from feed.programme import STANDBY, Programme
from feed.rounds import Rounds
from feed.slot import FAULTS, Slot, Stream, Where
from feed.track import Track

# Audio goes out in lumps this far apart: blocks as they come would wake NGINX more often for each listener.
LUMP_SECONDS = 0.35
# Beyond the time after which an upstream counts as stalled: the 3 s that another one may be behind it, and one more.
# Masters that have started again are up to 2 s later or earlier than before.
HOLD_MORE_SECONDS = 4.0
# No more than this times real time while listeners' buffers are filled again.
CATCH_UP = 4.0
# A machine that was frozen for longer goes on with the present: what it missed, no listener waits for any more.
FROZEN_SECONDS = 12.0
# At the start: how long upstreams are waited for before the standby audio is heard.
PATIENCE_SECONDS = 4.0

# For a new listener, audio may go out this long before it is due.
EARLY_SECONDS = 0.5

# The encoder's clock and ours differ. While an upstream's audio comes this much earlier or later than it should, the
# output runs faster or slower by this share. 100 ppm of difference need a fifth of it; ten faults may not show in a
# buffer.
DRIFT = 0.0005
DRIFT_BAND_SECONDS = 2.0


class Plan(NamedTuple):
    """What an output is told."""

    stream: Stream
    slots: list[Where]
    stall_seconds: float
    burst_seconds: float
    """What a new listener gets at once; a new connection to Icecast begins with as much."""
    memory_folder: str


class Output:
    def __init__(self, plan: Plan, tracks: list[Track], loop: Callable[[], list[Frame]]) -> None:
        """`loop` reads the frames of the standby audio. It may raise OSError or ValueError while there is none."""
        now = time.monotonic()
        self.plan = plan
        self.mount = plan.stream.mount
        self.slots = [
            Slot(where, plan.stream, Memory(plan.memory_folder, self.mount, where.name)) for where in plan.slots
        ]
        self.hold = plan.stall_seconds + HOLD_MORE_SECONDS
        self.programme = Programme(self.mount, tracks, loop, plan.stall_seconds, self.hold)
        # What seconds of the output are more than those of the monotonic clock.
        self.clock = 0.0
        self.started = now
        self.began = False
        self.starving = False
        self.to_find: Place | None = None
        self.title = icy.NOTHING
        self.title_since = time.time()
        self.recorded: tuple[str | None, bytes] | None = None
        self.ticked = self.rested = now
        self.rounds = Rounds(now)
        self.wake = asyncio.Event()
        self.problem = Problem(f"{self.mount}: ", "Icecast plays it")

    # --- Time

    def due(self, now: float) -> float:
        """How far the audio should be by now."""
        return now + self.clock

    def rest(self, now: float) -> None:
        """Until `keep_time` is called, nothing is done: if that takes long, this machine was frozen."""
        self.rested = now

    def keep_time(self, now: float) -> None:
        """Follows the clock of the encoder that is heard."""
        programme = self.programme
        passed, self.ticked = now - self.ticked, now
        frozen = now - self.rested
        if frozen > FROZEN_SECONDS:
            self.clock -= frozen
            programme.skip(self.clock)
        if programme.current is None or programme.lead is None or not programme.alive(programme.current, now):
            return
        early = programme.lead - self.clock - self.hold
        if abs(early) > DRIFT_BAND_SECONDS:
            self.clock += math.copysign(DRIFT * passed, early)

    # --- Into Icecast

    async def run(self, kept: dict[str, KeptSource]) -> None:
        """Feeds the mount for ever. `kept`: connections of the process before, by slot."""
        self.resume(kept)
        while True:
            now = time.monotonic()
            self.keep_time(now)
            if self.begin(now):
                await self.step(now)
            self.programme.look(now)
            self.rest(time.monotonic())
            await self.pause()

    def begin(self, now: float) -> bool:
        """Whether there is something to send; finds the first upstream, or the place of the process before."""
        if self.began:
            return True
        if self.to_find and self.find_place():
            self.began = True
            return True
        programme = self.programme
        waited = now - self.started
        if self.to_find and waited < PATIENCE_SECONDS / 2:
            return False
        ready = [
            track
            for track in programme.tracks
            if programme.alive(track, now) and track.present and track.run.end - track.run.start >= self.hold
        ]
        ready.sort(key=lambda track: track.worth)
        if ready and (ready[0] is programme.tracks[0] or waited > PATIENCE_SECONDS / 2):
            self.begin_with(ready[0], now)
        elif waited > PATIENCE_SECONDS:
            self.go_standby()
            if programme.standing_by and self.to_find is None:
                programme.history = History(self.due(now) - self.plan.burst_seconds)
            self.began = programme.standing_by
        return self.began

    def begin_with(self, track: Track, now: float) -> None:
        """Begins with an upstream: its present is `hold` from now, and its past is what a new listener gets at once."""
        number = track.run.nearest(track.run.lead() + now - self.hold)
        if self.to_find is None:
            first = track.run.nearest(track.run.start_of(number) - self.plan.burst_seconds)
            self.programme.history = History(self.due(now) - (track.run.start_of(number) - track.run.start_of(first)))
            number = first
        else:
            # Its place was not found: by the times of arrival, if it is there, so that listeners' buffers get back what
            # they have lost.
            place = track.run.lead() + self.programme.history.end - self.clock - self.hold
            if place >= track.run.start:
                number = track.run.nearest(place)
            else:
                self.clock = self.programme.history.end - now
        self.programme.go(track, number)
        self.began = True

    async def step(self, now: float) -> None:
        """Sends what is due."""
        programme = self.programme
        sent = programme.history
        await self.connect(now)
        links = self.links
        if not links:
            return
        begins = all(link.position == 0 for link in links)
        missed = self.due(now) - sent.end
        if begins and missed > self.hold + (0 if sent.sent else self.plan.burst_seconds):
            self.begin_again(now)
            return
        programme.follow(self.clock)
        programme.choose(now)
        until = self.due(now) if begins else min(self.due(now), sent.end + CATCH_UP * LUMP_SECONDS)
        fed = self.advance(until)
        if not fed:
            programme.choose(now, starved=True)
            fed = self.advance(until)
        # Not the first time: on a busy machine, what has arrived may not have been read yet.
        if not fed and self.starving and not programme.waits(now, self.due(now) - sent.end):
            self.go_standby()
            self.advance(until)
        self.starving = not fed
        self.send()

    def advance(self, until: float) -> bool:
        """Takes frames until the audio reaches this far; whether there were enough."""
        while self.programme.history.end < until:
            sent = self.programme.take()
            if sent is None:
                return False
            self.add(sent)
        return True

    def add(self, sent: Sent) -> None:
        for slot in self.slots:
            if slot.source:
                slot.pending += sent.frame.data
        if sent.title != self.title:
            # What comes before it keeps the title before.
            self.send(less=len(sent.frame.data))
            self.title = sent.title
            self.title_since = time.time()
        self.record()

    def record(self) -> None:
        """Says what is heard from here on: by that, listener figures know who heard what."""
        source = STANDBY if self.programme.standing_by else self.programme.source
        if (source, self.title) != self.recorded:
            self.recorded = (source, self.title)
            played = {"source": source, "title": icy.title_of(self.title)}
            print(f"{self.mount} plays {json.dumps(played, ensure_ascii=False)}", flush=True)

    def go_standby(self) -> None:
        """The standby audio. Keeps the old one while there is none."""
        try:
            self.programme.go_standby()
        except (OSError, ValueError) as reason:
            self.problem.tell(f"no standby audio: {reason}")

    @property
    def links(self) -> list[source.Source]:
        return [slot.source for slot in self.slots if slot.source]

    async def connect(self, now: float) -> None:
        """Connects to the slots that run. Raises nothing: without any, it tells why."""
        for slot in self.slots:
            slot.check()
        if self.links:
            for slot in self.slots:
                slot.try_to_connect(now, self.burst)
            return
        reasons = []
        for slot in self.slots:
            if slot.trying:
                continue
            try:
                await slot.connect(self.burst)
            except FAULTS as reason:
                reasons.append(f"slot {slot.where.name}: {reason}")
        if self.links:
            self.problem.over()
        else:
            self.problem.tell("; ".join(reasons))

    def burst(self) -> bytes:
        return b"".join(sent.frame.data for sent in self.programme.history.last(self.plan.burst_seconds))

    def begin_again(self, now: float) -> None:
        """Icecast was away for long, and its listeners are gone: as at the beginning."""
        self.programme.forget()
        self.began = False
        self.to_find = None
        for slot in self.slots:
            slot.pending = b""
        self.started = now

    def send(self, less: int = 0) -> None:
        """Sends all that is pending, but for its last bytes."""
        for slot in self.slots:
            slot.send(len(slot.pending) - less, self.title, self.place())

    def place(self) -> Place:
        """Where the output is; each slot adds where its own stream is."""
        programme = self.programme
        return Place(0, 0, 0, programme.history.end, self.clock, tuple(programme.marks))

    # --- New listeners

    def came(self) -> None:
        """A new listener is on its way to Icecast."""
        self.rounds.came()
        self.wake.set()

    async def pause(self) -> None:
        """Until the next lump is due, with rounds for new listeners in between."""
        end = time.monotonic() + LUMP_SECONDS
        while (left := end - time.monotonic()) > 0:
            if self.rounds.due:
                await asyncio.sleep(self.rounds.wait_seconds)
                self.round(time.monotonic())
                continue
            self.wake.clear()
            try:
                async with asyncio.timeout(left):
                    await self.wake.wait()
            except TimeoutError:
                return

    def round(self, now: float) -> None:
        links = self.links
        if not self.rounds.take(now, possible=bool(links) and self.began):
            return
        while any(slot.source and len(slot.pending) < source.INTERVAL - slot.source.phase for slot in self.slots):
            sent = self.programme.take() if self.programme.history.end < self.due(now) + EARLY_SECONDS else None
            if sent is None:
                return
            self.add(sent)
        for slot in self.slots:
            if slot.source:
                slot.send(source.INTERVAL - slot.source.phase, self.title, self.place(), fill=True)

    # --- The process before

    def resume(self, kept: dict[str, KeptSource]) -> None:
        for slot in self.slots:
            if slot.where.name in kept:
                slot.resume(kept[slot.where.name])
        places = [slot.kept for slot in self.slots if slot.kept]
        if not places:
            return
        # The process before may have ended when it had sent to one and not yet to another.
        self.to_find = max(places, key=lambda place: place.sent)
        self.clock = self.to_find.clock
        self.programme.history = History(self.to_find.sent)
        self.programme.marks = list(self.to_find.marks)

    def find_place(self) -> bool:
        """Goes on behind the last frame that the process before has sent."""
        for track in self.programme.tracks:
            number = self.programme.behind_same(track)
            if number is not None:
                for slot in self.slots:
                    if slot.kept:
                        slot.pending = self.left_of(slot.kept, track, number)
                self.programme.go(track, number)
                return True
        return False

    def left_of(self, place: Place, track: Track, number: int) -> bytes:
        """What a slot lacks of the frames before a number: mostly the rest of the last one."""
        own = self.programme.behind_same(track, list(place.marks)) or number
        begun = joined(track, own - MARKS, own)
        return begun[max(0, len(begun) - place.cut) :] + joined(track, own, number)

    # --- What is told

    def status(self) -> dict[str, object]:
        now = time.monotonic()
        end = self.programme.history.end
        return {
            **self.programme.status(now),
            "title": icy.title_of(self.title),
            "titleSince": round(self.title_since, 1),
            "behindSeconds": round(max(0.0, self.due(now) - end), 2) if self.began else None,
            "slots": {slot.where.name: round(now - slot.since, 1) if slot.source else None for slot in self.slots},
        }


def joined(track: Track, first: int, end: int) -> bytes:
    """The bytes of a range of a track's frames, as far as it has them."""
    frames = [track.run.frame(number) for number in range(max(first, track.run.first), end)]
    return b"".join(frame.data for frame in frames if frame)

"""What a channel plays next: the schedule's folder or show, else anything; nothing twice until all has been played."""

import contextlib
import dataclasses
import fcntl
import json
import os
import random
import sys
import urllib.parse
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import files

from airtime import library, schedule

if TYPE_CHECKING:
    from airtime.settings import Settings

# How long before its start a show is chosen, so that Liquidsoap has it ready.
HORIZON_SECONDS = 15.0
# A show without an end in the schedule is looked for this far back when the playout starts in the middle of it.
LONGEST_SHOW_SECONDS = 12 * 3600.0
# Files that are tried at one call; a library of nothing but bad files must not hold up the next call for minutes.
MOST_TRIES = 20


@dataclasses.dataclass(frozen=True)
class Choice:
    # In the channel's library.
    path: str
    # When it is to begin, in seconds since 1970; 0 for "when the one before has ended".
    start: float = 0.0
    # Seconds of it that have passed already.
    passed: float = 0.0
    # The line of the schedule it is played for.
    show: str = ""


class Rotation:
    """One channel's choices. What it remembers is in a file; a lock keeps two calls from choosing at once."""

    def __init__(
        self,
        settings: "Settings",
        channel: str,
        playable: Callable[[str], bool] = library.is_playable,
        chance: Any = random,
    ) -> None:
        self.settings = settings
        self.channel = channel
        self.root = settings.library_of(channel)
        self.state_file = os.path.join(settings.state, f"{channel}.json")
        self.playable = playable
        self.chance = chance

    @contextlib.contextmanager
    def state(self) -> Iterator[dict]:
        with open(self.state_file + ".lock", "w", encoding="utf-8") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)
            known = {"begun": 0.0, "show": "", "waiting": "", "played": {}, "broken": {}}
            known.update(files.recall(self.state_file))
            yield known
            files.write(self.state_file, json.dumps(known), 0o640)

    def first(self, now: float) -> Choice | None:
        """What to play when the playout starts: a show that has begun is joined where it would be by now."""
        with self.state() as state:
            choice = self.joined(state, now)
            state["begun"] = max(state["begun"], now)
            return choice or self.choose(state, now)

    def following(self, now: float) -> Choice | None:
        """What to play after what is playing, which ends at `now`."""
        with self.state() as state:
            choice = self.choose(state, now)
            state["waiting"] = choice.path if choice else ""
            return choice

    def upcoming(self, now: float) -> Choice | None:
        """The show with which an entry begins within the horizon, or has just begun; once for each."""
        entries = self.entries()
        with self.state() as state:
            # An entry may be written into the schedule a moment after its start.
            since = max(state["begun"] + 0.001, now - HORIZON_SECONDS)
            due = schedule.occurrences(entries, self.settings.zone, since, now + HORIZON_SECONDS)
            if not due:
                return None
            begun = [one for one in due if one.start <= now]
            occurrence = begun[-1] if begun else due[0]
            state["begun"] = occurrence.start
            found = library.shows(self.root)
            path = self.pick(state, found, occurrence.entry.target)
            if path is None:
                # The library plays on, which is what an empty folder means.
                return None
            # The entry takes its turn: it has not been heard.
            for played in state["played"].values():
                if state["waiting"] in played and state["waiting"] != path:
                    played.remove(state["waiting"])
            state["show"] = path
            return Choice(path, start=occurrence.start, show=occurrence.entry.text)

    def joined(self, state: dict, now: float) -> Choice | None:
        """The show of an entry without an end that would be playing now."""
        past = schedule.occurrences(self.entries(), self.settings.zone, now - LONGEST_SHOW_SECONDS, now)
        if not past or past[-1].end is not None:
            return None
        entry, start = past[-1].entry, past[-1].start
        path = entry.target if not entry.target.endswith("/") else state["show"] if state["begun"] == start else ""
        for match in library.inside(library.shows(self.root), path) if path else []:
            told = library.probe(os.path.join(self.root, match))
            if told and told["seconds"] and now - start < told["seconds"] - 1:
                return Choice(match, passed=now - start, show=entry.text)
        return None

    def choose(self, state: dict, now: float) -> Choice | None:
        found = library.shows(self.root)
        occurrence = schedule.in_force(self.entries(), self.settings.zone, now)
        if occurrence:
            path = self.pick(state, found, occurrence.entry.target)
            if path is not None:
                return Choice(path, show=occurrence.entry.text)
        path = self.pick(state, found, "")
        return None if path is None else Choice(path)

    def pick(self, state: dict, found: dict[str, os.stat_result], target: str) -> str | None:
        """A path of a target (of all, where it is empty) that plays. A new round starts when all have been played."""
        paths = library.inside(found, target) if target else list(found)
        played = [path for path in state["played"].get(target, []) if path in paths]
        unheard = [path for path in paths if path not in played]
        self.chance.shuffle(unheard)
        # The longest ago first, so that a round does not begin with what has just ended.
        for path in (unheard + played)[:MOST_TRIES]:
            if self.plays(state, path, found[path]):
                again = path in played
                state["played"][target] = [path] if again else [*played, path]
                return path
            played = [other for other in played if other != path]
        return None

    def plays(self, state: dict, path: str, known: os.stat_result) -> bool:
        """Whether a file can be played. That it cannot is remembered until it changes."""
        mark = [known.st_size, known.st_mtime_ns]
        if state["broken"].get(path) == mark:
            return False
        if self.playable(os.path.join(self.root, path)):
            state["broken"].pop(path, None)
            return True
        state["broken"][path] = mark
        print(f"{self.channel}: {path} cannot be played and is left out until it changes", file=sys.stderr)
        return False

    def entries(self) -> list[schedule.Entry]:
        """This channel's entries of the last schedule that was right."""
        good = os.path.join(self.settings.state, "schedule.good")
        try:
            text = files.read_text(self.settings.schedule) or ""
            entries = schedule.parse(text, self.settings.channels)
            if text != files.read_text(good):
                files.write(good, text, 0o640)
        except (schedule.Mistakes, OSError, UnicodeDecodeError):
            # `aerial-schedule check` and the playout's status say so.
            entries = schedule.parse(files.read_text(good) or "", self.settings.channels)
        return [entry for entry in entries if entry.channel == self.channel]


def uri(settings: "Settings", channel: str, choice: Choice) -> str:
    """What Liquidsoap is given. Values in it are percent-encoded: nothing in a name can end one."""
    file = os.path.join(settings.library_of(channel), choice.path)
    known = {"aerial_path": f"{channel}/{choice.path}", "aerial_show": choice.show}
    notes = [f'{name}="{urllib.parse.quote(value, safe="/")}"' for name, value in known.items()]
    if choice.start:
        notes.append(f'aerial_start="{choice.start:.3f}"')
    if choice.passed:
        notes.append(f'liq_cue_in="{choice.passed:.3f}"')
    return f"annotate:{','.join(notes)}:{file}"

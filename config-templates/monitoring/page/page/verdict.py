"""What listeners hear of a channel, from what the Ears hear and from what the machines say. Pure functions."""

import dataclasses

# How long a silence lasts before it counts, in seconds: speech has shorter pauses.
SILENCE_SECONDS = 10
# What is heard instead of a source, the best first.
COVERS = ("emergency", "announcement", "standby", "nothing")


@dataclasses.dataclass
class Facts:
    """What is known of a channel at a moment, or of a minute. None, or nothing in a set, is what nobody knows."""

    # Of the mounts that the Ears listen to, the part that brings audio.
    hearing: float | None = None
    # Of these, the part that is silent.
    silent: float = 0.0
    # What the Ears hear.
    heard: set[str] = dataclasses.field(default_factory=set)
    # Of the Relays that are known, the part that serves.
    serving: float | None = None
    # What Relays play: upstreams, or `standby`.
    upstreams: set[str] = dataclasses.field(default_factory=set)
    # What the Masters play that Relays play.
    played: set[str] = dataclasses.field(default_factory=set)


@dataclasses.dataclass(frozen=True)
class Verdict:
    """
    state: `on`, a source is heard; `cover`, something is heard instead of one; `silent`; `off`, nothing is heard;
        `unknown`. partly: it is not so everywhere.
    """

    state: str
    source: str | None = None
    partly: bool = False


def judge(facts: Facts, order: list[str]) -> Verdict:
    """What listeners hear. `order` is the sources by priority. Without the Ears, the machines are believed."""
    if facts.hearing is not None:
        if facts.hearing == 0:
            return Verdict("off")
        if facts.silent == 1:
            return Verdict("silent", worst(facts.heard, order))
        return told(worst(facts.heard, order), facts.hearing < 1 or facts.silent > 0)
    if facts.serving is None:
        return Verdict("unknown")
    if facts.serving == 0:
        return Verdict("off")
    if facts.upstreams == {"standby"}:
        return Verdict("cover", "standby")
    return told(worst(facts.played, order), "standby" in facts.upstreams)


def told(source: str | None, partly: bool) -> Verdict:
    if source is None:
        return Verdict("unknown")
    return Verdict("cover" if source in COVERS else "on", source, partly)


def worst(sources: set[str], order: list[str]) -> str | None:
    """Of what was heard, what a listener would least like to hear."""
    rank = {name: place for place, name in enumerate([*order, *COVERS])}
    return max(sources, key=lambda name: rank.get(name, len(rank)), default=None)


def code(verdict: Verdict, order: list[str]) -> str:
    """
    A minute of history as one letter: `A` the first source, `B` the second, …; `e` emergency shows, `n` announcement,
    `s` standby audio, `q` silence, `p` not everywhere, `x` nothing, `?` unknown.
    """
    if verdict.state == "off" or verdict.source == "nothing":
        return "x"
    if verdict.state == "silent":
        return "q"
    if verdict.state == "cover":
        return {"emergency": "e", "announcement": "n"}.get(verdict.source or "", "s")
    if verdict.state == "on" and verdict.source in order:
        return "p" if verdict.partly else chr(ord("A") + order.index(verdict.source))
    return "?"

"""
Connections become sessions.

A session is what one listener hears without a longer break: connections of one address and player to one mount, on any
Relay, of which each begins within three minutes of the end of the one before. It counts if it has at least one minute
in all. Its hours are those of its connections, breaks left out. Both are Triton Digital's, in Webcast Metrics: "session
with a duration of at least 1 minute"; a pause of "less than three minutes" is no new session (help.tritondigital.com,
metrics definitions, and data collection and reporting methodology, read 2026-11-28). A log does not tell a pause from a
lost connection, so both are treated alike.
"""

import ipaddress
from collections.abc import Iterable
from typing import NamedTuple

LEAST_SECONDS = 60.0
BREAK_SECONDS = 180.0
# The log's times are whole seconds. Beyond that, two connections at a time are two listeners behind one address.
OVERLAP_SECONDS = 2.0

# Programs of the station itself: the Ears, and the feed of a Relay in the tier below.
OWN_AGENTS = ("aerial-",)


class Connection(NamedTuple):
    machine: str
    mount: str
    address: str
    agent: str
    begin: float
    end: float

    @property
    def seconds(self) -> float:
        return max(0.0, self.end - self.begin)


class Session:
    """Connections of one listener, in the order of time."""

    def __init__(self, first: Connection) -> None:
        self.connections: list[Connection] = []
        # Kept, not computed: a player that reconnects for days has thousands of connections.
        self.end = first.end
        self.seconds = 0.0
        self.append(first)

    def append(self, one: Connection) -> None:
        self.connections.append(one)
        self.end = max(self.end, one.end)
        self.seconds += one.seconds

    @property
    def first(self) -> Connection:
        return self.connections[0]

    @property
    def begin(self) -> float:
        return self.first.begin

    @property
    def counts(self) -> bool:
        # What the log rounds away must not decide.
        return round(self.seconds, 3) >= LEAST_SECONDS


def is_listener(connection: Connection, config: dict) -> bool:
    """Whether it is somebody, on a mount of the station, and no machine of it."""
    if connection.agent.startswith(OWN_AGENTS) or connection.address in config["stationAddresses"]:
        return False
    try:
        if ipaddress.ip_address(connection.address).is_loopback:
            return False
    except ValueError:
        return False
    return any(form["mount"] == connection.mount for channel in config["channels"] for form in channel["formats"])


def joined(connections: Iterable[Connection]) -> list[Session]:
    """All sessions of these connections, short ones too."""
    found: list[Session] = []
    recent: dict[tuple[str, str, str], list[Session]] = {}
    for one in sorted(connections, key=lambda connection: (connection.begin, connection.end)):
        key = (one.mount, one.address, one.agent)
        known = [session for session in recent.get(key, []) if one.begin - session.end <= BREAK_SECONDS]
        over = [session for session in known if session.end <= one.begin + OVERLAP_SECONDS]
        if over:
            max(over, key=lambda session: session.end).append(one)
        else:
            session = Session(one)
            found.append(session)
            known.append(session)
        recent[key] = known
    return found


def sessions_of(connections: Iterable[Connection], config: dict) -> list[Session]:
    """All sessions of listeners, short ones too."""
    return joined(one for one in connections if is_listener(one, config))

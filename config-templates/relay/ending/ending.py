#!/usr/bin/python3
"""Ends this Relay: takes it out of DNS, waits for its listeners to leave, closes those who do not, and switches the
machine off when nobody is left.

`aerial-drain end` says in a file how long it may take. Listeners of all slots count, also of those that drain. A
listener is closed by Icecast, so that NGINX ends the answer as when a stream is over: the player gets a FIN, and asks
for the name again. A few a second, because each of them comes back to another Relay at once. Meanwhile nobody new
comes on: some players keep an address for ever. The closing has an end as well: then the machine is switched off with
whoever is left.
"""

import os
import subprocess
import sys
import time
from typing import TypedDict

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import slot_listeners
from slot_listeners import Listener, Unknown, path, read_json

POLL_SECONDS = float(os.environ.get("AERIAL_POLL_SECONDS", "2"))
# Icecast that does not answer serves nobody; so often in a row, because a busy one may be late.
SILENCE_IS_EMPTY = 5
# To close all takes their number by so many a second, and this for what goes slowly.
SPARE_SECONDS = 120.0
PLAN = "/var/lib/aerial/ending.json"
# While it is there, /healthz is 503, and DNS leaves this Relay out.
DRAINING = "/run/aerial/draining"
# While it is there, NGINX lets no new listener in.
CLOSED = "/run/aerial/closed"


class Plan(TypedDict):
    """Times in seconds since 1970."""

    until: float
    least: float
    perSecond: float


# A power cut may have torn the file: this machine was to end, and nobody knows when.
AT_ONCE: Plan = {"until": 0, "least": 0, "perSecond": 5}


def read_plan() -> Plan:
    try:
        given = read_json(PLAN)
        until, least, per_second = (float(given[key]) for key in ("until", "least", "perSecond"))
    except (OSError, ValueError, KeyError, TypeError) as reason:
        print(f"{PLAN} says nothing, so the end is now: {reason!r}", file=sys.stderr, flush=True)
        return AT_ONCE
    return {"until": until, "least": least, "perSecond": per_second}


class Watch:
    """Who is still on, in any slot."""

    def __init__(self) -> None:
        self.ports = slot_listeners.icecast_ports()
        self.present: list[Listener] = []
        # By slot: how many looks in a row its Icecast has not answered.
        self.silent = dict.fromkeys(self.ports, 0)

    def look(self) -> None:
        self.present = []
        for slot, port in self.ports.items():
            try:
                self.present += slot_listeners.listeners(port)
                self.silent[slot] = 0
            except Unknown as reason:
                self.silent[slot] += 1
                print(f"Icecast of slot {slot} does not say who listens: {reason}", file=sys.stderr, flush=True)

    def is_empty(self) -> bool:
        """Whether nobody was on at the last look, nor can be where there was no answer."""
        return not self.present and all(n == 0 or n >= SILENCE_IS_EMPTY for n in self.silent.values())


def wait(given: Plan, watch: Watch) -> None:
    """Until nobody is left and nobody comes by an old answer of DNS any more, or the time is over."""
    while time.time() < given["until"]:
        watch.look()
        if watch.is_empty() and time.time() >= given["least"]:
            return
        time.sleep(POLL_SECONDS)


def close_all(per_second: float, watch: Watch) -> bool:
    """Who came at the last moment is closed as well. @returns whether nobody is left."""
    watch.look()
    deadline = time.monotonic() + len(watch.present) / per_second + SPARE_SECONDS
    while not watch.is_empty():
        if time.monotonic() >= deadline:
            return False
        if watch.present:
            print(f"closing {len(watch.present)} listeners, {per_second:g} a second", flush=True)
            slot_listeners.close(watch.present, per_second, deadline)
        else:
            time.sleep(POLL_SECONDS)
        watch.look()
    return True


def raise_flag(place: str) -> None:
    os.makedirs(path(os.path.dirname(place)), exist_ok=True)
    with open(path(place), "w", encoding="utf-8"):
        pass


def main() -> None:
    # Before all else. It does not outlive a restart of the machine; the plan does.
    raise_flag(DRAINING)
    given = read_plan()
    watch = Watch()
    wait(given, watch)
    raise_flag(CLOSED)
    if close_all(given["perSecond"], watch):
        print("nobody is left; switching the machine off", flush=True)
    else:
        print(f"{len(watch.present)} listeners do not go; switching the machine off", flush=True)
    subprocess.run(["systemctl", "--no-block", "poweroff"], check=True)


if __name__ == "__main__":
    main()

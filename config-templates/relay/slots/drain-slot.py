#!/usr/bin/python3
"""Lets a slot of this Relay end when its last listener has left: `drain-slot begin|wait|end SLOT`.

`begin`: its NGINX takes nobody new. `wait`: until the last listener has left, or the limit of /etc/aerial/slots.json is
near: those who are left then are closed a few a second, by Icecast, so that each gets what it has in hand and a FIN. On
SIGUSR1 it closes them at once. Then NGINX and Icecast of the slot are stopped. `end`: nobody waits any more.

/run/aerial/drains/SLOT says meanwhile until when, in seconds since 1970, and how many listen to each mount.

Whatever systemd does not answer to is taken for nothing done: the slot's listeners stay, and it is asked again.
"""

import collections
import contextlib
import json
import os
import signal
import subprocess
import sys
import time

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import slot_listeners
from slot_listeners import Listener, Unknown, path, read_json

LOOK_SECONDS = 2.0
# Players come back at once: this many, other Relays and the new slot take without effort.
CLOSED_EACH_SECOND = 20.0
# Ten seconds of them between two looks.
CLOSED_EACH_TIME = 200
# To be done by the limit, at which NGINX closes all that are left at the same moment.
SPARE_SECONDS = 60.0
# To stop a unit, systemd may take its TimeoutStopSec and more.
SYSTEMD_SECONDS = 30.0
# Of `systemctl is-active`: the unit does not run; there is no such unit.
NOT_ACTIVE = (3, 4)


def systemctl(*words: str) -> int | None:
    """@returns systemctl's exit code; None when it does not answer in time."""
    command = ["systemctl", "--quiet", *words]
    try:
        return subprocess.run(command, stdin=subprocess.DEVNULL, timeout=SYSTEMD_SECONDS, check=False).returncode
    except subprocess.TimeoutExpired:
        return None


def has_ended(unit: str) -> bool:
    """Whether systemd says that a unit does not run. Where it says neither, the unit may have listeners."""
    code = systemctl("is-active", unit)
    if code not in (0, *NOT_ACTIVE):
        reason = "gives no answer" if code is None else f"answers {code}"
        print(f"systemd {reason}: nobody knows whether {unit} runs", file=sys.stderr, flush=True)
    return code in NOT_ACTIVE


class Record:
    """What everyone on this machine may know of the drain."""

    def __init__(self, slot: str) -> None:
        self.place = f"/run/aerial/drains/{slot}"
        # Not among the drains while it is incomplete.
        self.new = f"/run/aerial/drain-{slot}.new"

    def until(self) -> float | None:
        """When the limit is over; None for a slot that does not drain."""
        try:
            return float(read_json(self.place)["until"])
        except (FileNotFoundError, ValueError, KeyError):
            return None

    def write(self, until: float, present: list[Listener]) -> None:
        os.makedirs(os.path.dirname(path(self.place)), exist_ok=True)
        with open(path(self.new), "w", encoding="utf-8") as file:
            os.fchmod(file.fileno(), 0o644)
            json.dump({"until": round(until), "listeners": collections.Counter(one.mount for one in present)}, file)
        os.replace(path(self.new), path(self.place))

    def remove(self) -> None:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(path(self.place))


class Drain:
    def __init__(self, slot: str) -> None:
        self.limit = float(read_json(slot_listeners.SLOTS)["limitSeconds"])
        self.record = Record(slot)
        self.port = slot_listeners.icecast_ports()[slot]
        self.nginx_unit = f"aerial-nginx@{slot}.service"
        self.icecast_unit = f"aerial-icecast@{slot}.service"
        self.hurried = False

    def begin(self) -> None:
        """Ends this program with the reason when NGINX goes on as before."""
        if self.record.until() is None:
            present: list[Listener] = []
            with contextlib.suppress(Unknown):
                present = slot_listeners.listeners(self.port)
            self.record.write(time.time() + self.limit, present)
        told = systemctl("kill", "--kill-whom=main", "--signal=QUIT", self.nginx_unit)
        if told != 0 and not has_ended(self.nginx_unit):
            sys.exit(f"{self.nginx_unit} could not be told to take nobody new")

    def wait(self) -> None:
        """Ends this program with the reason when the slot's units do not end: systemd then starts it again."""
        until = self.record.until() or time.time()
        while not has_ended(self.nginx_unit) and time.time() < until:
            if not self.close_some(until):
                time.sleep(LOOK_SECONDS)
        units = (self.nginx_unit, self.icecast_unit)
        if systemctl("stop", *units) != 0 and not all(map(has_ended, units)):
            sys.exit(f"{' and '.join(units)} do not stop")
        # One that was slow to stop was killed. Nobody was on it any more, so it has not failed.
        systemctl("reset-failed", *units)
        self.record.remove()

    def close_some(self, until: float) -> bool:
        """Looks who is left, and closes some of them when it is time; whether it did."""
        try:
            present = slot_listeners.listeners(self.port)
        except Unknown as reason:
            print(f"Icecast does not say who listens: {reason}", file=sys.stderr, flush=True)
            return False
        self.record.write(until, present)
        needed = len(present) / CLOSED_EACH_SECOND + SPARE_SECONDS
        if not present or (not self.hurried and time.time() + needed <= until):
            return False
        slot_listeners.close(present[:CLOSED_EACH_TIME], CLOSED_EACH_SECOND)
        return True

    def hurry(self, *_: object) -> None:
        self.hurried = True


def main() -> None:
    match sys.argv[1:]:
        case ["begin", slot]:
            Drain(slot).begin()
        case ["wait", slot]:
            drain = Drain(slot)
            signal.signal(signal.SIGUSR1, drain.hurry)
            # The unit holds it back until here.
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR1})
            drain.wait()
        case ["end", slot]:
            # After a failure, systemd starts `wait` again, which then needs the record.
            if os.environ.get("SERVICE_RESULT") == "success":
                Record(slot).remove()
        case _:
            sys.exit(__doc__)


if __name__ == "__main__":
    os.umask(0o022)
    main()

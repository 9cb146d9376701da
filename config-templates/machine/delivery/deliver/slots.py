"""
Units that run in slots: a restart of them begins beside what runs, and cuts nobody.

Such a unit is named by its template. All of them stand in one slot together, the present one: these instances are
enabled. A restart starts all of them in a free slot, sees that they are well, and lets the other slots drain, each by
`aerial-drain-slot@.service` of the role, which ends them when their last listener has left.
"""

import os
import time
from collections.abc import Callable

from deliver.delivery import Delivery
from deliver.problem import Refused
from deliver.programs import run
from deliver.tree import Machine, read_json

SLOTS = ("a", "b", "c")
# By slot: until when it drains, and who is left.
DRAINS = "/run/aerial/drains"
WELL_SECONDS = 60.0
# A slot that is wanted again: its listeners are closed a few at a time.
FREE_SECONDS = 900.0
LOOK_AGAIN_SECONDS = 0.5


def in_slots(unit: str) -> bool:
    return "@." in unit


def instance(unit: str, slot: str) -> str:
    """A unit's name in a slot; that of one without slots stays the same."""
    return unit.replace("@.", f"@{slot}.")


def drain_unit(slot: str) -> str:
    return f"aerial-drain-slot@{slot}.service"


class Slots:
    def __init__(self, machine: Machine, run: Callable[..., bool], last_words: Callable[[str], str]) -> None:
        """`run`: has systemd do something, by systemctl's words; whether it did. `last_words`: of a failed unit."""
        self.machine = machine
        self.run = run
        self.last_words = last_words

    def enabled(self, unit: str) -> list[str]:
        return [slot for slot in SLOTS if self.run("is-enabled", instance(unit, slot))]

    def present(self, unit: str) -> list[str]:
        """A unit's instances that take new listeners; of one without slots, itself. The first slot before there is one.

        Two, when a power cut came between the steps of a restart: until the next restart, both take some.
        """
        if not in_slots(unit):
            return [unit]
        return [instance(unit, slot) for slot in self.enabled(unit) or SLOTS[:1]]

    def draining(self) -> list[str]:
        """The one that began first comes first."""
        folder = self.machine.path(DRAINS)
        drains = {slot: read_json(os.path.join(folder, slot), None) for slot in SLOTS}
        return sorted((slot for slot, told in drains.items() if told), key=lambda slot: drains[slot]["until"])

    def used(self, units: list[str]) -> list[str]:
        """Slots in which something runs, or will at the next boot."""
        draining = self.draining()
        return [
            slot
            for slot in SLOTS
            if slot in draining
            or any(
                self.run(question, instance(unit, slot)) for unit in units for question in ("is-active", "is-enabled")
            )
        ]

    def free(self, units: list[str]) -> str | None:
        """
        A slot in which nothing runs. Where there is none, the oldest one that drains is hurried and waited for; and
        where none drains, as after restarts that were cut off, one of those that the next boot would not start.
        """
        used = self.used(units)
        if len(used) == len(SLOTS):
            forgotten = [
                slot for slot in used if not any(self.run("is-enabled", instance(unit, slot)) for unit in units)
            ]
            slot = [*self.draining(), *forgotten, *used][0]
            # One whose drain was killed goes on.
            self.drain(units, slot)
            deadline = time.monotonic() + FREE_SECONDS
            while slot in used and time.monotonic() < deadline:
                # Its listeners are closed now, a few at a time.
                self.run("kill", "--kill-whom=main", "--signal=USR1", drain_unit(slot))
                time.sleep(LOOK_AGAIN_SECONDS)
                used = self.used(units)
        return next((slot for slot in SLOTS if slot not in used), None)

    def begin(self, delivery: Delivery) -> list[str]:
        """
        Starts the units that run in slots beside the present ones: new listeners come to them from now on, too.
        @returns the slots that were used before. @throws Refused with the reason why not: then the present ones go on
        as before.
        """
        names = slotted(delivery)
        new = self.free(names)
        if new is None:
            raise Refused("no slot is free")
        before = self.used(names)
        try:
            self.begin_in(delivery, new)
        except Refused:
            # Not cut: whoever came to it meanwhile is let go like any other.
            self.drain(names, new)
            raise
        return before

    def begin_in(self, delivery: Delivery, slot: str) -> None:
        wells = {service["unit"]: service["well"] for service in delivery["services"]}
        names = [instance(unit, slot) for unit in slotted(delivery)]
        for unit, name in zip(slotted(delivery), names, strict=True):
            reason = None if self.run("start", name) else f"{name} does not start"
            reason = reason or await_well(wells.get(unit, []), slot)
            if reason:
                raise Refused(f"{reason}\n{self.last_words(name)}")
        if not self.run("enable", *names):
            raise Refused(f"{' and '.join(names)} cannot be enabled")

    def drain_all(self, delivery: Delivery, former: list[str]) -> list[str]:
        """Lets slots go. @returns those that go on as if nothing had been said, with the reason."""
        return [
            f"{drain_unit(slot)} does not start: {self.last_words(drain_unit(slot))}"
            for slot in former
            if not self.drain(slotted(delivery), slot)
        ]

    def drain(self, names: list[str], slot: str) -> bool:
        """What runs in a slot ends with its last listener, and is not there after the next boot."""
        self.run("disable", *(instance(unit, slot) for unit in names))
        return self.run("start", drain_unit(slot))


def slotted(delivery: Delivery) -> list[str]:
    return [unit for unit in delivery["units"] if in_slots(unit)]


def await_well(command: list[str], slot: str) -> str | None:
    """Waits until what was started in a slot works. @returns the command's words if it does not in time."""
    if not command:
        return None
    deadline = time.monotonic() + WELL_SECONDS
    while True:
        done = run([*command, slot], WELL_SECONDS + 1)
        if done.code == 0:
            return None
        if time.monotonic() > deadline:
            return f"slot {slot} is not well after {WELL_SECONDS:.0f} s: {done.said}"
        time.sleep(LOOK_AGAIN_SECONDS)

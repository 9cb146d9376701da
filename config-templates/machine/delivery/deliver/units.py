"""What changed files ask of systemd, and how it is done."""

import os
import re
from collections.abc import Iterable

from deliver.delivery import Delivery, Service
from deliver.problem import Refused
from deliver.programs import run
from deliver.slots import SLOTS, Slots, drain_unit, in_slots, instance
from deliver.tree import Machine, read_json, write_json

FOLDER = "/etc/systemd/system/"
UNIT_FILE = re.compile(FOLDER + r"(?P<unit>[^/]+?)(\.d/[^/]+)?")
# From the least to the most.
ACTIONS = ("nothing", "reload", "restart")
# Lines of a unit's journal that are told when it fails.
LAST_WORDS = 10
# For systemd itself: units end by limits of their own, below this.
SYSTEMD_LIMIT_SECONDS = 1800.0


def reads(service: Service, path: str) -> bool:
    return any(path.startswith(place) if place.endswith("/") else path == place for place in service["reads"])


def is_of(unit: str, changed: str) -> bool:
    """Whether a unit is made by a unit's file: itself, or an instance of it."""
    name, at, rest = unit.partition("@")
    return unit == changed or (at == "@" and changed == f"{name}@.{rest.rpartition('.')[2]}")


def actions(delivery: Delivery, paths: Iterable[str]) -> dict[str, str]:
    """What to do with which unit after these files have changed, in the delivery's order."""
    found: dict[str, str] = {}

    def ask(unit: str, action: str) -> None:
        if ACTIONS.index(action) > ACTIONS.index(found.get(unit, "nothing")):
            found[unit] = action

    paths = list(paths)
    changed = {match["unit"] for path in paths if (match := UNIT_FILE.fullmatch(path))}
    for service in delivery["services"]:
        if service["on_change"] != "nothing":
            if any(is_of(service["unit"], unit) for unit in changed):
                ask(service["unit"], "restart")
            if any(reads(service, path) for path in paths):
                ask(service["unit"], service["on_change"])
    for unit in delivery["units"]:
        if unit.endswith(".timer") and unit in changed:
            ask(unit, "restart")
    return found


class Systemd:
    """The machine's systemd. What was asked of it is kept until it is done, so that an interrupted delivery is
    completed by the next one."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.path = os.path.join(machine.home, "pending.json")
        self.pending: dict[str, str] = read_json(self.path, {})
        # No file says that these are still to be done, for example because of another version of a package.
        self.lasting_path = os.path.join(machine.home, "lasting.json")
        self.lasting: dict[str, str] = read_json(self.lasting_path, {})
        self.slots = Slots(machine, self.run, self.last_words)
        # Units that could not be restarted beside what runs: that is still what it was before.
        self.unmoved: set[str] = set()

    def ask(self, wanted: dict[str, str]) -> None:
        for unit, action in wanted.items():
            if unit in self.unmoved and action == "restart":
                continue
            if ACTIONS.index(action) > ACTIONS.index(self.pending.get(unit, "nothing")):
                self.pending[unit] = action
        self.keep()

    def ask_lastingly(self, wanted: dict[str, str]) -> None:
        """Each delivery tries until it is done."""
        self.lasting.update(wanted)
        self.keep()

    def keep(self) -> None:
        write_json(self.machine, self.path, self.pending)
        write_json(self.machine, self.lasting_path, self.lasting)

    def run(self, *words: str) -> bool:
        done = run(["systemctl", "--quiet", *words], SYSTEMD_LIMIT_SECONDS)
        # 3: it is not active; 4: there is no such unit. Whoever does not know must not take it for ended.
        if words[0] == "is-active" and done.code not in (0, 3, 4):
            raise Refused(f"systemctl {' '.join(words)}: {done.said}")
        return done.code == 0

    def is_active(self, unit: str) -> bool:
        return any(self.run("is-active", name) for name in self.slots.present(unit))

    def work_off(self, delivery: Delivery, tell: "Tell") -> list[str]:
        """Does what is pending. @returns units that failed, with their last words."""
        failed = []
        self.ask(self.lasting)
        # They move together, when all others are what the new slot finds. A reload would only give the present one what
        # is for the new one.
        slotted = [unit for unit in self.pending if in_slots(unit)]
        beside = slotted if any(self.pending[unit] == "restart" for unit in slotted) else []
        for unit, action in list(self.pending.items()):
            if unit in beside:
                continue
            # What does not run is started by `start`, with its new files.
            for name in self.slots.present(unit):
                if self.run("is-active", name):
                    if self.run(action, name):
                        tell(f"{name} {action}ed")
                    else:
                        failed.append(f"{name} does not {action}: {self.last_words(name)}")
            self.done([unit])
        if any(self.is_active(unit) for unit in beside):
            try:
                former = self.slots.begin(delivery)
            except Refused as reason:
                self.unmoved.update(beside)
                failed.append(f"{' and '.join(beside)} cannot be restarted beside what runs: {reason}")
            else:
                tell(f"{' and '.join(beside)} restarted beside what runs, which drains")
                failed += self.slots.drain_all(delivery, former)
        self.done(beside)
        return failed

    def done(self, units: list[str]) -> None:
        for unit in units:
            self.pending.pop(unit, None)
            if unit not in self.unmoved:
                self.lasting.pop(unit, None)
        self.keep()

    def stop(self, units: list[str]) -> None:
        """They do not run any more, nor at the next boot."""
        if units:
            slotted = [unit for unit in units if in_slots(unit)]
            names = [instance(unit, slot) for unit in slotted for slot in SLOTS]
            names += [drain_unit(slot) for slot in SLOTS if slotted]
            self.run("disable", "--now", *names, *(unit for unit in units if unit not in slotted))
            self.done(units)

    def start(self, delivery: Delivery) -> list[str]:
        """Everything that is to run runs. @returns what does not."""
        names = [name for unit in delivery["units"] for name in self.slots.present(unit)]
        self.run("enable", *names)
        return [
            f"{name} does not start: {self.last_words(name)}"
            for name in names
            if not self.run("is-active", name) and not self.run("start", name)
        ]

    def last_words(self, unit: str) -> str:
        command = ["journalctl", "--no-pager", "--quiet", f"--lines={LAST_WORDS}", f"--unit={unit}", "--output=cat"]
        return run(command, SYSTEMD_LIMIT_SECONDS).said


class Tell:
    """Progress, for whoever still listens: a delivery goes on when the line to `pulumi up` is cut."""

    def __call__(self, text: str) -> None:
        try:
            print(text, flush=True)
        except OSError:
            # Once broken, it would fail again at the end of the program.
            os.dup2(os.open(os.devnull, os.O_WRONLY), 1)

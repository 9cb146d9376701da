"""Applies a delivery: `python3 -m deliver.apply < delivery.json`.

The same delivery twice does nothing. Everything is checked before anything is changed: that no secret is missing, and
each changed file by the program that reads it. Then files are put in place, and what they touch is reloaded or
restarted, and nothing else. If the machine is not well afterwards, what was there before is put back, and the delivery
fails with the reason. No secret is ever an argument or printed.
"""

import argparse
import contextlib
import fcntl
import os
import signal
import sys
from collections.abc import Iterable, Iterator
from typing import TypedDict

from deliver import delivery, system, units
from deliver.delivery import Delivery
from deliver.problem import Refused
from deliver.tree import Machine, Tree, read_json, write_json


class Known(TypedDict):
    files: list[str]
    units: list[str]


class Deliverer:
    def __init__(self, machine: Machine, tell: units.Tell) -> None:
        self.machine = machine
        self.tell = tell
        self.systemd = units.Systemd(machine)
        self.current = Tree(machine, "current")
        # All files and units that a delivery has brought and none has taken away.
        self.known_path = os.path.join(machine.home, "known.json")
        self.known: Known = read_json(self.known_path, {"files": [], "units": []})

    def apply(self, given: Delivery) -> None:
        system.await_cloud_init()
        # Whatever becomes of the files: another version is installed by then.
        system.install_packages(self.machine, given, self.systemd.ask_lastingly, self.tell)
        following = Tree(self.machine, "following")
        following.fill(given)
        written, gone = following.changes(self.known["files"])
        if self.current.delivery:
            # Before the first one, there is nothing that a mistake could break, and not all that checks need.
            system.check(following, given, written, self.systemd.is_active)
        try:
            self.switch(following, given)
            system.prove(given)
        except Exception as reason:
            # Whatever it is: what was there before serves again.
            raise Refused(f"{words(reason)}\n{self.go_back()}") from reason
        following.become("current")
        self.keep_known(following.files, given["units"])
        changed = len(written) + len(gone)
        self.tell(f"well; {changed} files changed" if changed else "well; nothing to change")

    def switch(self, tree: Tree, given: Delivery) -> None:
        """Makes the machine what a tree says. @throws Refused with the units that do not do what they are asked for."""
        written, gone = tree.changes(self.known["files"])
        # All of this before the files, so that an interrupted delivery is completed by the next one.
        self.systemd.ask(units.actions(given, [*written, *gone]))
        self.systemd.stop([unit for unit in self.known["units"] if unit not in given["units"]])
        self.keep_known([*self.known["files"], *written], [*self.known["units"], *given["units"]])
        tree.put(written)
        for path in gone:
            os.unlink(self.machine.path(path))
        if any(path.startswith(units.FOLDER) for path in [*written, *gone]):
            self.systemd.run("daemon-reload")
        failed = [*self.systemd.work_off(given, self.tell), *self.systemd.start(given)]
        if failed:
            raise Refused("\n".join(failed))

    def keep_known(self, files: Iterable[str], names: Iterable[str]) -> None:
        self.known = {"files": sorted(set(files)), "units": sorted(set(names))}
        write_json(self.machine, self.known_path, self.known)

    def go_back(self) -> str:
        """@returns what became of it, for the reason of the failure."""
        before = self.current.delivery
        if before is None:
            return "this machine has no earlier delivery to go back to"
        try:
            self.switch(self.current, before)
        except Exception as reason:  # noqa: BLE001, whatever it is: the first failure is what is raised
            return f"the delivery before is in place again, but: {words(reason)}"
        return "the delivery before is in place again"


def words(reason: Exception) -> str:
    """What a person reads of it; the kind, too, of what is a mistake of ours."""
    return str(reason) if isinstance(reason, (Refused, OSError)) else f"{type(reason).__name__}: {reason}"


@contextlib.contextmanager
def alone(machine: Machine, tell: units.Tell) -> Iterator[None]:
    """One delivery at a time: whoever comes while another is under way waits."""
    os.makedirs(machine.home, exist_ok=True)
    # Others have no business there, and must not be able to hold the lock.
    os.chmod(machine.home, 0o700)
    with open(os.path.join(machine.home, "lock"), "w", encoding="utf-8") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            tell("waits for another delivery")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def main() -> None:
    parser = argparse.ArgumentParser(description="Applies a delivery from standard input.")
    parser.add_argument("--files-only", action="store_true", help="put the files in place, and do nothing else")
    parser.add_argument("--root", default="/", help="work below this folder, and leave owners alone")
    options = parser.parse_args()
    # A delivery that has begun is finished, also when the line to whoever sent it is cut.
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    os.umask(0o022)
    machine = Machine(options.root)
    tell = units.Tell()
    try:
        given = delivery.read(sys.stdin.buffer.read())
        with alone(machine, tell):
            if options.files_only:
                tree = Tree(machine, "current")
                tree.fill(given)
                tree.put(tree.changes([])[0])
            else:
                Deliverer(machine, tell).apply(given)
    except Refused as reason:
        sys.exit(f"delivery: {reason}")


if __name__ == "__main__":
    main()

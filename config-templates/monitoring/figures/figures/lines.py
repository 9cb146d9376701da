"""What the Relays' journals say of listeners, as plain values."""

import datetime
import json
import os
import re
import urllib.parse
from typing import NamedTuple

LISTENERS = "aerial-listeners"
FEED = "aerial-feed"
IDENTIFIERS = (LISTENERS, FEED)

PLAYS = re.compile(r"^(/\S+) plays (\{.*\})$")


class Began(NamedTuple):
    id: str
    machine: str
    boot: str
    worker: int
    mount: str
    address: str
    agent: str
    begin: float


class Ended(NamedTuple):
    id: str
    machine: str
    mount: str
    address: str
    agent: str
    begin: float
    end: float


class Alive(NamedTuple):
    """At this time, these of a machine's workers lived, and so did their listeners' connections."""

    machine: str
    boot: str
    workers: list[int]
    time: float


class Open(NamedTuple):
    """At this time, these connections of a machine had not ended."""

    machine: str
    boot: str
    ids: list[str]
    time: float


class Plays(NamedTuple):
    """From this time on, listeners of a machine's mount heard this."""

    machine: str
    mount: str
    since: float
    source: str
    title: str


Entry = Began | Ended | Alive | Open | Plays


def parsed(value: dict) -> Entry | None:
    """An entry of the journal, as `journalctl --output=json` has it; None where it says nothing of listeners."""
    try:
        machine, message = value["_HOSTNAME"], value["MESSAGE"]
        if value.get("SYSLOG_IDENTIFIER") == FEED:
            found = PLAYS.match(message)
            if not found:
                return None
            what = json.loads(found[2])
            since = int(value["__REALTIME_TIMESTAMP"]) / 1e6
            return Plays(machine, found[1], since, what["source"] or "unknown", what["title"])
        return _of_listeners(machine, value["_BOOT_ID"], json.loads(message))
    except (ValueError, KeyError, TypeError):
        return None


def _of_listeners(machine: str, boot: str, line: dict) -> Entry:
    if "workers" in line:
        return Alive(machine, boot, [int(worker) for worker in line["workers"]], float(line["time"]))
    if "open" in line:
        return Open(machine, boot, [str(name) for name in line["open"]], float(line["time"]))
    moment = datetime.datetime.fromisoformat(line["time"]).timestamp()
    mount = urllib.parse.unquote(line["mount"].partition("?")[0])
    who = (mount, line["listener"], line["agent"])
    if "begins" in line:
        return Began(line["begins"], machine, boot, int(line["worker"]), *who, moment)
    return Ended(line["id"], machine, *who, moment - float(line["seconds"]), moment)


def files_by_machine(folder: str) -> dict[str, list[str]]:
    """The files of each machine's journal: what is before an @ is the machine. A power cut leaves a `.journal~`."""
    found: dict[str, list[str]] = {}
    if not os.path.isdir(folder):
        # No machine has sent anything yet.
        return found
    for name in sorted(os.listdir(folder)):
        if name.startswith("remote-") and name.endswith((".journal", ".journal~")):
            machine = name.partition(".journal")[0].partition("@")[0]
            found.setdefault(machine, []).append(os.path.join(folder, name))
    return found

#!/usr/bin/python3
"""Tells what Airtime plays and who takes it: one JSON object. `status --check` is silent unless something is wrong."""

import json
import os
import socket
import subprocess
import sys

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import files
from airtime import database, library, schedule, settings

PATIENCE_SECONDS = 3
BACKUP = "/usr/local/sbin/aerial-backup"


def ask_playout(channel: str) -> dict:
    """What Liquidsoap's `aerial.status` command answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(f"/run/aerial-playout/{channel}/control.sock")
        connection.sendall(b"aerial.status\nquit\n")
        answer = b""
        while b"END" not in answer:
            part = connection.recv(65536)
            if not part:
                break
            answer += part
    return json.loads(answer.split(b"END")[0])


def describe(known: settings.Settings, channel: str) -> dict:
    told = {"shows": len(library.shows(known.library_of(channel)))}
    try:
        answer = ask_playout(channel)
    except (OSError, ValueError) as reason:
        return {**told, "playing": None, "masters": {}, "problem": f"its Liquidsoap does not answer: {reason}"}
    masters = {master["id"]: master for master in answer["masters"]}
    return {**told, "playing": answer["playing"] or None, "masters": masters}


def database_problem() -> str | None:
    """As the only user that may."""
    try:
        database.run("select 1 from cc_files limit 1", prefix=("runuser", "-u", "postgres", "--"))
        return None
    except (database.Failed, OSError) as reason:
        return f"the database: {reason}"


def schedule_problem(known: settings.Settings) -> str | None:
    try:
        schedule.parse(files.read_text(known.schedule) or "", known.channels)
        return None
    except (schedule.Mistakes, UnicodeDecodeError, OSError) as reason:
        return f"the schedule cannot be used: {reason}"


def backup_is_well() -> bool | None:
    """As its last runs left it; None where the station has none."""
    if not os.path.exists(BACKUP):
        return None
    told = subprocess.run([BACKUP, "status", "--json"], stdout=subprocess.DEVNULL, check=False)
    return told.returncode == 0


def is_reachable(master: dict) -> bool:
    try:
        with socket.create_connection((master["host"], master["port"]), PATIENCE_SECONDS):
            return True
    except OSError:
        return False


def hangs(master: dict) -> bool:
    """Whether a Master took the connection and then said nothing: it is frozen, or overloaded."""
    return not master["connected"] and "Timeout" in master["error"]


def problems(known: settings.Settings, told: dict) -> list[str]:
    """What keeps this machine from its work. A Master that is away is not its fault; no shows are none."""
    found = [told["database"]] if told["database"] else []
    reachable = [master["id"] for master in known.masters if is_reachable(master)]
    for channel, its in told["channels"].items():
        if "problem" in its:
            found.append(f"{channel}: {its['problem']}")
        elif its["playing"] is None:
            if its["shows"] > 0:
                found.append(f"{channel}: none of its {its['shows']} shows plays")
        else:
            wanted = [name for name in reachable if not hangs(its["masters"][name])]
            for name in wanted or [master["id"] for master in known.masters]:
                if not its["masters"][name]["connected"]:
                    why = its["masters"][name]["error"] or "not yet"
                    found.append(f"{channel}: Master {name} does not take it: {why}")
    return found


def main() -> None:
    known = settings.load()
    told = {
        "role": "airtime",
        "software": "playlist",
        "channels": {channel: describe(known, channel) for channel in known.channels},
        "database": database_problem(),
        "schedule": schedule_problem(known),
    }
    if sys.argv[1:] == ["--check"]:
        found = problems(known, told)
        if found:
            sys.exit("\n".join(found))
    else:
        # No part of the check: a backup that is not well is no reason to give a machine up.
        print(json.dumps({**told, "backup": backup_is_well()}, ensure_ascii=False))


if __name__ == "__main__":
    main()

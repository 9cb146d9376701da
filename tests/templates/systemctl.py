#!/usr/bin/python3
"""In place of systemd in the base image, for a Relay's units: starts, stops and signals their real programs.

Every unit has a file in /run/units with the number of its process; enabled ones have one in /run/enabled. A drain's
commands are those of its unit. Units that are none of these are taken to run.
"""

import fnmatch
import os
import re
import signal
import subprocess
import sys
import time

UNITS, ENABLED = "/run/units", "/run/enabled"
PROGRAMS = {
    "aerial-icecast@": "exec setpriv --reuid icecast2 --regid icecast --clear-groups "
    "icecast2 -c /etc/aerial/icecast/{}.xml",
    "aerial-nginx@": "exec nginx -c /etc/aerial/nginx/{}.conf -g 'daemon off;'",
    "aerial-links": "exec nginx -c /etc/aerial/links/links.conf -g 'daemon off;'",
    "aerial-feed": "cd /usr/local/lib/aerial; exec ./aerial-feed /etc/aerial/feed/feed.json /var/lib/aerial-standby "
    "/run/aerial-feed",
    "aerial-drain-slot@": "exec /usr/local/lib/aerial/drain-slot wait {}",
}
BEFORE = {"aerial-drain-slot@": "/usr/local/lib/aerial/drain-slot begin {}"}


def parts(unit: str) -> tuple[str, str]:
    """What starts a unit's name, and its instance."""
    found = re.fullmatch(r"([^@]+@?)([^.]*)\.service", unit)
    return (found[1], found[2]) if found else (unit, "")


def process(unit: str) -> int | None:
    """The number of its process, while that runs."""
    try:
        with open(f"{UNITS}/{unit}", encoding="utf-8") as file:
            pid = int(file.read())
        with open(f"/proc/{pid}/stat", encoding="utf-8") as file:
            return None if file.read().rpartition(")")[2].split()[0] == "Z" else pid
    except (FileNotFoundError, ProcessLookupError):
        return None


def active(pattern: str) -> list[str]:
    return [unit for unit in sorted(os.listdir(UNITS)) if fnmatch.fnmatch(unit, pattern) and process(unit)]


def family(pid: int) -> list[int]:
    done = subprocess.run(["pgrep", "--parent", str(pid)], capture_output=True, text=True, check=False)
    return [pid, *map(int, done.stdout.split())]


def start(unit: str) -> bool:
    name, slot = parts(unit)
    if name not in PROGRAMS or process(unit):
        return True
    if name in BEFORE:
        subprocess.run(["sh", "-c", BEFORE[name].format(slot)], check=True)
    with open(f"/tmp/{unit}.log", "ab") as log:
        pid = subprocess.Popen(
            ["sh", "-c", PROGRAMS[name].format(slot)],
            env={**os.environ, "CREDENTIALS_DIRECTORY": "/etc/aerial/feed"},
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,
        ).pid
    with open(f"{UNITS}/{unit}", "w", encoding="utf-8") as file:
        file.write(str(pid))
    return True


def stop(unit: str) -> bool:
    pid = process(unit)
    if pid:
        os.kill(pid, signal.SIGTERM)
        deadline = time.monotonic() + 5
        while process(unit) and time.monotonic() < deadline:
            time.sleep(0.05)
        # As after TimeoutStopSec.
        if process(unit):
            os.kill(pid, signal.SIGKILL)
    return True


def main() -> bool:
    options = dict(word.removeprefix("--").partition("=")[::2] for word in sys.argv[1:] if word.startswith("--"))
    verb, *units = [word for word in sys.argv[1:] if not word.startswith("--")]
    with open("/tmp/systemctl.log", "a", encoding="utf-8") as log:
        print(verb, *units, file=log)
    match verb:
        case "is-active":
            # As systemd says it: any other code means that it does not know.
            sys.exit(0 if all(parts(unit)[0] not in PROGRAMS or process(unit) for unit in units) else 3)
        case "is-enabled":
            return all(os.path.exists(f"{ENABLED}/{unit}") for unit in units)
        case "enable":
            for unit in units:
                open(f"{ENABLED}/{unit}", "w", encoding="utf-8").close()
        case "disable":
            for unit in units:
                if os.path.exists(f"{ENABLED}/{unit}"):
                    os.unlink(f"{ENABLED}/{unit}")
        case "start":
            return all(start(unit) for unit in units)
        case "stop":
            return all(stop(unit) for unit in units)
        case "restart":
            return all(stop(unit) and start(unit) for unit in units)
        case "reload" | "try-reload-or-restart":
            for unit in (found for pattern in units for found in active(pattern)):
                os.kill(process(unit) or 0, signal.SIGHUP)
        case "kill":
            for unit in (found for pattern in units for found in active(pattern)):
                pid = process(unit) or 0
                for each in family(pid) if options["kill-whom"] == "all" else [pid]:
                    os.kill(each, signal.Signals[f"SIG{options['signal']}"])
        case _:
            return False
    return True


if __name__ == "__main__":
    os.makedirs(UNITS, exist_ok=True)
    os.makedirs(ENABLED, exist_ok=True)
    sys.exit(0 if main() else 1)

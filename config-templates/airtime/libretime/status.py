#!/usr/bin/python3
"""Tells whether LibreTime works and who takes its channel: a JSON object. `status --check` is silent if all is well."""

import json
import os
import socket
import subprocess
import sys
import urllib.request

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import files

PATIENCE_SECONDS = 5
PROJECT = {"COMPOSE_PROJECT_NAME": "libretime", "COMPOSE_FILE": "/etc/aerial/libretime/compose.yml"}


def run(*command: str) -> str:
    result = subprocess.run(
        command, env={**os.environ, **PROJECT}, capture_output=True, text=True, timeout=60, check=False
    )
    if result.returncode != 0:
        raise OSError((result.stderr.strip().splitlines() or [f"{command[0]} failed"])[-1])
    return result.stdout


def containers() -> dict[str, str]:
    """State of each service; a line of JSON each."""
    lines = run("docker", "compose", "ps", "--all", "--format", "json").splitlines()
    return {one["Service"]: one["Health"] or one["State"] for one in map(json.loads, filter(None, lines))}


def version(port: int) -> dict:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v2/version", timeout=PATIENCE_SECONDS) as answer:
        return json.loads(answer.read())


def peers() -> set[str]:
    """Address and port of everybody that LibreTime's Liquidsoap has a connection to."""
    container = run("docker", "compose", "ps", "--quiet", "liquidsoap").strip()
    pid = run("docker", "inspect", "--format", "{{.State.Pid}}", container).strip()
    lines = run("nsenter", "--net", "--target", pid, "ss", "-Htn", "state", "established").splitlines()
    return {line.split()[-1] for line in lines if line.split()}


def is_reachable(master: dict) -> bool:
    try:
        with socket.create_connection((master["host"], master["port"]), PATIENCE_SECONDS):
            return True
    except OSError:
        return False


def connections(masters: list[dict]) -> dict[str, bool]:
    present = peers()
    told = {}
    for master in masters:
        addresses = {info[4][0] for info in socket.getaddrinfo(master["host"], master["port"], type=socket.SOCK_STREAM)}
        told[master["id"]] = any(f"{address}:{master['port']}" in present for address in addresses)
    return told


def main() -> None:
    known = files.read_json("/etc/aerial/airtime.json")
    problems, told = [], {"role": "airtime", "software": "libretime", "channel": known["channel"]}
    try:
        told["containers"] = containers()
        problems += [
            f"LibreTime's {name} is {state}"
            for name, state in told["containers"].items()
            if state not in ("running", "healthy")
        ]
        told["version"] = version(known["port"])
        told["masters"] = connections(known["masters"])
        wanted = [one["id"] for one in known["masters"] if is_reachable(one)] or list(told["masters"])
        problems += [f"Master {name} does not take the channel" for name in wanted if not told["masters"][name]]
    except (OSError, ValueError, KeyError, subprocess.TimeoutExpired) as reason:
        problems.append(f"LibreTime: {reason}")
    if sys.argv[1:] == ["--check"]:
        if problems:
            sys.exit("\n".join(problems))
    else:
        print(json.dumps({**told, "problems": problems}))


if __name__ == "__main__":
    main()

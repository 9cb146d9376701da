#!/usr/bin/python3
"""Brings this machine into the group's service: reads what it is to be and its secrets, has that applied, and waits
until it is well and plays the Masters.

Then the group puts it behind the balancer. Where it does not get well, the reason goes to the group's report and the
machine away: nobody can log in to repair it, and the next one is made of the same template.
"""

import base64
import gzip
import hashlib
import json
import os
import socket
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, os.path.join(os.environ.get("AERIAL_ROOT", "/"), "usr/local/lib/aerial"))
import canary

# Lines of a failure that are told.
LAST_WORDS = 25
HEARTBEAT_SECONDS = float(os.environ.get("AERIAL_HEARTBEAT_SECONDS", "60"))


def run(command: list[str], given: str = "") -> None:
    """Runs a program while the group waits; Failed with its last words where it fails. Its input is never shown."""
    with tempfile.TemporaryFile("w+") as source, tempfile.TemporaryFile("w+") as words:
        source.write(given)
        source.seek(0)
        process = subprocess.Popen(command, stdin=source, stdout=words, stderr=subprocess.STDOUT)
        while True:
            try:
                code = process.wait(timeout=HEARTBEAT_SECONDS)
                break
            except subprocess.TimeoutExpired:
                canary.heartbeat()
        if code != 0:
            words.seek(0)
            lines = words.read().strip().splitlines()[-LAST_WORDS:]
            raise canary.Failed("\n".join(lines) or f"{command[0]} failed without a word")


def read_delivery(given: dict) -> dict:
    """What this machine's launch template was proven with, whatever has been rolled out since: each has a key of its
    own."""
    text = canary.patiently(
        "delivery", lambda: canary.read_object(given["bucket"], given["key"]), between=canary.heartbeat
    )
    got = hashlib.sha256(text).hexdigest()
    if got != given["sha256"]:
        raise canary.Failed(f"the delivery is not that of this launch template: sha256 {got}, not {given['sha256']}")
    return json.loads(gzip.decompress(base64.b64decode(text)))


def take_name(given: dict) -> None:
    """Machines of a group are told apart by their instance."""
    name = f"{given['name']}-{canary.instance_id().removeprefix('i-')}"
    with open(canary.path("/etc/hostname"), "w", encoding="utf-8") as file:
        file.write(name + "\n")
    if canary.ROOT == "/":
        subprocess.run(["hostname", name], check=False)


def standby_mounts() -> list[str]:
    """Mounts that no Master feeds."""
    status = subprocess.run([canary.path("/usr/local/lib/aerial/status")], stdout=subprocess.PIPE, check=True)
    mounts = json.loads(status.stdout)["mounts"]
    return sorted(mount for mount, now in mounts.items() if now.get("upstream") in (None, "standby"))


def answers(master: dict) -> bool:
    try:
        socket.create_connection((master["host"], master["port"]), timeout=3).close()
    except OSError:
        return False
    return True


def await_masters(given: dict) -> None:
    """An instance that plays standby audio is healthy: listeners hear something. But a change by which no instance
    reaches the Masters any more must not get past the canary. While no Master answers, there is nothing else."""
    deadline = time.monotonic() + given["readySeconds"]
    heartbeat_at = time.monotonic() + HEARTBEAT_SECONDS
    while True:
        standby = standby_mounts()
        if not standby:
            return
        if not any(answers(master) for master in given["masters"]):
            print("no Master answers; this instance plays standby audio", flush=True)
            return
        if time.monotonic() > deadline:
            raise canary.Failed(f"the Masters answer, and this machine does not play them: {', '.join(standby)}")
        if time.monotonic() > heartbeat_at:
            canary.heartbeat()
            heartbeat_at += HEARTBEAT_SECONDS
        time.sleep(1)


def join() -> None:
    given = canary.settings()
    take_name(given)
    delivery = read_delivery(given)
    secrets = canary.patiently("secrets", lambda: canary.read_parameter(given["secrets"]), between=canary.heartbeat)
    delivery["secrets"] = json.loads(secrets["Value"])
    run([canary.path("/usr/local/sbin/aerial-receive")], canary.packed(delivery))
    await_masters(given)
    waited = canary.patiently(
        "continue",
        lambda: canary.lifecycle("complete_lifecycle_action", LifecycleActionResult="CONTINUE"),
    )
    print("in service" if waited else "well; the group did not wait for this machine")
    # Once for all: what a later boot needs is on the disk. aerial-secrets-sync begins where this ends.
    with open(canary.path("/var/lib/aerial/joined"), "w", encoding="utf-8") as file:
        file.write(f"{secrets['Version']}\n")


if __name__ == "__main__":
    os.umask(0o077)
    try:
        join()
    except Exception as reason:  # Whatever it is, the group must learn it: nobody can look here.
        canary.give_up(canary.words_of(reason))
        sys.exit(1)

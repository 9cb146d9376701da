#!/usr/bin/python3
"""Fetches the files of this machine's role and unpacks them: user data on EC2 has no room for them.

They lie in parameters under a path that holds their checksum, so a machine of an old launch template gets the files it
was proven with, whatever has been rolled out since.
"""

import base64
import binascii
import gzip
import hashlib
import os
import subprocess
import sys
import zlib

sys.path.insert(0, os.path.join(os.environ.get("AERIAL_ROOT", "/"), "usr/local/lib/aerial"))
import canary

# What GetParameters answers at once.
BATCH = 10


def pieces(given: dict) -> list[str]:
    names = [f"{given['files']}/{number:02d}" for number in range(1, given["pieces"] + 1)]
    found: dict[str, str] = {}
    for start in range(0, len(names), BATCH):
        answer = canary.client("ssm").get_parameters(Names=names[start : start + BATCH])
        found.update({each["Name"]: each["Value"] for each in answer["Parameters"]})
    missing = [name for name in names if name not in found]
    if missing:
        raise canary.Failed("these pieces of the role's files are missing: " + ", ".join(missing))
    return [found[name] for name in names]


def unpacked(texts: list[str], sha256: str) -> bytes:
    try:
        content = gzip.decompress(base64.b64decode("".join(texts), validate=True))
    except (binascii.Error, EOFError, OSError, zlib.error):
        raise canary.Failed("the role's files are damaged: they cannot be unpacked") from None
    got = hashlib.sha256(content).hexdigest()
    if got != sha256:
        raise canary.Failed(f"the role's files are not those of this launch template: sha256 {got}, not {sha256}")
    return content


def take_name(given: dict) -> None:
    """Machines of a group are told apart by their instance."""
    name = f"{given['name']}-{canary.instance_id().removeprefix('i-')}"
    with open(canary.path("/etc/hostname"), "w", encoding="utf-8") as file:
        file.write(name + "\n")
    if canary.ROOT == "/":
        subprocess.run(["hostname", name], check=False)


def fetch() -> None:
    given = canary.settings()
    texts = canary.patiently("files", lambda: pieces(given), between=canary.heartbeat)
    content = unpacked(texts, given["sha256"])
    pack = canary.path("/var/lib/aerial/files.json")
    home = os.path.dirname(pack)
    os.makedirs(home, exist_ok=True)
    os.chmod(home, 0o755)
    with open(pack, "wb") as file:
        file.write(content)
    unpacker = canary.path("/usr/local/sbin/aerial-unpack")
    # Folders are for all: services read their files in them by users of their own.
    done = subprocess.run([unpacker, pack], capture_output=True, text=True, check=False, umask=0o022)
    if done.returncode != 0:
        raise canary.Failed("aerial-unpack: " + (done.stderr.strip().splitlines() or ["failed without a word"])[-1])
    take_name(given)


if __name__ == "__main__":
    os.umask(0o077)
    try:
        fetch()
    except Exception as reason:  # Whatever it is, the group must learn it: nobody can look here.
        canary.give_up(canary.words_of(reason))
        sys.exit(1)

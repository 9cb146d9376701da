#!/usr/bin/python3
"""Puts a machine's secrets in place, and on air: `aerial-secrets apply < secrets.json`.

Standard input is one JSON object:

    { "values": { "source.main.studio": "...", "relay.link": "..." },
      "files":  { "ca.pem": "...", "tls.pem": "...", "tls.key": "..." } }

Every template listed in /etc/aerial/templates/manifest.json is filled in. A placeholder is @{NAME}:

    @{source.main.studio}   a value from the input
    @{file.tls.key}         a file from the input
    @{local.admin}          a random value made on this machine once, known nowhere else

    @{relay.link|basic relay}   as the Authorization header of user `relay`
    @{relay.link|md5}           as the MD5 that Icecast's password files hold
    @{relay.link|sha1}          as the SHA-1 that NGINX's password files hold, after {SHA}

and is escaped for the format of the template. Nothing is written unless everything can be. Then only what changed
is reloaded, in place, and aerial.target is started. No secret is ever an argument or printed.
"""

import argparse
import base64
import fcntl
import hashlib
import json
import os
import re
import secrets
import subprocess
import sys
from collections.abc import Callable
from typing import TextIO

# /usr/local/lib/aerial; in tests, below their root.
sys.path.insert(0, os.path.join(os.path.dirname(__file__), "../lib/aerial"))
sys.dont_write_bytecode = True

import files

INPUT_LIMIT_BYTES = 1 << 20
CLOUD_INIT_LIMIT_SECONDS = 900
NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
PLACEHOLDER = re.compile(r"@\{([^{}\n]*)\}")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Refused(Exception):
    """An input or a template that cannot be used; the text names it, and holds no secret."""


def escape_xml(value: str) -> str:
    for character, entity in (("&", "&amp;"), ("<", "&lt;"), (">", "&gt;"), ('"', "&quot;"), ("'", "&apos;")):
        value = value.replace(character, entity)
    return value


def quote(value: str) -> str:
    return '"' + re.sub(r'([\\"])', r"\\\1", value) + '"'


def escape_nginx(value: str) -> str:
    if "$" in value:
        raise Refused("NGINX would read its $ as a variable")
    return quote(value)


def md5(value: str) -> str:
    return hashlib.md5(value.encode(), usedforsecurity=False).hexdigest()


# What a value becomes inside a file of each format. Those of liquidsoap, nginx, shell, unit and yaml are quoted words.
ESCAPES: dict[str, Callable[[str], str]] = {
    "xml": escape_xml,
    "liquidsoap": lambda value: quote(value).replace("#", "\\x23"),
    "nginx": escape_nginx,
    "shell": lambda value: "'" + value.replace("'", "'\\''") + "'",
    "unit": lambda value: quote(value).replace("%", "%%").replace("$", "$$"),
    # Icecast 2.4's own password files: user:md5, so `relay:@{relay.link}` is a line of one.
    "htpasswd": md5,
    "yaml": lambda value: json.dumps(value, ensure_ascii=False),
    "raw": lambda value: value,
}


def derive(value: str, how: str | None) -> str:
    """A value in the form that a placeholder asks for after its bar."""
    if how is None:
        return value
    if how == "md5":
        return md5(value)
    if how == "sha1":
        return base64.b64encode(hashlib.sha1(value.encode(), usedforsecurity=False).digest()).decode()
    if how.startswith("basic "):
        return "Basic " + base64.b64encode(f"{how.removeprefix('basic ')}:{value}".encode()).decode()
    raise Refused(f"{how!r} is no form of a value")


class Machine:
    """The paths of a machine, below `root` in tests."""

    def __init__(self, root: str, touch_system: bool) -> None:
        self.root = root
        self.touch_system = touch_system
        self.templates = self.path("/etc/aerial/templates")
        self.secrets = self.path("/etc/aerial/secrets")
        self.run = self.path("/run/aerial-secrets")

    def path(self, absolute: str) -> str:
        return os.path.join(self.root, absolute.lstrip("/"))

    def write(self, path: str, content: str, owner: str = "root:root", mode: int = 0o600) -> None:
        directory = os.path.dirname(path)
        if not os.path.isdir(directory):
            # Services read files in here by their own groups; secrets are kept by the files' modes.
            os.makedirs(directory)
            os.chmod(directory, 0o755)
        files.write(path, content, mode, owner if self.root == "/" else "")

    def system(self, *command: str, timeout: float | None = None) -> int:
        """Runs a command of the system; its exit code, or 0 where the system is not to be touched."""
        if not self.touch_system:
            print("would run " + " ".join(command))
            return 0
        return subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, timeout=timeout, check=False
        ).returncode


def read_input(stream: TextIO) -> dict:
    text = stream.read(INPUT_LIMIT_BYTES + 1)
    if len(text) > INPUT_LIMIT_BYTES:
        raise Refused("the input is longer than 1 MiB")
    try:
        given = json.loads(text)
    except ValueError:
        # The parser's own message would quote the input.
        raise Refused("the input is not JSON") from None
    if not isinstance(given, dict) or set(given) - {"values", "files"}:
        raise Refused('the input must be {"values": {...}, "files": {...}}')
    for part in ("values", "files"):
        entries = given.setdefault(part, {})
        if not isinstance(entries, dict):
            raise Refused(f'"{part}" must be an object')
        for name, value in entries.items():
            if not NAME.fullmatch(name):
                raise Refused(f'"{part}" has a bad name: {name!r}')
            if not isinstance(value, str) or not value:
                raise Refused(f"{part}.{name} must be a text that is not empty")
            if part == "values" and CONTROL.search(value):
                raise Refused(f"{part}.{name} holds a control character")
    return given


def read_manifest(machine: Machine) -> list[dict]:
    path = os.path.join(machine.templates, "manifest.json")
    text = files.read_text(path)
    if text is None:
        raise Refused(f"{path} is missing: has this machine a role?")
    return json.loads(text)


def fill(template: str, format_name: str, given: dict, local: dict) -> str:
    """The text of a template with its placeholders filled in; values that `local` lacks are made."""
    escape = ESCAPES.get(format_name)
    if escape is None:
        raise Refused(f"unknown format {format_name!r}")

    def value_of(match: re.Match[str]) -> str:
        name, _, how = match.group(1).partition("|")
        if name.startswith("local."):
            value = local.setdefault(name.removeprefix("local."), secrets.token_hex(24))
        elif name.startswith("file."):
            value = given["files"].get(name.removeprefix("file."))
        else:
            value = given["values"].get(name)
        if value is None:
            raise Refused(f"@{{{name}}} was not delivered")
        try:
            return escape(derive(value, how or None))
        except Refused as reason:
            raise Refused(f"@{{{name}}} cannot be used: {reason}") from None

    return PLACEHOLDER.sub(value_of, template)


def render_all(machine: Machine, given: dict, local: dict) -> list[tuple[dict, str]]:
    """Every file of the manifest, as (entry, text); nothing is written yet."""
    rendered = []
    for entry in read_manifest(machine):
        path = os.path.join(machine.templates, entry["template"])
        template = files.read_text(path)
        if template is None:
            raise Refused(f"{path} is missing")
        try:
            rendered.append((entry, fill(template, entry["format"], given, local)))
        except Refused as reason:
            raise Refused(f"{entry['target']}: {reason}") from None
    return rendered


def apply(machine: Machine, stream: TextIO) -> None:
    given = read_input(stream)
    if machine.touch_system:
        # Users that own the files come with packages. A degraded cloud-init is aerial-ready's to report.
        try:
            machine.system("cloud-init", "status", "--wait", timeout=CLOUD_INIT_LIMIT_SECONDS)
        except subprocess.TimeoutExpired:
            raise Refused(f"cloud-init was not done within {CLOUD_INIT_LIMIT_SECONDS} s") from None

    os.makedirs(machine.run, exist_ok=True)
    with open(os.path.join(machine.run, "lock"), "w", encoding="utf-8") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        apply_locked(machine, given)


def apply_locked(machine: Machine, given: dict) -> None:
    local_path = os.path.join(machine.secrets, "local.json")
    local = json.loads(files.read_text(local_path) or "{}")
    known = set(local)
    rendered = render_all(machine, given, local)

    os.makedirs(machine.secrets, exist_ok=True)
    os.chmod(machine.secrets, 0o700)
    if set(local) != known:
        machine.write(local_path, json.dumps(local))
    machine.write(os.path.join(machine.secrets, "delivered.json"), json.dumps(given))

    # A unit stays listed here until it has been reloaded, so that an interrupted run is completed by the next one.
    pending_path = os.path.join(machine.run, "reload.json")
    pending = json.loads(files.read_text(pending_path) or "[]")
    for entry, text in rendered:
        target = machine.path(entry["target"])
        if files.read_text(target) == text:
            continue
        pending += [unit for unit in entry.get("reload", []) if unit not in pending]
        machine.write(pending_path, json.dumps(pending))
        machine.write(target, text, entry.get("owner", "root:root"), int(entry.get("mode", "0600"), 8))
        print(f"wrote {entry['target']}")

    failed = []
    for unit in list(pending):
        if machine.system("systemctl", "--quiet", "is-active", unit) == 0:
            if machine.system("systemctl", "reload", unit) != 0:
                failed.append(unit)
                continue
            print(f"reloaded {unit}")
        pending.remove(unit)
        machine.write(pending_path, json.dumps(pending))

    if machine.system("systemctl", "start", "aerial.target") != 0:
        failed.append("aerial.target")
    if failed:
        raise Refused("these units refuse their new configuration: " + ", ".join(failed))
    print("aerial.target is started" if machine.touch_system else "done")


def main() -> None:
    parser = argparse.ArgumentParser(description="Puts secrets from standard input in place.")
    parser.add_argument("command", choices=["apply"])
    parser.add_argument("--root", default="/", help="work below this directory, and leave owners alone")
    parser.add_argument("--no-reload", action="store_true", help="only write files")
    options = parser.parse_args()
    os.umask(0o077)
    machine = Machine(options.root, touch_system=not options.no_reload)
    try:
        apply(machine, sys.stdin)
    except Refused as reason:
        sys.exit(f"aerial-secrets: {reason}")


if __name__ == "__main__":
    main()

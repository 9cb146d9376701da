"""What a delivery is: all that a machine is to be."""

import json
import re
from typing import Any, TypedDict

from deliver.problem import Refused

NAME = re.compile(r"[a-z0-9][a-z0-9._-]*")
CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class File(TypedDict):
    path: str
    # Octal.
    mode: str
    # User and group, with a colon between them.
    owner: str
    content: str
    # Present where the content has placeholders of secrets.
    format: str | None


class Service(TypedDict):
    """A unit, and what a change of its files asks for."""

    unit: str
    # What it reads when it starts or is reloaded; a folder ends in /.
    reads: list[str]
    # "reload", "restart", or "nothing" for one that a change must not disturb.
    on_change: str
    # Refuses what cannot work: a command that finds the new files in their places. Empty where there is none.
    check: list[str]
    # Debian's packages of its program: another version of them asks for a restart.
    packages: list[str]
    # Of a unit in slots: a command that succeeds once the one in a slot works, which is its last argument.
    well: list[str]


class Delivery(TypedDict):
    packages: list[str]
    # Units of Debian's that must not run beside ours.
    masked: list[str]
    # Those that run in slots by the names of their templates.
    units: list[str]
    services: list[Service]
    files: list[File]
    secrets: dict[str, dict[str, str]]
    # How long the machine may take to be well.
    ready_seconds: int


def read(text: bytes) -> Delivery:
    try:
        given = json.loads(text)
    except ValueError:
        # The parser's own message would quote the text.
        raise Refused("the delivery is not JSON") from None
    if not isinstance(given, dict) or set(given) != set(Delivery.__annotations__):
        raise Refused("the delivery must be an object with " + ", ".join(Delivery.__annotations__))
    check_secrets(given["secrets"])
    return given  # type: ignore[return-value]


def check_secrets(given: Any) -> None:
    if not isinstance(given, dict) or set(given) != {"values", "files"}:
        raise Refused('the secrets must be {"values": {...}, "files": {...}}')
    for part, entries in given.items():
        if not isinstance(entries, dict):
            raise Refused(f'"{part}" must be an object')
        for name, value in entries.items():
            if not NAME.fullmatch(name):
                raise Refused(f'"{part}" has a bad name: {name!r}')
            if not isinstance(value, str) or not value:
                raise Refused(f"{part}.{name} must be a text that is not empty")
            if part == "values" and CONTROL.search(value):
                raise Refused(f"{part}.{name} holds a control character")

"""The listeners of a Relay's slots, as Icecast knows them: who is on, and how their connections are closed."""

import base64
import http.client
import json
import math
import os
import time
import urllib.error
import urllib.parse
import urllib.request
import xml.etree.ElementTree
from typing import Any, NamedTuple

ROOT = os.environ.get("AERIAL_ROOT", "/")
SLOTS = "/etc/aerial/slots.json"
ANSWER_SECONDS = 5.0
# Until its next round, Icecast still names a listener whose connection it is to close.
ROUND_SECONDS = 0.5
FAULTS = (OSError, ValueError, http.client.HTTPException, xml.etree.ElementTree.ParseError)
# Never by a proxy of the environment: this is the same machine.
OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


class Unknown(Exception):
    """A slot's Icecast runs, and does not say who listens."""


class Listener(NamedTuple):
    """Someone who is on."""

    port: int
    """Of the slot's Icecast."""
    mount: str
    number: str
    """By which Icecast knows the connection."""


def path(absolute: str) -> str:
    return os.path.join(ROOT, absolute.lstrip("/"))


def read_json(absolute: str) -> Any:
    with open(path(absolute), encoding="utf-8") as file:
        return json.load(file)


def icecast_ports() -> dict[str, int]:
    """Of every slot of this Relay, whether it runs or not."""
    return {slot: ports["icecast"] for slot, ports in read_json(SLOTS)["slots"].items()}


def listeners(port: int) -> list[Listener]:
    """Everyone who is on in a slot. One that refuses connections is off, and has nobody.

    @throws Unknown when Icecast gives no answer, or none that says it.
    """
    found: list[Listener] = []
    try:
        for source in ask(port, "listmounts").iter("source"):
            mount = source.get("mount", "")
            found += [Listener(port, mount, number) for number in numbers(port, mount)]
    except FAULTS as reason:
        if is_refusal(reason):
            return []
        raise Unknown(str(reason)) from reason
    return found


def close(present: list[Listener], per_second: float, deadline: float = math.inf) -> None:
    """Ends their connections, so many a second, until `deadline` by `time.monotonic`. Who has left by now is no fault.

    An Icecast that gives no answer is asked once. The next look says who is left.
    """
    silent: set[int] = set()
    for port, mount, number in present:
        if time.monotonic() >= deadline:
            return
        if port in silent:
            continue
        try:
            # By GET, which 2.5 warns of: 2.4 knows no POST.
            ask(port, "killclient", mount=mount, id=number)
        except urllib.error.HTTPError:
            # The mount has gone.
            pass
        except FAULTS:
            silent.add(port)
        time.sleep(1 / per_second)
    time.sleep(ROUND_SECONDS)


def numbers(port: int, mount: str) -> list[str]:
    """Of everyone who is on a mount. @throws one of FAULTS."""
    try:
        clients = ask(port, "listclients", mount=mount)
    except urllib.error.HTTPError:
        # The mount has gone meanwhile, and its listeners with it.
        return []
    return [number for one in clients.iter("listener") if (number := one.findtext("ID") or one.get("id"))]


def ask(port: int, page: str, **arguments: str) -> xml.etree.ElementTree.Element:
    """What Icecast's administration answers. @throws one of FAULTS."""
    password = read_json("/etc/aerial/secrets/local.json")["admin"]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/admin/{page}?{urllib.parse.urlencode(arguments)}")
    request.add_header("Authorization", "Basic " + base64.b64encode(f"admin:{password}".encode()).decode())
    with OPENER.open(request, timeout=ANSWER_SECONDS) as answer:
        return xml.etree.ElementTree.fromstring(answer.read())


def is_refusal(reason: BaseException) -> bool:
    return isinstance(reason, urllib.error.URLError) and isinstance(reason.reason, ConnectionRefusedError)

"""Requests to a Relay, by its address, as somebody makes them who knows it by a name."""

import asyncio
import contextlib
import re
import ssl
from typing import NamedTuple

from ears.settings import AGENT

CONNECT_SECONDS = 10.0
ANSWER_SECONDS = 10.0
LONGEST_HEAD = 1 << 14
LONGEST_BODY = 1 << 18

# What goes wrong outside.
AWAY = (OSError, TimeoutError, EOFError, asyncio.LimitOverrunError)


class Refused(Exception):
    """A Relay answers something else than what it is asked for."""


class Place(NamedTuple):
    address: str
    port: int
    name: str
    """Of the Relay, for TLS and in the request."""
    tls: ssl.SSLContext | None


class Answer(NamedTuple):
    status: int
    fields: dict[str, str]
    reader: asyncio.StreamReader
    writer: asyncio.StreamWriter


def trust() -> ssl.SSLContext:
    """Checks certificates and names as players do: not what Python asks for since 3.13 besides."""
    context = ssl.create_default_context()
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


async def ask(place: Place, path: str, *fields: str) -> Answer:
    """The head of an answer. Who gets it closes its writer. Raises AWAY or Refused."""
    async with asyncio.timeout(CONNECT_SECONDS):
        reader, writer = await asyncio.open_connection(
            place.address,
            place.port,
            ssl=place.tls,
            server_hostname=place.name if place.tls else None,
            limit=LONGEST_HEAD,
        )
    try:
        lines = [f"GET {path} HTTP/1.0", f"Host: {place.name}", f"User-Agent: {AGENT}", *fields]
        writer.write("".join(f"{line}\r\n" for line in [*lines, ""]).encode())
        async with asyncio.timeout(ANSWER_SECONDS):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *others = head.split("\r\n")
        found = re.match(r"HTTP/1\.[01] ([0-9]{3})\b", first)
        if not found:
            raise Refused(f"answers {first[:40]!r}")
        named = (line.partition(":") for line in others)
        return Answer(int(found[1]), {key.lower(): value.strip() for key, _, value in named}, reader, writer)
    except BaseException:
        close(writer)
        raise


async def fetch(place: Place, path: str) -> tuple[int, bytes]:
    """Status and body. Raises AWAY or Refused."""
    answer = await ask(place, path)
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            body = b""
            while part := await answer.reader.read(LONGEST_BODY):
                body += part
                if len(body) > LONGEST_BODY:
                    raise Refused(f"{path} does not end")
        return answer.status, body
    finally:
        close(answer.writer)


def close(writer: asyncio.StreamWriter) -> None:
    """At once: whoever is away does not say goodbye."""
    with contextlib.suppress(*AWAY):
        writer.transport.abort()

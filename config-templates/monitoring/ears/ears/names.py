"""
What DNS answers, and whether it agrees with the health of the Relays.

A region's name answers with all of its Relays, healthy or not; players try one after the other. The station's name
answers with healthy ones only, here with those of one region. So DNS disagrees when a region's name lacks a healthy
Relay or has an address that is none; and when the station's name has a Relay that is not healthy while others are.
"""

import asyncio
import socket
import time
from collections.abc import Collection, Mapping

from ears import requests
from ears.requests import AWAY, Place, Refused
from ears.settings import Region, Settings
from feed.problem import Problem

ASK_SECONDS = 10.0


async def resolve(name: str, port: int) -> list[str]:
    """Addresses, in the order of the answer; the machine's resolver asks DNS. Raises OSError."""
    found = await asyncio.get_running_loop().getaddrinfo(name, port, type=socket.SOCK_STREAM)
    return list(dict.fromkeys(str(entry[4][0]) for entry in found))


def disagreements(
    answered: Collection[str], balanced: Collection[str], relays: Collection[str], healthy: Collection[str]
) -> set[str]:
    """
    What is wrong with one region's names, in words. `answered`: by the region's name; `balanced`: by the station's;
    `relays`: the region's own; `healthy`: all addresses that are.
    """
    wrong = {f"the healthy Relay {one} is missing" for one in healthy if one in relays and one not in answered}
    wrong |= {f"{one} is no Relay" for one in answered if one not in relays and one not in healthy}
    if healthy:
        wrong |= {f"{one} is not healthy" for one in balanced if one in relays and one not in healthy}
    return wrong


class Agreement:
    """Of one region's names with its Relays. Times are seconds of a steady clock."""

    def __init__(self, region: str, patience: float) -> None:
        self.patience = patience
        self.since: dict[str, float] = {}
        self.asked = False
        self.problem = Problem(f"{region}: DNS and health disagree: ", "they agree")

    def note(self, wrong: Collection[str], now: float) -> None:
        self.asked = True
        self.since = {what: self.since.get(what, now) for what in wrong}
        lasting = [what for what, since in self.since.items() if now - since > self.patience]
        if lasting:
            self.problem.tell("; ".join(sorted(lasting)))
        else:
            self.problem.over()

    def agrees(self, now: float) -> bool | None:
        """None before the first look. What does not last longer than DNS needs does not count."""
        return all(now - since <= self.patience for since in self.since.values()) if self.asked else None


class Names:
    """Asks all the time. `answered` has what each region's name answered last."""

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.answered: dict[str, list[str]] = {}
        self.agreements = {one.region: Agreement(one.region, settings.dns_seconds) for one in settings.regions}

    async def run(self) -> None:
        while True:
            await self.look()
            await asyncio.sleep(ASK_SECONDS)

    async def look(self) -> None:
        balanced = await self._ask(self.settings.stream) or []
        answers = {one.region: await self._ask(one.name) for one in self.settings.regions}
        healthy = await self._healthy(answers)
        for one in self.settings.regions:
            self._note(one, answers[one.region], balanced, healthy)

    def _note(self, one: Region, answer: list[str] | None, balanced: list[str], healthy: set[str]) -> None:
        relays = set(one.relays.values())
        if answer is None:
            wrong = {f"{one.name} has no answer"}
        else:
            self.answered[one.region] = answer
            wrong = disagreements(answer, balanced, relays, healthy)
        self.agreements[one.region].note(wrong, time.monotonic())

    async def _ask(self, name: str) -> list[str] | None:
        try:
            return await resolve(name, self.settings.port)
        except OSError:
            return None

    async def _healthy(self, answers: Mapping[str, list[str] | None]) -> set[str]:
        """Addresses of all that is healthy, among Relays and what DNS takes for one."""
        asked = {address for one in self.settings.regions for address in one.relays.values()}
        asked |= {address for answer in answers.values() for address in answer or []}
        found = await asyncio.gather(*(self._is_healthy(address) for address in sorted(asked)))
        return {address for address in found if address is not None}

    async def _is_healthy(self, address: str) -> str | None:
        """As DNS finds it out."""
        place = Place(address, self.settings.health_port, self.settings.stream, None)
        try:
            status, _ = await requests.fetch(place, "/healthz")
        except (*AWAY, Refused):
            return None
        return address if status == 200 else None

"""What Relays say that they play, asked from those that are heard."""

import asyncio
import json
import ssl
import time
from collections.abc import Sequence

from ears import requests
from ears.listener import Listener
from ears.requests import AWAY, Place, Refused
from ears.settings import Settings

ASK_SECONDS = 5.0


class Playing:
    def __init__(self, settings: Settings, tls: ssl.SSLContext, listeners: Sequence[Listener]) -> None:
        self.settings = settings
        self.tls = tls
        self.listeners = listeners

    async def run(self) -> None:
        while True:
            places = {(one.address, one.region.name) for one in self.listeners if one.address is not None}
            await asyncio.gather(*(self._ask(address, name) for address, name in places if address))
            await asyncio.sleep(ASK_SECONDS)

    async def _ask(self, address: str, name: str) -> None:
        """One question for all mounts. Whoever has no answer, or another one, is left alone."""
        try:
            status, body = await requests.fetch(Place(address, self.settings.port, name, self.tls), "/playing.json")
            mounts = json.loads(body)["mounts"] if status == 200 else {}
            for one in self.listeners:
                if (one.address, one.region.name) == (address, name) and one.mount.path in mounts:
                    told = mounts[one.mount.path]
                    one.titles.tell(str(told["title"]), time.monotonic())
                    one.told = str(told["source"]) if told["source"] else None
        except (*AWAY, Refused, ValueError, KeyError, TypeError):
            return

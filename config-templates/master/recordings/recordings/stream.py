"""A public mount of this Master's Icecast, as whoever pulls it gets it."""

import base64
import http.client
import time
from collections.abc import Callable

from recordings.capture import Capture

# Audio comes all the time. Icecast gives up a source that sends none sooner.
SILENT_SECONDS = 15
# Looked for as often: Icecast has 16 s of the past for whoever comes back sooner than that.
RETRY_SECONDS = 1
MOST_BYTES = 1 << 16


class Refused(Exception):
    pass


def pull(capture: Capture, port: int, mount: str, login: str) -> None:
    """One connection, until it ends. Raises OSError, HTTPException or Refused."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=SILENT_SECONDS)
    try:
        headers = {"Authorization": "Basic " + base64.b64encode(login.encode()).decode(), "Icy-MetaData": "1"}
        connection.request("GET", mount, headers={**headers, "User-Agent": "aerial-recorder"})
        response = connection.getresponse()
        if response.status != 200:
            raise Refused(f"Icecast answers {response.status}")
        capture.connected(int(response.getheader("icy-metaint", "0")))
        while data := response.read1(MOST_BYTES):
            capture.arrived(data, time.monotonic())
        raise Refused("Icecast has ended it")
    finally:
        connection.close()
        capture.disconnected()


def record(capture: Capture, port: int, mount: str, login: str, say: Callable[[str], None]) -> None:
    """Pulls for ever. What is wrong is said once, and when it is over."""
    problem: str | None = None
    while True:
        began = time.monotonic()
        try:
            pull(capture, port, mount, login)
        except (OSError, http.client.HTTPException, Refused) as reason:
            told = str(reason) or repr(reason)
            if time.monotonic() - began > SILENT_SECONDS:
                problem = None
            if told != problem:
                say(f"{mount}: {told}")
                problem = told
        time.sleep(RETRY_SECONDS)

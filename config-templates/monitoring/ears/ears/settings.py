"""What the Ears are told, by /etc/aerial/ears/ears.json."""

import json
from typing import NamedTuple

CONFIGURATION = "/etc/aerial/ears/ears.json"
HOME = "/var/lib/aerial/ears"
# Relays see by it who listens.
AGENT = "aerial-ears/1"


class Mount(NamedTuple):
    channel: str
    path: str
    """For example `/main.mp3`."""
    codec: str
    """`mp3` or `aac`."""


class Region(NamedTuple):
    region: str
    name: str
    """Its name in DNS."""
    relays: dict[str, str]
    """Addresses of its Relays, by machine."""


class Settings(NamedTuple):
    stream: str
    """The name that DNS answers with healthy Relays only."""
    port: int
    """Where Relays serve listeners, over TLS."""
    health_port: int
    """Where DNS asks them for their health."""
    silence_db: float
    """Level below which sound is silence, in dB below full scale."""
    dns_seconds: float
    """For how long DNS may differ from the Relays' health."""
    mounts: list[Mount]
    regions: list[Region]


def read(path: str = CONFIGURATION) -> Settings:
    """Raises OSError, ValueError, KeyError or TypeError for what is no configuration of the Ears."""
    with open(path, encoding="utf-8") as file:
        told = json.load(file)
    return Settings(
        stream=told["stream"],
        port=told["port"],
        health_port=told["healthPort"],
        silence_db=told["silenceDb"],
        dns_seconds=told["dnsSeconds"],
        mounts=[Mount(**mount) for mount in told["mounts"]],
        regions=[Region(**region) for region in told["regions"]],
    )

"""What all programs of the recordings know."""

import dataclasses

import files

HOME = "/var/lib/aerial/recordings"
CONFIGURATION = "/etc/aerial/recordings/recordings.json"


@dataclasses.dataclass(frozen=True)
class Recorded:
    """How a channel is recorded."""

    codec: str
    mount: str


@dataclasses.dataclass(frozen=True)
class Settings:
    master: str
    masters: list[str]
    """The station's, the preferred one first."""
    bucket: str
    region: str
    time_zone: str
    icecast_port: int
    spool_bytes: int
    """What recordings may take on the disk until they are at S3."""
    channels: dict[str, Recorded]


def load(path: str = CONFIGURATION) -> Settings:
    told = files.read_json(path)
    return Settings(
        master=told["master"],
        masters=told["masters"],
        bucket=told["bucket"],
        region=told["region"],
        time_zone=told["timeZone"],
        icecast_port=told["icecastPort"],
        spool_bytes=told["spoolBytes"],
        channels={name: Recorded(one["codec"], one["mount"]) for name, one in told["channels"].items()},
    )


def say(text: str) -> None:
    print(text, flush=True)

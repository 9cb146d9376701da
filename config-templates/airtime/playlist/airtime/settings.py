"""What this machine was told by its user data, and the paths that follow from it."""

import dataclasses
import os
import zoneinfo

import files


@dataclasses.dataclass(frozen=True)
class Settings:
    volume: str
    zone: zoneinfo.ZoneInfo
    channels: tuple[str, ...]
    masters: tuple[dict, ...]

    @property
    def schedule(self) -> str:
        """What the station edits."""
        return os.path.join(self.volume, "schedule.txt")

    @property
    def state(self) -> str:
        """What the playout remembers, through a replacement of the machine, too."""
        return os.path.join(self.volume, "playout")

    @property
    def played(self) -> str:
        """Where the playout leaves word of what it played, for the catalogue."""
        return os.path.join(self.state, "played")

    @property
    def library(self) -> str:
        return os.path.join(self.volume, "library")

    def library_of(self, channel: str) -> str:
        return os.path.join(self.library, channel)


def load(path: str = "/etc/aerial/airtime.json") -> Settings:
    given = files.read_json(os.environ.get("AERIAL_AIRTIME", path))
    return Settings(
        volume=given["volume"],
        zone=zoneinfo.ZoneInfo(given["timeZone"]),
        channels=tuple(given["channels"]),
        masters=tuple(given["masters"]),
    )

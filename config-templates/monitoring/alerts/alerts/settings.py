"""What `aerial-alert` is told: who receives what, by when."""

import dataclasses
import os
import zoneinfo
from typing import Any

import files

LISTS = ("studio", "engineer", "escalation")


@dataclasses.dataclass(frozen=True)
class Settings:
    station: str
    zone: zoneinfo.ZoneInfo
    # Hour of the station's day at which the digest is sent.
    digest_hour: int
    escalate_after_seconds: float
    # Before the alert's anchor.
    runbooks: str
    heartbeat_url: str | None
    # By their names, such as `email-1`: each with its `kind`, and what that kind needs.
    receivers: dict[str, dict[str, Any]]
    # Names of receivers, by list.
    lists: dict[str, list[str]]


def parse(given: dict) -> Settings:
    return Settings(
        given["station"],
        zoneinfo.ZoneInfo(given["timeZone"]),
        given["digestHour"],
        given["escalateAfterMinutes"] * 60,
        given["runbooks"],
        given["heartbeatUrl"],
        given["receivers"],
        {name: given["lists"].get(name, []) for name in LISTS},
    )


def load() -> Settings:
    """From the unit's credential: it holds the secrets of receivers."""
    return parse(files.read_json(os.path.join(os.environ["CREDENTIALS_DIRECTORY"], "alerts.json")))

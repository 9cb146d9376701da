"""How each kind of run ended: for people as JSON in the state's folder, for monitoring as a Prometheus text file."""

import contextlib
import json
import os
import time
from collections.abc import Iterator

import files
from backup import naming
from backup.settings import Failed, Settings, say

METRICS = "/var/lib/prometheus/node-exporter"

COMMON = {
    "healthy": "1 when the last run found or left everything well.",
    "last_run_timestamp_seconds": "When the last run ended.",
    "last_success_timestamp_seconds": "When a run last ended well; 0 when none has.",
    "duration_seconds": "How long the last run took.",
}
FIGURES = {
    "upload": {
        "shows": "Shows in the libraries.",
        "protected_shows": "Shows in the libraries whose present content is in the bucket.",
        "protected_bytes": "Size of those.",
        "pending_shows": "Shows that are not in the bucket yet, those still being written included.",
        "refused_shows": "Shows that cannot be backed up: not playable, or not nameable.",
        "failed_shows": "Shows whose upload failed and is tried again.",
        "oldest_pending_seconds": "How long the oldest pending show has been waiting.",
        "uploaded_shows_total": "Versions put into the bucket since this machine keeps count.",
        "uploaded_bytes_total": "Size of those.",
    },
    "dump": {
        "size_bytes": "Size of the last dump of the database, encrypted.",
        "rows": "Rows of all tables in it.",
        "tables": "Tables in it.",
    },
    "configuration": {
        "size_bytes": "Size of the last archive of the configuration, encrypted.",
        "files": "Files in it.",
        "missing_paths": "Paths of the configuration that do not exist.",
    },
    "audit": {
        "shows": "Shows that were looked at.",
        "bytes": "Bytes that were read from the libraries' disks and compared.",
        "problems": "What is not as it must be, by kind.",
    },
    "drill": {
        "shows": "Shows that were downloaded and compared.",
        "bytes": "Bytes of those.",
        "rows": "Rows that were restored into a scratch database and counted.",
        "dump_age_seconds": "Age of the dump that was restored.",
    },
}
FIGURES["audit-quick"] = FIGURES["audit"]
FIGURES["drill-all"] = FIGURES["drill"]


class Run:
    """One run of a kind. Figures are set as it goes; problems make it unhealthy, an exception does too."""

    def __init__(self) -> None:
        self.figures: dict = {}
        self.problems: list[dict] = []
        self.more: dict = {}


def path_of(settings: Settings, kind: str) -> str:
    return os.path.join(settings.state, f"{kind}.json")


@contextlib.contextmanager
def recorded(settings: Settings, kind: str) -> Iterator[Run]:
    """Leaves the outcome of a run, whatever it is."""
    run, started, error = Run(), time.time(), None
    before = files.recall(path_of(settings, kind))
    try:
        yield run
    except Failed as reason:
        error = str(reason)
        raise
    except BaseException as reason:
        error = f"{type(reason).__name__}: {reason}"
        raise
    finally:
        now = time.time()
        healthy = error is None and not run.problems
        outcome = {
            "kind": kind,
            "healthy": healthy,
            "error": error,
            "startedAt": naming.rfc3339(started),
            "finishedAt": naming.rfc3339(now),
            "lastSuccessAt": naming.rfc3339(now) if healthy else before.get("lastSuccessAt"),
            "seconds": round(now - started, 3),
            "figures": {**before.get("figures", {}), **run.figures},
            "problems": run.problems,
            **run.more,
        }
        files.write(path_of(settings, kind), json.dumps(outcome, ensure_ascii=False, indent=2) + "\n", 0o644)
        try:
            os.makedirs(METRICS, exist_ok=True)
            files.write(f"{METRICS}/aerial-backup-{kind}.prom", metrics(outcome), 0o644)
        except OSError as reason:
            say(f"metrics cannot be written: {reason}")


def metrics(outcome: dict) -> str:
    """The Prometheus text of an outcome."""
    kind = outcome["kind"]
    prefix = f"aerial_backup_{kind.replace('-', '_')}_"
    succeeded = outcome["lastSuccessAt"]
    values = {
        "healthy": int(outcome["healthy"]),
        "last_run_timestamp_seconds": naming.parse_rfc3339_ns(outcome["finishedAt"]) // 10**9,
        "last_success_timestamp_seconds": naming.parse_rfc3339_ns(succeeded) // 10**9 if succeeded else 0,
        "duration_seconds": outcome["seconds"],
        **outcome["figures"],
    }
    lines = []
    for name, value in values.items():
        meaning = COMMON.get(name) or FIGURES[kind][name]
        lines.append(f"# HELP {prefix}{name} {meaning}")
        lines.append(f"# TYPE {prefix}{name} {'counter' if name.endswith('_total') else 'gauge'}")
        if isinstance(value, dict):
            lines += [f'{prefix}{name}{{kind="{label}"}} {number}' for label, number in value.items()]
        else:
            lines.append(f"{prefix}{name} {value}")
    return "\n".join(lines) + "\n"

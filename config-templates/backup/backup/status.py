"""What a person wants to know first: is everything backed up, since when, and can it be restored?"""

import json
import os
import time

import files
from backup import naming
from backup.results import path_of
from backup.settings import Settings

KINDS = {
    "upload": "shows uploaded",
    "dump": "database dumped",
    "configuration": "configuration archived",
    "audit": "everything compared with the bucket",
    "audit-quick": "bucket looked through",
    "drill": "restored on trial",
    "drill-all": "all shows restored on trial",
}
SHOWN_PROBLEMS = 20


def status(settings: Settings, as_json: bool) -> bool:
    """Prints it; whether all is well."""
    outcomes = {kind: files.recall(path_of(settings, kind)) or None for kind in KINDS}
    if settings.database is None:
        del outcomes["dump"]
    # A machine in its first week has not come to everything.
    well = outcomes["upload"] is not None and all(run is None or run["healthy"] for run in outcomes.values())
    if as_json:
        print(json.dumps({"healthy": well, "runs": outcomes}, ensure_ascii=False, indent=2))
        return well
    for kind, outcome in outcomes.items():
        print(line(kind, outcome))
        for problem in (outcome or {}).get("problems", [])[:SHOWN_PROBLEMS]:
            name = os.path.join(problem.get("channel") or "", problem.get("path") or problem.get("key") or "")
            print(f"    {problem['kind']}: {name}{': ' if name else ''}{problem['detail']}")
        more = len((outcome or {}).get("problems", [])) - SHOWN_PROBLEMS
        if more > 0:
            print(f"    and {more} more: {path_of(settings, kind)}")
    uploads = outcomes["upload"]
    if uploads:
        figures = uploads["figures"]
        print(
            f"{figures['protected_shows']} of {figures['shows']} shows are in {settings.shows_bucket}, "
            f"{size(figures['protected_bytes'])}; {figures['pending_shows']} on their way, "
            f"{figures['refused_shows']} that cannot be backed up"
        )
    return well


def line(kind: str, outcome: dict | None) -> str:
    if outcome is None:
        return f"?? {KINDS[kind]}: never yet"
    mark = "ok" if outcome["healthy"] else "!!"
    told = f"{mark} {KINDS[kind]}: {age(outcome['finishedAt'])}, in {outcome['seconds']:.1f} s"
    if not outcome["healthy"]:
        last = outcome["lastSuccessAt"]
        told += f"; last well {age(last) if last else 'never'}"
    return told + (f"\n    {outcome['error']}" if outcome["error"] else "")


def age(moment: str) -> str:
    seconds = max(0, time.time() - naming.parse_rfc3339_ns(moment) / 1e9)
    for unit, length in (("days", 86_400), ("h", 3600), ("min", 60)):
        if seconds >= 2 * length:
            return f"{seconds / length:.0f} {unit} ago"
    return f"{seconds:.0f} s ago"


def size(count: float) -> str:
    for unit in ("bytes", "kB", "MB", "GB"):
        if count < 1000:
            return f"{count:.0f} {unit}" if unit == "bytes" else f"{count:.1f} {unit}"
        count /= 1000
    return f"{count:.2f} TB"

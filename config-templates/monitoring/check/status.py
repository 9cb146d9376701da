#!/usr/bin/python3
"""Tells what the monitoring machine sees: one JSON object. `status --check` is silent, and fails unless Prometheus runs
and has read this machine's own metrics: that others are away is what it is there to tell.
"""

import json
import sys
import urllib.error
import urllib.request

PROMETHEUS = "http://127.0.0.1:9090/api/v1/targets?state=active"
PATIENCE_SECONDS = 5
OWN = "monitoring"


def survey(targets: list[dict]) -> tuple[dict, list[str]]:
    """The status, and what is wrong with this machine itself, in words."""
    machines = {
        target["labels"]["machine"]: {
            "health": target["health"],
            "error": target["lastError"] or None,
        }
        for target in targets
        if target["labels"]["job"] == "machine"
    }
    own = machines.get(OWN, {"health": "unknown", "error": "it is not among those that Prometheus knows"})
    problems = [] if own["health"] == "up" else [f"its own metrics are not read: {own['error'] or own['health']}"]
    return {"role": "monitoring", "machines": machines}, problems


def ask() -> list[dict]:
    with urllib.request.urlopen(PROMETHEUS, timeout=PATIENCE_SECONDS) as response:
        return json.load(response)["data"]["activeTargets"]


def main() -> None:
    try:
        status, problems = survey(ask())
    except (OSError, ValueError, KeyError) as reason:
        status = {"role": "monitoring", "machines": {}}
        problems = [f"Prometheus does not answer: {reason}"]
    if sys.argv[1:] == ["--check"]:
        sys.exit("\n".join(problems) if problems else 0)
    print(json.dumps({**status, "problems": problems}))


if __name__ == "__main__":
    main()

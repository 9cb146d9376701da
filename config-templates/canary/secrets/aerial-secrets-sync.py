#!/usr/bin/python3
"""Applies secrets that have changed since they were last applied, in place, so that rotating a password needs no new
machine; then says how many listeners there are. A failure is tried again by the timer."""

import json
import os
import subprocess
import sys
import urllib.request

sys.path.insert(0, os.path.join(os.environ.get("AERIAL_ROOT", "/"), "usr/local/lib/aerial"))
import canary

APPLIED = "/var/lib/aerial/joined"


def sync(given: dict) -> None:
    try:
        secrets = canary.read_parameter(given["secrets"])
    except canary.FAULTS as reason:
        raise canary.Failed(f"{given['secrets']}: {reason}") from None
    version = f"{secrets['Version']}\n"
    with open(canary.path(APPLIED), encoding="utf-8") as file:
        if file.read() == version:
            return
    with open(canary.path("/var/lib/aerial/delivery/current/delivery.json"), encoding="utf-8") as file:
        delivery = {**json.load(file), "secrets": json.loads(secrets["Value"])}
    program = [canary.path("/usr/local/sbin/aerial-receive")]
    if subprocess.run(program, input=canary.packed(delivery), text=True, check=False).returncode != 0:
        raise canary.Failed("the new secrets are refused; the old ones stay")
    with open(canary.path(APPLIED), "w", encoding="utf-8") as file:
        file.write(version)


def publish(given: dict) -> None:
    """The listeners of this machine, for dashboards; nothing depends on it."""
    try:
        with urllib.request.urlopen("http://127.0.0.1:8079/drain", timeout=5) as answer:
            listeners = json.load(answer)["listeners"]
        if listeners is not None:
            dimensions = [{"Name": "AutoScalingGroupName", "Value": given["group"]}]
            data = {"MetricName": "Listeners", "Unit": "Count", "Value": listeners, "Dimensions": dimensions}
            canary.client("cloudwatch").put_metric_data(Namespace=given["namespace"], MetricData=[data])
    except (OSError, ValueError, *canary.FAULTS) as reason:
        print(f"listeners not published: {reason}", file=sys.stderr)


if __name__ == "__main__":
    os.umask(0o077)
    plan = canary.settings()
    publish(plan)
    try:
        sync(plan)
    except canary.Failed as failure:
        sys.exit(f"aerial-secrets-sync: {failure}")

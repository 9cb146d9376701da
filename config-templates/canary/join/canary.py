"""What a machine of an Auto Scaling group knows of itself, and what it says to Amazon. Installed beside the programs
that use it. Who may read and say this is the instance's role; there is no key on the machine."""

import base64
import gzip
import json
import os
import sys
import time
from collections.abc import Callable
from typing import Any

import boto3
import botocore.config
import botocore.exceptions

ROOT = os.environ.get("AERIAL_ROOT", "/")
# A role that was made a moment ago is not known everywhere yet.
PATIENCE_SECONDS = float(os.environ.get("AERIAL_PATIENCE_SECONDS", "300"))
# A standard parameter holds 4096 bytes.
REPORT_LIMIT_BYTES = 3500
FAULTS = (botocore.exceptions.BotoCoreError, botocore.exceptions.ClientError)


class Failed(Exception):
    """Why this machine cannot serve; the text holds no secret."""


def path(absolute: str) -> str:
    return os.path.join(ROOT, absolute.lstrip("/"))


def settings() -> Any:
    with open(path("/etc/aerial/canary.json"), encoding="utf-8") as file:
        return json.load(file)


def instance_id() -> str:
    """As cloud-init has learned it from the metadata service."""
    with open(path("/var/lib/cloud/data/instance-id"), encoding="utf-8") as file:
        return file.read().strip()


def client(service: str) -> Any:
    patience = botocore.config.Config(
        connect_timeout=5, read_timeout=20, retries={"mode": "standard", "total_max_attempts": 3}
    )
    return boto3.client(service, region_name=settings()["region"], config=patience)


def patiently(what: str, action: Callable[[], Any], between: Callable[[], None] = lambda: None) -> Any:
    """The result of an action that Amazon may refuse for a while; `between` runs before each further try."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    pause = 1.0
    while True:
        try:
            return action()
        except FAULTS as reason:
            if time.monotonic() + pause > deadline:
                raise Failed(f"{what}: {reason}") from None
            print(f"{what}: {reason}; trying again in {pause:.0f} s", file=sys.stderr, flush=True)
        time.sleep(pause)
        pause = min(2 * pause, 15.0)
        between()


def packed(delivery: dict) -> str:
    """As aerial-receive takes it."""
    return base64.b64encode(gzip.compress(json.dumps(delivery).encode())).decode()


def read_object(bucket: str, key: str) -> bytes:
    content: bytes = client("s3").get_object(Bucket=bucket, Key=key)["Body"].read()
    return content


def read_parameter(name: str) -> Any:
    return client("ssm").get_parameter(Name=name, WithDecryption=True)["Parameter"]


def lifecycle(action: str, **more: str) -> bool:
    """Tells the group about this instance's way into service. False when the group no longer waits for it."""
    given = settings()
    call = getattr(client("autoscaling"), action)
    try:
        call(
            AutoScalingGroupName=given["group"],
            LifecycleHookName=given["hook"],
            InstanceId=instance_id(),
            **more,
        )
    except botocore.exceptions.ClientError as reason:
        if reason.response.get("Error", {}).get("Code") == "ValidationError":
            return False
        raise
    return True


def heartbeat() -> None:
    """Asks for more time; what goes wrong here shows when the time is over."""
    try:
        lifecycle("record_lifecycle_action_heartbeat")
    except FAULTS as reason:
        print(f"heartbeat: {reason}", file=sys.stderr, flush=True)


def words_of(reason: Exception) -> str:
    return str(reason) if isinstance(reason, Failed) else f"{type(reason).__name__}: {reason}"


def give_up(reason: str) -> None:
    """Leaves word of the reason, then lets the group put another machine in this one's place."""
    # The end of a text is where it says what went wrong; "{{" would be read as a reference to a parameter.
    words = reason.strip().replace("{{", "{ {").encode()[-REPORT_LIMIT_BYTES:].decode(errors="ignore")
    text = f"{time.strftime('%Y-%m-%dT%H:%M:%SZ', time.gmtime())} {instance_id()}: {words}"
    print(text, file=sys.stderr, flush=True)
    try:
        patiently(
            "report",
            lambda: client("ssm").put_parameter(Name=settings()["report"], Value=text, Type="String", Overwrite=True),
        )
    except Failed as silent:
        print(f"the group learns no reason: {silent}", file=sys.stderr, flush=True)
    patiently("abandon", lambda: lifecycle("complete_lifecycle_action", LifecycleActionResult="ABANDON"))

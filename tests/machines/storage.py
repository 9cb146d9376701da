"""Uses S3 as a station's programs do, and tells what came of it.

Each line of standard input: JSON {region, keys: {name: [id, secret, token]}, calls: [[label, key, operation,
parameters]]}. Only keys of instances have a token. A key of null is nobody. For each a line of standard output: JSON
{label: answer}, where an answer that is refused is {"refused": code, "said": message}.
"""

import contextlib
import functools
import json
import sys
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
from botocore import UNSIGNED
from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError, ConnectionClosedError


@functools.cache
def client(region: str, key: tuple[str, ...] | None, style: str) -> Any:
    config = {
        "retries": {"total_max_attempts": 1},
        "s3": {"addressing_style": style},
        # What a busy machine needs; a storage that stands still is known by it.
        "connect_timeout": 5,
        "read_timeout": 5,
    }
    if key is None:
        return boto3.client("s3", region_name=region, config=Config(signature_version=UNSIGNED, **config))
    identity, secret, *token = key
    return boto3.client(
        "s3",
        region_name=region,
        aws_access_key_id=identity,
        aws_secret_access_key=secret,
        aws_session_token=token[0] if token else None,
        config=Config(**config),
    )


def heard(call: Callable[[], Any]) -> Any:
    """The server's answer. It may refuse a request, and close the connection, before it has read all of it: then the
    client may find the connection closed before it finds the answer. That is asked for again."""
    for _ in range(5):
        with contextlib.suppress(ConnectionClosedError):
            return call()
    return call()


def parameters(given: dict) -> dict:
    days = given.pop("retainDays", None)
    if days is not None:
        until = datetime.now(UTC) + timedelta(days=days)
        given["Retention"] = {"Mode": "GOVERNANCE", "RetainUntilDate": until}
    if "Body" in given:
        given["Body"] = given["Body"].encode()
    return given


def answer(region: str, key: Any, operation: str, given: dict) -> Any:
    name, _, style = operation.partition("@")
    call = functools.partial(getattr(client(region, key, style or "virtual"), name), **parameters(given))
    try:
        said = heard(call)
    except ClientError as error:
        return {"refused": error.response["Error"]["Code"], "said": error.response["Error"].get("Message", "")}
    except BotoCoreError as error:
        return {"refused": type(error).__name__}
    if isinstance(said, str):
        return said
    if "Body" in said:
        said["Body"] = said["Body"].read().decode()
    said.pop("ResponseMetadata")
    return said


for line in sys.stdin:
    wanted = json.loads(line)
    answers = {
        label: answer(wanted["region"], key and tuple(wanted["keys"][key]), operation, given)
        for label, key, operation, given in wanted["calls"]
    }
    print(json.dumps(answers, default=str), flush=True)

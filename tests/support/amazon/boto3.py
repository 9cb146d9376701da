"""Stands in for boto3 in tests of programs that talk to Amazon: answers and calls are files in $FAKE_AMAZON."""

import io
import json
import os
from collections.abc import Callable
from typing import Any

from botocore.exceptions import ClientError

FOLDER = os.environ["FAKE_AMAZON"]


def read(name: str, missing: Any) -> Any:
    try:
        with open(os.path.join(FOLDER, name), encoding="utf-8") as file:
            return json.load(file)
    except FileNotFoundError:
        return missing


def write(name: str, value: Any) -> None:
    with open(os.path.join(FOLDER, name), "w", encoding="utf-8") as file:
        json.dump(value, file)


class Client:
    def __init__(self, service: str, region: str) -> None:
        self.service = service
        self.region = region

    def note(self, action: str, given: dict) -> None:
        write("calls.json", [*read("calls.json", []), [self.service, action, given]])
        # As many times as it says, an action fails with a code.
        faults = read("faults.json", {})
        code, times = faults.get(action, ["", 0])
        if times > 0:
            write("faults.json", {**faults, action: [code, times - 1]})
            raise ClientError({"Error": {"Code": code, "Message": "refused"}}, action)

    def get_parameter(self, **given: Any) -> dict:
        self.note("get_parameter", given)
        found = read("parameters.json", {}).get(given["Name"])
        if found is None:
            raise ClientError({"Error": {"Code": "ParameterNotFound", "Message": given["Name"]}}, "GetParameter")
        return {"Parameter": {"Name": given["Name"], **found}}

    def get_object(self, **given: Any) -> dict:
        self.note("get_object", given)
        found = read("objects.json", {}).get(f"{given['Bucket']}/{given['Key']}")
        if found is None:
            raise ClientError({"Error": {"Code": "NoSuchKey", "Message": given["Key"]}}, "GetObject")
        return {"Body": io.BytesIO(found.encode())}

    def __getattr__(self, action: str) -> Callable[..., None]:
        return lambda **given: self.note(action, given)


def client(service: str, region_name: str, config: Any) -> Client:
    assert config is not None
    return Client(service, region_name)

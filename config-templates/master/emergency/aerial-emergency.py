#!/usr/bin/python3
"""Emergency shows on this Master's disk, kept up to date from the station's bucket of shows.

    aerial-emergency run       what the timer does: checks what is here, fetches what is newer
    aerial-emergency status    what is here, by channel, as JSON

The newest shows of each channel that fit into its limit are kept in /var/lib/aerial/emergency/<channel>, which the
channel's Liquidsoap watches. S3 away, or a show that is no good: what is here stays.
"""

import json
import os
import sys
import time
from collections.abc import Iterator
from typing import BinaryIO

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import emergency_audio
import emergency_shows as shows
import files

HOME = "/var/lib/aerial/emergency"
# Moved by the unit to where the node exporter reads.
METRICS = f"{HOME}/.metrics.prom"
CHUNK_BYTES = 1 << 18


class Bucket:
    """The bucket of shows, as far as it is needed here. All its errors are `Away`, but for a show that has gone."""

    def __init__(self, plan: dict) -> None:
        # Half a second and 40 MB: not for `status`.
        import boto3
        import botocore.config
        import botocore.exceptions
        import urllib3.exceptions

        self.name = plan["bucket"]
        self.bytes_per_second = plan["bytesPerSecond"]
        self.refusal = botocore.exceptions.ClientError
        self.errors = (
            botocore.exceptions.BotoCoreError,
            botocore.exceptions.ClientError,
            urllib3.exceptions.HTTPError,
            OSError,
        )
        self.client = boto3.Session(profile_name="shows").client(
            "s3",
            region_name=plan["region"],
            config=botocore.config.Config(connect_timeout=5, read_timeout=30, retries={"mode": "standard"}),
        )

    def pages(self, **what: str) -> Iterator[dict]:
        try:
            yield from self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, **what)
        except self.errors as reason:
            raise shows.Away(f"cannot list {self.name}: {reason}") from None

    def folders(self, prefix: str) -> list[str]:
        """The folders in one, with their whole prefixes."""
        return [
            entry["Prefix"]
            for page in self.pages(Prefix=prefix, Delimiter="/")
            for entry in page.get("CommonPrefixes", [])
        ]

    def objects(self, prefix: str) -> list[shows.Listed]:
        return [
            shows.Listed(entry["Key"], entry["Size"], entry["ETag"].strip('"'), entry["LastModified"].timestamp())
            for page in self.pages(Prefix=prefix)
            for entry in page.get("Contents", [])
        ]

    def fetch(self, key: str, file: BinaryIO) -> tuple[dict[str, str], str]:
        """Writes a show to a file, at an even pace that leaves the line to the streams; what S3 says of it."""
        try:
            answer = self.client.get_object(Bucket=self.name, Key=key)
            began, got = time.monotonic(), 0
            while chunk := answer["Body"].read(CHUNK_BYTES):
                file.write(chunk)
                got += len(chunk)
                time.sleep(max(0, began + got / self.bytes_per_second - time.monotonic()))
        except self.refusal as reason:
            if reason.response.get("Error", {}).get("Code") in ("NoSuchKey", "404"):
                raise shows.Gone(key) from None
            raise shows.Away(f"cannot fetch {key}: {reason}") from None
        except self.errors as reason:
            raise shows.Away(f"cannot fetch {key}: {reason}") from None
        if got != answer["ContentLength"]:
            raise shows.Away(f"{key} broke off after {got} of {answer['ContentLength']} bytes")
        return answer.get("Metadata", {}), answer.get("VersionId", "")


def say(text: str) -> None:
    print(text, flush=True)


def run(plan: dict) -> None:
    keeper = shows.Keeper(HOME, plan, say, emergency_audio.problem)
    began = time.monotonic()
    away = None
    try:
        # Before S3 is asked: a show that has gone bad on the disk goes whatever happens next.
        keeper.verify()
        keeper.refresh(Bucket(plan))
    except shows.Away as reason:
        away = reason
    files.write(METRICS, keeper.metrics(away is None, time.time(), time.monotonic() - began), mode=0o644)
    if away is not None:
        sys.exit(f"S3 is away; {keeper.summary()} stay as they are: {away}")


def main() -> None:
    command = sys.argv[1:]
    if command not in (["run"], ["status"]):
        sys.exit("usage: aerial-emergency run | status")
    plan = files.read_json("/etc/aerial/emergency.json")
    if command == ["status"]:
        print(json.dumps(shows.Keeper(HOME, plan, say, emergency_audio.problem).status()))
        return
    os.umask(0o022)
    run(plan)


if __name__ == "__main__":
    main()

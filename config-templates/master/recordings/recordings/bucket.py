"""The bucket of recordings. A Master's writer adds below its own name, and takes its own takes away."""

import base64
import contextlib
import hashlib
import time
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

# A show's worth of audio in seconds, at a fiftieth of a droplet's line: what is on air comes first.
BYTES_PER_SECOND = 5_000_000
CONNECT_SECONDS, READ_SECONDS = 5, 30
HASH_BYTES = 1 << 20


class Away(Exception):
    """S3 cannot be had, or says no; the text says why."""


class Bucket:
    def __init__(self, name: str, region: str, profile: str) -> None:
        # Half a second of processor time.
        import boto3
        from botocore import config, exceptions
        from urllib3.exceptions import HTTPError

        self.name = name
        self.errors = (exceptions.BotoCoreError, exceptions.ClientError, HTTPError, OSError)
        try:
            self.client: Any = boto3.Session(profile_name=profile).client(
                "s3",
                region_name=region,
                config=config.Config(
                    connect_timeout=CONNECT_SECONDS, read_timeout=READ_SECONDS, retries={"mode": "standard"}
                ),
            )
        except self.errors as reason:
            raise Away(f"S3 cannot be asked: {reason}") from None

    @contextlib.contextmanager
    def asking(self, what: str) -> Iterator[None]:
        try:
            yield
        except self.errors as reason:
            raise Away(f"{what}: {reason}") from None

    def put(self, key: str, file: BinaryIO, content_type: str) -> None:
        """Puts a file, whose hash S3 verifies."""
        digest = hashlib.sha256()
        file.seek(0)
        while part := file.read(HASH_BYTES):
            digest.update(part)
        size = file.tell()
        file.seek(0)
        with self.asking(f"putting {key}"):
            self.client.put_object(
                Bucket=self.name,
                Key=key,
                Body=Paced(file),
                ContentLength=size,
                ContentType=content_type,
                ChecksumSHA256=base64.b64encode(digest.digest()).decode(),
            )

    def delete(self, keys: Iterable[str]) -> None:
        for key in keys:
            with self.asking(f"taking {key} away"):
                self.client.delete_object(Bucket=self.name, Key=key)

    def get(self, key: str, at: int = 0, size: int | None = None) -> bytes:
        part = {} if size is None else {"Range": f"bytes={at}-{at + size - 1}"}
        with self.asking(f"fetching {key}"):
            return self.client.get_object(Bucket=self.name, Key=key, **part)["Body"].read()

    def keys(self, prefix: str) -> list[str]:
        return [entry["Key"] for page in self._pages(Prefix=prefix) for entry in page.get("Contents", [])]

    def folders(self, prefix: str) -> list[str]:
        """Names of the folders in one."""
        return [
            entry["Prefix"].removeprefix(prefix).rstrip("/")
            for page in self._pages(Prefix=prefix, Delimiter="/")
            for entry in page.get("CommonPrefixes", [])
        ]

    def _pages(self, **what: str) -> Iterator[dict]:
        with self.asking(f"listing {self.name}"):
            yield from self.client.get_paginator("list_objects_v2").paginate(Bucket=self.name, **what)


class Paced:
    """A file that is read at an even pace."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.began = time.monotonic()
        self.got = 0

    def read(self, size: int = -1) -> bytes:
        time.sleep(max(0.0, self.began + self.got / BYTES_PER_SECOND - time.monotonic()))
        data = self.file.read(size)
        self.got += len(data)
        return data

    def seek(self, offset: int, whence: int = 0) -> int:
        self.began, self.got = time.monotonic(), 0
        return self.file.seek(offset, whence)

    def tell(self) -> int:
        return self.file.tell()

"""The buckets. What is put is put by the writer, what is read is read by the reader: neither could do the other's."""

import base64
import contextlib
import hashlib
import os
import threading
from collections.abc import Iterable, Iterator
from typing import Any, BinaryIO

from backup.settings import CREDENTIALS, Failed, Settings

# Above this, in parts: one PutObject takes 5 GB at most, and begins anew when it breaks.
PUT_LIMIT_BYTES = 1 << 30
PART_BYTES = 16 << 20
CONNECT_SECONDS, READ_SECONDS = 5, 60


class Away(Exception):
    """S3 cannot be reached, or is not well."""


class Refused(Failed):
    """S3 has answered, with no."""


@contextlib.contextmanager
def answers(what: str) -> Iterator[None]:
    """Tells an S3 that is away from one that says no."""
    from botocore import exceptions
    from urllib3.exceptions import HTTPError

    try:
        yield
    except exceptions.ClientError as reason:
        told, status = reason.response.get("Error", {}), reason.response["ResponseMetadata"].get("HTTPStatusCode", 0)
        text = f"{what}: {told.get('Code')} ({told.get('Message')})"
        if status >= 500 or told.get("Code") in ("SlowDown", "RequestTimeout"):
            raise Away(text) from None
        raise Refused(text) from None
    except (exceptions.NoCredentialsError, exceptions.ProfileNotFound) as reason:
        raise Failed(f"{what}: {CREDENTIALS} is not complete ({reason}): have the secrets been delivered?") from None
    except (exceptions.BotoCoreError, HTTPError, OSError) as reason:
        raise Away(f"{what}: {reason}") from None


class Store:
    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.clients: dict[str, Any] = {}
        self.lock = threading.Lock()

    def client(self, profile: str) -> Any:
        with self.lock:
            if profile not in self.clients:
                self.clients[profile] = self.make_client(profile)
            return self.clients[profile]

    def make_client(self, profile: str) -> Any:
        # Half a second of processor time, which most runs of the uploader can do without.
        from botocore.config import Config
        from botocore.session import Session

        os.environ["AWS_SHARED_CREDENTIALS_FILE"] = CREDENTIALS
        os.environ["AWS_EC2_METADATA_DISABLED"] = "true"
        with answers("credentials"):
            return Session(profile=profile).create_client(
                "s3",
                region_name=self.settings.region,
                config=Config(
                    connect_timeout=CONNECT_SECONDS,
                    read_timeout=READ_SECONDS,
                    retries={"mode": "standard", "total_max_attempts": 2},
                    max_pool_connections=32,
                    s3={"us_east_1_regional_endpoint": "regional"},
                    user_agent_extra="aerial-backup",
                ),
            )

    def head(self, bucket: str, key: str, version: str | None = None) -> dict | None:
        """What the bucket tells of an object's current version; None when there is none."""
        reader, which = self.client("reader"), {"VersionId": version} if version else {}
        try:
            with answers(f"asking for {key}"):
                return reader.head_object(Bucket=bucket, Key=key, **which)
        except Refused as reason:
            if any(code in str(reason) for code in (": 404", ": NoSuchKey", ": NotFound")):
                return None
            raise

    def locks_all(self, bucket: str) -> bool:
        """Whether the bucket locks whatever is put into it."""
        try:
            with answers(f"asking for the locks of {bucket}"):
                told = self.client("reader").get_object_lock_configuration(Bucket=bucket)
        except Refused:
            return False
        return "DefaultRetention" in told["ObjectLockConfiguration"].get("Rule", {})

    def get(self, bucket: str, key: str, version: str | None = None) -> dict:
        """An object and its body, a stream; read it within `answers`."""
        which = {"VersionId": version} if version else {}
        with answers(f"fetching {key}"):
            return self.client("reader").get_object(Bucket=bucket, Key=key, **which)

    def pieces(self, given: dict, what: str) -> Iterator[bytes]:
        """The body of what `get` gave, in pieces; it is closed afterwards."""
        with contextlib.closing(given["Body"]) as body:
            while True:
                with answers(f"fetching {what}"):
                    piece = body.read(1 << 20)
                if not piece:
                    return
                yield piece

    def listing(self, bucket: str, prefix: str) -> Iterator[dict]:
        """The current objects, as S3 tells them: Key, Size, LastModified."""
        pages = self.client("reader").get_paginator("list_objects_v2").paginate(Bucket=bucket, Prefix=prefix)
        return self.pages(bucket, pages, "Contents")

    def versions(self, bucket: str, prefix: str) -> Iterator[dict]:
        """All versions of all objects, without delete markers: Key, VersionId, Size, LastModified, IsLatest."""
        pages = self.client("reader").get_paginator("list_object_versions").paginate(Bucket=bucket, Prefix=prefix)
        return self.pages(bucket, pages, "Versions")

    def pages(self, bucket: str, pages: Iterable[dict], part: str) -> Iterator[dict]:
        pages = iter(pages)
        while True:
            with answers(f"listing {bucket}"):
                page = next(pages, None)
            if page is None:
                return
            yield from page.get(part, ())

    def put(
        self, bucket: str, key: str, file: BinaryIO, size: int, sha256: str, metadata: dict[str, str], content_type: str
    ) -> str:
        """Puts an open file, whose hash S3 verifies: half an object never exists. Its version."""
        what = {"Bucket": bucket, "Key": key, "Metadata": metadata, "ContentType": content_type}
        file.seek(0)
        with answers(f"putting {key}"):
            if size > PUT_LIMIT_BYTES:
                return self.put_in_parts(what, file, sha256)
            return self.client("writer").put_object(
                **what, Body=file, ContentLength=size, ChecksumSHA256=checksum(bytes.fromhex(sha256))
            )["VersionId"]

    def put_in_parts(self, what: dict, file: BinaryIO, sha256: str) -> str:
        writer, where = self.client("writer"), {"Bucket": what["Bucket"], "Key": what["Key"]}
        where["UploadId"] = writer.create_multipart_upload(**what, ChecksumAlgorithm="SHA256")["UploadId"]
        try:
            parts: list[dict] = []
            whole = hashlib.sha256()
            while piece := file.read(PART_BYTES):
                whole.update(piece)
                part = {
                    "PartNumber": len(parts) + 1,
                    "ChecksumSHA256": checksum(hashlib.sha256(piece).digest()),
                }
                told = writer.upload_part(**where, **part, Body=piece)
                parts.append({**part, "ETag": told["ETag"]})
            if whole.hexdigest() != sha256:
                raise Refused(f"putting {what['Key']}: the file has changed meanwhile")
            return writer.complete_multipart_upload(**where, MultipartUpload={"Parts": parts})["VersionId"]
        except BaseException:
            with contextlib.suppress(Exception):
                writer.abort_multipart_upload(**where)
            raise


def checksum(digest: bytes) -> str:
    return base64.b64encode(digest).decode()

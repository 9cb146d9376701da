"""The bucket as its owner sees it, for tests: `backup.py make BUCKET… | versions BUCKET | delete BUCKET KEY`."""

import json
import os
import sys

from botocore.session import Session

REGION = "eu-central-1"
os.environ["AWS_SHARED_CREDENTIALS_FILE"] = "/root/owner"

s3 = Session(profile="owner").create_client("s3", region_name=REGION)
command, bucket, *rest = sys.argv[1:]
match command:
    case "make":
        for name in (bucket, *rest):
            s3.create_bucket(
                Bucket=name,
                ObjectLockEnabledForBucket=True,
                CreateBucketConfiguration={"LocationConstraint": REGION},
            )
            s3.put_object_lock_configuration(
                Bucket=name,
                ObjectLockConfiguration={
                    "ObjectLockEnabled": "Enabled",
                    "Rule": {"DefaultRetention": {"Mode": "GOVERNANCE", "Days": 1}},
                },
            )
    case "versions":
        found = []
        for page in s3.get_paginator("list_object_versions").paginate(Bucket=bucket):
            for entry in page.get("Versions", ()):
                head = s3.head_object(Bucket=bucket, Key=entry["Key"], VersionId=entry["VersionId"])
                found.append(
                    {
                        "key": entry["Key"],
                        "size": entry["Size"],
                        "latest": entry["IsLatest"],
                        "type": head["ContentType"],
                        "metadata": head["Metadata"],
                    }
                )
        print(json.dumps(found))
    case "delete":
        s3.delete_object(Bucket=bucket, Key=rest[0])

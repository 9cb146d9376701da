#!/usr/bin/python3
"""Takes the files of this machine's role that its user data had no room for: `aerial-bulk < list`.

The list comes over SSH, as `aerial-unpack` reads it, compressed, in base64. It is taken only if its SHA-256 stands in
/etc/aerial/bulk.json, which came with the user data: what this machine is was settled when it was made.
"""

import base64
import gzip
import hashlib
import json
import subprocess
import sys

SETTLED = "/etc/aerial/bulk.json"
LIST = "/var/lib/aerial/bulk-files.json"
CLOUD_INIT_LIMIT_SECONDS = 900
LIMIT_BYTES = 8 << 20


def main() -> None:
    content = gzip.decompress(base64.b64decode(sys.stdin.buffer.read(LIMIT_BYTES)))
    try:
        # Packages come first, and owners of files with them. A degraded cloud-init is aerial-ready's to report.
        subprocess.run(["cloud-init", "status", "--wait"], timeout=CLOUD_INIT_LIMIT_SECONDS, check=False)
    except subprocess.TimeoutExpired:
        sys.exit(f"aerial-bulk: cloud-init was not done within {CLOUD_INIT_LIMIT_SECONDS} s")
    with open(SETTLED, encoding="utf-8") as file:
        settled = json.load(file)
    if hashlib.sha256(content).hexdigest() != settled["sha256"]:
        sys.exit("aerial-bulk: these files are not those that this machine was made for: run pulumi up again")
    with open(LIST, "wb") as file:
        file.write(content)
    subprocess.run(["/usr/local/sbin/aerial-unpack", LIST], check=True)
    subprocess.run(["systemctl", "daemon-reload"], check=True)
    if settled["units"]:
        subprocess.run(["systemctl", "enable", "--now", *settled["units"]], check=True)


if __name__ == "__main__":
    main()

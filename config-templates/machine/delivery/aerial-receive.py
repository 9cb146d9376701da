#!/usr/bin/python3
"""Takes a delivery and has it applied by the program that comes with it: `aerial-receive < delivery`.

A delivery is all that this machine is to be, as JSON, compressed by gzip, in base64. This program came with the
machine's user data and knows no more of a delivery than where its program is, so it need not change.
"""

import base64
import gzip
import json
import os
import subprocess
import sys
import tempfile

PROGRAM = "/usr/local/lib/aerial/deliver/"
LIMIT_BYTES = 16 << 20


def main() -> int:
    delivery = gzip.decompress(base64.b64decode(sys.stdin.buffer.read(LIMIT_BYTES)))
    run = os.path.join(os.environ.get("AERIAL_ROOT", "/"), "run")
    with tempfile.TemporaryDirectory(prefix="aerial-delivery-", dir=run) as folder:
        os.mkdir(os.path.join(folder, "deliver"))
        for file in json.loads(delivery)["files"]:
            if file["path"].startswith(PROGRAM):
                name = os.path.join(folder, "deliver", file["path"].removeprefix(PROGRAM))
                with open(name, "w", encoding="utf-8") as module:
                    module.write(file["content"])
        command = [sys.executable, "-B", "-m", "deliver.apply"]
        return subprocess.run(command, cwd=folder, input=delivery, check=False).returncode


if __name__ == "__main__":
    os.umask(0o077)
    sys.exit(main())

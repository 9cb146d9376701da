#!/usr/bin/python3
"""
Uploads what `aerial-recorder` records to the station's bucket of recordings.

    aerial-recordings
"""

import os
import sys

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import files
from recordings import settings, upload
from recordings.bucket import Away, Bucket
from recordings.spool import Spool

# The unit links it to where the node exporter reads.
METRICS = f"{settings.HOME}/metrics.prom"


def main() -> None:
    os.umask(0o022)
    known = settings.load()
    bucket = Bucket(known.bucket, known.region, "writer")
    uploader = upload.Uploader(Spool(settings.HOME), bucket, known, settings.say)
    upload.run(uploader, Away, lambda text: files.write(METRICS, text, 0o644))


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""Writes the files of this machine's role: aerial-unpack FILES.json, a list of {path, mode, owner, content}.

User data carries them as one compressed list: each compressed by itself, they would exceed the provider's limit.
"""

import json
import os
import shutil
import sys

with open(sys.argv[1], encoding="utf-8") as source:
    files = json.load(source)
for file in files:
    path = file["path"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path + ".new", "w", encoding="utf-8", newline="") as target:
        target.write(file["content"])
    os.chmod(path + ".new", int(file["mode"], 8))
    shutil.chown(path + ".new", *file["owner"].split(":"))
    os.replace(path + ".new", path)

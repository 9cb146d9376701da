"""Files of a machine. Every role has this module."""

import contextlib
import json
import os
import shutil
import tempfile
from typing import Any


def write(path: str, text: str, mode: int = 0o600, owner: str = "") -> None:
    """Replaces a file in one step: a reader, or a power cut, sees the old one or the new one. `owner` is user:group."""
    handle, temporary = tempfile.mkstemp(dir=os.path.dirname(path), prefix=".new-")
    try:
        with os.fdopen(handle, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            # In this order: afterwards the file is another's, and a service without CAP_FOWNER may not change it.
            os.fchmod(handle, mode)
            if owner:
                shutil.chown(temporary, *owner.split(":"))
            os.fsync(handle)
        os.replace(temporary, path)
    except BaseException:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)
        raise


def read_text(path: str) -> str | None:
    """None where there is no file."""
    try:
        with open(path, encoding="utf-8") as file:
            return file.read()
    except FileNotFoundError:
        return None


def read_json(path: str) -> Any:
    with open(path, encoding="utf-8") as file:
        return json.load(file)


def recall(path: str) -> dict:
    """What a program left for its next run; nothing where there is no file, or a power cut tore it."""
    try:
        return json.loads(read_text(path) or "{}")
    except ValueError:
        return {}

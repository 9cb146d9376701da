"""The shows on disk: which there are, what is in a folder, and what can be played."""

import json
import os
import re
import stat
import subprocess
import unicodedata
from collections.abc import Iterable

import audio

CONTROL = re.compile(r"[\x00-\x1f\x7f]")
PROBE_SECONDS = 30
# Half a second of what `is_playable` decodes to: less is no show.
LEAST_BYTES = 8000


def is_show(path: str) -> bool:
    """Whether a path in a library is a show's, with a name that is proper text."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return False
    return audio.is_show(path) and not CONTROL.search(path)


def shows(root: str) -> dict[str, os.stat_result]:
    """All shows below a folder: stat results by path in it. Raises OSError when the folder is not there."""
    found = {}
    pending = [""]
    while pending:
        folder = pending.pop()
        try:
            entries = list(os.scandir(os.path.join(root, folder)))
        except FileNotFoundError:
            if folder == "":
                raise
            continue
        for entry in entries:
            path = os.path.join(folder, entry.name)
            try:
                known = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISDIR(known.st_mode):
                if not entry.name.startswith("."):
                    pending.append(path)
            elif stat.S_ISREG(known.st_mode) and is_show(path):
                found[path] = known
    return found


def inside(paths: Iterable[str], target: str) -> list[str]:
    """Those paths that a target of the schedule means: a folder's, or one. Computers differ in how they spell ü."""
    wanted = unicodedata.normalize("NFC", target)
    if target.endswith("/"):
        return [path for path in paths if unicodedata.normalize("NFC", path).startswith(wanted)]
    return [path for path in paths if unicodedata.normalize("NFC", path) == wanted]


def is_playable(file: str) -> bool:
    """Whether its first seconds decode. Small faults pass: an encoder's odd first frame must not silence a show."""
    try:
        result = subprocess.run(
            [
                *("ffmpeg", "-nostdin", "-v", "quiet", "-t", "5", "-i", f"file:{file}"),
                *("-map", "0:a:0", "-f", "s16le", "-ac", "1", "-ar", "8000", "-"),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            timeout=PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return False
    return len(result.stdout) >= LEAST_BYTES


def probe(file: str) -> dict | None:
    """What ffprobe tells of a file: {"seconds", "bit_rate", "sample_rate", "tags"}, or None when it is no audio."""
    command = ["ffprobe", "-v", "quiet", "-of", "json", "-show_format", "-show_streams", "-select_streams", "a:0"]
    try:
        result = subprocess.run(
            [*command, f"file:{file}"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            timeout=PROBE_SECONDS,
            check=False,
        )
        told = json.loads(result.stdout or b"{}")
    except (subprocess.TimeoutExpired, ValueError):
        return None
    if not told.get("streams"):
        return None
    stream, container = told["streams"][0], told.get("format", {})
    # Ogg keeps its tags in the stream.
    tags = {**stream.get("tags", {}), **container.get("tags", {})}
    return {
        "seconds": number(container.get("duration")),
        "bit_rate": number(container.get("bit_rate")),
        "sample_rate": number(stream.get("sample_rate")),
        "tags": {name.lower(): CONTROL.sub(" ", str(value)) for name, value in tags.items()},
    }


def number(text: str | None) -> float | None:
    try:
        return float(text or "")
    except ValueError:
        return None

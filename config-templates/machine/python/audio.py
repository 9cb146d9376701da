"""Which files are audio."""

import os

# What Liquidsoap plays, and as what it is served. The ending decides; what is inside is proven before it is used.
TYPES = {
    ".mp3": "audio/mpeg",
    ".flac": "audio/flac",
    ".ogg": "audio/ogg",
    ".oga": "audio/ogg",
    ".opus": "audio/ogg",
    ".wav": "audio/x-wav",
    ".m4a": "audio/mp4",
    ".aac": "audio/aac",
}


def type_of(path: str) -> str | None:
    return TYPES.get(os.path.splitext(path)[1].lower())


def is_show(path: str) -> bool:
    """Whether a path in a library is a show's: audio by its ending, and nothing in it hidden. `x.mp3.part` is none."""
    return type_of(path) is not None and not any(part.startswith(".") for part in path.split("/"))

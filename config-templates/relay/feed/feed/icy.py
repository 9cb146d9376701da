"""Titles in a stream, as ICY has them: after so many bytes of audio a block of text, whose length stands before it."""

import re

# One byte before the text counts its parts of 16 bytes.
PART = 16
LONGEST = 255 * PART

NOTHING = b"StreamTitle='';"
# The last one: a title may hold anything.
SOURCE = re.compile(rb"';StreamUrl='([a-z0-9-]+)';\0*$")
TITLE = re.compile(rb"StreamTitle='(.*?)';(?:Stream|\0*$)", re.DOTALL)


def clean(text: bytes) -> bytes:
    """A block's text with its title and nothing else. Icecast ends a source that sends other text."""
    found = TITLE.match(text)
    return b"StreamTitle='" + found[1] + b"';" if found else NOTHING


class Titles:
    """Takes the titles out of a stream."""

    def __init__(self, interval: int) -> None:
        """`interval`: bytes of audio between two blocks, or 0 for a stream without titles."""
        self.interval = interval
        self.audio_left = interval
        self.block = bytearray()
        self.block_left = -1

    def part(self, data: bytes) -> list[tuple[bytes, bytes | None]]:
        """The audio, and the title that begins behind each part of it (None where none does)."""
        if not self.interval:
            return [(data, None)]
        parts: list[tuple[bytes, bytes | None]] = []
        at = 0
        while at < len(data):
            if self.audio_left:
                part = data[at : at + self.audio_left]
                at += len(part)
                self.audio_left -= len(part)
                parts.append((part, None))
            elif self.block_left < 0:
                self.block_left = data[at] * PART
                self.block.clear()
                at += 1
            if not self.audio_left and self.block_left >= 0:
                text = data[at : at + self.block_left]
                at += len(text)
                self.block_left -= len(text)
                self.block += text
                if not self.block_left:
                    if self.block:
                        parts.append((b"", bytes(self.block).rstrip(b"\0")))
                    self.block_left = -1
                    self.audio_left = self.interval
        return parts


def block(text: bytes, parts: int = 0) -> bytes:
    """A block that holds a text, at least `parts` times 16 bytes long."""
    if len(text) > LONGEST:
        # Not in the middle of a character of UTF-8.
        text = text[: LONGEST - 2].decode("utf-8", "ignore").encode() + b"';"
    parts = max(parts, -(-len(text) // PART))
    return bytes([parts]) + text.ljust(parts * PART, b"\0")


def source_of(text: bytes) -> str | None:
    """What a Master plays: it says so where others have the address of a page."""
    found = SOURCE.search(text)
    return found[1].decode("ascii") if found else None


def title_of(text: bytes) -> str:
    """What a player shows for a block's text."""
    return text.removeprefix(b"StreamTitle='").removesuffix(b"';").decode("utf-8", "replace")

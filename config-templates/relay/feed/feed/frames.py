"""Frames of MP3 and of AAC in ADTS, found in a stream without decoding it."""

from collections.abc import Callable
from typing import NamedTuple

MPEG1_LAYER3_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG2_LAYER3_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
MPEG_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)

HEADER_BYTES = 7
# No frame is longer: 13 bits of an ADTS header hold its length.
LONGEST_FRAME = 8192


class Header(NamedTuple):
    length: int
    """Bytes of the whole frame."""
    seconds: float
    kind: int
    """What stays the same in a stream; with another value, these bytes are no header of it."""


class Frame(NamedTuple):
    data: bytes
    seconds: float
    series: tuple[int, ...]
    """What streams are lined up by: one number for each equal part of the frame."""


def mp3_header(data: bytes | bytearray, at: int) -> Header | None:
    """The header of an MPEG layer 3 frame at a position, or None if there is none."""
    b0, b1, b2 = data[at], data[at + 1], data[at + 2]
    version = b1 >> 3 & 3
    if b0 != 0xFF or b1 & 0xE6 != 0xE2 or version == 1:
        return None
    table = MPEG1_LAYER3_KBPS if version == 3 else MPEG2_LAYER3_KBPS
    rates = MPEG_RATES[version]
    if not 0 < b2 >> 4 < len(table) or b2 >> 2 & 3 == 3:
        return None
    rate = rates[b2 >> 2 & 3]
    samples = 1152 if version == 3 else 576
    length = samples // 8 * table[b2 >> 4] * 1000 // rate + (b2 >> 1 & 1)
    return Header(length, samples / rate, (b1 & 0xFE) << 8 | b2 & 0x0C)


def adts_header(data: bytes | bytearray, at: int) -> Header | None:
    """The same for an ADTS frame of AAC."""
    b0, b1, b2, b3 = data[at], data[at + 1], data[at + 2], data[at + 3]
    length = (b3 & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    rate = b2 >> 2 & 15
    if b0 != 0xFF or b1 & 0xF6 != 0xF0 or rate >= len(ADTS_RATES) or length <= HEADER_BYTES:
        return None
    blocks = (data[at + 6] & 3) + 1
    return Header(length, 1024 * blocks / ADTS_RATES[rate], (b1 & 0xFE) << 16 | (b2 & 0xFD) << 8 | b3 & 0xC0)


def mp3_gains(frame: bytes) -> tuple[int, ...]:
    """
    The sum of global_gain over the channels, for each granule. It follows the loudness of the sound, whatever the
    encoder's phase. The side information has it: ISO/IEC 11172-3, 2.4.1.7; 13818-3 for the lower sampling rates.
    """
    first = frame[1] >> 3 & 3 == 3
    mono = frame[3] >> 6 == 3
    side_at = 4 if frame[1] & 1 else 6
    side = int.from_bytes(frame[side_at : side_at + 32].ljust(32, b"\0"), "big")
    channels = 1 if mono else 2
    before, width = (18 if mono else 20, 59) if first else (9 if mono else 10, 63)
    parts = [side >> 256 - (before + width * part + 21) - 8 & 255 for part in range((2 if first else 1) * channels)]
    return tuple(sum(parts[at : at + channels]) for at in range(0, len(parts), channels))


def adts_length(frame: bytes) -> tuple[int, ...]:
    """The length of an AAC frame, which follows how much there is to encode."""
    return (len(frame),)


class Codec(NamedTuple):
    header: Callable[[bytes | bytearray, int], Header | None]
    series: Callable[[bytes], tuple[int, ...]]


CODECS = {"audio/mpeg": Codec(mp3_header, mp3_gains), "audio/aac": Codec(adts_header, adts_length)}


class FrameCutter:
    """Cuts a stream into whole frames, each proven by the header of the next one. What is no frame is skipped."""

    def __init__(self, content_type: str) -> None:
        self.codec = CODECS[content_type]
        self.rest = bytearray()
        self.kind: int | None = None
        self.skipped = 0

    def cut(self, data: bytes) -> list[Frame]:
        """The frames that became complete. The last one waits for the header behind it."""
        rest = self.rest
        rest += data
        frames: list[Frame] = []
        at = 0
        while at + HEADER_BYTES <= len(rest):
            header = self.codec.header(rest, at)
            if header is not None and self.kind in (None, header.kind):
                end = at + header.length
                if end + HEADER_BYTES > len(rest):
                    break
                following = self.codec.header(rest, end)
                if following is not None and following.kind == header.kind:
                    self.kind = header.kind
                    frame = bytes(rest[at:end])
                    frames.append(Frame(frame, header.seconds, self.codec.series(frame)))
                    at = end
                    self.skipped = 0
                    continue
            following_at = rest.find(b"\xff", at + 1)
            skip_to = len(rest) if following_at < 0 else following_at
            self.skipped += skip_to - at
            at = skip_to
            if self.skipped > 2 * LONGEST_FRAME:
                # The stream has changed its kind.
                self.kind = None
        del rest[:at]
        return frames


def read_loop(path: str, content_type: str) -> list[Frame]:
    """All frames of a file, to be played over and over. Raises ValueError when it holds none."""
    codec = CODECS[content_type]
    with open(path, "rb") as file:
        data = file.read()
    frames: list[Frame] = []
    at = 0
    while at + HEADER_BYTES <= len(data):
        header = codec.header(data, at)
        if header is None or at + header.length > len(data):
            break
        frame = data[at : at + header.length]
        frames.append(Frame(frame, header.seconds, codec.series(frame)))
        at += header.length
    if not frames:
        raise ValueError(f"{path} holds no audio")
    return frames

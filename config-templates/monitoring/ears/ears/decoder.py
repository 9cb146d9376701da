"""Decodes one connection's audio and measures it, by one ffmpeg. It prints levels and loudness ten times a second.

Measured for MP3 at 192 kbit/s and AAC at 64 kbit/s: 1 % of a core and 14 MB for each stream, and 42 MB once for the
libraries that all share. To print what ffmpeg's own filters find takes a tenth of what samples in Python would.
"""

import asyncio
import contextlib
from collections.abc import Callable

from ears.sound import Part

FILTERS = (
    # First: it cuts the sound into tenths of a second.
    "aformat=channel_layouts=stereo,ebur128=metadata=1,"
    "astats=metadata=1:reset=1:measure_perchannel=RMS_level:measure_overall=none,"
    "ametadata=mode=print:file=-:direct=1"
)
LEFT, RIGHT, MOMENTARY = "lavfi.astats.1.RMS_level", "lavfi.astats.2.RMS_level", "lavfi.r128.M"
# What is decoded comes in well below a second; with a burst in front of it, on a busy machine, later.
STUCK_SECONDS = 10.0


class Stuck(Exception):
    """ffmpeg takes no more audio, or has ended."""


class Decoder:
    def __init__(self, codec: str, heard: Callable[[Part], None]) -> None:
        self.codec = codec
        self.heard = heard

    async def start(self) -> None:
        self.process = await asyncio.create_subprocess_exec(
            *("ffmpeg", "-nostdin", "-hide_banner", "-loglevel", "quiet", "-threads", "1", "-filter_threads", "1"),
            # Begins at once, instead of with the first 5 s.
            *("-fflags", "nobuffer", "-probesize", "4096", "-analyzeduration", "0", "-f", self.codec, "-i", "pipe:0"),
            *("-af", FILTERS, "-f", "null", "-"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        self.reader = asyncio.create_task(self._read())

    async def decode(self, audio: bytes) -> None:
        """Raises Stuck."""
        stdin = self.process.stdin
        assert stdin is not None
        try:
            stdin.write(audio)
            async with asyncio.timeout(STUCK_SECONDS):
                await stdin.drain()
        except (OSError, TimeoutError) as reason:
            raise Stuck("ffmpeg decodes no more") from reason

    async def end(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            self.process.kill()
        # To its end: asyncio waits for a process until its pipes are empty, too.
        await self.reader
        await self.process.wait()

    async def _read(self) -> None:
        stdout = self.process.stdout
        assert stdout is not None
        told: dict[str, float] = {}
        while line := await stdout.readline():
            key, equals, value = line.decode("ascii", "replace").strip().partition("=")
            if equals:
                told[key] = float(value or "nan")
            elif told:
                self._tell(told)
                told = {}

    def _tell(self, told: dict[str, float]) -> None:
        if LEFT in told and RIGHT in told and MOMENTARY in told:
            self.heard(Part(told[LEFT], told[RIGHT], told[MOMENTARY]))

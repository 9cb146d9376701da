"""For the tests of the Ears: audio as encoders make it, and a Relay that serves it over TLS."""

import asyncio
import contextlib
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from ears.requests import trust
from ears.ring import CONTENT_TYPES
from ears.settings import Mount, Region, Settings
from feed import icy
from feed.frames import Frame, FrameCutter

NAME = "ams3.stream.radio.test"
INTERVAL = 4000
BITRATES = {"mp3": "192k", "aac": "64k"}
ENCODERS = {"mp3": "libmp3lame", "aac": "aac"}


def encode(left: str, right: str, seconds: float, codec: str = "mp3") -> list[Frame]:
    """Frames of what ffmpeg's expressions say: `0.1*sin(880*t)`, `0`."""
    audio = subprocess.run(
        [
            *(
                "ffmpeg",
                "-nostdin",
                "-v",
                "error",
                "-f",
                "lavfi",
                "-i",
                f"aevalsrc='{left}|{right}':s=44100:d={seconds}",
            ),
            *("-codec:a", ENCODERS[codec], "-b:a", BITRATES[codec], "-f", "adts" if codec == "aac" else codec),
            *(("-write_xing", "0") if codec == "mp3" else ()),
            "-",
        ],
        check=True,
        capture_output=True,
    ).stdout
    frames = FrameCutter(CONTENT_TYPES[codec]).cut(audio)
    assert sum(frame.seconds for frame in frames) > seconds - 0.2
    return frames


class Identity:
    """A certificate for a name, and a client that trusts it."""

    def __init__(self, folder: Path, name: str = NAME) -> None:
        self.pem = folder / f"{name}.pem"
        subprocess.run(
            [
                *("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"),
                *("-subj", f"/CN={name}", "-addext", f"subjectAltName=DNS:{name}", "-days", "2"),
                *("-keyout", str(self.pem), "-out", f"{self.pem}.crt"),
            ],
            check=True,
            capture_output=True,
        )
        self.pem.write_text(self.pem.read_text() + Path(f"{self.pem}.crt").read_text())

    def server(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(self.pem)
        return context

    def client(self) -> ssl.SSLContext:
        context = trust()
        context.load_verify_locations(self.pem)
        return context


class Stream:
    """What a mount plays in real time; the first `burst` seconds at once. At the end it begins again, or stalls."""

    def __init__(self, frames: Sequence[Frame], codec: str = "mp3", burst: float = 1.0, goes_on: bool = True) -> None:
        self.frames = frames
        self.codec = codec
        self.burst = burst
        self.goes_on = goes_on
        self.title = ""
        # How many are connected, and how many were at most and in all.
        self.now = self.most = self.all = 0


class Relay:
    """It answers as the NGINX of a Relay does."""

    def __init__(self, streams: dict[str, Stream]) -> None:
        self.streams = streams
        self.playing: dict[str, dict] = {}
        self.healthy = True
        self.status = 200
        self.requests: list[str] = []

    @contextlib.asynccontextmanager
    async def serving(self, identity: Identity | None) -> AsyncIterator[int]:
        """Its port."""
        server = await asyncio.start_server(self.answer, "127.0.0.1", ssl=identity.server() if identity else None)
        try:
            yield server.sockets[0].getsockname()[1]
        finally:
            server.close()

    async def answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError, EOFError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode()
            self.requests.append(head)
            path = head.split(" ")[1]
            stream = self.streams.get(path)
            if path == "/playing.json":
                writer.write(b"HTTP/1.1 200 OK\r\n\r\n" + json.dumps({"mounts": self.playing}).encode())
            elif path == "/healthz":
                writer.write(f"HTTP/1.1 {200 if self.healthy else 503} Told\r\n\r\n{{}}".encode())
            elif stream is None or self.status != 200:
                writer.write(f"HTTP/1.1 {self.status if stream else 404} No\r\n\r\n".encode())
            else:
                kind = CONTENT_TYPES[stream.codec]
                writer.write(f"HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nicy-metaint: {INTERVAL}\r\n\r\n".encode())
                await self.play(stream, reader, writer)
            await writer.drain()
        writer.close()

    async def play(self, stream: Stream, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        stream.now += 1
        stream.all += 1
        stream.most = max(stream.most, stream.now)
        gone = asyncio.create_task(reader.read())
        began = asyncio.get_running_loop().time()
        sent, number, audio, told = 0.0, 0, bytearray(), ""
        try:
            while not gone.done():
                due = asyncio.get_running_loop().time() - began + stream.burst
                while sent < due and (stream.goes_on or number < len(stream.frames)):
                    frame = stream.frames[number % len(stream.frames)]
                    audio += frame.data
                    sent, number = sent + frame.seconds, number + 1
                while len(audio) >= INTERVAL:
                    text = f"StreamTitle='{stream.title}';".encode()
                    writer.write(bytes(audio[:INTERVAL]) + (icy.block(text) if stream.title != told else b"\0"))
                    told = stream.title
                    del audio[:INTERVAL]
                await writer.drain()
                await asyncio.sleep(0.05)
        finally:
            gone.cancel()
            stream.now -= 1


def station(port: int, mounts: Sequence[Mount], health_port: int = 1, dns_seconds: float = 60.0) -> Settings:
    return Settings(
        stream="stream.radio.test",
        port=port,
        health_port=health_port,
        silence_db=-40.0,
        dns_seconds=dns_seconds,
        mounts=list(mounts),
        regions=[Region("ams3", NAME, {"relay-ams3-1": "127.0.0.1"})],
    )

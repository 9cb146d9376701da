"""
The connection by which one mount's audio goes into the local Icecast.

Icecast 2.4 and 2.5 take titles from the stream itself if a source promises them by `icy-metaint`; that is otherwise how
a relay receives them. So each title stands at its place in the audio, in the bytes it came in.

Icecast reads a source in blocks of 1,400 bytes. With each block, its thread makes one round over the listeners. A new
listener needs about four rounds until it gets audio: half a second at 64 kbit/s. A block of titles may be 4 KB long,
and zeros at its end mean nothing. So this can fill up a block of which little audio is there, and rounds cost no audio.
"""

import array
import asyncio
import base64
import fcntl
import os
import socket
import struct
import termios

from feed import icy
from feed.problem import Refused

# Bytes of audio between titles, on the way into Icecast. What listeners get is Icecast's `mp3-metadata-interval`.
INTERVAL = 64
BLOCK = 1400
ANSWER_SECONDS = 5.0
# Icecast reads at once. One that has left this much unread is stuck.
STUCK_BYTES = 1 << 20

# Where `struct tcp_info` has tcpi_bytes_acked (linux/tcp.h).
ACKED_AT = 120


def written(connection: socket.socket) -> int:
    """Bytes that were ever written to a connection, as the kernel counts them, plus or minus a constant."""
    information = connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, ACKED_AT + 8)
    unread = array.array("i", [0])
    fcntl.ioctl(connection.fileno(), termios.TIOCOUTQ, unread)
    return int(struct.unpack_from("=Q", information, ACKED_AT)[0]) + unread[0]


class Source:
    """`position` counts the bytes of the body; `phase`, the audio since the last title."""

    def __init__(self, connection: socket.socket, position: int = 0, phase: int = 0, title: bytes = b"") -> None:
        self.connection = connection
        self.position = position
        self.phase = phase
        self.title = title
        self.unsent = b""
        connection.setblocking(False)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)

    def encode(self, audio: bytes, title: bytes, fill: bool = False) -> bytes:
        """
        The bytes that bring audio and its title to Icecast. `fill`: they end where Icecast has a whole block, or a few
        bytes later. A fill needs up to INTERVAL bytes of audio.
        """
        parts: list[bytes] = []
        at = 0
        phase = self.phase
        position = self.position
        while len(audio) - at >= INTERVAL - phase:
            part = audio[at : at + INTERVAL - phase]
            at += len(part)
            phase = 0
            text = b"" if title == self.title else title
            self.title = title
            position += len(part)
            wanted = 0
            if fill and len(audio) - at < INTERVAL:
                # Nothing else than the title that holds, or Icecast would take the filling for a new one.
                text = title
                # Without a byte of audio, a block makes no round.
                wanted = -(-(-(position + 1) % BLOCK) // icy.PART) if position % BLOCK else 0
            block = icy.block(text, wanted) if text or wanted else b"\0"
            position += len(block)
            parts += (part, block)
        parts.append(audio[at:])
        self.phase = phase + len(audio) - at
        return b"".join(parts)

    def send(self, data: bytes) -> None:
        """Sends, and keeps what does not fit for the next time. Raises OSError when the connection is over."""
        self.position += len(data)
        data = self.unsent + data
        try:
            sent = self.connection.send(data)
        except BlockingIOError:
            sent = 0
        self.unsent = data[sent:]
        if len(self.unsent) > STUCK_BYTES:
            raise OSError("Icecast does not read any more")

    def check(self) -> None:
        """Raises OSError when Icecast has ended the connection."""
        try:
            if not self.connection.recv(4096):
                raise OSError("Icecast has ended the connection")
        except BlockingIOError:
            pass

    def close(self) -> None:
        self.connection.close()


def password() -> str:
    """Read anew for each connection, from where systemd put it."""
    with open(os.path.join(os.environ["CREDENTIALS_DIRECTORY"], "password"), encoding="utf-8") as file:
        return file.read().strip()


async def connect(port: int, mount: str, content_type: str, name: str) -> socket.socket:
    """A connection whose body Icecast reads. Raises Refused or OSError."""
    loop = asyncio.get_running_loop()
    connection = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        connection.setblocking(False)
        login = base64.b64encode(f"source:{password()}".encode()).decode()
        head = (
            f"PUT {mount} HTTP/1.1\r\nHost: 127.0.0.1\r\nAuthorization: Basic {login}\r\n"
            f"Content-Type: {content_type}\r\nIce-Name: {name}\r\nIce-Public: 0\r\n"
            f"icy-metaint: {INTERVAL}\r\nExpect: 100-continue\r\n\r\n"
        )
        async with asyncio.timeout(ANSWER_SECONDS):
            await loop.sock_connect(connection, ("127.0.0.1", port))
            await loop.sock_sendall(connection, head.encode())
            answer = await loop.sock_recv(connection, 4096)
        status = answer.split(b"\r\n")[0].decode("latin-1")
        if status.split(" ")[1:2] not in (["100"], ["200"]):
            raise Refused(f"Icecast answers {status!r}")
    except BaseException:
        connection.close()
        raise
    return connection

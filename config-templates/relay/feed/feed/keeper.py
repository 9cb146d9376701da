"""
How a connection to Icecast outlives this program.

systemd keeps a copy of the socket and hands it to the next process: its file descriptor store, see
sd_pid_notify_with_fds(3). To Icecast and its listeners, the feed has only paused. What the next process needs to go on,
even in the middle of a frame, is in a file of /run. It is written before each send, and the kernel's count of the bytes
says whether the send took place.
"""

import contextlib
import mmap
import os
import socket
import struct
import zlib
from typing import NamedTuple

from feed.frames import Frame
from feed.source import Source, written

# Frames by which the next process finds its place in what the upstream sends again.
MARKS = 16
# Beside the fields of Place: what the kernel counts more than the body, and how many marks follow.
HEAD = struct.Struct("=qqqddqq")
MARK = struct.Struct("=I")
PLACE_BYTES = HEAD.size + MARKS * MARK.size


def key(mount: str, slot: str) -> str:
    """By what the connection for a mount in a slot is known."""
    return f"{slot}{mount}"


def mark(frame: Frame) -> int:
    return zlib.crc32(frame.data)


class Place(NamedTuple):
    """Where an output is in its stream."""

    position: int
    """Bytes of the body."""
    phase: int
    """Bytes of audio since the last title."""
    cut: int
    """Bytes of the last frame that are still to come."""
    sent: float
    """End of the last frame, in seconds of the output."""
    clock: float
    """What the output's seconds are more than the monotonic clock."""
    marks: tuple[int, ...]
    """Of the last frames, oldest first."""


class Memory:
    """The file of a mount in a slot. Two places: after the last send and after the one before, whichever is true."""

    def __init__(self, folder: str, mount: str, slot: str) -> None:
        path = os.path.join(folder, key(mount, slot).replace("/", "_"))
        descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            os.ftruncate(descriptor, 2 * PLACE_BYTES)
            self.map = mmap.mmap(descriptor, 2 * PLACE_BYTES)
        finally:
            os.close(descriptor)
        self.next_place = 0

    def write(self, base: int, place: Place) -> None:
        """To be called before a send, with the place after it."""
        at = self.next_place * PLACE_BYTES
        marks = place.marks[-MARKS:]
        HEAD.pack_into(self.map, at, base, place.position, place.phase, place.sent, place.clock, place.cut, len(marks))
        for number, one in enumerate(marks):
            MARK.pack_into(self.map, at + HEAD.size + number * MARK.size, one)
        self.next_place = 1 - self.next_place

    def find(self, count: int) -> tuple[int, Place] | None:
        """The base and the place that fit the kernel's count of bytes."""
        for which in (0, 1):
            at = which * PLACE_BYTES
            base, position, phase, sent, clock, cut, marks = HEAD.unpack_from(self.map, at)
            if marks and base + position == count:
                self.next_place = 1 - which
                read = [MARK.unpack_from(self.map, at + HEAD.size + number * MARK.size)[0] for number in range(marks)]
                return base, Place(position, phase, cut, sent, clock, tuple(read))
        return None


class KeptSource(NamedTuple):
    """A connection of the process before, and where it is."""

    source: Source
    base: int
    place: Place


def inherited() -> dict[str, socket.socket]:
    """The sockets that systemd kept, by key."""
    if os.environ.pop("LISTEN_PID", "") != str(os.getpid()):
        return {}
    count = int(os.environ.pop("LISTEN_FDS", "0"))
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    sockets: dict[str, socket.socket] = {}
    for number, name in enumerate(names[:count]):
        connection = socket.socket(fileno=3 + number)
        # The newest comes first.
        if name in sockets:
            connection.close()
        else:
            sockets[name] = connection
    return sockets


def resume(connection: socket.socket, memory: Memory) -> KeptSource | None:
    """A connection that goes on where the process before has left it, or None when that cannot be told."""
    try:
        found = memory.find(written(connection))
    except OSError:
        found = None
    if found is None:
        # systemd holds it too: closed here only, it would keep the mount from a new one.
        with contextlib.suppress(OSError):
            connection.shutdown(socket.SHUT_RDWR)
        connection.close()
        return None
    base, place = found
    return KeptSource(Source(connection, place.position, place.phase), base, place)


def notify(message: str, connection: socket.socket | None = None) -> None:
    """Tells systemd something; nothing where it did not start this program."""
    address = os.environ.get("NOTIFY_SOCKET")
    if not address:
        return
    if address.startswith("@"):
        address = "\0" + address[1:]
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel:
            channel.connect(address)
            if connection is None:
                channel.send(message.encode())
            else:
                socket.send_fds(channel, [message.encode()], [connection.fileno()])
    except OSError as reason:
        print(f"systemd is not told {message!r}: {reason}", flush=True)


def keep(name: str, connection: socket.socket) -> None:
    """From now on, systemd holds this connection too, until it is forgotten or ends."""
    notify(f"FDSTORE=1\nFDNAME={name}", connection)


def forget(name: str) -> None:
    notify(f"FDSTOREREMOVE=1\nFDNAME={name}")

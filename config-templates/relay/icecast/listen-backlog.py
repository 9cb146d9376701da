#!/usr/bin/python3
"""Gives Icecast's listening sockets a longer queue: `listen-backlog PID BACKLOG`.

Icecast 2.4 has 5 in its source, 2.5 a setting of up to 128. When 3,000 listeners come back at once, the kernel drops
thousands of connections from NGINX to it; each is tried again after 1, 3, 7 s, and some listeners waited for more than
30 s. A queue's length can be set again while a socket listens, so this borrows the sockets of the running process.
Measured under that herd: 14,000 dropped connections without, none with it.
"""

import ctypes
import os
import socket
import sys
import time
from collections.abc import Iterator

PIDFD_GETFD = 438
PATIENCE_SECONDS = 5.0
LOOK_AGAIN_SECONDS = 0.1


def sockets_of(pid: int) -> Iterator[int]:
    """Descriptors of a process that are sockets."""
    folder = f"/proc/{pid}/fd"
    for descriptor in os.listdir(folder):
        try:
            if os.readlink(f"{folder}/{descriptor}").startswith("socket:"):
                yield int(descriptor)
        except FileNotFoundError:
            continue


def borrow(process: int, descriptor: int) -> socket.socket | None:
    """The same open socket in this process, or None when it was closed meanwhile."""
    libc = ctypes.CDLL(None, use_errno=True)
    copy = libc.syscall(PIDFD_GETFD, process, descriptor, 0)
    if copy < 0:
        reason = ctypes.get_errno()
        if os.strerror(reason) == "Bad file descriptor":
            return None
        raise OSError(reason, "cannot borrow a socket: " + os.strerror(reason))
    return socket.socket(fileno=copy)


def lengthen(pid: int, backlog: int) -> int:
    """Sets the queue of every listening socket; returns how many there are."""
    process = os.pidfd_open(pid)
    try:
        count = 0
        for descriptor in sockets_of(pid):
            copy = borrow(process, descriptor)
            if copy is None:
                continue
            with copy:
                if copy.getsockopt(socket.SOL_SOCKET, socket.SO_ACCEPTCONN):
                    copy.listen(backlog)
                    count += 1
        return count
    finally:
        os.close(process)


def main() -> None:
    if len(sys.argv) != 3:
        sys.exit("usage: listen-backlog PID BACKLOG")
    pid, backlog = int(sys.argv[1]), int(sys.argv[2])
    deadline = time.monotonic() + PATIENCE_SECONDS
    before = 0
    while time.monotonic() < deadline:
        try:
            count = lengthen(pid, backlog)
        except (ProcessLookupError, FileNotFoundError):
            sys.exit(f"listen-backlog: process {pid} has ended")
        # It opens all of them in one go: once there are no more than at the last look, there are all.
        if count and count == before:
            return
        before = count
        time.sleep(LOOK_AGAIN_SECONDS)
    sys.exit(f"listen-backlog: process {pid} listens nowhere after {PATIENCE_SECONDS:.0f} s")


if __name__ == "__main__":
    main()

#!/usr/bin/python3
"""This Relay's standby audio: sends loops of encoded audio to the local Icecast, in real time.

    standby-source CONFIG.json LOOP_DIRECTORY

The audio is sent as it is, frame by frame, so that hours of it for several mounts cost less than 1 % of a CPU and no
network. A file as Icecast's fallback would not do: 2.4 sends a file as fast as listeners take it.
"""

import base64
import json
import os
import socket
import sys
import time
from collections.abc import Callable

TICK_SECONDS = 0.2
RETRY_SECONDS = 1.0
# Icecast gives new listeners this much at once, so it must have it from the start.
LEAD_SECONDS = 8.0
# After a pause longer than this (a frozen machine) time starts again, instead of a flood.
LATE_SECONDS = LEAD_SECONDS + 2.0

MPEG1_LAYER3_KBPS = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)
MPEG2_LAYER3_KBPS = (0, 8, 16, 24, 32, 40, 48, 56, 64, 80, 96, 112, 128, 144, 160)
MPEG_RATES = {3: (44100, 48000, 32000), 2: (22050, 24000, 16000), 0: (11025, 12000, 8000)}
ADTS_RATES = (96000, 88200, 64000, 48000, 44100, 32000, 24000, 22050, 16000, 12000, 11025, 8000, 7350)


def mp3_frame(data: bytes, at: int) -> tuple[int, float]:
    """Length in bytes and duration in seconds of the MPEG layer 3 frame at a position."""
    if data[at] != 0xFF or data[at + 1] & 0xE6 != 0xE2:
        raise ValueError(f"no MP3 frame at byte {at}")
    version = data[at + 1] >> 3 & 3
    first = version == 3
    kbps = (MPEG1_LAYER3_KBPS if first else MPEG2_LAYER3_KBPS)[data[at + 2] >> 4]
    rate = MPEG_RATES[version][data[at + 2] >> 2 & 3]
    samples = 1152 if first else 576
    return samples // 8 * kbps * 1000 // rate + (data[at + 2] >> 1 & 1), samples / rate


def adts_frame(data: bytes, at: int) -> tuple[int, float]:
    """The same for an ADTS frame of AAC."""
    if data[at] != 0xFF or data[at + 1] & 0xF6 != 0xF0:
        raise ValueError(f"no ADTS frame at byte {at}")
    length = (data[at + 3] & 3) << 11 | data[at + 4] << 3 | data[at + 5] >> 5
    return length, 1024 / ADTS_RATES[data[at + 2] >> 2 & 15]


FRAMES: dict[str, Callable[[bytes, int], tuple[int, float]]] = {"audio/mpeg": mp3_frame, "audio/aac": adts_frame}


def read_loop(path: str, content_type: str) -> list[tuple[float, bytes]]:
    """The frames of a file, as (seconds from its start until the frame's end, bytes)."""
    with open(path, "rb") as file:
        data = file.read()
    frames: list[tuple[float, bytes]] = []
    at = 0
    end = 0.0
    while at + 7 <= len(data):
        length, seconds = FRAMES[content_type](data, at)
        if length < 7 or at + length > len(data):
            break
        end += seconds
        frames.append((end, data[at : at + length]))
        at += length
    if not frames:
        raise ValueError(f"{path} holds no audio")
    return frames


class Source:
    """One mount's connection to Icecast."""

    def __init__(self, mount: str, name: str, content_type: str, frames: list[tuple[float, bytes]]) -> None:
        self.mount = mount
        self.name = name
        self.content_type = content_type
        self.frames = frames
        self.connection: socket.socket | None = None
        self.retry_at = 0.0
        self.failed = False

    def connect(self, now: float, port: int, password: str) -> None:
        self.retry_at = now + RETRY_SECONDS
        connection = socket.create_connection(("127.0.0.1", port), timeout=2)
        try:
            login = base64.b64encode(f"source:{password}".encode()).decode()
            connection.sendall(
                (
                    f"SOURCE {self.mount} HTTP/1.0\r\nAuthorization: Basic {login}\r\n"
                    f"Content-Type: {self.content_type}\r\nice-name: {self.name}\r\nice-public: 0\r\n\r\n"
                ).encode()
            )
            answer = connection.recv(1024).split(b"\r\n")[0].decode("ascii", "replace")
            if " 200 " not in answer + " ":
                raise OSError(f"Icecast answers {answer!r}")
        except BaseException:
            connection.close()
            raise
        self.connection = connection
        self.loop_started = now - LEAD_SECONDS
        self.next = 0

    def send(self, now: float) -> None:
        """Sends all frames whose time has come."""
        if now - (self.loop_started + self.frames[self.next][0]) > LATE_SECONDS:
            self.loop_started = now - self.frames[self.next][0]
        due = []
        while self.loop_started + self.frames[self.next][0] <= now:
            due.append(self.frames[self.next][1])
            self.next += 1
            if self.next == len(self.frames):
                self.loop_started += self.frames[-1][0]
                self.next = 0
        if due:
            self.connection.sendall(b"".join(due))

    def step(self, now: float, port: int, password: str) -> None:
        try:
            if self.connection is None:
                if now < self.retry_at:
                    return
                self.connect(now, port, password)
                self.failed = False
                print(f"{self.mount}: connected", flush=True)
            self.send(now)
        except OSError as error:
            if not self.failed:
                print(f"{self.mount}: {error}", flush=True)
            self.failed = True
            if self.connection is not None:
                self.connection.close()
                self.connection = None


def main() -> None:
    config_path, loops = sys.argv[1:]
    with open(config_path, encoding="utf-8") as file:
        config = json.load(file)
    with open(os.path.join(os.environ["CREDENTIALS_DIRECTORY"], "password"), encoding="utf-8") as file:
        password = file.read().strip()

    read: dict[str, list[tuple[float, bytes]]] = {}
    sources = []
    for mount in config["mounts"]:
        if mount["loop"] not in read:
            read[mount["loop"]] = read_loop(os.path.join(loops, mount["loop"]), mount["contentType"])
        sources.append(Source(mount["mount"], mount["name"], mount["contentType"], read[mount["loop"]]))
    while True:
        for source in sources:
            source.step(time.monotonic(), config["port"], password)
        time.sleep(TICK_SECONDS)


if __name__ == "__main__":
    main()

"""Pulls one mount from one upstream, through the local NGINX, which knows the upstream's address, CA and password."""

import asyncio
import re
import socket
import time

from feed import icy
from feed.frames import FrameCutter
from feed.problem import Problem, Refused
from feed.track import Track

# Audio is fetched this often. Less often than it comes, since each look costs.
LOOK_SECONDS = 0.1
MOST_BYTES = 1 << 18
ANSWER_SECONDS = 5.0
LONGEST_ANSWER = 16384
# NGINX ends a link that brings nothing after as long.
SILENT_SECONDS = 10.0
RETRY_SECONDS = (0.5, 1.0, 2.0, 3.0)
# A connection that held for this long was a good one: the next is tried at once.
GOOD_SECONDS = 10.0


class Upstream:
    def __init__(self, track: Track, port: int, mount: str, content_type: str, stall_seconds: float) -> None:
        self.track = track
        self.port = port
        self.mount = mount
        self.content_type = content_type
        self.stall_seconds = stall_seconds
        self.problem = Problem(f"{mount} from {track.name}: ", "plays")

    async def run(self) -> None:
        """Pulls for ever."""
        failures = 0
        while True:
            began = time.monotonic()
            try:
                await self._pull()
            except (OSError, Refused, TimeoutError) as reason:
                self.problem.tell(reason)
            failures = 0 if time.monotonic() - began > GOOD_SECONDS else failures + 1
            await asyncio.sleep(RETRY_SECONDS[min(failures, len(RETRY_SECONDS) - 1)])

    async def _pull(self) -> None:
        loop = asyncio.get_running_loop()
        with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as connection:
            connection.setblocking(False)
            async with asyncio.timeout(ANSWER_SECONDS):
                await loop.sock_connect(connection, ("127.0.0.1", self.port))
                request = f"GET {self.mount} HTTP/1.0\r\nIcy-MetaData: 1\r\nUser-Agent: aerial-feed\r\n\r\n"
                await loop.sock_sendall(connection, request.encode())
                answer = b""
                while b"\r\n\r\n" not in answer:
                    part = await loop.sock_recv(connection, LONGEST_ANSWER)
                    answer += part
                    if not part or len(answer) > LONGEST_ANSWER:
                        raise Refused(f"no answer: {answer[:80]!r}")
            head, _, body = answer.partition(b"\r\n\r\n")
            titles = icy.Titles(self._interval(head.decode("latin-1")))
            await self._listen(connection, titles, body)

    def _interval(self, head: str) -> int:
        """Bytes between titles, as the answer's header says. Raises Refused when there will be no audio of ours."""
        status, *lines = head.split("\r\n")
        if status.split(" ")[1:2] != ["200"]:
            raise Refused(f"answers {status!r}")
        fields = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        if fields.get("content-type") != self.content_type:
            raise Refused(f"is {fields.get('content-type')!r}, not {self.content_type}")
        interval = fields.get("icy-metaint", "0")
        if not re.fullmatch("[0-9]{1,9}", interval):
            raise Refused(f"has titles {interval[:20]!r} bytes apart")
        return int(interval)

    async def _listen(self, connection: socket.socket, titles: icy.Titles, data: bytes) -> None:
        cutter = FrameCutter(self.content_type)
        began = False
        title_now: bytes | None = None
        heard = time.monotonic()
        while True:
            now = time.monotonic()
            if data:
                heard = now
                for audio, title in titles.part(data):
                    frames = cutter.cut(audio)
                    if frames and not began:
                        # Until then, what the connection before has brought is still there to be heard.
                        self.track.begin()
                        began = True
                    self.track.take(frames, now, self.stall_seconds)
                    title_now = title if title is not None else title_now
                    if began and title_now is not None:
                        self.track.title(title_now, now)
                        title_now = None
                if self.track.arrived == now:
                    self.problem.over()
            elif now - heard > SILENT_SECONDS:
                raise Refused("sends nothing any more")
            await asyncio.sleep(LOOK_SECONDS)
            try:
                data = connection.recv(MOST_BYTES)
            except BlockingIOError:
                data = b""
                continue
            if not data:
                raise Refused("ended")

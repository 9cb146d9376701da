"""How a mount is pulled from an upstream: `upstream`, with a server on the loopback address."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine

import pytest
from feed import icy
from feed.problem import Problem
from feed.track import Track
from feed.upstream import Upstream
from feed_samples import mp3

MOUNT = "/main.mp3"
HEAD = b"HTTP/1.0 200 OK\r\nContent-Type: audio/mpeg\r\nicy-metaint: 192\r\n\r\n"
TEA = b"StreamTitle='Tea';"

Answer = Callable[[asyncio.StreamWriter], Coroutine[None, None, None]]


@contextlib.asynccontextmanager
async def pulled(answer: Answer, track: Track) -> AsyncIterator[Upstream]:
    """An upstream whose server answers like this, while it is pulled."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        await answer(writer)
        await writer.drain()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    upstream = Upstream(track, server.sockets[0].getsockname()[1], MOUNT, "audio/mpeg", 1.0)
    task = asyncio.create_task(upstream.run())
    try:
        yield upstream
    finally:
        task.cancel()
        server.close()
        await asyncio.gather(task, return_exceptions=True)


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not true():
            await asyncio.sleep(0.01)


def test_the_run_before_is_kept_until_the_first_frame_of_a_new_connection() -> None:
    async def check() -> None:
        track = Track("a")
        run = track.run
        connected, go_on = asyncio.Event(), asyncio.Event()

        async def answer(writer: asyncio.StreamWriter) -> None:
            writer.write(HEAD)
            await writer.drain()
            connected.set()
            await go_on.wait()
            # The title comes behind the first frame, whose end the second one proves.
            writer.write(mp3(b"1") + icy.block(TEA) + mp3(b"2") + b"\0" + mp3(b"3"))

        async with pulled(answer, track):
            await connected.wait()
            await asyncio.sleep(0.3)
            assert track.run is run
            go_on.set()
            await until(lambda: track.run.following >= 2)
        assert track.run is not run
        assert [frame.data for frame in track.run.frames[:2]] == [mp3(b"1"), mp3(b"2")]
        held = track.run.title_at(1)
        assert held is not None
        assert held.text == TEA

    asyncio.run(check())


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (b"HTTP/1.0 404 Not Found\r\n\r\n", "404"),
        (b"HTTP/1.0 200 OK\r\nContent-Type: text/html\r\n\r\n", "'text/html', not audio/mpeg"),
        (b"nonsense\r\n\r\n", "nonsense"),
        (b"x" * 20_000, "no answer"),
    ],
)
def test_what_is_not_the_mount_is_refused_with_its_reason(answer: bytes, problem: str) -> None:
    async def check() -> None:
        track = Track("a")

        async def send(writer: asyncio.StreamWriter) -> None:
            writer.write(answer)

        async with pulled(send, track) as upstream:
            await until(lambda: problem in upstream.problem.text)
        assert track.run.following == 0

    asyncio.run(check())


def test_a_problem_is_said_once_and_so_is_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    problem = Problem("main.mp3 from a: ", "plays")
    problem.over()
    problem.tell(TimeoutError())
    problem.tell("TimeoutError")
    problem.tell(OSError("no route"))
    problem.over()
    problem.over()
    assert capsys.readouterr().out.splitlines() == [
        "main.mp3 from a: TimeoutError",
        "main.mp3 from a: no route",
        "main.mp3 from a: plays",
    ]

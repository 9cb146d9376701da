"""The Ears against a Relay that serves real audio over TLS."""

import asyncio
import contextlib
import subprocess
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
from ears import listener, metrics, names, playing, ring
from ears.listener import Listener
from ears.ring import Ring
from ears.settings import Mount
from ears_relay import NAME, Identity, Relay, Stream, encode, station

MOUNTS = {codec: Mount("main", f"/main.{codec}", codec) for codec in ("mp3", "aac")}
BOTH = ("0.2*sin(2764*t)", "0.1*sin(4146*t)")
# This machine may be busy.
PATIENCE_SECONDS = 30.0


@pytest.fixture(scope="module")
def identity(tmp_path_factory: pytest.TempPathFactory) -> Identity:
    return Identity(tmp_path_factory.mktemp("identity"))


@pytest.fixture(autouse=True)
def resolver(monkeypatch: pytest.MonkeyPatch) -> None:
    """The real one knows nothing of a station that does not exist."""

    async def resolve(name: str, _port: int) -> list[str]:
        assert name in (NAME, "stream.radio.test")
        return ["127.0.0.1"]

    monkeypatch.setattr(names, "resolve", resolve)


class Listening:
    """A Relay, and those who listen to it."""

    def __init__(self, relay: Relay, listeners: list[Listener]) -> None:
        self.relay = relay
        self.listeners = listeners
        self.answered = ["127.0.0.1"]

    async def until(self, what: Callable[[], object]) -> None:
        began = time.monotonic()
        while not what():
            assert time.monotonic() - began < PATIENCE_SECONDS, metrics.text(self.listeners, {})
            await asyncio.sleep(0.05)

    def value(self, name: str, number: int = 0) -> float | None:
        measured = metrics.measure(self.listeners[number], time.monotonic())
        return next((value for one, _, value in measured if one == name), None)


@contextlib.asynccontextmanager
async def listening(
    folder: Path, identity: Identity, streams: dict[str, Stream], trusted: Identity | None = None
) -> AsyncIterator[Listening]:
    relay = Relay({f"/main.{codec}": stream for codec, stream in streams.items()})
    async with relay.serving(identity) as port, asyncio.TaskGroup() as tasks:
        known = station(port, [MOUNTS[codec] for codec in streams])
        tls = (trusted or identity).client()
        here = Listening(relay, [])
        for mount in known.mounts:
            kept = Ring(str(folder / mount.codec), mount.codec)
            here.listeners.append(Listener(known, known.regions[0], mount, tls, kept, lambda _region: here.answered))
        begun = [tasks.create_task(one.run()) for one in here.listeners]
        begun.append(tasks.create_task(playing.Playing(known, tls, here.listeners).run()))
        yield here
        for task in begun:
            task.cancel()


def test_they_hear_levels_loudness_title_and_source_of_each_format(
    tmp_path: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(playing, "ASK_SECONDS", 0.5)

    async def run() -> None:
        streams = {codec: Stream(encode(*BOTH, 12, codec), codec, burst=4) for codec in MOUNTS}
        async with listening(tmp_path, identity, streams) as here:
            for path, stream in here.relay.streams.items():
                stream.title = "Größe, 第一回; it's"
                here.relay.playing[path] = {"title": stream.title, "source": "studio"}
            await here.until(lambda: all(here.value("title_right", number) is not None for number in (0, 1)))
            await here.until(lambda: all(one.titles.heard and len(one.sound.levels) > 30 for one in here.listeners))
            await here.until(lambda: all(one.ring.seconds > 3 for one in here.listeners))
            for number, one in enumerate(here.listeners):
                assert one.advancing(time.monotonic())
                # 0.2 and 0.1 of full scale, as RMS of a sine.
                assert here.value("level_left_dbfs", number) == pytest.approx(-17, abs=0.5)
                assert here.value("level_right_dbfs", number) == pytest.approx(-23, abs=0.5)
                assert here.value("loudness_lufs", number) == pytest.approx(-16, abs=2)
                assert here.value("side_dead_seconds", number) == 0
                assert here.value("title_right", number) == 1
                assert here.value("silent_seconds", number) == pytest.approx(0, abs=0.2)
                assert 0 < (here.value("first_byte_seconds", number) or 0) < 5
                assert one.titles.heard == "Größe, 第一回; it's"
            text = metrics.text(here.listeners, {})
            assert (
                'aerial_ears_playing{listen_region="ams3",channel="main",mount="/main.mp3",source="studio"} 1' in text
            )
            assert 'aerial_ears_connections{relay="relay-ams3-1"} 2\n' in text
            audio = [head for head in here.relay.requests if head.startswith("GET /main")]
            assert len(audio) == 2
            assert all("User-Agent: aerial-ears/1\r\n" in head and f"Host: {NAME}\r\n" in head for head in audio)
            for one in here.listeners:
                one.ring.end()
        # What is kept can be decoded to its end.
        for codec in MOUNTS:
            clip = ring.cut(str(tmp_path / codec), codec, time.time() - 60, 120)
            assert clip.seconds > 3
            (tmp_path / f"clip.{codec}").write_bytes(clip.audio)
            subprocess.run(
                [
                    "ffmpeg",
                    "-nostdin",
                    "-v",
                    "error",
                    "-xerror",
                    "-i",
                    str(tmp_path / f"clip.{codec}"),
                    "-f",
                    "null",
                    "-",
                ],
                check=True,
            )

    asyncio.run(run())


@pytest.mark.parametrize("codec", ["mp3", "aac"])
def test_they_hear_that_one_side_is_dead(tmp_path: Path, identity: Identity, codec: str) -> None:
    async def run() -> None:
        streams = {codec: Stream(encode(BOTH[0], "0", 12, codec), codec, burst=11)}
        async with listening(tmp_path, identity, streams) as here:
            await here.until(lambda: (here.value("side_dead_seconds") or 0) > 1)
            assert here.value("silent_seconds") == pytest.approx(0, abs=0.3)
            assert (here.value("level_right_dbfs") or 0) < -57

    asyncio.run(run())


def test_they_hear_silence_and_its_end(tmp_path: Path, identity: Identity) -> None:
    async def run() -> None:
        level = "0.1*between(t,0,3)+0.1*between(t,6,30)"
        streams = {"mp3": Stream(encode(f"({level})*sin(2764*t)", f"({level})*sin(2764*t)", 12))}
        async with listening(tmp_path, identity, streams) as here:
            await here.until(lambda: (here.value("silent_seconds") or 0) > 2)
            assert here.value("side_dead_seconds") == 0
            assert here.value("advancing") == 1
            await here.until(lambda: (here.value("silent_seconds") or 0) < 0.5)

    asyncio.run(run())


def test_they_notice_a_wrong_title(tmp_path: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(playing, "ASK_SECONDS", 0.2)
    monkeypatch.setattr("ears.titles.LATE_SECONDS", 2.0)
    monkeypatch.setattr("ears.titles.WRONG_SECONDS", 1.0)

    async def run() -> None:
        streams = {"mp3": Stream(encode(*BOTH, 6))}
        streams["mp3"].title = "one"
        async with listening(tmp_path, identity, streams) as here:
            here.relay.playing["/main.mp3"] = {"title": "one", "source": None}
            await here.until(lambda: here.value("title_right") == 1)
            here.relay.playing["/main.mp3"] = {"title": "two", "source": "emergency"}
            await here.until(lambda: here.value("title_right") == 0)
            assert here.listeners[0].source == "emergency"
            streams["mp3"].title = "two"
            await here.until(lambda: here.value("title_right") == 1)

    asyncio.run(run())


def test_a_stall_is_noticed_and_ends_in_a_new_connection_but_never_in_two(
    tmp_path: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "ADVANCING_SECONDS", 1.0)
    monkeypatch.setattr(listener, "SILENT_SECONDS", 3.0)

    async def run() -> None:
        stream = Stream(encode(*BOTH, 2), goes_on=False)
        async with listening(tmp_path, identity, {"mp3": stream}) as here:
            await here.until(lambda: here.value("advancing") == 1)
            await here.until(lambda: (here.value("connected"), here.value("advancing")) == (1, 0))
            # Of what is not heard, nothing is said.
            assert here.value("silent_seconds") is None
            await here.until(lambda: here.value("connected") == 0)
            await here.until(lambda: stream.all == 3)
            assert stream.most == 1

    asyncio.run(run())


def test_a_relay_that_refuses_is_asked_less_and_less_often(tmp_path: Path, identity: Identity) -> None:
    async def run() -> None:
        stream = Stream(encode(*BOTH, 2))
        async with listening(tmp_path, identity, {"mp3": stream}) as here:
            here.relay.status = 503
            began = time.monotonic()
            await here.until(lambda: len(here.relay.requests) == 3)
            # After 2 and after 4 s.
            assert time.monotonic() - began > 5
            assert here.value("connected") == 0
            here.relay.status = 200
            await here.until(lambda: here.value("advancing") == 1)

    asyncio.run(run())


def test_a_relay_that_dns_answers_no_more_is_left(
    tmp_path: Path, identity: Identity, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(listener, "SURE_SECONDS", 1.0)

    async def run() -> None:
        stream = Stream(encode(*BOTH, 2))
        async with listening(tmp_path, identity, {"mp3": stream}) as here:
            await here.until(lambda: here.value("advancing") == 1)
            here.answered = ["192.0.2.1"]
            await here.until(lambda: stream.all == 2)
            assert stream.most == 1

    asyncio.run(run())


def test_a_certificate_for_another_name_or_of_nobody_is_refused(tmp_path: Path, identity: Identity) -> None:
    async def run(shown: Identity, trusted: Identity) -> None:
        stream = Stream(encode(*BOTH, 2))
        async with listening(tmp_path, shown, {"mp3": stream}, trusted) as here:
            await here.until(lambda: "CERTIFICATE_VERIFY_FAILED" in here.listeners[0].problem.text)
            assert here.value("connected") == 0
            assert stream.all == 0

    other = Identity(tmp_path, "other.radio.test")
    asyncio.run(run(other, other))
    asyncio.run(run(other, identity))

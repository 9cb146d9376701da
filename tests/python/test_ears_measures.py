"""What the Ears make of what they hear: sound, titles, DNS, metrics, clips."""

import asyncio
import itertools
import os
import re
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from ears import names, ring
from ears.names import Agreement, Names, disagreements
from ears.ring import Ring
from ears.settings import Mount
from ears.sound import FLOOR_DB, Part, Sound
from ears.titles import Titles
from ears_relay import Relay, station
from feed_samples import EACH_SECOND, SECONDS, mp3

PROGRAMS = Path(__file__).parents[2] / "config-templates/monitoring/ears"
MINUS_INFINITY = float("-inf")


def play(sound: Sound, left: float, right: float, seconds: float, now: float) -> float:
    for _ in range(round(seconds * 10)):
        now += 0.1
        sound.hear(Part(left, right, max(left, right)), now)
    return now


def test_silence_is_as_long_as_no_side_sounds() -> None:
    sound = Sound(-40)
    now = play(sound, -20, -20, 20, 100)
    now = play(sound, MINUS_INFINITY, -41, 7, now)
    assert sound.silent_seconds == pytest.approx(7)
    assert sound.side_dead_seconds == 0
    play(sound, -39, -60, 1, now)
    assert sound.silent_seconds == 0


def test_a_side_is_dead_while_the_other_one_has_pauses_too() -> None:
    sound = Sound(-40)
    now = play(sound, -20, -20, 20, 100)
    for _ in range(10):
        now = play(sound, -15, -90, 2, now)
        now = play(sound, -80, -90, 1, now)
    assert sound.side_dead_seconds == pytest.approx(30, abs=0.2)
    assert list(sound.sides()) == pytest.approx([-17, -90], abs=1)
    play(sound, -20, -20, 0.5, now)
    assert sound.side_dead_seconds == 0


def test_time_in_which_nothing_was_heard_is_neither_silence_nor_a_dead_side() -> None:
    sound = Sound(-40)
    now = play(sound, -20, -20, 20, 100)
    now = play(sound, -90, -90, 5, now)
    # Without a connection, while the silence ended; then a pause, and a side that is dead from here on.
    now = play(sound, -90, -90, 3, now + 300)
    assert sound.silent_seconds == pytest.approx(3, abs=0.1)
    now = play(sound, -15, -90, 12, now)
    assert sound.side_dead_seconds == pytest.approx(15, abs=0.1)
    # A new connection takes a moment.
    play(sound, -15, -90, 1, now + 2)
    assert sound.side_dead_seconds == pytest.approx(18, abs=0.1)


def test_a_side_that_is_quiet_or_not_far_below_is_not_dead() -> None:
    sound = Sound(-40)
    play(sound, -30, -65, 30, 100)
    assert sound.side_dead_seconds == 0
    sound = Sound(-60)
    play(sound, -5, -50, 30, 100)
    assert sound.side_dead_seconds == 0


def test_loudness_leaves_pauses_out_and_forgets_what_is_older_than_three_minutes() -> None:
    sound = Sound(-40)
    now = play(sound, -10, -10, 60, 100)
    now = play(sound, -50, -50, 60, now)
    now = play(sound, MINUS_INFINITY, MINUS_INFINITY, 30, now)
    assert sound.loudness() == pytest.approx(-10)
    play(sound, -20, -20, 180, now)
    assert sound.loudness() == pytest.approx(-20)


def test_digital_silence_has_a_level_that_can_be_written() -> None:
    sound = Sound(-40)
    play(sound, MINUS_INFINITY, float("nan"), 5, 100)
    assert sound.sides() == (FLOOR_DB, FLOOR_DB)
    assert sound.loudness() == FLOOR_DB


def test_a_title_may_be_late_but_not_wrong() -> None:
    titles = Titles()
    titles.begin()
    assert titles.right(0) is None
    titles.tell("one", 1)
    assert titles.right(1) is True
    titles.hear("one", 2)
    for now in range(5, 100, 5):
        titles.tell("two", now)
        # It is told for 20 s after the change, and then wrong for 10 s before that counts.
        assert titles.right(now) is (now < 35), now
    titles.hear("two", 101)
    assert titles.right(101) is True
    # The stream is ahead of what is told.
    titles.hear("three", 102)
    assert titles.right(105) is True
    titles.tell("three", 106)
    assert titles.right(116) is True
    assert titles.right(200) is None


@pytest.mark.parametrize(
    ("answered", "balanced", "healthy", "wrong"),
    [
        ("ab", "ab", "ab", set()),
        # By design: players go on with the next address of a region's name.
        ("ab", "b", "b", set()),
        ("a", "a", "ab", {"the healthy Relay b is missing"}),
        ("abc", "ab", "ab", {"c is no Relay"}),
        # One that is being replaced serves until it is gone.
        ("abc", "ab", "abc", set()),
        ("ab", "a", "b", {"a is not healthy"}),
        # Of another region.
        ("ab", "z", "ab", set()),
        # An address that may work is better than none.
        ("ab", "ab", "", set()),
    ],
)
def test_dns_disagrees_where_it_sends_listeners_to_a_relay_that_is_not_healthy(
    answered: str, balanced: str, healthy: str, wrong: set[str]
) -> None:
    assert disagreements(answered, balanced, "ab", healthy) == wrong


def test_what_does_not_last_longer_than_dns_needs_does_not_count() -> None:
    agreement = Agreement("ams3", 90)
    assert agreement.agrees(0) is None
    agreement.note({"a"}, 0)
    agreement.note({"a", "b"}, 60)
    assert agreement.agrees(90) is True
    assert agreement.agrees(91) is False
    agreement.note({"b"}, 100)
    assert agreement.agrees(100) is True
    agreement.note(set(), 160)
    assert agreement.agrees(300) is True


def test_health_is_asked_of_each_address_as_dns_asks(monkeypatch: pytest.MonkeyPatch) -> None:
    async def run() -> None:
        relay = Relay({})
        answers = {"ams3.stream.radio.test": ["127.0.0.1"], "stream.radio.test": ["127.0.0.1"]}

        async def resolve(name: str, _port: int) -> list[str]:
            if name not in answers:
                raise OSError("no such name")
            return answers[name]

        monkeypatch.setattr(names, "resolve", resolve)
        async with relay.serving(None) as port:
            asked = Names(station(443, [Mount("main", "/main.mp3", "mp3")], port, dns_seconds=0))
            agreement = asked.agreements["ams3"]
            await asked.look()
            assert agreement.agrees(time.monotonic()) is True
            assert asked.answered == {"ams3": ["127.0.0.1"]}
            assert relay.requests[0].startswith("GET /healthz HTTP/1.0\r\nHost: stream.radio.test\r\n")
            # The region's only Relay is ill: nobody could be answered instead.
            relay.healthy = False
            await asked.look()
            assert agreement.agrees(time.monotonic() + 1) is True
            relay.healthy = True
            del answers["ams3.stream.radio.test"]
            await asked.look()
            assert agreement.agrees(time.monotonic() + 1) is False

    asyncio.run(run())


class Clock:
    now = 1_764_331_200.0

    def __call__(self) -> float:
        return self.now


def connect(kept: Ring, clock: Clock, seconds: float, come: Callable[[float], float], first: int = 0) -> None:
    """A connection that has brought `come(t)` seconds of audio after t seconds; its frames count from `first` on."""
    kept.begin()
    sent = first
    for tick in range(round(4 * seconds)):
        due = first + round(come(tick / 4) * EACH_SECOND)
        kept.add(b"".join(mp3(f"<{number}>".encode()) for number in range(sent, due)))
        sent = due
        clock.now += 0.25
    # The last frame is whole when another one follows.
    kept.add(mp3(b"end"))
    kept.end()


def fill(kept: Ring, clock: Clock, first: int, seconds: float, burst: float = 0.0) -> None:
    """A connection in which frame after frame is heard as the clock says; it begins `burst` seconds in the past."""
    connect(kept, clock, seconds, lambda second: second + burst, first)


def numbers(clip: ring.Clip) -> list[int]:
    return [int(part.split(b">")[0]) for part in clip.audio.split(b"<")[1:]]


def test_a_clip_is_what_was_heard_in_its_time_without_what_a_connection_repeats(tmp_path: Path) -> None:
    clock = Clock()
    began = clock.now
    kept = Ring(str(tmp_path), "mp3", clock)
    fill(kept, clock, 0, 40)
    # The next connection repeats the last 12 s.
    fill(kept, clock, round(28 * EACH_SECOND), 40, burst=12)
    clip = ring.cut(str(tmp_path), "mp3", began + 20, 40)
    heard = numbers(clip)
    assert clip.seconds == pytest.approx(40, abs=0.8)
    assert heard[0] == pytest.approx(20 * EACH_SECOND, abs=0.5 * EACH_SECOND)
    assert heard[-1] == pytest.approx(60 * EACH_SECOND, abs=0.5 * EACH_SECOND)
    # As exactly as the time is known at which a frame came.
    assert len(heard) - len(set(heard)) < 0.5 * EACH_SECOND
    assert max(two - one for one, two in itertools.pairwise(heard)) < 0.5 * EACH_SECOND


def test_what_came_late_is_in_a_clip_all_the_same(tmp_path: Path) -> None:
    clock = Clock()
    began = clock.now
    kept = Ring(str(tmp_path), "mp3", clock)
    # For four seconds nothing comes, then all of it.
    connect(kept, clock, 60, lambda second: 20 if 20 < second < 24 else second)
    heard = numbers(ring.cut(str(tmp_path), "mp3", began, 60))
    assert heard == list(range(heard[-1] + 1))
    assert len(heard) * SECONDS == pytest.approx(60, abs=1)


def test_what_came_faster_than_real_time_makes_no_clip_longer(tmp_path: Path) -> None:
    clock = Clock()
    began = clock.now
    kept = Ring(str(tmp_path), "mp3", clock)
    # The first 12 s come within four.
    connect(kept, clock, 60, lambda second: min(3 * second, second + 8))
    for second in range(30):
        clip = ring.cut(str(tmp_path), "mp3", began + second, 5)
        heard = numbers(clip)
        assert clip.seconds == pytest.approx(5, abs=0.1)
        # Right after, the last frame was heard.
        assert heard[-1] == pytest.approx((second + 13) * EACH_SECOND, abs=0.5 * EACH_SECOND)


def test_the_ring_keeps_five_minutes_and_no_more(tmp_path: Path) -> None:
    clock = Clock()
    kept = Ring(str(tmp_path), "mp3", clock)
    fill(kept, clock, 0, 700)
    assert ring.cut(str(tmp_path), "mp3", clock.now - 300, 300).seconds == pytest.approx(300, abs=2)
    assert len(os.listdir(tmp_path)) <= 33
    # A clock that was set back leaves nothing for ever.
    clock.now -= 86400
    fill(kept, clock, 0, 20)
    assert len(os.listdir(tmp_path)) <= 3


def test_the_program_for_clips_says_what_is_missing(tmp_path: Path) -> None:
    clock = Clock()
    clock.now = time.time() - 60
    began = clock.now
    fill(Ring(str(tmp_path / "ams3/main/mp3"), "mp3", clock), clock, 0, 20)
    fill(Ring(str(tmp_path / "nyc3/main/mp3"), "mp3", clock), clock, 0, 5)
    program = f"import runpy; runpy.run_path({str(PROGRAMS / 'aerial-clip.py')!r})['main']({str(tmp_path)!r})"

    def clip(*arguments: str) -> tuple[int, str]:
        result = subprocess.run(
            [sys.executable, "-c", program, *arguments],
            capture_output=True,
            text=True,
            check=False,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
        )
        return result.returncode, result.stderr.strip()

    out = str(tmp_path / "out.mp3")
    code, told = clip("main", f"{began + 5}", "10", out)
    assert (code, told) == (0, "10.0 s from ams3")
    assert os.path.getsize(out) == pytest.approx(10 * EACH_SECOND * 192, rel=0.01)
    assert re.fullmatch(
        r"[45]\.[0-9] s from ams3, [56]\.[0-9] s are missing", clip("main", f"{began + 15}", "10", out)[1]
    )
    assert "from nyc3" in clip("main", f"{began + 18}", "10", out, "--region", "nyc3")[1]
    assert clip("main", "1764331200", "30", str(tmp_path / "none"))[0] == 1
    assert "the Ears keep 300 s" in clip("main", "1764331200", "30", out)[1]
    assert clip("jazz", f"{began}", "30", out) == (1, "aerial-clip: the Ears do not listen to jazz in mp3")
    assert clip("main", f"{began}", "30", out, "--codec", "aac")[0] == 1
    assert clip("../main", f"{began}", "30", out)[0] == 2
    assert clip("main", "yesterday", "30", out)[0] == 2
    assert not (tmp_path / "none").exists()


def test_the_program_refuses_what_is_no_configuration(tmp_path: Path) -> None:
    (tmp_path / "ears.json").write_text('{"stream": "x"}')
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    for argument, code in ((str(tmp_path / "ears.json"), 1), ("/nowhere", 1), ("--help", 0)):
        result = subprocess.run(
            [sys.executable, str(PROGRAMS / "aerial-ears.py"), argument],
            capture_output=True,
            text=True,
            check=False,
            env=environment,
        )
        assert result.returncode == code
        assert "aerial-ears" in result.stdout + result.stderr
        assert "Traceback" not in result.stderr

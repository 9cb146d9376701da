"""How a slot of a Relay ends: its listeners leave, or are closed a few a second before the limit."""

import importlib
import itertools
import json
import os
import pathlib
import re
import signal
import subprocess
import threading
import time
from collections.abc import Iterator
from typing import Any

import pytest
import slot_listeners
from relay_slots import Relay

it = importlib.import_module("drain-slot")

SLOTS = pathlib.Path(__file__).parents[2] / "config-templates" / "relay" / "slots"
UNIT = (SLOTS / "aerial-drain-slot@.service").read_text()
IS_ACTIVE, NOT_ACTIVE, NO_SUCH_UNIT, FAILED = 0, 3, 4, 1


class Slot:
    """Slot a, with a systemd whose NGINX ends with its last listener."""

    def __init__(self, relay: Relay) -> None:
        self.relay = relay
        self.calls: list[str] = []
        self.record = relay.root / "run/aerial/drains/a"
        # What systemd answers before it answers as it should, by systemctl's verb.
        self.answers: dict[str, list[int | None]] = {}

    def systemctl(self, *words: str) -> int | None:
        if words[0] != "is-active":
            self.calls.append(" ".join(words))
        if self.answers.get(words[0]):
            return self.answers[words[0]].pop(0)
        if words[0] == "is-active":
            return IS_ACTIVE if self.relay.a.count() > 0 else NOT_ACTIVE
        return 0

    def drain(self, limit: float = 43_200) -> Any:
        drain = it.Drain("a")
        drain.limit = limit
        drain.begin()
        return drain

    def left(self) -> dict[str, int]:
        return dict(json.loads(self.record.read_text())["listeners"])

    def closed(self) -> list[str]:
        return [one for _, one in self.relay.killed]


@pytest.fixture
def slot(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Slot]:
    relay = Relay(tmp_path)
    made = Slot(relay)
    monkeypatch.setattr(slot_listeners, "ROOT", str(tmp_path))
    monkeypatch.setattr(slot_listeners, "ROUND_SECONDS", 0.05)
    monkeypatch.setattr(it, "LOOK_SECONDS", 0.05)
    monkeypatch.setattr(it, "systemctl", made.systemctl)
    yield made
    relay.stop()


def test_says_how_many_are_left_and_until_when(slot: Slot) -> None:
    slot.relay.a.mounts = {"/main.mp3": ["1", "2"], "/main.aac": ["3"]}
    slot.drain()
    assert slot.left() == {"/main.mp3": 2, "/main.aac": 1}
    assert json.loads(slot.record.read_text())["until"] == pytest.approx(time.time() + 43_200, abs=5)
    assert slot.calls == ["kill --kill-whom=main --signal=QUIT aerial-nginx@a.service"]


def test_a_second_beginning_changes_no_time(slot: Slot) -> None:
    slot.drain(1000)
    first = slot.record.read_text()
    slot.drain(2000)
    assert slot.record.read_text() == first


def test_waits_for_those_who_leave_and_then_stops_what_runs(slot: Slot) -> None:
    slot.relay.a.mounts["/main.mp3"] = ["1"]
    threading.Timer(0.5, slot.relay.a.mounts["/main.mp3"].clear).start()
    slot.drain().wait()
    assert slot.closed() == []
    units = "aerial-nginx@a.service aerial-icecast@a.service"
    assert slot.calls[1:] == [f"stop {units}", f"reset-failed {units}"]
    assert not slot.record.exists()


def test_closes_all_of_its_own_a_few_a_second_when_the_limit_is_near(
    slot: Slot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(it, "CLOSED_EACH_TIME", 3)
    slot.relay.a.mounts = {"/main.mp3": [str(one) for one in range(5)], "/main.aac": ["5", "6"]}
    slot.relay.b.mounts["/main.mp3"] = ["another slot"]
    slot.drain(it.SPARE_SECONDS).wait()
    assert slot.closed() == [str(one) for one in range(7)]
    times = [when for when, _ in slot.relay.killed]
    assert min(later - earlier for earlier, later in itertools.pairwise(times)) >= 1 / it.CLOSED_EACH_SECOND


def test_closes_nobody_before(slot: Slot) -> None:
    slot.relay.a.mounts["/main.mp3"] = ["1"]
    until = time.time() + it.SPARE_SECONDS
    assert not slot.drain().close_some(until + 10)
    assert slot.drain().close_some(until)


def test_a_slot_that_is_wanted_again_closes_at_once(slot: Slot) -> None:
    slot.relay.a.mounts["/main.mp3"] = ["1"]
    drain = slot.drain()
    drain.hurry()
    drain.wait()
    assert slot.closed() == ["1"]


def test_an_icecast_that_does_not_answer_loses_nobody_from_the_record(slot: Slot) -> None:
    slot.relay.a.mounts["/main.mp3"] = ["1"]
    drain = slot.drain()
    drain.hurry()
    slot.relay.a.silent = 1
    assert not drain.close_some(time.time() + 1000)
    assert slot.left() == {"/main.mp3": 1}


@pytest.mark.parametrize("answer", [FAILED, None, 130])
def test_a_systemd_that_does_not_say_is_asked_again_and_cuts_nobody(
    slot: Slot, answer: int | None, capsys: pytest.CaptureFixture[str]
) -> None:
    slot.relay.a.mounts["/main.mp3"] = ["1"]
    slot.answers["is-active"] = [answer] * 3
    threading.Timer(1, slot.relay.a.mounts["/main.mp3"].clear).start()
    began = time.monotonic()
    slot.drain().wait()
    assert time.monotonic() - began > 0.9
    units = "aerial-nginx@a.service aerial-icecast@a.service"
    assert slot.calls[1:] == [f"stop {units}", f"reset-failed {units}"]
    assert capsys.readouterr().err.count("nobody knows whether aerial-nginx@a.service runs") == 3


def test_a_unit_that_is_not_there_has_ended(slot: Slot) -> None:
    slot.relay.a.mounts["/main.mp3"] = ["1"]
    slot.answers["is-active"] = [NO_SUCH_UNIT]
    slot.drain().wait()
    assert slot.relay.killed == []
    assert not slot.record.exists()


def test_does_not_begin_while_nginx_goes_on_as_before(slot: Slot) -> None:
    slot.relay.a.mounts["/main.mp3"] = ["1"]
    slot.answers["kill"] = [FAILED]
    with pytest.raises(SystemExit, match="could not be told"):
        slot.drain()
    # Where it has ended, there is nobody to tell.
    slot.relay.a.mounts["/main.mp3"] = []
    slot.answers["kill"] = [FAILED]
    slot.drain()


def test_keeps_its_record_while_what_it_stops_still_runs(slot: Slot) -> None:
    slot.answers["stop"] = [FAILED]
    slot.answers["is-active"] = [NOT_ACTIVE, NOT_ACTIVE, IS_ACTIVE]
    with pytest.raises(SystemExit, match="do not stop"):
        slot.drain().wait()
    assert slot.record.exists()
    slot.drain().wait()
    assert not slot.record.exists()


def test_systemctl_that_hangs_gives_no_answer(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    program = tmp_path / "systemctl"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    monkeypatch.setattr(it, "SYSTEMD_SECONDS", 0.2)
    assert it.systemctl("is-active", "x.service") is None


@pytest.mark.parametrize(("result", "stays"), [("success", False), ("exit-code", True), ("oom-kill", True)])
def test_a_record_outlives_a_failure_and_no_end(
    slot: Slot, result: str, stays: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    slot.drain()
    monkeypatch.setenv("SERVICE_RESULT", result)
    monkeypatch.setattr(it.sys, "argv", ["drain-slot", "end", "a"])
    it.main()
    assert slot.record.exists() is stays
    # Nor is it a fault that there is none.
    it.main()


def test_the_unit_is_tried_again_for_ever_and_ends_no_sooner_than_its_slot() -> None:
    assert "StartLimitIntervalSec=0\n" in UNIT
    assert "ExecStopPost=/usr/local/lib/aerial/drain-slot end %i\n" in UNIT
    assert "OOMScoreAdjust=-800\n" in UNIT


def test_a_signal_that_comes_before_anything_else_is_not_lost(slot: Slot) -> None:
    slot.relay.a.mounts["/main.mp3"] = ["1"]
    slot.drain()
    bin_folder = slot.relay.root / "bin"
    bin_folder.mkdir()
    # Before the program itself can do anything.
    early = bin_folder / "drain-slot"
    early.write_text(f'#!/bin/sh\nkill -USR1 $$\nexec python3 {SLOTS}/drain-slot.py "$@"\n')
    systemctl = bin_folder / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$*" >>{slot.relay.root}/asked\n')
    for program in (early, systemctl):
        program.chmod(0o755)
    found = re.search(r"^ExecStart=(.*)$", UNIT, re.MULTILINE)
    assert found
    command = found[1].replace("/usr/local/lib/aerial/", f"{bin_folder}/").replace("%i", "a")
    environment = {
        **os.environ,
        "PATH": f"{bin_folder}:{os.environ['PATH']}",
        "AERIAL_ROOT": str(slot.relay.root),
        "PYTHONPATH": str(SLOTS),
    }
    running = subprocess.Popen(command.split(), env=environment)
    try:
        deadline = time.monotonic() + 30
        while running.poll() is None and not slot.closed() and time.monotonic() < deadline:
            time.sleep(0.05)
        assert slot.closed() == ["1"]
        # Not killed by it.
        assert running.poll() is None
    finally:
        running.send_signal(signal.SIGKILL)
        running.wait()

"""How a Relay ends: who is waited for, who is closed, and when the machine is switched off."""

import itertools
import pathlib
import threading
import time
from collections.abc import Iterator

import ending as it
import pytest
import slot_listeners
from relay_slots import Relay


@pytest.fixture
def relay(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Relay]:
    made = Relay(tmp_path)
    monkeypatch.setattr(slot_listeners, "ROOT", str(tmp_path))
    monkeypatch.setattr(slot_listeners, "ROUND_SECONDS", 0.05)
    monkeypatch.setattr(it, "POLL_SECONDS", 0.05)
    bin_folder = tmp_path / "bin"
    bin_folder.mkdir()
    systemctl = bin_folder / "systemctl"
    systemctl.write_text(f'#!/bin/sh\necho "$*" >>{tmp_path}/off\n')
    systemctl.chmod(0o755)
    monkeypatch.setenv("PATH", str(bin_folder), prepend=":")
    yield made
    made.stop()


def end(relay: Relay, limit: float, least: float = 0, per_second: float = 100) -> float:
    """Runs it to its end, and says how many seconds that took."""
    now = time.time()
    relay.write("var/lib/aerial/ending.json", {"until": now + limit, "least": now + least, "perSecond": per_second})
    it.main()
    return time.time() - now


def is_off(relay: Relay) -> bool:
    off = relay.root / "off"
    return off.exists() and off.read_text() == "--no-block poweroff\n"


def closed(relay: Relay) -> list[str]:
    return [one for _, one in relay.killed]


def test_drains_from_its_start_and_is_off_when_nobody_is_there(relay: Relay) -> None:
    assert end(relay, 60) < 5
    assert (relay.root / "run/aerial/draining").exists()
    assert is_off(relay)


def test_waits_for_old_answers_of_dns_though_nobody_is_there(relay: Relay) -> None:
    assert 1 <= end(relay, 60, least=1) < 5


@pytest.mark.parametrize("slot", ["a", "b"])
def test_waits_for_those_who_leave_by_themselves_and_closes_nobody(relay: Relay, slot: str) -> None:
    on = getattr(relay, slot).mounts["/main.aac"]
    on.append("7")
    threading.Timer(1, on.clear).start()
    assert 1 <= end(relay, 60) < 5
    assert relay.killed == []


def test_closes_everyone_in_all_slots_a_few_a_second_when_their_time_is_over(relay: Relay) -> None:
    relay.a.mounts = {"/main.mp3": [str(one) for one in range(10)], "/main.aac": ["20", "21"]}
    relay.b.mounts["/main.mp3"] = ["30"]
    end(relay, 0.2, per_second=10)
    assert closed(relay) == [*map(str, range(10)), "20", "21", "30"]
    pauses = [later - earlier for (earlier, _), (later, _) in itertools.pairwise(relay.killed)]
    assert min(pauses) >= 0.1
    assert is_off(relay)


def test_closes_those_who_come_meanwhile(relay: Relay) -> None:
    relay.a.mounts["/main.mp3"] = ["1"]
    threading.Timer(0.4, lambda: relay.a.mounts["/main.mp3"].append("2")).start()
    # Until then, somebody on another slot takes the time.
    relay.b.mounts["/main.mp3"] = [f"b{one}" for one in range(4)]
    end(relay, 0, per_second=5)
    assert closed(relay) == ["1", *(f"b{one}" for one in range(4)), "2"]


def test_a_slot_that_drains_and_ends_meanwhile_holds_nothing_up(relay: Relay) -> None:
    relay.a.mounts["/main.mp3"] = [str(one) for one in range(1000)]
    relay.b.mounts["/main.mp3"] = ["b"]
    threading.Timer(0.5, relay.a.stop).start()
    assert end(relay, 0, per_second=20) < 5
    assert closed(relay)[-1] == "b"
    assert is_off(relay)


def test_takes_one_moment_of_silence_for_no_empty_house(relay: Relay) -> None:
    relay.b.mounts["/main.mp3"] = ["1"]
    relay.b.silent = it.SILENCE_IS_EMPTY - 1
    end(relay, 0.5)
    assert closed(relay) == ["1"]


def test_an_icecast_that_never_answers_has_no_listeners_and_holds_up_nobody_else(relay: Relay) -> None:
    relay.a.silent = 1000
    relay.b.mounts["/main.mp3"] = ["1"]
    assert end(relay, 0.5) < 5
    assert closed(relay) == ["1"]
    assert is_off(relay)


def test_an_icecast_that_hangs_while_its_listeners_are_closed_is_asked_once(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot_listeners, "ANSWER_SECONDS", 0.2)
    present = [slot_listeners.Listener(relay.a.port, "/main.mp3", str(one)) for one in range(50)]
    relay.a.seconds = 1
    began = time.monotonic()
    slot_listeners.close([*present, slot_listeners.Listener(relay.b.port, "/main.mp3", "b")], 100)
    assert time.monotonic() - began < 1
    assert (relay.a.asked, closed(relay)) == (1, ["b"])


def test_a_slot_is_off_when_its_port_refuses_and_unknown_when_it_takes_too_long(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(slot_listeners, "ANSWER_SECONDS", 0.2)
    assert slot_listeners.listeners(relay.off) == []
    relay.a.seconds = 1
    with pytest.raises(slot_listeners.Unknown, match="timed out"):
        slot_listeners.listeners(relay.a.port)
    # As after another password: that is no empty house either.
    relay.write("etc/aerial/secrets/local.json", {"admin": "wrong"})
    with pytest.raises(slot_listeners.Unknown, match="400"):
        slot_listeners.listeners(relay.b.port)


def test_who_has_left_with_its_mount_is_no_fault(relay: Relay) -> None:
    relay.a.mounts["/main.aac"] = ["1"]
    present = slot_listeners.listeners(relay.a.port)
    assert present == [slot_listeners.Listener(relay.a.port, "/main.aac", "1")]
    del relay.a.mounts["/main.aac"]
    relay.a.mounts["/main.mp3"] = ["2"]
    slot_listeners.close([*present, *slot_listeners.listeners(relay.a.port)], 100)
    assert closed(relay) == ["2"]


class Staying(list[str]):
    """Whoever is closed is on again at once."""

    def remove(self, _: str) -> None:
        pass


def test_lets_nobody_in_once_it_closes_and_not_before(relay: Relay) -> None:
    closes = relay.root / "run/aerial/closed"
    relay.a.mounts["/main.mp3"] = ["1"]
    ending = threading.Thread(target=end, args=(relay, 1.5), daemon=True)
    ending.start()
    time.sleep(0.7)
    assert (relay.root / "run/aerial/draining").exists()
    assert not closes.exists()
    deadline = time.monotonic() + 10
    while not relay.killed and time.monotonic() < deadline:
        time.sleep(0.01)
    assert closes.exists()
    ending.join(10)


def test_is_off_in_the_end_though_some_do_not_go(
    relay: Relay, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(it, "SPARE_SECONDS", 1.0)
    relay.a.mounts["/main.mp3"] = Staying(str(one) for one in range(10))
    # A second for the ten of them, and one more.
    assert 1.5 < end(relay, 0, per_second=10) < 5
    assert is_off(relay)
    assert len(relay.killed) > 10
    assert "10 listeners do not go" in capsys.readouterr().out


def test_is_off_in_the_end_though_each_answer_takes_long(relay: Relay, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(it, "SPARE_SECONDS", 1.0)
    relay.a.mounts["/main.mp3"] = [str(one) for one in range(100)]
    relay.a.seconds = 0.3
    # A hundred answers would take half a minute.
    assert end(relay, 0, per_second=100) < 10
    assert is_off(relay)


@pytest.mark.parametrize(
    "torn", ["", "\0\0\0", "{}", '{"until":1,"least"', "[]", '{"until":"x","least":0,"perSecond":5}']
)
def test_takes_a_plan_that_nobody_can_read_for_now(relay: Relay, torn: str) -> None:
    relay.write("var/lib/aerial/ending.json", {})
    (relay.root / "var/lib/aerial/ending.json").write_text(torn)
    relay.a.mounts["/main.mp3"] = ["1"]
    it.main()
    assert (relay.root / "run/aerial/draining").exists()
    assert closed(relay) == ["1"]
    assert is_off(relay)


def test_is_not_off_before_everyone_is_gone(relay: Relay) -> None:
    relay.b.mounts["/main.mp3"] = ["1"]
    threading.Thread(target=end, args=(relay, 2), daemon=True).start()
    time.sleep(1)
    assert not is_off(relay)
    deadline = time.monotonic() + 10
    while not is_off(relay) and time.monotonic() < deadline:
        time.sleep(0.1)
    assert is_off(relay)
    assert relay.b.count() == 0

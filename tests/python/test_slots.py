"""Restarts beside: which slot begins, which ones drain, and what becomes of both when something goes wrong."""

import json
import pathlib
from collections.abc import Iterable

import pytest
from deliver import slots, units
from deliver.delivery import Delivery, Service
from deliver.slots import drain_unit, instance
from deliver.tree import Machine

ICECAST = "aerial-icecast@.service"
NGINX = "aerial-nginx@.service"
FEED = "aerial-feed.service"
BOTH = (ICECAST, NGINX)


def service(unit: str, well: Iterable[str] = ()) -> Service:
    return {"unit": unit, "reads": [], "on_change": "reload", "check": [], "packages": [], "well": list(well)}


def delivery(*services: Service) -> Delivery:
    return {
        "packages": [],
        "masked": [],
        "units": [*BOTH, FEED],
        "services": list(services) or [service(ICECAST), service(NGINX), service(FEED)],
        "files": [],
        "secrets": {"values": {}, "files": {}},
        "ready_seconds": 1,
    }


class Relay(units.Systemd):
    """A Relay's systemd. Slots that drain stay until a test says `ends`."""

    def __init__(self, machine: Machine) -> None:
        super().__init__(machine)
        self.active: set[str] = set()
        self.enabled: set[str] = set()
        self.failing: set[str] = set()
        self.calls: list[str] = []

    def run(self, *words: str) -> bool:
        verb, *names = words
        if verb == "is-active":
            return names[0] in self.active
        if verb == "is-enabled":
            return names[0] in self.enabled
        self.calls.append(" ".join(words))
        if self.failing.intersection(names):
            return False
        if verb == "enable":
            self.enabled.update(names)
        elif verb == "disable":
            self.enabled.difference_update(names)
        elif verb == "start":
            self.active.update(names)
            for slot in slots.SLOTS:
                if drain_unit(slot) in names:
                    self.drains(slot)
        elif verb == "kill":
            for slot in slots.SLOTS:
                if drain_unit(slot) in names:
                    self.ends(slot)
        return True

    def drains(self, slot: str) -> None:
        folder = pathlib.Path(self.machine.path(slots.DRAINS))
        folder.mkdir(parents=True, exist_ok=True)
        if not (folder / slot).exists():
            until = 1_800_000_000 + len(list(folder.iterdir()))
            (folder / slot).write_text(json.dumps({"until": until, "listeners": {"/main.mp3": 1}}))

    def ends(self, slot: str) -> None:
        self.active -= {drain_unit(slot), *(instance(unit, slot) for unit in BOTH)}
        pathlib.Path(self.machine.path(slots.DRAINS), slot).unlink()

    def last_words(self, unit: str) -> str:
        return f"the last words of {unit}"

    def running(self) -> list[str]:
        """The slots in which everything runs and nothing drains."""
        return [
            slot
            for slot in slots.SLOTS
            if all(instance(unit, slot) in self.active & self.enabled for unit in BOTH)
            and slot not in self.slots.draining()
        ]


class Notes(units.Tell):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        self.texts.append(text)


@pytest.fixture(name="relay")
def make_relay(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> Relay:
    """One that runs in its first slot."""
    monkeypatch.setattr(slots, "WELL_SECONDS", 0.0)
    monkeypatch.setattr(slots, "LOOK_AGAIN_SECONDS", 0.0)
    relay = Relay(Machine(str(tmp_path)))
    assert relay.start(delivery()) == []
    assert relay.running() == ["a"]
    relay.calls.clear()
    return relay


def restart(relay: Relay, *wanted: str, given: Delivery | None = None) -> list[str]:
    relay.ask(dict.fromkeys(wanted or [NGINX], "restart"))
    return relay.work_off(given or delivery(), Notes())


def test_a_restart_begins_in_a_free_slot_and_the_present_one_drains(relay: Relay) -> None:
    assert restart(relay, NGINX) == []
    assert relay.calls == [
        "start aerial-icecast@b.service",
        "start aerial-nginx@b.service",
        "enable aerial-icecast@b.service aerial-nginx@b.service",
        "disable aerial-icecast@a.service aerial-nginx@a.service",
        "start aerial-drain-slot@a.service",
    ]
    assert relay.running() == ["b"]
    assert relay.slots.draining() == ["a"]
    # The one that drains is not touched: its listeners are still there.
    assert {instance(unit, "a") for unit in BOTH} <= relay.active


def test_units_in_slots_move_once_together_and_after_all_others(relay: Relay) -> None:
    restart(relay, ICECAST, NGINX, FEED)
    assert relay.calls[:3] == [
        "restart aerial-feed.service",
        "start aerial-icecast@b.service",
        "start aerial-nginx@b.service",
    ]
    assert [call for call in relay.calls if call.startswith("start aerial-drain")] == [
        "start aerial-drain-slot@a.service"
    ]


def test_a_reload_is_for_the_slot_that_takes_new_listeners(relay: Relay) -> None:
    restart(relay)
    relay.calls.clear()
    relay.ask({NGINX: "reload"})
    assert relay.work_off(delivery(), Notes()) == []
    assert relay.calls == ["reload aerial-nginx@b.service"]


def test_each_further_restart_takes_another_slot_while_there_is_one(relay: Relay) -> None:
    restart(relay)
    restart(relay)
    assert relay.running() == ["c"]
    assert relay.slots.draining() == ["a", "b"]
    assert not [call for call in relay.calls if call.startswith("kill")]


def test_the_slot_that_drains_longest_is_hurried_when_none_is_free(relay: Relay) -> None:
    for _ in range(3):
        assert restart(relay) == []
    assert "kill --kill-whom=main --signal=USR1 aerial-drain-slot@a.service" in relay.calls
    assert relay.running() == ["a"]
    assert relay.slots.draining() == ["b", "c"]


def test_a_slot_that_has_drained_is_free_again(relay: Relay) -> None:
    restart(relay)
    relay.ends("a")
    restart(relay)
    assert relay.running() == ["a"]


@pytest.mark.parametrize("unit", BOTH)
def test_one_that_does_not_start_beside_leaves_the_present_one_as_it_was(relay: Relay, unit: str) -> None:
    name = instance(unit, "b")
    relay.failing = {name}
    failed = restart(relay)
    words = f"{name} does not start\nthe last words of {name}"
    assert failed == [f"{NGINX} cannot be restarted beside what runs: {words}"]
    assert relay.running() == ["a"]
    # Who came to it meanwhile is not cut.
    assert relay.slots.draining() == ["b"]
    # And when its files are back, it is what it is to be.
    relay.ask({NGINX: "restart", ICECAST: "reload"})
    relay.calls.clear()
    assert relay.work_off(delivery(), Notes()) == []
    assert relay.calls == ["reload aerial-icecast@a.service"]


def test_one_that_is_not_well_in_time_says_why_and_gets_no_listeners(relay: Relay) -> None:
    ill = service(ICECAST, well=["sh", "-c", 'echo "no audio in $1" >&2; exit 1', "sh"])
    failed = restart(relay, given=delivery(ill, service(NGINX)))
    words = f"slot b is not well after 0 s: no audio in b\nthe last words of {instance(ICECAST, 'b')}"
    assert failed == [f"{NGINX} cannot be restarted beside what runs: {words}"]
    assert "start aerial-nginx@b.service" not in relay.calls
    assert relay.running() == ["a"]


def test_a_unit_is_well_before_the_next_one_starts(relay: Relay, tmp_path: pathlib.Path) -> None:
    told = tmp_path / "told"
    well = ["sh", "-c", f"echo $0 $1 >>{told}"]
    assert restart(relay, given=delivery(service(ICECAST, [*well, "icecast"]), service(NGINX, [*well, "nginx"]))) == []
    assert told.read_text() == "icecast b\nnginx b\n"


def test_a_restart_that_was_interrupted_is_completed_and_leaves_no_second_slot(relay: Relay) -> None:
    # By a power cut when both were enabled.
    relay.enabled.update(instance(unit, "b") for unit in BOTH)
    relay.active.update(instance(unit, "b") for unit in BOTH)
    relay.ask({NGINX: "restart"})
    again = Relay(relay.machine)
    again.active, again.enabled = relay.active, relay.enabled
    assert again.work_off(delivery(), Notes()) == []
    assert again.running() == ["c"]
    assert sorted(again.slots.draining()) == ["a", "b"]


def test_the_present_one_is_not_reloaded_with_what_is_for_the_new_one(relay: Relay) -> None:
    relay.ask({ICECAST: "restart", NGINX: "reload"})
    assert relay.work_off(delivery(), Notes()) == []
    assert not [call for call in relay.calls if call.startswith("reload")]
    assert relay.running() == ["b"]


def test_one_that_cannot_be_enabled_leaves_the_present_one_as_it_was(
    relay: Relay, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = relay.run
    monkeypatch.setattr(relay.slots, "run", lambda *words: words[0] != "enable" and run(*words))
    (failed,) = restart(relay)
    assert "cannot be enabled" in failed
    assert relay.running() == ["a"]
    assert relay.slots.draining() == ["b"]


def test_a_drain_that_does_not_start_is_told(relay: Relay) -> None:
    relay.failing = {drain_unit("a")}
    assert restart(relay) == [
        f"{drain_unit('a')} does not start: the last words of {drain_unit('a')}",
    ]
    assert relay.running() == ["b"]


def test_another_version_is_tried_by_each_delivery_until_it_runs(relay: Relay) -> None:
    relay.ask_lastingly({ICECAST: "restart"})
    relay.failing = {instance(ICECAST, "b")}
    assert len(relay.work_off(delivery(), Notes())) == 1
    # Its files are put back: they do not ask for it.
    assert relay.work_off(delivery(), Notes()) == []
    assert relay.running() == ["a"]
    relay.ends("b")
    for expected in (["b"], ["b"]):
        again = Relay(relay.machine)
        again.active, again.enabled = relay.active, relay.enabled
        assert again.work_off(delivery(), Notes()) == []
        assert again.running() == expected


def test_a_slot_becomes_free_when_all_run_and_none_drains(relay: Relay) -> None:
    for slot in ("b", "c"):
        relay.active.update(instance(unit, slot) for unit in BOTH)
    assert restart(relay) == []
    # Of those that nobody would miss at the next boot.
    assert "kill --kill-whom=main --signal=USR1 aerial-drain-slot@b.service" in relay.calls
    assert relay.running() == ["b"]


def test_what_does_not_run_is_started_where_it_was(relay: Relay) -> None:
    restart(relay)
    relay.active.clear()
    relay.calls.clear()
    relay.ask({NGINX: "restart"})
    assert relay.work_off(delivery(), Notes()) == []
    assert relay.calls == []
    assert relay.start(delivery()) == []
    assert relay.running() == ["b"]


def test_units_that_are_no_longer_wanted_end_in_every_slot(relay: Relay) -> None:
    relay.stop([*BOTH, FEED])
    names = [instance(unit, slot) for unit in BOTH for slot in slots.SLOTS]
    drains = [drain_unit(slot) for slot in slots.SLOTS]
    assert relay.calls == [f"disable --now {' '.join([*names, *drains, FEED])}"]

"""The small programs of a Relay in shell: what they take for proof, and what they leave behind when something fails."""

import json
import os
import pathlib
import subprocess
import time

import pytest

RELAY = pathlib.Path(__file__).parents[2] / "config-templates" / "relay"
REFUSED = 'echo "curl: (7) Failed to connect" >&2; exit 7'


class Machine:
    """Its files are below `root`; each fake program writes what it was asked for into `calls`."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        self.bin = root / "bin"
        for folder in ("bin", "run/aerial", "var/lib/aerial", "var/log/aerial-nginx"):
            (root / folder).mkdir(parents=True)
        for program in ("systemctl", "sleep", "sync", "curl"):
            self.fake(program, ":")

    def fake(self, program: str, does: str) -> None:
        place = self.bin / program
        place.write_text(f'#!/bin/sh\necho "{program} $*" >>{self.root}/calls\n{does}\n')
        place.chmod(0o755)

    def answer(self, text: str) -> None:
        """Of everything that is asked by curl."""
        (self.root / "answer").write_text(text)
        self.fake("curl", f"cat {self.root}/answer")

    def run(self, script: str, *words: str) -> subprocess.CompletedProcess[str]:
        environment = {"PATH": f"{self.bin}:{os.environ['PATH']}", "AERIAL_ROOT": str(self.root)}
        command = ["sh", str(RELAY / script), *words]
        return subprocess.run(command, env=environment, capture_output=True, text=True, check=False)

    def calls(self, program: str) -> list[str]:
        place = self.root / "calls"
        lines = place.read_text().splitlines() if place.exists() else []
        return [line.removeprefix(f"{program} ") for line in lines if line.startswith(f"{program} ")]


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> Machine:
    return Machine(tmp_path)


def fed(**seconds: float | None) -> str:
    return json.dumps({"/main.mp3": {"slots": {"b": 60.0}}, "/main.aac": {"slots": seconds}})


def test_an_icecast_is_well_once_the_feed_has_brought_every_mount_for_so_long(machine: Machine) -> None:
    machine.answer(fed(b=6.0))
    assert machine.run("slots/slot-well.sh", "icecast", "b").returncode == 0
    for late in (5.9, None):
        machine.answer(fed(b=late))
        done = machine.run("slots/slot-well.sh", "icecast", "b")
        assert (done.returncode, done.stderr) == (1, "the feed has not brought /main.aac to it for 6 s\n")


@pytest.mark.parametrize("answer", ["", "{}", "null", "<html>", "[]"])
def test_an_answer_of_the_feed_that_names_no_mount_proves_nothing(machine: Machine, answer: str) -> None:
    machine.answer(answer)
    done = machine.run("slots/slot-well.sh", "icecast", "b")
    assert done.returncode != 0
    assert done.stderr


def test_a_slot_is_not_well_when_the_feed_does_not_answer(machine: Machine) -> None:
    machine.fake("curl", REFUSED)
    done = machine.run("slots/slot-well.sh", "icecast", "b")
    assert (done.returncode, done.stderr) == (7, "curl: (7) Failed to connect\n")


@pytest.mark.parametrize("reasons", [[], ["draining"], ["full: 40 of 40 listeners"]])
def test_a_relay_that_drains_or_is_full_passes_its_own_check(machine: Machine, reasons: list[str]) -> None:
    machine.answer(json.dumps({"health": 503 if reasons else 200, "reasons": reasons, "faults": []}))
    done = machine.run("check/check.sh")
    assert (done.returncode, done.stderr) == (0, "")


def test_the_check_says_what_does_not_work(machine: Machine) -> None:
    faults = ["/main.mp3 stands still", '/a"\\n.mp3 has no audio that is known to advance']
    machine.answer(json.dumps({"health": 503, "reasons": ["draining", *faults], "faults": faults}))
    done = machine.run("check/check.sh")
    assert (done.returncode, done.stderr) == (1, "\n".join(faults) + "\n")


@pytest.mark.parametrize("answer", ["", "{}", "<html>", '{"faults":null}'])
def test_the_check_fails_where_nothing_tells_of_faults(machine: Machine, answer: str) -> None:
    machine.answer(answer)
    assert machine.run("check/check.sh").returncode != 0
    machine.fake("curl", REFUSED)
    done = machine.run("check/check.sh")
    assert (done.returncode, done.stderr) == (7, "curl: (7) Failed to connect\n")


def plan(machine: Machine) -> pathlib.Path:
    return machine.root / "var/lib/aerial/ending.json"


def test_the_plan_of_an_end_is_on_the_disk_before_it_has_its_name(machine: Machine) -> None:
    # At each sync: what there is.
    machine.fake("sync", f"ls {machine.root}/var/lib/aerial >>{machine.root}/calls")
    assert machine.run("nginx/aerial-drain.sh", "end", "600", "60", "5").returncode == 0
    calls = (machine.root / "calls").read_text().splitlines()
    place = str(plan(machine))
    first = calls.index(f"sync {place}.new")
    second = calls.index(f"sync {plan(machine).parent}")
    assert calls[first + 1 : first + 2] == ["ending.json.new"]
    assert calls[second + 1 : second + 2] == ["ending.json"]
    assert second < calls.index("systemctl --quiet enable --now aerial-ending.service")
    given = json.loads(plan(machine).read_text())
    assert given["until"] == pytest.approx(time.time() + 600, abs=5)
    assert given["least"] == pytest.approx(time.time() + 60, abs=5)
    assert given["perSecond"] == 5


def test_a_second_end_changes_no_times_but_replaces_a_plan_that_is_torn(machine: Machine) -> None:
    plan(machine).write_text("")
    machine.run("nginx/aerial-drain.sh", "end", "600", "60", "5")
    first = plan(machine).read_text()
    assert json.loads(first)["perSecond"] == 5
    machine.run("nginx/aerial-drain.sh", "end", "1200", "60", "7")
    assert plan(machine).read_text() == first


def test_stop_takes_a_whole_end_back(machine: Machine) -> None:
    machine.run("nginx/aerial-drain.sh", "end", "600", "60", "5")
    (machine.root / "run/aerial/closed").touch()
    machine.fake("systemctl", f"ls {machine.root}/run/aerial >{machine.root}/then")
    assert machine.run("nginx/aerial-drain.sh", "stop").returncode == 0
    assert machine.calls("systemctl")[-1] == "--quiet disable --now aerial-ending.service"
    # What would raise the flags again has ended before they go.
    assert (machine.root / "then").read_text().split() == ["closed", "draining"]
    assert not plan(machine).exists()
    assert list((machine.root / "run/aerial").iterdir()) == []


def test_stop_fails_where_the_end_goes_on(machine: Machine) -> None:
    machine.run("nginx/aerial-drain.sh", "end", "600", "60", "5")
    machine.fake("systemctl", "exit 1")
    assert machine.run("nginx/aerial-drain.sh", "stop").returncode != 0
    assert plan(machine).exists()


def test_the_access_log_is_looked_after_though_an_instance_of_nginx_has_failed(machine: Machine) -> None:
    folder = machine.root / "var/log/aerial-nginx"
    with open(folder / "access.log", "wb") as log:
        log.truncate(65 << 20)
    old = folder / "access-20200101T000000Z.log.gz"
    old.touch()
    os.utime(old, (0, 0))
    machine.fake("systemctl", "echo failed >&2; exit 1")
    done = machine.run("nginx/access-log.sh")
    assert done.returncode == 0
    assert "not every NGINX could be told" in done.stderr
    signals = [f"kill --kill-whom={whom} --signal=USR1 aerial-nginx@*.service" for whom in ("main", "all")]
    assert machine.calls("systemctl") == signals
    # Packed, and the oldest is gone.
    assert [path.suffixes for path in folder.iterdir()] == [[".log", ".gz"]]
    assert not old.exists()


def test_an_access_log_goes_when_its_first_lines_are_too_old_and_not_its_last(machine: Machine) -> None:
    folder = machine.root / "var/log/aerial-nginx"
    (folder / "access.log").touch()
    # A file holds a day, of the 14 that lines are kept.
    for name, days in (("access-1.log.gz", 13), ("access-2.log.gz", 12.9)):
        (folder / name).touch()
        os.utime(folder / name, (time.time() - days * 86400,) * 2)
    assert machine.run("nginx/access-log.sh").returncode == 0
    assert sorted(path.name for path in folder.iterdir()) == ["access-2.log.gz", "access.log"]

"""What a delivery does on a machine: which files it writes and removes, and what it asks of which unit."""

import json
import os
import pathlib
import threading
import time
from collections.abc import Iterable

import pytest
from deliver import apply, programs, system, units
from deliver.apply import Deliverer
from deliver.delivery import Delivery, File, Service
from deliver.problem import Refused
from deliver.tree import DELIVERED, LOCAL, Machine, Tree, write
from hypothesis import given
from hypothesis import strategies as st

NGINX = "aerial-nginx.service"
RADIO = "aerial-radio@main.service"
FEED = "aerial-feed.service"


def file(path: str, content: str = "new", mode: str = "0644", form: str | None = None) -> File:
    return {"path": path, "mode": mode, "owner": "root:root", "content": content, "format": form}


def service(unit: str, *reads: str, on_change: str = "restart", well: Iterable[str] = ()) -> Service:
    return {
        "unit": unit,
        "reads": list(reads),
        "on_change": on_change,
        "check": [],
        "packages": [],
        "well": list(well),
    }


def delivery(
    *files: File,
    services: Iterable[Service] = (),
    names: Iterable[str] = (),
    secrets: dict[str, str] | None = None,
) -> Delivery:
    return {
        "packages": [],
        "masked": [],
        "units": list(names),
        "services": list(services),
        "files": list(files),
        "secrets": {"values": secrets or {}, "files": {}},
        "ready_seconds": 1,
    }


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> Machine:
    return Machine(str(tmp_path))


def place(machine: Machine, path: str) -> pathlib.Path:
    return pathlib.Path(machine.path(path))


def filled(machine: Machine, *files: File, name: str = "following", secrets: dict[str, str] | None = None) -> Tree:
    tree = Tree(machine, name)
    tree.fill(delivery(*files, secrets=secrets))
    return tree


def put(machine: Machine, *files: File) -> Tree:
    """A machine that has these files already."""
    tree = filled(machine, *files)
    tree.put(tree.changes([])[0])
    return tree


def roles_own(paths: Iterable[str]) -> list[str]:
    """Without what every delivery writes: the secrets themselves."""
    return [path for path in paths if path not in (LOCAL, DELIVERED)]


# What changed files ask of units


@pytest.mark.parametrize(
    ("unit", "changed", "expected"),
    [
        pytest.param(NGINX, NGINX, True, id="itself"),
        pytest.param(NGINX, FEED, False, id="another"),
        pytest.param(RADIO, "aerial-radio@.service", True, id="the template of an instance"),
        pytest.param(RADIO, RADIO, True, id="an instance's own file"),
        pytest.param(RADIO, "aerial-radio@jazz.service", False, id="another instance"),
        pytest.param(RADIO, "aerial-radio@.timer", False, id="a template of another kind"),
        pytest.param(RADIO, "aerial-radio.service", False, id="a unit that is no template"),
        pytest.param("a@b.c.service", "a@.service", True, id="an instance with a dot in its name"),
        pytest.param("a.service", "a@.service", False, id="a template, for a unit that is no instance"),
    ],
)
def test_a_unit_is_made_by_a_units_file(unit: str, changed: str, expected: bool) -> None:
    assert units.is_of(unit, changed) is expected


SERVICES = [
    service(NGINX, "/etc/aerial/nginx/", "/etc/aerial/nginx.conf", on_change="reload"),
    service("aerial-volume.service", "/etc/aerial/volume", on_change="nothing"),
    service(RADIO, "/etc/aerial/radio/main.liq"),
]
TIMER = "aerial-certificate.timer"


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        pytest.param([], {}, id="nothing when nothing has changed"),
        pytest.param(["/etc/aerial/other"], {}, id="nothing for a file that no unit reads"),
        pytest.param(["/etc/aerial/nginx.conf"], {NGINX: "reload"}, id="what the unit says for a file"),
        pytest.param(["/etc/aerial/nginx/js/a.js"], {NGINX: "reload"}, id="what it says for any file of a folder"),
        pytest.param(["/etc/aerial/nginx.conf.old", "/etc/aerial/nginxes"], {}, id="nothing for a name that is longer"),
        pytest.param([units.FOLDER + NGINX], {NGINX: "restart"}, id="a restart for the unit's own file"),
        pytest.param([f"{units.FOLDER}{NGINX}.d/a.conf"], {NGINX: "restart"}, id="a restart for what is added to it"),
        pytest.param(
            ["/etc/aerial/nginx.conf", units.FOLDER + NGINX],
            {NGINX: "restart"},
            id="a restart when a reload would not do",
        ),
        pytest.param(
            [f"{units.FOLDER}aerial-radio@.service"],
            {RADIO: "restart"},
            id="a restart of the instances of a template",
        ),
        pytest.param(
            [f"{units.FOLDER}aerial-radio@.service.d/a.conf"],
            {RADIO: "restart"},
            id="a restart of the instances for what is added to their template",
        ),
        pytest.param(
            ["/etc/aerial/volume", f"{units.FOLDER}aerial-volume.service"],
            {},
            id="nothing of a unit that no change must disturb",
        ),
        pytest.param([units.FOLDER + TIMER], {TIMER: "restart"}, id="a restart of a timer, which is no service"),
        pytest.param([f"{units.FOLDER}other.timer"], {}, id="nothing of a timer that the role does not run"),
        pytest.param(
            [f"{units.FOLDER}aerial-certificate.service"],
            {},
            id="nothing of what a timer starts: the next run has it",
        ),
    ],
)
def test_changed_files_ask(paths: list[str], expected: dict[str, str]) -> None:
    assert units.actions(delivery(services=SERVICES, names=[NGINX, RADIO, TIMER]), paths) == expected


@given(st.permutations(["/etc/aerial/nginx.conf", "/etc/aerial/radio/main.liq", units.FOLDER + FEED]))
def test_units_are_asked_in_the_order_of_the_delivery(paths: list[str]) -> None:
    found = units.actions(delivery(services=[*SERVICES, service(FEED)]), paths)
    assert list(found) == [NGINX, RADIO, FEED]


class Calls(units.Systemd):
    """Notes what is asked of systemd; units in `failing` do not do it."""

    def __init__(self, machine: Machine, active: Iterable[str] = (), failing: Iterable[str] = ()) -> None:
        super().__init__(machine)
        self.calls: list[str] = []
        self.active = set(active)
        self.enabled: set[str] = set()
        self.failing = set(failing)

    def run(self, *words: str) -> bool:
        if words[0] == "is-active":
            return words[1] in self.active
        if words[0] == "is-enabled":
            return words[1] in self.enabled
        self.calls.append(" ".join(words))
        return not self.failing.intersection(words)

    def last_words(self, unit: str) -> str:
        return f"the last words of {unit}"


class Notes(units.Tell):
    def __init__(self) -> None:
        self.texts: list[str] = []

    def __call__(self, text: str) -> None:
        self.texts.append(text)


def test_what_is_asked_of_units_outlives_an_interruption(machine: Machine) -> None:
    Calls(machine).ask({NGINX: "reload", RADIO: "restart"})
    again = Calls(machine, active=[NGINX, RADIO])
    again.ask({NGINX: "restart", RADIO: "reload"})
    notes = Notes()
    assert again.work_off(delivery(), notes) == []
    assert again.calls == [f"restart {NGINX}", f"restart {RADIO}"]
    assert notes.texts == [f"{NGINX} restarted", f"{RADIO} restarted"]
    assert Calls(machine).pending == {}


def test_a_unit_that_does_not_run_is_left_to_be_started_with_its_new_files(machine: Machine) -> None:
    systemd = Calls(machine, active=[NGINX])
    systemd.ask({NGINX: "reload", RADIO: "restart"})
    systemd.work_off(delivery(), Notes())
    assert systemd.start(delivery(names=[NGINX, RADIO])) == []
    assert systemd.calls == [f"reload {NGINX}", f"enable {NGINX} {RADIO}", f"start {RADIO}"]


def test_units_that_fail_are_named_with_their_last_words(machine: Machine) -> None:
    systemd = Calls(machine, active=[NGINX], failing=[NGINX, RADIO])
    systemd.ask({NGINX: "reload"})
    assert systemd.work_off(delivery(), Notes()) == [f"{NGINX} does not reload: the last words of {NGINX}"]
    assert systemd.start(delivery(names=[RADIO])) == [f"{RADIO} does not start: the last words of {RADIO}"]


def test_a_unit_that_is_stopped_is_asked_for_nothing_any_more(machine: Machine) -> None:
    systemd = Calls(machine, active=[RADIO])
    systemd.ask({RADIO: "restart"})
    systemd.stop([RADIO])
    systemd.work_off(delivery(), Notes())
    assert systemd.calls == [f"disable --now {RADIO}"]


# Files


def test_a_file_is_written_when_it_is_not_there_or_differs_in_text_or_mode(machine: Machine) -> None:
    put(machine, file("/etc/same"), file("/etc/text"), file("/etc/mode"))
    tree = filled(machine, file("/etc/same"), file("/etc/text", "newer"), file("/etc/mode", mode="0640"), file("/new"))
    assert tree.changes([]) == (["/etc/text", "/etc/mode", "/new"], [])


def test_files_are_put_in_place_with_their_modes_and_then_there_is_nothing_to_change(machine: Machine) -> None:
    put(machine, file("/etc/aerial/one", "old"))
    tree = put(machine, file("/etc/aerial/one", "grüße\r\n", "0640"), file("/usr/local/sbin/two", mode="0755"))
    assert tree.changes([]) == ([], [])
    assert place(machine, "/etc/aerial/one").read_bytes() == "grüße\r\n".encode()
    assert place(machine, "/etc/aerial/one").stat().st_mode & 0o7777 == 0o640
    assert place(machine, "/usr/local/sbin/two").stat().st_mode & 0o7777 == 0o755
    assert [each.name for each in place(machine, "/etc/aerial").iterdir() if each.is_file()] == ["one"]


def test_only_what_is_asked_for_is_put_in_place(machine: Machine) -> None:
    filled(machine, file("/etc/one"), file("/etc/two")).put(["/etc/two"])
    assert [each.name for each in place(machine, "/etc").iterdir()] == ["two"]


def test_who_reads_a_file_meanwhile_reads_the_old_one_to_its_end(machine: Machine) -> None:
    put(machine, file("/etc/one", "old text"))
    with place(machine, "/etc/one").open(encoding="utf-8") as reader:
        put(machine, file("/etc/one", "new text"))
        assert reader.read() == "old text"
    assert place(machine, "/etc/one").read_text() == "new text"


def test_nobody_else_reads_a_file_before_it_has_its_owner(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: list[tuple[str, str]] = []

    def own(path: str, owner: str) -> None:
        seen.append((oct(pathlib.Path(path).stat().st_mode & 0o777), owner))

    monkeypatch.setattr(machine, "own", own)
    write(machine, machine.path("/etc/key"), "secret", 0o644, "root:www-data")
    assert seen == [("0o600", "root:www-data")]


def test_known_files_that_are_no_longer_wanted_go(machine: Machine) -> None:
    put(machine, file("/etc/stays"), file("/etc/goes"), file("/etc/strange"))
    place(machine, "/etc/link").symlink_to("/nowhere")
    tree = filled(machine, file("/etc/stays"))
    known = ["/etc/stays", "/etc/goes", "/etc/gone", "/etc/link"]
    assert tree.changes(known) == ([], ["/etc/goes", "/etc/link"])


def test_a_missing_secret_is_named_with_its_file_and_nothing_is_written(machine: Machine) -> None:
    before = filled(machine, file("/etc/one"))
    with pytest.raises(Refused, match=r"^/etc/two: @\{relay\.link\} was not delivered$"):
        filled(machine, file("/etc/one", "newer"), file("/etc/two", "@{relay.link}", form="raw"))
    assert Tree(machine, "following").files == before.files
    assert Tree(machine, "following").text("/etc/one") == b"new"


def test_a_changed_secret_changes_the_files_that_hold_it(machine: Machine) -> None:
    files = [file("/etc/key", "@{relay.link}", "0600", "raw"), file("/etc/other", "@{relay.link}")]
    tree = filled(machine, *files, secrets={"relay.link": "one"})
    tree.put(tree.changes([])[0])
    assert place(machine, "/etc/key").read_text() == "one"
    assert place(machine, "/etc/other").read_text() == "@{relay.link}"
    changed = filled(machine, *files, secrets={"relay.link": "two"})
    assert changed.changes([]) == (["/etc/key", DELIVERED], [])


def test_a_value_that_a_machine_makes_for_itself_stays_once_it_is_in_place(machine: Machine) -> None:
    local = file("/etc/key", "@{local.admin}", form="raw")
    first = put(machine, local).text("/etc/key")
    assert filled(machine, local).text("/etc/key") == first
    assert json.loads(place(machine, LOCAL).read_text()) == {"admin": first.decode()}
    assert place(machine, LOCAL).stat().st_mode & 0o777 == 0o600


def test_a_tree_takes_the_place_of_another_and_is_read_again_from_there(machine: Machine) -> None:
    filled(machine, file("/etc/old"), name="current")
    tree = filled(machine, file("/etc/new", mode="0600"))
    tree.become("current")
    again = Tree(machine, "current")
    assert roles_own(again.files) == ["/etc/new"]
    assert again.files == tree.files
    assert again.delivery == delivery(file("/etc/new", mode="0600"))
    assert again.text("/etc/new") == b"new"
    assert not pathlib.Path(again.staged("/etc/old")).exists()
    assert pathlib.Path(again.folder).stat().st_mode & 0o777 == 0o700
    assert Tree(machine, "following").delivery is None


def test_a_machine_without_a_delivery_has_no_files_of_it(machine: Machine) -> None:
    tree = Tree(machine, "current")
    assert tree.files == {}
    assert tree.delivery is None


# The whole


@pytest.fixture
def applied(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> "Applied":
    return Applied(machine, monkeypatch)


class Applied:
    """A machine without cloud-init, packages and systemd, which is well unless a test says otherwise."""

    def __init__(self, machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
        self.machine = machine
        self.active: set[str] = set()
        self.ill = ""
        self.notes = Notes()
        self.calls: list[str] = []
        monkeypatch.setattr(system, "await_cloud_init", lambda: None)
        monkeypatch.setattr(system, "install_packages", lambda *_: None)
        monkeypatch.setattr(system, "check", lambda *_: None)
        monkeypatch.setattr(system, "prove", self.prove)

    def prove(self, _: Delivery) -> None:
        if self.ill:
            raise Refused(self.ill)

    def apply(self, given: Delivery) -> None:
        systemd = Calls(self.machine, self.active)
        self.notes = Notes()
        deliverer = Deliverer(self.machine, self.notes)
        deliverer.systemd = systemd
        try:
            deliverer.apply(given)
        finally:
            self.calls = systemd.calls

    def read(self, path: str) -> str | None:
        try:
            return place(self.machine, path).read_text()
        except FileNotFoundError:
            return None


CONFIGURATION = "/etc/aerial/nginx.conf"


def nginx(content: str, *more: File) -> Delivery:
    configuration = file(CONFIGURATION, content)
    return delivery(
        configuration,
        *more,
        services=[service(NGINX, CONFIGURATION, on_change="reload")],
        names=[NGINX],
    )


def test_the_same_delivery_twice_does_nothing(applied: Applied) -> None:
    applied.apply(nginx("one", file(units.FOLDER + NGINX)))
    assert applied.calls == ["daemon-reload", f"enable {NGINX}", f"start {NGINX}"]
    applied.active = {NGINX}
    applied.apply(nginx("one", file(units.FOLDER + NGINX)))
    assert applied.calls == [f"enable {NGINX}"]
    assert applied.notes.texts == ["well; nothing to change"]


def test_a_change_touches_its_own_unit_and_no_other(applied: Applied) -> None:
    applied.apply(nginx("one"))
    applied.active = {NGINX, FEED}
    applied.apply(nginx("two"))
    assert applied.calls == [f"reload {NGINX}", f"enable {NGINX}"]
    assert applied.notes.texts == [f"{NGINX} reloaded", "well; 1 files changed"]
    assert applied.read(CONFIGURATION) == "two"


def test_files_and_units_of_the_delivery_before_go_with_it_and_others_stay(applied: Applied) -> None:
    write(applied.machine, applied.machine.path("/etc/strange"), "strange", 0o644, "root:root")
    applied.apply(nginx("one", file("/etc/old")))
    applied.apply(delivery(file("/etc/new")))
    assert f"disable --now {NGINX}" in applied.calls
    assert [applied.read(path) for path in (CONFIGURATION, "/etc/old")] == [None, None]
    assert [applied.read(path) for path in ("/etc/new", "/etc/strange")] == ["new", "strange"]


def test_a_machine_that_is_not_well_goes_back_to_the_delivery_before(applied: Applied) -> None:
    applied.apply(nginx("one", file("/etc/old")))
    applied.active = {NGINX}
    applied.ill = "the audio stands still"
    with pytest.raises(Refused, match=r"^the audio stands still\nthe delivery before is in place again$"):
        applied.apply(nginx("two", file("/etc/added")))
    assert applied.calls.count(f"reload {NGINX}") == 2
    assert [applied.read(path) for path in (CONFIGURATION, "/etc/old", "/etc/added")] == ["one", "new", None]
    # And then knows what it is.
    applied.ill = ""
    applied.apply(nginx("one", file("/etc/old")))
    assert applied.notes.texts == ["well; nothing to change"]


def test_a_new_machine_that_is_not_well_says_so_and_is_completed_by_the_next_delivery(applied: Applied) -> None:
    applied.ill = "the audio stands still"
    with pytest.raises(Refused, match="no earlier delivery to go back to"):
        applied.apply(nginx("one", file("/etc/wrong")))
    applied.ill = ""
    applied.apply(nginx("two"))
    assert applied.read(CONFIGURATION) == "two"
    assert applied.read("/etc/wrong") is None


def test_nothing_changes_when_a_program_refuses_its_file(applied: Applied, monkeypatch: pytest.MonkeyPatch) -> None:
    applied.apply(nginx("one"))

    def refuse(_tree: Tree, _delivery: Delivery, paths: list[str], _is_active: object) -> None:
        raise Refused(f"nginx refuses {', '.join(paths)}")

    monkeypatch.setattr(system, "check", refuse)
    with pytest.raises(Refused, match=f"^nginx refuses {CONFIGURATION}$"):
        applied.apply(nginx("two"))
    assert applied.read(CONFIGURATION) == "one"
    assert applied.calls == []


def test_a_machine_goes_back_whatever_went_wrong(applied: Applied, monkeypatch: pytest.MonkeyPatch) -> None:
    applied.apply(nginx("one"))

    def broken(_: Delivery) -> None:
        raise KeyError("units")

    monkeypatch.setattr(system, "prove", broken)
    with pytest.raises(Refused, match=r"^KeyError: 'units'\nthe delivery before is in place again$"):
        applied.apply(nginx("two"))
    assert applied.read(CONFIGURATION) == "one"


def test_a_delivery_that_was_cut_off_while_it_became_the_present_one_leaves_one(applied: Applied) -> None:
    applied.apply(nginx("one"))
    current = pathlib.Path(Tree(applied.machine, "current").folder)
    current.rename(f"{current}.before")
    kept = Tree(applied.machine, "current").delivery
    assert kept is not None
    assert kept["files"][0]["content"] == "one"


def test_a_program_may_say_anything() -> None:
    assert programs.run(["printf", r"a\377b"], 10) == (0, "a\ufffdb")


@pytest.mark.parametrize(
    ("command", "words"),
    [(["sleep", "10"], "sleep 10: not done within 0 s"), (["nothing-of-ours"], "nothing-of-ours: ")],
)
def test_a_program_that_does_not_end_or_is_not_there_is_told(command: list[str], words: str) -> None:
    with pytest.raises(Refused, match=f"^{words}"):
        programs.run(command, 0.2)


@pytest.mark.parametrize(("code", "active"), [(0, True), (3, False), (4, False), (1, None)])
def test_a_unit_is_not_taken_for_ended_when_systemd_does_not_answer(
    machine: Machine, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, code: int, active: bool | None
) -> None:
    program = tmp_path / "bin/systemctl"
    program.parent.mkdir()
    program.write_text(f"#!/bin/sh\necho Failed to connect to bus >&2\nexit {code}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(program.parent), prepend=":")
    systemd = units.Systemd(machine)
    if active is None:
        with pytest.raises(Refused, match="Failed to connect to bus"):
            systemd.run("is-active", NGINX)
    else:
        assert systemd.run("is-active", NGINX) is active


def test_nobody_else_can_keep_deliveries_waiting(machine: Machine) -> None:
    with apply.alone(machine, Notes()):
        assert os.stat(machine.home).st_mode & 0o777 == 0o700


def test_a_delivery_that_waits_for_another_one_says_so(machine: Machine) -> None:
    notes = Notes()

    def wait() -> None:
        with apply.alone(machine, notes):
            pass

    other = threading.Thread(target=wait)
    with apply.alone(machine, Notes()):
        other.start()
        while not notes.texts:
            time.sleep(0.01)
    other.join(10)
    assert notes.texts == ["waits for another delivery"]

"""How a connection to Icecast outlives the feed: `keeper`, with the kernel's counts of real connections."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from feed import keeper
from feed.frames import Frame
from feed.keeper import MARKS, Memory, Place
from feed.source import written

MOUNT = "/main.mp3"


@pytest.fixture(name="pair")
def make_pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    """A connection on the loopback address: the feed's end, and Icecast's."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        ours = socket.create_connection(server.getsockname())
        theirs, _ = server.accept()
    with ours, theirs:
        yield ours, theirs


def place(position: int, phase: int = 0, marks: int = MARKS) -> Place:
    return Place(position, phase, 17, 1234.5 + position, 0.25, tuple(range(position, position + marks)))


def receive(connection: socket.socket, count: int) -> None:
    while count:
        count -= len(connection.recv(count))


def test_the_kernel_counts_what_was_written_read_or_not(pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    base = written(ours)
    ours.sendall(b"x" * 1000)
    assert written(ours) == base + 1000
    receive(theirs, 1000)
    assert written(ours) == base + 1000
    # More than both ends hold: a part of it is still on the way.
    ours.setblocking(False)
    sent = ours.send(b"x" * (8 << 20))
    assert sent < 8 << 20
    assert written(ours) == base + 1000 + sent


def test_the_place_is_the_one_after_a_send_that_took_place(
    tmp_path: Path, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, _ = pair
    base = written(ours)
    memory = Memory(os.fspath(tmp_path), MOUNT, "a")
    position = 0
    for count in (100, 250, 64, 1400):
        position += count
        memory.write(base, place(position))
        ours.send(b"x" * count)
        assert Memory(os.fspath(tmp_path), MOUNT, "a").find(written(ours)) == (base, place(position))


def test_the_place_is_the_one_before_a_send_that_did_not(
    tmp_path: Path, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, _ = pair
    base = written(ours)
    memory = Memory(os.fspath(tmp_path), MOUNT, "a")
    memory.write(base, place(100))
    ours.send(b"x" * 100)
    memory.write(base, place(350))
    assert Memory(os.fspath(tmp_path), MOUNT, "a").find(written(ours)) == (base, place(100))


def test_the_next_process_goes_on_and_may_be_killed_at_any_time_too(
    tmp_path: Path, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, _ = pair
    base = written(ours)
    memory = Memory(os.fspath(tmp_path), MOUNT, "a")
    position = 0
    for turn in range(8):
        position += 100
        memory.write(base, place(position))
        ours.send(b"x" * 100)
        if turn % 3 == 2:
            memory.write(base, place(position + 999))
        memory = Memory(os.fspath(tmp_path), MOUNT, "a")
        assert memory.find(written(ours)) == (base, place(position))


def test_a_send_that_was_cut_has_no_place(tmp_path: Path, pair: tuple[socket.socket, socket.socket]) -> None:
    ours, theirs = pair
    memory = Memory(os.fspath(tmp_path), MOUNT, "a")
    base = written(ours)
    assert memory.find(base) is None
    memory.write(base, place(100))
    ours.send(b"x" * 60)
    assert memory.find(written(ours)) is None
    kept_by_systemd = ours.dup()
    assert keeper.resume(ours, memory) is None
    # Icecast is to notice at once, though systemd holds the connection too.
    theirs.settimeout(1)
    receive(theirs, 60)
    assert theirs.recv(1) == b""
    kept_by_systemd.close()


def test_a_connection_is_resumed_with_its_title_to_be_said_again(
    tmp_path: Path, pair: tuple[socket.socket, socket.socket]
) -> None:
    ours, _ = pair
    memory = Memory(os.fspath(tmp_path), MOUNT, "a")
    base = written(ours)
    memory.write(base, place(100, phase=36))
    ours.send(b"x" * 100)
    kept = keeper.resume(ours, memory)
    assert kept is not None
    assert (kept.base, kept.place) == (base, place(100, phase=36))
    assert (kept.source.position, kept.source.phase, kept.source.title) == (100, 36, b"")


def test_fewer_marks_than_usual_are_kept_and_of_more_the_last(tmp_path: Path) -> None:
    memory = Memory(os.fspath(tmp_path), MOUNT, "a")
    memory.write(0, place(10, marks=3))
    memory.write(0, place(20, marks=MARKS + 5))
    few, many = memory.find(10), memory.find(20)
    assert few is not None
    assert many is not None
    assert few[1].marks == (10, 11, 12)
    assert many[1].marks == tuple(range(25, 25 + MARKS))


def test_marks_tell_frames_apart() -> None:
    one, other = Frame(b"one", 0.024, (1,)), Frame(b"other", 0.024, (1,))
    assert keeper.mark(one) == keeper.mark(Frame(b"one", 0.024, (2,))) != keeper.mark(other)


def test_mounts_have_files_of_their_own_in_every_slot(tmp_path: Path) -> None:
    first, *others = [
        Memory(os.fspath(tmp_path), mount, slot) for mount, slot in (("/1.mp3", "a"), ("/2.mp3", "a"), ("/1.mp3", "b"))
    ]
    first.write(0, place(10))
    assert [memory.find(10) for memory in others] == [None, None]
    assert sorted(os.listdir(tmp_path)) == ["a_1.mp3", "a_2.mp3", "b_1.mp3"]


def test_systemd_is_told_and_given_the_connection(
    tmp_path: Path, pair: tuple[socket.socket, socket.socket], monkeypatch: pytest.MonkeyPatch
) -> None:
    address = os.fspath(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as systemd:
        systemd.bind(address)
        monkeypatch.setenv("NOTIFY_SOCKET", address)
        keeper.keep(keeper.key(MOUNT, "b"), pair[0])
        message, descriptors, _, _ = socket.recv_fds(systemd, 1000, 4)
        assert message == b"FDSTORE=1\nFDNAME=b/main.mp3"
        with socket.socket(fileno=descriptors[0]) as kept:
            assert kept.getsockname() == pair[0].getsockname()
        keeper.forget(keeper.key(MOUNT, "b"))
        assert systemd.recv(1000) == b"FDSTOREREMOVE=1\nFDNAME=b/main.mp3"
    monkeypatch.delenv("NOTIFY_SOCKET")
    keeper.notify("READY=1")


def test_of_two_sockets_for_a_mount_in_a_slot_the_newest_counts() -> None:
    script = """if True:
        import os, socket, sys
        from feed import keeper
        os.environ["LISTEN_PID"] = str(os.getpid())
        pairs = [socket.socketpair() for _ in range(3)]
        held = [os.dup(ours.fileno()) for ours, _ in pairs]
        for number, descriptor in enumerate(held):
            os.dup2(descriptor, 50 + number)
        os.closerange(3, 50)
        for number in range(3):
            os.dup2(50 + number, 3 + number)
        found = keeper.inherited()
        print(sorted((name, connection.fileno()) for name, connection in found.items()))
    """
    environment = {
        **os.environ,
        "PYTHONPATH": os.pathsep.join(sys.path),
        "LISTEN_FDS": "3",
        "LISTEN_FDNAMES": "a/main.mp3:a/main.aac:a/main.mp3",
    }
    done = subprocess.run([sys.executable, "-c", script], env=environment, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[('a/main.aac', 4), ('a/main.mp3', 3)]"


def test_sockets_for_another_process_are_not_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LISTEN_PID", "1")
    monkeypatch.setenv("LISTEN_FDS", "1")
    assert keeper.inherited() == {}

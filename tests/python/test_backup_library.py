"""The shows on a machine's disk, what it knows of them, and what it tells of its runs."""

import os
import pathlib
import re
import time
import types
from typing import Any

import pytest
from backup import library, records, results, settings

SHOW = library.Show("main", "a.mp3", "", 5, 7)


def put(folder: pathlib.Path, *paths: str) -> None:
    for path in paths:
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("x")


def scan(folder: pathlib.Path) -> list[library.Show]:
    return library.scan([("main", str(folder))])


class TestLibrary:
    def test_is_all_shows_below_it_without_hidden_partial_and_other_files(self, tmp_path: pathlib.Path) -> None:
        shows = ["a.mp3", "Größe/b c.FLAC", "Größe/日本/d.wav"]
        put(tmp_path, *shows, "notes.txt", "e.mp3.part", "f.tmp", ".g.mp3", ".h/i.mp3")
        assert sorted(show.path for show in scan(tmp_path)) == sorted(shows)

    def test_names_what_cannot_be_kept_links_and_names_that_are_no_text(self, tmp_path: pathlib.Path) -> None:
        put(tmp_path, "a.mp3")
        (tmp_path / "link.mp3").symlink_to(tmp_path / "a.mp3")
        pathlib.Path(os.fsdecode(os.fsencode(tmp_path) + b"/\xff.mp3")).touch()
        found = {show.path: show.unusable for show in scan(tmp_path)}
        assert "put the file itself there" in (found.pop("link.mp3") or "")
        assert found == {"a.mp3": None, "\\udcff.mp3": "its name is not UTF-8: rename it"}

    def test_is_an_error_when_its_disk_is_not_there_never_an_empty_one(self, tmp_path: pathlib.Path) -> None:
        with pytest.raises(settings.Failed, match=r"is its disk mounted\?"):
            scan(tmp_path / "gone")

    @pytest.mark.parametrize(
        ("seen", "since"),
        [(None, 100), ((5, 7, 90), 90), ((4, 7, 90), 100), ((5, 6, 90), 100), ((5, 7, 110), 100)],
    )
    def test_holds_a_show_complete_once_it_is_as_it_was(
        self, seen: tuple[int, int, float] | None, since: float
    ) -> None:
        """For as long as nobody touches it or the clock goes back."""
        assert library.quiet_since(seen, SHOW, 100) == since

    def test_does_not_take_a_show_that_is_being_written_or_has_changed_since_it_was_seen(
        self, tmp_path: pathlib.Path
    ) -> None:
        put(tmp_path, "a.mp3")
        (show,) = scan(tmp_path)
        library.opened(show).close()
        with open(show.file, "a") as writer:
            with pytest.raises(library.Unfinished, match=r"^it is being written$"):
                library.opened(show)
            writer.write("y")
        with pytest.raises(library.Unfinished, match=r"^it has just been changed$"):
            library.opened(show)
        os.unlink(show.file)
        with pytest.raises(library.Unfinished, match=r"^it has gone$"):
            library.opened(show)


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> Any:
    """As much of a machine's settings as records and results need."""
    return types.SimpleNamespace(state=str(tmp_path))


class TestRecords:
    def test_say_a_show_is_safe_for_the_content_that_was_put_and_for_no_other(self, machine: Any) -> None:
        book = records.Records(machine)
        book.saw(SHOW, 1)
        book.keep(SHOW, "shows/2026/11/22/main/a.mp3", "00", "v1", 10, 5)
        again = records.Records(machine)
        assert again.is_safe(SHOW)
        assert not again.is_safe(library.Show("main", "a.mp3", "", 5, 8))
        assert len(again.waiting) == 0
        assert again.manifest() == [
            {
                "path": "a.mp3",
                "channel": "main",
                "key": "shows/2026/11/22/main/a.mp3",
                "versionId": "v1",
                "size": 5,
                "sha256": "00",
                "mtime": "1970-01-01T00:00:00.000000007Z",
                "uploadedAt": "1970-01-01T00:00:10Z",
            }
        ]

    def test_keep_the_first_key_of_a_show_after_they_were_made_from_the_bucket(self, machine: Any) -> None:
        """And believe in no content."""
        book = records.Records(machine)
        key = "shows/2020/01/01/main/a.mp3"
        book.learn_keys([key], [])
        assert book.shows[SHOW.id]["key"] == key
        assert not book.is_safe(SHOW)
        assert book.manifest() == []

    def test_are_made_again_when_the_file_is_broken(self, machine: Any, tmp_path: pathlib.Path) -> None:
        (tmp_path / "shows.sqlite").write_text("this is no database, it is a text of some length" * 100)
        assert records.Records(machine).fact("known since") is None

    def test_wait_longer_after_each_failure_of_a_show_and_not_at_all_once_it_is_another(
        self, machine: Any, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(time, "time", lambda: 1000.0)
        book = records.Records(machine)
        book.saw(SHOW, 1)
        delays = []
        for _ in range(8):
            book.fail(SHOW, "no")
            delays.append(book.waiting[SHOW.id]["retry_at"] - 1000)
        assert delays == [15, 30, 60, 120, 240, 480, 600, 600]
        book.saw(library.Show("main", "a.mp3", "", 6, 7), 2)
        assert book.waiting[SHOW.id]["retry_at"] == 0


def test_results_are_metrics_that_prometheus_reads_the_last_success_kept_through_a_failure(
    machine: Any, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(results, "METRICS", str(tmp_path / "metrics"))
    with results.recorded(machine, "audit") as run:
        run.figures = {"shows": 3, "bytes": 7, "problems": {"not on disk": 0}}

    def fail() -> None:
        with results.recorded(machine, "audit") as run:
            run.figures = {"problems": {"not on disk": 1}}
            raise settings.Failed("found 1")

    with pytest.raises(settings.Failed, match=r"^found 1$"):
        fail()
    lines = (tmp_path / "metrics/aerial-backup-audit.prom").read_text().splitlines()
    expected = [
        r"aerial_backup_audit_healthy 0",
        r"aerial_backup_audit_last_run_timestamp_seconds \d{10}",
        r"aerial_backup_audit_last_success_timestamp_seconds \d{10}",
        r"aerial_backup_audit_duration_seconds \d.*",
        r"aerial_backup_audit_shows 3",
        r"aerial_backup_audit_bytes 7",
        r'aerial_backup_audit_problems\{kind="not on disk"\} 1',
    ]
    values = [line for line in lines if not line.startswith("#")]
    assert len(values) == len(expected)
    for value, pattern in zip(values, expected, strict=True):
        assert re.fullmatch(pattern, value)
    assert sum(line.startswith("# TYPE") for line in lines) == 7

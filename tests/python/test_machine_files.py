"""How programs of a machine write files and read what they left."""

import pathlib

import files
import pytest


def test_a_file_is_replaced_with_its_mode(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "one"
    path.write_text("old")
    files.write(str(path), "new", 0o640)
    assert path.read_text() == "new"
    assert path.stat().st_mode & 0o777 == 0o640


def test_a_file_gets_its_mode_before_it_is_given_away(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[str] = []
    monkeypatch.setattr("os.fchmod", lambda *_: steps.append("mode"))
    monkeypatch.setattr("shutil.chown", lambda *_: steps.append("owner"))
    files.write(str(tmp_path / "one"), "new", owner="www-data:www-data")
    assert steps == ["mode", "owner"]


def test_a_file_that_cannot_be_written_stays_as_it_is(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "one"
    path.write_text("old")
    with pytest.raises(LookupError):
        files.write(str(path), "new", owner="nobody-of-that-name:root")
    assert [each.name for each in tmp_path.iterdir()] == ["one"]
    assert path.read_text() == "old"


@pytest.mark.parametrize("content", [None, "", '{"torn": '])
def test_nothing_is_recalled_from_a_file_that_is_missing_or_torn(tmp_path: pathlib.Path, content: str | None) -> None:
    path = tmp_path / "state.json"
    if content is not None:
        path.write_text(content)
    assert files.recall(str(path)) == {}

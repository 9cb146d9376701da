"""Which files are shows, to the playout, the backup and the Masters alike."""

import audio
import pytest


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        *(("a.mp3", True), ("b/C.FLAC", True), ("x.opus", True)),
        *((".a.mp3", False), (".b/a.mp3", False), ("a.mp3.part", False), ("a.tmp", False), ("notes.txt", False)),
    ],
)
def test_shows_are_audio_by_their_ending_hidden_partial_and_temporary_files_are_none(path: str, expected: bool) -> None:
    assert audio.is_show(path) is expected

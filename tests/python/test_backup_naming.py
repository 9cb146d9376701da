"""How things are called in the buckets of the backup, and which version of them counts."""

import json
import unicodedata
from typing import Any

import pytest
from backup import archive, naming
from hypothesis import given
from hypothesis import strategies as st

SECOND = 1_000_000_000
# 2026-11-22T23:00:00Z
EVENING = 1_795_388_400


def key(path: str, day: str = "22") -> str:
    return f"shows/2026/11/{day}/main/{path}"


def test_a_show_s_key_is_its_day_channel_and_path_readable_as_they_are() -> None:
    path = "Größe & Ä/it's 100%.mp3"
    assert naming.show_key("main", path, EVENING * SECOND) == key(path)


PART = st.text(st.characters(exclude_categories=("Cc", "Cs"), exclude_characters="/"), min_size=1, max_size=20).filter(
    lambda text: text not in (".", "..")
)


@given(st.lists(PART, min_size=1, max_size=4).map("/".join))
def test_a_key_leads_back_to_the_channel_and_the_path_whatever_the_name(path: str) -> None:
    assert naming.parse_show_key(naming.show_key("main", path, EVENING * SECOND)) == ("main", path)


@pytest.mark.parametrize(
    "path",
    [
        *("shows/2026/11/22/../../etc/passwd", "shows/2026/11/22/main/../../x.mp3", "shows/2026/11/22/main//x.mp3"),
        *("shows/2026/11/22/./x.mp3", "shows/2026/11/22/main/a\nb.mp3", "else/x.mp3"),
    ],
)
def test_a_key_that_would_lead_out_of_the_folder_of_a_restore_is_none(path: str) -> None:
    assert naming.parse_show_key(path) is None


def test_metadata_is_ascii_and_complete_as_long_as_s3_takes_it() -> None:
    short = naming.show_metadata("main", "a b/é%.mp3", EVENING * SECOND + SECOND // 2, "00", EVENING)
    assert short == {
        "sha256": "00",
        "channel": "main",
        "path": "a%20b/%C3%A9%25.mp3",
        "mtime": "2026-11-22T23:00:00.500000000Z",
        "uploaded": "2026-11-22T23:00:00Z",
    }
    assert "path" not in naming.show_metadata("main", "日" * 300 + ".mp3", EVENING * SECOND, "00", EVENING)


@given(st.integers(0, 4_000_000_000).map(lambda time: time * 1_000_003))
def test_times_survive_to_the_nanosecond(time_ns: int) -> None:
    assert naming.parse_rfc3339_ns(naming.rfc3339_ns(time_ns)) == time_ns


def test_names_that_cannot_be_kept_are_refused_with_a_remedy() -> None:
    assert "control character" in (naming.why_unusable("main", "a\x07.mp3") or "")
    assert "bytes too long for S3" in (naming.why_unusable("main", "ä" * 520 + ".mp3") or "")
    assert naming.why_unusable("main", "ä.mp3") is None


def version(name: str, uploaded_at: int, size: int) -> dict[str, Any]:
    return {"key": name, "uploadedAt": uploaded_at, "size": size}


def sizes(versions: list[dict[str, Any]], at: int | None = None) -> dict[str, int]:
    """Sizes of what is chosen of versions as of a time."""
    return {"/".join(show): chosen["size"] for show, chosen in naming.shows_as_of(versions, at).items()}


@pytest.mark.parametrize(
    ("at", "expected"),
    [
        (None, {"main/a.mp3": 3, "main/b.mp3": 9}),
        (299, {"main/a.mp3": 2, "main/b.mp3": 9}),
        (200, {"main/a.mp3": 2}),
        (99, {}),
    ],
)
def test_a_show_is_its_newest_version_until_then_and_absent_before_its_first(
    at: int | None, expected: dict[str, int]
) -> None:
    versions = [
        version(key("a.mp3"), 300, 3),
        version(key("a.mp3"), 200, 2),
        version(key("a.mp3"), 100, 1),
        version(key("b.mp3"), 250, 9),
        version("shows/else", 1, 1),
    ]
    assert sizes(versions, at) == expected


def test_of_two_versions_in_one_second_it_is_the_one_that_s3_lists_first_and_of_two_keys_the_newer() -> None:
    assert sizes([version(key("a.mp3"), 5, 2), version(key("a.mp3"), 5, 1)]) == {"main/a.mp3": 2}
    assert sizes([version(key("a.mp3"), 5, 2), version(key("a.mp3", "23"), 6, 1)]) == {"main/a.mp3": 1}


def test_the_dump_is_the_newest_that_was_begun_by_then() -> None:
    keys = [
        "database/2026/11/22/20261122T220000Z.dump.age",
        "database/2026/11/22/20261122T230000Z.dump.age",
        "database/2026/11/22/else",
    ]
    assert naming.newest_archive("database", keys) == keys[1]
    assert naming.newest_archive("database", keys, EVENING - 1) == keys[0]
    assert naming.newest_archive("database", keys, EVENING - 7200) is None
    assert naming.archive_key("database", EVENING) == keys[1]


def test_a_time_may_be_of_any_zone_and_what_is_none_is_refused_with_an_example() -> None:
    assert naming.parse_time("2026-11-22T23:00:00Z") == EVENING
    assert naming.parse_time("2026-11-23T00:00:00+01:00") == EVENING
    with pytest.raises(ValueError, match="write 2026-11-22T23:00:00Z"):
        naming.parse_time("yesterday")


@pytest.mark.parametrize(
    ("pattern", "path", "channel", "expected"),
    [
        ("*Größe*", unicodedata.normalize("NFD", "Größe.mp3"), None, True),
        ("main/*", "a.mp3", None, True),
        ("a.*", "b.mp3", None, False),
        ("*", "a.mp3", "second", False),
    ],
)
def test_a_pattern_finds_a_show_however_its_ä_is_written(
    pattern: str, path: str, channel: str | None, expected: bool
) -> None:
    assert naming.chosen("main", path, pattern, channel) is expected


def test_the_rows_of_a_dump_are_told_as_s3_takes_them_and_any_loss_of_them_is_found() -> None:
    many = {f"table_number_{number}": number for number in range(200)}
    metadata = archive.rows_metadata(many)
    assert len(json.dumps(metadata)) < 1900
    assert archive.differing_rows(metadata, many) == []
    fewer = archive.differing_rows(metadata, {**many, "table_number_199": 198})
    assert "table_number_199 has 198 rows, not 199" in fewer
    small = archive.differing_rows(metadata, {**many, "table_number_1": 0})
    assert small == ["19899 rows in 200 tables, not 19900 in 200"]

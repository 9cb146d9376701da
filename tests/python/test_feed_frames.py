"""How the feed finds frames in a stream."""

from pathlib import Path

import pytest
from feed.frames import FrameCutter, adts_header, mp3_gains, mp3_header, read_loop
from feed_samples import adts, mp3, parts_of, with_gains
from hypothesis import given
from hypothesis import strategies as st

# No byte of these looks like the begin of a header.
bodies = st.binary(max_size=180).map(lambda body: body.replace(b"\xff", b"\xfe"))
junk = st.binary(max_size=60).map(lambda part: part.replace(b"\xff", b"\xfe"))
frames = {"audio/mpeg": bodies.map(mp3), "audio/aac": bodies.map(lambda body: adts(body or b"\0"))}


def cut(content_type: str, parts: list[bytes]) -> list[bytes]:
    cutter = FrameCutter(content_type)
    return [frame.data for part in parts for frame in cutter.cut(part)]


@pytest.mark.parametrize("content_type", frames)
@given(data=st.data())
def test_a_stream_gives_the_same_frames_however_it_is_cut(content_type: str, data: st.DataObject) -> None:
    expected = data.draw(st.lists(frames[content_type], min_size=2, max_size=8))
    stream = b"".join(expected)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=12))
    assert cut(content_type, parts_of(stream, cuts)) == expected[:-1]
    assert cut(content_type, [bytes([byte]) for byte in stream]) == expected[:-1]


@pytest.mark.parametrize("content_type", frames)
@given(data=st.data())
def test_a_link_that_begins_in_the_middle_of_a_frame_loses_no_other(content_type: str, data: st.DataObject) -> None:
    expected = data.draw(st.lists(frames[content_type], min_size=2, max_size=6))
    stream = data.draw(junk) + b"".join(expected)
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=6))
    assert cut(content_type, parts_of(stream, cuts)) == expected[:-1]


@given(st.lists(bodies.map(mp3), min_size=2, max_size=5), st.lists(bodies.map(mp3), min_size=2, max_size=5), junk)
def test_junk_between_frames_costs_the_frame_before_it_and_no_more(
    before: list[bytes], after: list[bytes], between: bytes
) -> None:
    found = cut("audio/mpeg", [b"".join(before) + b"\0" + between + b"".join(after)])
    assert found == before[:-1] + after[:-1]


@given(st.lists(st.binary(max_size=400), max_size=8))
def test_what_is_no_audio_is_refused_or_skipped_but_never_held(parts: list[bytes]) -> None:
    for content_type in frames:
        cutter = FrameCutter(content_type)
        for part in parts * 20:
            cutter.cut(part)
            assert len(cutter.rest) < 20_000


@given(st.binary(min_size=7, max_size=7))
def test_any_header_is_longer_than_itself_or_none(data: bytes) -> None:
    for header in (mp3_header(data, 0), adts_header(data, 0)):
        assert header is None or (header.length > 7 and 0.005 < header.seconds < 0.6)


@pytest.mark.parametrize(
    ("header", "length", "seconds"),
    [
        # As LAME begins its frames: 128 kbit/s at 44.1 kHz with and without padding, 192 at 48, 320 at 44.1.
        *(("fffb9064", 417, 1152 / 44100), ("fffb9264", 418, 1152 / 44100), ("fffbb464", 576, 0.024)),
        ("fffbe064", 1044, 1152 / 44100),
        # The same with a checksum, and layer III of MPEG-2 (64 kbit/s at 22.05 kHz) and of MPEG-2.5 (8 at 8 kHz).
        *(("fffa9064", 417, 1152 / 44100), ("fff380c4", 208, 576 / 22050), ("ffe318c4", 72, 576 / 8000)),
    ],
)
def test_headers_of_lame_are_read(header: str, length: int, seconds: float) -> None:
    found = mp3_header(bytes.fromhex(header + "000000"), 0)
    assert found is not None
    assert found.length == length
    assert found.seconds == pytest.approx(seconds)


@pytest.mark.parametrize("header", ["fffd9064", "fff99064", "fffbf064", "fffb0064", "fffb9c64", "ffeb9064", "7ffb9064"])
def test_what_is_no_header_of_layer_3_is_none(header: str) -> None:
    # Layers II and I, a bitrate that is bad or free, a rate and a version that are reserved, no sync word.
    assert mp3_header(bytes.fromhex(header + "000000"), 0) is None


def test_headers_of_ffmpegs_aac_are_read() -> None:
    # AAC LC, 48 kHz, stereo, 171 bytes; then 44.1 kHz, 372 bytes.
    for text, length, rate in (("fff14c80157ffc", 171, 48000), ("fff150802e9ffc", 372, 44100)):
        found = adts_header(bytes.fromhex(text), 0)
        assert found is not None
        assert found.length == length
        assert found.seconds == pytest.approx(1024 / rate)
    assert adts_header(bytes.fromhex("fff17c80157ffc"), 0) is None


def test_gains_are_those_of_each_granule_over_both_channels() -> None:
    assert mp3_gains(with_gains([10, 20, 100, 255])) == (30, 355)
    assert mp3_gains(with_gains([7, 200], mono=True)) == (7, 200)


def test_gains_of_a_frame_that_is_too_short_are_no_error() -> None:
    assert mp3_gains(mp3()[:20]) == (0, 0)


def test_a_stream_that_changes_its_kind_is_cut_again() -> None:
    before, after = [mp3()] * 5, [mp3(rate_at=0)] * 400
    parts = [b"".join(before), *after]
    assert len(cut("audio/mpeg", parts)) > 300


def test_a_loop_is_read_whole_up_to_what_is_cut_off(tmp_path: Path) -> None:
    path = tmp_path / "mp3-64"
    path.write_bytes(mp3(b"1") + mp3(b"2") + mp3(b"3")[:50])
    assert [frame.data for frame in read_loop(str(path), "audio/mpeg")] == [mp3(b"1"), mp3(b"2")]
    path.write_bytes(b"ID3")
    with pytest.raises(ValueError, match="holds no audio"):
        read_loop(str(path), "audio/mpeg")

"""How titles leave a stream and enter another: `icy`, and `encode` of `source`."""

import socket

import pytest
from feed import icy
from feed.source import BLOCK, INTERVAL, Source
from feed_samples import parts_of
from hypothesis import example, given
from hypothesis import strategies as st

texts = st.text(st.characters(codec="utf-8", exclude_characters="\0"), max_size=60).map(str.encode)
titles = texts.filter(lambda text: b"';" not in text).map(lambda text: b"StreamTitle='" + text + b"';")


class Unconnected(Source):
    """Encodes, and sends nothing."""

    def __init__(self, position: int = 0, phase: int = 0, title: bytes = b"") -> None:
        with socket.socket() as connection:
            super().__init__(connection, position, phase, title)


def read(taker: icy.Titles, parts: list[bytes]) -> tuple[bytes, list[tuple[int, bytes]]]:
    """The audio, and each title with the place in the audio where it begins."""
    audio = b""
    found = []
    for part in parts:
        for more, title in taker.part(part):
            audio += more
            if title is not None:
                found.append((len(audio), title))
    return audio, found


@given(st.integers(1, 40), st.lists(st.one_of(st.none(), titles), max_size=6), st.data())
def test_titles_are_found_at_their_places_in_whatever_parts_they_come(
    interval: int, blocks: list[bytes | None], data: st.DataObject
) -> None:
    stream, audio, expected = b"", b"", []
    for number, title in enumerate(blocks):
        part = bytes([number]) * interval
        stream += part + icy.block(title or b"")
        audio += part
        if title:
            expected.append((len(audio), title))
    cuts = data.draw(st.lists(st.integers(0, len(stream)), max_size=10))
    assert read(icy.Titles(interval), parts_of(stream, cuts)) == (audio, expected)
    assert read(icy.Titles(interval), [bytes([byte]) for byte in stream]) == (audio, expected)


def test_a_stream_without_titles_is_audio() -> None:
    assert icy.Titles(0).part(b"StreamTitle") == [(b"StreamTitle", None)]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (b"StreamTitle='Tea';StreamUrl='http://x';\0\0", b"StreamTitle='Tea';"),
        (b"StreamTitle='It's six';\0", b"StreamTitle='It's six';"),
        (b"StreamTitle='a';b';\0", b"StreamTitle='a';b';"),
        (b"StreamUrl='x';", icy.NOTHING),
        (b"StreamTitle='no end", icy.NOTHING),
        (b"\0\0\0", icy.NOTHING),
        (b"<script>", icy.NOTHING),
    ],
)
def test_a_block_is_cleaned_to_what_icecast_takes(text: bytes, expected: bytes) -> None:
    assert icy.clean(text) == expected


@given(st.binary(max_size=400))
def test_whatever_a_block_holds_what_goes_on_is_one_title(text: bytes) -> None:
    found = icy.clean(text)
    assert found.startswith(b"StreamTitle='")
    assert found.endswith(b"';")
    assert icy.clean(found) == found


@given(st.text(st.characters(codec="utf-8", exclude_characters="\0"), min_size=1500, max_size=1800))
def test_a_title_that_is_too_long_ends_with_a_whole_character(text: str) -> None:
    title = b"StreamTitle='" + (text * 3).encode() + b"';"
    block = icy.block(title)
    assert len(block) == 1 + block[0] * icy.PART <= 1 + icy.LONGEST
    held = block[1:].rstrip(b"\0")
    held.decode()
    assert held.endswith(b"';")


def test_a_player_shows_what_is_between_the_quotes() -> None:
    assert icy.title_of("StreamTitle='Über Tea';".encode()) == "Über Tea"
    assert icy.title_of(icy.NOTHING) == ""
    assert icy.title_of(b"StreamTitle='\xfcber';") == "\ufffdber"


@given(st.lists(st.tuples(st.binary(max_size=300), titles), max_size=8), st.booleans(), st.integers(0, BLOCK))
def test_icecast_reads_the_audio_that_was_sent_and_the_title_that_holds(
    sends: list[tuple[bytes, bytes]], fill: bool, position: int
) -> None:
    link = Unconnected(position)
    stream = b"".join(link.encode(audio, title, fill) for audio, title in sends)
    audio, found = read(icy.Titles(INTERVAL), [stream])
    assert audio == b"".join(audio for audio, _ in sends)
    assert link.phase == len(audio) % INTERVAL
    # The title of each whole interval, once when it changes; a fill may say the one that holds again.
    expected, at = [], 0
    for part, title in sends:
        at += len(part)
        if at // INTERVAL > (at - len(part)) // INTERVAL:
            expected.append(title)
    assert without_repeats([title for _, title in found]) == without_repeats(expected)


def without_repeats(items: list[bytes]) -> list[bytes]:
    return [item for at, item in enumerate(items) if at == 0 or item != items[at - 1]]


@given(st.integers(0, 4 * BLOCK), st.integers(0, INTERVAL - 1), titles, st.booleans())
def test_a_fill_ends_with_a_block_of_icecast(position: int, phase: int, title: bytes, known: bool) -> None:
    link = Unconnected(position, phase, title if known else b"")
    data = link.encode(b"x" * (INTERVAL - phase), title, fill=True)
    # A title that is longer than what is missing ends as much later.
    assert (position + len(data)) % BLOCK <= max(icy.PART, len(icy.block(title)))
    assert len(data) < BLOCK + INTERVAL + len(icy.block(title))


# Where the audio itself ends with a block, nothing is to be filled.
@example(BLOCK - INTERVAL, [], icy.NOTHING)
@given(st.integers(0, BLOCK), st.lists(st.integers(1, 900), max_size=4), titles)
def test_no_round_finds_a_block_without_audio(position: int, before: list[int], title: bytes) -> None:
    link = Unconnected(position, 0, title)
    holds = [True] * position
    for count in before:
        holds += marked(link, b"x" * count, title, fill=False)
    holds += marked(link, b"x" * (INTERVAL - link.phase), title, fill=True)
    for _ in range(30):
        holds += marked(link, b"x" * INTERVAL, title, fill=True)
    whole = len(holds) // BLOCK
    assert all(any(holds[at * BLOCK : (at + 1) * BLOCK]) for at in range(whole))


def marked(link: Source, audio: bytes, title: bytes, fill: bool) -> list[bool]:
    """Of each byte sent, whether it is audio."""
    left = INTERVAL - link.phase
    link.position += len(data := link.encode(audio, title, fill))
    audio_of: list[bool] = []
    at = 0
    while at < len(data):
        part = data[at : at + left]
        audio_of += [True] * len(part)
        at += len(part)
        if len(part) == left and at < len(data):
            length = 1 + data[at] * icy.PART
            audio_of += [False] * length
            at += length
            left = INTERVAL
    return audio_of

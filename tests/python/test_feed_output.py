"""What listeners hear, and when: `output`, with upstreams and an Icecast that are no sockets."""

import itertools
from collections.abc import Callable
from pathlib import Path

import pytest
from feed import icy, keeper
from feed.frames import Frame
from feed.keeper import KeptSource, Place, mark
from feed.output import CATCH_UP, DRIFT_BAND_SECONDS, LUMP_SECONDS
from feed.programme import STANDBY
from feed_samples import EACH_SECOND, SECONDS, Studio, noise, programme

SOME_MINUTES = round(400 * EACH_SECOND)


@pytest.fixture(name="talk", scope="module")
def make_talk() -> list[Frame]:
    return programme("talk", SOME_MINUTES)


@pytest.fixture(name="open_studio")
def make_open_studio(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, talk: list[Frame]) -> Callable[..., Studio]:
    def open_studio(*programmes: list[Frame], behind: tuple[float, ...] = (0.0, 0.0)) -> Studio:
        return Studio(tmp_path, monkeypatch, programmes or (talk, talk), behind)

    return open_studio


@pytest.fixture(name="studio")
def make_studio(open_studio: Callable[..., Studio]) -> Studio:
    """Two upstreams with the same programme, of which the first is heard."""
    studio = open_studio()
    studio.run(30)
    assert studio.output.programme.heard == "a"
    return studio


def twin(talk: list[Frame], name: str = "twin") -> list[Frame]:
    """The same programme by another encoder: as loud at every moment, and no byte the same."""
    return [Frame(f"<{name} {at}>".encode(), frame.seconds, frame.series) for at, frame in enumerate(talk)]


def left_for_b(open_studio: Callable[..., Studio], talk: list[Frame]) -> Studio:
    """Two encoders' audio of one programme, of which the first has stalled and the second is heard."""
    studio = open_studio(talk, twin(talk))
    studio.run(30)
    studio.sender("a").stop()
    studio.until("b", 1.8)
    return studio


def kind(studio: Studio, name: str) -> str | None:
    """What the verdict on an upstream is."""
    verdict = studio.output.programme.verdict(studio.sender(name).track)
    return verdict.kind if verdict else None


def left_out(heard: list[tuple[str, int]]) -> list[float]:
    """Seconds that are left out wherever a frame does not follow the one before, whatever upstream it is of."""
    return [
        (after[1] - before[1] - 1) * SECONDS for before, after in itertools.pairwise(heard) if after[1] != before[1] + 1
    ]


def without_gap(heard: list[tuple[str, int]]) -> bool:
    """Whether each frame follows the one before, whatever upstream it is of."""
    return not left_out(heard)


def test_the_first_listener_gets_the_burst_and_then_every_frame_in_its_time(studio: Studio) -> None:
    heard = studio.heard()
    assert without_gap(heard)
    assert len(heard) * SECONDS == pytest.approx(8 + 30, abs=2)
    # What is sent is as old as the time after which an upstream counts as stalled, and 4 s.
    assert studio.lag() == pytest.approx(5, abs=LUMP_SECONDS + 2 * SECONDS)


@pytest.mark.parametrize("standby", [False, True])
def test_what_is_read_of_a_burst_first_is_not_taken_for_the_present(
    open_studio: Callable[..., Studio], talk: list[Frame], standby: bool
) -> None:
    studio = open_studio(talk, talk)
    for sender in studio.senders:
        sender.most = round(8 * EACH_SECOND)
        sender.plays = not standby
    if standby:
        studio.until(STANDBY, 6)
        studio.senders[0].play()
    studio.run(5)
    assert studio.output.programme.heard == "a"
    assert studio.lag() == pytest.approx(5, abs=LUMP_SECONDS + 2 * SECONDS)


def test_a_stalled_upstream_is_left_at_the_frame_that_follows(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = open_studio(talk, twin(talk), behind=(0.0, 0.7))
    studio.run(30)
    assert kind(studio, "b") == "aligned"
    studio.sender("a").stop()
    studio.until("b", 1.8)
    studio.run(10)
    heard = studio.heard()
    assert {name for name, _ in heard} == {"talk", "twin"}
    assert without_gap(heard)
    assert studio.behind() < LUMP_SECONDS
    assert studio.output.programme.switches == 1


@pytest.mark.parametrize("behind", [0.5, 1.9, -1.5, 2.7, -2.7])
def test_upstreams_that_differ_in_time_are_lined_up(
    open_studio: Callable[..., Studio], talk: list[Frame], behind: float
) -> None:
    studio = open_studio(talk, twin(talk), behind=(0.0, behind))
    studio.run(30)
    told = studio.output.programme.status_of(studio.sender("b").track, studio.now)
    assert told["alignment"] == "aligned"
    assert told["behindSeconds"] == pytest.approx(behind, abs=LUMP_SECONDS)
    studio.sender("a").stop()
    studio.run(10)
    assert studio.output.programme.heard == "b"
    assert without_gap(studio.heard())


def test_of_equal_bytes_nothing_is_lost_however_late_they_come(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    # Both are Relays of one Master.
    studio = open_studio(talk, talk, behind=(0.0, 1.0))
    studio.run(12)
    studio.sender("a").stop()
    studio.until("b", 1.8)
    studio.run(5)
    assert without_gap(studio.heard())


def test_an_upstream_that_ends_and_begins_again_goes_on_where_it_was(studio: Studio) -> None:
    studio.sender("b").stop()
    studio.run(2)
    studio.sender("a").play()
    studio.run(5)
    assert studio.output.programme.heard == "a"
    assert without_gap(studio.heard())
    assert studio.output.programme.switches == 0


def test_what_is_in_hand_is_heard_until_a_new_connection_brings_its_first_frame(studio: Studio) -> None:
    studio.sender("b").stop()
    studio.sender("a").stop()
    studio.run(1.5)
    # The answer's header is there, and no frame yet.
    assert studio.output.programme.heard == "a"
    studio.sender("a").play()
    studio.run(5)
    assert without_gap(studio.heard())
    assert studio.output.programme.switches == 0


def test_listeners_go_back_to_a_better_upstream_only_to_what_it_sent_after_20_s(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = left_for_b(open_studio, talk)
    studio.run(20)
    sender = studio.sender("a")
    sender.play()
    # Then its encoder is back, and it is later than before.
    studio.run(19)
    sender.track.take(programme("patch", round(0.6 * EACH_SECOND)), studio.now, 1.0)
    took = studio.until("a", 13) + 19
    assert took > 25
    studio.run(5)
    assert without_gap(studio.heard())


@pytest.mark.parametrize("pause", [1.6, 2.6, 3.6])
def test_for_one_that_has_just_come_a_pausing_upstream_is_not_left(
    open_studio: Callable[..., Studio], talk: list[Frame], pause: float
) -> None:
    # One Master begins to play, which takes the other the processor.
    studio = open_studio(talk, twin(talk))
    studio.sender("b").stop()
    studio.run(30)
    studio.sender("b").burst = 0.5
    studio.sender("b").play()
    studio.run(1.4)
    sender = studio.sender("a")
    sender.plays = False
    studio.run(pause)
    sender.plays = True
    studio.run(10)
    assert {name for name, _ in studio.heard()} == {"talk"}
    assert without_gap(studio.heard())
    assert studio.behind() < LUMP_SECONDS


def test_one_that_has_just_come_is_taken_before_there_is_a_hole(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = open_studio(talk, twin(talk))
    studio.sender("b").stop()
    studio.run(30)
    studio.sender("b").burst = 0.5
    studio.sender("b").play()
    studio.run(1.4)
    studio.sender("a").stop()
    for _ in range(20):
        studio.tick()
        assert studio.behind() < LUMP_SECONDS
    assert studio.output.programme.heard == "b"
    assert studio.lag() == pytest.approx(5, abs=1)


@pytest.mark.parametrize("other", ["twin", "another"])
def test_a_link_that_begins_anew_keeps_its_listeners(
    open_studio: Callable[..., Studio], talk: list[Frame], other: str
) -> None:
    second = twin(talk) if other == "twin" else programme("another", len(talk), noise(2 * len(talk), 99))
    studio = open_studio(talk, second)
    studio.run(40)
    studio.sender("a").play()
    studio.run(40)
    assert {name for name, _ in studio.heard()} == {"talk"}
    assert without_gap(studio.heard())


def test_what_is_in_hand_of_a_connection_is_heard_when_all_begin_anew_with_nothing(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    # Masters whose audio breaks off for a moment open their mounts anew.
    studio = open_studio(talk, twin(talk))
    studio.run(40)
    for sender in studio.senders:
        sender.stop()
    studio.run(0.7)
    for sender in studio.senders:
        sender.burst = 0.0
        sender.play()
    studio.run(10)
    heard = studio.heard()
    assert {name for name, _ in heard} <= {"talk", "twin"}
    assert left_out(heard) == [pytest.approx(0.7 + LUMP_SECONDS, abs=0.1)]
    assert studio.behind() < LUMP_SECONDS


@pytest.mark.parametrize("late", [3.9, 4.8, 5.1, 6.0])
def test_an_upstream_that_is_late_is_left_once_nothing_of_it_is_in_hand_and_not_gone_back_to(
    open_studio: Callable[..., Studio], talk: list[Frame], late: float
) -> None:
    studio = open_studio(talk, twin(talk))
    studio.run(40)
    sender = studio.sender("a")
    while sender.behind < late:
        sender.behind += LUMP_SECONDS / 2
        studio.tick()
    studio.run(15)
    left = late > 5
    assert studio.output.programme.switches == int(left)
    assert studio.output.programme.heard == ("b" if left else "a")
    studio.run(45)
    assert studio.output.programme.switches <= 2
    assert without_gap(studio.heard())


def test_equal_bytes_of_another_upstream_count_only_near_their_time(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    # Two Relays on standby play the same loop, at different places of it.
    loop = talk[: round(30 * EACH_SECOND)] * 10
    shifted = loop[round(12 * EACH_SECOND) :]
    studio = open_studio(loop, shifted)
    studio.run(40)
    studio.sender("a").stop()
    studio.until("b", 5)
    programme_ = studio.output.programme
    in_hand = studio.sender("b").track.run.end - studio.sender("b").track.run.start_of(programme_.next)
    assert in_hand == pytest.approx(4, abs=1)


@pytest.mark.parametrize("new_connection", [False, True])
def test_an_upstream_that_is_later_after_each_fault_is_lined_up_anew(
    open_studio: Callable[..., Studio], talk: list[Frame], new_connection: bool
) -> None:
    # A Master comes back before its encoder: what it was known to be behind is no longer true.
    studio = open_studio(talk, twin(talk))
    studio.run(30)
    sender = studio.sender("a")
    for behind in (1.6, 0.0, 1.6):
        sender.stop()
        studio.until("b", 1.8)
        studio.run(6)
        sender.go_on(programme("announcement", round(9 * EACH_SECOND)), behind)
        sender.connected = not new_connection
        studio.until("a", 45)
        studio.run(12)
        assert without_gap(studio.heard())


def heard_when_left(studio: Studio, name: str, seconds_left_out: float, seconds: float) -> list[float]:
    """What is left out in all that listeners hear, when an upstream leaves something out, and `a` stops after that."""
    studio.run(40)
    studio.sender(name).leave_out(seconds_left_out)
    studio.run(seconds)
    studio.sender("a").stop()
    studio.until("b", 5)
    studio.run(10)
    return left_out(studio.heard())


@pytest.mark.parametrize("seconds", [0.7, 2.1, 3.5, 4.2, 6.0, 7.0, 8.0, 10.0, 12.0])
@pytest.mark.parametrize("skip", [0.6, -0.6])
def test_an_upstream_that_has_left_something_out_is_left_at_the_frame_that_follows(
    open_studio: Callable[..., Studio], talk: list[Frame], seconds: float, skip: float
) -> None:
    studio = open_studio(talk, twin(talk))
    heard = heard_when_left(studio, "a", skip, seconds)
    # What is left out later than what was heard of it last is not heard.
    assert heard == ([pytest.approx(skip, abs=0.03)] if seconds > 5.5 else [])
    assert studio.behind() < LUMP_SECONDS


@pytest.mark.parametrize("seconds", [0.7, 2.1, 3.5, 4.9, 6.0, 7.0, 8.0, 10.0, 12.0])
@pytest.mark.parametrize("skip", [0.6, -0.6])
def test_one_that_has_left_something_out_is_taken_at_the_frame_that_follows(
    open_studio: Callable[..., Studio], talk: list[Frame], seconds: float, skip: float
) -> None:
    heard = heard_when_left(open_studio(talk, twin(talk)), "b", skip, seconds)
    # What it leaves out in what is heard of it, nobody can give back.
    assert heard in ([], [pytest.approx(skip, abs=0.03)])
    assert seconds < 5 or not heard


def test_an_upstream_that_comes_and_goes_is_not_gone_back_to(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = left_for_b(open_studio, talk)
    for _ in range(6):
        studio.sender("a").play()
        studio.run(6)
        studio.sender("a").stop()
        studio.run(2)
    assert studio.output.programme.heard == "b"
    assert without_gap(studio.heard())


def test_an_upstream_that_has_just_come_is_not_taken_when_the_one_heard_begins_again(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = left_for_b(open_studio, talk)
    studio.run(20)
    studio.sender("a").play()
    studio.run(1)
    studio.sender("b").play()
    studio.run(3)
    assert studio.output.programme.heard == "b"


def test_listeners_go_back_to_another_programme_only_to_what_it_sent_after_30_s(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    other = programme("other", len(talk), noise(2 * len(talk), 99))
    studio = open_studio(other, talk)
    studio.sender("a").stop()
    studio.run(30)
    assert studio.output.programme.heard == "b"
    studio.sender("a").play()
    took = studio.until("a", 40)
    assert 35 < took < 37
    assert studio.output.programme.switches == 1


def test_of_another_programme_the_present_is_heard(open_studio: Callable[..., Studio], talk: list[Frame]) -> None:
    other = programme("other", len(talk), noise(2 * len(talk), 99))
    studio = open_studio(talk, other)
    studio.run(30)
    assert kind(studio, "b") == "different"
    studio.sender("a").stop()
    # First what is in hand.
    assert studio.until("b", 5) > 3
    studio.run(5)
    assert studio.heard()[-1][0] == "other"
    assert studio.lag() == pytest.approx(5, abs=1)


def test_what_is_in_hand_is_set_right_where_the_programme_changes_anyway(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    other = programme("other", len(talk), noise(2 * len(talk), 99))
    studio = open_studio(talk, other)
    studio.run(30)
    # A Master whose audio pauses, and goes on where it was.
    for _ in range(round(3 / LUMP_SECONDS) * 2):
        studio.sender("a").behind += LUMP_SECONDS / 2
        studio.tick()
    assert studio.output.programme.in_hand < 3
    studio.sender("a").stop()
    studio.until("b", 3)
    studio.run(5)
    assert studio.lag() == pytest.approx(5, abs=1)


def test_of_silence_nothing_is_told(open_studio: Callable[..., Studio], talk: list[Frame]) -> None:
    silence = programme("none", len(talk), [0] * (2 * len(talk)))
    studio = open_studio(talk, silence)
    studio.run(30)
    assert kind(studio, "b") in (None, "unknown")
    assert studio.output.programme.heard == "a"


def test_standby_audio_is_heard_when_nothing_is_left_and_no_longer(studio: Studio) -> None:
    for name in "ab":
        studio.sender(name).stop()
    took = studio.until(STANDBY, 7)
    # First what is in hand.
    assert took > 4
    studio.run(10)
    assert studio.behind() < LUMP_SECONDS
    assert studio.output.status()["lagSeconds"] is None
    assert studio.output.title == icy.NOTHING
    studio.sender("b").play()
    studio.until("b", 5)
    studio.run(5)
    changes = [name for name, _ in itertools.groupby(name for name, _ in studio.heard())]
    assert changes == ["talk", "loop", "talk"]
    standby = [number for name, number in studio.heard() if name == "loop"]
    assert standby[:60] == [number % 50 for number in range(60)]


def test_standby_audio_is_heard_when_no_upstream_ever_came(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio()
    for name in "ab":
        studio.sender(name).stop()
    studio.run(3)
    assert studio.output.programme.heard is None
    studio.until(STANDBY, 3)
    assert len(studio.heard()) * SECONDS == pytest.approx(8, abs=1)
    studio.sender("a").play()
    studio.until("a", 5)
    assert studio.behind() < LUMP_SECONDS


def test_without_standby_audio_the_last_upstream_is_kept(studio: Studio) -> None:
    def fail() -> list[Frame]:
        raise OSError("not made yet")

    studio.loop = fail
    for name in "ab":
        studio.sender(name).stop()
    studio.run(10)
    assert studio.output.programme.heard == "a"
    assert "no standby audio" in studio.output.problem.text
    studio.loop = lambda: programme("loop", 50)
    studio.until(STANDBY, 1)


def test_the_second_upstream_is_taken_when_the_first_does_not_come(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio()
    studio.sender("a").stop()
    took = studio.until("b", 4)
    assert took > 1.9
    assert without_gap(studio.heard())


@pytest.mark.parametrize("share", [0.0004, -0.0004])
def test_an_encoders_clock_is_followed_without_a_gap(open_studio: Callable[..., Studio], share: float) -> None:
    studio = open_studio(programme("talk", round(7000 * EACH_SECOND)), behind=(0.0,))
    studio.run(10)
    for _ in range(round(6500 / LUMP_SECONDS)):
        studio.sender("a").behind += share * LUMP_SECONDS
        studio.tick()
    assert studio.output.programme.heard == "a"
    assert without_gap(studio.heard())
    lag = studio.sender("a").present - studio.heard()[-1][1] * SECONDS
    assert lag == pytest.approx(5, abs=DRIFT_BAND_SECONDS + LUMP_SECONDS + 0.1)


def test_an_upstream_that_is_a_little_late_changes_no_pace(studio: Studio) -> None:
    studio.sender("a").behind = DRIFT_BAND_SECONDS / 2
    before = studio.output.clock
    studio.run(60)
    assert studio.output.clock == before


def test_a_machine_that_was_frozen_for_long_goes_on_with_the_present(studio: Studio) -> None:
    studio.now += 60
    sent = len(studio.heard())
    studio.run(10)
    assert (len(studio.heard()) - sent) * SECONDS < 12
    assert studio.output.programme.heard == "a"
    assert studio.lag() == pytest.approx(5, abs=1)


def test_a_machine_that_was_frozen_for_some_seconds_makes_up_for_them(studio: Studio) -> None:
    studio.now += 6
    studio.run(5)
    assert without_gap(studio.heard())
    assert studio.behind() < LUMP_SECONDS
    assert studio.lag() == pytest.approx(5, abs=1)


def test_an_icecast_that_does_not_answer_makes_listeners_no_later(studio: Studio) -> None:
    studio.icecast.stop()
    for _ in range(3):
        studio.tick()
        # Each try takes as long.
        studio.now += 5.5
        studio.output.rest(studio.now)
    studio.icecast.start()
    studio.run(30)
    assert studio.behind() < LUMP_SECONDS
    assert studio.lag() == pytest.approx(5, abs=1)


def test_after_a_long_time_without_icecast_there_is_as_much_in_hand_as_before(studio: Studio) -> None:
    studio.icecast.stop()
    studio.run(60)
    assert studio.output.links == []
    studio.icecast.start()
    studio.run(5)
    # The new connection begins with a burst.
    heard = studio.heard()
    assert len(heard) * SECONDS == pytest.approx(8 + 5, abs=4)
    assert studio.lag() == pytest.approx(5, abs=1)
    assert studio.behind() < LUMP_SECONDS


def test_what_is_sent_in_a_hurry_is_no_more_than_four_times_as_fast(studio: Studio) -> None:
    studio.output.clock += 3.0
    before = len(studio.heard())
    studio.tick()
    assert (len(studio.heard()) - before) * SECONDS == pytest.approx(CATCH_UP * LUMP_SECONDS, abs=2 * SECONDS)


def test_titles_change_with_the_frame_that_has_them(studio: Studio) -> None:
    track = studio.sender("a").track
    track.title(b"StreamTitle='Tea';", studio.now)
    number = track.run.following
    studio.run(4)
    assert studio.output.title == b"StreamTitle='Talk';"
    studio.run(2)
    assert studio.output.title == b"StreamTitle='Tea';"
    assert studio.output.status()["title"] == "Tea"
    link = studio.icecast.source
    place, title = link.titles[-1]
    assert title == b"StreamTitle='Tea';"
    # However many frames a lump has.
    assert link.audio[place:].startswith(track.run.frames[number - track.run.first].data)


def test_a_new_listener_gets_rounds_that_cost_little_audio(open_studio: Callable[..., Studio]) -> None:
    # Frames as long as those of 64 kbit/s.
    studio = open_studio(programme("talk" * 46, SOME_MINUTES))
    studio.run(10)
    output, before = studio.output, studio.output.programme.history.end
    output.came()
    assert output.rounds.due == 8
    rounds = 0
    while output.rounds.due:
        output.round(studio.now)
        rounds += 1
    assert rounds == 8
    assert output.programme.history.end - before < 4 * SECONDS
    studio.run(5)
    assert without_gap(studio.heard())
    assert studio.behind() < LUMP_SECONDS


def test_a_herd_gets_64_rounds_at_once_and_32_a_second(studio: Studio) -> None:
    output = studio.output
    output.rounds.at, output.rounds.left = studio.now, 64.0

    def rounds() -> int:
        """How many a herd gets now."""
        made = 0
        while True:
            output.came()
            output.round(studio.now)
            if not output.rounds.due:
                return made
            made += 1

    assert rounds() == 64
    assert rounds() == 0
    studio.now += 1
    assert rounds() == 32


def resumed(studio: Studio, cut: int = 0, forget: int = 0) -> Studio:
    """What the next process makes of the place of the one before, which has sent up to a frame of the programme."""
    frames = studio.sender("a").frames
    last = round((studio.now - studio.programme_began - 3) * EACH_SECOND)
    marks = tuple(mark(frame) + forget for frame in frames[last - keeper.MARKS + 1 : last + 1])
    place = Place(5000, 10, cut, studio.now - 0.5, 0.0, marks)
    studio.output.resume({"a": KeptSource(studio.icecast.source, 0, place)})
    return studio


def test_the_next_process_goes_on_with_the_next_byte(open_studio: Callable[..., Studio]) -> None:
    studio = resumed(open_studio(), cut=5)
    last = round((studio.now - studio.programme_began - 3) * EACH_SECOND)
    studio.run(5)
    text = bytes(studio.icecast.source.audio).decode()
    rest, _, others = text.partition("><")
    assert f"<talk {last}>"[-5:] == rest + ">"
    numbers = [int(part.split()[1]) for part in others.strip("<>").split("><")]
    assert numbers == list(range(last + 1, last + 1 + len(numbers)))
    assert studio.behind() < LUMP_SECONDS


def test_the_next_process_goes_on_with_an_upstream_when_its_place_is_not_found(
    open_studio: Callable[..., Studio],
) -> None:
    studio = resumed(open_studio(), forget=1)
    studio.run(10)
    assert studio.output.programme.heard == "a"
    assert without_gap(studio.heard())
    assert studio.heard()[-1][0] == "talk"
    assert studio.lag() == pytest.approx(5, abs=1)


def test_a_place_that_is_not_found_costs_no_buffer(open_studio: Callable[..., Studio]) -> None:
    studio = resumed(open_studio(), forget=1)
    clock = studio.output.clock
    studio.run(10)
    assert studio.output.programme.heard == "a"
    assert studio.output.clock == clock
    assert studio.behind() < LUMP_SECONDS


def test_after_a_long_time_away_the_next_process_has_as_much_in_hand(open_studio: Callable[..., Studio]) -> None:
    studio = resumed(open_studio(), forget=1)
    # It was away for 20 s: Icecast keeps its listeners for 30.
    studio.output.programme.history.starts[0] -= 20
    studio.run(30)
    assert {name for name, _ in studio.heard()} == {"talk"}
    assert studio.lag() == pytest.approx(5, abs=1)


def test_a_place_that_many_frames_have_is_none(open_studio: Callable[..., Studio]) -> None:
    silence = [Frame(b"<none 0>", SECONDS, (0, 0))] * SOME_MINUTES
    studio = open_studio(silence, silence)
    studio.run(3)
    assert studio.output.programme.heard == "a"
    assert studio.output.programme.behind_same(studio.sender("b").track) is None


def test_the_place_that_is_remembered_is_that_of_the_last_send(studio: Studio) -> None:
    output = studio.output
    found = output.slots[0].memory.find(studio.icecast.source.position)
    assert found is not None
    _, place = found
    assert (place.sent, place.clock, place.cut) == (output.programme.history.end, output.clock, 0)
    assert (
        list(place.marks)
        == output.programme.marks
        == [mark(sent.frame) for sent in output.programme.history.sent[-keeper.MARKS :]]
    )


def test_what_is_told_says_who_is_heard_and_how_the_others_are(studio: Studio) -> None:
    studio.sender("b").stop()
    studio.run(3)
    output = studio.output
    assert output.programme.status_of(studio.sender("a").track, studio.now) == {
        "alive": True,
        "alignment": "heard",
        "confidence": 1.0,
        "behindSeconds": 0.0,
    }
    assert output.programme.status_of(studio.sender("b").track, studio.now)["alive"] is False
    assert output.status()["upstream"] == "a"


def test_a_better_upstream_without_a_source_is_not_gone_back_to(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = left_for_b(open_studio, talk)
    studio.run(5)
    studio.sender("a").play()
    studio.run(0.5)
    studio.sender("a").track.title(b"StreamTitle='';StreamUrl='emergency';", studio.now)
    studio.run(40)
    assert studio.output.programme.heard == "b"
    studio.sender("a").track.title(b"StreamTitle='';StreamUrl='studio';", studio.now)
    studio.until("a", 6)


def test_the_first_upstream_that_is_heard_is_one_with_a_source(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = open_studio(talk, twin(talk))
    studio.sender("a").title = b"StreamTitle='';StreamUrl='announcement';"
    studio.run(5)
    assert studio.output.programme.heard == "b"


def test_of_two_upstreams_with_bitrates_too_low_the_standby_audio_is_better(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = open_studio(talk, twin(talk))
    studio.run(40)
    for _ in range(round(40 / LUMP_SECONDS)):
        for sender in studio.senders:
            sender.behind += LUMP_SECONDS / 2
        studio.tick()
        assert studio.behind() < 6
    assert "loop" in {name for name, _ in studio.heard()}


def test_an_upstream_that_loses_its_sources_is_left_for_one_that_has_some(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = open_studio(talk, twin(talk))
    studio.run(30)
    studio.sender("a").track.title(b"StreamTitle='';StreamUrl='announcement';", studio.now)
    studio.run(2)
    assert studio.output.programme.heard == "a"
    studio.until("b", 3)
    assert without_gap(studio.heard())


def test_without_any_source_the_better_upstream_is_gone_back_to_unless_it_only_announces(
    open_studio: Callable[..., Studio], talk: list[Frame]
) -> None:
    studio = left_for_b(open_studio, talk)
    studio.sender("b").track.title(b"StreamTitle='';StreamUrl='emergency';", studio.now)
    studio.sender("a").play()
    studio.run(0.5)
    studio.sender("a").track.title(b"StreamTitle='';StreamUrl='announcement';", studio.now)
    studio.run(40)
    assert studio.output.programme.heard == "b"
    studio.sender("a").track.title(b"StreamTitle='';StreamUrl='emergency';", studio.now)
    studio.until("a", 6)


# Two slots


def beside(studio: Studio) -> Studio:
    """The Icecast of the other slot runs too."""
    studio.icecast.start("b")
    studio.run(1)
    return studio


def test_a_slot_that_begins_has_a_burst_at_once_and_the_other_one_goes_on(studio: Studio) -> None:
    before = len(studio.heard())
    beside(studio)
    studio.run(4)
    assert without_gap(studio.heard())
    assert (len(studio.heard()) - before) * SECONDS == pytest.approx(5, abs=LUMP_SECONDS + SECONDS)
    assert without_gap(studio.heard("b"))
    assert len(studio.heard("b")) * SECONDS == pytest.approx(8 + 5, abs=1)
    assert studio.heard("b")[-1] == studio.heard("a")[-1]


def test_a_slot_that_ends_is_not_noticed_in_the_other_one(studio: Studio) -> None:
    beside(studio)
    studio.run(5)
    studio.icecast.stop("a")
    studio.run(60)
    assert without_gap(studio.heard("b"))
    assert studio.behind() < LUMP_SECONDS
    assert [slot.where.name for slot in studio.output.slots if slot.source] == ["b"]


def test_slots_that_are_off_are_tried_without_a_word(studio: Studio, capsys: pytest.CaptureFixture[str]) -> None:
    studio.run(20)
    assert "slot b" not in capsys.readouterr().out


def test_each_slot_says_for_how_long_it_is_fed(studio: Studio) -> None:
    slots = studio.output.status()["slots"]
    assert isinstance(slots, dict)
    assert set(slots) == {"a", "b"}
    assert slots["a"] is not None
    assert slots["b"] is None


def test_titles_come_at_their_places_in_every_slot(studio: Studio) -> None:
    beside(studio)
    track = studio.sender("a").track
    track.title(b"StreamTitle='Tea';", studio.now)
    number = track.run.following
    studio.run(7)
    for slot in ("a", "b"):
        link = studio.icecast.of(slot)
        place, title = link.titles[-1]
        assert title == b"StreamTitle='Tea';"
        assert link.audio[place:].startswith(track.run.frames[number - track.run.first].data)


def test_a_new_listener_gets_rounds_in_every_slot(open_studio: Callable[..., Studio]) -> None:
    studio = open_studio(programme("talk" * 46, SOME_MINUTES))
    studio.run(10)
    beside(studio)
    studio.output.came()
    while studio.output.rounds.due:
        studio.output.round(studio.now)
    studio.run(5)
    assert without_gap(studio.heard("a"))
    assert without_gap(studio.heard("b"))
    assert studio.behind() < LUMP_SECONDS


@pytest.mark.parametrize("lacks", [0, 1, 14])
def test_the_next_process_goes_on_in_every_slot_where_that_one_is(
    open_studio: Callable[..., Studio], lacks: int
) -> None:
    # It ended when it had sent to slot a, and not yet to slot b.
    studio = open_studio()
    frames = studio.sender("a").frames
    last = {"a": round((studio.now - studio.programme_began - 3) * EACH_SECOND)}
    last["b"] = last["a"] - lacks
    cut = {"a": 5, "b": 9}
    kept = {}
    for name, number in last.items():
        marks = tuple(mark(frame) for frame in frames[number - keeper.MARKS + 1 : number + 1])
        sent = studio.now - 0.5 - (last["a"] - number) * SECONDS
        kept[name] = KeptSource(studio.icecast.of(name), 0, Place(5000, 10, cut[name], sent, 0.0, marks))
    studio.icecast.start("b")
    studio.output.resume(kept)
    studio.run(5)
    for name, number in last.items():
        text = bytes(studio.icecast.of(name).audio).decode()
        rest, _, others = text.partition("><")
        assert f"<talk {number}>"[-cut[name] :] == rest + ">"
        numbers = [int(part.split()[1]) for part in others.strip("<>").split("><")]
        assert numbers == list(range(number + 1, number + 1 + len(numbers)))
    assert studio.heard_last("a") == studio.heard_last("b")

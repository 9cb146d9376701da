"""aerial-alert: what it tells whom, and how it reaches receivers, against servers of this test's own."""

import base64
import datetime
import http.server
import json
import pathlib
import socketserver
import threading
import urllib.request
from collections.abc import Iterator
from typing import Any

import pytest
from alerts import desk, events, listening, senders, settings, words
from alerts.desk import Desk

NOON = datetime.datetime(2026, 11, 22, 12, 0, tzinfo=datetime.UTC).timestamp()


class Web:
    """A web server that keeps what it gets, and answers with `status`."""

    def __init__(self) -> None:
        self.got: list[dict[str, Any]] = []
        self.status = 200
        web = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def take(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
                web.got.append({"method": self.command, "path": self.path, "headers": self.headers, "body": body})
                self.send_response(web.status)
                self.send_header("Content-Length", "0")
                self.end_headers()

            do_GET = do_POST = do_PUT = take

            def log_message(self, *_: Any, **__: Any) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/secret-path"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


class Mail:
    """A mail server without TLS, which asks for a password."""

    def __init__(self) -> None:
        self.got: list[str] = []
        self.password = ""
        mail = self

        class Handler(socketserver.StreamRequestHandler):
            def say(self, text: str) -> None:
                self.wfile.write(f"{text}\r\n".encode())

            def handle(self) -> None:
                self.say("220 test")
                while line := self.rfile.readline().decode().strip():
                    match line.split()[0].upper():
                        case "EHLO":
                            self.say("250-test\r\n250 AUTH PLAIN")
                        case "AUTH":
                            mail.password = base64.b64decode(line.split()[2]).decode().split("\0")[2]
                            self.say("235 ok" if mail.password == "right" else "535 wrong password")
                        case "DATA":
                            self.say("354 go on")
                            lines = []
                            while (part := self.rfile.readline().decode()) != ".\r\n":
                                lines.append(part)
                            mail.got.append("".join(lines))
                            self.say("250 ok")
                        case "QUIT":
                            self.say("221 bye")
                            return
                        case _:
                            self.say("250 ok")

        self.server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Handler)
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def web() -> Iterator[Web]:
    one = Web()
    yield one
    one.server.shutdown()


@pytest.fixture
def mail() -> Iterator[Mail]:
    one = Mail()
    yield one
    one.server.shutdown()


class Clock:
    def __init__(self) -> None:
        self.now = NOON

    def __call__(self) -> float:
        return self.now


def settings_of(receivers: dict[str, Any], **change: Any) -> settings.Settings:
    return settings.parse(
        {
            "station": "Radio Größe",
            "timeZone": "Europe/Berlin",
            "digestHour": 9,
            "escalateAfterMinutes": 30,
            "runbooks": "https://git.example/runbooks/",
            "heartbeatUrl": None,
            "receivers": receivers,
            "lists": {"engineer": list(receivers), "studio": [], "escalation": []},
            **change,
        }
    )


def alert(name: str, status: str = "firing", **labels: str) -> dict[str, Any]:
    severity = labels.pop("severity", "now")
    audience = labels.pop("audience", "engineer")
    all_labels = {"alertname": name, "severity": severity, "audience": audience, **labels}
    return {
        "status": status,
        "labels": all_labels,
        "annotations": {
            "title": f"{name} title",
            "what": "silence",
            "covered": "nothing",
            "todo": "act",
            "runbook": "alerts.md#x",
            "for": "30",
            "engineerAfter": "60",
        },
        "startsAt": "2026-11-22T11:59:50.123456789Z",
        "endsAt": "2026-11-22T12:05:00Z" if status == "resolved" else "0001-01-01T00:00:00Z",
        "fingerprint": json.dumps(all_labels, sort_keys=True),
    }


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    monkeypatch.setattr(listening, "on_air", lambda *_: "main: studio")
    monkeypatch.setattr(listening, "fetch_clip", lambda *_: (None, "the Ears do not have it"))
    return Clock()


class Bench:
    """A desk that is worked by hand, with web receivers whose paths are their names."""

    def __init__(self, home: pathlib.Path, clock: Clock, web: Web, **lists: list[str]) -> None:
        names = sorted({name for names in lists.values() for name in names})
        self.receivers = {name: {"kind": "webhook", "url": f"{web.url}/{name}"} for name in names}
        self.settings = settings_of(self.receivers, lists={"engineer": [], "studio": [], "escalation": [], **lists})
        self.home, self.clock, self.web = home, clock, web
        self.desk = Desk(self.settings, str(home), clock)

    def restart(self) -> None:
        self.desk = Desk(self.settings, str(self.home), self.clock)

    def take(self, alerts: list[dict[str, Any]]) -> None:
        """Takes them, and goes on when what belongs together has been gathered."""
        self.desk.take(alerts)
        self.clock.now += events.GATHER_SECONDS

    def told(self) -> list[tuple[str, str]]:
        """Does what is due; which receiver got which kind of message since the last time."""
        self.desk.work()
        for name in self.receivers:
            while self.desk.send_next(name) == 0:
                pass
        got, self.web.got = self.web.got, []
        self.last = [json.loads(one["body"]) for one in got]
        return [(one["path"].rpartition("/")[2], json.loads(one["body"])["kind"]) for one in got]


@pytest.fixture
def bench(tmp_path: pathlib.Path, clock: Clock, web: Web) -> Bench:
    return Bench(tmp_path, clock, web, engineer=["engineer"], studio=["studio"], escalation=["boss"])


def test_tells_each_event_once_and_once_that_it_is_over(bench: Bench) -> None:
    bench.take([alert("OffAir", channel="main")])
    assert bench.told() == [("engineer", "began")]
    text = bench.last[0]["text"]
    assert "Since: 2026-11-22 12:59:20 (Europe/Berlin)" in text
    assert "Listeners hear: silence" in text
    assert "On air now: main: studio" in text
    assert "https://git.example/runbooks/alerts.md#x" in text
    bench.take([alert("OffAir", channel="main")])
    assert bench.told() == []
    bench.clock.now += 300
    bench.take([alert("OffAir", "resolved", channel="main")])
    assert bench.told() == [("engineer", "over")]
    assert "for 5 min 40 s" in bench.last[0]["text"]
    bench.take([alert("OffAir", "resolved", channel="main")])
    assert bench.told() == []


def test_one_cause_in_several_places_is_one_message_that_ends_with_the_last(bench: Bench) -> None:
    bench.take([alert("OffAir", mount="/a"), alert("OffAir", mount="/b")])
    assert bench.told() == [("engineer", "began")]
    assert bench.last[0]["subject"] == "[Radio Größe] OffAir title (and 1 more)"
    bench.take([alert("OffAir", "resolved", mount="/a")])
    assert bench.told() == []
    bench.take([alert("OffAir", "resolved", mount="/b")])
    assert bench.told() == [("engineer", "over")]


def test_gathers_what_regions_hear_some_seconds_apart_unless_the_studio_is_to_be_told(
    bench: Bench,
) -> None:
    bench.desk.take([alert("OffAir", listen_region="ams3"), alert("SilenceOnAir", audience="studio")])
    assert bench.told() == [("studio", "began")]
    bench.clock.now += events.GATHER_SECONDS - 1
    bench.desk.take([alert("OffAir", listen_region="nyc3")])
    assert bench.told() == []
    bench.clock.now += 1
    assert bench.told() == [("engineer", "began")]
    assert [one["labels"]["listen_region"] for one in bench.last[0]["alerts"]] == ["ams3", "nyc3"]
    # What comes later is a message of its own.
    bench.take([alert("OffAir", listen_region="fra1")])
    assert bench.told() == [("engineer", "began")]


def test_does_not_tell_what_follows_from_something_that_was_seen_later(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    effects = [alert("OffAir", listen_region="ams3"), alert("OffAir", listen_region="nyc3"), alert("DnsDisagrees")]
    inhibited = {effects[0]["fingerprint"], effects[2]["fingerprint"]}
    known = [
        {"fingerprint": one["fingerprint"], "status": {"inhibitedBy": ["x"] if one["fingerprint"] in inhibited else []}}
        for one in effects
    ]
    monkeypatch.setattr(desk, "fetch", lambda _path: known)
    bench.take(effects)
    bench.restart()
    assert bench.told() == [("engineer", "began")]
    assert [one["labels"] for one in bench.last[0]["alerts"]] == [{"listen_region": "nyc3"}]
    bench.take([{**one, "status": "resolved", "endsAt": "2026-11-22T12:05:00Z"} for one in effects])
    assert bench.told() == [("engineer", "over")]
    assert bench.desk.state["events"] == {}


def test_tells_of_what_was_over_while_another_message_was_made(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    over = [alert("MasterDown", "resolved")]

    def slow(*_: Any) -> str:
        if over:
            bench.desk.take([over.pop()])
        return "main: studio"

    monkeypatch.setattr(listening, "on_air", slow)
    bench.take([alert("OffAir")])
    bench.desk.take([alert("MasterDown")])
    told = bench.told() + bench.told()
    assert told == [("engineer", "began"), ("engineer", "began"), ("engineer", "over")]


def test_tells_at_once_of_what_is_over_before_all_is_gathered(bench: Bench) -> None:
    bench.desk.take([alert("OffAir")])
    bench.desk.take([alert("OffAir", "resolved")])
    assert bench.told() == [("engineer", "began"), ("engineer", "over")]


def test_tells_the_studio_first_then_the_engineer_then_who_stands_behind(bench: Bench) -> None:
    bench.take([alert("SilenceOnAir", audience="studio")])
    assert bench.told() == [("studio", "began")]
    bench.clock.now += 61
    assert bench.told() == [("engineer", "began")]
    bench.clock.now += 1800
    assert bench.told() == [("boss", "escalation")]
    bench.take([alert("SilenceOnAir", "resolved", audience="studio")])
    assert sorted(bench.told()) == [("boss", "over"), ("engineer", "over"), ("studio", "over")]


def test_the_engineer_stands_in_for_a_studio_without_receivers_and_is_told_once(
    tmp_path: pathlib.Path, clock: Clock, web: Web
) -> None:
    bench = Bench(tmp_path, clock, web, engineer=["engineer"])
    bench.take([alert("SilenceOnAir", audience="studio")])
    assert bench.told() == [("engineer", "began")]
    bench.clock.now += 3600
    assert bench.told() == []


def test_does_not_escalate_what_somebody_has_acknowledged(bench: Bench) -> None:
    bench.take([alert("MasterDown")])
    assert bench.told() == [("engineer", "began")]
    assert not bench.desk.acknowledge("7")
    assert bench.desk.acknowledge("1")
    assert bench.desk.open_messages()[0]["acknowledged"]
    bench.clock.now += 7200
    assert bench.told() == []


def test_the_digest_comes_once_a_day_at_its_hour_with_what_began_and_what_ended(bench: Bench) -> None:
    bench.take([alert("RelayDown", severity="digest", machine="relay-1"), alert("DiskFull", severity="digest")])
    bench.take([alert("RelayDown", "resolved", severity="digest", machine="relay-1")])
    assert bench.told() == []
    bench.clock.now += 20 * 3600 - 60
    assert bench.told() == []
    bench.clock.now += 120
    assert bench.told() == [("engineer", "digest")]
    assert bench.last[0]["subject"] == "[Radio Größe] Digest of 2026-11-23: 2 events"
    assert "RelayDown title: from 2026-11-22 12:59:20" in bench.last[0]["text"]
    assert "DiskFull title: since 2026-11-22 12:59:20" in bench.last[0]["text"]
    bench.clock.now += 3600
    assert bench.told() == []
    bench.clock.now += 86400
    assert bench.told() == []
    bench.take([alert("DiskFull", "resolved", severity="digest"), alert("MemoryGrows", severity="digest")])
    bench.clock.now += 86400
    assert bench.told() == [("engineer", "digest")]
    assert bench.last[0]["subject"].endswith("2 events")


def test_a_restart_loses_no_message_and_repeats_none(bench: Bench) -> None:
    bench.web.status = 503
    bench.take([alert("OffAir"), alert("RelayDown", severity="digest")])
    bench.desk.work()
    assert bench.desk.send_next("engineer") == 0
    bench.web.got = []
    bench.web.status = 200
    bench.restart()
    assert bench.told() == []
    bench.clock.now += 10
    assert bench.told() == [("engineer", "began")]
    bench.restart()
    bench.take([alert("OffAir"), alert("OffAir", "resolved")])
    assert bench.told() == [("engineer", "over")]
    bench.clock.now += 86400
    assert bench.told() == [("engineer", "digest")]


def test_tries_again_less_and_less_often_and_gives_up_after_three_days(bench: Bench) -> None:
    bench.web.status = 500
    bench.take([alert("OffAir")])
    bench.desk.work()
    waits = []
    for _ in range(9):
        assert bench.desk.send_next("engineer") == 0
        waits.append(bench.desk.send_next("engineer"))
        bench.clock.now += waits[-1]
    assert waits == [10, 20, 40, 80, 160, 320, 640, 900, 900]
    assert 'aerial_alert_waiting_since_seconds{receiver="engineer"} 1795348810' in bench.desk.metrics()
    bench.clock.now += 3 * 86400
    assert bench.desk.send_next("engineer") == 0
    assert bench.desk.state["queue"] == []


def test_a_message_that_a_receiver_never_takes_goes_without_its_clip_and_lets_others_pass() -> None:
    item = {"due": NOON + 5, "attempts": 3}
    later = {"due": NOON, "attempts": 0}
    assert desk.next_of([item, later], NOON) == (None, 5)
    assert desk.next_of([{**item, "attempts": 4}, later], NOON) == (later, 0)


def test_ends_what_alertmanager_no_longer_has_unless_that_has_just_begun(bench: Bench) -> None:
    bench.take([alert("OffAir"), alert("MasterDown")])
    bench.told()
    kept = {alert("MasterDown")["fingerprint"]}
    assert not events.reconcile(bench.desk.state, kept, 10, NOON + 60)
    assert events.reconcile(bench.desk.state, kept, 1000, NOON + 60)
    assert bench.told() == [("engineer", "over")]
    assert [one["alert"] for one in bench.last[0]["alerts"]] == ["OffAir"]


def test_says_what_lasts_to_the_status_page(bench: Bench, tmp_path: pathlib.Path) -> None:
    bench.take([alert("RelayDown", severity="digest"), alert("OffAir", channel="main")])
    path = tmp_path / "now.json"
    assert path.stat().st_mode & 0o777 == 0o644
    assert json.loads(path.read_text()) == [
        {
            "alert": "OffAir",
            "severity": "now",
            "since": "2026-11-22T11:59:20Z",
            "title": "OffAir title",
            "what": "silence",
            "covered": "nothing",
            "todo": "act",
            "runbook": "alerts.md#x",
            "labels": {"channel": "main"},
            "number": "1",
        },
        {
            "alert": "RelayDown",
            "severity": "digest",
            "since": "2026-11-22T11:59:20Z",
            "title": "RelayDown title",
            "what": "silence",
            "covered": "nothing",
            "todo": "act",
            "runbook": "alerts.md#x",
            "labels": {},
        },
    ]
    bench.take([alert("OffAir", "resolved", channel="main"), alert("RelayDown", "resolved", severity="digest")])
    assert json.loads(path.read_text()) == []


def test_takes_when_it_began_from_the_rule_that_knows() -> None:
    one = alert("SilenceOnAir")
    one["annotations"]["began"] = f"{NOON - 8:.0f}"
    assert events.event_of(one, NOON)["since"] == NOON - 8


@pytest.fixture
def message(tmp_path: pathlib.Path) -> dict[str, Any]:
    clip = tmp_path / "1-main.mp3"
    clip.write_bytes(b"\xff\xfbaudio")
    return {
        "id": "1-engineer-1",
        "kind": "began",
        "station": "Radio Größe",
        "alerts": [],
        "clip": str(clip),
        "subject": "[Radio Größe] Stille & mehr",
        "text": "Größe <1>\n",
    }


def test_sends_mail_with_the_clip_and_says_why_a_server_refuses(mail: Mail, message: dict[str, Any]) -> None:
    receiver = {
        "kind": "email",
        "to": ["a@radio.example"],
        "from": "aerial@radio.example",
        "server": "127.0.0.1",
        "port": mail.port,
        "security": "none",
        "user": "me",
        "password": "right",
    }
    senders.send(receiver, message)
    assert mail.password == "right"
    assert "Message-ID: <1-engineer-1@radio.example>" in mail.got[0]
    assert "1-main.mp3" in mail.got[0]
    with pytest.raises(senders.Refused, match="535 wrong password"):
        senders.send({**receiver, "password": "wrong"}, message)
    with pytest.raises(senders.Refused, match="STARTTLS"):
        senders.send({**receiver, "security": "starttls"}, message)
    assert len(mail.got) == 1


def test_sends_to_a_webhook_slack_and_ntfy(web: Web, message: dict[str, Any]) -> None:
    senders.send({"kind": "webhook", "url": web.url, "token": "t"}, message)
    body = json.loads(web.got[0]["body"])
    assert web.got[0]["headers"]["Authorization"] == "Bearer t"
    assert base64.b64decode(body["clip"]["base64"]) == b"\xff\xfbaudio"
    assert body["clip"]["type"] == "audio/mpeg"
    senders.send({"kind": "slack", "url": web.url}, message)
    said = json.loads(web.got[1]["body"])["text"]
    assert said.startswith("*[Radio Größe] Stille &amp; mehr*\nGröße &lt;1&gt;")
    assert message["clip"] in said
    senders.send({"kind": "ntfy", "url": web.url}, message)
    assert web.got[2]["method"] == "PUT"
    assert web.got[2]["body"] == b"\xff\xfbaudio"
    assert "title=%5BRadio+Gr%C3%B6%C3%9Fe%5D" in web.got[2]["path"]
    senders.send({"kind": "ntfy", "url": web.url}, {**message, "clip": None})
    assert web.got[3]["body"] == "Größe <1>\n".encode()


@pytest.mark.parametrize("url", ["secret-word", "http://secret-word.invalid/x y", "ftp://127.0.0.1/secret-word"])
def test_no_error_shows_an_address(url: str) -> None:
    with pytest.raises(senders.Refused) as refused:
        senders.call(url, "GET")
    assert "secret-word" not in str(refused.value)


def test_follows_no_redirect_and_sends_no_heartbeat_without_an_address(
    web: Web, tmp_path: pathlib.Path, clock: Clock
) -> None:
    one = Desk(settings_of({}, heartbeatUrl=web.url), str(tmp_path), clock)
    one.heartbeat()
    assert [one["method"] for one in web.got] == ["GET"]
    web.status = 302
    with pytest.raises(senders.Refused, match="302"):
        one.heartbeat()
    Desk(settings_of({}), str(tmp_path), clock).heartbeat()
    assert len(web.got) == 2


def test_fetches_the_clip_around_the_event_and_says_why_there_is_none(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "aerial-clip"
    program.write_text('#!/bin/sh\necho "$@" >"$(dirname "$0")/said"\nfor last; do :; done\necho audio >"$last"\n')
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    event = {"since": NOON - 20, "labels": {"channel": "main", "mount": "/main.aac", "listen_region": "ams3"}}
    folder = str(tmp_path / "clips")
    assert listening.fetch_clip(event, folder, "4", NOON) == (f"{folder}/4-main.aac", None)
    said = (tmp_path / "said").read_text()
    # Nothing of it may be later than now.
    assert said == f"main --region ams3 --codec aac {NOON - 40:.1f} 30 {folder}/4-main.aac\n"
    program.write_text("#!/bin/sh\necho 'the Ears have nothing of main' >&2\nexit 1\n")
    clip, reason = listening.fetch_clip({"since": NOON, "labels": {"channel": "main"}}, folder, "5", NOON)
    assert (clip, reason) == (None, "the Ears have nothing of main")


def test_says_what_is_on_air_and_since_when(monkeypatch: pytest.MonkeyPatch) -> None:
    def series(source: str, first: float, last: float) -> dict[str, Any]:
        times = [NOON - n * 15 for n in range(int((NOON - first) / 15), int((NOON - last) / 15) - 1, -1)]
        return {"metric": {"channel": "main", "source": source}, "values": [[when, "1"] for when in times]}

    class Answer:
        def __enter__(self) -> "Answer":
            return self

        def __exit__(self, *_: Any) -> None:
            pass

        def read(self) -> bytes:
            result = [series("studio", NOON - 3600, NOON - 300), series("airtime", NOON - 285, NOON)]
            return json.dumps({"data": {"result": result}}).encode()

    monkeypatch.setattr(urllib.request, "urlopen", lambda *_, **__: Answer())
    told = listening.on_air(settings_of({}), set(), NOON)
    assert told == "main: airtime since 2026-11-22 12:55:15"
    assert listening.on_air(settings_of({}), {"other"}, NOON).startswith("not known")


@pytest.mark.parametrize(("seconds", "text"), [(0, "0 s"), (61, "1 min 1 s"), (7500, "2 h 5 min"), (90000, "1 d 1 h")])
def test_says_durations_as_people_do(seconds: float, text: str) -> None:
    assert words.duration(seconds) == text

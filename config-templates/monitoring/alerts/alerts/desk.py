"""Keeps what has happened and what is to be sent on the disk, and makes the messages."""

import datetime
import json
import os
import threading
import time
import traceback
import urllib.request
from collections.abc import Callable
from typing import Any

import files
from alerts import events, listening, senders, words
from alerts.settings import Settings

ALERTMANAGER = "http://127.0.0.1:9093"
FIRST_RETRY_SECONDS = 10
LAST_RETRY_SECONDS = 900
GIVE_UP_SECONDS = 3 * 86400
# From then on a message goes without its clip, and lets others pass.
PLAIN_AFTER_ATTEMPTS = 4
RECONCILE_SECONDS = 60


def say(text: str) -> None:
    print(text, flush=True)


class Desk:
    """One lock for all of its state. What takes time (what is on air, clips, sending) is done without it."""

    def __init__(self, settings: Settings, home: str, clock: Callable[[], float] = time.time) -> None:
        self.settings = settings
        self.home = home
        self.clock = clock
        self.lock = threading.Lock()
        self.woken = threading.Event()
        self.sending = {name: threading.Event() for name in settings.receivers}
        self.reconciled = 0.0
        self.state = events.new_state() | files.recall(os.path.join(home, "state.json"))
        if not self.state["digested"]:
            # The first digest comes after the first whole day.
            self.state["digested"] = self.local().date().isoformat()
        dropped = [item for item in self.state["queue"] if item["receiver"] not in settings.receivers]
        for item in dropped:
            say(f"{item['receiver']} is no receiver any more: it is not sent {item['message']['subject']}")
            self.state["queue"].remove(item)
        self.keep()

    def local(self) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.clock(), self.settings.zone)

    def keep(self) -> None:
        files.write(os.path.join(self.home, "state.json"), json.dumps(self.state, ensure_ascii=False), 0o600)
        listing = json.dumps(events.listing(self.state), ensure_ascii=False, indent=2)
        files.write(os.path.join(self.home, "now.json"), listing + "\n", 0o644)

    # What others say.

    def take(self, alerts: list[dict]) -> None:
        """What Alertmanager says. On the disk before it is answered."""
        with self.lock:
            if events.take(self.state, alerts, self.clock()):
                self.keep()
        self.woken.set()

    def acknowledge(self, number: str) -> bool:
        """Whether there is such a message: it is not escalated. `all` means every one."""
        with self.lock:
            chosen = [message for name, message in self.state["messages"].items() if number in (name, "all")]
            for message in chosen:
                message["acknowledged"] = True
            self.keep()
        return bool(chosen)

    def open_messages(self) -> list[dict[str, Any]]:
        with self.lock:
            return [
                {
                    "number": number,
                    "title": words.titles(message["events"]),
                    "since": words.clock(message["events"][0]["since"], self.settings.zone),
                    "acknowledged": message["acknowledged"],
                }
                for number, message in self.state["messages"].items()
            ]

    # Messages.

    def work(self) -> None:
        """Makes the messages that are due. Called by one thread only."""
        with self.lock:
            now = self.clock()
            open_ones = [
                (number, message, events.due_lists(message, self.settings.escalate_after_seconds, now))
                for number, message in list(self.state["messages"].items())
            ]
            digest = events.digest_due(self.state, self.local(), self.settings.digest_hour)
        for number, message, lists in open_ones:
            # What was over before anybody was told of it is told of, too: it was heard.
            if lists and (not message["told"] or not events.is_over(message)):
                self.tell(number, message, lists, now)
            # One that is still being gathered is told first.
            if message["told"] and events.is_over(message):
                self.tell_over(number, message, now)
        if digest:
            self.tell_digest()

    def stands_alone(self, number: str) -> bool:
        """Whether anything of a message is left, without what follows from something that was seen later."""
        try:
            alerts = fetch("/api/v2/alerts")
            inhibited = {alert["fingerprint"] for alert in alerts if alert["status"]["inhibitedBy"]}
        except (OSError, ValueError, KeyError) as reason:
            say(f"Alertmanager does not answer: {reason}")
            return True
        with self.lock:
            events.drop(self.state, number, inhibited)
            self.keep()
            return number in self.state["messages"]

    def hears(self, message: dict, now: float) -> str:
        channels = {event["labels"].get("channel", "") for event in message["events"]} - {""}
        return listening.on_air(self.settings, channels, now)

    def tell(self, number: str, message: dict, lists: list[str], now: float) -> None:
        hears = self.hears(message, now)
        clip, no_clip = message["clip"], message["noClip"]
        if message["wantsClip"] and clip is None and no_clip is None:
            event = next(event for event in message["events"] if event["wantsClip"])
            clip, no_clip = listening.fetch_clip(event, os.path.join(self.home, "clips"), number, now)
        if not message["told"] and not self.stands_alone(number):
            return
        with self.lock:
            message["clip"], message["noClip"] = clip, no_clip
            for name in lists:
                escalated = name == "escalation"
                subject, text = words.began(message, hears, self.settings, escalated)
                # One may be in two lists, or stand in for another: everybody is told once.
                receivers = [one for one in self.receivers_of(name) if one not in message["receivers"]]
                kind = "escalation" if escalated else "began"
                self.enqueue(receivers, kind, f"{number}-{name}", subject, text, message["events"], clip)
                message["receivers"] += receivers
                message["told"].append(name)
            self.keep()

    def receivers_of(self, name: str) -> list[str]:
        """Of a list: the engineer's where the studio has none."""
        lists = self.settings.lists
        return lists["studio"] or lists["engineer"] if name == "studio" else lists[name]

    def tell_over(self, number: str, message: dict, now: float) -> None:
        hears = self.hears(message, now)
        with self.lock:
            subject, text = words.over(message, hears, self.settings)
            self.enqueue(message["receivers"], "over", f"{number}-over", subject, text, message["events"], None)
            del self.state["messages"][number]
            self.keep()

    def tell_digest(self) -> None:
        with self.lock:
            day = self.local().date().isoformat()
            fresh = self.state["digest"]
            marks = [(event["alert"], event["labels"]) for event in fresh]
            older = [
                event
                for event in self.state["events"].values()
                if event["severity"] != "now" and (event["alert"], event["labels"]) not in marks
            ]
            if fresh:
                subject, text = words.digest(fresh, older, self.settings, day)
                self.enqueue(self.settings.lists["engineer"], "digest", f"digest-{day}", subject, text, fresh, None)
            self.state["digest"], self.state["digested"] = [], day
            self.keep()

    def enqueue(
        self, receivers: list[str], kind: str, ident: str, subject: str, text: str, told: list[dict], clip: str | None
    ) -> None:
        now = self.clock()
        message = {
            "id": f"{ident}-{now:.0f}",
            "kind": kind,
            "station": self.settings.station,
            "subject": subject,
            "text": text,
            "alerts": [public(event) for event in told],
            "clip": clip,
        }
        for receiver in receivers:
            self.state["queue"].append(
                {"receiver": receiver, "message": message, "attempts": 0, "due": now, "since": now}
            )
            self.sending[receiver].set()

    # Sending.

    def send_next(self, receiver: str) -> float:
        """Sends what is first in line for a receiver. Returns for how many seconds there is nothing to do."""
        with self.lock:
            waiting = [item for item in self.state["queue"] if item["receiver"] == receiver]
        now = self.clock()
        item, wait = next_of(waiting, now)
        if item is None:
            return wait
        message = item["message"]
        if message["clip"] and item["attempts"] >= PLAIN_AFTER_ATTEMPTS:
            # Perhaps it is too long for this receiver.
            message = {**message, "clip": None, "text": f"{message['text']}(The clip did not get through.)\n"}
        try:
            senders.send(self.settings.receivers[receiver], message)
            problem = None
        except senders.Refused as reason:
            problem = str(reason)
        with self.lock:
            if problem is None:
                self.state["queue"].remove(item)
            else:
                item["attempts"] += 1
                pause = min(FIRST_RETRY_SECONDS * 2 ** (item["attempts"] - 1), LAST_RETRY_SECONDS)
                item["due"] = self.clock() + pause
                say(f"{receiver}: {problem}; again in {pause} s: {item['message']['subject']}")
                if self.clock() - item["since"] > GIVE_UP_SECONDS:
                    say(f"{receiver}: given up: {item['message']['subject']}")
                    self.state["queue"].remove(item)
            self.keep()
        return 0

    def test(self) -> dict[str, str]:
        """Sends a test to every receiver, once; what each says."""
        text = "This is a test: no alert. Nobody has to do anything.\n"
        subject = f"[{self.settings.station}] Test of alerts"
        message: dict[str, Any] = {
            "id": f"test-{self.clock():.0f}",
            "kind": "test",
            "station": self.settings.station,
            "subject": subject,
            "text": text,
            "alerts": [],
            "clip": None,
        }
        said = {}
        for name, receiver in self.settings.receivers.items():
            try:
                senders.send(receiver, message)
                said[name] = "sent"
            except senders.Refused as reason:
                said[name] = f"not sent: {reason}"
        return said

    def heartbeat(self) -> None:
        """Says outside that rules are evaluated, and that this works. Raises Refused."""
        if self.settings.heartbeat_url:
            senders.call(self.settings.heartbeat_url, "GET")

    def reconcile(self) -> None:
        """Now and then, because Alertmanager does not tell of every end."""
        now = self.clock()
        if now - self.reconciled < RECONCILE_SECONDS:
            return
        self.reconciled = now
        try:
            status = fetch("/api/v2/status")
            known = {alert["fingerprint"] for alert in fetch("/api/v2/alerts")}
            uptime = now - events.parse_time(status["uptime"])
        except (OSError, ValueError, KeyError) as reason:
            say(f"Alertmanager does not answer: {reason}")
            return
        with self.lock:
            if events.reconcile(self.state, known, uptime, now):
                self.keep()

    def metrics(self) -> str:
        with self.lock:
            oldest = dict.fromkeys(self.settings.receivers, 0.0)
            for item in reversed(self.state["queue"]):
                oldest[item["receiver"]] = item["since"]
            severities = [event["severity"] for event in self.state["events"].values()]
        return "\n".join(
            [
                "# HELP aerial_alert_waiting_since_seconds Since when a receiver's oldest message waits, or 0.",
                "# TYPE aerial_alert_waiting_since_seconds gauge",
                *(
                    f'aerial_alert_waiting_since_seconds{{receiver="{name}"}} {since:.0f}'
                    for name, since in oldest.items()
                ),
                "# HELP aerial_alert_events What lasts now.",
                "# TYPE aerial_alert_events gauge",
                *(
                    f'aerial_alert_events{{severity="{severity}"}} {severities.count(severity)}'
                    for severity in ("now", "digest")
                ),
                "",
            ]
        )

    # Threads.

    def run(self) -> None:
        """Makes messages for ever, and has a thread for each receiver: one that is slow delays no other."""
        threading.excepthook = end_all
        for name in self.settings.receivers:
            threading.Thread(target=self.deliver, args=(name,), daemon=True).start()
        while True:
            self.work()
            self.reconcile()
            self.woken.wait(1)
            self.woken.clear()

    def deliver(self, receiver: str) -> None:
        while True:
            wait = self.send_next(receiver)
            if wait > 0:
                self.sending[receiver].wait(wait)
                self.sending[receiver].clear()


def next_of(waiting: list[dict], now: float) -> tuple[dict | None, float]:
    """
    What is to be sent now, or in how many seconds there may be something. Messages keep their order, but for one that
    was refused again and again.
    """
    wait: float = LAST_RETRY_SECONDS
    for item in waiting:
        if item["due"] <= now:
            return item, 0
        wait = min(wait, item["due"] - now)
        if item["attempts"] < PLAIN_AFTER_ATTEMPTS:
            break
    return None, wait


def end_all(failure: threading.ExceptHookArgs) -> None:
    """A full disk, or a bug: all ends, so that systemd starts it again. Nothing is lost."""
    traceback.print_exception(failure.exc_type, failure.exc_value, failure.exc_traceback)
    os._exit(1)


def fetch(path: str) -> Any:
    with urllib.request.urlopen(ALERTMANAGER + path, timeout=10) as answer:
        return json.load(answer)


def public(event: dict) -> dict[str, Any]:
    """An event as receivers of JSON get it."""
    keys = ("alert", "severity", "title", "what", "covered", "todo", "runbook", "labels")
    ended = event["ended"]
    return {
        **{key: event[key] for key in keys},
        "since": events.rfc3339(event["since"]),
        "ended": None if ended is None else events.rfc3339(ended),
    }

"""
Debian's Alertmanager and aerial-alert, as a delivery installs them: a region is out, and all that follows from it
fires, too. Writes as JSON what arrived at the receiver, how many heartbeats, and what lasted meanwhile.
"""

import datetime
import http.server
import json
import os
import pathlib
import subprocess
import sys
import threading
import time
import urllib.request
from collections.abc import Callable
from typing import Any

ALERTMANAGER = "http://127.0.0.1:9093/api/v2"
HOME = pathlib.Path("/tmp/aerial-alerts")

messages: list[dict] = []
heartbeats: list[str] = []


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        messages.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.send_response(200)
        self.end_headers()

    def do_GET(self) -> None:
        heartbeats.append(self.path)
        self.send_response(200)
        self.end_headers()

    def log_message(self, *_: Any, **__: Any) -> None:
        pass


def raise_alerts(over: bool, cause: bool = True, lasting: tuple[str, ...] = ("Watchdog",)) -> None:
    """As Prometheus does, again and again. Without the cause: it has not been seen yet. What lasts is not over."""
    now = datetime.datetime.now(datetime.UTC)
    rules = {
        rule["alert"]: rule
        for group in json.loads(pathlib.Path("/etc/aerial/prometheus/alerts.yml").read_text())["groups"]
        for rule in group["rules"]
    }
    ears = {"listen_region": "ams3", "channel": "main", "mount": "/main.mp3"}
    firing = [
        ("Watchdog", {}),
        ("SilenceOnAir", {"channel": "main"}),
        ("OffAir", ears),
        ("DnsDisagrees", {"listen_region": "ams3"}),
    ]
    if cause:
        firing += [
            ("RelayDown", {"region": "ams3", "machine": "relay-ams3-1"}),
            ("RegionOut", {"region": "ams3", "listen_region": "ams3"}),
        ]
    body = [
        {
            "labels": {"alertname": name, **rules[name]["labels"], **labels},
            "annotations": {**rules[name]["annotations"], "began": ""},
            "startsAt": (now - datetime.timedelta(seconds=1)).isoformat(),
            "endsAt": (now + datetime.timedelta(seconds=0 if over and name not in lasting else 120)).isoformat(),
        }
        for name, labels in firing
    ]
    request = urllib.request.Request(
        f"{ALERTMANAGER}/alerts", data=json.dumps(body).encode(), headers={"Content-Type": "application/json"}
    )
    urllib.request.urlopen(request, timeout=5).close()


def wait_for(what: str, holds: Callable[[], object], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not holds():
        if time.monotonic() > end:
            sys.exit(f"{what} did not come; {messages}")
        time.sleep(0.2)


def answers() -> bool:
    try:
        urllib.request.urlopen(f"{ALERTMANAGER}/status", timeout=2).close()
        urllib.request.urlopen("http://127.0.0.1:9095/metrics", timeout=2).close()
    except OSError:
        return False
    return True


def main() -> None:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 9800), Receiver)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    HOME.mkdir()
    environment = {**os.environ, "CREDENTIALS_DIRECTORY": "/etc/aerial/alerts", "STATE_DIRECTORY": str(HOME)}
    subprocess.Popen(["/usr/local/sbin/aerial-alert", "serve"], env=environment, stdout=sys.stderr)
    subprocess.Popen(
        [
            *["prometheus-alertmanager", "--config.file=/etc/aerial/alertmanager/alertmanager.yml"],
            *["--web.listen-address=127.0.0.1:9093", "--cluster.listen-address=", "--storage.path=/tmp/alertmanager"],
        ],
        stderr=subprocess.DEVNULL,
    )
    wait_for("Alertmanager", answers)
    raise_alerts(over=False, cause=False)
    wait_for("what follows from it", lambda: b"OffAir" in (HOME / "now.json").read_bytes())
    raise_alerts(over=False)
    wait_for("the message", lambda: messages)
    wait_for("the heartbeat", lambda: heartbeats)
    # Whatever else there is would come with the next round.
    time.sleep(20)
    now = json.loads((HOME / "now.json").read_text())
    raise_alerts(over=True, lasting=("Watchdog", "OffAir"))
    wait_for("the end", lambda: len(messages) > 1)
    # It was held back, and lasts longer than what explained it.
    wait_for("what is left", lambda: len(messages) > 2)
    raise_alerts(over=True)
    wait_for("its end", lambda: len(messages) > 3)
    time.sleep(5)
    print(json.dumps({"messages": messages, "heartbeats": len(heartbeats), "now": now}))


if __name__ == "__main__":
    main()

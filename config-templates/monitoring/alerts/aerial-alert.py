#!/usr/bin/python3
"""
Tells people what is wrong with the station: takes alerts from Alertmanager, and sends messages.

    aerial-alert list                      what has been told at once and is not over
    aerial-alert acknowledge NUMBER|all    somebody has it in hand: it is not escalated
    aerial-alert test                      sends a test to every receiver
    aerial-alert serve                     the service itself (aerial-alert.service)
"""

import http.server
import json
import os
import sys
import threading
import urllib.error
import urllib.request
from typing import Any

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

from alerts import senders, settings
from alerts.desk import Desk

PORT = 9095
# Of a webhook; Alertmanager's are a few KiB.
MOST_BYTES = 4 * 2**20


def handler_for(desk: Desk) -> type[http.server.BaseHTTPRequestHandler]:
    class Handler(http.server.BaseHTTPRequestHandler):
        timeout = 30

        def do_POST(self) -> None:
            try:
                length = int(self.headers.get("Content-Length", "0"))
                if length > MOST_BYTES:
                    return self.answer(413, "too long\n")
                body = self.rfile.read(length)
                if self.path == "/alerts":
                    desk.take(json.loads(body)["alerts"])
                    return self.answer(200, "")
                if self.path == "/watchdog":
                    return self.heartbeat()
                if self.path == "/acknowledge":
                    found = desk.acknowledge(str(json.loads(body)["number"]))
                    return self.answer(200 if found else 404, "")
                if self.path == "/test":
                    return self.answer(200, json.dumps(desk.test()))
            except (ValueError, KeyError, TypeError, AttributeError) as reason:
                return self.answer(400, f"{type(reason).__name__}: {reason}\n")
            return self.answer(404, "")

        def do_GET(self) -> None:
            if self.path == "/messages":
                self.answer(200, json.dumps(desk.open_messages()))
            elif self.path == "/metrics":
                self.answer(200, desk.metrics(), "text/plain; version=0.0.4")
            else:
                self.answer(404, "")

        def heartbeat(self) -> None:
            # Alertmanager asks again for any answer of 5xx.
            try:
                desk.heartbeat()
                self.answer(200, "")
            except senders.Refused as reason:
                self.log_error("heartbeat: %s", reason)
                self.answer(502, "")

        def answer(self, status: int, text: str, kind: str = "application/json") -> None:
            body = text.encode()
            self.send_response(status)
            self.send_header("Content-Type", kind)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_request(self, *_: Any, **__: Any) -> None:
            """Only errors are logged."""

    return Handler


def serve(desk: Desk, port: int = PORT) -> http.server.ThreadingHTTPServer:
    server = http.server.ThreadingHTTPServer(("127.0.0.1", port), handler_for(desk))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return server


def ask(path: str, body: Any = None) -> Any:
    """What the running service answers; None for an empty answer."""
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{PORT}{path}", data=data)
    with urllib.request.urlopen(request, timeout=300) as answer:
        text = answer.read()
    return json.loads(text) if text else None


def main(arguments: list[str]) -> None:
    try:
        match arguments:
            case ["serve"]:
                desk = Desk(settings.load(), os.environ["STATE_DIRECTORY"])
                serve(desk)
                desk.run()
            case ["list"]:
                messages = ask("/messages")
                for one in messages:
                    state = ", acknowledged" if one["acknowledged"] else ""
                    print(f"{one['number']}  since {one['since']}{state}  {one['title']}")
                if not messages:
                    print("nothing")
            case ["acknowledge", number]:
                ask("/acknowledge", {"number": number})
            case ["test"]:
                said = ask("/test", {})
                print("\n".join(f"{name}: {answer}" for name, answer in said.items()) or "there is no receiver")
                sys.exit(any(answer != "sent" for answer in said.values()))
            case _:
                sys.exit((__doc__ or "").strip())
    except urllib.error.HTTPError as reason:
        sys.exit("there is no such message: see aerial-alert list" if reason.code == 404 else str(reason))
    except urllib.error.URLError as reason:
        sys.exit(f"aerial-alert.service does not answer: {reason.reason}")


if __name__ == "__main__":
    main(sys.argv[1:])

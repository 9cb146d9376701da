"""A Relay with slots for tests: each slot's Icecast is an administration whose listeners a test puts on."""

import base64
import http.server
import json
import pathlib
import socket
import threading
import time
import urllib.parse


class Icecast:
    """Ends those that it is asked to end."""

    def __init__(self, told: list[tuple[float, str]]) -> None:
        self.mounts: dict[str, list[str]] = {"/main.mp3": [], "/main.aac": []}
        # When whose connection was to end.
        self.killed = told
        # How many questions get no answer that says anything.
        self.silent = 0
        # How long each answer takes.
        self.seconds = 0.0
        self.asked = 0
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                outer.asked += 1
                time.sleep(outer.seconds)
                right = "Basic " + base64.b64encode(b"admin:hackme").decode()
                if outer.silent > 0:
                    outer.silent -= 1
                    self.send_error(500)
                    return
                url = urllib.parse.urlsplit(self.path)
                query = dict(urllib.parse.parse_qsl(url.query))
                if self.headers["Authorization"] != right or query.get("mount", "/main.mp3") not in outer.mounts:
                    self.send_error(400)
                    return
                body = outer.answer(url.path, query).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_: object) -> None:
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.port = int(self.server.server_address[1])
        threading.Thread(target=self.server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path: str, query: dict[str, str]) -> str:
        if path == "/admin/listmounts":
            sources = "".join(f'<source mount="{mount}"><listeners>9</listeners></source>' for mount in self.mounts)
            return f"<icestats>{sources}</icestats>"
        on = self.mounts[query["mount"]]
        if path == "/admin/listclients":
            clients = "".join(f'<listener id="{one}"><IP>127.0.0.1</IP><ID>{one}</ID></listener>' for one in on)
            return f'<icestats><source mount="{query["mount"]}">{clients}</source></icestats>'
        assert path == "/admin/killclient"
        self.killed.append((time.monotonic(), query["id"]))
        if query["id"] in on:
            on.remove(query["id"])
        return "<iceresponse><return>1</return></iceresponse>"

    def count(self) -> int:
        return sum(map(len, self.mounts.values()))

    def stop(self) -> None:
        """Its port refuses connections from now on."""
        self.server.shutdown()
        self.server.server_close()


class Relay:
    """Its files are below `root`. Slots a and b run, c is off."""

    def __init__(self, root: pathlib.Path) -> None:
        self.root = root
        # In all slots, in their order.
        self.killed: list[tuple[float, str]] = []
        self.a, self.b = Icecast(self.killed), Icecast(self.killed)
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.off = int(free.getsockname()[1])
        ports = {"a": self.a.port, "b": self.b.port, "c": self.off}
        slots = {slot: {"icecast": port, "nginx": 0} for slot, port in ports.items()}
        self.write("etc/aerial/slots.json", {"limitSeconds": 43_200, "slots": slots})
        self.write("etc/aerial/secrets/local.json", {"admin": "hackme"})

    def write(self, place: str, value: object) -> None:
        (self.root / place).parent.mkdir(parents=True, exist_ok=True)
        (self.root / place).write_text(json.dumps(value))

    def stop(self) -> None:
        self.a.stop()
        self.b.stop()

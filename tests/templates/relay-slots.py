"""Listeners of a Relay whose Icecast and NGINX are restarted beside themselves: `relay-slots.py DELIVERY`.

The deliveries' own program asks for the restarts. Writes results as lines `NAME: TEXT`.
"""

import json
import os
import re
import socket
import ssl
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

sys.path.insert(0, "/usr/local/lib/aerial")
from deliver import slots, units
from deliver.tree import Machine

NGINX, ICECAST = "aerial-nginx@.service", "aerial-icecast@.service"
with open(sys.argv[1], encoding="utf-8") as delivery_file:
    delivery = json.load(delivery_file)
# Of /main.mp3.
BYTES_EACH_SECOND = 24_000
tls = ssl._create_unverified_context()


def report(name: str, text: object) -> None:
    print(f"{name}: {text}", flush=True)


def wait_until(what: object, seconds: float = 30.0) -> bool:
    assert callable(what)
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if what():
            return True
        time.sleep(0.1)
    return False


def ask(url: str) -> tuple[int, str]:
    try:
        with urllib.request.urlopen(url, timeout=5, context=tls if url.startswith("https") else None) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as refused:
        return refused.code, refused.read().decode()
    except OSError as reason:
        return 0, str(reason)


class Listener(threading.Thread):
    """Plays /main.mp3 until it is told to leave, and notes what its player has in hand."""

    def __init__(self, address: str, encrypted: bool = False) -> None:
        super().__init__(daemon=True)
        self.bytes = 0
        # Seconds of audio in hand, at worst; of the first second nothing is known yet.
        self.least = 99.0
        self.most_pause = 0.0
        self.first_ms = 0.0
        # After a quarter of a second.
        self.burst = 0
        self.end = ""
        self.leaves = False
        began = time.monotonic()
        plain = socket.create_connection(("127.0.0.1", 443 if encrypted else 80), 5, (address, 0))
        self.connection = tls.wrap_socket(plain) if encrypted else plain
        self.connection.sendall(b"GET /main.mp3 HTTP/1.1\r\nHost: x\r\n\r\n")
        self.began = began
        self.start()

    def run(self) -> None:
        first = last = 0.0
        self.connection.settimeout(20)
        while not self.leaves:
            try:
                data = self.connection.recv(65536)
            except OSError as reason:
                self.end = type(reason).__name__
                return
            if not data:
                self.end = "FIN"
                return
            now = time.monotonic()
            if not first:
                first = now
                self.first_ms = 1000 * (now - self.began)
            else:
                self.most_pause = max(self.most_pause, now - last)
            last = now
            self.bytes += len(data)
            if now - first < 0.25:
                self.burst = self.bytes
            if now - first > 1:
                self.least = min(self.least, self.bytes / BYTES_EACH_SECOND - (now - first))
        self.connection.close()

    def leave(self) -> None:
        self.leaves = True
        self.join()

    @property
    def state(self) -> str:
        return self.end or "on"


class Passers(threading.Thread):
    """Short requests, one after the other, each by a connection of its own; notes those that fail."""

    def __init__(self, url: str, address: str) -> None:
        super().__init__(daemon=True)
        self.url, self.address = url, address
        self.count = 0
        self.failures: list[str] = []
        self.stops = False
        self.start()

    def run(self) -> None:
        while not self.stops:
            self.count += 1
            try:
                answer = self.once()
                if b" 200 " not in answer.split(b"\r\n")[0]:
                    self.failures.append(repr(answer[:200]))
            except OSError as reason:
                self.failures.append(f"{type(reason).__name__} {reason}")
            time.sleep(0.002)

    def once(self) -> bytes:
        scheme, _, path = self.url.partition("://")
        with socket.create_connection(("127.0.0.1", 443 if scheme == "https" else 80), 5, (self.address, 0)) as plain:
            connection = tls.wrap_socket(plain) if scheme == "https" else plain
            connection.sendall(f"GET {path} HTTP/1.0\r\n\r\n".encode())
            answer = b""
            while data := connection.recv(65536):
                answer += data
            connection.close()
        return answer

    def stop(self) -> str:
        self.stops = True
        self.join()
        return f"{'many' if self.count > 100 else self.count} requests, failed: {self.failures[:3]}"


class Told(units.Tell):
    def __call__(self, text: str) -> None:
        said.append(text)


said: list[str] = []


def restart(*wanted: str) -> str:
    """As a delivery does it."""
    said.clear()
    systemd = units.Systemd(Machine("/"))
    systemd.ask(dict.fromkeys(wanted, "restart"))
    failed = systemd.work_off(delivery, Told())
    return "; ".join([*said, *failed])


def listeners_in(port: int) -> int | None:
    """By Icecast's own count; None for one that is off."""
    with open("/etc/aerial/secrets/local.json", encoding="utf-8") as file:
        password = json.load(file)["admin"]
    command = ["curl", "--silent", "--max-time", "2", "--user", f"admin:{password}"]
    done = subprocess.run(
        [*command, f"http://127.0.0.1:{port}/admin/stats"], capture_output=True, text=True, check=False
    )
    counts = re.findall(r"<listeners>(\d+)</listeners>", re.sub(r"(?s)^.*?<source", "<source", done.stdout))
    return sum(map(int, counts)) if done.returncode == 0 else None


def status() -> dict:
    return dict(json.loads(ask("http://127.0.0.1:8079/status")[1] or "{}"))


def drains() -> list[str]:
    return sorted(os.listdir("/run/aerial/drains")) if os.path.isdir("/run/aerial/drains") else []


slots.WELL_SECONDS = 60.0
report("first start", units.Systemd(Machine("/")).start(delivery))
wait_until(lambda: ask("http://127.0.0.1/healthz")[0] == 200)
report("healthy at first", ask("http://127.0.0.1/healthz")[0])

# The first restart: two listeners go on, and others come all the time.
plain, encrypted = Listener("127.0.1.1"), Listener("127.0.1.2", encrypted=True)
time.sleep(3)
passers = {
    "playlists": Passers("http:///main.mp3.m3u", "127.0.2.1"),
    "playlists by TLS": Passers("https:///main.mp3.m3u", "127.0.2.2"),
    "health": Passers("http:///healthz", "127.0.2.3"),
}
time.sleep(1)
report("restart", restart(NGINX, ICECAST))
time.sleep(2)
for name, one in passers.items():
    report(f"meanwhile, {name}", one.stop())
report("old ones", f"{plain.state} {encrypted.state}")
newcomer = Listener("127.0.1.3")
time.sleep(8)
report("newcomer has a burst at once", newcomer.burst > 7 * BYTES_EACH_SECOND or newcomer.burst)
report("newcomer, first byte", newcomer.first_ms < 500 or newcomer.first_ms)
report("listeners by slot", [listeners_in(port) for port in (8000, 8016, 8032)])
report("status, slot", status()["slot"])
report("status, drains", {slot: drain["listeners"] for slot, drain in status()["drains"].items()})
report("status, limit", round((status()["drains"]["a"]["until"] - time.time()) / 3600))
report("status, listeners", status()["listeners"])
report("status.json", json.loads(ask("http://127.0.0.1/status.json")[1])["listeners"])
report(
    "metrics",
    " ".join(re.findall(r"^aerial_relay_slot_listeners.*$", ask("http://127.0.0.1:8079/metrics")[1], re.MULTILINE)),
)
report("drain of the machine", ask("http://127.0.0.1:8079/drain")[1].strip())
told = subprocess.run(["/usr/local/sbin/aerial-delivery"], capture_output=True, text=True, check=False).stdout
report("aerial-delivery", re.sub(r"\d{4}-.*Z", "…", " ".join(re.findall(r"^slot .*$", told, re.MULTILINE))))

# Both write their log where it is to be.
with open("/var/log/aerial-nginx/access.log", "a", encoding="utf-8") as log:
    log.write("\n" * (65 << 20))
subprocess.run(["/usr/local/lib/aerial/access-log"], check=True)
plain.leave()
time.sleep(8)
with open("/var/log/aerial-nginx/access.log", encoding="utf-8") as log:
    report("log of the one that drains", sum('"listener":"127.0.1.1"' in line for line in log))
report("still drains", drains())

# The last listener leaves.
report("last one", encrypted.state)
for name, listener in {"plain": plain, "encrypted": encrypted}.items():
    report(f"{name}, in hand", listener.least > 5 or listener.least)
    report(f"{name}, pauses", listener.most_pause < 2 or listener.most_pause)
encrypted.leave()
report("ends with its last listener", wait_until(lambda: drains() == [] and listeners_in(8000) is None, 15))
report("enabled", " ".join(sorted(name for name in os.listdir("/run/enabled") if "@" in name)))
report(
    "running",
    " ".join(unit for unit in sorted(os.listdir("/run/units")) if os.system(f"systemctl is-active {unit}") == 0),
)

# One that cannot work leaves the present one as it is.
with open("/etc/aerial/icecast/a.xml", encoding="utf-8") as file:
    right = file.read()
with open("/etc/aerial/icecast/a.xml", "w", encoding="utf-8") as file:
    file.write("<icecast>")
slots.WELL_SECONDS = 2.0
report("refused", restart(ICECAST))
slots.WELL_SECONDS = 60.0
report("present one after that", f"{newcomer.state} {status()['slot']} {ask('http://127.0.0.1/healthz')[0]}")
with open("/etc/aerial/icecast/a.xml", "w", encoding="utf-8") as file:
    file.write(right)
wait_until(lambda: drains() == [], 15)

# More restarts than there are slots: the listener of the one that drains longest is closed, and no other.
second = [restart(NGINX)]
in_a = Listener("127.0.1.4")
time.sleep(2)
second.append(restart(NGINX))
in_c = Listener("127.0.1.5")
time.sleep(2)
report("three slots", f"{[listeners_in(port) for port in (8000, 8016, 8032)]} {drains()}")
began = time.monotonic()
second.append(restart(NGINX))
report("hurried", time.monotonic() - began < 40)
report("further restarts", " / ".join(second))
report("closed", f"{newcomer.state} {in_a.state} {in_c.state}")
report("closed, in hand", newcomer.least > 5 or newcomer.least)
report("slot at the end", f"{status()['slot']} {drains()}")

for unit in sorted(os.listdir("/run/units")):
    if "nginx" in unit:
        with open(f"/tmp/{unit}.log", encoding="utf-8") as log:
            bad = [line.strip() for line in log if re.search(r"\[(alert|emerg|crit)\]|exited on signal", line)]
        report(f"{unit} says", bad[:3])
report("end", "")

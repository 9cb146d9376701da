"""Encoders and listeners of a Master, on one clock, in the base image.

Called with a scenario as JSON, and a folder. Writes there what each listener heard, as it came. Prints one JSON object:
of each listener the titles with their places in the audio, and when the audio came; and what Liquidsoap said of itself
over time.
"""

import base64
import http.client
import json
import socket
import sys
import threading
import time

scenario, folder = json.loads(sys.argv[1]), sys.argv[2]
passwords: dict[str, str] = scenario["passwords"]
with open("/etc/aerial/secrets/delivered.json", encoding="utf-8") as file:
    link_login: str = json.load(file)["values"]["relay.link"]
start = time.monotonic()
listeners: dict[str, dict[str, list]] = {}
status: list[dict] = []


def passed() -> float:
    return time.monotonic() - start


def wait_until(second: float) -> None:
    time.sleep(max(0.0, second - passed()))


def basic(user: str, password: str) -> str:
    return "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()


def encode(plan: dict) -> None:
    """One encoder, from its start to its end. What was due while its line stalled follows at once, as TCP does it."""
    mount, port = plan["mount"], plan.get("port", 8000)
    user = mount.rsplit("-", 1)[1]
    with open(plan["file"], "rb") as file:
        audio = file.read()
    wait_until(plan["start"])
    line = socket.create_connection(("127.0.0.1", port), 5)
    head = (
        f"SOURCE {mount} HTTP/1.0\r\nAuthorization: {basic(user, passwords[user])}\r\nContent-Type: audio/mpeg\r\n\r\n"
    )
    line.sendall(head.encode())
    answer = line.recv(200)
    if b" 200 " not in answer:
        sys.exit(f"{mount}: {answer!r}")
    sent = 0
    stalls, titles = plan.get("stalls", []), plan.get("titles", [])
    while passed() < plan["end"]:
        if stalls and passed() >= stalls[0][0]:
            time.sleep(stalls.pop(0)[1])
        if titles and passed() >= titles[0][0]:
            set_title(port, mount, user, *titles.pop(0)[1:])
        due = int((passed() - plan["start"]) * plan["kbps"] * 125 * plan.get("rate", 1)) - sent
        while due > 0:
            piece = audio[sent % len(audio) :][:due]
            line.sendall(piece)
            sent += len(piece)
            due -= len(piece)
        time.sleep(0.05)
    if plan.get("dies"):
        wait_until(scenario["seconds"])
    line.close()


def set_title(port: int, mount: str, user: str, encoded: str, charset: str | None) -> None:
    """As encoders do it; the title is percent-encoded already, in whatever charset."""
    query = f"/admin/metadata?mode=updinfo&mount={mount}&song={encoded}"
    if charset:
        query += f"&charset={charset}"
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    connection.request("GET", query, headers={"Authorization": basic(user, passwords[user])})
    connection.getresponse().read()


def listen(plan: dict) -> None:
    """As a Relay's link: asks for titles, and keeps the audio as it comes."""
    mount = plan["mount"]
    ask = f"GET {mount} HTTP/1.0\r\nIcy-MetaData: 1\r\nAuthorization: {basic(*link_login.split(':', 1))}\r\n\r\n"
    while True:
        line = socket.create_connection(("127.0.0.1", 8000), 5)
        line.settimeout(10)
        line.sendall(ask.encode())
        stream = line.makefile("rb")
        if b" 200 " in stream.readline():
            break
        line.close()
        time.sleep(0.1)
    interval = 0
    while header := stream.readline().strip():
        if header.lower().startswith(b"icy-metaint:"):
            interval = int(header.split(b":")[1])
    titles: list[tuple[int, str]] = []
    arrivals: list[tuple[float, int]] = []
    listeners[mount] = {"titles": titles, "arrivals": arrivals}
    heard = 0
    with open(folder + mount, "wb") as file:
        while passed() < scenario["seconds"]:
            audio = stream.read(interval)
            block = stream.read(stream.read(1)[0] * 16)
            file.write(audio)
            heard += len(audio)
            arrivals.append((passed(), heard))
            if block:
                titles.append((heard, block.rstrip(b"\0").hex()))


def ask_radio() -> dict:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(2)
        connection.connect("/run/aerial-radio/main/control.sock")
        connection.sendall(b"aerial.status\nquit\n")
        answer = b""
        while b"END" not in answer and (part := connection.recv(65536)):
            answer += part
    return json.loads(answer.split(b"END")[0])


def watch() -> None:
    while passed() < scenario["seconds"]:
        status.append({"at": passed(), **ask_radio()})
        time.sleep(0.1)


def main() -> None:
    jobs = [(encode, plan) for plan in scenario["encoders"]] + [(listen, plan) for plan in scenario["listeners"]]
    threads = [threading.Thread(target=job, args=(plan,)) for job, plan in jobs] + [threading.Thread(target=watch)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    json.dump({"listeners": listeners, "status": status}, sys.stdout)


main()

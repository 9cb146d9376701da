#!/usr/bin/python3
"""Tells what this Master is playing: one JSON object. `status --check` is silent, and fails unless all is on air;
`status --metrics` tells it in Prometheus's text format.

It reads the plan in /etc/aerial/master.json, asks each channel's Liquidsoap on its control socket, and Icecast with
the admin password that was made on this machine.
"""

import base64
import datetime
import json
import socket
import ssl
import subprocess
import sys
import urllib.request
import xml.etree.ElementTree
from collections.abc import Sequence

sys.path.insert(0, "/usr/local/lib/aerial")
sys.dont_write_bytecode = True

import files

PATIENCE_SECONDS = 3


def ask_radio(path: str) -> dict:
    """What Liquidsoap's `aerial.status` command answers."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
        connection.settimeout(PATIENCE_SECONDS)
        connection.connect(path)
        connection.sendall(b"aerial.status\nquit\n")
        answer = b""
        while b"END" not in answer:
            part = connection.recv(65536)
            if not part:
                break
            answer += part
    return json.loads(answer.split(b"END")[0])


def ask_icecast(port: int) -> dict:
    """Listeners of every mount that has a source, by mount."""
    admin = files.read_json("/etc/aerial/secrets/local.json")["admin"]
    request = urllib.request.Request(f"http://127.0.0.1:{port}/admin/stats")
    request.add_header("Authorization", "Basic " + base64.b64encode(f"admin:{admin}".encode()).decode())
    with urllib.request.urlopen(request, timeout=PATIENCE_SECONDS) as response:
        tree = xml.etree.ElementTree.fromstring(response.read())
    return {source.get("mount"): int(source.findtext("listeners", "0")) for source in tree.iter("source")}


def tls_problem(port: int, authority: str | None) -> str | None:
    """Why others could not come in over TLS at a port, or None."""
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = False
    if authority is None:
        # The public certificate may still be a self-made one.
        context.verify_mode = ssl.CERT_NONE
    # What Python adds since 3.13 (key usage of the CA, …) NGINX on the other side does not ask for.
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    try:
        with socket.create_connection(("127.0.0.1", port), PATIENCE_SECONDS) as plain, context.wrap_socket(plain):
            return None
    except OSError as reason:
        return f"port {port} does not answer in TLS: {reason}"


def certificate() -> dict:
    """The public certificate, as `aerial-certificate status` tells it."""
    command = ["/usr/local/sbin/aerial-certificate", "status"]
    result = subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
    return json.loads(result.stdout) if result.returncode == 0 else {"source": "unknown"}


def survey(plan: dict) -> tuple[dict, list[str]]:
    """The status, and what is wrong in words."""
    problems = []
    channels = {}
    try:
        live = ask_icecast(plan["icecastPort"])
    except (OSError, ValueError, KeyError, xml.etree.ElementTree.ParseError) as reason:
        live = {}
        problems.append(f"Icecast does not answer: {reason}")
    for name, channel in plan["channels"].items():
        try:
            radio = ask_radio(channel["controlSocket"])
        except (OSError, ValueError) as reason:
            radio = {"playing": "nothing", "sources": []}
            problems.append(f"channel {name}: Liquidsoap does not answer: {reason}")
        if radio["playing"] == "nothing":
            problems.append(f"channel {name} plays nothing")
        problems += [f"{mount} is not live" for mount in channel["mounts"] if mount not in live]
        channels[name] = {
            "playing": radio["playing"],
            "sources": dict(radio["sources"]),
            "silenceDetection": radio.get("silenceDetection"),
            "listeners": {mount: live.get(mount) for mount in channel["mounts"]},
            # Those whose encoder is on this Master's Icecast, heard or not.
            "connected": [source for source in dict(radio["sources"]) if f"/{name}-{source}" in live],
        }
    station = "/etc/aerial/tls/ca.pem"
    ports = [(plan["linkPort"], station), (plan["certificatePort"], station), (plan["ingestTlsPort"], None)]
    problems += [problem for problem in (tls_problem(*port) for port in ports) if problem]
    return {"role": "master", "channels": channels}, problems


def metrics(status: dict, problems: list[str], proof: dict) -> str:
    """The status in Prometheus's text format. Channels and sources have identifiers as names: nothing to escape."""
    lines = []

    def tell(name: str, meaning: str, values: Sequence[tuple[dict[str, str], float]]) -> None:
        lines.append(f"# HELP aerial_master_{name} {meaning}")
        lines.append(f"# TYPE aerial_master_{name} gauge")
        for labels, value in values:
            told = ",".join(f'{label}="{text}"' for label, text in labels.items())
            lines.append(f"aerial_master_{name}{{{told}}} {value}" if told else f"aerial_master_{name} {value}")

    playing, connected, silent = [], [], []
    for channel, facts in status["channels"].items():
        sources = facts["sources"]
        playing += [
            ({"channel": channel, "source": name}, int(facts["playing"] == name))
            for name in [*sources, "emergency", "announcement", "nothing"]
        ]
        for name, present in sources.items():
            labels = {"channel": channel, "source": name}
            here = name in facts["connected"]
            connected.append((labels, int(present or here)))
            silent.append((labels, int(here and not present)))
    tell("healthy", "1 while all that this Master has to do works.", [({}, int(not problems))])
    tell("playing", "1 for what a channel plays.", playing)
    tell("source_connected", "1 while a source sends to a Master.", connected)
    tell(
        "source_silent", "1 while a source is connected here, and is not played: it sends silence, or nothing.", silent
    )
    if "notAfter" in proof:
        end = datetime.datetime.fromisoformat(proof["notAfter"]).timestamp()
        tell("certificate_not_after_seconds", "End of the public certificate, in seconds since 1970.", [({}, end)])
    return "\n".join(lines) + "\n"


def main() -> None:
    status, problems = survey(files.read_json("/etc/aerial/master.json"))
    if sys.argv[1:] == ["--check"]:
        sys.exit("\n".join(problems) if problems else 0)
    if sys.argv[1:] == ["--metrics"]:
        print(metrics(status, problems, certificate()), end="")
        return
    print(json.dumps({**status, "certificate": certificate(), "problems": problems}))


if __name__ == "__main__":
    main()

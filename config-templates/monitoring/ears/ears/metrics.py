"""What the Ears hear, as text for Prometheus."""

import os
import time
from collections.abc import Sequence

from ears.listener import Listener
from ears.names import Agreement

WRITE_SECONDS = 5.0

HELP = {
    "connected": "1 while there is a connection with audio.",
    "connections": "Connections with audio to a Relay: so many of its listeners are none.",
    "advancing": "1 while audio comes and can be decoded.",
    "first_byte_seconds": "From the question to DNS to the first audio, of the last connection.",
    "silent_seconds": "How long the silence lasts that is heard now.",
    "level_left_dbfs": "RMS of the left side over 10 s.",
    "level_right_dbfs": "RMS of the right side over 10 s.",
    "loudness_lufs": "EBU R128: integrated loudness of the last three minutes.",
    "side_dead_seconds": "How long one side has been silent while the other one is 40 dB above it.",
    "title_right": "1 while the stream has the title that its Relay tells.",
    "playing": "1 for the source that is heard.",
    "seen_timestamp_seconds": "When this was so.",
    "dns_agrees": "1 while DNS and the health of a region's Relays agree, or differ no longer than DNS needs.",
}

Labels = dict[str, str]
Value = tuple[str, Labels, float]


def measure(listener: Listener, now: float) -> list[Value]:
    """Of a mount that does not advance, nothing is known of its sound: these series are absent."""
    labels = {
        "listen_region": listener.region.region,
        "channel": listener.mount.channel,
        "mount": listener.mount.path,
    }
    sound = listener.sound
    values: dict[str, float] = {
        "connected": listener.address is not None,
        "advancing": listener.advancing(now),
        "seen_timestamp_seconds": round(time.time()),
    }
    if listener.first_byte_seconds is not None:
        values["first_byte_seconds"] = round(listener.first_byte_seconds, 3)
    found: list[Value] = []
    if listener.advancing(now):
        left, right = sound.sides()
        right_title = listener.titles.right(now)
        values |= {
            "silent_seconds": round(sound.silent_seconds, 1),
            "side_dead_seconds": round(sound.side_dead_seconds, 1),
            "level_left_dbfs": round(left, 1),
            "level_right_dbfs": round(right, 1),
            "loudness_lufs": round(sound.loudness(), 1),
            **({} if right_title is None else {"title_right": right_title}),
        }
        if listener.source:
            found.append(("playing", {**labels, "source": listener.source}, 1))
    return [*found, *((name, labels, value) for name, value in values.items())]


def connections(listeners: Sequence[Listener]) -> list[Value]:
    """By Relay; those at Amazon have no names here."""
    relays = {address: relay for listener in listeners for relay, address in listener.region.relays.items()}
    heard = [relays[listener.address] for listener in listeners if listener.address in relays]
    # Prometheus has the monitoring machine for the label `machine`.
    return [("connections", {"relay": relay}, heard.count(relay)) for relay in relays.values()]


def text(listeners: Sequence[Listener], agreements: dict[str, Agreement]) -> str:
    now = time.monotonic()
    values = [value for listener in listeners for value in measure(listener, now)] + connections(listeners)
    for region, agreement in agreements.items():
        agrees = agreement.agrees(now)
        if agrees is not None:
            values.append(("dns_agrees", {"listen_region": region}, agrees))
    lines = []
    for name, about in HELP.items():
        lines += [f"# HELP aerial_ears_{name} {about}", f"# TYPE aerial_ears_{name} gauge"]
        lines += [
            f"aerial_ears_{name}{{{written(labels)}}} {value:.12g}" for one, labels, value in values if one == name
        ]
    return "\n".join(lines) + "\n"


def written(labels: Labels) -> str:
    def escaped(value: str) -> str:
        return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")

    return ",".join(f'{key}="{escaped(value)}"' for key, value in labels.items())


def write(path: str, content: str) -> None:
    """In one step. What it says is old after a power cut in any case: the disk need not have it."""
    with open(f"{path}.new", "w", encoding="utf-8") as file:
        file.write(content)
    os.replace(f"{path}.new", path)

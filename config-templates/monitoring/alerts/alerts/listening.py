"""What is on air now, as Prometheus knows it of the Ears; and the clip of an event."""

import contextlib
import json
import os
import subprocess
import urllib.parse
import urllib.request

from alerts import words
from alerts.settings import Settings

PROMETHEUS = "http://127.0.0.1:9090"
PATIENCE_SECONDS = 10
# How far back it is looked for when a source began to be heard, and how exactly.
PAST_SECONDS = 3 * 3600
STEP_SECONDS = 15

CLIP_SECONDS = 30
# The event is at this place in its clip. What tells of it needs some seconds.
BEFORE_SECONDS = 20
# What the Ears have heard just now is not on the disk yet.
LATE_SECONDS = 3
KEPT_DAYS = 14


def on_air(settings: Settings, channels: set[str], now: float) -> str:
    """For each of these channels, or for all, what is heard and since when."""
    query = urllib.parse.urlencode(
        {
            "query": "max by (channel, source) (aerial_ears_playing == 1)",
            "start": f"{now - PAST_SECONDS:.0f}",
            "end": f"{now:.0f}",
            "step": f"{STEP_SECONDS}",
        }
    )
    try:
        with urllib.request.urlopen(f"{PROMETHEUS}/api/v1/query_range?{query}", timeout=PATIENCE_SECONDS) as answer:
            series = json.load(answer)["data"]["result"]
    except (OSError, ValueError, KeyError):
        return "not known: Prometheus does not answer"
    heard: dict[str, list[str]] = {}
    for one in series:
        channel, source = one["metric"].get("channel", ""), one["metric"].get("source", "")
        times = [float(when) for when, _ in one["values"]]
        if times[-1] < now - 2 * STEP_SECONDS or (channels and channel not in channels):
            continue
        begin = times[-1]
        for when in reversed(times[:-1]):
            if begin - when > 2 * STEP_SECONDS:
                break
            begin = when
        since = "" if begin <= now - PAST_SECONDS + STEP_SECONDS else f" since {words.clock(begin, settings.zone)}"
        heard.setdefault(channel, []).append(f"{source}{since}")
    if not heard:
        return "not known: the Ears hear nothing, or are away"
    return "; ".join(f"{channel}: {' and '.join(sources)}" for channel, sources in sorted(heard.items()))


def fetch_clip(event: dict, folder: str, number: str, now: float) -> tuple[str | None, str | None]:
    """The path of the audio around an event, or why there is none. The Ears keep the last five minutes."""
    os.makedirs(folder, exist_ok=True)
    forget_old(folder, now)
    labels = event["labels"]
    channel = labels.get("channel")
    if channel is None:
        return None, "it is of no channel"
    begin = min(event["since"] - BEFORE_SECONDS, now - CLIP_SECONDS - LATE_SECONDS)
    region = ["--region", labels["listen_region"]] if "listen_region" in labels else []
    ending = labels.get("mount", "").rpartition(".")[2]
    reason = "aerial-clip is not there"
    for codec in [ending] if ending else ["mp3", "aac"]:
        path = os.path.join(folder, f"{number}-{channel}.{codec}")
        command = ["aerial-clip", channel, *region, "--codec", codec, f"{begin:.1f}", f"{CLIP_SECONDS}", path]
        try:
            done = subprocess.run(
                command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=30, check=False
            )
        except (OSError, subprocess.TimeoutExpired) as problem:
            reason = f"aerial-clip does not run: {problem}"
            continue
        if done.returncode == 0 and os.path.exists(path):
            return path, None
        reason = done.stderr.strip()[-300:] or f"aerial-clip ends with {done.returncode}"
    return None, reason


def forget_old(folder: str, now: float) -> None:
    for entry in os.scandir(folder):
        with contextlib.suppress(FileNotFoundError):
            if entry.stat().st_mtime < now - KEPT_DAYS * 86400:
                os.unlink(entry.path)

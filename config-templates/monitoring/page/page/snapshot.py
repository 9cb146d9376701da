"""The present, from one question to Prometheus."""

from page.prometheus import Samples
from page.verdict import SILENCE_SECONDS, Facts, Verdict, judge

# All that the page needs of the present.
QUERY = (
    '{__name__=~"up|node_textfile_mtime_seconds|aerial_backup_.+_(healthy|last_success_timestamp_seconds)'
    "|aerial_master_(healthy|playing|source_connected|source_silent)"
    '|aerial_relay_(healthy|draining|listeners|listener_limit|upstream|upstream_alive)|aerial_ears_.+"}'
)
# What is older than this, in seconds, is not the present: all is written every 15 s, and read every 15 s.
OLD_SECONDS = 90


class Present:
    """What Prometheus knows now of the station, without what is old."""

    def __init__(self, settings: dict, samples: Samples, now: float) -> None:
        self.settings = settings
        self.samples = samples
        self.now = now
        self.order: list[str] = [source["name"] for source in settings["sources"]]
        self.reached = {labels.get("machine", ""): value == 1 for labels, value in samples.of("up", job="machine")}
        self.fresh = {
            labels.get("machine", "")
            for labels, value in samples.of("node_textfile_mtime_seconds")
            if labels.get("file", "").endswith(f"/aerial-{labels.get('role', '')}.prom") and now - value < OLD_SECONDS
        }
        seen = [value for _labels, value in samples.of("aerial_ears_seen_timestamp_seconds")]
        self.ears_listen = bool(seen) and now - max(seen) < OLD_SECONDS

    def knows(self, machine: str) -> bool:
        """Whether what a machine says of itself is of now."""
        return self.reached.get(machine, False) and machine in self.fresh

    def state_of(self, machine: str, role: str) -> str:
        """`well`, `unwell`, `draining`, `unreachable`, or `unknown`."""
        if machine not in self.reached:
            return "unknown"
        if not self.reached[machine]:
            return "unreachable"
        healthy = self.samples.value(f"aerial_{role}_healthy", machine=machine)
        if healthy is None or not self.knows(machine):
            return "unknown"
        if self.samples.value(f"aerial_{role}_draining", machine=machine) == 1:
            return "draining"
        return "well" if healthy == 1 else "unwell"

    def facts(self, channel: dict) -> Facts:
        """What is known of a channel now."""
        facts = Facts()
        mounts = {mount["mount"] for mount in channel["mounts"]}
        if self.ears_listen:
            self.ears(channel["id"], facts)
        states = [self.state_of(relay["name"], "relay") for relay in self.settings["relays"]]
        known = [state for state in states if state in ("well", "unwell", "draining")]
        if known:
            facts.serving = sum(state != "unwell" for state in known) / len(known)
        facts.upstreams = {
            labels["upstream"]
            for labels, value in self.samples.of("aerial_relay_upstream")
            if value == 1 and labels.get("mount") in mounts and self.knows(labels.get("machine", ""))
        }
        masters = [master["name"] for master in self.settings["masters"] if self.knows(master["name"])]
        heard = [name for name in masters if name.removeprefix("master-") in facts.upstreams] or masters[:1]
        facts.played = {
            labels["source"]
            for labels, value in self.samples.of("aerial_master_playing", channel=channel["id"])
            if value == 1 and labels.get("machine") in heard
        }
        return facts

    def ears(self, channel: str, facts: Facts) -> None:
        advancing = self.samples.of("aerial_ears_advancing", channel=channel)
        if not advancing:
            return
        hearing = {place(labels) for labels, value in advancing if value == 1}
        facts.hearing = len(hearing) / len(advancing)
        if hearing:
            silent = self.samples.of("aerial_ears_silent_seconds", channel=channel)
            count = sum(place(labels) in hearing and value >= SILENCE_SECONDS for labels, value in silent)
            facts.silent = count / len(hearing)
        facts.heard = {
            labels["source"]
            for labels, value in self.samples.of("aerial_ears_playing", channel=channel)
            if value == 1 and place(labels) in hearing
        }

    def deaf(self, channel: str) -> list[str]:
        """Regions in which a channel, or a part of its mounts, is not heard, or is silent."""
        if not self.ears_listen:
            return []
        names = {
            *(
                labels["listen_region"]
                for labels, value in self.samples.of("aerial_ears_advancing", channel=channel)
                if value != 1 and "listen_region" in labels
            ),
            *(
                labels["listen_region"]
                for labels, value in self.samples.of("aerial_ears_silent_seconds", channel=channel)
                if value >= SILENCE_SECONDS and "listen_region" in labels
            ),
        }
        return sorted(names)

    def verdict(self, channel: dict) -> Verdict:
        return judge(self.facts(channel), self.order)

    def level(self, channel: str) -> dict | None:
        """What the Ears measure of a channel: levels of both sides and loudness, as the median of what they hear."""
        if not self.ears_listen:
            return None
        found = {
            key: middle([value for _labels, value in self.samples.of(f"aerial_ears_{name}", channel=channel)])
            for key, name in (
                ("left", "level_left_dbfs"),
                ("right", "level_right_dbfs"),
                ("loudness", "loudness_lufs"),
            )
        }
        return found if found["left"] is not None and found["right"] is not None else None


def place(labels: dict[str, str]) -> tuple[str, str]:
    return labels.get("listen_region", ""), labels.get("mount", "")


def middle(values: list[float]) -> float | None:
    """The median, to a tenth. Digital silence has no level in dB, and counts as -120."""
    ordered = sorted(max(value, -120.0) for value in values)
    return round(ordered[len(ordered) // 2], 1) if ordered else None

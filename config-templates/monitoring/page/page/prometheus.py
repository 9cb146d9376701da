"""Questions to Prometheus, over its HTTP API."""

import json
import math
import urllib.error
import urllib.parse
import urllib.request

PATIENCE_SECONDS = 10

Labels = dict[str, str]
Row = tuple[Labels, float]
# Of one series: its values by time, in seconds since 1970.
Series = tuple[Labels, dict[int, float]]


class Silent(Exception):
    """Prometheus gives no answer that can be used; the text says why."""


def ask(base: str, query: str) -> list[Row]:
    """The present values of a query. Raises Silent."""
    rows = [(row["metric"], float(row["value"][1])) for row in _result(base, "query", {"query": query})]
    return [(labels, value) for labels, value in rows if not math.isnan(value)]


def ask_range(base: str, query: str, start: int, end: int, step: int) -> list[Series]:
    """The values of a query from start to end, in steps of so many seconds. Raises Silent."""
    asked = {"query": query, "start": str(start), "end": str(end), "step": str(step)}
    return [
        (row["metric"], {int(at): float(value) for at, value in row["values"] if value != "NaN"})
        for row in _result(base, "query_range", asked)
    ]


def _result(base: str, kind: str, asked: dict[str, str]) -> list[dict]:
    url = f"{base}/api/v1/{kind}?{urllib.parse.urlencode(asked)}"
    try:
        with urllib.request.urlopen(url, timeout=PATIENCE_SECONDS) as response:
            return json.load(response)["data"]["result"]
    except (OSError, ValueError, KeyError, TypeError) as reason:
        raise Silent(f"Prometheus gives no answer: {reason}") from None


class Samples:
    """Values of many metrics at one moment."""

    def __init__(self, rows: list[Row]) -> None:
        self.rows: dict[str, list[Row]] = {}
        for labels, value in rows:
            self.rows.setdefault(labels.get("__name__", ""), []).append((labels, value))

    def of(self, name: str, **wanted: str) -> list[Row]:
        """Those of a metric that have these labels."""
        return [
            (labels, value)
            for labels, value in self.rows.get(name, [])
            if all(labels.get(label) == text for label, text in wanted.items())
        ]

    def value(self, name: str, **wanted: str) -> float | None:
        """The only one of these, or the first. None where there is none."""
        return next((value for _labels, value in self.of(name, **wanted)), None)

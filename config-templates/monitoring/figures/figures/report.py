"""The report of a month, as a page and as a table; and the file of listeners that SoundExchange takes."""

import csv
import datetime
import glob
import html
import io
import ipaddress
import json
import os
from zoneinfo import ZoneInfo

from figures.days import Counted, rounded, write
from figures.players import player_of

GROUPS = ("channels", "formats", "regions", "countries", "players")
TOP = 20

STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 62rem; margin: 2rem auto; padding: 0 1rem; color: #222; }
table { border-collapse: collapse; margin: .5rem 0 1.5rem; } caption { text-align: left; font-weight: 600; }
th, td { padding: .15rem .8rem .15rem 0; text-align: left; border-bottom: 1px solid #ddd; }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; }
meter { width: 12rem; }
@media (prefers-color-scheme: dark) { body { background: #161616; color: #ddd; } th, td { border-color: #444; } }
"""


def add_up(days: list[dict]) -> dict:
    """The figures of several days: hours and sessions add up, and the peak is the highest one."""
    elapsed = sum(day["elapsedHours"] for day in days)

    def summary(parts: list[dict]) -> dict:
        hours = sum(part["hours"] for part in parts)
        return {
            "sessions": sum(part["sessions"] for part in parts),
            "hours": rounded(hours),
            "peak": max((part["peak"] for part in parts), default=0),
            "average": rounded(hours / elapsed) if elapsed else 0.0,
        }

    programmes: dict[tuple[str, str, str], float] = {}
    for day in days:
        for one in day["programmes"]:
            key = (one["channel"], one["source"], one["title"])
            programmes[key] = programmes.get(key, 0.0) + one["hours"]
    return {
        **summary(days),
        **{
            group: {
                name: summary([day[group][name] for day in days if name in day.get(group, {})])
                for name in sorted({name for day in days for name in day.get(group, {})})
            }
            for group in GROUPS
        },
        "programmes": sorted(programmes.items(), key=lambda item: (-item[1], item[0])),
    }


def read_month(folder: str, month: str) -> list[dict]:
    """All days of a month that there are, in their order."""
    found = []
    for path in sorted(glob.glob(os.path.join(folder, "days", f"{month}-*.json"))):
        with open(path, encoding="utf-8") as file:
            found.append(json.load(file))
    return found


def write_month(folder: str, config: dict, month: str) -> None:
    days = read_month(folder, month)
    total = add_up(days)
    write(os.path.join(folder, "months", f"{month}.csv"), month_table(month, total, days))
    write(os.path.join(folder, "months", f"{month}.html"), month_page(month, config, total, days))


def month_table(month: str, total: dict, days: list[dict]) -> str:
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(["what", "name", "source", "title", "sessions", "hours", "peak", "average"])

    def row(what: str, name: str, part: dict) -> None:
        rows.writerow([what, plain(name), "", "", *(part[key] for key in ("sessions", "hours", "peak", "average"))])

    row("month", month, total)
    for day in days:
        row("day", day["day"], day)
    for group in GROUPS:
        for name, part in total[group].items():
            row(group, name, part)
    for (channel, source, title), hours in total["programmes"]:
        rows.writerow(["programme", channel, plain(source), plain(title), "", rounded(hours), "", ""])
    return text.getvalue()


def plain(value: str) -> str:
    """A title must not become a formula in a program for tables."""
    return f"'{value}" if value[:1] in ("=", "+", "-", "@", "\t", "\r") else value


def month_page(month: str, config: dict, total: dict, days: list[dict]) -> str:
    station = html.escape(config["station"])
    head = "<tr><th>{}</th><th class=number>Sessions</th><th class=number>Hours</th><th class=number>Peak</th>"
    head += "<th class=number>Average</th></tr>"

    def table(title: str, parts: dict[str, dict]) -> str:
        if not parts:
            return ""
        ordered = sorted(parts.items(), key=lambda item: -item[1]["hours"])[:TOP]
        rows = "".join(f"<tr><td>{html.escape(name)}</td>{numbers(part)}</tr>" for name, part in ordered)
        return f"<table><caption>{title}</caption>{head.format('')}{rows}</table>"

    most = max((day["hours"] for day in days), default=0) or 1
    by_day = "".join(
        f"<tr><td>{day['day']}{'' if day['complete'] else ' (in part)'}</td>{numbers(day)}"
        f"<td><meter max={most:.3f} value={day['hours']:.3f}></meter></td></tr>"
        for day in days
    )
    programmes = "".join(
        f"<tr><td>{html.escape(channel)}</td><td>{html.escape(source)}</td><td>{html.escape(title) or '-'}</td>"
        f"<td class=number>{hours:.1f}</td></tr>"
        for (channel, source, title), hours in total["programmes"][:TOP]
    )
    titles = {channel["id"]: channel["title"] for channel in config["channels"]}
    channels = {titles.get(name, name): part for name, part in total["channels"].items()}
    return (
        f"<!doctype html>\n<html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{station}: listeners in {month}</title><style>{STYLE}</style>"
        f"<h1>{station}: listeners in {month}</h1>"
        f"<p><b>{total['hours']:.1f}</b> hours listened in <b>{total['sessions']}</b> sessions. "
        f"At most <b>{total['peak']}</b> listened at a time, on average <b>{total['average']:.1f}</b>.</p>"
        f"{table('Channels', channels)}{table('Formats', total['formats'])}{table('Regions', total['regions'])}"
        f"{table('Countries', total['countries'])}{table('Players', total['players'])}"
        f"<table><caption>Most heard</caption><tr><th>Channel</th><th>Source</th><th>Title</th>"
        f"<th class=number>Hours</th></tr>{programmes}</table>"
        f"<table><caption>Days</caption>{head.format('')}{by_day}</table>"
        f"<p>A session has at least one minute; a break of up to three minutes does not end it. Days are those of "
        f"{html.escape(config['timeZone'])}.</p></html>\n"
    )


def numbers(part: dict) -> str:
    cells = (f"{part['sessions']}", f"{part['hours']:.1f}", f"{part['peak']}", f"{part['average']:.1f}")
    return "".join(f"<td class=number>{cell}</td>" for cell in cells)


# --- SoundExchange

COLUMNS = ["ip", "date", "time", "stream", "duration", "status", "player"]


def write_listener_file(folder: str, counted: Counted, day: datetime.date) -> None:
    """Every session that began in a day of UTC: address, begin, stream, seconds, status of HTTP, player."""
    text = io.StringIO()
    rows = csv.writer(text)
    rows.writerow(COLUMNS)
    for session in counted.of_day(day, ZoneInfo("UTC")):
        begin = datetime.datetime.fromtimestamp(session.begin, datetime.UTC)
        if begin.date() == day:
            first = session.first
            stream = counted.channel_by_mount[first.mount]
            when = (f"{begin:%Y-%m-%d}", f"{begin:%H:%M:%S}")
            rows.writerow([first.address, *when, stream, round(session.seconds), 200, player_of(first.agent)])
    write(os.path.join(folder, "soundexchange", f"{day}.csv"), text.getvalue(), 0o640)


def truncated(address: str) -> str:
    """The network that an address is in: 256 addresses, or those of a site in IPv6."""
    known = ipaddress.ip_address(address.partition("/")[0])
    bits = 24 if known.version == 4 else 48
    return str(ipaddress.ip_network(f"{known}/{bits}", strict=False))


def truncate_old(folder: str, first: datetime.date) -> None:
    """Takes whole addresses out of listener files of the days before this one."""
    for path in sorted(glob.glob(os.path.join(folder, "soundexchange", "*.csv"))):
        if os.path.basename(path).removesuffix(".csv") >= first.isoformat():
            continue
        with open(path, encoding="utf-8", newline="") as file:
            rows = list(csv.reader(file))
        if all("/" in row[0] for row in rows[1:]):
            continue
        text = io.StringIO()
        csv.writer(text).writerows([rows[0], *([truncated(row[0]), *row[1:]] for row in rows[1:])])
        write(path, text.getvalue(), 0o640)

"""How things are called in the buckets, and which version of them counts: pure functions."""

import datetime
import re
import unicodedata
import urllib.parse
from collections.abc import Iterable

SHOWS = "shows/"
ENDINGS = {"database": ".dump.age", "configuration": ".tar.age"}
MANIFEST = "manifest/shows.json"
KEY_LIMIT_BYTES = 1024
# Amazon's limit is 2 KB for all metadata of an object; the rest of ours is short.
METADATA_LIMIT = 1700
CONTROL = re.compile(r"[\x00-\x1f\x7f]")
SHOW_KEY = re.compile(r"shows/\d{4}/\d\d/\d\d/([^/]+)/(.+)")


def why_unusable(channel: str, path: str) -> str | None:
    """Why a path cannot be part of a key, or None."""
    try:
        path.encode()
    except UnicodeEncodeError:
        return "its name is not UTF-8: rename it"
    if CONTROL.search(path):
        return "its name holds a control character: rename it"
    over = len(show_key(channel, path, 0).encode()) - KEY_LIMIT_BYTES
    return f"its name is {over} bytes too long for S3: shorten it" if over > 0 else None


def printable(path: str) -> str:
    """A path for people and for JSON, whatever bytes its name has."""
    return CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", path.encode("utf-8", "backslashreplace").decode())


def show_key(channel: str, path: str, mtime_ns: int) -> str:
    """The key under which a show is first kept: by the day (UTC) on which it was made. It stays when it is changed."""
    return f"{SHOWS}{utc(mtime_ns / 1e9):%Y/%m/%d}/{channel}/{path}"


def parse_show_key(key: str) -> tuple[str, str] | None:
    """(channel, path in its library), or None for what is no show of ours, or would lead out of a folder."""
    found = SHOW_KEY.fullmatch(key)
    if not found or any(part in ("", ".", "..") for part in key.split("/")) or CONTROL.search(key):
        return None
    return found[1], found[2]


def show_metadata(channel: str, path: str, mtime_ns: int, sha256: str, uploaded_at: float) -> dict[str, str]:
    """Metadata of a show's object, in ASCII."""
    quoted = urllib.parse.quote(path, safe="/")
    given = {
        "sha256": sha256,
        "channel": urllib.parse.quote(channel),
        "mtime": rfc3339_ns(mtime_ns),
        "uploaded": rfc3339_ns(int(uploaded_at * 1e9)),
        "path": quoted,
    }
    if len(quoted) > METADATA_LIMIT:
        # The key says it too.
        del given["path"]
    return given


def utc(seconds: float) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(seconds, datetime.UTC)


def rfc3339(seconds: float) -> str:
    return f"{utc(seconds):%Y-%m-%dT%H:%M:%SZ}"


def rfc3339_ns(nanoseconds: int) -> str:
    """With its fraction, to the nanosecond, when it has one: a restored file is then the same to `make` and to us."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    return f"{utc(seconds):%Y-%m-%dT%H:%M:%S}" + (f".{fraction:09d}" if fraction else "") + "Z"


def parse_rfc3339_ns(text: str) -> int:
    found = re.fullmatch(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d)(?:\.(\d{1,9}))?Z", text)
    if not found:
        raise ValueError(f"{text!r} is no time such as 2026-11-22T23:00:00Z")
    seconds = datetime.datetime.fromisoformat(found[1] + "+00:00").timestamp()
    return int(seconds) * 1_000_000_000 + int((found[2] or "").ljust(9, "0"))


def parse_time(text: str) -> float:
    """Seconds since 1970 of what a person writes; local time unless it says otherwise."""
    try:
        return datetime.datetime.fromisoformat(text.strip()).timestamp()
    except ValueError:
        raise ValueError(
            f"{text!r} is no time: write 2026-11-22T23:00:00Z, or 2026-11-22 23:00 for this machine's time"
        ) from None


def archive_key(kind: str, seconds: float) -> str:
    return f"{kind}/{utc(seconds):%Y/%m/%d/%Y%m%dT%H%M%SZ}{ENDINGS[kind]}"


def archive_time(kind: str, key: str) -> float | None:
    """Seconds since 1970 at which a dump or an archive was begun; None for what is none."""
    found = re.fullmatch(rf"{kind}/\d{{4}}/\d\d/\d\d/(\d{{8}}T\d{{6}})Z" + re.escape(ENDINGS[kind]), key)
    if not found:
        return None
    return datetime.datetime.strptime(found[1] + "+0000", "%Y%m%dT%H%M%S%z").timestamp()


def newest_archive(kind: str, keys: Iterable[str], at: float | None = None) -> str | None:
    """The newest dump or archive that was begun at a time or before it; None when there is none."""
    times = [(archive_time(kind, key), key) for key in keys]
    known = [(time, key) for time, key in times if time is not None and (at is None or time <= at)]
    return max(known, default=(None, None))[1]


def shows_as_of(versions: Iterable[dict], at: float | None = None) -> dict[tuple[str, str], dict]:
    """What was kept at a time: {(channel, path): version}, the newest version until then of each show.

    versions: dictionaries with `key` and `uploadedAt` (seconds), as many for a key as there are. Delete markers are
    no versions: our writer never makes one, so one is a mishap, and what it hides is restored.
    """
    newest: dict[tuple[str, str], dict] = {}
    for version in versions:
        show = parse_show_key(version["key"])
        if show is None or (at is not None and version["uploadedAt"] > at):
            continue
        # Of two in the same second, S3 lists the newer one first.
        if show not in newest or version["uploadedAt"] > newest[show]["uploadedAt"]:
            newest[show] = version
    return newest


def chosen(channel: str, path: str, pattern: str | None = None, only_channel: str | None = None) -> bool:
    """Whether a person's pattern, with * and ?, means this show: by path, or by channel/path. Any way of writing ä."""
    if only_channel is not None and channel != only_channel:
        return False
    if pattern is None:
        return True
    from fnmatch import fnmatchcase

    wanted = unicodedata.normalize("NFC", pattern)
    return any(fnmatchcase(unicodedata.normalize("NFC", name), wanted) for name in (path, f"{channel}/{path}"))

"""The catalogue in PostgreSQL: it follows the library on disk, and records what was played."""

import datetime
import hashlib
import json
import os
import time
from typing import TYPE_CHECKING

import audio
import files

from airtime import database, library

if TYPE_CHECKING:
    from airtime.settings import Settings

# A file that has not changed for this long is complete.
QUIET_SECONDS = 5
PIECE_BYTES = 1 << 20

KNOWN = """
select coalesce(json_object_agg(filepath, json_build_array(filesize, extract(epoch from mtime))), '{}')
from cc_files where file_exists
"""

STORE = """
insert into cc_files (name, mime, filepath, filesize, md5, track_title, artist_name, album_title, genre, bit_rate,
                      sample_rate, length, mtime, import_status)
select row->>'name', row->>'mime', row->>'filepath', (row->>'filesize')::bigint, row->>'md5', row->>'title',
       row->>'artist', row->>'album', row->>'genre', (row->>'bit_rate')::numeric::int,
       (row->>'sample_rate')::numeric::int, make_interval(secs => (row->>'seconds')::float),
       to_timestamp((row->>'mtime')::float), (row->>'import_status')::int
from given, jsonb_array_elements(rows) as row
on conflict (filepath) do update set
    filesize = excluded.filesize, md5 = excluded.md5, track_title = excluded.track_title,
    artist_name = excluded.artist_name, album_title = excluded.album_title, genre = excluded.genre,
    bit_rate = excluded.bit_rate, sample_rate = excluded.sample_rate, length = excluded.length,
    mtime = excluded.mtime, import_status = excluded.import_status, file_exists = true
"""

REMOVE = """
update cc_files set file_exists = false
from given, jsonb_array_elements_text(rows) as path where filepath = path
"""

# What began later ends what began before on the same channel, at the latest after its own length.
PLAYED = """
create temporary table heard on commit drop as
select cc_files.id as file_id, split_part(filepath, '/', 1) as channel, length,
       to_timestamp((row->>'at')::float) as starts, coalesce(row->>'show', '') as show,
       to_timestamp(nullif((row->>'begun')::float, 0)) as begun
from given, jsonb_array_elements(rows) as row join cc_files on filepath = row->>'path';

insert into cc_show (name, description) select distinct show, channel from heard where show <> ''
on conflict do nothing;

insert into cc_show_instances (show_id, starts, ends, file_id)
select distinct on (cc_show.id, begun) cc_show.id, begun, heard.starts + length, file_id
from heard join cc_show on name = show and description = channel where begun is not null order by cc_show.id, begun
on conflict do nothing;

insert into cc_playout_history (file_id, starts, instance_id)
select file_id, heard.starts, (
    select cc_show_instances.id from cc_show_instances join cc_show on cc_show.id = show_id
    where name = show and cc_show.description = channel and cc_show_instances.starts <= heard.starts
    order by cc_show_instances.starts desc limit 1
) from heard on conflict do nothing;

update cc_files set lptime = greatest(lptime, heard.starts) from heard where id = heard.file_id;

update cc_playout_history h set ends = least(
    h.starts + f.length,
    (select min(n.starts) from cc_playout_history n join cc_files o on o.id = n.file_id
     where n.starts > h.starts and split_part(o.filepath, '/', 1) = split_part(f.filepath, '/', 1))
)
from cc_files f where f.id = h.file_id and h.starts > now() - interval '2 days' and h.ends is distinct from least(
    h.starts + f.length,
    (select min(n.starts) from cc_playout_history n join cc_files o on o.id = n.file_id
     where n.starts > h.starts and split_part(o.filepath, '/', 1) = split_part(f.filepath, '/', 1))
)
"""


def known() -> dict[str, tuple]:
    """Size and time of every file in the catalogue."""
    return {path: (size, mtime) for path, (size, mtime) in json.loads(database.run(KNOWN)).items()}


def on_disk(settings: "Settings") -> dict[str, tuple]:
    """Size and time of every show, by path from the library's root. Raises OSError where a library is missing."""
    found = {}
    for channel in settings.channels:
        for path, stat in library.shows(settings.library_of(channel)).items():
            found[f"{channel}/{path}"] = (stat.st_size, round(stat.st_mtime, 3))
    return found


def differs(one: tuple | None, other: tuple | None) -> bool:
    """Times go through a database that keeps microseconds."""
    return one is None or other is None or one[0] != other[0] or abs(one[1] - other[1]) > 0.01


def step(settings: "Settings", catalogue: dict, seen: dict, now: float) -> dict[str, tuple]:
    """Brings the catalogue up to date; returns what was seen. `seen` is the last step's, `catalogue` is changed."""
    found = on_disk(settings)
    changed = [
        path
        for path, is_now in found.items()
        if differs(is_now, catalogue.get(path)) and seen.get(path) == is_now and now - is_now[1] > QUIET_SECONDS
    ]
    for path in changed:
        row = describe(settings, path, found[path])
        if row is not None:
            database.run(STORE, [row])
            catalogue[path] = found[path]
            print(f"{path} is in the catalogue" + (", and is no audio" if row["import_status"] else ""), flush=True)
    gone = [path for path in catalogue if path not in found]
    if gone:
        database.run(REMOVE, gone)
        for path in gone:
            del catalogue[path]
            print(f"{path} has gone", flush=True)
    return found


def describe(settings: "Settings", path: str, stat: tuple) -> dict | None:
    """A file's row; None when it has just gone."""
    file = os.path.join(settings.library, path)
    try:
        with open(file, "rb") as content:
            digest = hashlib.md5(usedforsecurity=False)
            while piece := content.read(PIECE_BYTES):
                digest.update(piece)
    except FileNotFoundError:
        return None
    told = library.probe(file)
    tags = told["tags"] if told else {}
    return {
        "name": os.path.basename(path)[:255],
        "mime": audio.type_of(path),
        "filepath": path,
        "filesize": stat[0],
        "md5": digest.hexdigest(),
        **{name: tags.get(name) for name in ("title", "artist", "album", "genre")},
        "bit_rate": told and told["bit_rate"],
        "sample_rate": told and told["sample_rate"],
        "seconds": (told and told["seconds"]) or 0,
        "mtime": stat[1],
        "import_status": 0 if told else 2,
    }


def record_played(settings: "Settings") -> None:
    """Takes over what the playout left word of. A file of it is taken aside first, and read at the next call."""
    for name in sorted(os.listdir(settings.played)):
        path = os.path.join(settings.played, name)
        if name.endswith(".taken"):
            rows = [row for row in map(parse, (files.read_text(path) or "").splitlines()) if row is not None]
            if rows:
                database.run(PLAYED, rows)
            os.unlink(path)
    for name in sorted(os.listdir(settings.played)):
        if name.endswith(".jsonl"):
            os.rename(
                os.path.join(settings.played, name),
                os.path.join(settings.played, f"{name}.{time.time_ns()}.taken"),
            )


def parse(line: str) -> dict | None:
    """A line of the playout; one that a power cut tore is left out."""
    try:
        row = json.loads(line)
        datetime.datetime.fromtimestamp(row["at"], datetime.UTC)
        return row
    except (ValueError, KeyError, TypeError, OverflowError, OSError):
        return None

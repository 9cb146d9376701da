"""The database of shows, by PostgreSQL's own programs, started the way the settings say (as which user, where)."""

import contextlib
import hashlib
import json
import subprocess
from collections.abc import Iterable, Iterator
from typing import Any

from backup.settings import Failed

MAINTENANCE = "postgres"
SCRATCH = "aerial_drill"
COUNT_ROWS = """
select format('select json_build_array(%L, count(*)) from %I.%I',
    case when schemaname = 'public' then tablename else schemaname || '.' || tablename end, schemaname, tablename)
from pg_tables where schemaname not in ('pg_catalog', 'information_schema') order by schemaname, tablename \\gexec
"""
# Those of LibreTime, which our own playout shares. A show is known by the path of its file below the library's parent.
KNOWN_FILES = """
select json_build_object('path', filepath) from cc_files
where file_exists and not hidden and import_status = 0 order by filepath
"""


class Database:
    def __init__(self, given: dict) -> None:
        self.name = given["name"]
        self.command = given["command"]

    def start(self, *argv: str, **streams: Any) -> Any:
        # Not every user may enter the folder we were started in.
        return subprocess.Popen([*self.command, *argv], cwd="/", **streams)

    def psql(self, database: str) -> list[str]:
        return ["psql", "-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1", "-d", database]

    def query(self, sql: str, database: str | None = None, **variables: str) -> list[str]:
        """The lines that a query gives. Variables are for psql to quote: :'name' is a value, :"name" a name."""
        given = [part for name, value in variables.items() for part in ("-v", f"{name}={value}")]
        process = self.start(
            *(*self.psql(database or self.name), *given),
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True},
        )
        out, errors = process.communicate(sql)
        if process.returncode != 0:
            raise Failed(f"the database says: {errors.strip() or process.returncode}")
        return out.splitlines()

    def exists(self, name: str) -> bool:
        return self.query("select 1 from pg_database where datname = :'name';", MAINTENANCE, name=name) == ["1"]

    def rows(self, name: str | None = None) -> dict[str, int]:
        """Rows by table; :mod:`json` as psql gives it, a line a table."""
        return dict(json.loads(line) for line in self.query(COUNT_ROWS, name))

    def known_files(self) -> list[str]:
        return [json.loads(line)["path"] for line in self.query(KNOWN_FILES)]

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[tuple[str, dict[str, int]]]:
        """(id of a snapshot of the database, rows by table in it). A dump of the snapshot holds just those rows."""
        session = self.start(
            *self.psql(self.name),
            **{"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True},
        )
        try:
            session.stdin.write("begin isolation level repeatable read read only;\nselect pg_export_snapshot();\n")
            session.stdin.write(COUNT_ROWS + "\\echo done\n")
            session.stdin.flush()
            lines = []
            while (line := session.stdout.readline().rstrip("\n")) not in ("done", ""):
                lines.append(line)
            if line != "done":
                raise Failed(f"the database says: {session.stderr.read().strip() or 'nothing'}")
            yield lines[0], dict(json.loads(line) for line in lines[1:])
        except BrokenPipeError:
            raise Failed(f"the database says: {session.stderr.read().strip() or 'nothing'}") from None
        finally:
            with contextlib.suppress(BrokenPipeError):
                session.stdin.close()
            session.stdout.close()
            session.stderr.close()
            session.wait()

    def create(self, name: str, like: str) -> None:
        """A new, empty database, of the encoding and owner of another where that exists."""
        self.drop(name)
        told = self.query(
            """select json_build_array(pg_encoding_to_char(encoding), datcollate, datctype, pg_get_userbyid(datdba))
            from pg_database where datname = :'like';""",
            MAINTENANCE,
            like=like,
        )
        sql, given = "create database :\"name\" template template0 encoding 'UTF8' locale 'C.UTF-8';", {}
        if told:
            sql = """create database :"name" template template0 owner :"owner"
                encoding :'encoding' lc_collate :'collate' lc_ctype :'ctype';"""
            given = dict(zip(("encoding", "collate", "ctype", "owner"), json.loads(told[0]), strict=True))
        self.query(sql, MAINTENANCE, name=name, **given)

    def drop(self, name: str) -> None:
        self.query('drop database if exists :"name" with (force);', MAINTENANCE, name=name)

    def drop_scratch(self) -> list[str]:
        """Whatever drills have left, which only one that was killed has."""
        names = self.query(f"select datname from pg_database where datname like '{SCRATCH}\\_%';", MAINTENANCE)
        for name in names:
            self.drop(name)
        return names

    def replace(self, name: str, by: str) -> None:
        """Puts a database in another's place, which is dropped: clients come back to the new one."""
        old = f"{name}_replaced"
        self.drop(old)
        if self.exists(name):
            self.query(
                """alter database :"name" with allow_connections false;
                select pg_terminate_backend(pid) from pg_stat_activity where datname = :'name';
                alter database :"name" rename to :"old";""",
                MAINTENANCE,
                name=name,
                old=old,
            )
        self.query('alter database :"by" rename to :"name";', MAINTENANCE, name=name, by=by)
        self.drop(old)

    def fill(self, name: str, pieces: Iterable[bytes], *options: str) -> str:
        """Restores a dump, which comes in pieces, into an empty database. The dump's hash."""
        process = self.start(
            *("pg_restore", "--exit-on-error", *options, "-d", name),
            **{"stdin": subprocess.PIPE, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE},
        )
        digest = hashlib.sha256()
        try:
            with contextlib.suppress(BrokenPipeError):
                for piece in pieces:
                    digest.update(piece)
                    process.stdin.write(piece)
        except BaseException:
            process.kill()
            raise
        finally:
            with contextlib.suppress(BrokenPipeError):
                process.stdin.close()
            errors = process.stderr.read().decode("utf-8", "replace").strip()
            process.stderr.close()
            process.wait()
        if process.returncode != 0:
            raise Failed(f"pg_restore says: {errors or process.returncode}")
        return digest.hexdigest()

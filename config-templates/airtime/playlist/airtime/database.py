"""PostgreSQL by its own client, as the user this runs as. Values travel as one JSON text, never as SQL."""

import json
import secrets
import subprocess

NAME = "airtime"
PATIENCE_SECONDS = 60


class Failed(Exception):
    """The database does not answer, or refuses; the text says why."""


def run(sql: str, rows: list | None = None, database: str = NAME, prefix: tuple[str, ...] = ()) -> str:
    """Runs SQL in one transaction and returns what it prints. In it, `given.rows` stands for `rows`, as jsonb."""
    if rows is not None:
        tag = f"$j{secrets.token_hex(8)}$"
        given = f"{tag}{json.dumps(rows)}{tag}::jsonb"
        sql = f"create temporary table given on commit drop as select {given} as rows;\n{sql}"
    command = [*prefix, "psql", "-XAtq", "--no-password", "-v", "ON_ERROR_STOP=1", "--single-transaction"]
    try:
        result = subprocess.run(
            [*command, "-d", database, "-f", "-"],
            input=sql,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Failed(f"PostgreSQL did not answer within {PATIENCE_SECONDS} s") from None
    if result.returncode != 0:
        raise Failed((result.stderr.strip().splitlines() or ["psql failed without a word"])[0])
    return result.stdout


def prepare(schema: str) -> None:
    """Makes database and tables unless they are there."""
    if run(f"select 1 from pg_database where datname = '{NAME}'", database="postgres").strip() != "1":
        # No transaction can hold this one.
        made = subprocess.run(["createdb", "--encoding=UTF8", NAME], capture_output=True, text=True, check=False)
        if made.returncode != 0:
            raise Failed(made.stderr.strip())
    run(schema)

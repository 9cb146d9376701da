"""Brings the database and the configuration back from the archive's bucket."""

import contextlib
import hashlib
import os
import tarfile
from collections.abc import Iterator

from backup import archive
from backup.archive import decrypted
from backup.database import Database
from backup.settings import Failed, Settings
from backup.store import Store


def database_to_file(settings: Settings, store: Store, key: str, target: str) -> None:
    """The dump, decrypted and verified, as a file for `pg_restore`."""
    partial = f"{target}.part"
    given = store.get(settings.archive_bucket, key)
    digest = hashlib.sha256()
    try:
        with open(os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as file:
            with decrypted(store.pieces(given, key)) as pieces:
                for piece in pieces:
                    digest.update(piece)
                    file.write(piece)
            file.flush()
            os.fsync(file.fileno())
        verify(given, digest.hexdigest(), key)
        os.replace(partial, target)
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(partial)


def verify(given: dict, sha256: str, key: str) -> None:
    told = given["Metadata"].get("sha256")
    if sha256 != told:
        raise Failed(f"{key} is not what was put there: its sha256 is {sha256}, not {told}")


def refuse_full(settings: Settings, name: str, replace: bool) -> None:
    """Refuses a database with content, before hours are spent on the shows."""
    if settings.database is None:
        raise Failed("this machine has no database server in its settings: restore without --database")
    database = Database(settings.database)
    held = sum(database.rows(name).values()) if database.exists(name) else 0
    if held and not replace:
        raise Failed(
            f"the database {name} holds {held} rows: to put the dump in its place, add --replace; "
            "to look at the dump first, give another name"
        )


def database_to_server(settings: Settings, store: Store, key: str, name: str) -> dict[str, int]:
    """The dump into a database, which is there completely or as it was before. Rows of all tables."""
    database = Database(settings.database)
    given = store.get(settings.archive_bucket, key)
    restoring = f"{name}_restoring"
    database.create(restoring, like=name if database.exists(name) else database.name)
    try:
        with decrypted(store.pieces(given, key)) as pieces:
            sha256 = database.fill(restoring, pieces)
        verify(given, sha256, key)
        rows = database.rows(restoring)
        differences = archive.differing_rows(given["Metadata"], rows)
        if differences:
            raise Failed(f"{key} gave another database than was dumped: {'; '.join(differences)}")
        database.replace(name, by=restoring)
    except BaseException:
        database.drop(restoring)
        raise
    return rows


def configuration_to(settings: Settings, store: Store, key: str, folder: str) -> None:
    """The archive of the configuration, unpacked below a folder that only root may enter."""
    os.makedirs(folder, mode=0o700, exist_ok=True)
    given = store.get(settings.archive_bucket, key)
    with decrypted(store.pieces(given, key)) as pieces:
        reader = Reader(pieces)
        with tarfile.open(fileobj=reader, mode="r|") as tar:
            tar.extractall(folder, filter="tar")
        while reader.read(1 << 20):
            pass
    verify(given, reader.digest.hexdigest(), key)


class Reader:
    """Pieces as a file to read from, hashed on the way."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self.pieces = pieces
        self.held = b""
        self.digest = hashlib.sha256()

    def read(self, size: int) -> bytes:
        while len(self.held) < size:
            piece = next(self.pieces, None)
            if piece is None:
                break
            self.digest.update(piece)
            self.held += piece
        given, self.held = self.held[:size], self.held[size:]
        return given

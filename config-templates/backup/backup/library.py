"""The shows on this machine's disk: which there are, whether they are complete, playable, and what they hold."""

import dataclasses
import errno
import fcntl
import hashlib
import os
import signal
import stat
import subprocess
from typing import BinaryIO

import audio
from backup import naming
from backup.settings import Failed

# A file that has not changed for this long, and that nobody writes to, is complete.
QUIET_SECONDS = 10
PIECE_BYTES = 1 << 20
PROBE_SECONDS = 60
# A tenth of a second, as it is decoded below.
PLAYABLE_BYTES = 1600

# A lease that another process breaks is announced by this signal, which would end us.
signal.signal(signal.SIGIO, signal.SIG_IGN)


class Unfinished(Exception):
    """A file that is being written, or has just been changed."""


@dataclasses.dataclass(frozen=True)
class Show:
    channel: str
    # In its channel's library; printable, so not the file's name where that is no proper text.
    path: str
    file: str
    size: int
    mtime_ns: int
    unusable: str | None = None

    @property
    def id(self) -> tuple[str, str]:
        return self.channel, self.path

    @property
    def name(self) -> str:
        return f"{self.channel}/{self.path}"


def scan(libraries: list[tuple[str, str]]) -> list[Show]:
    """Every show of the libraries. Raises Failed when one cannot be read: an absent disk is no empty library."""
    shows: list[Show] = []
    for channel, root in libraries:
        pending = [""]
        while pending:
            folder = pending.pop()
            try:
                with os.scandir(os.path.join(root, folder)) as entries:
                    for entry in entries:
                        look(channel, os.path.join(folder, entry.name), entry, shows, pending)
            except FileNotFoundError as reason:
                if folder == "":
                    raise Failed(f"there is no library {root}: is its disk mounted?") from reason
            except OSError as reason:
                raise Failed(f"the library cannot be read: {reason}") from reason
    return shows


def look(channel: str, path: str, entry: os.DirEntry[str], shows: list[Show], pending: list[str]) -> None:
    if entry.name.startswith("."):
        return
    if entry.is_dir(follow_symlinks=False):
        pending.append(path)
        return
    if not audio.is_show(path):
        return
    try:
        found = entry.stat(follow_symlinks=False)
    except FileNotFoundError:
        return
    unusable = naming.why_unusable(channel, path)
    if not stat.S_ISREG(found.st_mode):
        unusable = "it is a link or a device, not a file: put the file itself there"
    shows.append(Show(channel, naming.printable(path), entry.path, found.st_size, found.st_mtime_ns, unusable))


def quiet_since(seen: tuple[int, int, float] | None, show: Show, now: float) -> float:
    """Since when a show has been as it is; `seen` is (size, mtime_ns, since) of the last look, or None."""
    if seen is None or (seen[0], seen[1]) != (show.size, show.mtime_ns) or seen[2] > now:
        return now
    return seen[2]


def opened(show: Show) -> BinaryIO:
    """The show's file, opened; raises Unfinished when it is not what was seen, or somebody has it open for writing."""
    try:
        handle = os.open(show.file, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except FileNotFoundError:
        raise Unfinished("it has gone") from None
    # Unbuffered: who probes the file moves our place in it.
    file = os.fdopen(handle, "rb", buffering=0)
    try:
        try:
            # Only granted while nobody has the file open for writing, in whichever container.
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_RDLCK)
            fcntl.fcntl(handle, fcntl.F_SETLEASE, fcntl.F_UNLCK)
        except OSError as reason:
            if reason.errno == errno.EAGAIN:
                raise Unfinished("it is being written") from None
            # File systems without leases are left to the other signs.
        unchanged(file, show)
        return file
    except BaseException:
        file.close()
        raise


def unchanged(file: BinaryIO, show: Show) -> None:
    now = os.fstat(file.fileno())
    if (now.st_size, now.st_mtime_ns) != (show.size, show.mtime_ns):
        raise Unfinished("it has just been changed")


def sha256_of(file: BinaryIO, from_disk: bool = False) -> str:
    """The hash of an open file; `from_disk` reads the disk, not what the kernel still remembers of it."""
    if from_disk:
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)
    file.seek(0)
    digest = hashlib.sha256()
    while piece := file.read(PIECE_BYTES):
        digest.update(piece)
    return digest.hexdigest()


def why_unplayable(file: BinaryIO) -> str | None:
    """Why an open file is no audio, or None. Read by a user without rights: anybody may have put the file there."""
    file.seek(0)
    try:
        result = subprocess.run(
            [
                *("ffmpeg", "-nostdin", "-v", "error", "-fd", "0", "-i", "fd:"),
                *("-t", "20", "-map", "0:a:0", "-f", "s16le", "-ac", "1", "-ar", "8000", "pipe:1"),
            ],
            stdin=file,
            capture_output=True,
            user="nobody",
            group="nogroup",
            extra_groups=[],
            timeout=PROBE_SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"it could not be decoded within {PROBE_SECONDS} s"
    # What plays with a click is kept all the same: a backup that is too strict is none.
    if len(result.stdout) >= PLAYABLE_BYTES:
        return None
    if result.returncode < 0:
        raise Failed(f"ffmpeg was ended by signal {-result.returncode}")
    said = result.stderr.decode("utf-8", "replace").strip().splitlines() or ["it holds no audio"]
    return f"it is not playable: {naming.printable(said[-1])[:200]}"

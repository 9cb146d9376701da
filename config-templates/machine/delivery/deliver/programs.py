"""Other programs, run to their end."""

import os
import subprocess
from collections.abc import Sequence
from typing import NamedTuple

from deliver.problem import Refused


class Done(NamedTuple):
    code: int
    said: str
    """All that it wrote. What is no UTF-8 in it is replaced: an error may quote anything."""


def run(command: Sequence[str], limit_seconds: float, name: str | None = None, **environment: str) -> Done:
    """Without input. @throws Refused when it is not done in time, or cannot be run; `name`: how it is called then."""
    name = name or " ".join(command)
    try:
        done = subprocess.run(
            command,
            env={**os.environ, **environment},
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            timeout=limit_seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise Refused(f"{name}: not done within {limit_seconds:.0f} s") from None
    except OSError as reason:
        raise Refused(f"{name}: {reason}") from None
    return Done(done.returncode, done.stdout.strip())

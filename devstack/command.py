"""Running a tool to its end, and finding programs."""

import re
import shutil
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from devstack.errors import DevstackError


def run(
    argv: Sequence[str | Path],
    *,
    doing: str,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    stdin: bytes = b"",
    user: int | None = None,
) -> str:
    """Run a tool and return what it printed; DevstackError with its last lines if it fails."""
    try:
        done = subprocess.run(
            argv,
            cwd=cwd,
            env=env,
            input=stdin,
            user=user,
            group=user,
            extra_groups=None if user is None else [],
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
        )
    except FileNotFoundError as error:
        raise DevstackError(f"{doing}: {argv[0]} is not there; install it") from error
    text = done.stdout.decode(errors="replace")
    if done.returncode:
        tail = "\n".join(text.strip().splitlines()[-15:])
        raise DevstackError(f"{doing}: {argv[0]} ended with {done.returncode}:\n{tail}")
    return text


def on_path(program: str, version: str) -> Path | None:
    """Return the program of PATH if its ``--version`` matches the regular expression."""
    found = shutil.which(program)
    if found is None:
        return None
    said = subprocess.run([found, "--version"], capture_output=True, text=True)
    return Path(found).resolve() if re.search(version, said.stdout) else None

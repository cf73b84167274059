"""The cache folder: what was downloaded or built once, safe for several processes at a time."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from devstack.progress import shown


def folder() -> Path:
    """Return the cache folder, created if missing.

    ``$DEVSTACK_CACHE``, else ``mysql-cdc-devstack`` under ``$XDG_CACHE_HOME`` or ``~/.cache``.
    """
    if chosen := os.environ.get("DEVSTACK_CACHE"):
        path = Path(chosen)
    else:
        base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
        path = Path(base) / "mysql-cdc-devstack"
    path.mkdir(parents=True, exist_ok=True)
    return path.resolve()


@contextmanager
def locked(name: str) -> Iterator[None]:
    """Hold the lock of that name against every other process of this cache."""
    locks = folder() / "locks"
    locks.mkdir(exist_ok=True)
    with (locks / name).open("w") as handle:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield


def built(name: str, what: str, build: Callable[[Path], None]) -> Path:
    """Return the cached folder ``name``; if missing, let ``build`` fill a new folder first.

    ``what`` is the progress line on standard error. The folder appears under its name only when
    complete, and one process builds while the others wait.
    """
    target = folder() / name
    if target.exists():
        return target
    with locked(name):
        if target.exists():
            return target
        for abandoned in folder().glob(f".{name}.*"):
            shutil.rmtree(abandoned, ignore_errors=True)
        scratch = Path(tempfile.mkdtemp(prefix=f".{name}.", dir=folder()))
        try:
            with shown(what):
                build(scratch)
            scratch.chmod(0o755)
            scratch.rename(target)
        except BaseException:
            shutil.rmtree(scratch, ignore_errors=True)
            raise
    return target

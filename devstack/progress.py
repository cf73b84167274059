"""Progress lines: what is being fetched or built, how big, and that it is done."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def shown(what: str) -> Iterator[None]:
    """Say on standard error what is going on, and at the end how long it took or that it failed."""
    began = time.monotonic()
    print(f"devstack: {what} ...", end="", file=sys.stderr, flush=True)
    try:
        yield
    except BaseException:
        print(" failed", file=sys.stderr, flush=True)
        raise
    print(f" done in {time.monotonic() - began:.0f} s", file=sys.stderr, flush=True)

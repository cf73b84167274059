"""``cdc mirror``: what is there, then every change, from one URL to another."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from pathlib import Path

from cdc.cli import messages
from cdc.cli.interrupt import Interrupt, interruptible
from cdc.cli.mirror_plan import mirror_plan, source_url
from cdc.cli.mirror_source import MirrorSource
from cdc.cli.mirroring import Mirror
from cdc.cli.progress import Display, display, say
from cdc.offset import Offset

_LOOK_SECONDS = 0.2


def mirror(
    source: str,
    target: str,
    tables: Sequence[str],
    *,
    state: Path,
    prefix: str,
    exclude: Sequence[str] = (),
    once: bool,
    only_print: bool,
) -> int:
    """0 when it has ended as wished, 1 when a part of it failed."""
    plan = mirror_plan(source, target, tables, state=state, prefix=prefix, exclude=exclude)
    if only_print:
        say(plan.files())
        return 0
    messages.show(logging.WARNING, "cdc: %(message)s")
    began = time.monotonic()
    origin = MirrorSource(plan.source)
    there = origin.check(source_url(source).database)
    if plan.sink is not None:
        origin.require_keys(there)
        origin.require_distinct(there)
    with interruptible() as interrupt, Mirror(plan, origin, there, interrupt) as running:
        say(f"Mirroring {len(there)} tables. Status: {running.url}/connectors?expand=status")
        with display() as shown:
            whole = follow(running, shown, interrupt, origin, once=once)
    if not whole:
        return 1
    status = running.status()
    done = status.read if status.written is None else status.written
    how = "Caught up" if once and not interrupt.asked else "Stopped"
    say(f"{how}: {done:,} records in {time.monotonic() - began:.1f} s. State: {state}")
    return 0


def follow(
    running: Mirror, shown: Display, interrupt: Interrupt, origin: MirrorSource, *, once: bool
) -> bool:
    """Show progress until asked to end or, ``once``, until all that was there at the start of
    streaming is mirrored. False if a part of the mirror failed."""
    end: Offset | None = None
    while not interrupt.asked:
        if running.failed():
            return False
        status = running.status()
        shown.show(status)
        if once and status.streaming:
            end = end or origin.position()
            if running.caught_up(end):
                return True
        time.sleep(_LOOK_SECONDS)
    return True

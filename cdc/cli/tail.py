"""``cdc tail``: a database's changes as lines of JSON, without a worker or any log."""

from __future__ import annotations

import logging
import os
import random
import select
import sys
import tempfile
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path

from cdc.cli import messages
from cdc.cli.interrupt import Interrupt, interruptible
from cdc.cli.mirror_plan import source_settings, source_url
from cdc.cli.mirror_source import MirrorSource
from cdc.connector import MySqlTask
from connect.connector import TaskContext
from connect.converters.json import JsonConverter
from connect.log import open_log
from connect.log.contract import Log
from connect.offsets import MemoryOffsets

_PREFIX = "tail"
_SERVER_IDS = range(2_000_000_000, 4_000_000_000)
"""Above those of mirrors; so many that no two tails meet."""


def tail(source: str, tables: Sequence[str], *, snapshot: bool) -> int:
    """Print until Ctrl-C, or until nobody reads any more."""
    messages.show(logging.WARNING, "cdc: %(message)s")
    url = source_url(source)
    settings = source_settings(url, tables, prefix=_PREFIX, server_id=random.choice(_SERVER_IDS))
    settings |= {
        "schema.history.internal": "io.debezium.relational.history.MemorySchemaHistory",
        "snapshot.mode": "initial" if snapshot else "no_data",
        # To look at what comes, nobody's writes need to be held up.
        "snapshot.locking.mode": "minimal" if snapshot else "none",
        "include.schema.changes": "false",
        "tombstones.on.delete": "false",
        "bigint.unsigned.handling.mode": "precise",
        "skipped.operations": "none",
        **url.options,
    }
    MirrorSource(settings).check(url.database)
    with (
        interruptible() as interrupt,
        tempfile.TemporaryDirectory(prefix="cdc-tail-") as folder,
        open_log({"log.file": str(Path(folder, "log"))}) as log,
    ):
        try:
            _print(settings, log, interrupt)
        except BrokenPipeError:
            # Python writes what is left in its buffer at exit, to where nobody reads.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def _print(settings: dict[str, str], log: Log, interrupt: Interrupt) -> None:
    converter = JsonConverter()
    # Without a schema beside it, a base64 decimal would say nothing.
    options = {"schemas.enable": "false", "decimal.format": "NUMERIC"}
    converter.configure(options | {"replace.null.with.default": "false"}, is_key=False)
    out = sys.stdout.buffer
    reader = select.poll()
    reader.register(out, 0)
    task = MySqlTask(TaskContext("tail", 0, MemoryOffsets(), log, _ignore))
    with ExitStack() as stack:
        stack.callback(task.stop)
        task.start(settings)
        while not interrupt.asked:
            for batch in task.poll():
                for line in converter.encode(batch.topic, batch.value_schema, batch.values):
                    if line is not None:
                        out.write(line + b"\n")
            out.flush()
            if reader.poll(0):  # an error, the only thing asked for: the other end is closed
                raise BrokenPipeError


def _ignore(name: str, value: float, **labels: str) -> None:
    """Nobody looks at the gauges."""

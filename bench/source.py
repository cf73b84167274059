"""What the measurements of the binlog source share: its settings, and where it begins."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path

from bench.measure import Result
from bench.program import OFFSETS, Program, Running
from bench.stand import Stand, empty_topic, end_of
from bench.workload import TABLE

HISTORY = "history"
PREFIX = "bench"
PRODUCER = {"producer.compression.type": "lz4"}


def topic(database: str) -> str:
    return f"{PREFIX}.{database}.{TABLE}"


def settings(stand: Stand, folder: Path, database: str, **more: str) -> dict[str, str]:
    """The connector's settings; ``more`` with ``_`` for ``.``."""
    return {
        "name": "source",
        "connector.class": "io.debezium.connector.mysql.MySqlConnector",
        "tasks.max": "1",
        "topic.prefix": PREFIX,
        "database.hostname": stand.mysql.host,
        "database.port": str(stand.mysql.port),
        "database.user": stand.mysql.user,
        "database.server.id": "4711",
        "table.include.list": f"{database}.{TABLE}",
        "include.schema.changes": "false",
        "schema.history.internal": "io.debezium.storage.file.history.FileSchemaHistory",
        "schema.history.internal.file.filename": str(folder / HISTORY),
        **{key.replace("_", "."): value for key, value in more.items()},
    }


def converters(schemas: bool) -> Mapping[str, str]:
    text = str(schemas).lower()
    return {"key.converter.schemas.enable": text, "value.converter.schemas.enable": text}


def worker(stand: Stand, *, schemas: bool) -> dict[str, str]:
    return {"bootstrap.servers": stand.kafka.url, **PRODUCER, **converters(schemas)}


def begun(stand: Stand, database: str) -> Path:
    """A folder with the offsets and history of a source that stands at the binlog's end now."""
    folder = stand.scratch(f"begin-{database}")
    connector = settings(stand, folder, database, snapshot_mode="no_data")
    with Running(stand.programs[0], folder, worker(stand, schemas=False), connector) as running:
        running.wait(lambda: any("snapshot" not in offset for offset in running.offsets()))
    return folder


def stream(
    stand: Stand,
    program: Program,
    begin: Path,
    database: str,
    work: str,
    events: int,
    *,
    schemas: bool,
) -> Result:
    """Read the backlog that was made since ``begin`` into an empty topic."""
    folder = stand.scratch(f"{work}-{program.name}".replace(" ", "-").replace(",", ""))
    for name in (OFFSETS, HISTORY):
        shutil.copy(begin / name, folder / name)
    connector = settings(stand, folder, database)
    empty_topic(stand.kafka, topic(database))
    with (
        end_of(stand.kafka, topic(database)) as end,
        Running(program, folder, worker(stand, schemas=schemas), connector) as running,
    ):
        return running.measure(work, end, events)

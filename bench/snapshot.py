"""The first snapshot of a table."""

from __future__ import annotations

from collections.abc import Iterator

from bench import workload
from bench.measure import Result
from bench.program import Running
from bench.source import settings, topic, worker
from bench.stand import Stand, empty_topic, end_of

DATABASE = "bench_snapshot"
WORK = "snapshot, JSON"


def measure(stand: Stand) -> Iterator[Result]:
    rows = stand.sizes.snapshot
    with workload.table(stand.mysql, DATABASE) as cursor:
        workload.insert(cursor, rows)
    for program in stand.programs:
        folder = stand.scratch(f"snapshot-{program.name}")
        connector = settings(stand, folder, DATABASE, snapshot_mode="initial")
        empty_topic(stand.kafka, topic(DATABASE))
        with (
            end_of(stand.kafka, topic(DATABASE)) as end,
            Running(program, folder, worker(stand, schemas=False), connector) as running,
        ):
            yield running.measure(WORK, end, rows)

"""Streaming rows that came by inserts of a thousand rows, as JSON without and with schemas."""

from __future__ import annotations

from collections.abc import Iterator

from bench import workload
from bench.measure import Result
from bench.source import begun, stream
from bench.stand import Stand

DATABASE = "bench_bulk"
WORK = {False: "bulk inserts, JSON", True: "bulk inserts, JSON with schemas"}


def measure(stand: Stand) -> Iterator[Result]:
    rows = stand.sizes.bulk
    with workload.table(stand.mysql, DATABASE) as cursor:
        begin = begun(stand, DATABASE)
        workload.insert(cursor, rows)
    for schemas, work in WORK.items():
        for program in stand.programs:
            yield stream(stand, program, begin, DATABASE, work, rows, schemas=schemas)

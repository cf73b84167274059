"""Streaming transactions that update one row each."""

from __future__ import annotations

from collections.abc import Iterator

from bench import workload
from bench.measure import Result
from bench.source import begun, stream
from bench.stand import Stand

DATABASE = "bench_transactions"
WORK = "single-row updates, JSON"
ROWS = 10_000


def measure(stand: Stand) -> Iterator[Result]:
    transactions = stand.sizes.transactions
    with workload.table(stand.mysql, DATABASE) as cursor:
        workload.insert(cursor, ROWS)
        begin = begun(stand, DATABASE)
        workload.update(cursor, transactions, ROWS)
    for program in stand.programs:
        yield stream(stand, program, begin, DATABASE, WORK, transactions, schemas=False)

"""The results as a table, as JSON and as the page docs/benchmarks.md."""

from __future__ import annotations

import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import orjson

from bench import workload
from bench.measure import Result
from bench.stand import Stand

PAGE = Path(__file__).parents[1] / "docs" / "benchmarks.md"
MEMORY_GOAL = 150.0
PACKAGES = ("confluent-kafka", "PyMySQL", "psycopg", "duckdb", "orjson")


_PAGE = """\
# Benchmarks

Written by `make bench` (`python -m bench`) on {date}; `--quick` takes about three minutes and
prints only.

## Method

- `cdc run` with a worker file and one connector file, as a user runs it, against servers of this
  machine: {servers}.
- The table has {columns} columns: BIGINT UNSIGNED key, two INT, three VARCHAR (one mostly NULL),
  DECIMAL(12,2), DATETIME(6), TIMESTAMP(3), TINYINT. The binlog has full row images.
- All that is to be read is there before the program starts. The source writes a topic of one
  partition, idempotent, `acks=all`, with `compression.type=lz4` and all other producer settings as
  they are by default. Sinks read the envelopes of such a topic and upsert by the record's key.
- *Rate* is of the second half of the events, by the topic's end offset or the rows in the target.
  *CPU* is user and system time of the task's process alone, from when the first events are seen to
  the last, per event between. *Memory* is the peak resident size of each of the two processes.
- *compiled* and *interpreted* are the two forms of the hot modules.

## Machine

{machine}

Servers, program and benchmark share these cores, so rates move with whatever else runs there. The
load average was {load_before:.1f} before and {load_after:.1f} after. CPU per event is the steadier
number.

## Results

{results}

## Where it is weaker than wanted

{weaker}

Not measured yet: Debezium in the same run, and so no ratios; latency, time to start, more tables
and columns, Avro.
"""


def as_json(results: Sequence[Result]) -> str:
    return orjson.dumps([asdict(result) for result in results], option=orjson.OPT_INDENT_2).decode()


def table(results: Sequence[Result]) -> str:
    """A Markdown table, one line a measurement."""
    heads = [
        "work", "program", "events", "rate (events/s)", "CPU (µs/event)", "worker (MB)", "task (MB)"
    ]  # fmt: skip
    lines = [
        [
            result.work, result.program, f"{result.events:,}", f"{result.rate:,.0f}",
            f"{result.cpu:.1f}", f"{result.worker_memory:.0f}", f"{result.task_memory:.0f}",
        ]
        for result in results
    ]  # fmt: skip
    return _markdown(heads, lines, left=2)


def page(stand: Stand, results: Sequence[Result], load_before: float) -> str:
    """The whole of docs/benchmarks.md."""
    servers = (stand.mysql.name, stand.kafka.name, stand.postgres.name)
    return _PAGE.format(
        date=f"{datetime.now(UTC):%Y-%m-%d}",
        servers=", ".join(servers),
        columns=workload.COLUMNS,
        machine=_machine(),
        load_before=load_before,
        load_after=os.getloadavg()[0],
        results=table(results),
        weaker="\n".join(f"- {line}" for line in _weaker(results)) or "Nowhere in this run.",
    )


def _machine() -> str:
    model = next(
        line.partition(":")[2].strip()
        for line in Path("/proc/cpuinfo").read_text().splitlines()
        if line.startswith("model name")
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1024**3
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    return (
        f"{os.cpu_count()} cores ({model}), {memory:.0f} GB, {platform.system()}. "
        f"Python {platform.python_version()}, mysql-cdc {version('mysql-cdc')}, {packages}."
    )


def _weaker(results: Sequence[Result]) -> list[str]:
    found = []
    most = max(results, key=lambda result: result.worker_memory + result.task_memory)
    memory = most.worker_memory + most.task_memory
    if memory > MEMORY_GOAL:
        found.append(
            f"Memory: worker and task take up to {memory:.0f} MB ({most.work}), wanted "
            f"{MEMORY_GOAL:.0f}."
        )
    return found


def _markdown(heads: Sequence[str], lines: Sequence[Sequence[str]], *, left: int) -> str:
    """Columns beyond the first ``left`` are numbers, aligned right."""
    widths = [max(map(len, column)) for column in zip(heads, *lines, strict=True)]

    def row(cells: Sequence[str]) -> str:
        padded = [
            cell.ljust(width) if place < left else cell.rjust(width)
            for place, (cell, width) in enumerate(zip(cells, widths, strict=True))
        ]
        return f"| {' | '.join(padded)} |"

    rule = [
        "-" * width if place < left else "-" * (width - 1) + ":"
        for place, width in enumerate(widths)
    ]
    return "\n".join(map(row, (heads, rule, *lines)))

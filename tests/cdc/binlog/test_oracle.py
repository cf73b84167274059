"""The same binlog read by python-mysql-replication, which decodes on its own."""

from __future__ import annotations

import datetime as dt
import random
from typing import Any

import pytest
from pymysqlreplication import BinLogStreamReader
from pymysqlreplication.row_event import DeleteRowsEvent, UpdateRowsEvent, WriteRowsEvent

from cdc.binlog.steps import BinlogPosition, Kind, RowsStep
from connect.logical import decimal_from_bytes, micros_from_datetime
from tests.cdc.binlog.source import Source

MICROSECOND = dt.timedelta(microseconds=1)
KINDS = {WriteRowsEvent: Kind.INSERT, UpdateRowsEvent: Kind.UPDATE, DeleteRowsEvent: Kind.DELETE}


def by_oracle(source: Source, start: BinlogPosition) -> list[tuple[Kind, Any, Any]]:
    end = source.position()
    reader = BinLogStreamReader(
        connection_settings={
            "host": source.endpoint.host, "port": source.endpoint.port, "user": "root",
        },
        server_id=20_000 + source.connection.thread_id(),
        log_file=start.file,
        log_pos=start.pos,
        resume_stream=True,
        only_events=list(KINDS),
    )  # fmt: skip
    found: list[tuple[Kind, Any, Any]] = []
    for event in reader:
        for row in event.rows:
            before = row.get("before_values", row.get("values"))
            after = row.get("after_values", row.get("values"))
            found.append((KINDS[type(event)], before, after))
    assert reader.log_file == end.file
    reader.close()
    return found


def shown(row: tuple[Any, ...]) -> tuple[Any, ...]:
    """Our values in the oracle's terms."""
    number, text, amount, at, on, lasts, flag, label = row
    return (
        number,
        text,
        None if amount is None else decimal_from_bytes(amount, 3),
        at,
        on,
        lasts,
        flag,
        label,
    )


def expected(values: dict[str, Any]) -> tuple[Any, ...]:
    number, text, amount, at, on, lasts, flag, label = values.values()
    return (
        number,
        text,
        amount,
        None if at is None else micros_from_datetime(at),
        None if on is None else (on - dt.date(1970, 1, 1)).days,
        None if lasts is None else lasts // dt.timedelta(microseconds=1),
        None if flag is None else flag == "1",
        label,
    )


@pytest.mark.filterwarnings("ignore:'db' is deprecated:DeprecationWarning")
@pytest.mark.timeout(120)
def test_random_statements(source: Source) -> None:
    source.execute("SET GLOBAL binlog_row_metadata = FULL")
    chance = random.Random(11)
    source.execute(
        "CREATE TABLE o (id INT PRIMARY KEY, t VARCHAR(300), a DECIMAL(23,3), d DATETIME(6), "
        "e DATE, l TIME(6), f BIT(1), g ENUM('x','y','z'))"
    )
    start = source.position()
    for _ in range(120):
        source.execute(
            "REPLACE INTO o VALUES (%s, %s, %s, %s, %s, %s, %s, %s)",
            chance.randrange(50),
            chance.choice([None, "", "é漢😀" * chance.randrange(1, 40)]),
            chance.choice([None, chance.randrange(-(10**22), 10**22) / 1000]),
            chance.choice([None, dt.datetime(2000, 1, 1) + chance.randrange(10**15) * MICROSECOND]),
            chance.choice([None, dt.date(1000, 1, 1) + dt.timedelta(chance.randrange(3_000_000))]),
            chance.choice([None, f"{chance.randrange(839)}:59:{chance.randrange(60)}.000001"]),
            chance.choice([None, 0, 1]),
            chance.choice([None, "x", "y", "z"]),
        )
        if chance.random() < 0.2:
            source.execute("UPDATE o SET t = CONCAT(t, 'x') WHERE id < %s", chance.randrange(50))
        if chance.random() < 0.1:
            source.execute("DELETE FROM o WHERE id > %s", chance.randrange(50))
    ours = [
        (step.kind, before, after)
        for step in source.steps(start, "o")
        if isinstance(step, RowsStep)
        for before, after in zip(step.before or step.after, step.after or step.before, strict=True)
    ]
    theirs = by_oracle(source, start)
    assert len(ours) == len(theirs) > 150
    for mine, other in zip(ours, theirs, strict=True):
        assert mine[0] is other[0]
        assert shown(mine[1]) == expected(other[1])
        assert shown(mine[2]) == expected(other[2])

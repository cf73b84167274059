"""Values that a column would bend are refused, in every database's words for its types."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from connect import logical
from connect.errors import DataError
from connect.schema import INT64, Schema, Type, struct
from sink.fitting import check
from sink.values import ColumnType, Kind
from tests.sink.conftest import Database, Start
from tests.sink.records import batch

DECIMAL = ColumnType(Kind.DECIMAL, 10, 3)
DOUBLE = ColumnType(Kind.FLOAT64)
MICROS = ColumnType(Kind.TIMESTAMP, scale=6)
TIME = ColumnType(Kind.TIME, scale=6)
NOON = dt.datetime(2024, 1, 2, 12)


@pytest.mark.parametrize(
    ("column", "target", "fits", "lost"),
    [
        (DECIMAL, "decimal(4,1)", Decimal("1.500"), Decimal("1.25")),
        (DECIMAL, "numeric(4)", Decimal("2.000"), Decimal("1.5")),
        (DECIMAL, "bigint unsigned", Decimal("2.000"), Decimal("1.5")),
        (DECIMAL, "integer", Decimal("-2"), Decimal("0.001")),
        (DECIMAL, "decimal(12,3)", Decimal("0.001"), None),
        (DECIMAL, "text", Decimal("0.001"), None),
        (DOUBLE, "int(11)", 3.0, 3.5),
        (DOUBLE, "double", 0.1, None),
        (DOUBLE, "interval", 0.1, None),
        (MICROS, "datetime", NOON, NOON.replace(microsecond=500_000)),
        (MICROS, "datetime(3)", NOON.replace(microsecond=1000), NOON.replace(microsecond=1)),
        (MICROS, "datetime(6)", NOON.replace(microsecond=1), None),
        (MICROS, "timestamp(0) without time zone", NOON, NOON.replace(microsecond=1)),
        (MICROS, "timestamp_ms", NOON, NOON.replace(microsecond=1)),
        (MICROS, "date", NOON.replace(hour=0), NOON),
        (TIME, "time", -1_000_000, 1),
        (TIME, "time(3)", 1_000, -1),
        (TIME, "text", 1, None),
    ],
)
def test_lost_digits_are_seen(column: ColumnType, target: str, fits: Any, lost: Any) -> None:
    made = check(column, target, default_digits=0)
    if lost is None:
        assert made is None
        return
    assert made is not None
    assert made(fits) == fits
    with pytest.raises(ValueError, match="holds"):
        made(lost)


@pytest.mark.parametrize("database", ["mysql", "mariadb", "postgres", "duckdb"], indirect=True)
def test_no_database_rounds(database: Database, start: Start) -> None:
    timestamp = "DATETIME" if database.kind in ("mysql", "mariadb") else "TIMESTAMP(0)"
    if database.kind == "duckdb":
        timestamp = "TIMESTAMP_S"
    database.run(
        f"CREATE TABLE t (id BIGINT PRIMARY KEY, d DECIMAL(6,1), n INT, ts {timestamp}, day DATE)"
    )
    micros = Schema(Type.INT64, optional=True, name="io.debezium.time.MicroTimestamp")
    number = logical.decimal_schema(2, 6, optional=True)
    fields = [("d", number), ("n", number), ("ts", micros), ("day", micros)]
    row = struct("row", [("id", INT64), *fields])
    task = start(insert__mode="upsert", pk__mode="record_key")
    whole = (logical.unscaled_bytes(150), logical.unscaled_bytes(300), 5_000_000, 86_400_000_000)
    task.put([batch(row, [((1,), (1, *whole))])])
    lossy = (logical.unscaled_bytes(151), logical.unscaled_bytes(301), 5_000_001, 86_400_000_001)
    for place, value in enumerate(lossy):
        values = list(whole)
        values[place] = value
        with pytest.raises(DataError, match=rf"t-0@1 cannot be .* column {fields[place][0]} "):
            task.put([batch(row, [((1,), (1, *values))], offset=1)])
    assert database.run("SELECT d, n, ts, day FROM t") == [
        (Decimal("1.5"), 3, dt.datetime(1970, 1, 1, 0, 0, 5), dt.date(1970, 1, 2))
    ]

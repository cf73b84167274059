"""Tables that people made themselves, with types and columns of their database's own."""

from __future__ import annotations

import datetime as dt
import json
import uuid
from typing import Any

import pytest

from connect.errors import DataError, TargetError
from connect.schema import INT64, Schema, Type, struct
from tests.sink.conftest import Database, Start
from tests.sink.records import batch

MIRROR = {"insert__mode": "upsert", "pk__mode": "record_key", "delete__enabled": True}
TIME = Schema(Type.INT64, optional=True, name="io.debezium.time.MicroTime")
ZONED = Schema(Type.STRING, optional=True, name="io.debezium.time.ZonedTimestamp")
JSON = Schema(Type.STRING, optional=True, name="io.debezium.data.Json")
TEXT = Schema(Type.STRING, optional=True)
BOOLEAN = Schema(Type.BOOLEAN, optional=True)


def put(start: Start, fields: list[tuple[str, Schema]], *rows: tuple[Any, ...]) -> None:
    schema = struct("row", [("id", INT64), *fields])
    start(**MIRROR).put([batch(schema, [((row[0],), row) for row in rows])])


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_postgresql_reads_text_into_its_own_types(database: Database, start: Start) -> None:
    database.run("CREATE TYPE mood AS ENUM ('sad', 'happy')")
    database.run(
        "CREATE TABLE t (id BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY, j JSONB, u UUID, "
        "m mood, i INET, tm TIME, z TIMESTAMP, f SMALLINT, twice INT GENERATED ALWAYS AS (f * 2) "
        "STORED)"
    )
    unique = str(uuid.uuid4())
    put(
        start,
        [("j", JSON), ("u", TEXT), ("m", TEXT), ("i", TEXT), ("tm", TIME), ("z", ZONED),
         ("f", BOOLEAN), ("twice", Schema(Type.INT32, optional=True))],
        (0, '{"a": [1.10]}', unique, "happy", "10.0.0.1", 3_600_000_001,
         "2024-01-02T03:04:05Z", True, 99),
    )  # fmt: skip
    [row] = database.run("SELECT id, j::text, u::text, m::text, host(i), tm, z, f, twice FROM t")
    assert row == (
        0, '{"a": [1.10]}', unique, "happy", "10.0.0.1", dt.time(1, 0, 0, 1),
        dt.datetime(2024, 1, 2, 3, 4, 5), 1, 2,
    )  # fmt: skip
    with pytest.raises(DataError, match=r"t-0@0: PostgreSQL cannot hold it.*mood"):
        put(start, [("m", TEXT)], (1, "angry"))


@pytest.mark.parametrize("database", ["postgres"], indirect=True)
def test_a_column_widened_meanwhile_is_used(database: Database, start: Start) -> None:
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, v VARCHAR(3))")
    task = start(**MIRROR)
    row = struct("row", [("id", INT64), ("v", TEXT)])
    task.put([batch(row, [((1,), (1, "abc"))])])
    database.run("ALTER TABLE t ALTER v TYPE VARCHAR(10)")
    task.put([batch(row, [((1,), (1, "abcdef"))], offset=1)])
    assert database.run("SELECT v FROM t") == [("abcdef",)]


@pytest.mark.parametrize("database", ["mysql", "mariadb"], indirect=True)
def test_mysql_keeps_zero_keys_instants_and_generated_columns(
    database: Database, start: Start
) -> None:
    database.run(
        "CREATE TABLE t (id BIGINT AUTO_INCREMENT PRIMARY KEY, z TIMESTAMP(6) NULL, "
        "e ENUM('a','b'), s SET('x','y'), tm TIME(3), j JSON, n INT, "
        "twice INT GENERATED ALWAYS AS (n * 2) STORED, v VARCHAR(3) CHARACTER SET latin1)"
    )
    whole = Schema(Type.INT32, optional=True)
    put(
        start,
        [("z", ZONED), ("e", TEXT), ("s", TEXT), ("tm", TIME), ("j", JSON), ("n", whole),
         ("twice", whole), ("v", TEXT)],
        (0, "2024-01-02T03:04:05.000006Z", "b", "x,y", -3_600_500_000, '{"a": "\\\\"}', 4, 99, "ä"),
    )  # fmt: skip
    [row] = database.run("SELECT id, z, e, s, tm, j, n, twice, v FROM t")
    assert row[:5] == (
        0, dt.datetime(2024, 1, 2, 3, 4, 5, 6), "b", "x,y", -dt.timedelta(hours=1, milliseconds=500)
    )  # fmt: skip
    assert json.loads(row[5]) == {"a": "\\"}
    assert row[6:] == (4, 8, "ä")
    for field, value in (("e", "c"), ("v", "long"), ("v", "€漢"), ("j", "{")):
        schema = JSON if field == "j" else TEXT
        with pytest.raises(DataError, match=rf"t-0@0: M.* cannot hold it.*'?{field}"):
            put(start, [(field, schema)], (1, value))
    assert database.run("SELECT COUNT(*) FROM t") == [(1,)]


@pytest.mark.parametrize("database", ["mysql"], indirect=True)
def test_mysql_vectors(database: Database, start: Start) -> None:
    database.run("CREATE TABLE t (id BIGINT PRIMARY KEY, v VECTOR(3))")
    vector = Schema(
        Type.ARRAY,
        optional=True,
        name="io.debezium.data.FloatVector",
        element=Schema(Type.FLOAT32),
    )
    put(start, [("v", vector)], (1, [1.5, -2.0, 0.25]))
    [(text,)] = database.run("SELECT VECTOR_TO_STRING(v) FROM t")
    assert json.loads(text) == [1.5, -2.0, 0.25]


def test_views_are_written_to_but_not_altered(database: Database, start: Start) -> None:
    if database.kind in ("sqlite", "duckdb"):
        wanted = "lacks extra, and views are not altered"
    else:
        wanted = "View t in .* lacks extra, and views are not altered"
    database.run("CREATE TABLE base (id BIGINT PRIMARY KEY, n BIGINT)")
    database.run(f"CREATE VIEW {database.quoted('t')} AS SELECT id, n FROM base")
    task = start(**MIRROR, auto__evolve=True)
    row = struct("row", [("id", INT64), ("extra", Schema(Type.INT64, optional=True))])
    with pytest.raises(TargetError, match=wanted):
        task.put([batch(row, [((1,), (1, 2))])])


def test_a_required_column_that_nobody_fills(database: Database, start: Start) -> None:
    table = database.quoted("t")
    database.run(f"CREATE TABLE {table} (id BIGINT PRIMARY KEY, other INT NOT NULL)")
    with pytest.raises(DataError, match=r"t-0@0: .* cannot hold it"):
        put(start, [], (1,))
    assert database.run(f"SELECT COUNT(*) FROM {table}") == [(0,)]


@pytest.mark.parametrize("database", ["mysql", "mariadb", "postgres", "duckdb"], indirect=True)
def test_schemas_in_table_names(database: Database, start: Start) -> None:
    if database.kind in ("mysql", "mariadb"):
        database.run("CREATE DATABASE IF NOT EXISTS other")
        database.run("DROP TABLE IF EXISTS other.t")
    settings = {**MIRROR, "auto__create": True, "table__name__format": "other.${topic}"}
    row = struct("row", [("id", INT64)])
    start(**settings).put([batch(row, [((1,), (1,))])])
    start(**settings).put([batch(row, [((1,), (1,))])])
    assert database.run("SELECT id FROM other.t") == [(1,)]

"""The comparison finds what differs, and nothing where nothing does."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing

import duckdb
import pytest

from cdc.cli.compare import MOST_SHOWN, TableComparison, compare
from cdc.connection import Connection, Endpoint
from connect.errors import DataError
from devstack import Server

DATABASE = "compared"
SOURCE = """
CREATE TABLE things (
    id INT NOT NULL, part VARCHAR(10) NOT NULL, price DECIMAL(20, 3), weight FLOAT, ratio DOUBLE,
    day DATE, at DATETIME(6), seen TIMESTAMP(6) NULL, span TIME(6), kind ENUM('a', 'b'),
    flags BIT(9), yes BIT(1), photo BLOB, doc JSON, born YEAR, text_ TEXT,
    PRIMARY KEY (part, id)
)
"""
TARGET = """
CREATE TABLE things (
    id INT, part VARCHAR, price DECIMAL(20, 3), weight FLOAT, ratio DOUBLE, day DATE,
    "at" TIMESTAMP, seen TIMESTAMPTZ, span INTERVAL, kind VARCHAR, flags BIT, yes BOOLEAN,
    photo BLOB, doc JSON, born INT, text_ VARCHAR, PRIMARY KEY (part, id)
)
"""
ROWS = [
    "(1, 'b', 12.345, 0.1, 1e100, '2024-02-29', '2024-01-01 00:00:00.000001', "
    "'2024-06-01 12:00:00.5', '-30:00:00.25', 'a', b'101', b'1', x'00ff', "
    """'{"a": [1, 2.5, null]}', 1999, 'ä')""",
    "(2, 'B', NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL, NULL)",
    "(3, 'é', 0, -3.4e38, -0.0, '1000-01-01', '9999-12-31 23:59:59.999999', "
    "'1970-01-01 00:00:01', '838:59:59', 'b', b'111111111', b'0', x'', '[]', 2155, '')",
]
MIRRORED = [
    "(1, 'b', 12.345, 0.1, 1e100, '2024-02-29', '2024-01-01 00:00:00.000001', "
    "'2024-06-01 12:00:00.5+00', '-30:00:00.25', 'a', '000000101', true, '\\x00\\xff', "
    """'{"a":[1,2.5,null]}', 1999, 'ä')""",
    ROWS[1],
    "(3, 'é', 0, -3.4e38, -0.0, '1000-01-01', '9999-12-31 23:59:59.999999', "
    "'1970-01-01 00:00:01+00', '838:59:59', 'b', '111111111', false, '', '[]', 2155, '')",
]


@pytest.fixture
def source(mysql: Server) -> Iterator[Connection]:
    endpoint = Endpoint(host=mysql.host, port=mysql.port, user=mysql.user)
    with closing(endpoint.connect()) as connection, connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE IF EXISTS {DATABASE}")
        cursor.execute(f"CREATE DATABASE {DATABASE}")
        connection.select_db(DATABASE)
        cursor.execute(SOURCE)
        for row in ROWS:
            cursor.execute(f"INSERT INTO things VALUES {row}")
        yield connection
        cursor.execute(f"DROP DATABASE {DATABASE}")


@pytest.fixture
def target() -> Iterator[duckdb.DuckDBPyConnection]:
    with duckdb.connect(":memory:") as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        connection.execute(TARGET)
        for row in MIRRORED:
            connection.execute(f"INSERT INTO things VALUES {row}")
        yield connection


def only(source: Connection, target: duckdb.DuckDBPyConnection) -> TableComparison:
    (found,) = compare(source, DATABASE, target)
    return found


def test_equal(source: Connection, target: duckdb.DuckDBPyConnection) -> None:
    found = only(source, target)
    assert found.equal, found.differences
    assert found.rows == 3


@pytest.mark.parametrize(
    "change",
    [
        "price = 12.346", "weight = 0.10000001", "ratio = 1.0000000000000002e100",
        "day = '2024-03-01'", "\"at\" = '2024-01-01 00:00:00.000002'",
        "seen = '2024-06-01 12:00:00.500001+00'", "span = '-30:00:00.250001'", "kind = 'b'",
        "flags = '000000100'", "yes = false", "photo = '\\x00'", "doc = '{\"a\":[1,2.5]}'",
        "born = 2000", "text_ = 'a'", "text_ = NULL",
    ],
)  # fmt: skip
def test_one_cell(source: Connection, target: duckdb.DuckDBPyConnection, change: str) -> None:
    target.execute(f"UPDATE things SET {change} WHERE id = 1")
    found = only(source, target)
    assert not found.equal
    assert found.different == 1
    assert found.differences[0].key == ("b", 1)
    column = change.partition(" = ")[0].strip('"')
    assert found.differences[0].what.startswith(f"{column} is ")


def test_missing_and_surplus_rows(source: Connection, target: duckdb.DuckDBPyConnection) -> None:
    target.execute("DELETE FROM things WHERE id = 2")
    target.execute("INSERT INTO things (id, part) SELECT i, 'z' FROM range(100) t(i)")
    found = only(source, target)
    assert found.rows == 3
    assert found.different == 101
    assert len(found.differences) == MOST_SHOWN
    assert found.differences[0] == (("B", 2), "is missing in the target")
    assert found.differences[1] == (("z", 0), "is in the target only")


def test_column_that_is_not_there(source: Connection, target: duckdb.DuckDBPyConnection) -> None:
    target.execute("ALTER TABLE things DROP COLUMN born")
    found = only(source, target)
    assert not found.equal
    assert found.missing_columns == ["born"]


def test_a_missing_table_is_an_empty_one(
    source: Connection, target: duckdb.DuckDBPyConnection
) -> None:
    target.execute("DROP TABLE things")
    assert only(source, target).different == 3
    with source.cursor() as cursor:
        cursor.execute("DELETE FROM things")
    assert only(source, target).equal


def test_no_key_no_comparison(source: Connection, target: duckdb.DuckDBPyConnection) -> None:
    with source.cursor() as cursor:
        cursor.execute("CREATE TABLE log (line TEXT)")
    with pytest.raises(DataError, match="log has no primary key"):
        list(compare(source, DATABASE, target))

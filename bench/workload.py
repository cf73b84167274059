"""What is measured: a table of ten columns of usual types, filled and changed by the server itself.

The rows are made by INSERT ... SELECT, so that preparing a million takes seconds. What the binlog
holds is the same as of INSERT ... VALUES with as many rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing, contextmanager

import pymysql
from pymysql.cursors import Cursor

import devstack

TABLE = "items"
COLUMNS = 10
ROWS_PER_INSERT = 1000
NUMBERS = "numbers"

_CREATE = f"""
CREATE TABLE {TABLE} (
    id BIGINT UNSIGNED PRIMARY KEY,
    customer INT NOT NULL,
    quantity INT NOT NULL,
    name VARCHAR(100) NOT NULL,
    email VARCHAR(100) NOT NULL,
    note VARCHAR(200),
    price DECIMAL(12, 2) NOT NULL,
    ordered DATETIME(6) NOT NULL,
    changed TIMESTAMP(3) NOT NULL,
    state TINYINT NOT NULL
)"""
_NUMBERS = f"""
CREATE TABLE {NUMBERS} (n INT PRIMARY KEY)
SELECT a.n * 100 + b.n * 10 + c.n + 1 AS n FROM
    (VALUES ROW(0),ROW(1),ROW(2),ROW(3),ROW(4),ROW(5),ROW(6),ROW(7),ROW(8),ROW(9)) AS a(n),
    (VALUES ROW(0),ROW(1),ROW(2),ROW(3),ROW(4),ROW(5),ROW(6),ROW(7),ROW(8),ROW(9)) AS b(n),
    (VALUES ROW(0),ROW(1),ROW(2),ROW(3),ROW(4),ROW(5),ROW(6),ROW(7),ROW(8),ROW(9)) AS c(n)"""
_INSERT = f"""
INSERT INTO {TABLE} SELECT
    %(before)s + n, n * 7, n %% 50, CONCAT('Customer number ', n),
    CONCAT('someone.', %(before)s + n, '@example.com'),
    IF(n %% 3, NULL, CONCAT('a note on ', n, ' that says somewhat more')),
    n * 1.25, '2026-01-02 03:04:05.678901' + INTERVAL n SECOND,
    '2026-02-03 04:05:06.789' + INTERVAL n SECOND, n %% 5
FROM {NUMBERS} WHERE n <= %(count)s ORDER BY n"""
_UPDATES = f"""
CREATE PROCEDURE updates(count INT, modulus INT)
BEGIN
    DECLARE done INT DEFAULT 0;
    WHILE done < count DO
        UPDATE {TABLE} SET quantity = quantity + 1, changed = changed + INTERVAL 1 SECOND
        WHERE id = 1 + done % modulus;
        SET done = done + 1;
    END WHILE;
END"""


@contextmanager
def table(server: devstack.Server, database: str) -> Iterator[Cursor]:
    """Create the empty table in a database of its own; a cursor there, each statement committed."""
    connection = pymysql.connect(
        host=server.host, port=server.port, user=server.user, autocommit=True
    )
    with closing(connection), connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {database}")
        cursor.execute(f"USE {database}")
        for statement in (_CREATE, _NUMBERS, _UPDATES):
            cursor.execute(statement)
        yield cursor


def insert(cursor: Cursor, rows: int) -> None:
    """Rows 1 to ``rows``, a thousand in each statement and transaction."""
    for before in range(0, rows, ROWS_PER_INSERT):
        count = min(ROWS_PER_INSERT, rows - before)
        cursor.execute(_INSERT, {"before": before, "count": count})


def update(cursor: Cursor, transactions: int, rows: int) -> None:
    """As many transactions that update one row each, going round the table's ``rows`` rows."""
    cursor.execute("CALL updates(%s, %s)", (transactions, rows))

"""The Databend user: a MySQL table polled into a warehouse, all from three .properties files.

DuckDB stands in Databend's place: in the sink's file class and URL are changed, and without
``connection.database``, which is Databend's alone. Its ``default`` is a schema of the file. One
process at a time may open a DuckDB file, so he looks into it while the worker is stopped.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import duckdb
import pymysql
import pytest

import devstack
from tests.scenarios.worker import Worker

SINK = """\
name=databend
connector.class=io.confluent.connect.jdbc.JdbcSinkConnector

connection.url=jdbc:duckdb:{target}
connection.attempts=5
connection.backoff.ms=10000

table.name.format=default.${{topic}}
max.retries=10
batch.size=1
auto.create=true
auto.evolve=true
insert.mode=upsert
pk.mode=record_value
pk.fields=id
topics=test_kafka
errors.tolerance=all
"""
SOURCE = """\
name=test-source
connector.class=io.confluent.connect.jdbc.JdbcSourceConnector
tasks.max=1
connection.url=jdbc:mysql://localhost:{port}/mydb?useSSL=false
connection.user=databend
connection.password=secret
{mode}
table.whitelist=mydb.test_kafka
poll.interval.ms=1000
table.poll.interval.ms=3000
topics=test_kafka
"""
BY_ID = """\
mode=incrementing
incrementing.column.name=id"""
BY_TIME_TOO = """\
mode=timestamp+incrementing
timestamp.column.name=tms
incrementing.column.name=id"""
ROWS = 'SELECT * FROM "default".test_kafka ORDER BY id'


def found(target: Path, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(target)) as connection:
        return connection.execute(query).fetchall()


def written(worker: Worker) -> int:
    """How many records the sink is done with, as REST shows it."""
    offsets = worker.get("/connectors/databend/offsets")["offsets"]
    return sum(entry["offset"]["kafka_offset"] for entry in offsets)


@pytest.mark.timeout(300)
def test_the_walk(mysql: devstack.Server, kafka: devstack.Server, tmp_path: Path) -> None:
    target = tmp_path / "warehouse.duckdb"
    with duckdb.connect(str(target)) as connection:
        connection.execute('CREATE SCHEMA "default"')
    source, sink = tmp_path / "source.properties", tmp_path / "sink.properties"
    source.write_text(SOURCE.format(port=mysql.port, mode=BY_ID))
    sink.write_text(SINK.format(target=target))
    worker = Worker(tmp_path, {"bootstrap.servers": kafka.url})
    worker.files = [sink, source]

    database = pymysql.connect(host=mysql.host, port=mysql.port, user=mysql.user, autocommit=True)
    with database, database.cursor() as cursor:
        cursor.execute("CREATE DATABASE mydb")
        cursor.execute("CREATE USER databend IDENTIFIED BY 'secret'")
        cursor.execute("GRANT SELECT ON mydb.* TO databend")
        cursor.execute(
            "CREATE TABLE mydb.test_kafka (id INT AUTO_INCREMENT PRIMARY KEY, "
            "name VARCHAR(50), price DECIMAL(10, 2))"
        )

        # An empty table: everything runs, and nothing comes of it. The stray key is a warning.
        with worker:
            worker.running()
            time.sleep(3)
            assert written(worker) == 0
            assert set(worker.states().values()) == {"RUNNING"}
            assert worker.stop() == 0
        assert (
            "WARNING test-source: The connector has no key topics; it has no effect."
            in worker.output
        )
        assert found(target, "SELECT table_name FROM information_schema.tables") == []

        # Rows: the table is created in the target and filled, while rows keep coming.
        with worker:
            cursor.execute("INSERT INTO mydb.test_kafka (name, price) VALUES ('a', 1.50), ('b', 2)")
            worker.until(lambda: written(worker) == 2, 60, "two rows")
            cursor.execute("INSERT INTO mydb.test_kafka (name) VALUES (NULL)")
            worker.until(lambda: written(worker) == 3, 60, "one more")
            assert worker.stop() == 0
        cursor.execute("SELECT * FROM mydb.test_kafka")
        assert found(target, ROWS) == list(cursor.fetchall())

        # By time and id: the added column appears, and changed rows arrive too.
        source.write_text(SOURCE.format(port=mysql.port, mode=BY_TIME_TOO))
        cursor.execute(
            "ALTER TABLE mydb.test_kafka ADD COLUMN tms TIMESTAMP NOT NULL "
            "DEFAULT CURRENT_TIMESTAMP ON UPDATE CURRENT_TIMESTAMP"
        )
        cursor.execute("INSERT INTO mydb.test_kafka (name, price) VALUES ('d', 4)")
        with worker:
            worker.until(lambda: written(worker) == 7, 60, "the four rows by their time")
            cursor.execute("UPDATE mydb.test_kafka SET price = 9.99 WHERE id = 1")
            worker.until(lambda: written(worker) == 8, 60, "the update")
            assert worker.stop() == 0
        cursor.execute("SET time_zone = '+00:00'")
        cursor.execute("SELECT * FROM mydb.test_kafka")
        assert found(target, ROWS) == list(cursor.fetchall())

"""The Debezium user's second half: the topics of MySQL go on to PostgreSQL through the sink."""

from __future__ import annotations

import json
from pathlib import Path

import psycopg
import pytest

import devstack
from tests.scenarios.tutorial import CUSTOMERS, ORDERS, Sql, source
from tests.scenarios.worker import Worker


@pytest.mark.timeout(240)
def test_on_to_postgresql(
    server: devstack.Server,
    kafka: devstack.Server,
    postgres: devstack.Server,
    sql: Sql,
    tmp_path: Path,
) -> None:
    """The classic second half: topics named as the tables, rows unwrapped, deletes included."""
    sql("CREATE DATABASE inventory")
    sql(CUSTOMERS.format("inventory"))
    sql(ORDERS.format("inventory"))
    sql("INSERT INTO inventory.customers VALUES (1, 'Ada', 'new', 1.50, '1815-12-10')")
    sql("INSERT INTO inventory.customers VALUES (2, 'Bo', 'old', NULL, NULL)")
    sql("INSERT INTO inventory.orders VALUES (1, 7, 'x', '2024-02-29 12:00:00.123', 'gift,urgent')")
    with psycopg.connect(postgres.url, autocommit=True) as admin:
        admin.execute("CREATE DATABASE inventory")
    url = postgres.url.rpartition("/")[0] + "/inventory"

    worker = Worker(tmp_path, {"bootstrap.servers": kafka.url})
    route = {
        "transforms": "route",
        "transforms.route.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.route.regex": r"([^.]+)\.([^.]+)\.([^.]+)",
        "transforms.route.replacement": "$3",
    }
    worker.connector(source(server, kafka, "inventory") | route)
    sink = {
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "tasks.max": "1",
        "topics": "customers,orders",
        "connection.url": f"jdbc:postgresql://{postgres.host}:{postgres.port}/inventory",
        "connection.user": postgres.user,
        "transforms": "unwrap",
        "transforms.unwrap.type": "io.debezium.transforms.ExtractNewRecordState",
        "auto.create": "true",
        "auto.evolve": "true",
        "insert.mode": "upsert",
        "delete.enabled": "true",
        "pk.mode": "record_key",
    }
    file = tmp_path / "jdbc-sink.json"
    file.write_text(json.dumps({"name": "jdbc-sink", "config": sink}))
    worker.files.append(file)

    def equal(*queries: tuple[str, str]) -> bool:
        """Whether queries in MySQL find what the second of each pair finds in PostgreSQL."""
        with psycopg.connect(url) as target:
            try:
                return all(sql(one) == target.execute(other).fetchall() for one, other in queries)
            except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn):
                return False

    orders = "SELECT customer, number, note, placed, flags FROM {}orders ORDER BY number"
    both = orders.format("inventory."), orders.format("")
    customers = "SELECT {} FROM {}customers ORDER BY id"
    shape = "id, name, kind, balance, born"

    def same() -> bool:
        return equal(both, (customers.format(shape, "inventory."), customers.format(shape, "")))

    with worker:
        worker.until(same, 90, "the snapshot is in PostgreSQL")
        sql("INSERT INTO inventory.customers VALUES (3, 'Cy', 'new', 12345678.90, '2024-02-29')")
        sql("UPDATE inventory.customers SET balance = -0.01, name = 'Ädä' WHERE id = 1")
        sql("UPDATE inventory.orders SET number = 8, flags = '' WHERE number = 7")
        sql("DELETE FROM inventory.customers WHERE id = 2")
        worker.until(same, 60, "changes, a changed key and a delete")
        sql("ALTER TABLE inventory.customers ADD COLUMN mail VARCHAR(80), ADD visits INT NOT NULL")
        sql("INSERT INTO inventory.customers VALUES (4, 'Dee', 'old', 0, NULL, 'd@example.com', 5)")
        shape += ", mail"
        worker.until(same, 60, "the new column")
        worker.kill()
        sql("DELETE FROM inventory.customers WHERE id IN (1, 3)")
        worker.start()
        worker.until(same, 60, "deletes during a crash")
        assert worker.stop() == 0

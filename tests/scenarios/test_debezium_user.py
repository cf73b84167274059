"""The Debezium user: MySQL to Kafka, with schemas that survive a crash and a purge that is said.

A worker file and connector files in Kafka Connect's own forms, as tutorials have them.
"""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import httpx
import pytest

import devstack
from connect.log import open_log
from tests.scenarios.tutorial import CUSTOMERS, ORDERS, Sql, events, records, source
from tests.scenarios.worker import Worker


@pytest.mark.timeout(300)
def test_schemas_survive_a_crash(
    server: devstack.Server, kafka: devstack.Server, sql: Sql, tmp_path: Path
) -> None:
    sql("CREATE DATABASE shop")
    sql(CUSTOMERS.format("shop"))
    sql(ORDERS.format("shop"))
    sql("INSERT INTO shop.customers VALUES (1, 'Ada', 'new', 1.50, '1815-12-10')")
    worker = Worker(tmp_path, {"bootstrap.servers": kafka.url})
    worker.connector(source(server, kafka, "shop"))
    topic = "shop.shop.customers"

    def count(wanted: int) -> None:
        worker.until(lambda: len(events(kafka, topic)) == wanted, 60, f"{wanted} events")

    ada = {"id": 1, "name": "Ada", "kind": "new", "balance": "AJY=", "born": -56270}
    bo = {"id": 2, "name": "Bo", "kind": "old", "balance": None, "born": None}
    with worker:
        # What is there, then inserts, updates and deletes with before and after.
        worker.running()
        count(1)
        sql("INSERT INTO shop.customers VALUES (2, 'Bo', 'old', NULL, NULL)")
        sql("UPDATE shop.customers SET kind = 'old' WHERE id = 1")
        sql("DELETE FROM shop.customers WHERE id = 2")
        count(4)
        old = {**ada, "kind": "old"}
        assert events(kafka, topic) == [
            ("r", None, ada), ("c", None, bo), ("u", ada, old), ("d", bo, None),
        ]  # fmt: skip
        assert records(kafka, topic)[-1] == ({"id": 2}, None)

        # The next rows have the new shape.
        sql("ALTER TABLE shop.customers ADD COLUMN mail VARCHAR(80) AFTER name, DROP COLUMN born")
        sql("INSERT INTO shop.customers VALUES (3, 'Cy', 'cy@example.com', 'new', NULL)")
        count(5)
        cy = {"id": 3, "name": "Cy", "mail": "cy@example.com", "kind": "new", "balance": None}
        assert events(kafka, topic)[4] == ("c", None, cy)

        # A crash, and two changes of the table meanwhile, with rows before, between and after.
        worker.kill()
        sql("INSERT INTO shop.customers VALUES (4, 'Dee', NULL, 'new', NULL)")
        sql("ALTER TABLE shop.customers DROP COLUMN mail, ADD COLUMN born DATE")
        sql("INSERT INTO shop.customers VALUES (5, 'Eve', 'new', NULL, '2001-02-03')")
        sql("ALTER TABLE shop.customers RENAME COLUMN born TO birthday, ADD COLUMN city TEXT")
        sql("INSERT INTO shop.customers VALUES (6, 'Fay', 'new', NULL, NULL, 'Rome')")
        worker.start()
        last = {"id": 6, "name": "Fay", "kind": "new", "balance": None}
        worker.until(lambda: any(e[2] and e[2]["id"] == 6 for e in events(kafka, topic)), 60, "Fay")
        by_name = {after["name"]: after for _, _, after in events(kafka, topic) if after}
        assert list(by_name) == ["Ada", "Bo", "Cy", "Dee", "Eve", "Fay"]
        assert list(by_name["Dee"]) == ["id", "name", "mail", "kind", "balance"]
        eve = {"id": 5, "name": "Eve", "kind": "new", "balance": None, "born": 11356}
        assert by_name["Eve"] == eve
        assert by_name["Fay"] == {**last, "birthday": None, "city": "Rome"}
        assert "Schema history recovered" in worker.output
        assert worker.stop() == 0
    _history_has_positions(kafka)
    _tables_rebuilt(kafka, sql)


def _history_has_positions(kafka: devstack.Server) -> None:
    with open_log({"bootstrap.servers": kafka.url}) as log:
        history = [json.loads(m.value or b"") for m in log.read_to_end("schema-changes.shop")]
    altered = [entry for entry in history if entry["ddl"].startswith("ALTER TABLE")]
    assert len(altered) == 3
    places = [(entry["position"]["file"], entry["position"]["pos"]) for entry in altered]
    assert places == sorted(set(places))
    assert {entry["source"]["server"] for entry in altered} == {"shop"}


def _tables_rebuilt(kafka: devstack.Server, sql: Sql) -> None:
    """A consumer of the schema-change topic makes each table again, and reads no DDL for it."""
    tables: dict[str, Any] = {}
    for key, value in records(kafka, "shop"):
        assert value["databaseName"] == key["databaseName"]
        assert value["source"]["file"].startswith("binlog.")
        assert isinstance(value["ddl"], str)
        for change in value["tableChanges"]:
            database, table = json.loads(f"[{change['id'].replace('.', ',')}]")
            if database != "shop":
                continue
            if change["type"] == "DROP":
                tables.pop(table, None)
            else:
                tables[table] = change["table"]
    assert set(tables) == {"customers", "orders"}
    sql("CREATE DATABASE rebuilt")
    for name, table in tables.items():
        sql(f"CREATE TABLE rebuilt.{name} ({_definition(table)})")
    described = (
        "SELECT table_name, ordinal_position, column_name, column_type, character_set_name, "
        "is_nullable, column_default, column_key, extra FROM information_schema.columns "
        "WHERE table_schema = '{}' ORDER BY 1, 2"
    )
    assert sql(described.format("rebuilt")) == sql(described.format("shop"))
    keys = (
        "SELECT table_name, ordinal_position, column_name FROM information_schema.key_column_usage "
        "WHERE table_schema = '{}' ORDER BY 1, 2"
    )
    assert sql(keys.format("rebuilt")) == sql(keys.format("shop"))


def _definition(table: dict[str, Any]) -> str:
    """The inside of CREATE TABLE."""
    parts = []
    for column in sorted(table["columns"], key=lambda column: column["position"]):
        word, _, rest = column["typeName"].partition(" ")
        if column["enumValues"]:
            word += f"({','.join(column['enumValues'])})"
        elif column["length"] is not None:
            scale = "" if column["scale"] is None else f", {column['scale']}"
            word += f"({column['length']}{scale})"
        part = f"`{column['name']}` {word} {rest}"
        if column["charsetName"]:
            part += f" CHARACTER SET {column['charsetName']}"
        part += " NULL" if column["optional"] else " NOT NULL"
        if column["defaultValueExpression"] is not None:
            part += f" DEFAULT '{column['defaultValueExpression']}'"
        parts.append(part + (" AUTO_INCREMENT" if column["autoIncremented"] else ""))
    key = ", ".join(f"`{name}`" for name in table["primaryKeyColumnNames"])
    return ", ".join([*parts, f"PRIMARY KEY ({key})"])


@pytest.mark.timeout(240)
def test_purged_binlogs_are_said(
    server: devstack.Server, kafka: devstack.Server, sql: Sql, tmp_path: Path
) -> None:
    sql("CREATE DATABASE audit")
    sql("CREATE TABLE audit.log (id INT PRIMARY KEY)")
    sql("INSERT INTO audit.log VALUES (1)")
    worker = Worker(tmp_path, {"bootstrap.servers": kafka.url})
    worker.connector(source(server, kafka, "audit"))
    with worker:
        worker.until(lambda: len(events(kafka, "audit.audit.log")) == 1, 60, "the snapshot")
        sql("INSERT INTO audit.log VALUES (2)")
        worker.until(lambda: len(events(kafka, "audit.audit.log")) == 2, 60, "the stream")
        assert worker.stop() == 0
    sql("INSERT INTO audit.log VALUES (3)")
    uuid, _, executed = sql("SELECT @@gtid_executed")[0][0].partition(":1-")
    last = int(executed)
    was = sql("SHOW BINARY LOGS")[-1][0]
    sql("FLUSH BINARY LOGS")
    sql(f"PURGE BINARY LOGS TO '{sql('SHOW BINARY LOGS')[-1][0]}'")
    with worker:
        failed = {"audit-connector": "RUNNING", "audit-connector-0": "FAILED"}
        worker.until(lambda: worker.states() == failed, 60, "the task fails")
        one = "/connectors/audit-connector"
        # The second insert was the last one read, so it is in part before the offset.
        assert re.search(
            rf"starting at {was}:\d+ after GTIDs {uuid}:1-{last - 2}, but this is no longer "
            rf"available on the server. It has purged {uuid}:{last - 1}-{last}. Delete the "
            "connector's offsets to begin with a new snapshot",
            worker.get(f"{one}/tasks/0/status")["trace"],
        )
        # Which is what he does.
        for method, path in (("PUT", "/stop"), ("DELETE", "/offsets"), ("PUT", "/resume")):
            httpx.request(method, worker.url + one + path, timeout=60).raise_for_status()
        worker.until(lambda: len(events(kafka, "audit.audit.log")) == 5, 60, "a new snapshot")
        assert worker.stop() == 0
    assert [(op, row["id"]) for op, _, row in events(kafka, "audit.audit.log")] == [
        ("r", 1), ("c", 2), ("r", 1), ("r", 2), ("r", 3),
    ]  # fmt: skip

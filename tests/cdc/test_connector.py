"""The binlog connector on a real server: snapshot, stream, DDL, restarts."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devstack
from cdc.config import MySqlConfig
from connect.errors import ConfigError, SourceError
from tests.cdc.source import Source, client, op, row, source_of

Sql = Callable[..., Any]


def _topic(source: Source, table: str) -> str:
    return f"tp.{source.database}.{table}"


def _orders(sql: Sql, count: int = 3) -> None:
    sql("CREATE TABLE orders (id INT PRIMARY KEY, name VARCHAR(20))")
    if count:
        rows = ",".join(f"({i},'n{i}')" for i in range(1, count + 1))
        sql(f"INSERT INTO orders VALUES {rows}")


def test_snapshot_then_stream(source: Source, sql: Sql) -> None:
    _orders(sql)
    sql("CREATE TABLE nothing (id INT PRIMARY KEY)")
    first = source.run(3, _topic(source, "orders"))
    assert [op(r) for r in first] == ["r", "r", "r"]
    assert [row(r) for r in first] == [{"id": i, "name": f"n{i}"} for i in (1, 2, 3)]
    assert [source_of(r)["snapshot"] for r in first] == ["first", "true", "last"]
    assert source.offset is not None
    assert "snapshot" not in source.offset

    sql("INSERT INTO orders VALUES (4, 'n4')")
    sql("UPDATE orders SET name = 'x' WHERE id IN (1, 2)")
    sql("UPDATE orders SET id = 30 WHERE id = 3")
    sql("DELETE FROM orders WHERE id = 1")
    second = source.run(8, _topic(source, "orders"))
    assert [op(r) for r in second] == ["c", "u", "u", "d", "tombstone", "c", "d", "tombstone"]
    assert [r.key for r in second] == [(4,), (1,), (2,), (3,), (3,), (30,), (1,), (1,)]
    names = [h.name for h in second[3].headers]
    assert names[0] == "__debezium.newkey"
    assert second[3].headers[0].value == (30,)
    assert second[4].headers[0] == second[3].headers[0]
    assert second[5].headers[0].name == "__debezium.oldkey"
    assert second[5].headers[0].value == (3,)


def test_markers_of_several_tables(source: Source, sql: Sql) -> None:
    for table, count in (("a", 2), ("b", 1), ("c", 3), ("d", 0)):
        sql(f"CREATE TABLE {table} (id INT PRIMARY KEY)")
        for i in range(count):
            sql(f"INSERT INTO {table} VALUES ({i})")
    with source.task() as task:
        source.take(task, lambda: sum(1 for r in source.records if r.topic != "tp") == 6)
    rows = [r for r in source.records if r.topic != "tp"]
    assert [source_of(r)["snapshot"] for r in rows] == [
        "first", "last_in_data_collection", "last_in_data_collection",
        "first_in_data_collection", "true", "last",
    ]  # fmt: skip


def test_no_data_gives_schemas_only(source: Source, sql: Sql) -> None:
    _orders(sql)
    source.settings["snapshot.mode"] = "no_data"
    with source.task() as task:
        source.take(task, lambda: source.offset is not None and "snapshot" not in source.offset)
        sql("INSERT INTO orders VALUES (9, 'n9')")
        source.take(task, lambda: any(r.topic == _topic(source, "orders") for r in source.records))
    rows = [r for r in source.records if r.topic == _topic(source, "orders")]
    assert [op(r) for r in rows] == ["c"]


def test_schema_changes_are_published_and_recovered(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    source.run(1, _topic(source, "orders"))
    statements = [r.value[4] for r in source.records if r.topic == "tp"]
    assert statements[0].startswith("SET character_set_server=")
    assert f"DROP TABLE IF EXISTS `{source.database}`.`orders`" in statements
    assert any(statement.startswith("CREATE TABLE `orders`") for statement in statements)

    # Altered twice while nobody looks, with rows of each shape.
    sql("ALTER TABLE orders ADD COLUMN extra INT DEFAULT 7")
    sql("INSERT INTO orders (id, name) VALUES (2, 'b')")
    sql("ALTER TABLE orders DROP COLUMN name, ADD COLUMN first DATE FIRST")
    sql("INSERT INTO orders (id, first) VALUES (3, '1970-01-02')")
    rows = source.run(2, _topic(source, "orders"))
    assert row(rows[0]) == {"id": 2, "name": "b", "extra": 7}
    assert row(rows[1]) == {"first": 1, "id": 3, "extra": 7}

    # And again a restart, which must find the last shape in the history.
    sql("INSERT INTO orders (id) VALUES (4)")
    assert row(source.run(1, _topic(source, "orders"))[0]) == {"first": None, "id": 4, "extra": 7}
    changes = [r for r in source.records if r.topic == "tp" and "ALTER" in str(r.value[4])]
    assert [c.value[5][0][0] for c in changes] == ["ALTER", "ALTER"]
    last = json.loads(source.history[-1])
    assert last["ddl"].startswith("ALTER TABLE orders DROP COLUMN name")
    assert [c["name"] for c in last["tableChanges"][0]["table"]["columns"]] == [
        "first", "id", "extra",
    ]  # fmt: skip


@pytest.mark.parametrize("gtid_ignore", ["true", "false"])
def test_a_statement_that_comes_again_is_read_once(
    source: Source, sql: Sql, gtid_ignore: str
) -> None:
    """The history is ahead of the offset when a crash comes between the two."""
    source.settings["gtid.ignore.on.recovery"] = gtid_ignore
    _orders(sql, 1)
    source.run(1, _topic(source, "orders"))
    sql("INSERT INTO orders VALUES (2, 'b')")
    source.run(1, _topic(source, "orders"))
    before = source.offset
    sql("ALTER TABLE orders ADD COLUMN extra INT DEFAULT 7")
    sql("INSERT INTO orders VALUES (3, 'c', 8)")
    source.run(1, _topic(source, "orders"))
    for _ in range(2):
        source.offset = before
        (again,) = source.run(1, _topic(source, "orders"))
        assert row(again) == {"id": 3, "name": "c", "extra": 8}


def test_truncate_only_if_not_skipped(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    source.run(1, _topic(source, "orders"))
    sql("TRUNCATE TABLE orders")
    sql("INSERT INTO orders VALUES (5, 'e')")
    assert [op(r) for r in source.run(1, _topic(source, "orders"))] == ["c"]
    source.settings["skipped.operations"] = "none"
    sql("TRUNCATE TABLE orders")
    (record,) = source.run(1, _topic(source, "orders"))
    assert op(record) == "t"
    assert record.key is None


def test_transactions_rollback_and_savepoints(source: Source, sql: Sql) -> None:
    _orders(sql, 0)
    sql("CREATE TABLE last (id INT PRIMARY KEY)")
    with source.task() as task:
        source.take(task, lambda: source.offset is not None and "snapshot" not in source.offset)
        sql("BEGIN")
        sql("INSERT INTO orders VALUES (1, 'a')")
        sql("SAVEPOINT s")
        sql("INSERT INTO orders VALUES (2, 'b')")
        sql("ROLLBACK TO SAVEPOINT s")
        sql("INSERT INTO orders VALUES (3, 'c')")
        sql("COMMIT")
        sql("BEGIN")
        sql("INSERT INTO orders VALUES (4, 'd')")
        sql("ROLLBACK")
        sql("INSERT INTO last VALUES (1)")
        source.take(task, lambda: any(r.topic.endswith(".last") for r in source.records))
    ids = [r.key[0] for r in source.records if r.topic == _topic(source, "orders")]
    assert ids == [1, 3]


def test_filters_of_tables_and_columns(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    sql("CREATE TABLE secret (id INT PRIMARY KEY)")
    sql("INSERT INTO secret VALUES (1)")
    source.settings |= {
        "table.exclude.list": r".*\.secret",
        "column.exclude.list": r".*\.orders\.name",
    }
    (record,) = source.run(1, _topic(source, "orders"))
    assert row(record) == {"id": 1}
    sql("INSERT INTO secret VALUES (2)")
    sql("INSERT INTO orders VALUES (2, 'b')")
    (record,) = source.run(1, _topic(source, "orders"))
    assert row(record) == {"id": 2}
    assert not any(r.topic.endswith("secret") for r in source.records)


def test_heartbeats_carry_the_offset(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    sql("CREATE TABLE pulse (id INT PRIMARY KEY, n INT)")
    sql("INSERT INTO pulse VALUES (1, 0)")
    source.settings |= {
        "heartbeat.interval.ms": "200",
        "heartbeat.action.query": f"UPDATE {source.database}.pulse SET n = n + 1",
        "connect.keep.alive.interval.ms": "500",
    }
    topic = "__debezium-heartbeat.tp"
    with source.task() as task:
        source.take(task, lambda: sum(r.topic == topic for r in source.records) >= 3)
    beat = next(r for r in source.records if r.topic == topic)
    assert beat.key == ("tp",)
    assert beat.partition == 0
    assert any(r.topic == _topic(source, "pulse") and op(r) == "u" for r in source.records)


def test_by_file_and_position(source: Source, sql: Sql) -> None:
    source.settings["gtid.ignore.on.recovery"] = "true"
    _orders(sql, 1)
    source.run(1, _topic(source, "orders"))
    sql("INSERT INTO orders VALUES (2, 'b')")
    sql("FLUSH BINARY LOGS")
    sql("INSERT INTO orders VALUES (3, 'c')")
    assert [r.key for r in source.run(2, _topic(source, "orders"))] == [(2,), (3,)]


@pytest.mark.parametrize("gtid_ignore", ["true", "false"])
def test_any_offset_is_a_place_to_go_on(source: Source, sql: Sql, gtid_ignore: str) -> None:
    """Whatever record was the last to be acknowledged, nothing is lost and nothing repeated."""
    source.settings["gtid.ignore.on.recovery"] = gtid_ignore
    _orders(sql, 0)
    with source.task() as task:
        source.take(task, lambda: source.offset is not None and "snapshot" not in source.offset)
    sql("BEGIN")
    sql("INSERT INTO orders VALUES " + ",".join(f"({i},'a')" for i in range(10)))
    sql("UPDATE orders SET name = 'b' WHERE id > 3")
    sql("DELETE FROM orders WHERE id > 6")
    sql("COMMIT")
    sql("INSERT INTO orders VALUES (100, 'z')")
    everything: list[tuple[Any, Any]] = []
    offsets: list[Any] = []
    with source.task() as task:
        while (100,) not in [key for key, _ in everything]:
            for batch in task.poll():
                for place, record in enumerate(batch.records()):
                    everything.append((record.key, op(record)))
                    offsets.append(batch.offsets[place])
    assert len(everything) == 10 + 6 + 6 + 1
    chosen = random.Random(1).sample(range(len(offsets)), 6)
    for place in chosen:
        later = Source(source.server, source.database, source.folder, source.settings)
        later.offset = offsets[place]
        # A row is done with its tombstone, so its delete alone comes again.
        rest = everything[place + (everything[place][1] != "d") :]
        if rest:
            found = later.run(len(rest), _topic(source, "orders"))
            assert [(r.key, op(r)) for r in found] == rest


def test_missing_history_is_said(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    source.run(1, _topic(source, "orders"))
    (source.folder / "history").unlink()
    with pytest.raises(SourceError, match="history topic is missing"), source.task() as task:
        source.take(task, lambda: False)


def test_purged_binlog_is_said(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    source.run(1, _topic(source, "orders"))
    sql("INSERT INTO orders VALUES (2, 'b')")
    sql("FLUSH BINARY LOGS")
    (name, *_) = sql("SHOW BINARY LOGS")[-1]
    sql(f"PURGE BINARY LOGS TO '{name}'")
    with (
        pytest.raises(SourceError, match=r"no longer available on the server.*purged"),
        source.task() as task,
    ):
        source.take(task, lambda: False)


def test_wrong_password_names_key_and_cure(source: Source) -> None:
    source.settings["database.password"] = "wrong"
    words = r"Failed to authenticate .*database\.password"
    with pytest.raises(ConfigError, match=words), source.task():
        pass


def test_missing_grant_names_the_statement(source: Source, sql: Sql) -> None:
    sql("CREATE USER IF NOT EXISTS poor@'%' IDENTIFIED BY 'poor'")
    sql("GRANT SELECT ON *.* TO poor@'%'")
    source.settings |= {"database.user": "poor", "database.password": "poor"}
    cure = r"GRANT REPLICATION SLAVE ON \*\.\* TO 'poor'@'%'"
    with pytest.raises(SourceError, match=cure), source.task():
        pass


def test_snapshot_without_the_global_lock(source: Source, sql: Sql) -> None:
    _orders(sql, 2)
    sql("CREATE USER IF NOT EXISTS locker@'%' IDENTIFIED BY 'pw'")
    sql("GRANT SELECT, LOCK TABLES, REPLICATION SLAVE, REPLICATION CLIENT ON *.* TO locker@'%'")
    source.settings |= {"database.user": "locker", "database.password": "pw"}
    assert len(source.run(2, _topic(source, "orders"))) == 2


def test_tls_is_used(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    sql(
        "CREATE USER IF NOT EXISTS secure@'%' "
        "IDENTIFIED WITH caching_sha2_password BY 's' REQUIRE SSL"
    )
    sql("GRANT ALL ON *.* TO secure@'%'")
    source.settings |= {
        "database.user": "secure", "database.password": "s", "database.ssl.mode": "required",
    }  # fmt: skip
    source.run(1, _topic(source, "orders"))
    sql("INSERT INTO orders VALUES (2, 'b')")
    assert len(source.run(1, _topic(source, "orders"))) == 1
    source.settings["database.ssl.mode"] = "disabled"
    with pytest.raises(ConfigError, match="Access denied"), source.task():
        pass


def test_password_by_sha2_without_tls(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    sql("CREATE USER IF NOT EXISTS plain@'%' IDENTIFIED WITH caching_sha2_password BY 'p'")
    sql("GRANT ALL ON *.* TO plain@'%'")
    source.settings |= {
        "database.user": "plain", "database.password": "p", "database.ssl.mode": "disabled",
    }  # fmt: skip
    assert len(source.run(1, _topic(source, "orders"))) == 1


def test_prepared_xa_of_others_is_passed_by(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    sql("CREATE TABLE other (id INT PRIMARY KEY)")
    source.settings["table.include.list"] = r".*\.orders"
    source.run(1, _topic(source, "orders"))

    def two_phase(statement: str) -> None:
        for step in (
            "XA START 'x'", statement, "XA END 'x'", "XA PREPARE 'x'", "XA COMMIT 'x'",
        ):  # fmt: skip
            sql(step)

    two_phase("INSERT INTO other VALUES (1)")
    sql("INSERT INTO orders VALUES (2, 'b')")
    assert [r.key for r in source.run(1, _topic(source, "orders"))] == [(2,)]
    two_phase("INSERT INTO orders VALUES (3, 'c')")
    with pytest.raises(SourceError, match="XA transaction"), source.task() as task:
        source.take(task, lambda: False)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE orders SET name = 'text'",
        "/* from the app */ INSERT INTO `orders` VALUES (9, 'i')",
        "WITH w AS (SELECT 1) UPDATE orders SET name = 'w'",
    ],
)
def test_rows_logged_as_text_stop_the_stream(source: Source, sql: Sql, statement: str) -> None:
    _orders(sql, 1)
    sql("CREATE TABLE other (id INT PRIMARY KEY)")
    source.settings["table.include.list"] = r".*\.orders"
    source.run(1, _topic(source, "orders"))
    with client(source.server, source.database) as other:
        other("SET SESSION binlog_format = 'STATEMENT'")
        other("INSERT INTO other VALUES (1)")
        other("SET SESSION binlog_format = 'ROW'")
        other("INSERT INTO orders VALUES (2, 'b')")
    assert len(source.run(1, _topic(source, "orders"))) == 1
    with client(source.server, source.database) as other:
        other("SET SESSION binlog_format = 'STATEMENT'")
        other(statement)
    with pytest.raises(SourceError, match="logged as text"), source.task() as task:
        source.take(task, lambda: False)


def test_java_regexes_in_lists(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    source.settings["table.include.list"] = rf"\Q{source.database}.orders\E"
    assert len(source.run(1, _topic(source, "orders"))) == 1


def test_a_session_that_logs_less_is_told_apart(source: Source, sql: Sql) -> None:
    _orders(sql, 1)
    source.run(1, _topic(source, "orders"))
    with client(source.server, source.database) as other:
        other("SET SESSION binlog_row_image = 'MINIMAL'")
        other("UPDATE orders SET name = 'x'")
    with pytest.raises(SourceError, match="lack columns"), source.task() as task:
        source.take(task, lambda: False)


@pytest.mark.parametrize(
    ("key", "value", "words"),
    [
        ("snapshot.mode", "sometimes", "one of initial, no_data"),
        ("snapshot.mode", "recovery", "not supported"),
        ("message.key.columns", "a:b", "not supported"),
        ("database.port", "many", "Not a number of type INT"),
        ("topic.prefix", "a b", "letters, digits"),
        ("tasks.max", "2", "one ordered stream"),
        ("column.mask.with.3.chars", "a.b.c", "not supported"),
        ("max.queue.size", "10", "larger than the maximum batch size"),
        ("table.exclude.list", "x", "already specified"),
    ],
)
def test_wrong_settings(source: Source, key: str, value: str, words: str) -> None:
    settings = source.config() | {"table.include.list": "a"} | {key: value}
    with pytest.raises(ConfigError, match=words):
        MySqlConfig(settings)


def test_mysql_8_0(mysql80: devstack.Server, tmp_path: Path) -> None:
    with client(mysql80) as run:
        run("CREATE DATABASE old_shop")
        run("CREATE TABLE old_shop.orders (id INT PRIMARY KEY, name VARCHAR(20))")
        run("INSERT INTO old_shop.orders VALUES (1, 'a')")
        source = Source(mysql80, "old_shop", tmp_path)
        topic = "tp.old_shop.orders"
        assert [op(r) for r in source.run(1, topic)] == ["r"]
        run("ALTER TABLE old_shop.orders ADD COLUMN extra INT")
        run("UPDATE old_shop.orders SET extra = 5")
        run("DELETE FROM old_shop.orders")
        rows = source.run(3, topic)
        assert [op(r) for r in rows] == ["u", "d", "tombstone"]
        assert row(rows[0]) == {"id": 1, "name": "a", "extra": 5}


def test_tables_of_one_topic_are_refused(source: Source, sql: Sql) -> None:
    sql("CREATE TABLE `order items` (id INT PRIMARY KEY)")
    sql("CREATE TABLE order_items (id INT PRIMARY KEY)")
    with pytest.raises(SourceError, match=r"both go to topic .*order_items"), source.task() as task:
        source.take(task, lambda: False)

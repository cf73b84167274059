"""Snapshots that are disturbed: interrupted, altered under, refused a lock."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

import devstack
from connect.errors import SourceError
from tests.cdc.source import Source, client

Sql = Callable[..., Any]

_SLOW = {"max.queue.size": "400", "max.batch.size": "100"}
"""A reader that cannot run ahead: what is not taken is not read."""


def _numbers(sql: Sql, table: str, count: int) -> None:
    sql(f"CREATE TABLE {table} (id INT PRIMARY KEY, text VARCHAR(200))")
    sql("SET SESSION cte_max_recursion_depth = 1000000")
    sql(
        f"INSERT INTO {table} WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n "
        f"WHERE i < {count}) SELECT i, REPEAT('x', 200) FROM n"
    )


def _rows(sql: Sql, table: str) -> dict[tuple[int], tuple[Any, ...]]:
    return {(found[0],): found for found in sql(f"SELECT * FROM {table}")}


def _settled(source: Source, sql: Sql) -> None:
    """Go on until a row written now has come by."""
    sql("CREATE TABLE IF NOT EXISTS settled (id INT PRIMARY KEY AUTO_INCREMENT)")
    sql("INSERT INTO settled VALUES ()")
    (mark,) = sql("SELECT MAX(id) FROM settled")
    topic = f"tp.{source.database}.settled"
    with source.task() as task:
        source.take(
            task,
            lambda: any(r.topic == topic and r.key == mark for r in source.records[-3000:]),
            seconds=50,
        )


@pytest.mark.parametrize("keeps_offset", [True, False], ids=["offset", "no offset"])
def test_what_was_deleted_between_attempts_is_deleted(
    source: Source, sql: Sql, keeps_offset: bool
) -> None:
    _numbers(sql, "big", 20_000)
    source.settings |= _SLOW
    topic = f"tp.{source.database}.big"
    for attempt in range(3):
        with source.task() as task:
            wanted = len(source.records) + 5000
            source.take(task, lambda wanted=wanted: len(source.records) >= wanted)  # type: ignore[misc]
        assert source.offset is not None
        assert source.offset["snapshot"] == "INITIAL"
        if not keeps_offset:
            source.offset = None
        sql(f"DELETE FROM big WHERE id % 20 = {attempt} AND id < 5000")
        sql(f"UPDATE big SET id = id + 100000 WHERE id % 20 = {attempt + 10} AND id < 5000")
    _settled(source, sql)
    assert source.folded()[topic] == _rows(sql, "big")
    deletes = sum(1 for r in source.records if r.topic == topic and r.value is None)
    assert deletes >= 3 * 250


def test_an_interrupted_snapshot_whose_binlog_is_gone_is_refused(source: Source, sql: Sql) -> None:
    _numbers(sql, "big", 20_000)
    source.settings |= _SLOW
    with source.task() as task:
        source.take(task, lambda: len(source.records) > 1000)
    sql("DELETE FROM big WHERE id < 100")
    sql("FLUSH BINARY LOGS")
    (name, *_) = sql("SHOW BINARY LOGS")[-1]
    sql(f"PURGE BINARY LOGS TO '{name}'")
    with pytest.raises(SourceError, match="snapshot was interrupted"), source.task() as task:
        source.take(task, lambda: False)


def test_tables_altered_while_others_are_read(source: Source, sql: Sql) -> None:
    """Rows written before, during and after each change come out right in the end."""
    _numbers(sql, "a_big", 20_000)
    for table in ("b_altered", "c_renamed", "d_dropped", "e_emptied", "f_untouched"):
        sql(f"CREATE TABLE {table} (id INT PRIMARY KEY, text VARCHAR(20))")
        sql(f"INSERT INTO {table} VALUES (1, 'one'), (2, 'two'), (3, 'three')")
    source.settings |= _SLOW
    with source.task() as task:
        source.take(task, lambda: sum(r.topic.endswith("a_big") for r in source.records) > 500)
        sql("UPDATE b_altered SET text = 'before' WHERE id = 1")
        sql("ALTER TABLE b_altered ADD COLUMN more INT DEFAULT 9 FIRST")
        sql("INSERT INTO b_altered VALUES (8, 4, 'four')")
        sql("DELETE FROM b_altered WHERE id = 2")
        sql("RENAME TABLE c_renamed TO c_new")
        sql("UPDATE c_new SET text = 'after' WHERE id = 3")
        sql("DROP TABLE d_dropped")
        sql("TRUNCATE TABLE e_emptied")
        sql("INSERT INTO e_emptied VALUES (7, 'seven')")
        source.take(
            task, lambda: source.offset is not None and "snapshot" not in source.offset, seconds=50
        )
    _settled(source, sql)
    tables = source.folded()
    prefix = f"tp.{source.database}."
    # Row 1 was updated before the ALTER: the stream gives it once more in its shape of then.
    assert tables[prefix + "b_altered"] == {
        (1,): (1, "before"),
        (3,): (9, 3, "three"),
        (4,): (8, 4, "four"),
    }
    assert tables[prefix + "c_new"] == _rows(sql, "c_new")
    assert tables[prefix + "f_untouched"] == _rows(sql, "f_untouched")
    assert tables[prefix + "e_emptied"][(7,)] == (7, "seven")
    assert len(tables[prefix + "a_big"]) == 20_000


def test_ansi_quotes(tmp_path: Path) -> None:
    """SHOW CREATE TABLE then has double quotes, also for a table that is read again."""
    with devstack.mysql("9.7", sql_mode="ANSI_QUOTES") as server, client(server) as run:
        run("CREATE DATABASE quoted")
        run("CREATE TABLE quoted.a_first (id INT PRIMARY KEY, text VARCHAR(200))")
        run(
            "INSERT INTO quoted.a_first SELECT n, REPEAT('x', 200) FROM (SELECT ROW_NUMBER() "
            "OVER () AS n FROM information_schema.columns LIMIT 3000) AS numbers"
        )
        run('CREATE TABLE quoted."b second" (id INT PRIMARY KEY)')
        run('INSERT INTO quoted."b second" VALUES (1)')
        source = Source(server, "quoted", tmp_path, dict(_SLOW))
        with source.task() as task:
            source.take(task, lambda: len(source.records) > 200)
            run('ALTER TABLE quoted."b second" ADD COLUMN "more" INT')
            source.take(task, lambda: source.offset is not None and "snapshot" not in source.offset)
        assert source.folded()["tp.quoted.b_second"] == {(1,): (1, None)}


def test_changes_made_while_rows_are_read_come_out(source: Source, sql: Sql) -> None:
    _numbers(sql, "big", 20_000)
    source.settings |= _SLOW
    with source.task() as task:
        source.take(task, lambda: len(source.records) > 2000)
        sql("DELETE FROM big WHERE id % 7 = 0")
        sql("UPDATE big SET text = 'new' WHERE id % 7 = 1")
        sql("INSERT INTO big VALUES (50000, 'late')")
    source.settings = {}
    _settled(source, sql)
    assert source.folded()[f"tp.{source.database}.big"] == _rows(sql, "big")


def test_the_lock_is_given_up_before_rows_are_read(source: Source, sql: Sql) -> None:
    _numbers(sql, "big", 20_000)
    source.settings |= _SLOW
    with source.task() as task, client(source.server, source.database) as writer:
        source.take(task, lambda: len(source.records) > 1000)
        writer("SET SESSION lock_wait_timeout = 1")
        writer("INSERT INTO big VALUES (60000, 'while reading')")
        assert source.offset is not None
        assert source.offset["snapshot"] == "INITIAL"


def test_a_lock_that_is_not_granted_is_named(source: Source, sql: Sql) -> None:
    _numbers(sql, "big", 10)
    source.settings["snapshot.lock.timeout.ms"] = "1000"
    with client(source.server, source.database) as holder:
        holder("LOCK TABLES big WRITE")
        with (
            pytest.raises(SourceError, match=r"(?s)within 1 s.*snapshot\.lock\.timeout\.ms"),
            source.task() as task,
        ):
            source.take(task, lambda: False)

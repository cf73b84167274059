"""What a wrong or absent target gets: one message that names it, and what to do."""

from __future__ import annotations

import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import cast

import pytest

import devstack
from connect.connector import OffsetReader, TaskContext
from connect.errors import ConfigError, RetriableError, TargetError
from connect.log.contract import Log
from connect.schema import INT64, struct
from sink.connector import JdbcSinkConnector, JdbcSinkTask
from tests.sink.conftest import Database, OneLog, Start, configured, fresh
from tests.sink.records import batch

QUICK = {"connection__attempts": 2, "connection__backoff__ms": 1}
ROW = struct("row", [("id", INT64)])


@pytest.mark.parametrize("database", ["mysql", "mariadb", "postgres"], indirect=True)
def test_unreachable(database: Database, start: Start) -> None:
    nowhere = database.url.rpartition(":")[0] + ":1/db"
    with pytest.raises(TargetError, match=r"Cannot connect to .*127.0.0.1:1/db") as caught:
        start(connection__url=nowhere, **QUICK)
    assert "Check connection.url" in caught.value.cure


@pytest.mark.parametrize("database", ["mysql", "mariadb"], indirect=True)
def test_wrong_password(database: Database, start: Start) -> None:
    with pytest.raises(TargetError, match="Access denied") as caught:
        start(connection__user="nobody", connection__password="hush", **QUICK)
    assert "connection.password" in caught.value.cure
    assert "hush" not in str(caught.value)


def test_wrong_password_of_postgresql(
    start: Start, tmp_path: Path, postgres: devstack.Server
) -> None:
    database = Database("postgres", postgres.url)
    database.run("DROP ROLE IF EXISTS locked")
    database.run("CREATE ROLE locked NOLOGIN")
    settings = configured(database, {"connection__user": "locked", **QUICK})
    found = JdbcSinkConnector().check(settings)
    assert "not permitted to log in" in found["connection.url"][0]


@pytest.fixture
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Database:
    return fresh(getattr(request, "param", "sqlite"), request, tmp_path)


def test_unknown_folder_and_properties(database: Database, start: Start) -> None:
    with pytest.raises(TargetError, match="unable to open database file"):
        start(connection__url="sqlite:////nowhere/at/all.db", **QUICK)


@pytest.mark.parametrize("database", ["mysql", "postgres"], indirect=True)
def test_driver_properties(database: Database, start: Start) -> None:
    start(connection__url=f"{database.url}?connectTimeout=5000", **QUICK)


def test_settings_of_duckdb(start: Start, tmp_path: Path) -> None:
    start(connection__url=f"jdbc:duckdb:{tmp_path}/a.duckdb?threads=1", **QUICK)


@pytest.mark.parametrize("database", ["mysql", "postgres", "sqlite", "duckdb"], indirect=True)
def test_unknown_driver_properties(database: Database, start: Start) -> None:
    with pytest.raises(ConfigError, match="property frobnicate is not supported"):
        start(connection__url=f"{database.url}?frobnicate=yes", **QUICK)
    with pytest.raises(ConfigError, match="property frobnicate is not supported"):
        start(connection__frobnicate="yes", **QUICK)


def test_the_connector_checks_its_target(database: Database) -> None:
    connector = JdbcSinkConnector()
    assert connector.check(configured(database, {})) == {}
    bad = configured(database, {"connection__url": "nonsense"})
    assert "is not a database URL" in connector.check(bad)["connection.url"][0]
    assert len(connector.task_configs(bad, 3)) == 3


def test_a_locked_sqlite_file_is_waited_for(database: Database, start: Start) -> None:
    task = start(insert__mode="insert", auto__create=True, retry__backoff__ms=1)
    task._open._open.execute("PRAGMA busy_timeout=50")  # type: ignore[attr-defined]
    task._open.rollback()
    other = sqlite3.connect(database.url.removeprefix("sqlite:///"), isolation_level=None)
    other.execute("BEGIN IMMEDIATE")
    with pytest.raises(RetriableError, match="locked"):
        task.put([batch(ROW, [(None, (1,))], key_schema=None)])
    other.execute("COMMIT")
    other.close()
    task.put([batch(ROW, [(None, (1,))], key_schema=None)])
    assert database.run('SELECT id FROM "t"') == [(1,)]


@pytest.mark.parametrize("database", ["duckdb"], indirect=True)
def test_a_duckdb_file_that_another_process_has_open(database: Database, start: Start) -> None:
    path = database.url.removeprefix("duckdb:///")
    holder = subprocess.Popen(
        [sys.executable, "-c", "import duckdb, sys; c = duckdb.connect(sys.argv[1]); "
         "print(flush=True); sys.stdin.read()", path],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
    )  # fmt: skip
    assert holder.stdout is not None
    holder.stdout.readline()
    try:
        with pytest.raises(TargetError, match="Conflicting lock") as caught:
            start(**QUICK)
        assert "one process at a time" in caught.value.cure
    finally:
        holder.communicate()
    start(**QUICK)


@pytest.mark.timeout(180)
@pytest.mark.parametrize("kind", ["mysql", "mariadb", "postgres"])
def test_a_server_killed_under_way_gets_the_records_later(
    kind: str,
) -> None:
    with getattr(devstack, kind)() as server:
        url = server.url
        if kind != "postgres":
            Database(kind, url + "/").run("CREATE DATABASE target")
            url += "/target"
        database = Database(kind, url)
        settings = {"insert__mode": "upsert", "pk__mode": "record_key", "auto__create": True}
        context = TaskContext("s", 0, cast(OffsetReader, None), cast(Log, OneLog()), print)
        task = JdbcSinkTask(context)
        task.start(configured(database, settings))
        task.put([batch(ROW, [((n,), (n,)) for n in range(100)])])
        server.kill()
        more = [batch(ROW, [((n,), (n,)) for n in range(50, 200)], offset=100)]
        for _ in range(2):
            with pytest.raises(RetriableError):
                task.put(more)
        server.start()
        task.put(more)
        task.stop()
        assert database.run("SELECT COUNT(*) FROM t") == [(200,)]

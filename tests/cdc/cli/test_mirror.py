"""``cdc mirror`` from a real MySQL to each kind of target."""

from __future__ import annotations

import re
import signal
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import duckdb
import psycopg
import pytest

import devstack
from connect.log import open_log
from tests.cdc.cli.command import Result, cdc, start, until

pytestmark = pytest.mark.timeout(240)

Sql = Callable[..., Any]
Row = tuple[Any, ...]

PEOPLE = """
CREATE TABLE people (
    id INT PRIMARY KEY, name VARCHAR(40), nick VARCHAR(40) DEFAULT 'none', big BIGINT NOT NULL
)
"""
MARKS = (
    "CREATE TABLE marks (subject VARCHAR(20), person INT, mark INT, PRIMARY KEY (subject, person))"
)


class Target:
    """A database to mirror into: its URL, and its rows as text."""

    def __init__(self, url: str, ask: Callable[[str], list[Row]]) -> None:
        self.url = url
        self.ask = ask


@pytest.fixture(params=["duckdb", "sqlite", "postgresql"])
def target(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Target]:
    if request.param == "postgresql":
        server: devstack.Server = request.getfixturevalue("postgres")
        with psycopg.connect(server.url, autocommit=True) as connection:
            name = f"mirror_{tmp_path.name.lower()}".replace("-", "_")[:60]
            connection.execute(f'CREATE DATABASE "{name}"')
            url = re.sub(r"/\w*$", f"/{name}", server.url)
            with psycopg.connect(url, autocommit=True) as inner:
                yield Target(url, lambda sql: inner.execute(sql).fetchall())
            connection.execute(f'DROP DATABASE "{name}"')
        return
    path = tmp_path / f"copy.{request.param}"

    def ask(sql: str) -> list[Row]:
        connect: Callable[[str], Any] = (
            duckdb.connect if path.suffix == ".duckdb" else sqlite3.connect
        )
        with closing(connect(str(path))) as connection:
            return list(connection.execute(sql).fetchall())

    yield Target(f"{request.param}:///{path.name}", ask)


@pytest.fixture
def filled(sql: Sql) -> Sql:
    sql(PEOPLE)
    sql(MARKS)
    for number in range(1, 51):
        sql("INSERT INTO people VALUES (%s, %s, 'N', %s)", (number, f"näme {number}", number << 40))
        sql("INSERT INTO marks VALUES ('art', %s, %s)", (number, number % 6))
    sql("UPDATE people SET nick = NULL WHERE id = 7")
    return sql


def same(sql: Sql, target: Target, table: str, order: str) -> None:
    query = f"SELECT * FROM {table} ORDER BY {order}"
    assert list(target.ask(query)) == list(sql(query))


def once(mysql: devstack.Server, database: str, target: Target, folder: Path) -> Result:
    found = cdc("mirror", f"{mysql.url}/{database}", target.url, "--once", folder=folder)
    assert found.code == 0, found.err
    assert found.err == ""
    return found


def change(sql: Sql) -> None:
    """Some of everything, a new column and a new table among it."""
    sql("INSERT INTO people VALUES (100, 'new', DEFAULT, 1)")
    sql("UPDATE people SET name = 'changed' WHERE id < 10")
    sql("DELETE FROM people WHERE id BETWEEN 20 AND 29")
    sql("UPDATE people SET id = id + 1000 WHERE id = 30")
    sql("ALTER TABLE people ADD COLUMN age INT DEFAULT 18")
    sql("INSERT INTO people VALUES (101, 'newer', NULL, 2, 44)")
    sql("CREATE TABLE later (id INT PRIMARY KEY, at DATE)")
    sql("INSERT INTO later VALUES (1, '2024-02-29')")


def test_once_and_once_more(
    mysql: devstack.Server, database: str, filled: Sql, target: Target, tmp_path: Path
) -> None:
    first = once(mysql, database, target, tmp_path)
    assert f"{database}.people: 50 rows read" in first.out
    assert first.out.splitlines()[-1].startswith("Caught up: 100 records")
    same(filled, target, "people", "id")
    same(filled, target, "marks", "subject, person")
    change(filled)
    second = once(mysql, database, target, tmp_path)
    assert "rows read" not in second.out
    same(filled, target, "people", "id")
    same(filled, target, "marks", "subject, person")
    assert [row[0] for row in target.ask("SELECT id FROM later")] == [1]
    third = once(mysql, database, target, tmp_path)
    assert third.out.splitlines()[-1].startswith("Caught up: 0 records")


@pytest.mark.parametrize("end", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_ended_and_on_from_there(
    mysql: devstack.Server, database: str, filled: Sql, tmp_path: Path, end: signal.Signals
) -> None:
    path = tmp_path / "copy.sqlite"

    def ask(query: str) -> list[Row]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(query).fetchall()

    def arrived() -> bool:
        try:
            return ask("SELECT count(*) FROM people WHERE name = 'changed'") == [(9,)]
        except sqlite3.OperationalError:
            return False

    target = Target(f"sqlite:///{path}", ask)
    with start("mirror", f"{mysql.url}/{database}", target.url, folder=tmp_path) as running:
        until(lambda: path.exists() and ask("SELECT 1 FROM sqlite_master WHERE name = 'people'"))
        change(filled)
        until(arrived)
        running.send_signal(end)
        out, err = running.communicate(timeout=60)
    assert err == ""
    if end is not signal.SIGKILL:
        assert running.returncode == 0
        assert out.splitlines()[-1].startswith("Stopped: ")
    filled("DELETE FROM people WHERE id = 101")
    once(mysql, database, target, tmp_path)
    same(filled, target, "people", "id")


def test_print_config_gives_files_that_do_the_same(
    mysql: devstack.Server, database: str, filled: Sql, tmp_path: Path
) -> None:
    path = tmp_path / "copy.sqlite"

    def ask(query: str) -> list[Row]:
        with closing(sqlite3.connect(path)) as connection:
            return connection.execute(query).fetchall()

    def arrived() -> bool:
        try:
            return bool(ask("SELECT 1 FROM people WHERE id = 5000"))
        except sqlite3.OperationalError:
            return False

    url = f"{mysql.url}/{database}"
    printed = cdc("mirror", url, f"sqlite:///{path}", "--print-config", folder=tmp_path)
    assert printed.code == 0
    assert not (tmp_path / ".cdc").exists()
    for name, text in re.findall(r"^# (\w+\.properties)\n(.*?)^$", printed.out, re.M | re.S):
        (tmp_path / name).write_text(text)
    command = printed.out.splitlines()[-1]
    assert command.startswith("# mkdir -p .cdc && cdc run ")
    (tmp_path / ".cdc").mkdir()
    options = command.partition("cdc run ")[2].split()
    with start("run", *options, folder=tmp_path) as running:
        filled("INSERT INTO people VALUES (5000, 'last', NULL, 0)")
        until(arrived)
        running.send_signal(signal.SIGTERM)
        _, err = running.communicate(timeout=60)
    assert running.returncode == 0, err
    same(filled, Target(url, ask), "people", "id")
    # The state is the mirror's own: it goes on where the worker stopped.
    filled("DELETE FROM people WHERE id = 5000")
    found = cdc("mirror", url, f"sqlite:///{path}", "--once", folder=tmp_path)
    assert found.code == 0, found.err
    assert "rows read" not in found.out
    same(filled, Target(url, ask), "people", "id")


def test_kafka_as_target(
    mysql: devstack.Server, kafka: devstack.Server, database: str, filled: Sql, tmp_path: Path
) -> None:
    brokers = f"{kafka.host}:{kafka.port}"
    found = cdc(
        "mirror", f"{mysql.url}/{database}", f"kafka://{brokers}", "--once",
        "--prefix", f"k{database}", "--table", "people", folder=tmp_path,
    )  # fmt: skip
    assert found.code == 0, found.err
    with open_log({"bootstrap.servers": brokers}) as log:
        assert len(list(log.read_to_end(f"k{database}.{database}.people"))) == 50
        assert log.partitions(f"k{database}.{database}.marks") is None


# --- refusals ------------------------------------------------------------------------------------


def test_tables_without_key_are_named_before_anything_is_written(
    mysql: devstack.Server, database: str, filled: Sql, tmp_path: Path
) -> None:
    filled("CREATE TABLE logs (line TEXT)")
    filled("CREATE TABLE notes (line TEXT)")
    url = f"{mysql.url}/{database}"
    found = cdc("mirror", url, "sqlite:///copy.sqlite", "--once", folder=tmp_path)
    assert f"{database}.logs, {database}.notes" in found.refusal
    assert "ADD id BIGINT" in found.refusal
    assert list(tmp_path.iterdir()) == []
    kept = cdc("mirror", url, "sqlite:///copy.sqlite", "--once", "--table", "people|marks",
               folder=tmp_path)  # fmt: skip
    assert kept.code == 0, kept.err


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("mysql://root:wrong@{place}/{database}", "Check user and password in SOURCE_URL"),
        ("mysql://root@127.0.0.1:1/{database}", "Check host and port in SOURCE_URL"),
        ("mysql://root@no-such-host.invalid/{database}", "Check host and port in SOURCE_URL"),
        ("mysql://root@{place}/nowhere", "has no database nowhere. It has: "),
    ],
)
def test_source_that_does_not_answer(
    mysql: devstack.Server, database: str, tmp_path: Path, source: str, message: str
) -> None:
    url = source.format(place=f"{mysql.host}:{mysql.port}", database=database)
    found = cdc("mirror", url, "duckdb:///copy.duckdb", folder=tmp_path)
    assert message in found.refusal
    assert "wrong" not in found.refusal


def test_table_that_is_not_there(
    mysql: devstack.Server, database: str, filled: Sql, tmp_path: Path
) -> None:
    found = cdc("mirror", f"{mysql.url}/{database}", "duckdb:///x", "--table", "poeple",
                folder=tmp_path)  # fmt: skip
    assert "poeple" in found.refusal
    assert f"{database}.people" in found.refusal


def test_target_that_does_not_answer_claims_no_state(
    mysql: devstack.Server, database: str, filled: Sql, tmp_path: Path
) -> None:
    url = f"{mysql.url}/{database}"
    found = cdc("mirror", url, "sqlite:///missing/copy.sqlite", folder=tmp_path)
    assert "missing/copy.sqlite" in found.refusal
    right = cdc("mirror", url, "sqlite:///copy.sqlite", "--once", folder=tmp_path)
    assert right.code == 0, right.err
    other = cdc("mirror", url, "sqlite:///other.sqlite", "--once", folder=tmp_path)
    assert "holds the state of another mirror" in other.refusal
    assert "--state" in other.refusal


def test_a_failing_part_ends_the_mirror_and_loses_nothing(
    mysql: devstack.Server, database: str, filled: Sql, tmp_path: Path
) -> None:
    path = tmp_path / "copy.sqlite"
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE people (id INT, name TEXT, nick TEXT, big INT)")
    url = f"{mysql.url}/{database}"
    found = cdc("mirror", url, f"sqlite:///{path}", "--once", folder=tmp_path)
    assert found.code == 1
    assert "people" in found.refusal
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("DROP TABLE people")
    filled("INSERT INTO people VALUES (5000, 'last', NULL, 0)")
    again = cdc("mirror", url, f"sqlite:///{path}", "--once", folder=tmp_path)
    assert again.code == 0, again.err
    with closing(sqlite3.connect(path)) as connection:
        rows = connection.execute("SELECT * FROM people ORDER BY id").fetchall()
    assert rows == list(filled("SELECT * FROM people ORDER BY id"))


def test_truncate_and_old_dates(
    mysql: devstack.Server, database: str, sql: Sql, target: Target, tmp_path: Path
) -> None:
    sql("CREATE TABLE plain (id INT PRIMARY KEY, day DATE, big BIGINT UNSIGNED)")
    sql("INSERT INTO plain VALUES (1, '0001-01-01', 18446744073709551615), (2, '0070-05-05', 0)")
    once(mysql, database, target, tmp_path)
    (first, second) = target.ask("SELECT id, day, big FROM plain ORDER BY id")
    assert str(first[1]) == "0001-01-01"
    assert str(second[1]) == "0070-05-05"
    assert int(first[2]) == 2**64 - 1
    sql("TRUNCATE TABLE plain")
    sql("INSERT INTO plain VALUES (3, '2024-02-29', 1)")
    once(mysql, database, target, tmp_path)
    assert [row[0] for row in target.ask("SELECT id FROM plain")] == [3]


def test_a_table_in_the_way_can_be_left_out(
    mysql: devstack.Server, database: str, sql: Sql, tmp_path: Path
) -> None:
    """Also one that turned up while the mirror was at work."""
    url, target = f"{mysql.url}/{database}", f"sqlite:///{tmp_path / 'copy.sqlite'}"
    sql("CREATE TABLE people (id INT PRIMARY KEY)")
    assert cdc("mirror", url, target, "--once", folder=tmp_path).code == 0
    sql("CREATE TABLE nokey (a INT)")
    sql("INSERT INTO nokey VALUES (1)")
    with start("mirror", url, target, folder=tmp_path) as running:
        # The check at the start names it; what was begun before would stop at its first row.
        _, err = running.communicate(timeout=60)
    assert running.returncode == 1
    assert "--exclude nokey" in err
    sql("INSERT INTO people VALUES (5)")
    done = cdc("mirror", url, target, "--once", "--exclude", "nokey", folder=tmp_path)
    assert done.code == 0, done.err
    with closing(sqlite3.connect(tmp_path / "copy.sqlite")) as connection:
        assert connection.execute("SELECT id FROM people").fetchall() == [(5,)]


def test_tables_that_a_target_would_take_for_one(
    mysql: devstack.Server, database: str, sql: Sql, tmp_path: Path
) -> None:
    sql("CREATE TABLE users (id INT PRIMARY KEY)")
    sql("CREATE TABLE Users (id INT PRIMARY KEY)")
    found = cdc("mirror", f"{mysql.url}/{database}", "duckdb:///a.duckdb", folder=tmp_path)
    assert found.code == 1
    assert "would be one table in the target" in found.err


def test_a_mirror_into_itself_is_refused(
    mysql: devstack.Server, database: str, tmp_path: Path
) -> None:
    url = f"{mysql.url}/{database}"
    found = cdc("mirror", url, url, "--once", folder=tmp_path)
    assert found.code == 1
    assert "is the source itself" in found.err

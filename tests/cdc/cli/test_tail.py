"""``cdc tail``: changes as lines of JSON."""

from __future__ import annotations

import json
import select
import signal
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import Popen
from typing import Any

import pytest

import devstack
from tests.cdc.cli.command import cdc, start

pytestmark = pytest.mark.timeout(180)

Sql = Callable[..., Any]


def event(text: str) -> tuple[str, Any, Any]:
    found = json.loads(text)
    assert list(found) == [
        "before",
        "after",
        "source",
        "transaction",
        "op",
        "ts_ms",
        "ts_us",
        "ts_ns",
    ]
    return found["op"], found["before"], found["after"]


@contextmanager
def tailing(*arguments: str, folder: Path) -> Iterator[Popen[str]]:
    with start("tail", *arguments, folder=folder) as running:
        try:
            yield running
        finally:
            running.kill()


@pytest.fixture
def things(sql: Sql) -> Sql:
    sql(
        "CREATE TABLE things (id INT PRIMARY KEY, price DECIMAL(9, 2), note VARCHAR(9) DEFAULT 'x')"
    )
    sql("CREATE TABLE others (id INT PRIMARY KEY)")
    sql("INSERT INTO things VALUES (1, 1.50, NULL), (2, 2.50, 'ü')")
    sql("INSERT INTO others VALUES (1)")
    return sql


def test_snapshot_and_changes(
    mysql: devstack.Server, database: str, things: Sql, tmp_path: Path
) -> None:
    url = f"{mysql.url}/{database}"
    with tailing(url, "--table", "things", "--snapshot", folder=tmp_path) as running:
        assert running.stdout is not None
        read = [event(running.stdout.readline()) for _ in range(2)]
        one = {"id": 1, "price": 1.5, "note": None}
        two = {"id": 2, "price": 2.5, "note": "ü"}
        assert read == [("r", None, one), ("r", None, two)]
        things("INSERT INTO others VALUES (2)")
        things("UPDATE things SET price = 3 WHERE id = 1")
        things("UPDATE things SET id = 9 WHERE id = 1")
        things("DELETE FROM things WHERE id = 2")
        three = one | {"price": 3.0}
        nine = three | {"id": 9}
        assert [event(running.stdout.readline()) for _ in range(4)] == [
            ("u", one, three), ("d", three, None), ("c", None, nine), ("d", two, None),
        ]  # fmt: skip
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=60)
    assert (running.returncode, out, err) == (0, "", "")


def test_without_snapshot_only_what_comes(
    mysql: devstack.Server, database: str, things: Sql, tmp_path: Path
) -> None:
    with tailing(f"{mysql.url}/{database}", folder=tmp_path) as running:
        assert running.stdout is not None
        things("CREATE TABLE probe (id INT PRIMARY KEY)")
        _until_heard(running, things)
        things("ALTER TABLE things ADD COLUMN extra INT")
        things("INSERT INTO things VALUES (3, NULL, DEFAULT, 7)")
        text = running.stdout.readline()
        while '"table":"probe"' in text:
            text = running.stdout.readline()
        assert event(text) == ("c", None, {"id": 3, "price": None, "note": "x", "extra": 7})
        running.send_signal(signal.SIGTERM)
        assert running.wait(60) == 0


def test_ends_when_nobody_reads_any_more(
    mysql: devstack.Server, database: str, things: Sql, tmp_path: Path
) -> None:
    with tailing(f"{mysql.url}/{database}", "--snapshot", folder=tmp_path) as running:
        assert running.stdout is not None
        assert running.stderr is not None
        running.stdout.readline()
        running.stdout.close()
        assert running.wait(60) == 0
        assert running.stderr.read() == ""


def test_keyless_tables_are_shown_too(
    mysql: devstack.Server, database: str, sql: Sql, tmp_path: Path
) -> None:
    sql("CREATE TABLE logs (line TEXT)")
    sql("INSERT INTO logs VALUES ('one')")
    with tailing(f"{mysql.url}/{database}", "--snapshot", folder=tmp_path) as running:
        assert running.stdout is not None
        assert event(running.stdout.readline()) == ("r", None, {"line": "one"})


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("mysql://root:no@{place}", "Check user and password in SOURCE_URL"),
        ("mysql://root@{place}/nowhere", "has no database nowhere"),
        ("mysql://root@127.0.0.1:1", "Check host and port in SOURCE_URL"),
        ("sqlite:///x.db", "cannot be streamed from"),
    ],
)
def test_refusals(mysql: devstack.Server, tmp_path: Path, url: str, message: str) -> None:
    found = cdc("tail", url.format(place=f"{mysql.host}:{mysql.port}"), folder=tmp_path)
    assert message in found.refusal
    assert found.out == ""


def _until_heard(running: Popen[str], sql: Sql) -> None:
    """Make changes until the first is shown: the tail has begun."""
    assert running.stdout is not None
    for number in range(1, 600):
        sql("INSERT INTO probe VALUES (%s)", (number,))
        if select.select([running.stdout], [], [], 0.1)[0]:
            return
    raise AssertionError("the tail shows nothing")

"""kill -9 of the worker, its tasks, the broker and MySQL, under load: nothing lost, nothing extra.

At the end the folded topics and both targets must equal the source.
"""

from __future__ import annotations

import json
import random
import threading
import time
from collections.abc import Callable
from decimal import Decimal
from pathlib import Path
from typing import Any

import httpx
import psycopg
import pymysql
import pytest

import devstack
from connect.log import open_log
from tests.scenarios.worker import Worker, kill, wait_for

WORKER_KILLS, SERVER_KILLS = 20, 5
TABLES = ("orders", "items", "notes")
SEED = 20


class Load(threading.Thread):
    """Inserts, updates, deletes and key changes, in transactions, for as long as it runs."""

    def __init__(self, server: devstack.Server) -> None:
        super().__init__(daemon=True)
        self._server = server
        self._random = random.Random(SEED)
        self._stopping = threading.Event()
        self.done = 0

    def stop(self) -> None:
        self._stopping.set()
        self.join()

    def run(self) -> None:
        while not self._stopping.is_set():
            try:
                connection = pymysql.connect(
                    host=self._server.host, port=self._server.port, user=self._server.user,
                    database="shop",
                )  # fmt: skip
                with connection:
                    while not self._stopping.is_set():
                        self._transaction(connection)
                        time.sleep(0.005)
            except (pymysql.err.OperationalError, pymysql.err.InterfaceError):
                time.sleep(0.2)  # the server was killed; what was not committed is gone

    def _transaction(self, connection: Any) -> None:
        chance = self._random.random
        with connection.cursor() as cursor:
            for _ in range(self._random.randint(1, 8)):
                table = self._random.choice(TABLES)
                number = self._random.randint(1, 3000)
                kind = chance()
                if kind < 0.5:
                    cursor.execute(
                        f"REPLACE INTO {table} VALUES (%s, %s, %s, NOW(6))",
                        (number, f"text {chance()}", Decimal(str(round(chance() * 999, 2)))),
                    )
                elif kind < 0.75:
                    cursor.execute(
                        f"UPDATE {table} SET text = %s WHERE id BETWEEN %s AND %s",
                        (f"new {chance()}", number, number + 20),
                    )
                elif kind < 0.9:
                    cursor.execute(f"DELETE FROM {table} WHERE id = %s", (number,))
                else:
                    cursor.execute(
                        f"UPDATE IGNORE {table} SET id = %s WHERE id = %s",
                        (self._random.randint(1, 3000), number),
                    )
        if chance() < 0.05:
            connection.rollback()
        else:
            connection.commit()
            self.done += 1


def _rows(server: devstack.Server, database: str, table: str) -> dict[int, tuple[Any, ...]]:
    connection = pymysql.connect(
        host=server.host, port=server.port, user=server.user, database=database
    )
    with connection, connection.cursor() as cursor:
        cursor.execute(f"SELECT id, text, amount, at FROM `{table}`")
        return {found[0]: found for found in cursor.fetchall()}


def _postgres_rows(url: str, table: str) -> dict[int, tuple[Any, ...]]:
    with psycopg.connect(url) as connection:
        found = connection.execute(f'SELECT id, text, amount, at FROM "{table}"').fetchall()
        return {row[0]: row for row in found}


def _folded(bootstrap: str, topic: str) -> dict[int, tuple[str, bytes]]:
    """Last row by key, as (text, amount)."""
    table = {}
    with open_log({"bootstrap.servers": bootstrap}) as log:
        for message in log.read_to_end(topic):
            assert message.key is not None
            key = json.loads(message.key)["payload"]["id"]
            after = message.value and json.loads(message.value)["payload"]["after"]
            if after:
                table[key] = after["text"]
            else:
                table.pop(key, None)
    return table


def _sink(name: str, url: str) -> dict[str, str]:
    return {
        "name": name,
        "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
        "topics": ",".join(f"tp.shop.{table}" for table in TABLES),
        "connection.url": url,
        "insert.mode": "upsert",
        "pk.mode": "record_key",
        "delete.enabled": "true",
        "auto.create": "true",
        "max.retries": "100",
        "retry.backoff.ms": "300",
        # A killed task's partitions are free again after so long.
        "consumer.override.session.timeout.ms": "6000",
        "consumer.override.heartbeat.interval.ms": "1500",
        "transforms": "table",
        "transforms.table.type": "org.apache.kafka.connect.transforms.RegexRouter",
        "transforms.table.regex": r"tp\.shop\.(.*)",
        "transforms.table.replacement": "$1",
    }


@pytest.mark.timeout(1500)
def test_crashes_under_load(tmp_path: Path) -> None:
    chance = random.Random(SEED)
    with devstack.mysql("9.7") as mysql, devstack.kafka() as kafka, devstack.postgres() as postgres:
        url = f"mysql://{mysql.user}@{mysql.host}:{mysql.port}"
        connection = pymysql.connect(
            host=mysql.host, port=mysql.port, user=mysql.user, autocommit=True
        )
        with connection, connection.cursor() as cursor:
            cursor.execute("CREATE DATABASE shop")
            cursor.execute("CREATE DATABASE mirror")
            for table in TABLES:
                cursor.execute(
                    f"CREATE TABLE shop.{table} (id INT PRIMARY KEY, text VARCHAR(60), "
                    "amount DECIMAL(10, 2), at DATETIME(6))"
                )
                cursor.executemany(
                    f"INSERT INTO shop.{table} VALUES (%s, 'first', 1.5, NOW(6))",
                    [(number,) for number in range(1, 3001)],
                )
        worker = Worker(tmp_path, {"bootstrap.servers": kafka.url})
        worker.connector(
            {
                "name": "source",
                "connector.class": "io.debezium.connector.mysql.MySqlConnector",
                "topic.prefix": "tp",
                "database.hostname": mysql.host,
                "database.port": str(mysql.port),
                "database.user": mysql.user,
                "database.server.id": "4712",
                "database.include.list": "shop",
                "connect.keep.alive.interval.ms": "2000",
                "schema.history.internal.kafka.bootstrap.servers": kafka.url,
                "schema.history.internal.kafka.topic": "history",
            }
        )
        worker.connector(_sink("to-postgres", postgres.url))
        worker.connector(_sink("to-mysql", f"{url}/mirror"))

        load = Load(mysql)
        load.start()
        crashes: list[Callable[[], None]] = [worker.kill] * (WORKER_KILLS - 6)
        crashes += [lambda: kill_a_task(worker, chance)] * 6
        crashes += [kafka.kill] * 3 + [mysql.kill] * (SERVER_KILLS - 3)
        chance.shuffle(crashes)
        with worker:
            for crash in crashes:
                time.sleep(chance.uniform(0.2, 5))
                _revive(worker)
                time.sleep(chance.uniform(0, 2))
                crash()
                if crash in (kafka.kill, mysql.kill):
                    time.sleep(chance.uniform(0, 1))
                    (kafka if crash == kafka.kill else mysql).start()
                assert worker.process is not None
                if worker.process.poll() is not None:
                    worker.start()
            load.stop()
            assert load.done > 500
            wait_for(lambda: _revive(worker) or True, 60, "the worker answers")

            def equal() -> bool:
                _revive(worker)
                try:
                    return alike()
                except (pymysql.err.ProgrammingError, psycopg.errors.UndefinedTable):
                    return False  # the sink has not come to this table yet

            def alike() -> bool:
                return all(
                    _rows(mysql, "shop", table) == _postgres_rows(postgres.url, table)
                    and _rows(mysql, "shop", table) == _rows(mysql, "mirror", table)
                    for table in TABLES
                )

            try:
                wait_for(equal, 120, "targets equal the source")
            except AssertionError:
                print(worker.output[-6000:])  # noqa: T201
                raise
            assert worker.stop() == 0
        for table in TABLES:
            source = {number: row[1] for number, row in _rows(mysql, "shop", table).items()}
            assert _folded(kafka.url, f"tp.shop.{table}") == source


def kill_a_task(worker: Worker, chance: random.Random) -> None:
    for pid in chance.sample(children := worker.children(), min(1, len(children))):
        kill(pid)


def _revive(worker: Worker) -> None:
    """Restart what failed, as an operator would; a worker on its way up is left alone."""
    try:
        states = worker.states()
        for name, state in states.items():
            if state == "FAILED":
                connector, _, task = name.rpartition("-")
                if task.isdigit():
                    httpx.post(f"{worker.url}/connectors/{connector}/tasks/{task}/restart")
                else:
                    httpx.post(f"{worker.url}/connectors/{name}/restart?includeTasks=true")
    except httpx.HTTPError:
        return

"""Debezium and this project take over from each other, on the same files and topics.

Each life is ended in mid-stream, by a kill or in good order, while clients go on writing and
altering the table. Every change must be in the topic, and what is repeated at the start of a life
must follow on from a place that the life before had reached.
"""

from __future__ import annotations

import itertools
import json
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from pathlib import Path
from typing import Any

import pymysql
import pytest
from confluent_kafka import Consumer, KafkaError, TopicPartition

import devstack
from tests.differential.programs import PREFIX, Place, Program, Running, debezium, ours

pytestmark = pytest.mark.timeout(400)
TOPIC = f"{PREFIX}.shop.items"
ROWS = 300
NOT_YET = (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_PARTITION)
CONNECTOR = {
    "database.include.list": "shop",
    # Small steps, so that an offset within a transaction is likely.
    "max.batch.size": "50",
    "max.queue.size": "100",
    "poll.interval.ms": "10",
}
WORKER = {
    "offset.flush.interval.ms": "300",
    "key.converter.schemas.enable": "false",
    "value.converter.schemas.enable": "false",
}


class Writer:
    """Writes transactions of many rows; each change has a number of its own, in binlog order."""

    def __init__(self, server: devstack.Server) -> None:
        self._connection = pymysql.connect(host=server.host, port=server.port, user=server.user)
        self.execute("CREATE DATABASE shop")
        self.execute("USE shop")
        self.execute("CREATE TABLE items (id INT PRIMARY KEY, n BIGINT)")
        self.execute(f"INSERT INTO items VALUES {', '.join(f'({i}, 0)' for i in range(ROWS))}")
        self._connection.commit()
        self._stop = threading.Event()
        self._failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run)
        self.last = 0

    def execute(self, sql: str, *arguments: object) -> tuple[tuple[Any, ...], ...]:
        with self._connection.cursor() as cursor:
            cursor.execute(sql, arguments)
            return cursor.fetchall()

    def _run(self) -> None:
        try:
            for number in itertools.count():
                if self._stop.wait(0.1):
                    return
                self._transaction(number)
        except BaseException as error:
            self._failure = error

    def _transaction(self, number: int) -> None:
        self.execute("SET @n = %s", self.last)
        first = number * 7 % ROWS
        self.execute(
            "UPDATE items SET n = (@n := @n + 1) WHERE id BETWEEN %s AND %s ORDER BY id",
            first,
            first + 150,
        )
        gone = number % ROWS
        self.execute("DELETE FROM items WHERE id = %s", gone)
        self.execute("INSERT INTO items (id, n) VALUES (%s, (@n := @n + 1))", gone)
        self.execute("UPDATE items SET n = (@n := @n + 1) WHERE id = %s", gone)
        [(last,)] = self.execute("SELECT @n")
        self._connection.commit()
        if number % 50 == 49:
            self.execute(f"ALTER TABLE items ADD COLUMN c{number} INT DEFAULT {number} FIRST")
        self.last = int(last)

    @contextmanager
    def writing(self) -> Iterator[None]:
        self._thread.start()
        try:
            yield
        finally:
            self._stop.set()
            self._thread.join(30)
            if self._failure is not None:
                raise self._failure

    def close(self) -> None:
        self._connection.close()


class Follower:
    """Reads the topic as it grows."""

    def __init__(self, kafka: devstack.Server) -> None:
        settings = {"bootstrap.servers": kafka.url, "group.id": "follower"}
        self._consumer = Consumer(settings | {"enable.auto.commit": False})
        self._consumer.assign([TopicPartition(TOPIC, 0, 0)])
        self.events: list[tuple[dict[str, Any], dict[str, Any] | None]] = []
        """(key, event) pairs; None for a tombstone."""
        self.numbers: list[int] = []
        """The numbers of the streamed changes, in the order of the topic."""

    def read(self) -> None:
        """Read on for a moment."""
        for message in self._consumer.consume(5000, 0.5):
            error = message.error()
            assert error is None or error.retriable() or error.code() in NOT_YET, error
            if error is not None:
                continue
            event = json.loads(message.value() or b"null")
            self.events.append((json.loads(message.key() or b"null"), event))
            if event and event["op"] in ("c", "u"):
                self.numbers.append(event["after"]["n"])

    def reached(self, number: int) -> bool:
        return max(self.numbers, default=0) >= number

    def until(self, running: Running, done: Callable[[], bool]) -> None:
        deadline = time.monotonic() + 120
        while not done():
            assert time.monotonic() < deadline, running.log_tail(60)
            self.read()

    def until_quiet(self) -> None:
        before = -1
        while before != len(self.events):
            before = len(self.events)
            self.read()

    def close(self) -> None:
        self._consumer.close()


LIVES: list[tuple[Program, bool]] = [
    (debezium, True),
    (ours, True),
    (debezium, False),
    (ours, False),
    (debezium, True),
    (ours, True),
]


def test_no_change_is_lost(tmp_path: Path) -> None:
    with (
        devstack.mysql("9.7") as mysql,
        devstack.kafka() as kafka,
        closing(Writer(mysql)) as writer,
        closing(Follower(kafka)) as topic,
    ):
        place = Place(mysql, kafka, tmp_path, worker=WORKER, connector=CONNECTOR)
        with debezium(place) as running:
            topic.until(running, lambda: len(topic.events) == ROWS and bool(place.offsets()))
        ends = []
        with writer.writing():
            for program, kill in LIVES:
                goal = writer.last + 500
                with program(place) as running:
                    topic.until(running, partial(topic.reached, goal))
                    end(running, place, kill=kill)
                topic.until_quiet()
                ends.append(len(topic.numbers))
        with ours(place) as running:
            topic.until(running, lambda: topic.numbers[-1] == writer.last)

        found = topic.numbers
        assert set(found) == {*range(1, writer.last + 1)}
        jumps = [at for at in range(1, len(found)) if found[at] != found[at - 1] + 1]
        sys.stdout.write(f"\n{writer.last} changes; a life began again at {repeats(found)}\n")
        assert set(jumps) <= set(ends), "records are repeated only where a life begins"
        assert all(found[at] <= found[at - 1] + 1 for at in jumps), "a gap was filled only later"
        assert folded(topic) == dict(writer.execute("SELECT id, n FROM items"))


def end(running: Running, place: Place, *, kill: bool) -> None:
    if not kill:
        running.stop()
        return
    # Kafka Connect does not write its file in one step, and takes one that it was killed over for
    # empty. So it is killed when it has just written it.
    written = place.offset_file.stat().st_mtime_ns
    while place.offset_file.stat().st_mtime_ns == written:
        time.sleep(0.005)
    time.sleep(0.05)
    running.kill()


def repeats(found: list[int]) -> list[tuple[int, int]]:
    """(reached, begun again at) wherever the numbers do not go on."""
    pairs = itertools.pairwise(found)
    return [(last, first) for last, first in pairs if first != last + 1]


def folded(topic: Follower) -> dict[int, int]:
    """What the topic says of the table."""
    table: dict[int, int] = {}
    for key, event in topic.events:
        if event is None or event["op"] == "d":
            table.pop(key["id"], None)
        else:
            table[key["id"]] = event["after"]["n"]
    return table

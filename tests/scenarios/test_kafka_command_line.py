"""Kafka's own ``kafka-consumer-groups`` lists, describes and resets the group of a sink."""

from __future__ import annotations

import json
import os
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import httpx
import pytest

from connect.log import open_log
from devstack.kafka import Kafka
from tests.scenarios.worker import Worker, wait_for

TOPIC, GROUP = "readings", "connect-readings-sink"
SCHEMA = {"type": "struct", "fields": [{"field": "n", "type": "int32", "optional": False}]}


@pytest.mark.skipif(
    shutil.which("java") is None and "CI" not in os.environ,
    reason="Kafka's tools need a Java runtime",
)
@pytest.mark.timeout(300)
def test_list_describe_and_reset(kafka: Kafka, tmp_path: Path) -> None:
    target = tmp_path / "target.sqlite"
    worker = Worker(tmp_path, {"bootstrap.servers": kafka.url})
    worker.connector(
        {
            "name": "readings-sink",
            "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
            "connection.url": f"jdbc:sqlite:{target}",
            "topics": TOPIC,
            "auto.create": "true",
        }
    )

    def numbers() -> list[int]:
        with closing(sqlite3.connect(target)) as database:
            if not database.execute("SELECT 1 FROM sqlite_master").fetchall():
                return []
            return [n for (n,) in database.execute(f"SELECT n FROM {TOPIC} ORDER BY rowid")]

    def described() -> tuple[int, int, int]:
        """Position, end and lag of the group in the topic's one partition."""
        text = kafka.consumer_groups("--describe", "--group", GROUP)
        (line,) = [line.split() for line in text.splitlines() if TOPIC in line.split()]
        return int(line[3]), int(line[4]), int(line[5])

    def put(state: str) -> None:
        answer = httpx.put(f"{worker.url}/connectors/readings-sink/{state}", timeout=30)
        answer.raise_for_status()

    def reset(*to: str) -> None:
        command = ("--reset-offsets", "--group", GROUP, "--topic", TOPIC, *to, "--execute")
        kafka.consumer_groups(*command)

    with open_log({"bootstrap.servers": kafka.url}) as log:
        values = [json.dumps({"schema": SCHEMA, "payload": {"n": n}}).encode() for n in range(5)]
        with log.producer(client_id="device") as producer:
            producer.produce(TOPIC, [None] * 5, values)
        with worker:
            worker.until(lambda: numbers() == [0, 1, 2, 3, 4], 60, "all readings")
            worker.until(lambda: described() == (5, 5, 0), 60, "the group has committed")
            assert GROUP in kafka.consumer_groups("--list").split()
            put("stop")
            with log.producer(client_id="device") as producer:
                producer.produce(TOPIC, [None] * 5, values)
            assert described() == (5, 10, 5)

            expected = [0, 1, 2, 3, 4]
            for to, position in (
                (("--to-latest",), 10),
                (("--shift-by", "-3"), 7),
                (("--to-datetime", "2020-01-01T00:00:00.000"), 0),
                (("--to-earliest",), 0),
            ):
                reset(*to)
                assert described() == (position, 10, 10 - position)
                put("resume")
                expected += [0, 1, 2, 3, 4, 0, 1, 2, 3, 4][position:]
                wait_for(lambda wanted=expected: numbers() == wanted, 60, f"{to}: goes on there")
                put("stop")
            assert worker.stop() == 0

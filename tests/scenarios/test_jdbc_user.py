"""The Kafka Connect JDBC user: MariaDB to MariaDB, set up by REST, moved about by Kafka's tools.

He starts a worker without connectors, posts a source and a sink with curl, and later resets the
offsets of the sink's consumer group with what Kafka itself has for it.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pymysql
import pytest
from confluent_kafka import ConsumerGroupState, ConsumerGroupTopicPartitions, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec

import devstack
from connect.log import open_log
from connect.log.contract import Message
from tests.scenarios.tutorial import Sql
from tests.scenarios.worker import Worker, wait_for

TOPIC = "my_topic_users"
GROUP = "connect-my-sink-connect"
PASSWORD = "1234"


@pytest.fixture(scope="module")
def database() -> Iterator[devstack.Server]:
    """A MariaDB of his own, since it has a password; its database ``mydb`` has ``users``."""
    with devstack.mariadb("11.4", default_time_zone="+00:00") as server:
        with pymysql.connect(host=server.host, port=server.port, user="root") as connection:
            cursor = connection.cursor()
            cursor.execute("SELECT CURRENT_USER()")
            name, host = cursor.fetchall()[0][0].split("@")
            cursor.execute(f"ALTER USER '{name}'@'{host}' IDENTIFIED BY '{PASSWORD}'")
            cursor.execute("CREATE DATABASE mydb")
            cursor.execute(
                "CREATE TABLE mydb.users (id INT AUTO_INCREMENT PRIMARY KEY, name VARCHAR(50), "
                "email VARCHAR(100), created_at TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP)"
            )
        yield server


@pytest.fixture(scope="module")
def sql(database: devstack.Server) -> Iterator[Sql]:
    connection = pymysql.connect(
        host=database.host, port=database.port, user="root", password=PASSWORD, database="mydb",
        autocommit=True,
    )  # fmt: skip

    def run(statement: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    with connection:
        yield run


def names(sql: Sql) -> list[str]:
    """What the sink's table has, sorted; nothing where it is not there yet."""
    if not sql(f"SHOW TABLES LIKE '{TOPIC}'"):
        return []
    return [name for (name,) in sql(f"SELECT name FROM {TOPIC} ORDER BY name")]


def topic(kafka: devstack.Server) -> list[Message]:
    with open_log({"bootstrap.servers": kafka.url}) as log:
        return list(log.read_to_end(TOPIC))


def posted(worker: Worker, body: dict[str, Any]) -> None:
    """POST a connector, and wait until it and its task run."""
    answer = httpx.post(f"{worker.url}/connectors", json=body, timeout=60)
    assert answer.status_code == 201, answer.text
    assert answer.json()["config"]["connector.class"] == body["config"]["connector.class"]
    running(worker, body["name"])


def running(worker: Worker, name: str) -> None:
    def all_running() -> bool:
        status = worker.get(f"/connectors/{name}/status")
        states = [status["connector"]["state"], *(task["state"] for task in status["tasks"])]
        return states == ["RUNNING", "RUNNING"]

    worker.until(all_running, 60, f"{name} runs")


@pytest.mark.timeout(300)
def test_the_walk(
    database: devstack.Server, kafka: devstack.Server, sql: Sql, tmp_path: Path
) -> None:
    connection = {
        "connection.url": f"jdbc:mysql://localhost:{database.port}/mydb",
        "connection.user": "root",
        "connection.password": PASSWORD,
    }
    sql(
        "INSERT INTO users (name, email, created_at) VALUES "
        "('Ada', 'ada@example.com', '2024-05-01 12:00:00'), "
        "('Bo', NULL, '2024-05-01 12:00:01'), ('Cy', NULL, NULL)"
    )
    with Worker(tmp_path, {"bootstrap.servers": kafka.url}) as worker:
        # curl localhost:8083, curl localhost:8083/connector-plugins
        root = wait_for(lambda: worker.get("/"), 60, "the worker answers")
        assert set(root) == {"version", "commit", "kafka_cluster_id"}
        plugins = {(plugin["class"], plugin["type"]) for plugin in worker.get("/connector-plugins")}
        assert plugins >= {
            ("io.confluent.connect.jdbc.JdbcSourceConnector", "source"),
            ("io.confluent.connect.jdbc.JdbcSinkConnector", "sink"),
        }
        assert worker.get("/connectors") == []

        posted(
            worker,
            {
                "name": "my-source-connect",
                "config": {
                    "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
                    **connection,
                    "mode": "incrementing",
                    "incrementing.column.name": "id",
                    "table.whitelist": "users",
                    "topic.prefix": "my_topic_",
                    "tasks.max": "1",
                },
            },
        )
        assert worker.get("/connectors") == ["my-source-connect"]
        assert worker.get("/connectors/my-source-connect/status")["type"] == "source"
        worker.until(lambda: len(topic(kafka)) == 3, 30, "three records")
        _records_as_confluents(topic(kafka))

        posted(
            worker,
            {
                "name": "my-sink-connect",
                "config": {
                    "connector.class": "io.confluent.connect.jdbc.JdbcSinkConnector",
                    **connection,
                    "auto.create": "true",
                    "auto.evolve": "true",
                    "delete.enabled": "false",
                    "topics": TOPIC,
                    "tasks.max": "1",
                },
            },
        )
        found = f"SELECT id, name, email, created_at FROM {TOPIC} ORDER BY id"
        worker.until(lambda: len(names(sql)) == 3, 60, "rows arrive")
        assert sql(found) == sql("SELECT id, name, email, created_at FROM users ORDER BY id")

        _offsets_by_kafkas_tools(worker, kafka, sql)
        assert worker.stop() == 0


def _records_as_confluents(messages: list[Message]) -> None:
    """Byte for byte what Kafka Connect's JsonConverter and Confluent's source write."""
    timestamp = '"name":"org.apache.kafka.connect.data.Timestamp","version":1'
    schema = (
        '{"type":"struct","fields":['
        '{"type":"int32","optional":false,"field":"id"},'
        '{"type":"string","optional":true,"field":"name"},'
        '{"type":"string","optional":true,"field":"email"},'
        f'{{"type":"int64","optional":true,{timestamp},"field":"created_at"}}'
        '],"optional":false,"name":"users"}'
    )
    payloads = [
        '{"id":1,"name":"Ada","email":"ada@example.com","created_at":1714564800000}',
        '{"id":2,"name":"Bo","email":null,"created_at":1714564801000}',
        '{"id":3,"name":"Cy","email":null,"created_at":null}',
    ]
    expected = [f'{{"schema":{schema},"payload":{payload}}}' for payload in payloads]
    assert [(message.value or b"").decode() for message in messages] == expected
    assert [message.key for message in messages] == [None] * 3


def _offsets_by_kafkas_tools(worker: Worker, kafka: devstack.Server, sql: Sql) -> None:
    admin = AdminClient({"bootstrap.servers": kafka.url})
    place = TopicPartition(TOPIC, 0)

    def state() -> ConsumerGroupState:
        return admin.describe_consumer_groups([GROUP])[GROUP].result().state

    def committed() -> int:
        request = [ConsumerGroupTopicPartitions(GROUP, [place])]
        answer = admin.list_consumer_group_offsets(request)[GROUP].result()
        return int(answer.topic_partitions[0].offset)

    def offset(spec: OffsetSpec) -> int:
        return int(admin.list_offsets({place: spec})[place].result().offset)

    def reset(to: int) -> None:
        moved = [ConsumerGroupTopicPartitions(GROUP, [TopicPartition(TOPIC, 0, to)])]
        admin.alter_consumer_group_offsets(moved)[GROUP].result()
        assert committed() == to

    def stop() -> None:
        assert httpx.put(f"{worker.url}/connectors/my-sink-connect/stop").status_code == 204
        wait_for(lambda: state() is ConsumerGroupState.EMPTY, 60, "the group is empty")

    def resume_and_read(offset: int) -> None:
        """Resume the sink, and see that it goes on from there: its rows are plain inserts."""
        rest = [json.loads(message.value or b"")["payload"] for message in topic(kafka)[offset:]]
        sql(f"DELETE FROM {TOPIC}")
        assert httpx.put(f"{worker.url}/connectors/my-sink-connect/resume").status_code == 202
        running(worker, "my-sink-connect")
        expected = sorted(row["name"] for row in rest)
        worker.until(lambda: names(sql) == expected, 60, str(expected))
        wait_for(lambda: committed() == offset + len(rest), 60, "the group commits its end")

    groups = admin.list_consumer_groups().result().valid
    assert GROUP in [group.group_id for group in groups]
    described = admin.describe_consumer_groups([GROUP])[GROUP].result()
    assert described.state is ConsumerGroupState.STABLE
    (member,) = described.members
    assert member.assignment.topic_partitions == [place]
    wait_for(lambda: committed() == 3, 30, "the group has committed")

    stop()
    status = worker.get("/connectors/my-sink-connect/status")
    assert (status["connector"]["state"], status["tasks"]) == ("STOPPED", [])
    last = topic(kafka)[-1].timestamp
    sql("INSERT INTO users (name) VALUES ('Dee'), ('Eve')")
    wait_for(lambda: offset(OffsetSpec.latest()) == 5, 30, "two more records")
    assert offset(OffsetSpec.latest()) - committed() == 2  # the lag

    # To the latest: what came meanwhile is never written, what comes from now on is.
    reset(offset(OffsetSpec.latest()))
    sql("INSERT INTO users (name) VALUES ('Fay')")
    wait_for(lambda: offset(OffsetSpec.latest()) == 6, 30, "one more record")
    resume_and_read(5)
    # To the earliest: all of it again.
    stop()
    reset(offset(OffsetSpec.earliest()))
    resume_and_read(0)
    # To a time: what was written after it.
    stop()
    reset(offset(OffsetSpec.for_timestamp(last + 1)))
    resume_and_read(3)
    # By -2 from where it stands.
    stop()
    reset(committed() - 2)
    resume_and_read(4)

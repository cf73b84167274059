"""The same worker with a real Kafka between: topics it creates, groups, offsets by hand."""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest

import devstack
from connect.errors import ConfigError
from connect.log import open_log
from connect.log.contract import Log
from connect.runtime.standalone import Worker
from connect.runtime.status import RequestError, State
from tests.connect.runtime.conftest import sink, source, until, written

pytestmark = pytest.mark.timeout(180)


@pytest.fixture
def kafka_settings(kafka: devstack.Server, settings: dict[str, str]) -> dict[str, str]:
    return settings | {"bootstrap.servers": kafka.url}


@pytest.fixture
def log(kafka_settings: dict[str, str]) -> Iterator[Log]:
    with open_log(kafka_settings) as opened:
        yield opened


def test_a_source_and_a_sink_over_kafka(
    kafka_settings: dict[str, str], log: Log, tmp_path: Path
) -> None:
    unique = uuid.uuid4().hex[:8]
    topic, name, file = f"numbers-{unique}", f"sink-{unique}", tmp_path / "out"
    with Worker(kafka_settings) as worker:
        worker.create(
            source(
                counter_topic=topic,
                counter_limit="1000",
                topic_creation_default_partitions="3",
                **{
                    "topic.creation.default.replication.factor": "1",
                    "topic.creation.default.retention.ms": "123456789",
                },
            )
        )
        worker.create(sink(file, name, topics=topic, tasks_max="2"))
        until(lambda: len(set(written(file))) == 1000, "all rows", 90)
        assert sorted(written(file)) == list(range(1000))
        assert log.partitions(topic) == 3
        assert log.topic_config(topic)["retention.ms"] == "123456789"

        def committed() -> int:
            return sum(int(str(offset["kafka_offset"])) for _, offset in worker.read_offsets(name))

        until(lambda: committed() == 1000, "the group's commit")
        assert [task.state for task in worker.connector(name).tasks] == [State.RUNNING] * 2
        place = {"kafka_topic": topic, "kafka_partition": 0}
        with pytest.raises(RequestError, match="must be in the STOPPED state"):
            worker.alter_offsets(name, [(place, {"kafka_offset": 0})])
        worker.stop(name)
        worker.reset_offsets(name)
        assert committed() == 0
        worker.resume(name)
        until(lambda: len(written(file)) == 2000, "all rows again", 90)


def test_dead_letters_on_kafka(kafka_settings: dict[str, str], log: Log, tmp_path: Path) -> None:
    unique = uuid.uuid4().hex[:8]
    topic, dead = f"text-{unique}", f"dead-{unique}"
    with log.producer(client_id="test") as producer:
        producer.produce(topic, [b"1", b"2"], [b"not json", b"[not json"])
    with Worker(kafka_settings) as worker:
        worker.create(
            sink(
                tmp_path / "out",
                f"sink-{unique}",
                topics=topic,
                errors_tolerance="all",
                errors_deadletterqueue_topic_name=dead,
                errors_deadletterqueue_topic_replication_factor="1",
                **{"errors.deadletterqueue.context.headers.enable": "true"},
            )
        )
        until(
            lambda: log.partitions(dead) and sum(log.end_offsets(dead).values()) == 2,
            "two dead letters",
            60,
        )
    first = next(log.read_to_end(dead))
    assert (first.key, first.value) == (b"1", b"not json")
    headers = dict(first.headers)
    assert headers["__connect.errors.stage"] == b"VALUE_CONVERTER"
    assert headers["__connect.errors.topic"] == topic.encode()


def test_a_kafka_worker_without_a_converter_is_refused(kafka_settings: dict[str, str]) -> None:
    del kafka_settings["value.converter"]
    with pytest.raises(ConfigError, match=r'required configuration "value\.converter"'):
        Worker(kafka_settings)

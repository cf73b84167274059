"""The servers a benchmark runs against, and the topics in the broker."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from confluent_kafka import Consumer, KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient
from confluent_kafka.cimpl import NewTopic

import devstack
from bench.program import Program


@dataclass(frozen=True)
class Sizes:
    """Events of each measurement."""

    bulk: int
    transactions: int
    snapshot: int
    sink: int


@dataclass(frozen=True)
class Stand:
    """Everything a measurement needs: servers, sizes, and the programs to compare."""

    mysql: devstack.Server
    kafka: devstack.Server
    postgres: devstack.Server
    sizes: Sizes
    programs: Sequence[Program]
    folder: Path

    def scratch(self, name: str) -> Path:
        """A new empty folder."""
        path = self.folder / name
        path.mkdir()
        return path


@contextmanager
def opened(sizes: Sizes, programs: Sequence[Program]) -> Iterator[Stand]:
    """A stand with servers of its own."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="bench-")))
        mysql = stack.enter_context(devstack.mysql("9.7"))
        kafka = stack.enter_context(devstack.kafka())
        postgres = stack.enter_context(devstack.postgres())
        yield Stand(mysql, kafka, postgres, sizes, programs, folder)


def empty_topic(kafka: devstack.Server, topic: str) -> None:
    """Make a topic of one partition, without what an earlier one of the name had."""
    admin = AdminClient({"bootstrap.servers": kafka.url})
    if topic in admin.list_topics(timeout=30).topics:
        admin.delete_topics([topic])[topic].result()
        while topic in admin.list_topics(timeout=30).topics:
            time.sleep(0.1)
    admin.create_topics([NewTopic(topic, 1)])[topic].result()


@contextmanager
def end_of(kafka: devstack.Server, topic: str) -> Iterator[Callable[[], int]]:
    """A function that tells how many records the topic's only partition has got."""
    consumer = Consumer({"bootstrap.servers": kafka.url, "group.id": "bench"})
    place = TopicPartition(topic, 0)

    def end() -> int:
        try:
            return int(consumer.get_watermark_offsets(place, timeout=10)[1])
        except KafkaException:
            return 0  # the new topic has no leader yet

    try:
        yield end
    finally:
        consumer.close()

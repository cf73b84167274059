"""What stands in a broker's topics, with the clocks taken out."""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from contextlib import closing
from typing import NamedTuple

import orjson
from confluent_kafka import Consumer, KafkaError, TopicPartition


class Message(NamedTuple):
    """One record, without its offset and timestamp."""

    topic: str
    partition: int
    key: bytes | None
    value: bytes | None
    headers: tuple[tuple[str, bytes | None], ...]


Topics = dict[str, list[Message]]

_SOURCE = rb'"source":\{"version":"'
_TEXT = rb'"(?:[^"\\]|\\.)*"'
_CLOCKS: tuple[tuple[re.Pattern[bytes], bytes], ...] = (
    # When an event was handled: an envelope's last members.
    (re.compile(rb'"ts_ms":\d+,"ts_us":\d+,"ts_ns":\d+(\}+)\Z'), rb'"ts_ms":0\1'),
    # When a schema change was handled.
    (re.compile(rb'\},"ts_ms":\d+,"databaseName":'), rb'},"ts_ms":0,"databaseName":'),
    # When a heartbeat was sent.
    (re.compile(rb'\A((?:.*"payload":)?)\{"ts_ms":\d+\}'), rb'\1{"ts_ms":0}'),
    # The program's version.
    (re.compile(_SOURCE + rb'[^"]*"'), rb'"source":{"version":""'),
    # When a snapshot came to a table: the times of a source block that is not streamed.
    (
        re.compile(
            rb'("source":\{"version":"","connector":"\w+","name":"\w+",)"ts_ms":\d+,'
            rb'("snapshot":"(?!false")\w+","db":' + _TEXT + rb',"sequence":null),'
            rb'"ts_us":\d+,"ts_ns":\d+,'
        ),
        rb'\1"ts_ms":0,\2,',
    ),
)
_RUN = "__debezium.context.runId"


def timeless(message: Message) -> Message:
    """The record without what differs from run to run."""
    value = message.value
    if value is not None:
        for pattern, text in _CLOCKS:
            value = pattern.sub(text, value)
    headers = tuple((name, b"" if name == _RUN else data) for name, data in message.headers)
    return message._replace(value=value, headers=headers)


def timeless_history(message: Message) -> Message:
    """A history record without times; its position is a map, whose order means nothing."""
    assert message.value is not None
    record = orjson.loads(message.value)
    position = record["position"]
    if "snapshot" in position:
        position["ts_sec"] = 0
    record = {**record, "position": dict(sorted(position.items())), "ts_ms": 0}
    return message._replace(value=orjson.dumps(record))


def read(brokers: str, wanted: Callable[[str], bool]) -> Topics:
    """Every record of every wanted topic, in the order of offsets."""
    settings = {"bootstrap.servers": brokers, "group.id": "reader", "enable.partition.eof": True}
    with closing(Consumer(settings | {"enable.auto.commit": False})) as consumer:
        places = [
            TopicPartition(topic, partition, 0)
            for topic, metadata in consumer.list_topics(timeout=30).topics.items()
            if wanted(topic)
            for partition in metadata.partitions
        ]
        found: Topics = {place.topic: [] for place in places}
        consumer.assign(places)
        ends = 0
        deadline = time.monotonic() + 60
        while ends < len(places):
            assert time.monotonic() < deadline, f"{brokers} does not answer"
            message = consumer.poll(1)
            if message is None:
                continue
            error = message.error()
            if error is not None:
                assert error.code() == KafkaError._PARTITION_EOF, error
                ends += 1
                continue
            topic, partition = message.topic(), message.partition()
            assert topic is not None
            assert partition is not None
            headers = tuple((item[0], _bytes(item[1])) for item in message.headers() or ())
            found[topic].append(
                Message(topic, partition, _bytes(message.key()), _bytes(message.value()), headers)
            )
    return found


def _bytes(data: str | bytes | None) -> bytes | None:
    return data.encode() if isinstance(data, str) else data

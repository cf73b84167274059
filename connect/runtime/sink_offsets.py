"""The offsets of a sink, which are those of its consumer group (KIP-875).

Kafka takes a commit from outside only while the group is empty, which it is for a stopped sink.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connect.config import parse_list
from connect.errors import DataError
from connect.log.contract import Consumer, Log, TopicPartition
from connect.runtime.task import overrides, sink_group

_NO_TOPIC = "(?!)"
"""A pattern no topic matches: a consumer of it belongs to a group and never joins it."""


class SinkOffsets:
    """``topics`` are those the sink is known to have read, beside those its settings list."""

    def __init__(
        self, log: Log, connector: str, settings: Mapping[str, str], topics: Iterable[str]
    ) -> None:
        self._log = log
        self._settings = settings
        self._group = sink_group(connector, settings)
        self._topics = sorted({*topics, *parse_list(settings.get("topics", ""))})

    def _consumer(self) -> Consumer:
        return self._log.consumer(
            self._group,
            _NO_TOPIC,
            client_id=f"{self._group}-offsets",
            config=overrides("consumer", self._settings),
        )

    def _partitions(self) -> list[TopicPartition]:
        return [
            TopicPartition(topic, number)
            for topic in self._topics
            for number in range(self._log.partitions(topic) or 0)
        ]

    def read(self) -> list[tuple[Mapping[str, object], Mapping[str, object]]]:
        """Every partition with a committed offset."""
        with self._consumer() as consumer:
            committed = consumer.committed(self._partitions())
        return [
            ({"kafka_topic": topic, "kafka_partition": number}, {"kafka_offset": offset})
            for (topic, number), offset in sorted(committed.items())
            if offset is not None
        ]

    def alter(
        self, changes: Sequence[tuple[Mapping[str, object], Mapping[str, object] | None]]
    ) -> None:
        """Commit other offsets; None means from the beginning. DataError for another form."""
        positions: dict[TopicPartition, int] = {}
        for partition, offset in changes:
            topic, number = partition.get("kafka_topic"), _number(partition, "kafka_partition")
            if not isinstance(topic, str):
                raise DataError(f"The partition {partition} has no kafka_topic.")
            position = 0 if offset is None else _number(offset, "kafka_offset")
            positions[TopicPartition(topic, number)] = position
        with self._consumer() as consumer:
            consumer.commit(positions)

    def reset(self) -> None:
        """Have the sink read everything from the beginning."""
        with self._consumer() as consumer:
            committed = consumer.committed(self._partitions())
            consumer.commit({place: 0 for place, at in committed.items() if at is not None})


def _number(values: Mapping[str, object], key: str) -> int:
    try:
        number = int(str(values[key]))
    except (KeyError, ValueError):
        number = -1
    if number < 0:
        raise DataError(f"{dict(values)} has no {key} that is a number of 0 or more.")
    return number

"""Messages produced and not yet in the file, by partition."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence

from connect.errors import ConfigError, LogError
from connect.log.contract import Headers, NewTopic, TopicPartition
from connect.log.embedded.file import Frozen, LogFile
from connect.log.embedded.frame import Frame, encode
from connect.log.partitioner_cy import partitions_of

FRAME_BYTES = 1 << 20
FRAME_MESSAGES = 10_000
MESSAGE_BYTES = 24
"""What a message takes in memory beside its key and value, roughly."""


class Buffer:
    """Frames in the making; ``bytes`` and ``messages`` are what it holds."""

    def __init__(self) -> None:
        self.bytes = 0
        self.messages = 0
        self._frames: dict[TopicPartition, list[Frame]] = {}
        self._sizes: dict[TopicPartition, int] = {}

    def add(
        self,
        at: TopicPartition,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps: Sequence[int],
        headers: Headers,
    ) -> None:
        count = len(values)
        size = sum(map(len, filter(None, keys))) + sum(map(len, filter(None, values)))
        size += count * MESSAGE_BYTES
        self.bytes += size
        self.messages += count
        step = min(FRAME_MESSAGES, max(1, count * FRAME_BYTES // max(size, 1)))
        for first in range(0, count, step):
            part = slice(first, first + step)
            part_size = size * min(step, count - first) // count
            frames = self._frames.setdefault(at, [])
            filled = self._sizes.get(at, 0)
            if (
                not frames
                or filled + part_size > FRAME_BYTES
                or len(frames[-1].values) + step > FRAME_MESSAGES
            ):
                frames.append(Frame())
                filled = 0
            frames[-1].add(keys[part], values[part], timestamps[part], headers)
            self._sizes[at] = filled + part_size

    def frozen(self) -> list[Frozen]:
        """Encoded, each partition's frames in order."""
        return [
            Frozen(at, len(frame.values), max(frame.timestamps), encode(frame))
            for at, frames in self._frames.items()
            for frame in frames
        ]


class Spreader:
    """Puts runs of messages into a buffer by Kafka's partitioning."""

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._topics: dict[str, tuple[int, bool, float]] = {}

    def spread(
        self,
        buffer: Buffer,
        topic: str,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps: Sequence[int],
        headers: Headers,
        partition: int | None,
        turn: int,
    ) -> None:
        """``turn`` chooses the partition of null keys. LogError before anything is buffered."""
        if len(keys) != len(values) or len(timestamps) not in (0, len(values)):
            raise ValueError("keys, values and timestamps differ in length")
        partitions, compacted = self.topic(topic)
        if compacted and None in keys:
            raise LogError(
                f"Topic {topic} is compacted; it takes no message without a key.",
                cure="Give the records a key, or the topic cleanup.policy=delete.",
            )
        if partition is not None and not 0 <= partition < partitions:
            raise LogError(f"Topic {topic} has no partition {partition}, only {partitions}.")
        times = timestamps or [int(time.time() * 1000)] * len(values)
        shared = tuple(headers)
        if partition is not None or partitions == 1:
            buffer.add(TopicPartition(topic, partition or 0), keys, values, times, shared)
            return
        rows: dict[int, list[int]] = {}
        for row, place in enumerate(partitions_of(keys, partitions, turn % partitions)):
            rows.setdefault(place, []).append(row)
        for place, chosen in rows.items():
            buffer.add(
                TopicPartition(topic, place),
                [keys[row] for row in chosen],
                [values[row] for row in chosen],
                [times[row] for row in chosen],
                shared,
            )

    def topic(self, topic: str) -> tuple[int, bool]:
        """Partitions and whether it is compacted. Creates it on first use, as a broker does."""
        partitions, compacted, since = self._topics.get(topic, (0, False, 0.0))
        if not partitions or time.monotonic() - since > 30:
            config = self._file.config(topic)
            if config is None:
                with self._file.writing():
                    self._file.create(NewTopic(topic))
                config = {}
            compacted = "compact" in config.get("cleanup.policy", "")
            partitions = len(self._file.places(topic))
            self._topics[topic] = (partitions, compacted, time.monotonic())
        return partitions, compacted


def number(settings: Mapping[str, str], key: str, default: int) -> int:
    try:
        return int(settings.get(key, default))
    except ValueError:
        raise ConfigError(
            key, f"Invalid value {settings[key]} for configuration {key}: not a number."
        ) from None

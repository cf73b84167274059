"""Positions of a polled table, and how Kafka Connect stores them.

Follows Confluent's ``TimestampIncrementingOffset`` and ``OffsetProtocols``. Member order is that
of the Java original, since a compacted offsets topic tells records apart by their key bytes.
"""

from __future__ import annotations

from typing import NamedTuple

from connect.batch import SourceOffset, SourcePartition
from connect.connector import OffsetReader
from connect.errors import SourceError

QUERY_PARTITION: SourcePartition = {"query": "query"}


class Position(NamedTuple):
    """The last timestamp (microseconds since the epoch) and the last id that were read."""

    micros: int | None = None
    key: int | None = None

    def offset(self) -> SourceOffset:
        """The stored form; ``timestamp_nanos`` is the nanosecond within the second."""
        members: dict[str, object] = {}
        if self.micros is not None:
            members["timestamp_nanos"] = self.micros % 1_000_000 * 1000
        if self.key is not None:
            members["incrementing"] = self.key
        if self.micros is not None:
            members["timestamp"] = self.micros // 1000
        return members


def position(offset: SourceOffset) -> Position:
    """Reads a stored offset; SourceError when it is not one of this connector's."""
    unknown = offset.keys() - {"timestamp_nanos", "incrementing", "timestamp"}
    if unknown or not all(type(value) is int for value in offset.values()):
        raise SourceError(
            f"The stored offset {dict(offset)!r} is not that of a polling source.",
            cure="Reset the connector's offsets, or give it another name.",
        )
    millis, nanos, key = (offset.get(n) for n in ("timestamp", "timestamp_nanos", "incrementing"))
    micros = None
    if isinstance(millis, int):
        within = nanos // 1000 if isinstance(nanos, int) else millis % 1000 * 1000
        micros = millis // 1000 * 1_000_000 + within
    return Position(micros, key if isinstance(key, int) else None)


def table_partition(qualified: str) -> SourcePartition:
    """Protocol 1: the unquoted name with its schema or database."""
    return {"protocol": "1", "table": qualified}


def bulk_partition(bare: str) -> SourcePartition:
    """Protocol 0: the bare name, still used by ``bulk`` and by offsets of old releases."""
    return {"table": bare}


def restore(reader: OffsetReader, *partitions: SourcePartition) -> Position | None:
    """The position stored under the first of ``partitions`` that has one."""
    for partition in partitions:
        offset = reader.offset(partition)
        if offset is not None:
            return position(offset)
    return None

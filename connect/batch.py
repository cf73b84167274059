"""What flows through the worker: batches of records that share everything but key and value.

A batch is a run of consecutive records of one topic that share partition, schemas and headers, so
that whatever depends on those is worked out once per batch, not per record. ``records()`` gives
single ones to those who need them, which the fast path does not.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple, Self, TypeAlias, overload

from connect.schema import Schema, Value

SourcePartition: TypeAlias = Mapping[str, object]
"""Names one stream of a source, e.g. ``{"server": "shop"}``; JSON-like, member order kept."""

SourceOffset: TypeAlias = Mapping[str, object]
"""A position in such a stream, JSON-like; what Kafka Connect stores as the offset's value."""


class Header(NamedTuple):
    """One record header."""

    name: str
    schema: Schema | None
    value: Value


class Record(NamedTuple):
    """One record out of a batch, as a single-record transform sees it."""

    topic: str
    partition: int | None
    key_schema: Schema | None
    key: Value
    value_schema: Schema | None
    value: Value
    headers: tuple[Header, ...]
    timestamp: int | None


@dataclass
class Batch:
    """Records of one topic with one key schema, value schema and header list.

    ``keys`` and ``values`` have the same length. A ``None`` value is a tombstone (its schema counts
    as null whatever ``value_schema`` is); a ``None`` key a record without key. ``timestamps`` are
    milliseconds since the epoch, one per record, or empty for "when the log receives it".
    """

    topic: str
    key_schema: Schema | None
    value_schema: Schema | None
    keys: Sequence[Value]
    values: Sequence[Value]
    partition: int | None = None
    headers: tuple[Header, ...] = ()
    timestamps: Sequence[int] = field(default_factory=tuple)

    def __len__(self) -> int:
        return len(self.values)

    def take(self, places: Sequence[int]) -> Self:
        """The records at these places, in this order, as a batch of their own."""
        return replace(self, **self._taken(places))

    def _taken(self, places: Sequence[int]) -> dict[str, Any]:
        """The members that have one item per record, cut down to ``places``."""
        return {
            "keys": [self.keys[place] for place in places],
            "values": [self.values[place] for place in places],
            "timestamps": [self.timestamps[p] for p in places] if self.timestamps else (),
        }

    def records(self) -> Iterator[Record]:
        for place, (key, value) in enumerate(zip(self.keys, self.values, strict=True)):
            yield Record(
                self.topic,
                self.partition,
                self.key_schema,
                key,
                self.value_schema if value is not None else None,
                value,
                self.headers,
                self.timestamps[place] if self.timestamps else None,
            )


class Offsets(Sequence[SourceOffset | None]):
    """Offsets of a batch's records that are made only when asked for, also those of a slice."""

    @abstractmethod
    def at(self, place: int) -> SourceOffset | None:
        """The offset of one record; ``place`` counts from 0 and is within the length."""

    @overload
    def __getitem__(self, place: int) -> SourceOffset | None: ...
    @overload
    def __getitem__(self, place: slice) -> Sequence[SourceOffset | None]: ...
    def __getitem__(
        self, place: int | slice
    ) -> SourceOffset | Sequence[SourceOffset | None] | None:
        found = range(len(self))[place]
        return self.at(found) if isinstance(found, int) else _Taken(self, found)


class _Taken(Offsets):
    """Those at some places of others."""

    def __init__(self, offsets: Sequence[SourceOffset | None], places: Sequence[int]) -> None:
        self._offsets = offsets
        self._places = places

    def __len__(self) -> int:
        return len(self._places)

    def at(self, place: int) -> SourceOffset | None:
        return self._offsets[self._places[place]]


@dataclass
class SourceBatch(Batch):
    """A batch on its way into the log.

    ``offsets[i]`` is where to go on after record i, once it and all before it are acknowledged. It
    is a sequence so that a source may compute its items only when asked; None stands for "no offset
    with this record" (a bulk poll).
    """

    source_partition: SourcePartition = field(default_factory=dict)
    offsets: Sequence[SourceOffset | None] = field(default_factory=tuple)

    def _taken(self, places: Sequence[int]) -> dict[str, Any]:
        return super()._taken(places) | {"offsets": _Taken(self.offsets, places)}

    @classmethod
    def progress(cls, partition: SourcePartition, offset: SourceOffset) -> Self:
        """No record, only an offset: nothing before it is of interest any more."""
        return cls(
            topic="",
            key_schema=None,
            value_schema=None,
            keys=(),
            values=(),
            source_partition=partition,
            offsets=[offset],
        )


@dataclass
class SinkBatch(Batch):
    """A batch read from the log; ``partition`` is set and ``offsets`` are the log's offsets.

    ``log_topic`` is where it was read, also when a transform has given it another ``topic``.
    """

    offsets: Sequence[int] = field(default_factory=tuple)
    log_topic: str = ""

    def __post_init__(self) -> None:
        self.log_topic = self.log_topic or self.topic

    def _taken(self, places: Sequence[int]) -> dict[str, Any]:
        return super()._taken(places) | {"offsets": [self.offsets[place] for place in places]}

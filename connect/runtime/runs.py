"""Cuts messages from the log into batches: runs of one topic, partition, schemas and headers."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import groupby
from operator import itemgetter

from connect.batch import Header, SinkBatch
from connect.converters.contract import Decoded
from connect.log.contract import Headers, Message
from connect.schema import Schema

HeaderDecoder = Callable[[str, Headers], tuple[Header, ...]]

_topic_and_partition = itemgetter(0, 1)
_offset, _timestamp, _key, _value, _headers = map(itemgetter, range(2, 7))
_schema, _decoded = map(itemgetter, range(2))


def partition_runs(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Consecutive messages of one topic and partition, in order."""
    for _, run in groupby(messages, _topic_and_partition):
        yield list(run)


def size(messages: Sequence[Message]) -> int:
    """Bytes of all keys and values."""
    keys, values = map(_key, messages), map(_value, messages)
    return sum(map(len, filter(None, keys))) + sum(map(len, filter(None, values)))


def batches(
    messages: Sequence[Message],
    keys: Sequence[Decoded],
    values: Sequence[Decoded],
    decode_headers: HeaderDecoder,
) -> Iterator[SinkBatch]:
    """The messages of one partition as batches as long as possible."""
    start = 0
    while start < len(messages):
        end = len(messages)
        if start or not (_alike(keys) and _alike(values) and not any(map(_headers, messages))):
            end = _end(messages, keys, values, start)
        run = messages[start:end]
        first = run[0]
        yield SinkBatch(
            topic=first.topic,
            partition=first.partition,
            key_schema=_column_schema(keys[start:end]),
            value_schema=_column_schema(values[start:end]),
            keys=list(map(_decoded, keys[start:end])),
            values=list(map(_decoded, values[start:end])),
            headers=decode_headers(first.topic, first.headers) if first.headers else (),
            timestamps=list(map(_timestamp, run)),
            offsets=list(map(_offset, run)),
        )
        start = end


def _alike(column: Sequence[Decoded]) -> bool:
    """All of one schema, which is the usual case and quickly seen."""
    return len(set(map(id, map(_schema, column)))) == 1


def _column_schema(column: Sequence[Decoded]) -> Schema | None:
    return next((schema for schema in map(_schema, column) if schema is not None), None)


class _Column:
    """The schema of a column so far; nulls fit any."""

    def __init__(self) -> None:
        self.schema: Schema | None = None
        self.settled = False

    def takes(self, item: Decoded) -> bool:
        if item.value is None:
            return True
        if not self.settled:
            self.schema, self.settled = item.schema, True
            return True
        return item.schema is self.schema


def _end(
    messages: Sequence[Message], keys: Sequence[Decoded], values: Sequence[Decoded], start: int
) -> int:
    """Where the run that begins at ``start`` ends."""
    key_column, value_column = _Column(), _Column()
    headers = messages[start].headers
    for place in range(start, len(messages)):
        if not (
            key_column.takes(keys[place])
            and value_column.takes(values[place])
            and messages[place].headers == headers
        ):
            return place
    return len(messages)

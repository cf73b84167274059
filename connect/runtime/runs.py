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


def partition_runs(messages: Sequence[Message]) -> Iterator[list[Message]]:
    """Consecutive messages of one topic and partition, in order."""
    for _, run in groupby(messages, _topic_and_partition):
        yield list(run)


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


def batches(
    messages: Sequence[Message],
    keys: Sequence[Decoded],
    values: Sequence[Decoded],
    decode_headers: HeaderDecoder,
) -> Iterator[SinkBatch]:
    """The messages of one partition as batches as long as possible."""
    start, size = 0, len(messages)
    while start < size:
        key_column, value_column = _Column(), _Column()
        headers = messages[start].headers
        end = start
        while (
            end < size
            and key_column.takes(keys[end])
            and value_column.takes(values[end])
            and messages[end].headers == headers
        ):
            end += 1
        run = messages[start:end]
        first = run[0]
        yield SinkBatch(
            topic=first.topic,
            partition=first.partition,
            key_schema=key_column.schema,
            value_schema=value_column.schema,
            keys=[key.value for key in keys[start:end]],
            values=[value.value for value in values[start:end]],
            headers=decode_headers(first.topic, headers) if headers else (),
            timestamps=[message.timestamp for message in run],
            offsets=[message.offset for message in run],
        )
        start = end

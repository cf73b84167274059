"""Joins small batches: a source of single-row transactions gives thousands of them a second.

What follows costs about as much for a batch of one record as for one of hundreds.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import accumulate, chain
from typing import overload

from connect.batch import SourceBatch, SourceOffset


class _Offsets(Sequence[SourceOffset | None]):
    """The offsets of several batches, still made only when asked for."""

    def __init__(self, parts: Sequence[Sequence[SourceOffset | None]]) -> None:
        self._parts = parts
        self._ends = list(accumulate(map(len, parts)))

    def __len__(self) -> int:
        return self._ends[-1]

    @overload
    def __getitem__(self, place: int) -> SourceOffset | None: ...
    @overload
    def __getitem__(self, place: slice) -> list[SourceOffset | None]: ...
    def __getitem__(self, place: int | slice) -> SourceOffset | list[SourceOffset | None] | None:
        if isinstance(place, slice):
            return [self[each] for each in range(*place.indices(len(self)))]
        place = range(len(self))[place]
        part = bisect_right(self._ends, place)
        return self._parts[part][place - self._ends[part]]


def joined(batches: Iterable[SourceBatch]) -> Iterator[SourceBatch]:
    """The same records in the same order, neighbours of one kind as one batch."""
    run: list[SourceBatch] = []
    for batch in batches:
        if run and not _alike(run[0], batch):
            yield _one(run)
            run = []
        run.append(batch)
    if run:
        yield _one(run)


def _alike(one: SourceBatch, other: SourceBatch) -> bool:
    return (
        one.topic == other.topic
        and one.key_schema is other.key_schema
        and one.value_schema is other.value_schema
        and one.partition == other.partition
        and one.headers == other.headers
        and bool(one.timestamps) == bool(other.timestamps)
        and one.source_partition == other.source_partition
        and bool(one.offsets) == bool(other.offsets)
    )


def _one(run: Sequence[SourceBatch]) -> SourceBatch:
    if len(run) == 1:
        return run[0]
    return replace(
        run[0],
        keys=list(chain.from_iterable(batch.keys for batch in run)),
        values=list(chain.from_iterable(batch.values for batch in run)),
        timestamps=list(chain.from_iterable(batch.timestamps for batch in run)),
        offsets=_Offsets([batch.offsets for batch in run]),
    )

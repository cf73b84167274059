"""Joining small batches changes nothing but how many there are."""

from __future__ import annotations

from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st

from connect.batch import Header, SourceBatch, SourceOffset
from connect.runtime.joining import joined
from connect.schema import INT32, STRING

KEYS = st.sampled_from([INT32, STRING, None])
HEADERS = st.sampled_from([(), (Header("a", STRING, "b"),)])


@st.composite
def batches(draw: st.DrawFn) -> SourceBatch:
    count = draw(st.integers(0, 3))
    column = st.lists(st.integers(0, 9), min_size=count, max_size=count)
    return SourceBatch(
        topic=draw(st.sampled_from("ab")),
        key_schema=draw(KEYS),
        value_schema=draw(KEYS),
        keys=draw(column),
        values=draw(column),
        partition=draw(st.sampled_from([None, 0])),
        headers=draw(HEADERS),
        timestamps=draw(st.one_of(st.just(()), column)),
        source_partition={"server": draw(st.sampled_from("xy"))},
        offsets=draw(st.one_of(st.just([]), column.map(_offsets))),
    )


def _offsets(places: Sequence[int]) -> list[SourceOffset | None]:
    return [{"at": place} if place else None for place in places]


def _records(found: Sequence[SourceBatch]) -> list[tuple[object, ...]]:
    return [
        (*record, batch.source_partition, batch.offsets[place] if batch.offsets else "none")
        for batch in found
        for place, record in enumerate(batch.records())
    ]


@given(st.lists(batches(), max_size=8))
def test_the_same_records_in_the_same_order(given_batches: list[SourceBatch]) -> None:
    together = list(joined(given_batches))
    assert _records(together) == _records(given_batches)
    assert len(together) <= len(given_batches)


def _batch(*offsets: SourceOffset) -> SourceBatch:
    count = len(offsets)
    return SourceBatch("t", None, STRING, [None] * count, ["v"] * count, offsets=offsets)


def test_neighbours_become_one() -> None:
    first, second, third = {"at": 1}, {"at": 2}, {"at": 3}
    (one,) = joined([_batch(first), _batch(second, third)])
    assert list(one.offsets) == [first, second, third]
    assert one.offsets[-1] == third
    assert one.offsets[1:] == [second, third]
    assert list(one.take([0, 2]).offsets) == [first, third]


def test_a_batch_alone_stays_what_it_is() -> None:
    alone = _batch({"at": 1})
    (same,) = joined([alone])
    assert same is alone

"""Cutting batches."""

from __future__ import annotations

from connect.batch import Batch, Header, Offsets, SinkBatch, SourceBatch, SourceOffset
from connect.schema import INT32, STRING


def test_records_of_a_batch() -> None:
    batch = Batch("t", INT32, STRING, [1, None], ["x", None], 2, (Header("h", None, 1),), [5, 6])
    first, second = batch.records()
    assert first == ("t", 2, INT32, 1, STRING, "x", (Header("h", None, 1),), 5)
    assert (second.key, second.value, second.value_schema, second.timestamp) == (
        None,
        None,
        None,
        6,
    )


def test_taking_some() -> None:
    batch = SinkBatch("t", None, None, [1, 2, 3], ["a", "b", "c"], 0, offsets=[10, 11, 12])
    taken = batch.take([2, 0])
    assert isinstance(taken, SinkBatch)
    assert (taken.keys, taken.values, taken.offsets) == ([3, 1], ["c", "a"], [12, 10])
    assert not taken.timestamps
    assert len(batch) == 3


class Lazy(Offsets):
    """Offsets that remember which of them were asked for."""

    def __init__(self) -> None:
        self.asked: list[int] = []

    def __len__(self) -> int:
        return 4

    def at(self, place: int) -> SourceOffset:
        self.asked.append(place)
        return {"pos": place}


def test_offsets_are_computed_when_asked_for() -> None:
    offsets = Lazy()
    batch = SourceBatch("t", None, None, [0, 1, 2, 3], [0, 1, 2, 3], timestamps=[1, 2, 3, 4],
                        offsets=offsets)  # fmt: skip
    taken = batch.take([1, 3])
    again = taken.take([1])
    assert offsets.asked == []
    assert (taken.timestamps, again.values) == ([2, 4], [3])
    assert taken.offsets[-1] == {"pos": 3}
    assert list(again.offsets) == [{"pos": 3}]
    assert list(taken.offsets[:1]) == [{"pos": 1}]

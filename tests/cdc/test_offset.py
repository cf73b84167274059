"""Offsets: Debezium's form, and which of two places comes first."""

from __future__ import annotations

import pytest

from cdc.binlog.steps import BinlogPosition
from cdc.offset import Offset, RowOffsets, at_or_before, order
from connect.errors import SourceError

UUID = "b2a715d4-e4b3-11f1-a859-02fc00000001"


def test_a_stored_offset_is_read_and_written_alike() -> None:
    stored = {
        "ts_sec": 1795161345,
        "file": "mysql-bin.000002",
        "pos": 9051,
        "gtids": f"{UUID}:1-264",
        "row": 1,
        "event": 4,
        "server_id": 223344,
    }
    offset = Offset.read(stored)
    assert offset.members() == stored
    assert list(offset.members()) == list(stored)


@pytest.mark.parametrize(
    ("flag", "read"), [(True, "INITIAL"), ("INITIAL", "INITIAL"), (False, None)]
)
def test_the_snapshot_flag_of_all_ages(flag: object, read: str | None) -> None:
    assert Offset.read({"file": "a.1", "pos": 4, "snapshot": flag}).snapshot == read


def test_what_is_no_offset_is_said() -> None:
    with pytest.raises(SourceError, match="not one of a binlog source"):
        Offset.read({"incrementing": 7})


def test_files_are_ordered_by_their_numbers() -> None:
    assert order(BinlogPosition("binlog.1000000", 4)) > order(BinlogPosition("binlog.999999", 900))
    with pytest.raises(SourceError, match="not the name of a binlog file"):
        order(BinlogPosition("binlog", 4))


@pytest.mark.parametrize(
    ("recorded", "desired", "answer"),
    [
        ({"gtids": f"{UUID}:1-5"}, {"gtids": f"{UUID}:1-6"}, True),
        ({"gtids": f"{UUID}:1-7"}, {"gtids": f"{UUID}:1-6"}, False),
        ({"gtids": f"{UUID}:1-6", "event": 2}, {"gtids": f"{UUID}:1-6", "event": 1}, False),
        ({"gtids": f"{UUID}:1-6"}, {"gtids": f"{UUID}:1-6", "snapshot": "INITIAL"}, False),
        ({}, {"gtids": f"{UUID}:1-6"}, True),
        ({"gtids": f"{UUID}:1-6"}, {}, False),
        ({"file": "b.2", "pos": 4}, {"file": "b.10", "pos": 4}, True),
        ({"file": "b.2", "pos": 5}, {"file": "b.2", "pos": 4}, False),
        ({"file": "b.2", "pos": 4, "row": 1}, {"file": "b.2", "pos": 4}, False),
    ],
)
def test_recorded_at_or_before(
    recorded: dict[str, object], desired: dict[str, object], answer: bool
) -> None:
    place = {"file": "b.1", "pos": 4}
    assert at_or_before(place | recorded, place | desired) is answer


def test_offsets_of_rows_are_made_when_asked_for() -> None:
    base = Offset(BinlogPosition("b.1", 4, None, event=2, row=3), 7)
    offsets = RowOffsets(base, range(1, 4))
    assert len(offsets) == 3
    assert offsets[0] == {"ts_sec": 7, "file": "b.1", "pos": 4, "row": 4, "event": 2}
    assert offsets[-1]["row"] == 6
    assert [found["row"] for found in offsets[1:] if found] == [5, 6]

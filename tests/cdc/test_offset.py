"""Offsets: Debezium's form, and which of two places comes first."""

from __future__ import annotations

import pytest

from cdc.binlog.steps import BinlogPosition, Kind, RowsStep, Transaction
from cdc.offset import Offset, RowOffsets, at_or_before, order, recorded_by
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


def _offset(**members: object) -> Offset:
    return Offset.read({"file": "b.1", "pos": 4} | members)


@pytest.mark.parametrize(
    ("record", "stored", "answer"),
    [
        ({"gtids": f"{UUID}:1-5"}, {"gtids": f"{UUID}:1-6"}, True),
        ({"gtids": f"{UUID}:1-7"}, {"gtids": f"{UUID}:1-6"}, False),
        # The statement is transaction 7, which comes again.
        ({"gtids": f"{UUID}:1-6", "pos": 90}, {"gtids": f"{UUID}:1-6", "pos": 50}, False),
        # A snapshot saw all of its set.
        ({"gtids": f"{UUID}:1-6", "snapshot": "INITIAL"}, {"gtids": f"{UUID}:1-6"}, True),
        ({"gtids": f"{UUID}:1-6"}, {"gtids": f"{UUID}:1-6", "snapshot": "INITIAL"}, False),
        ({}, {"gtids": f"{UUID}:1-6"}, True),
        ({"file": "b.2"}, {"file": "b.10"}, True),
        ({"file": "b.2", "pos": 5}, {"file": "b.2"}, False),
        ({"file": "b.2", "pos": 5}, {"file": "b.2", "pos": 5}, True),
        ({"file": "b.2", "row": 1}, {"file": "b.2"}, False),
    ],
)
def test_what_history_had_been_executed(
    record: dict[str, object], stored: dict[str, object], answer: bool
) -> None:
    assert recorded_by(_offset(**record), _offset(**stored), by_gtid=True) is answer


def test_by_position_a_statement_that_ended_there_is_done_with() -> None:
    record = _offset(gtids=f"{UUID}:1-6", pos=90)
    assert recorded_by(record, _offset(gtids=f"{UUID}:1-6", pos=90), by_gtid=False)
    assert not recorded_by(record, _offset(gtids=f"{UUID}:1-6", pos=50), by_gtid=False)


def test_which_place_comes_first() -> None:
    assert at_or_before(_offset(gtids=f"{UUID}:1-6"), _offset(gtids=f"{UUID}:1-6"))
    assert not at_or_before(_offset(gtids=f"{UUID}:1-7"), _offset(gtids=f"{UUID}:1-6"))
    assert at_or_before(_offset(file="b.9"), _offset(file="b.10"))


def test_offsets_of_rows_are_made_when_asked_for() -> None:
    transaction = Transaction("b.1", 4, None, None, None, None, 7)
    step: RowsStep[None] = RowsStep(
        None, Kind.INSERT, [], [(1,)] * 3, transaction, 90, 120, 7, 5, 2, 3, False, None
    )
    offsets = RowOffsets(step, 7, range(1, 4))
    assert len(offsets) == 3
    assert offsets[0] == {
        "ts_sec": 7, "file": "b.1", "pos": 4, "row": 4, "event": 2, "server_id": 5
    }  # fmt: skip
    assert [found["row"] for found in offsets if found] == [4, 5, 6]
    assert [found["row"] for found in offsets[1:] if found] == [5, 6]

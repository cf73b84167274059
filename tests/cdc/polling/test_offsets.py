"""How offsets move and how they are stored."""

from __future__ import annotations

import bisect
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.polling.modes import Mode, Moves, Terms, bounds, clause
from cdc.polling.offsets import Position, position, restore
from connect.errors import SourceError
from connect.offsets import MemoryOffsets, StoredOffset


@pytest.mark.parametrize(
    ("mode", "text", "values"),
    [
        (Mode.BULK, "", ()),
        (Mode.INCREMENTING, " WHERE I > ? ORDER BY I ASC", (7,)),
        (Mode.TIMESTAMP, " WHERE T > @ AND T < @ ORDER BY T ASC", ("begin", "end")),
        (
            Mode.TIMESTAMP_INCREMENTING,
            " WHERE T < @ AND ((T = @ AND I > ?) OR T > @) ORDER BY T,I ASC",
            ("end", "begin", 7, "begin"),
        ),
    ],
)
def test_clauses(mode: Mode, text: str, values: tuple[object, ...]) -> None:
    assert clause(mode, Terms("T", "I", "@", "?")) == text
    assert bounds(mode, "begin", "end", 7) == values


@pytest.mark.parametrize(
    ("where", "stored"),
    [
        (
            Position(1_700_000_000_123_456, None),
            '{"timestamp_nanos":123456000,"timestamp":1700000000123}',
        ),
        (Position(None, 42), '{"incrementing":42}'),
        (
            Position(1_700_000_000_000_001, 42),
            '{"timestamp_nanos":1000,"incrementing":42,"timestamp":1700000000000}',
        ),
        (Position(-1, None), '{"timestamp_nanos":999999000,"timestamp":-1}'),
    ],
)
def test_stored_form_byte_for_byte(where: Position, stored: str) -> None:
    assert json.dumps(where.offset(), separators=(",", ":")) == stored
    assert position(json.loads(stored)) == where


@given(st.integers(-(10**17), 10**17), st.integers(-1, 2**63 - 1))
def test_positions_round_trip(micros: int, key: int) -> None:
    assert position(Position(micros, key).offset()) == Position(micros, key)


def test_an_offset_without_nanos_is_in_whole_milliseconds() -> None:
    assert position({"timestamp": 1500}) == Position(1_500_000, None)


@pytest.mark.parametrize("offset", [{"file": "binlog.000001", "pos": 4}, {"incrementing": "7"}])
def test_another_connectors_offset_is_refused(offset: dict[str, object]) -> None:
    with pytest.raises(SourceError, match="not that of a polling source"):
        position(offset)


def test_the_newer_protocol_wins() -> None:
    reader = MemoryOffsets(
        [
            StoredOffset({"table": "t"}, {"incrementing": 1}),
            StoredOffset({"table": "d.t", "protocol": "1"}, {"incrementing": 2}),
        ]
    )
    newer, older = {"protocol": "1", "table": "d.t"}, {"table": "t"}
    assert restore(reader, newer, older) == Position(None, 2)
    assert restore(reader, {"protocol": "1", "table": "other.t"}, older) == Position(None, 1)
    assert restore(reader, {"query": "query"}) is None


@given(
    st.lists(st.integers(1, 6), min_size=1, max_size=12).map(sorted),
    st.integers(1, 4),
)
def test_going_on_from_any_offset_loses_no_row(times: list[int], batch: int) -> None:
    """Rows of one result, given in batches; the offset after each must leave what follows."""
    before = Position(0, None)
    for start in range(0, len(times), batch):
        given_rows = times[start : start + batch]
        following = times[start + batch] if start + batch < len(times) else None
        moves = Moves(Mode.TIMESTAMP, before, len(given_rows), given_rows, (), following)
        for place in range(len(given_rows)):
            micros = moves.position(place).micros
            assert micros is not None
            assert bisect.bisect_right(times, micros) <= start + place + 1
        before = moves.position(len(given_rows) - 1)
    assert before.micros == times[-1]


def test_offsets_as_a_sequence() -> None:
    moves = Moves(Mode.INCREMENTING, Position(), 3, (), [5, 6, 9])
    assert moves[-1] == {"incrementing": 9}
    assert list(moves[:2]) == [{"incrementing": 5}, {"incrementing": 6}]
    assert [*moves] == [{"incrementing": 5}, {"incrementing": 6}, {"incrementing": 9}]
    with pytest.raises(IndexError):
        moves[3]
    assert list(Moves(Mode.BULK, Position(), 2)) == [None, None]

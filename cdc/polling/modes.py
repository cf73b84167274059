"""The four ways to ask a table for what is new: clauses, bound values, and how offsets move.

What each mode promises when the connector or the database stops at any moment:

``bulk``
    Every poll gives the whole table. Nothing is stored.
``incrementing``
    Every row whose id is greater than all ids read before. Rows are given once, or again after a
    crash. A transaction that commits a smaller id after a greater one was read is missed, and so
    is every update.
``timestamp``
    Every row whose timestamp lies between the last one read and the database's clock (less
    ``timestamp.delay.interval.ms``), both ends excluded. A group of equal timestamps is only
    counted as read when a later one was seen or the result ended, so a stop inside it repeats rows
    and loses none. A transaction that commits a timestamp at or before the last one read is missed.
``timestamp+incrementing``
    As ``timestamp``, with the id telling equal timestamps apart: a stop anywhere loses nothing, and
    later rows with the last timestamp are found if their id is greater. Late commits with an
    earlier timestamp are missed.

A delay longer than the longest transaction closes the gap of the two timestamp modes. No mode sees
deletes, and a row whose timestamp is null is never given.

Follows Confluent's ``TimestampIncrementingCriteria`` and ``TimestampTableQuerier``.
"""

from __future__ import annotations

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, TypeVar

from cdc.polling.offsets import Position
from connect.batch import Offsets, SourceOffset

T = TypeVar("T")


class Mode(StrEnum):
    UNSET = ""
    BULK = "bulk"
    TIMESTAMP = "timestamp"
    INCREMENTING = "incrementing"
    TIMESTAMP_INCREMENTING = "timestamp+incrementing"

    @property
    def timed(self) -> bool:
        return self in (Mode.TIMESTAMP, Mode.TIMESTAMP_INCREMENTING)

    @property
    def counted(self) -> bool:
        return self in (Mode.INCREMENTING, Mode.TIMESTAMP_INCREMENTING)


class Terms(NamedTuple):
    """SQL of what a clause is made of: the two columns, and the places of bound values."""

    time: str
    key: str
    time_mark: str
    key_mark: str


def clause(mode: Mode, terms: Terms) -> str:
    """What follows the SELECT, with a blank before it; empty for ``bulk``."""
    time, key, at, last = terms
    if mode is Mode.INCREMENTING:
        return f" WHERE {key} > {last} ORDER BY {key} ASC"
    if mode is Mode.TIMESTAMP:
        return f" WHERE {time} > {at} AND {time} < {at} ORDER BY {time} ASC"
    if mode is Mode.TIMESTAMP_INCREMENTING:
        return (
            f" WHERE {time} < {at} AND (({time} = {at} AND {key} > {last}) OR {time} > {at})"
            f" ORDER BY {time},{key} ASC"
        )
    return ""


def bounds(mode: Mode, begin: T, end: T, last: int) -> tuple[T | int, ...]:
    """Values for the marks of ``clause``, in order; times in whatever form the database wants."""
    if mode is Mode.INCREMENTING:
        return (last,)
    if mode is Mode.TIMESTAMP:
        return (begin, end)
    if mode is Mode.TIMESTAMP_INCREMENTING:
        return (end, begin, last, begin)
    return ()


class Moves(Offsets):
    """The offset after each row of one fetch, worked out when asked for.

    ``before`` is the position before the first row. ``times`` (microseconds) and ``ids`` hold one
    value a row where the mode has them. ``next_time`` is the timestamp of the row that follows, or
    None where the result has ended.
    """

    def __init__(
        self,
        mode: Mode,
        before: Position,
        size: int,
        times: Sequence[int] = (),
        ids: Sequence[int] = (),
        next_time: int | None = None,
    ) -> None:
        self._mode = mode
        self._before = before
        self._size = size
        self._times = times
        self._ids = ids
        self._next_time = next_time

    def __len__(self) -> int:
        return self._size

    def position(self, place: int) -> Position:
        """Where to go on after the row at ``place`` (0 based)."""
        if self._mode is Mode.INCREMENTING:
            return Position(None, self._ids[place])
        if self._mode is Mode.TIMESTAMP_INCREMENTING:
            return Position(self._times[place], self._ids[place])
        if self._mode is Mode.TIMESTAMP:
            return Position(self._settled(place), None)
        return self._before

    def _settled(self, place: int) -> int | None:
        """The latest timestamp whose rows have all been given once this one has."""
        times = self._times
        time = times[place]
        following = times[place + 1] if place + 1 < self._size else self._next_time
        if following is None or following != time:
            return time
        while place >= 0:
            if times[place] != time:
                return times[place]
            place -= 1
        return self._before.micros

    def at(self, place: int) -> SourceOffset | None:
        return None if self._mode is Mode.BULK else self.position(place).offset()

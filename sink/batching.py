"""Puts changes into the fewest runs that leave the target as one by one would have.

Pure functions over events; nothing here knows of schemas or databases.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from enum import Enum, auto
from typing import NamedTuple, TypeVar

from connect.schema import Value
from sink.keys import Key

T = TypeVar("T")


class Op(Enum):
    WRITE = auto()
    DELETE = auto()
    TRUNCATE = auto()


class Event(NamedTuple):
    """One change: the key (empty without one), the row (None unless a write), and its origin:
    the batch's number within the put, and the record's place in the batch."""

    op: Op
    key: Key
    row: Value
    batch: int
    place: int


class Run(NamedTuple):
    """Events of one kind to be done at once, no key twice."""

    op: Op
    events: Sequence[Event]


def collapse(events: Iterable[Event], *, update_only: bool = False) -> list[Run]:
    """Keep the last event of each key: deletes first, then writes.

    A key deleted and written again is in both, so that columns nobody writes start anew.
    With ``update_only`` a write to a key deleted before changes nothing and is left out.
    Events before a truncate are dropped, for nothing of them remains.
    """
    deletes: dict[Key, Event] = {}
    writes: dict[Key, Event] = {}
    runs: list[Run] = []
    for event in events:
        if event.op is Op.WRITE:
            if update_only and (event.key in deletes or runs):
                continue
            writes.pop(event.key, None)
            writes[event.key] = event
        elif event.op is Op.DELETE:
            writes.pop(event.key, None)
            deletes[event.key] = event
        else:
            deletes.clear()
            writes.clear()
            runs = [Run(Op.TRUNCATE, [event])]
    if deletes:
        runs.append(Run(Op.DELETE, list(deletes.values())))
    if writes:
        runs.append(Run(Op.WRITE, list(writes.values())))
    return runs


def in_order(events: Iterable[Event]) -> list[Run]:
    """Keep every event and their order: runs of one kind, cut where a key comes again."""
    runs: list[Run] = []
    current: list[Event] = []
    seen: set[Key] = set()
    for event in events:
        if current and (event.op is not current[0].op or (event.key and event.key in seen)):
            runs.append(Run(current[0].op, current))
            current, seen = [], set()
        current.append(event)
        seen.add(event.key)
    if current:
        runs.append(Run(current[0].op, current))
    return runs


def chunks(items: Sequence[T], size: int) -> Iterator[Sequence[T]]:
    """``items`` in pieces of at most ``size``."""
    for start in range(0, len(items), size):
        yield items[start : start + size]

"""Runs leave a table as the events one by one would have."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import given
from hypothesis import strategies as st

from sink.batching import Event, Op, Run, chunks, collapse, in_order

State = dict[tuple[int, ...], tuple[int, bool]]
"""Rows by key: the value written, and whether the row is the one that was there at first (whose
other columns somebody may have filled)."""

EVENTS = st.lists(
    st.tuples(st.sampled_from([Op.WRITE] * 5 + [Op.DELETE] * 3 + [Op.TRUNCATE]), st.integers(0, 4))
).map(
    lambda pairs: [
        Event(op, () if op is Op.TRUNCATE else (key,), (n,) if op is Op.WRITE else None, 0, n)
        for n, (op, key) in enumerate(pairs)
    ]
)
STATES = st.dictionaries(
    st.tuples(st.integers(0, 4)), st.tuples(st.integers(-9, -1), st.just(True))
)


def applied(state: State, events: Iterable[Event], *, update_only: bool = False) -> State:
    after = dict(state)
    for event in events:
        if event.op is Op.TRUNCATE:
            after.clear()
        elif event.op is Op.DELETE:
            after.pop(event.key, None)
        elif event.key in after or not update_only:
            after[event.key] = (event.row[0], after.get(event.key, (0, False))[1])
    return after


def flat(runs: Iterable[Run]) -> list[Event]:
    return [event for run in runs for event in run.events]


@given(STATES, EVENTS)
def test_collapsed_upserts_end_the_same(state: State, events: list[Event]) -> None:
    assert applied(state, flat(collapse(events))) == applied(state, events)


@given(STATES, EVENTS)
def test_collapsed_updates_end_the_same(state: State, events: list[Event]) -> None:
    runs = collapse(events, update_only=True)
    once = applied(state, flat(runs), update_only=True)
    assert once == applied(state, events, update_only=True)


@given(STATES, EVENTS)
def test_collapsed_runs_may_be_replayed(state: State, events: list[Event]) -> None:
    """From any point on: what the log gives again after a crash ends where it ended."""
    after = applied(state, flat(collapse(events)))
    for start in range(len(events)):
        again = applied(after, flat(collapse(events[start:])))
        assert {k: v[0] for k, v in again.items()} == {k: v[0] for k, v in after.items()}


@given(EVENTS)
def test_ordered_runs_keep_everything(events: list[Event]) -> None:
    runs = in_order(events)
    assert flat(runs) == events
    for run in runs:
        assert {event.op for event in run.events} == {run.op}


@given(EVENTS)
def test_no_key_is_twice_in_a_run(events: list[Event]) -> None:
    for run in (*in_order(events), *collapse(events)):
        if run.op is not Op.TRUNCATE:
            keys = [event.key for event in run.events]
            assert len(keys) == len(set(keys))


@given(st.lists(st.integers()), st.integers(1, 5))
def test_chunks_are_the_whole(items: list[int], size: int) -> None:
    pieces = list(chunks(items, size))
    assert [item for piece in pieces for item in piece] == items
    assert all(0 < len(piece) <= size for piece in pieces)


def test_records_without_key_stay_together() -> None:
    events = [Event(Op.WRITE, (), (n,), 0, n) for n in range(3)]
    assert in_order(events) == [Run(Op.WRITE, events)]

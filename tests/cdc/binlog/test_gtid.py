"""GTID sets against a model: plain Python sets of numbers."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.binlog.gtid import GtidSet, MariadbGtids
from connect.errors import DataError
from tests.cdc.binlog.source import Source

SOURCES = [
    "3e11fa47-71ca-11e1-9e33-c80aa9429562",
    "3e11fa47-71ca-11e1-9e33-c80aa9429562:shop",
    "ffffffff-0000-0000-0000-000000000000",
]
models = st.dictionaries(
    st.sampled_from(SOURCES), st.sets(st.integers(1, 40), min_size=1), max_size=3
)


def made(model: dict[str, set[int]]) -> GtidSet:
    return GtidSet.parse(",".join(f"{s}:{n}" for s, ns in model.items() for n in ns))


def members(gtids: GtidSet) -> dict[str, set[int]]:
    return {
        source: {n for low, high in ranges for n in range(low, high + 1)}
        for source, ranges in gtids.ranges.items()
    }


@given(models, models)
def test_set_algebra(a: dict[str, set[int]], b: dict[str, set[int]]) -> None:
    one, two = made(a), made(b)
    assert members(one) == a
    every = {*a, *b}
    union = {s: a.get(s, set()) | b.get(s, set()) for s in every}
    assert members(one | two) == union
    difference = {s: a[s] - b.get(s, set()) for s in a}
    assert members(one - two) == {s: ns for s, ns in difference.items() if ns}
    common = {s: a[s] & b.get(s, set()) for s in a}
    assert members(one & two) == {s: ns for s, ns in common.items() if ns}
    assert (one <= two) == all(a[s] <= b.get(s, set()) for s in a)
    assert members(one.completed_by(two)) == {**b, **a}
    for source in SOURCES:
        assert one.contains(f"{source}:7") == (7 in a.get(source, set()))
        added = one.add(f"{source}:7")
        assert added == one | made({source: {7}})
        assert one <= added


@given(models)
def test_both_written_forms(model: dict[str, set[int]]) -> None:
    gtids = made(model)
    assert GtidSet.parse(str(gtids)) == gtids
    assert GtidSet.decode(gtids.encode()) == gtids


@given(models, st.data())
def test_damaged_binary_form(model: dict[str, set[int]], data: st.DataObject) -> None:
    encoded = made(model).encode()
    cut = data.draw(st.integers(0, len(encoded) - 1))
    with pytest.raises(DataError):
        GtidSet.decode(encoded[:cut])


@pytest.mark.parametrize("text", ["x", "3e11fa47-71ca-11e1-9e33-c80aa9429562", f"{SOURCES[0]}:0",
                                  f"{SOURCES[0]}:1-x", f"{SOURCES[0]}:9tag:1"])  # fmt: skip
def test_wrong_text(text: str) -> None:
    with pytest.raises(DataError):
        GtidSet.parse(text)


def test_the_server_writes_it_the_same(source: Source) -> None:
    text = f"{SOURCES[2]}:5,{SOURCES[0]}:shop:1-3:7,{SOURCES[0].upper()}:3:1-2"
    ((shown,),) = source.execute(f"SELECT GTID_SUBTRACT('{text}', '')")
    assert str(GtidSet.parse(text)) == shown.replace("\n", "")


def test_mariadb() -> None:
    gtids = MariadbGtids.parse("0-1-5, 1-2-7")
    assert str(gtids) == "0-1-5,1-2-7"
    assert str(gtids.add("0-3-6")) == "0-3-6,1-2-7"
    assert gtids <= gtids.add("2-1-1")
    assert not gtids.add("0-1-6") <= gtids
    assert gtids.contains("0-1-4")
    assert not gtids.contains("0-1-6")
    assert str(gtids.restricted(lambda domain: domain == "1")) == "1-2-7"
    with pytest.raises(DataError):
        MariadbGtids.parse("0-1")

"""Orders that Debezium's sets of table names had in its records."""

from __future__ import annotations

import pytest

from connect.java_hash import in_hash_order, java_hash


@pytest.mark.parametrize(
    "order",
    [["ds.s2", "ds.s", "ds.a"], ["ds.l2", "ds.p3"], ["seen.never_there", "seen.uniqued"]],
)
def test_order(order: list[str]) -> None:
    assert in_hash_order(order) == order
    assert in_hash_order(reversed(order)) == order


def test_hash() -> None:
    assert java_hash("") == 0
    assert java_hash("hello") == 99162322
    assert java_hash("漢😀") == (0x6F22 * 31 + 0xD83D) * 31 + 0xDE00

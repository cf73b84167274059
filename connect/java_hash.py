"""The order in which a ``java.util.HashSet`` of texts gives them, for texts that are made so."""

from __future__ import annotations

from collections.abc import Iterable


def in_hash_order(texts: Iterable[str]) -> list[str]:
    """The texts as they come out of a HashSet that they were put into one by one."""
    unique = list(dict.fromkeys(texts))
    capacity = 16
    while len(unique) > capacity * 3 // 4:
        capacity *= 2

    def bucket(text: str) -> int:
        spread = java_hash(text)
        return (spread ^ spread >> 16) & capacity - 1

    return sorted(unique, key=bucket)


def java_hash(text: str) -> int:
    """``String.hashCode()`` as an unsigned number."""
    units = text.encode("utf-16-be", "surrogatepass")
    value = 0
    for place in range(0, len(units), 2):
        value = value * 31 + int.from_bytes(units[place : place + 2], "big") & 0xFFFFFFFF
    return value

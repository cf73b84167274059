"""Names as they stand in SQL."""

from __future__ import annotations


def quoted(*names: str, mark: str = '"') -> str:
    """The names joined by dots, each between marks; a mark inside a name is doubled.

    An empty mark leaves the names as they are.
    """
    return ".".join(mark + name.replace(mark, mark * 2) + mark for name in names)


def backticked(*names: str) -> str:
    """The same as MySQL has it in any SQL mode."""
    return quoted(*names, mark="`")

"""Target tables as the database describes them, and their names."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Final

from connect.errors import ConfigError

_PART: Final = r'(?:"(?:[^"]|"")+"|`(?:[^`]|``)+`|\[[^\]]+\]|[^."`\[\]]+)'
_NAME: Final = re.compile(rf"{_PART}(?:\.{_PART})*")
_PARTS: Final = re.compile(_PART)


@dataclass(frozen=True)
class TableName:
    """A table and the schema (on MySQL: the database) it is in; empty for the session's own."""

    schema: str
    table: str

    def __str__(self) -> str:
        return f"{self.schema}.{self.table}" if self.schema else self.table


@dataclass(frozen=True)
class TargetColumn:
    """A column as it is. ``type`` is the database's own text, in lower case. What ``generated``
    says the database works out itself, and nobody writes.
    """

    name: str
    type: str
    nullable: bool
    has_default: bool
    generated: bool = False


@dataclass(frozen=True)
class Table:
    """A table as it is. ``uniques`` are the column sets of every unique key, the primary too."""

    name: TableName
    columns: Mapping[str, TargetColumn]
    uniques: frozenset[frozenset[str]] = field(default_factory=frozenset)
    is_view: bool = False

    @cached_property
    def _folded(self) -> Mapping[str, TargetColumn]:
        return {name.lower(): column for name, column in self.columns.items()}

    def column(self, name: str) -> TargetColumn | None:
        """The column called so, exactly or else in another case."""
        return self.columns.get(name) or self._folded.get(name.lower())

    def other_uniques(self, key: frozenset[str]) -> list[list[str]]:
        """Unique keys beside ``key``: two rows with different keys may still collide on these."""
        return sorted(sorted(unique) for unique in self.uniques if unique != key)


def parse_name(text: str, *, topic: str) -> TableName:
    """Read ``[schema.]table``, parts optionally in the quotes of any dialect.

    ConfigError for ``table.name.format`` where there are more parts than the databases have.
    """
    if not _NAME.fullmatch(text):
        raise ConfigError(
            "table.name.format",
            f"Topic {topic} gives the table name {text!r}, which cannot be read.",
            cure="Write schema.table, each part plain or in quotes.",
        )
    parts = [_unquoted(part) for part in _PARTS.findall(text)]
    if len(parts) > 2:
        raise ConfigError(
            "table.name.format",
            f"Topic {topic} gives the table name {text}, which has {len(parts)} parts "
            "where at most two (schema.table) are known.",
            cure="Route the topic with RegexRouter, list it in topics.to.tables.mapping, "
            'or keep its dots in the name with table.name.format="${topic}" (quotes included).',
        )
    return TableName(parts[0] if len(parts) == 2 else "", parts[-1])


def _unquoted(part: str) -> str:
    mark = part[0]
    if mark in '"`':
        return part[1:-1].replace(mark * 2, mark)
    return part[1:-1] if mark == "[" else part

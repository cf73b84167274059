"""Which databases, tables and columns are captured: the include and exclude lists.

Each list item is a regular expression that must match the whole name, in any case; tables are
matched as ``database.table``, columns as ``database.table.column``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

from cdc.config import MySqlConfig
from connect.java_regex import compile_regex
from schema_history import TableId

BUILT_IN = frozenset({"mysql", "sys", "performance_schema", "information_schema"})

_Matcher = Callable[[str], bool]


def _matcher(include: Sequence[str] | None, exclude: Sequence[str] | None) -> _Matcher:
    patterns = [compile_regex(item, ignore_case=True) for item in include or exclude or ()]
    wanted = bool(include) or not exclude

    def matches(name: str) -> bool:
        if not patterns:
            return True
        return any(pattern.fullmatch(name) for pattern in patterns) is wanted

    return matches


class Filters:
    """The lists of one connector, compiled."""

    def __init__(self, config: MySqlConfig) -> None:
        self._database = _matcher(config.database_include, config.database_exclude)
        self._table = _matcher(config.table_include, config.table_exclude)
        self._column = _matcher(config.column_include, config.column_exclude)
        self._snapshot = _matcher(config.snapshot_include, None)
        self._order = [compile_regex(item, ignore_case=True) for item in config.table_include or ()]
        self._ignore_built_in = config.ignore_builtin
        self.history_tables_only = config.history_captured_tables
        self._history_databases_only = config.history_captured_databases

    def database(self, name: str) -> bool:
        if self._ignore_built_in and name.lower() in BUILT_IN:
            return False
        return self._database(name)

    def table(self, table: TableId) -> bool:
        return self.database(table.database) and self._table(str(table))

    def column(self, table: TableId, column: str) -> bool:
        return self._column(f"{table}.{column}")

    def snapshot(self, table: TableId) -> bool:
        """Whether the rows of a captured table are read at the start."""
        return self._snapshot(str(table))

    def history(self, database: str, table: TableId | None) -> bool:
        """Whether DDL about this table, or about the database, is kept and published."""
        if database.lower() in BUILT_IN:
            return False
        if self.history_tables_only:
            return self.table(table) if table else not database or self.database(database)
        if self._history_databases_only:
            return not database or self.database(database)
        return True

    @staticmethod
    def unmatched(items: Sequence[str], names: Iterable[str]) -> list[str]:
        """The items of a list that match none of the names."""
        known = list(names)
        return [
            item
            for item in items
            if not any(map(compile_regex(item, ignore_case=True).fullmatch, known))
        ]

    def order(self, table: TableId) -> tuple[int, str]:
        """Sorts captured tables: by the include list's order, then by name."""
        name = str(table)
        places = (i for i, pattern in enumerate(self._order) if pattern.fullmatch(name))
        return next(places, len(self._order)), name

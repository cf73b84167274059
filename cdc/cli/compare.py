"""Is a mirror equal to its source? Row by row, every table and every column.

Both sides are read in the order of the primary key and merged, so that tables of any size fit. A
cell of either side becomes one Python value per kind of type, and these must be equal: numbers as
numbers, instants as microseconds, JSON as what it says, text and bytes to the last one.
"""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

import duckdb
from pymysql.cursors import SSCursor

from cdc.connection import Connection
from connect.errors import DataError
from connect.logical import micros_from_datetime
from connect.quoting import backticked, quoted

Row: TypeAlias = tuple[Any, ...]

MOST_SHOWN: Final = 5
_FETCH: Final = 2000


class Difference(NamedTuple):
    """One row that is not the same; ``what`` says in words how."""

    key: Row
    what: str


@dataclass
class TableComparison:
    """What was found in one table. ``differences`` are the first of ``different``."""

    table: str
    rows: int = 0
    different: int = 0
    missing_columns: list[str] = field(default_factory=list)
    differences: list[Difference] = field(default_factory=list)

    @property
    def equal(self) -> bool:
        return not self.different and not self.missing_columns

    def add(self, key: Row, what: str) -> None:
        self.different += 1
        if len(self.differences) < MOST_SHOWN:
            self.differences.append(Difference(key, what))


class _Form(NamedTuple):
    """How the cells of a type are read: an expression and what makes a value of its result."""

    source: str = "{}"
    target: str = "{}"
    from_source: Callable[[Any], Any] | None = None
    from_target: Callable[[Any], Any] | None = None
    order: str = "{}"
    """What the source sorts by, so that the order is that of the Python values."""


@dataclass(frozen=True)
class _Column:
    name: str
    form: _Form


def compare(
    source: Connection, database: str, target: duckdb.DuckDBPyConnection
) -> Iterator[TableComparison]:
    """Compare all base tables of the database with those of the same names in DuckDB.

    Neither may change meanwhile; ``source`` must have its session's clock in UTC. DataError for a
    table without primary key and for a type that cannot be compared.
    """
    with source.cursor() as cursor:
        cursor.execute(
            "SELECT TABLE_NAME FROM information_schema.TABLES WHERE TABLE_SCHEMA = %s "
            "AND TABLE_TYPE = 'BASE TABLE' ORDER BY TABLE_NAME",
            (database,),
        )
        tables = [name for (name,) in cursor.fetchall()]
    for table in tables:
        yield _compare_table(source, database, table, target)


def _compare_table(
    source: Connection, database: str, table: str, target: duckdb.DuckDBPyConnection
) -> TableComparison:
    result = TableComparison(table)
    keys, others = _columns(source, database, table)
    there = {
        name
        for (name,) in target.execute(
            "SELECT column_name FROM duckdb_columns() WHERE table_name = ? "
            "AND database_name = current_database() AND schema_name = current_schema()",
            [table],
        ).fetchall()
    }
    if there:
        result.missing_columns = [c.name for c in (*keys, *others) if c.name not in there]
        others = [column for column in others if column.name in there]
    columns = [*keys, *others]
    left = _source_rows(source, database, table, keys, columns)
    right = _target_rows(target, table, keys, columns) if there else iter(())
    _merge(result, left, right, len(keys), [column.name for column in columns])
    return result


def _merge(
    result: TableComparison,
    left: Iterator[Row],
    right: Iterator[Row],
    size: int,
    names: Sequence[str],
) -> None:
    """Walk both sides in key order; the first ``size`` cells of a row are its key."""
    ours, theirs = next(left, None), next(right, None)
    while ours is not None or theirs is not None:
        if theirs is None or (ours is not None and ours[:size] < theirs[:size]):
            assert ours is not None
            result.rows += 1
            result.add(ours[:size], "is missing in the target")
            ours = next(left, None)
        elif ours is None or theirs[:size] < ours[:size]:
            result.add(theirs[:size], "is in the target only")
            theirs = next(right, None)
        else:
            result.rows += 1
            if ours != theirs:
                result.add(ours[:size], _cells(names, ours, theirs))
            ours, theirs = next(left, None), next(right, None)


def _cells(names: Sequence[str], ours: Row, theirs: Row) -> str:
    """The cells that differ, in words."""
    return "; ".join(
        f"{name} is {our!r} in the source and {their!r} in the target"
        for name, our, their in zip(names, ours, theirs, strict=True)
        if our != their
    )


# --- reading -------------------------------------------------------------------------------------


def _columns(source: Connection, database: str, table: str) -> tuple[list[_Column], list[_Column]]:
    """The columns of the primary key in its order, and the others."""
    place = (database, table)
    with source.cursor() as cursor:
        cursor.execute(
            "SELECT COLUMN_NAME FROM information_schema.STATISTICS WHERE TABLE_SCHEMA = %s "
            "AND TABLE_NAME = %s AND INDEX_NAME = 'PRIMARY' ORDER BY SEQ_IN_INDEX",
            place,
        )
        keys = [name for (name,) in cursor.fetchall()]
        cursor.execute(
            "SELECT COLUMN_NAME, DATA_TYPE FROM information_schema.COLUMNS WHERE TABLE_SCHEMA = %s "
            "AND TABLE_NAME = %s ORDER BY ORDINAL_POSITION",
            place,
        )
        columns = {name: _Column(name, _form(table, name, kind)) for name, kind in cursor}
    if not keys:
        raise DataError(f"Table {table} has no primary key to compare by.")
    return [columns.pop(name) for name in keys], list(columns.values())


def _form(table: str, column: str, kind: str) -> _Form:
    form = _FORMS.get(kind)
    if form is None:
        raise DataError(f"Column {table}.{column} of type {kind} cannot be compared.")
    return form


def _source_rows(
    source: Connection, database: str, table: str, keys: Sequence[_Column],
    columns: Sequence[_Column],
) -> Iterator[Row]:  # fmt: skip
    cells = ", ".join(column.form.source.format(backticked(column.name)) for column in columns)
    order = ", ".join(key.form.order.format(backticked(key.name)) for key in keys)
    makers = _makers([column.form.from_source for column in columns])
    with source.cursor(SSCursor) as cursor:
        cursor.execute(f"SELECT {cells} FROM {backticked(database, table)} ORDER BY {order}")
        while rows := cursor.fetchmany(_FETCH):
            yield from _made(rows, makers)


def _target_rows(
    target: duckdb.DuckDBPyConnection, table: str, keys: Sequence[_Column],
    columns: Sequence[_Column],
) -> Iterator[Row]:  # fmt: skip
    cells = ", ".join(column.form.target.format(quoted(column.name)) for column in columns)
    order = ", ".join(quoted(key.name) for key in keys)
    makers = _makers([column.form.from_target for column in columns])
    cursor = target.execute(f"SELECT {cells} FROM {quoted(table)} ORDER BY {order}")
    while rows := cursor.fetchmany(_FETCH):
        yield from _made(rows, makers)


_Makers: TypeAlias = Sequence[tuple[int, Callable[[Any], Any]]]


def _makers(makers: Sequence[Callable[[Any], Any] | None]) -> _Makers:
    return [(place, make) for place, make in enumerate(makers) if make is not None]


def _made(rows: Sequence[Row], makers: _Makers) -> Iterator[Row]:
    for row in rows:
        cells = list(row)
        for place, make in makers:
            if cells[place] is not None:
                cells[place] = make(cells[place])
        yield tuple(cells)


# --- forms ---------------------------------------------------------------------------------------


def _micros(value: dt.timedelta) -> int:
    return value // dt.timedelta(microseconds=1)


def _bits(value: bool | str) -> int:
    """A BIT(1) is a BOOLEAN in the target, wider ones are BIT, which DuckDB shows as digits."""
    return int(value, 2) if isinstance(value, str) else int(value)


def _json(text: str) -> Any:
    return json.loads(text, parse_float=Decimal)


_NUMBER: Final = _Form()
_TEXT: Final = _Form(order="CAST(CONVERT({} USING utf8mb4) AS BINARY)")

_FORMS: Final[Mapping[str, _Form]] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint", "year"), _NUMBER),
    "decimal": _Form(from_target=Decimal),
    # MySQL shows a FLOAT with six digits, but as a DOUBLE with all it has.
    "float": _Form(source="CAST({} AS DOUBLE)"),
    "double": _NUMBER,
    "bit": _Form(source="{} + 0", from_target=_bits),
    **dict.fromkeys(
        ("char", "varchar", "tinytext", "text", "mediumtext", "longtext", "enum", "set"), _TEXT
    ),
    **dict.fromkeys(("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), _NUMBER),
    "date": _NUMBER,
    "datetime": _NUMBER,
    "time": _Form(from_source=_micros, from_target=_micros),
    "timestamp": _Form(target="epoch_us({})", from_source=micros_from_datetime),
    "json": _Form(from_source=_json, from_target=_json),
}

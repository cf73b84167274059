"""The plan for the rows of a table: its model and its stored shape brought together."""

from __future__ import annotations

from collections.abc import Sequence

from cdc.binlog.rows_cy import RowPlan
from cdc.binlog.table_map import TableMap
from cdc.types.codec import Codec, Field
from cdc.types.column_type import ColumnType, skipped
from connect.errors import DataError
from schema_history.table import Column, Table


def row_plan(
    table: Table,
    stored: TableMap,
    types: Sequence[ColumnType | None],
) -> RowPlan:
    """How rows of this stored shape are read; ``types`` has None for columns nobody wants.

    Raises DataError where the table's model and what the server stores cannot both be right.
    """
    if len(stored.columns) != len(table.columns):
        raise DataError(
            f"{table.id} has {len(table.columns)} columns in the schema history, but rows of "
            f"{len(stored.columns)}.",
            cure="The history misses a change of the table; delete the connector's offsets and "
            "history to begin with a new snapshot.",
        )
    codecs: list[Codec] = []
    for place, (column, kind, wire) in enumerate(
        zip(table.columns, types, stored.columns, strict=True)
    ):
        if stored.names and stored.names[place].lower() != column.name.lower():
            raise DataError(
                f"Column {place + 1} of {table.id} is {column.name} in the schema history, but "
                f"{stored.names[place]} in the binlog."
            )
        if stored.unsigned and wire.code in _WHOLE and stored.unsigned[place] != _unsigned(column):
            raise DataError(
                f"Column {column.name} of {table.id} is {column.type_name} in the schema history, "
                f"but stored {'without' if stored.unsigned[place] else 'with'} a sign."
            )
        if kind is None:
            codecs.append(skipped(wire))
            continue
        try:
            codecs.append(kind.wire(wire))
        except DataError as error:
            raise DataError(f"Column {column.name} of {table.id}: {error}") from error
    return RowPlan(codecs)


_WHOLE = frozenset({Field.TINY, Field.SHORT, Field.INT24, Field.LONG, Field.LONGLONG})


def _unsigned(column: Column) -> bool:
    return column.unsigned or column.type_name == "SERIAL"

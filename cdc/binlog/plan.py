"""The plan for the rows of a table: its model and its stored shape brought together."""

from __future__ import annotations

from collections.abc import Sequence

from cdc.binlog.rows_cy import RowPlan
from cdc.binlog.table_map import TableMap
from cdc.types.codec import Codec
from cdc.types.column_type import ColumnType, skipped
from connect.errors import DataError
from schema_history.table import Table


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
            cure="The history misses a change of the table; take a new snapshot of its schema "
            "(snapshot.mode=recovery).",
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
        if kind is None:
            codecs.append(skipped(wire))
            continue
        try:
            codecs.append(kind.wire(wire))
        except DataError as error:
            raise DataError(f"Column {column.name} of {table.id}: {error}") from error
    return RowPlan(codecs)

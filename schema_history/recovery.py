"""From history records back to the tables as they were at an offset."""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any

from connect.errors import DdlError
from schema_history.change import TableChange
from schema_history.ddl_filter import filtered_out
from schema_history.history import HistoryRecord
from schema_history.schemas import Schemas
from schema_history.table import Table, TableId

_logger = logging.getLogger(__name__)
_UNIQUE = re.compile(r"\b(?:UNIQUE|SERIAL)\b", re.IGNORECASE)


def recover(
    schemas: Schemas,
    records: Iterable[HistoryRecord],
    *,
    source: Mapping[str, Any],
    recorded: Callable[[Mapping[str, Any]], bool],
    skip_unparseable: bool = False,
) -> int:
    """Apply the records of ``source`` to ``schemas``; gives how many there were.

    ``recorded`` says of a record's position whether it is at or before the offset to recover to;
    records after that are left out. What Debezium noted as ``tableChanges`` is taken as it is;
    records with none are read from their statement. A statement that cannot be read raises
    DdlError, or is warned about and passed over under ``skip_unparseable``.
    """
    count = 0
    for record in records:
        if record.source != source or not recorded(record.position):
            continue
        count += 1
        try:
            _replay(schemas, record)
        except DdlError as error:
            if not skip_unparseable:
                raise
            _logger.warning(
                "A statement in the schema history is passed over, tables may be out of date "
                "from here: %s Statement: %s Position: %s",
                error.message,
                record.ddl,
                dict(record.position),
            )
    return count


def _replay(schemas: Schemas, record: HistoryRecord) -> None:
    database = record.database_name or ""
    ddl = record.ddl or ""
    if not record.table_changes:
        if ddl.strip() and not filtered_out(ddl):
            schemas.apply(ddl, database)
        return
    read = _tables_as_read(schemas, record, ddl, database)
    for change in record.table_changes:
        if change.table is not None and change.id in read:
            change = replace(change, table=_with_indexes(change.table, read[change.id]))
        schemas.accept(change)


def _tables_as_read(
    schemas: Schemas, record: HistoryRecord, ddl: str, database: str
) -> dict[TableId, Table]:
    """The tables by the statement itself, where they may have unique indexes.

    Records name a unique index that stands in for a primary key like one. Only the statement
    tells the two apart, and without that the key would outlive its index.
    """
    if not _UNIQUE.search(ddl) and not any(
        _has_unique_index(schemas, c) for c in record.table_changes
    ):
        return {}
    try:
        changes = schemas.read(ddl, database)
    except DdlError:
        # The record has the columns; what the statement adds to them is done without.
        return {}
    return {c.table_id: c.table for c in changes if c.table_id is not None and c.table is not None}


def _has_unique_index(schemas: Schemas, change: TableChange) -> bool:
    table = schemas.get(change.previous_id or change.id)
    return table is not None and any(index.unique for index in table.indexes)


def _with_indexes(recorded: Table, read: Table) -> Table:
    """The recorded table with the keys of the same table as read, if both agree on the key."""
    if recorded.primary_key != read.key_columns:
        return recorded
    return replace(recorded, primary_key=read.primary_key, indexes=read.indexes)

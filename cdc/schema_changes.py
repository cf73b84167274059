"""What a DDL statement leaves behind: history records, and records in the schema-change topic."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import NamedTuple

from cdc.config import MySqlConfig
from cdc.envelope import Origin, Source
from cdc.filters import Filters
from cdc.offset import Offset
from cdc.topics import Topics
from connect.batch import Header, SourceBatch
from connect.java_hash import in_hash_order
from connect.schema import Value
from schema_history import Change, ChangeKind, HistoryRecord, change_struct
from schema_history.storage import HistoryStore

_DATABASE_LEVEL = frozenset({ChangeKind.CREATE_DATABASE, ChangeKind.DROP_DATABASE, ChangeKind.SET})


class Statement(NamedTuple):
    """Where a statement stands in the stream: what to store with it, and where it came from.

    ``row`` is the number of the last row before it, which Debezium leaves there.
    """

    offset: Offset
    origin: Origin
    row: int = 0


class SchemaChanges:
    """Keeps and publishes changes of one connector, in that order: a crash in between leaves the
    history ahead, never behind."""

    def __init__(
        self,
        config: MySqlConfig,
        filters: Filters,
        topics: Topics,
        source: Source,
        store: HistoryStore,
        headers: tuple[Header, ...],
    ) -> None:
        self._config = config
        self._filters = filters
        self._topics = topics
        self._source = source
        self._store = store
        self._headers = headers
        self._partition = {"server": config.topic_prefix}

    def record(self, changes: Sequence[Change], statement: Statement) -> list[SourceBatch]:
        """Write the changes to the history, and return them for the schema-change topic."""
        kept = [change for change in changes if self._kept(change)]
        if not kept:
            return []
        now = time.time_ns() // 1_000_000
        offset = statement.offset.members()
        comments = self._config.include_schema_comments
        self._store.append(
            [
                HistoryRecord(
                    source=self._partition,
                    position=offset,
                    ts_ms=now,
                    database_name=change.database,
                    ddl=change.ddl,
                    table_changes=change.table_changes,
                ).to_json(comments=comments)
                for change in kept
            ]
        )
        if not self._config.include_schema_changes:
            return []
        return [
            SourceBatch(
                topic=self._topics.schema_changes,
                partition=0,
                key_schema=self._source.change_key,
                value_schema=self._source.change_value,
                keys=[(change.database,) for change in kept],
                values=[self._value(change, kept, statement, now, comments) for change in kept],
                headers=self._headers,
                source_partition=self._partition,
                offsets=[offset] * len(kept),
            )
        ]

    def _kept(self, change: Change) -> bool:
        if change.kind is ChangeKind.TRUNCATE:
            return False
        if change.kind is ChangeKind.OTHER and self._filters.history_tables_only:
            return False
        return self._filters.history(change.database, change.table_id)

    def _value(
        self,
        change: Change,
        of_statement: Sequence[Change],
        statement: Statement,
        now: int,
        comments: bool,
    ) -> tuple[Value, ...]:
        tables = _tables(change, of_statement, statement.origin)
        block = self._source.block(statement.origin, change.database, tables, statement.row)
        changes = [change_struct(item, comments=comments) for item in change.table_changes]
        return (block, now, change.database, None, change.ddl, changes)


def _tables(change: Change, of_statement: Sequence[Change], origin: Origin) -> str | None:
    """``source.table``: every table the statement changed, as Debezium joins them."""
    if change.kind in _DATABASE_LEVEL or change.kind is ChangeKind.USE:
        return None
    if origin.snapshot is not None:
        return change.table_id.table if change.table_id else None
    ids = {str(item.id): item.id for change in of_statement for item in change.table_changes}
    return ",".join(ids[text].table for text in in_hash_order(ids))

"""History records: Debezium's JSON text, one for each schema change event.

The layout is that of ``io.debezium.relational.history.HistoryRecord`` and its
``JsonTableChangeSerializer``; records that Debezium 2.x and 3.x wrote are read as well as ours.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from connect.errors import DataError
from schema_history.change import ChangeKind, TableChange
from schema_history.table import Column, JdbcType, Table, TableId


@dataclass(frozen=True, slots=True)
class HistoryRecord:
    """One record. ``source`` is the source partition, ``position`` the offset at that moment."""

    source: Mapping[str, Any]
    position: Mapping[str, Any]
    ts_ms: int | None
    database_name: str | None
    ddl: str | None
    table_changes: Sequence[TableChange] = field(default=())

    def to_json(self, *, comments: bool = False) -> bytes:
        """The compact text that goes into the topic or file; ``comments`` is
        ``include.schema.comments``, without which Debezium's model has none."""
        record: dict[str, Any] = {"source": dict(self.source), "position": dict(self.position)}
        if self.ts_ms is not None:
            record["ts_ms"] = self.ts_ms
        if self.database_name is not None:
            record["databaseName"] = self.database_name
        if self.ddl is not None:
            record["ddl"] = self.ddl
        record["tableChanges"] = [_change_json(c, comments) for c in self.table_changes]
        return orjson.dumps(record)

    @classmethod
    def from_json(cls, text: bytes | str) -> HistoryRecord | None:
        """Read a record; None for one without source or position, which Debezium skips too.

        Raises DataError where the text is not such a record.
        """
        try:
            record = orjson.loads(text)
            if not record.get("source") or not record.get("position"):
                return None
            return cls(
                source=record["source"],
                position=record["position"],
                ts_ms=record.get("ts_ms"),
                database_name=record.get("databaseName"),
                ddl=record.get("ddl"),
                table_changes=tuple(
                    _change_from_json(change) for change in record.get("tableChanges") or ()
                ),
            )
        except (ValueError, KeyError, TypeError, AttributeError) as error:
            excerpt = text[:200] if isinstance(text, str) else text[:200].decode("utf-8", "replace")
            raise DataError(
                f"A schema history record cannot be read ({error!r}): {excerpt}",
                cure="Check that the topic or file holds a schema history and nothing else.",
            ) from error


def change_struct(change: TableChange, *, comments: bool = False) -> tuple[Any, ...]:
    """A table change as the schema-change topic has it: nested tuples in the field order of
    ``io.debezium.connector.schema.Change``, ``.Table`` and ``.Column``."""
    table = change.table
    if table is None:
        return (str(change.kind), change.id.quoted(), None)
    columns = [
        (
            column.name,
            column.jdbc_type,
            None,  # nativeType: MySQL has none
            column.type_name,
            column.type_expression,
            column.charset,
            column.length,
            column.scale,
            column.position,
            column.optional,
            column.auto_incremented or column.updated_to_now,
            column.auto_incremented or column.updated_to_now,
            column.comment if comments else None,
            column.default_expression,
            _quoted_labels(column) or None,
        )
        for column in table.columns
    ]
    return (
        str(change.kind),
        change.id.quoted(),
        (
            table.default_charset,
            list(table.key_columns),
            columns,
            table.comment if comments else None,
        ),
    )


def _change_json(change: TableChange, comments: bool) -> dict[str, Any]:
    record: dict[str, Any] = {"type": str(change.kind), "id": change.id.quoted()}
    if change.previous_id is not None:
        record["previousId"] = change.previous_id.quoted()
    table = change.table
    if table is not None:
        record["table"] = {
            "defaultCharsetName": table.default_charset,
            "primaryKeyColumnNames": table.key_columns,
            "columns": [_column_json(column, comments) for column in table.columns],
            "attributes": [{name: value} for name, value in table.attributes],
        }
        record["comment"] = table.comment if comments else None
    return record


def _column_json(column: Column, comments: bool) -> dict[str, Any]:
    # Debezium marks columns with ON UPDATE CURRENT_TIMESTAMP like those that increment.
    automatic = column.auto_incremented or column.updated_to_now
    record: dict[str, Any] = {
        "name": column.name,
        "jdbcType": column.jdbc_type,
        "typeName": column.type_name,
        "typeExpression": column.type_expression,
        "charsetName": column.charset,
    }
    if column.length is not None:
        record["length"] = column.length
    if column.scale is not None:
        record["scale"] = column.scale
    record["position"] = column.position
    record["optional"] = column.optional
    record["autoIncremented"] = automatic
    record["generated"] = automatic
    record["comment"] = column.comment if comments else None
    record["hasDefaultValue"] = column.has_default
    if column.default_expression is not None:
        record["defaultValueExpression"] = column.default_expression
    record["enumValues"] = _quoted_labels(column)
    return record


def _quoted_labels(column: Column) -> list[str]:
    return [
        "'" + label.replace("\\", "\\\\").replace("'", "''") + "'" for label in column.enum_values
    ]


def _unquoted_label(text: str) -> str:
    if len(text) < 2 or text[0] not in "'\"" or text[-1] != text[0]:
        return text
    quote, text = text[0], text[1:-1]
    if "\\" not in text:
        return text.replace(quote * 2, quote)
    label: list[str] = []
    characters = iter(text)
    for character in characters:
        if character == "\\":
            label.append(next(characters, "\\"))
        else:
            label.append(character)
            if character == quote:
                next(characters, "")
    return "".join(label)


def _change_from_json(record: Mapping[str, Any]) -> TableChange:
    kind = ChangeKind(record["type"])
    table_id = TableId.from_quoted(record["id"])
    previous = record.get("previousId")
    table = record.get("table")
    return TableChange(
        kind,
        table_id,
        None if table is None else _table_from_json(table_id, table, record.get("comment")),
        None if previous is None else TableId.from_quoted(previous),
    )


def _table_from_json(table_id: TableId, record: Mapping[str, Any], comment: str | None) -> Table:
    return Table(
        id=table_id,
        columns=tuple(_column_from_json(column) for column in record["columns"]),
        primary_key=tuple(record.get("primaryKeyColumnNames") or ()),
        default_charset=record.get("defaultCharsetName"),
        comment=record.get("comment") or comment,
        attributes=tuple(
            item for attribute in record.get("attributes") or () for item in attribute.items()
        ),
    )


def _column_from_json(record: Mapping[str, Any]) -> Column:
    jdbc_type = record["jdbcType"]
    automatic = bool(record.get("autoIncremented"))
    temporal = jdbc_type in (JdbcType.TIMESTAMP, JdbcType.TIMESTAMP_WITH_TIMEZONE)
    return Column(
        name=record["name"],
        type_name=record["typeName"],
        jdbc_type=jdbc_type,
        length=record.get("length"),
        scale=record.get("scale"),
        charset=record.get("charsetName"),
        optional=bool(record.get("optional")),
        auto_incremented=automatic and not temporal,
        updated_to_now=automatic and temporal,
        has_default=bool(record.get("hasDefaultValue")),
        default_expression=record.get("defaultValueExpression"),
        comment=record.get("comment"),
        enum_values=tuple(_unquoted_label(label) for label in record.get("enumValues") or ()),
        position=record["position"],
    )

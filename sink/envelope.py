"""Debezium's change events, recognised by their schema and taken apart without a transform."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from connect.errors import DataError
from connect.schema import Schema, Type

_NOT_ROWS: Final = {
    "SchemaChangeValue": "schema changes",
    "SchemaChangeKey": "schema changes",
    "TransactionMetadataValue": "transaction metadata",
    "Heartbeat": "heartbeats",
}


@dataclass(frozen=True)
class Envelope:
    """Places of an envelope's members, and the schema of the rows inside."""

    op: int
    after: int
    row: Schema


def envelope(schema: Schema | None) -> Envelope | None:
    """How to read a value of this schema as a change event; None if it is none."""
    if schema is None or schema.type is not Type.STRUCT:
        return None
    if not (schema.name or "").endswith("Envelope"):
        return None
    op, after = schema.indexes.get("op"), schema.indexes.get("after")
    if op is None or after is None:
        return None
    row = schema.fields[after].schema
    return Envelope(op, after, row) if row.type is Type.STRUCT else None


def refuse_bookkeeping(topic: str, schema: Schema | None) -> None:
    """DataError for Debezium's topics that carry no rows."""
    name = (schema.name or "") if schema is not None else ""
    what = _NOT_ROWS.get(name.rpartition(".")[2]) if name.startswith("io.debezium.") else None
    if what is not None:
        raise DataError(
            f"Topic {topic} carries {what}, not rows.",
            cure="Leave it out of topics, or of what topics.regex matches.",
        )

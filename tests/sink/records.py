"""Batches as the worker hands them to a sink."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from connect.batch import SinkBatch
from connect.schema import INT64, STRING, Schema, Type, struct

KEY = struct("shop.Key", [("id", INT64)])


def batch(
    value_schema: Schema | None,
    pairs: Sequence[tuple[Any, Any]],
    *,
    topic: str = "t",
    key_schema: Schema | None = KEY,
    offset: int = 0,
    partition: int = 0,
) -> SinkBatch:
    """Records of (key, value), numbered from ``offset``."""
    return SinkBatch(
        topic,
        key_schema,
        value_schema,
        [key for key, _ in pairs],
        [value for _, value in pairs],
        partition=partition,
        offsets=range(offset, offset + len(pairs)),
    )


def enveloped(row: Schema) -> Schema:
    """Debezium's envelope around a row."""
    inner = Schema(Type.STRUCT, optional=True, name="shop.inv.t.Value", fields=row.fields)
    source = struct("io.debezium.connector.mysql.Source", [("db", STRING)])
    return struct(
        "shop.inv.t.Envelope",
        [("before", inner), ("after", inner), ("source", source), ("op", STRING)],
    )


def change(op: str, before: tuple[Any, ...] | None, after: tuple[Any, ...] | None) -> Any:
    """A value of ``enveloped``."""
    return (before, after, ("inv",), op)

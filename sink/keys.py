"""Where a row's primary key comes from (``pk.mode`` and ``pk.fields``)."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Final, TypeAlias

from connect.errors import ConfigError, DataError
from connect.schema import INT32, INT64, STRING, Field, Schema, Type, Value
from sink.config import PkMode

Key: TypeAlias = tuple[Value, ...]
"""The physical values of a row's key columns."""

_COORDINATES: Final = ("__connect_topic", "__connect_partition", "__connect_offset")


@dataclass(frozen=True)
class KeyColumns:
    """The key columns, and how to take their values: from the record key or the row.

    ``places`` are those of the fields in it; None means the whole of it is the only value.
    """

    mode: PkMode
    columns: tuple[Field, ...] = ()
    places: tuple[int, ...] | None = None

    def reader(self) -> Callable[[Value], Key]:
        """From a record key (record_key) or row (record_value), not None, to its Key."""
        if self.places is None:
            return lambda value: (value,)
        places = self.places
        if places == tuple(range(len(places))):
            size = len(places)
            return lambda value: value if len(value) == size else value[:size]
        if len(places) == 1:
            only = places[0]
            return lambda value: (value[only],)
        return lambda value: tuple(value[place] for place in places)


def key_columns(
    mode: PkMode,
    fields: Sequence[str],
    topic: str,
    key_schema: Schema | None,
    row_schema: Schema | None,
) -> KeyColumns:
    """What ``pk.mode`` means for records of these schemas. ConfigError or DataError if nothing."""
    match mode:
        case PkMode.NONE:
            return KeyColumns(mode)
        case PkMode.KAFKA:
            names = fields or _COORDINATES
            pairs = zip(names, (STRING, INT32, INT64), strict=True)
            return KeyColumns(mode, tuple(Field(name, schema) for name, schema in pairs))
        case PkMode.RECORD_KEY:
            if key_schema is None:
                raise DataError(
                    f"Topic {topic} has a record without the key (or key schema) that "
                    "pk.mode=record_key needs.",
                    cure="Produce keys with a schema, or choose another pk.mode.",
                )
            if key_schema.type is not Type.STRUCT:
                if len(fields) != 1:
                    raise ConfigError(
                        "pk.fields",
                        f"The key of topic {topic} is a single {key_schema.type}, but pk.fields "
                        f"names {len(fields)} columns.",
                        cure="Name exactly one column in pk.fields.",
                    )
                return KeyColumns(mode, (Field(fields[0], key_schema),))
            return _picked(mode, fields, topic, key_schema, "key")
        case PkMode.RECORD_VALUE:
            if row_schema is None:
                raise DataError(
                    f"Topic {topic} has a record without the value that pk.mode=record_value needs."
                )
            return _picked(mode, fields, topic, row_schema, "value")


def _picked(
    mode: PkMode, fields: Sequence[str], topic: str, schema: Schema, part: str
) -> KeyColumns:
    names = list(fields) or [member.name for member in schema.fields]
    missing = [name for name in names if name not in schema.indexes]
    if missing:
        raise ConfigError(
            "pk.fields",
            f"pk.fields names {', '.join(missing)}, but the record {part} of topic {topic} has "
            f"only {', '.join(schema.indexes) or 'no fields'}.",
            cure="Correct pk.fields, or pk.mode.",
        )
    places = tuple(schema.indexes[name] for name in names)
    return KeyColumns(mode, tuple(schema.fields[place] for place in places), places)

"""Kafka Connect's schemas, and how a value of each type is held in Python.

A value's Python type follows from ``Schema.type`` alone:

    INT8 INT16 INT32 INT64   int          ARRAY    list
    FLOAT32 FLOAT64          float        MAP      dict
    BOOLEAN                  bool         STRUCT   tuple, in field order
    STRING                   str          BYTES    bytes

A logical type (``org.apache.kafka.connect.data.Decimal`` and the like) only gives a meaning to the
physical value: a Date is an int of days, a Time or Timestamp an int of milliseconds, a Decimal the
bytes of its unscaled value (big-endian two's complement). ``connect.logical`` converts to and from
``datetime`` and ``decimal``. Null is ``None`` everywhere.

Follows ``org.apache.kafka.connect.data.{Schema,ConnectSchema,Field}``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from functools import cached_property
from typing import Any, TypeAlias

Value: TypeAlias = Any
"""A Connect value in the form the table above gives; without a schema, plain JSON-like data."""


class Type(StrEnum):
    INT8 = "INT8"
    INT16 = "INT16"
    INT32 = "INT32"
    INT64 = "INT64"
    FLOAT32 = "FLOAT32"
    FLOAT64 = "FLOAT64"
    BOOLEAN = "BOOLEAN"
    STRING = "STRING"
    BYTES = "BYTES"
    ARRAY = "ARRAY"
    MAP = "MAP"
    STRUCT = "STRUCT"


@dataclass(frozen=True)
class Field:
    """One member of a struct; its index is its place in ``Schema.fields``."""

    name: str
    schema: Schema


@dataclass(frozen=True)
class Schema:
    """One immutable schema, compared by content.

    ``parameters`` keeps insertion order. ``element`` is the item schema of an ARRAY and the value
    schema of a MAP; ``key`` the key schema of a MAP. Schemas are built once per table version and
    shared, so per-schema plans may be cached by identity or by equality.
    """

    type: Type
    optional: bool = False
    name: str | None = None
    version: int | None = None
    doc: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    default: Value = None
    fields: tuple[Field, ...] = ()
    element: Schema | None = None
    key: Schema | None = None

    @cached_property
    def _hash(self) -> int:
        return hash((self.type, self.optional, self.name, self.version, self.fields, self.element))

    def __hash__(self) -> int:
        return self._hash

    def __getstate__(self) -> dict[str, object]:
        """Without what is cached: a text has another hash in another process."""
        return {name: vars(self)[name] for name in self.__dataclass_fields__}

    @cached_property
    def indexes(self) -> Mapping[str, int]:
        """Place of each field by its name."""
        return {member.name: place for place, member in enumerate(self.fields)}

    def field(self, name: str) -> Field | None:
        """The member called ``name``, or None."""
        place = self.indexes.get(name)
        return None if place is None else self.fields[place]


def struct(
    name: str | None,
    fields: Iterable[tuple[str, Schema]],
    *,
    optional: bool = False,
    version: int | None = None,
    doc: str | None = None,
) -> Schema:
    """A STRUCT schema from (name, schema) pairs in order."""
    members = tuple(Field(field_name, schema) for field_name, schema in fields)
    return Schema(
        Type.STRUCT, optional=optional, name=name, version=version, doc=doc, fields=members
    )


def array(element: Schema, *, optional: bool = False) -> Schema:
    """An ARRAY schema."""
    return Schema(Type.ARRAY, optional=optional, element=element)


INT8 = Schema(Type.INT8)
INT16 = Schema(Type.INT16)
INT32 = Schema(Type.INT32)
INT64 = Schema(Type.INT64)
FLOAT32 = Schema(Type.FLOAT32)
FLOAT64 = Schema(Type.FLOAT64)
BOOLEAN = Schema(Type.BOOLEAN)
STRING = Schema(Type.STRING)
BYTES = Schema(Type.BYTES)
OPTIONAL_INT32 = Schema(Type.INT32, optional=True)
OPTIONAL_INT64 = Schema(Type.INT64, optional=True)
OPTIONAL_BOOLEAN = Schema(Type.BOOLEAN, optional=True)
OPTIONAL_STRING = Schema(Type.STRING, optional=True)
OPTIONAL_BYTES = Schema(Type.BYTES, optional=True)

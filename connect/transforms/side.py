"""Transforms of keys or values: a schema in, a plan out, the plan applied to the whole column.

Kafka's have two classes each, ``X$Key`` and ``X$Value``; here each is one class in two subclasses
that set ``is_key``. Follows the inner classes of ``org.apache.kafka.connect.transforms``.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any, ClassVar, NamedTuple, TypeVar

from connect.batch import Batch
from connect.errors import DataError
from connect.schema import Field, Schema, Type, Value
from connect.schema_cache import SchemaCache
from connect.transforms.contract import Transform

B = TypeVar("B", bound=Batch)
Convert = Callable[[Value], Value]


class Plan(NamedTuple):
    """The schema that values get, and what makes of an old value a new one."""

    schema: Schema | None
    convert: Convert


class SideTransform(Transform):
    """Changes keys or values by a plan per schema. Null keys and values stay null."""

    is_key: ClassVar[bool]

    def __init__(self) -> None:
        self.plans: SchemaCache[Plan] = SchemaCache(self.plan)

    @abstractmethod
    def plan(self, schema: Schema | None) -> Plan:
        """What happens to values of a schema. DataError where it cannot be done."""

    def apply(self, batch: B) -> Iterable[B]:
        schema, values = self.side(batch)
        if all(value is None for value in values):
            return [batch]
        plan = self.plans[schema]
        convert = plan.convert
        converted = [None if value is None else convert(value) for value in values]
        return [self.replaced(batch, plan.schema, converted)]

    def side(self, batch: Batch) -> tuple[Schema | None, Sequence[Value]]:
        """The keys with their schema, or the values with theirs."""
        if self.is_key:
            return batch.key_schema, batch.keys
        return batch.value_schema, batch.values

    def replaced(self, batch: B, schema: Schema | None, values: Sequence[Value]) -> B:
        """The batch with other keys or values."""
        if self.is_key:
            return replace(batch, key_schema=schema, keys=values)
        return replace(batch, value_schema=schema, values=values)


def runs(batch: B, marks: Iterable[Any]) -> Iterator[tuple[Any, B]]:
    """The batch cut where the mark changes; ``marks`` has one for each record."""
    for mark, group in groupby(enumerate(marks), key=lambda pair: pair[1]):
        places = [place for place, _ in group]
        yield mark, batch if len(places) == len(batch) else batch.take(places)


def need_struct(schema: Schema, purpose: str) -> Schema:
    """The schema if it is of a struct, else DataError."""
    if schema.type is not Type.STRUCT:
        raise DataError(f"{purpose} needs a struct, but found {schema.type}.")
    return schema


def need_map(value: Value, purpose: str) -> dict[Any, Any]:
    """A value without schema if it is a map, else DataError."""
    if not isinstance(value, dict):
        raise DataError(
            f"{purpose} needs a map where there is no schema, but found {type(value).__name__}."
        )
    return value


def getter(schema: Schema, place: int, null_as_default: bool) -> Convert:
    """Reads one field of a struct, null as its default if asked for."""
    default = schema.fields[place].schema.default
    if default is None or not null_as_default:
        return lambda row: row[place]
    return lambda row: default if row[place] is None else row[place]


def defaulted(schema: Schema, null_as_default: bool) -> Convert | None:
    """Puts defaults for nulls in a struct's fields, or None where there is nothing to put."""
    if not null_as_default:
        return None
    defaults = {
        place: member.schema.default
        for place, member in enumerate(schema.fields)
        if member.schema.default is not None
    }
    if not defaults:
        return None

    def convert(row: tuple[Value, ...]) -> tuple[Value, ...]:
        if all(row[place] is not None for place in defaults):
            return row
        changed = list(row)
        for place, default in defaults.items():
            if changed[place] is None:
                changed[place] = default
        return tuple(changed)

    return convert


def struct_like(schema: Schema, fields: Iterable[tuple[str, Schema]]) -> Schema:
    """A struct of other fields with the name, version, doc and parameters of ``schema``."""
    return Schema(
        Type.STRUCT,
        name=schema.name,
        version=schema.version,
        doc=schema.doc,
        parameters=schema.parameters,
        fields=tuple(Field(name, member) for name, member in fields),
    )

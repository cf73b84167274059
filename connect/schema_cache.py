"""Remembers what was worked out for a schema, found by the schema's identity."""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from connect.schema import Schema

P = TypeVar("P")


class SchemaCache(Generic[P]):
    """``cache[schema]`` is ``make(schema)``, made once; all is forgotten past ``size`` schemas."""

    def __init__(self, make: Callable[[Schema | None], P], size: int = 1000) -> None:
        self._make = make
        self._size = size
        # An entry holds its schema, so no other schema can have the same id.
        self._made: dict[int, tuple[Schema | None, P]] = {}

    def __getitem__(self, schema: Schema | None) -> P:
        entry = self._made.get(id(schema))
        if entry is not None:
            return entry[1]
        made = self._make(schema)
        if len(self._made) >= self._size:
            self._made.clear()
        self._made[id(schema)] = (schema, made)
        return made

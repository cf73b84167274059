"""Flatten: nested structs or maps become one level, names joined by a delimiter.

Follows ``org.apache.kafka.connect.transforms.Flatten``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any, ClassVar, NamedTuple

from connect.config import Config, string
from connect.errors import DataError
from connect.schema import Schema, Type, Value
from connect.transforms.side import Plan, SideTransform, need_map, need_struct, struct_like

PURPOSE = "Flatten"


class FlattenConfig(Config):
    delimiter = string("delimiter", ".", doc="Text between the parts of a name.")


class _Leaf(NamedTuple):
    """A field of the flat struct: the way to it, and what stands for null at each step."""

    name: str
    schema: Schema
    places: tuple[int, ...]
    defaults: tuple[Value, ...]


class Flatten(SideTransform):
    config: ClassVar[type[Config]] = FlattenConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        self._delimiter = FlattenConfig(settings).delimiter

    def plan(self, schema: Schema | None) -> Plan:
        if schema is None:
            return Plan(None, lambda value: self._flat(need_map(value, PURPOSE)))
        leaves = self._leaves(need_struct(schema, PURPOSE), "", (), (), False, None)
        if len({leaf.name for leaf in leaves}) < len(leaves):
            raise DataError(f"Flatten would give {schema.name or 'a struct'} a field twice.")
        getters = [(leaf.places, leaf.defaults) for leaf in leaves]

        def convert(row: Value) -> Value:
            flat: list[Value] = []
            for places, defaults in getters:
                value = row
                for place, default in zip(places, defaults, strict=True):
                    value = value[place]
                    if value is None:
                        value = default
                    if value is None:
                        break
                flat.append(value)
            return tuple(flat)

        return Plan(struct_like(schema, ((leaf.name, leaf.schema) for leaf in leaves)), convert)

    def _leaves(
        self,
        schema: Schema,
        prefix: str,
        places: tuple[int, ...],
        defaults: tuple[Value, ...],
        optional: bool,
        default: Value,
    ) -> list[_Leaf]:
        """The leaves under a struct; it may be absent if ``optional``, and be ``default`` then."""
        leaves: list[_Leaf] = []
        for place, member in enumerate(schema.fields):
            inner = member.schema
            name = prefix + member.name
            way = (*places, place)
            nulls = (*defaults, inner.default)
            fallback = default[place] if default is not None else inner.default
            if inner.type is Type.STRUCT:
                leaves += self._leaves(
                    inner,
                    name + self._delimiter,
                    way,
                    nulls,
                    optional or inner.optional,
                    fallback,
                )
            elif inner.type is Type.MAP:
                raise DataError(f"Flatten cannot flatten the map {name} of a struct.")
            else:
                flat = replace(inner, optional=optional or inner.optional, default=fallback)
                leaves.append(_Leaf(name, flat, way, nulls))
        return leaves

    def _flat(self, members: dict[Any, Any], prefix: str = "") -> dict[str, Any]:
        flat: dict[str, Any] = {}
        for name, value in members.items():
            if isinstance(value, dict):
                flat |= self._flat(value, f"{prefix}{name}{self._delimiter}")
            else:
                flat[f"{prefix}{name}"] = value
        return flat


class FlattenKey(Flatten):
    is_key = True


class FlattenValue(Flatten):
    is_key = False

"""ExtractField: a key or value becomes one of its fields.

Follows ``org.apache.kafka.connect.transforms.ExtractField``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import ClassVar

from connect.config import Config, boolean, choice, string
from connect.errors import DataError
from connect.schema import Schema, Value
from connect.transforms.field_path import FieldSyntax, steps
from connect.transforms.side import Convert, Plan, SideTransform, getter, need_map, need_struct

PURPOSE = "ExtractField"


class ExtractFieldConfig(Config):
    field = string("field", doc="The field to extract.")
    syntax = choice(
        "field.syntax.version", FieldSyntax, FieldSyntax.V1, doc="V2 reads the name as a path."
    )
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Read a null field that has a default as it."
    )


class ExtractField(SideTransform):
    config: ClassVar[type[Config]] = ExtractFieldConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = ExtractFieldConfig(settings)
        self._steps = steps("field", keys.field, keys.syntax)
        self._null_as_default = keys.null_as_default

    def plan(self, schema: Schema | None) -> Plan:
        if schema is None:
            return Plan(None, self._from_map)
        found = need_struct(schema, PURPOSE)
        getters: list[Convert] = []
        for name in self._steps:
            place = found.indexes.get(name)
            if place is None:
                raise DataError(
                    f"ExtractField: {schema.name or 'a struct'} has no field "
                    f"{'.'.join(self._steps)}."
                )
            getters.append(getter(found, place, self._null_as_default))
            found = found.fields[place].schema
        if len(getters) == 1:
            return Plan(found, getters[0])

        def convert(value: Value) -> Value:
            for get in getters:
                if value is None:
                    return None
                value = get(value)
            return value

        return Plan(found, convert)

    def _from_map(self, value: Value) -> Value:
        value = need_map(value, PURPOSE)
        for name in self._steps:
            if not isinstance(value, dict):
                return None
            value = value.get(name)
        return value


class ExtractFieldKey(ExtractField):
    is_key = True


class ExtractFieldValue(ExtractField):
    is_key = False

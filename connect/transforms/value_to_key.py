"""ValueToKey: a key made of fields of the value.

Follows ``org.apache.kafka.connect.transforms.ValueToKey``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import ClassVar, TypeVar

from connect.batch import Batch
from connect.config import REQUIRED, Config, boolean, listing
from connect.errors import DataError
from connect.schema import Schema, Value, struct
from connect.schema_cache import SchemaCache
from connect.transforms.contract import Transform
from connect.transforms.side import Plan, getter, need_map, need_struct
from connect.validators import not_empty

B = TypeVar("B", bound=Batch)
PURPOSE = "ValueToKey"


class ValueToKeyConfig(Config):
    fields = listing(
        "fields", REQUIRED, doc="Fields of the value, in the order of the key.", valid=[not_empty]
    )
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Copy null fields that have a default as it."
    )


class ValueToKey(Transform):
    config: ClassVar[type[Config]] = ValueToKeyConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = ValueToKeyConfig(settings)
        self._fields = keys.fields
        self._null_as_default = keys.null_as_default
        self._plans: SchemaCache[Plan] = SchemaCache(self._plan)

    def _plan(self, schema: Schema | None) -> Plan:
        names = self._fields
        if schema is None:

            def chosen(value: Value) -> Value:
                members = need_map(value, PURPOSE)
                return {name: members.get(name) for name in names}

            return Plan(None, chosen)
        indexes = need_struct(schema, PURPOSE).indexes
        for name in names:
            if name not in indexes:
                raise DataError(
                    f"ValueToKey: {schema.name or 'a struct'} has no field {name}.",
                    cure="Correct the fields of the transform.",
                )
        places = [indexes[name] for name in names]
        getters = [getter(schema, place, self._null_as_default) for place in places]
        key_schema = struct(
            None, ((schema.fields[p].name, schema.fields[p].schema) for p in places)
        )
        return Plan(key_schema, lambda row: tuple([get(row) for get in getters]))

    def apply(self, batch: B) -> Iterable[B]:
        if None in batch.values:
            raise DataError(
                f"ValueToKey needs a value, but topic {batch.topic} has a record without one.",
                cure="Drop tombstones before, or keep them out with a predicate.",
            )
        plan = self._plans[batch.value_schema]
        keys = [plan.convert(value) for value in batch.values]
        return [replace(batch, key_schema=plan.schema, keys=keys)]

"""HoistField: wraps a whole key or value in a struct or map of one field.

Follows ``org.apache.kafka.connect.transforms.HoistField``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import ClassVar, TypeVar

from connect.batch import Batch
from connect.config import Config, string
from connect.schema import Schema, struct
from connect.transforms.side import Plan, SideTransform, runs

B = TypeVar("B", bound=Batch)


class HoistFieldConfig(Config):
    field = string("field", doc="Name of the one field.")


class HoistField(SideTransform):
    """A null, which has no schema, becomes a map with a null."""

    config: ClassVar[type[Config]] = HoistFieldConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        self._field = HoistFieldConfig(settings).field

    def plan(self, schema: Schema | None) -> Plan:
        field = self._field
        if schema is None:
            return Plan(None, lambda value: {field: value})
        return Plan(struct(None, [(field, schema)]), lambda value: (value,))

    def apply(self, batch: B) -> Iterable[B]:
        _, values = self.side(batch)
        for is_null, run in runs(batch, (value is None for value in values)):
            schema, column = self.side(run)
            plan = self.plans[None if is_null else schema]
            yield self.replaced(run, plan.schema, [plan.convert(value) for value in column])


class HoistFieldKey(HoistField):
    is_key = True


class HoistFieldValue(HoistField):
    is_key = False

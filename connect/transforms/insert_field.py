"""InsertField: adds what is known of the record, or a constant, as fields.

Follows ``org.apache.kafka.connect.transforms.InsertField``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any, ClassVar, NamedTuple, TypeVar

from connect.batch import Batch, SinkBatch
from connect.config import Config, boolean, optional_string
from connect.errors import ConfigError, DataError
from connect.logical import timestamp_schema
from connect.schema import Schema, Type, Value
from connect.transforms.side import (
    Plan,
    SideTransform,
    defaulted,
    need_map,
    need_struct,
    struct_like,
)

B = TypeVar("B", bound=Batch)
PURPOSE = "InsertField"


class InsertFieldConfig(Config):
    topic = optional_string("topic.field", doc="Field for the topic. End it in ! if required.")
    partition = optional_string("partition.field", doc="Field for the partition.")
    offset = optional_string("offset.field", doc="Field for the offset; for sinks only.")
    timestamp = optional_string("timestamp.field", doc="Field for the record's timestamp.")
    static = optional_string("static.field", doc="Field for a constant.")
    static_value = optional_string("static.value", doc="That constant.")
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Copy null fields that have a default as it."
    )

    def check(self) -> Iterator[ConfigError]:
        fields = (self.topic, self.partition, self.offset, self.timestamp, self.static)
        if not any(fields):
            yield ConfigError("topic.field", "No field insertion configured.")
        if self.static and self.static_value is None:
            yield ConfigError("static.value", f"No value for the static field {self.static}.")


class _Insertion(NamedTuple):
    name: str
    schema: Schema
    values: Callable[[Batch], Sequence[Value]]


class InsertField(SideTransform):
    config: ClassVar[type[Config]] = InsertFieldConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = InsertFieldConfig(settings)
        self._null_as_default = keys.null_as_default

        def constant(value: Callable[[Batch], Value]) -> Callable[[Batch], Sequence[Value]]:
            return lambda batch: [value(batch)] * len(batch)

        self._insertions: list[_Insertion] = []
        for name, schema, values in (
            (keys.topic, Schema(Type.STRING), constant(lambda batch: batch.topic)),
            (keys.partition, Schema(Type.INT32), constant(lambda batch: batch.partition)),
            (keys.offset, Schema(Type.INT64), _offsets),
            (keys.timestamp, timestamp_schema(), _timestamps),
            (keys.static, Schema(Type.STRING), constant(lambda _: keys.static_value)),
        ):
            if name:
                optional = not name.endswith("!")
                self._insertions.append(
                    _Insertion(
                        name.removesuffix("!").removesuffix("?"),
                        Schema(
                            schema.type, optional=optional, name=schema.name, version=schema.version
                        ),
                        values,
                    )
                )

    def plan(self, schema: Schema | None) -> Plan:
        if schema is None:
            return Plan(None, lambda value: dict(need_map(value, PURPOSE)))
        fields = [(member.name, member.schema) for member in need_struct(schema, PURPOSE).fields]
        for insertion in self._insertions:
            if schema.field(insertion.name):
                raise DataError(
                    f"InsertField cannot add {insertion.name}: {schema.name or 'the struct'} has "
                    "such a field."
                )
            fields.append((insertion.name, insertion.schema))
        return Plan(
            struct_like(schema, fields),
            defaulted(schema, self._null_as_default) or (lambda row: row),
        )

    def apply(self, batch: B) -> Iterable[B]:
        schema, values = self.side(batch)
        if all(value is None for value in values):
            return [batch]
        plan = self.plans[schema]
        added = list(zip(*(insertion.values(batch) for insertion in self._insertions), strict=True))
        for insertion, column in zip(self._insertions, zip(*added, strict=True), strict=True):
            if schema is not None and not insertion.schema.optional and None in column:
                raise DataError(
                    f"InsertField has no value for the required field {insertion.name} in topic "
                    f"{batch.topic}."
                )
        result: list[Value] = []
        for value, extra in zip(values, added, strict=True):
            if value is None:
                result.append(None)
            elif schema is not None:
                result.append(plan.convert(value) + extra)
            else:
                names = (insertion.name for insertion in self._insertions)
                present = {n: v for n, v in zip(names, extra, strict=True) if v is not None}
                result.append(plan.convert(value) | present)
        return [self.replaced(batch, plan.schema, result)]


def _offsets(batch: Batch) -> Sequence[Any]:
    if not isinstance(batch, SinkBatch):
        raise DataError("InsertField can add offsets only in a sink: a source's records have none.")
    return batch.offsets


def _timestamps(batch: Batch) -> Sequence[Any]:
    return batch.timestamps or [None] * len(batch)


class InsertFieldKey(InsertField):
    is_key = True


class InsertFieldValue(InsertField):
    is_key = False

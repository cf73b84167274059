"""MaskField: replaces fields by the empty value of their type, or by a constant.

Follows ``org.apache.kafka.connect.transforms.MaskField``.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from decimal import Decimal
from typing import Any, ClassVar, TypeVar

from connect.batch import Batch
from connect.config import REQUIRED, Config, boolean, listing, optional_string
from connect.converters.java_numbers import single
from connect.errors import DataError
from connect.logical import DATE, DECIMAL, SCALE, TIME, TIMESTAMP, decimal_to_bytes
from connect.schema import Field, Schema, Type, Value
from connect.transforms.side import (
    Convert,
    Plan,
    SideTransform,
    getter,
    need_map,
    need_struct,
    struct_like,
)
from connect.validators import not_empty

B = TypeVar("B", bound=Batch)
PURPOSE = "MaskField"
_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
_EMPTY: Mapping[Type, Any] = {
    **dict.fromkeys(_BITS, 0),
    Type.FLOAT32: 0.0,
    Type.FLOAT64: 0.0,
    Type.BOOLEAN: False,
    Type.STRING: "",
}


class MaskFieldConfig(Config):
    fields = listing("fields", REQUIRED, doc="Fields to mask.", valid=[not_empty])
    replacement = optional_string(
        "replacement",
        doc="What numbers and texts become instead of 0 and the empty text.",
        valid=[lambda value: None if value is None else not_empty(value)],
    )
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Copy null fields that have a default as it."
    )


class MaskField(SideTransform):
    config: ClassVar[type[Config]] = MaskFieldConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = MaskFieldConfig(settings)
        self._fields = frozenset(keys.fields)
        self._replacement = keys.replacement
        self._null_as_default = keys.null_as_default

    def apply(self, batch: B) -> Iterable[B]:
        _, values = self.side(batch)
        if None in values:
            raise DataError(
                f"MaskField needs fields, but topic {batch.topic} has a record without "
                f"{'key' if self.is_key else 'value'}.",
                cure="Keep such records out with a predicate.",
            )
        return super().apply(batch)

    def plan(self, schema: Schema | None) -> Plan:
        if schema is None:
            return Plan(None, self._mask_map)
        fields: list[tuple[str, Schema]] = []
        getters: list[Convert] = []
        for place, member in enumerate(need_struct(schema, PURPOSE).fields):
            fields.append((member.name, member.schema))
            get = getter(schema, place, self._null_as_default)
            if member.name in self._fields:
                get = _masked(get, self._mask(member))
            getters.append(get)
        return Plan(struct_like(schema, fields), lambda row: tuple([get(row) for get in getters]))

    def _mask(self, field: Field) -> Value:
        """What stands for every value of a field that is not null."""
        schema, text = field.schema, self._replacement
        if schema.name == DECIMAL:
            return self._parsed(
                field.name,
                lambda: decimal_to_bytes(Decimal(text or 0), int(schema.parameters[SCALE])),
            )
        if text is not None:
            if schema.name in (DATE, TIME, TIMESTAMP):
                raise DataError(f"MaskField cannot put a replacement into {field.name}, a time.")
            if schema.type is Type.STRING:
                return text
            if schema.type in _BITS:
                return self._parsed(field.name, lambda: _whole(text, _BITS[schema.type]))
            if schema.type is Type.FLOAT32:
                return self._parsed(field.name, lambda: single(float(text)))
            if schema.type is Type.FLOAT64:
                return self._parsed(field.name, lambda: float(text))
        elif schema.type is Type.ARRAY:
            return []
        elif schema.type is Type.MAP:
            return {}
        elif schema.type in _EMPTY:
            return _EMPTY[schema.type]
        what = "" if text is None else " by a replacement"
        raise DataError(f"MaskField cannot mask {field.name} of type {schema.type}{what}.")

    def _mask_map(self, value: Value) -> Value:
        members = dict(need_map(value, PURPOSE))
        for name in self._fields:
            old = members.get(name)
            members[name] = None if old is None else self._mask_plain(name, old)
        return members

    def _mask_plain(self, name: str, old: Value) -> Value:
        text = self._replacement
        for kind, empty in ((bool, False), (int, 0), (float, 0.0), (str, ""), (list, []),
                            (dict, {})):  # fmt: skip
            if type(old) is kind:
                if text is None:
                    return empty
                if kind is int:
                    return self._parsed(name, lambda: _whole(text, 64))
                if kind is float:
                    return self._parsed(name, lambda: float(text))
                if kind is str:
                    return text
        raise DataError(f"MaskField cannot mask {name}, a {type(old).__name__}.")

    def _parsed(self, name: str, parse: Any) -> Value:
        try:
            return parse()
        except (ValueError, OverflowError, ArithmeticError) as error:
            raise DataError(
                f"MaskField cannot put the replacement {self._replacement!r} into {name}: {error}."
            ) from error


class MaskFieldKey(MaskField):
    is_key = True


class MaskFieldValue(MaskField):
    is_key = False


def _masked(get: Convert, mask: Value) -> Convert:
    return lambda row: None if get(row) is None else mask


def _whole(text: str, bits: int) -> int:
    number = int(text)
    if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
        raise OverflowError("out of range")
    return number

"""Cast: fields, or a whole key or value, to another type.

Follows ``org.apache.kafka.connect.transforms.Cast``. Numbers that do not fit are cut as Java's
casts cut them, which is what configurations that use it count on.
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterator, Mapping
from decimal import Decimal
from math import isfinite, isnan
from typing import ClassVar

from connect.config import REQUIRED, Config, boolean, listing
from connect.converters.java_numbers import single
from connect.converters.values import simple_text
from connect.errors import ConfigError, DataError
from connect.java_dates import DateFormat
from connect.logical import DATE, DECIMAL, SCALE, TIME, TIMESTAMP, decimal_from_bytes
from connect.schema import Schema, Type, Value
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

PURPOSE = "Cast"
_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
_TARGETS = {
    kind.value.lower(): kind
    for kind in (*_BITS, Type.FLOAT32, Type.FLOAT64, Type.BOOLEAN, Type.STRING)
}
_MOMENTS = {
    DATE: DateFormat("yyyy-MM-dd"),
    TIME: DateFormat("HH:mm:ss.SSS'Z'"),
    TIMESTAMP: DateFormat("yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"),
}


class CastConfig(Config):
    spec = listing(
        "spec", REQUIRED, doc="field:type pairs, or one type for the whole.", valid=[not_empty]
    )
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Copy null fields that have a default as it."
    )

    def check(self) -> Iterator[ConfigError]:
        names: set[str] = set()
        for item in self.spec:
            name, colon, kind = item.rpartition(":")
            if kind not in _TARGETS:
                yield ConfigError("spec", f"Cannot cast to {kind!r} in {item!r}.",
                                  cure=f"The types are {', '.join(_TARGETS)}.")  # fmt: skip
            if not colon and len(self.spec) > 1:
                yield ConfigError("spec", f"The type {item!r} for the whole must stand alone.")
            if name in names:
                yield ConfigError("spec", f"The field {name} is cast twice.")
            names.add(name)


class Cast(SideTransform):
    config: ClassVar[type[Config]] = CastConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = CastConfig(settings)
        self._targets = {
            name: _TARGETS[kind] for name, _, kind in (item.rpartition(":") for item in keys.spec)
        }
        self._null_as_default = keys.null_as_default

    def plan(self, schema: Schema | None) -> Plan:
        whole = self._targets.get("")
        if whole is not None:
            if schema is None:
                return Plan(None, lambda value: _guarded("the value", None, whole)(value))
            return Plan(_cast_schema(schema, whole), _guarded("the value", schema, whole))
        if schema is None:
            return Plan(None, self._cast_map)
        fields: list[tuple[str, Schema]] = []
        getters: list[Convert] = []
        for place, member in enumerate(need_struct(schema, PURPOSE).fields):
            get = getter(schema, place, self._null_as_default)
            target = self._targets.get(member.name)
            if target is None:
                fields.append((member.name, member.schema))
                getters.append(get)
            else:
                fields.append((member.name, _cast_schema(member.schema, target)))
                getters.append(_after(get, _guarded(member.name, member.schema, target)))
        return Plan(struct_like(schema, fields), lambda row: tuple([get(row) for get in getters]))

    def _cast_map(self, value: Value) -> Value:
        members = dict(need_map(value, PURPOSE))
        for name, target in self._targets.items():
            members[name] = _guarded(name, None, target)(members.get(name))
        return members


class CastKey(Cast):
    is_key = True


class CastValue(Cast):
    is_key = False


def _after(get: Convert, cast: Convert) -> Convert:
    return lambda row: cast(get(row))


def _cast_schema(schema: Schema, target: Type) -> Schema:
    default = schema.default
    if default is not None:
        default = _guarded("the default", schema, target)(default)
    return Schema(target, optional=schema.optional, default=default)


def _guarded(name: str, schema: Schema | None, target: Type) -> Convert:
    """Casts a value that may be null; DataError names the field."""

    def convert(value: Value) -> Value:
        if value is None:
            return None
        try:
            return _cast(schema, value, target)
        except (ValueError, TypeError, OverflowError) as error:
            raise DataError(f"Cast cannot make {target} of {name}: {error}.") from error

    return convert


def _cast(schema: Schema | None, value: Value, target: Type) -> Value:
    logical = schema.name if schema is not None else None
    if schema is not None and logical == DECIMAL:
        value = decimal_from_bytes(value, int(schema.parameters[SCALE]))
    if target is Type.STRING:
        if logical in _MOMENTS:
            return _MOMENTS[logical].format(value * 86_400_000 if logical == DATE else value)
        if isinstance(value, bytes):
            return b64encode(value).decode()
        if isinstance(value, (dict, list, tuple)):
            raise TypeError(f"a {type(value).__name__} cannot be cast")
        return str(value) if isinstance(value, Decimal) else simple_text(schema, value)
    if isinstance(value, (bytes, dict, list, tuple)):
        raise TypeError(f"a {type(value).__name__} cannot be cast")
    if target is Type.BOOLEAN:
        return value.lower() == "true" if isinstance(value, str) else bool(value)
    if target in _BITS:
        return _whole(value, _BITS[target])
    number = float(value)
    if target is Type.FLOAT64:
        return number
    try:
        return single(number)
    except OverflowError:
        return float("inf") if number > 0 else float("-inf")


def _whole(value: str | float | Decimal, bits: int) -> int:
    """Java's narrowing: fractions are cut, floats held within int or long, then the low bits."""
    if isinstance(value, str):
        number = int(value)
        if not -(1 << (bits - 1)) <= number < 1 << (bits - 1):
            raise OverflowError(f"{value} is out of range")
        return number
    if isinstance(value, float):
        if isnan(value):
            return 0
        bound = 1 << (63 if bits == 64 else 31)
        whole = int(value) if isfinite(value) else bound if value > 0 else -bound
        number = max(-bound, min(bound - 1, whole))
    else:
        number = int(value)
    number &= (1 << bits) - 1
    return number - (1 << bits) if number >> (bits - 1) else number

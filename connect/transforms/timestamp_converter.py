"""TimestampConverter: between text, Unix time and Connect's date types.

Follows ``org.apache.kafka.connect.transforms.TimestampConverter``: all goes through milliseconds.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from enum import StrEnum
from typing import ClassVar

from connect.config import REQUIRED, Config, boolean, choice, string
from connect.errors import ConfigError, DataError
from connect.java_dates import DateFormat
from connect.logical import DATE, TIME, TIMESTAMP
from connect.schema import Schema, Type, Value
from connect.transforms.side import (
    Convert,
    Plan,
    SideTransform,
    defaulted,
    getter,
    need_map,
    need_struct,
    struct_like,
)

PURPOSE = "TimestampConverter"
_DAY = 86_400_000


class Form(StrEnum):
    STRING = "string"
    UNIX = "unix"
    DATE = "Date"
    TIME = "Time"
    TIMESTAMP = "Timestamp"


class Precision(StrEnum):
    SECONDS = "seconds"
    MILLISECONDS = "milliseconds"
    MICROSECONDS = "microseconds"
    NANOSECONDS = "nanoseconds"


_PER_SECOND = {
    Precision.SECONDS: 1,
    Precision.MILLISECONDS: 10**3,
    Precision.MICROSECONDS: 10**6,
    Precision.NANOSECONDS: 10**9,
}
_LOGICAL = {Form.DATE: DATE, Form.TIME: TIME, Form.TIMESTAMP: TIMESTAMP}
_FORMS = {logical: form for form, logical in _LOGICAL.items()}
_TYPES = {
    Form.STRING: Type.STRING,
    Form.UNIX: Type.INT64,
    Form.DATE: Type.INT32,
    Form.TIME: Type.INT32,
    Form.TIMESTAMP: Type.INT64,
}


class TimestampConverterConfig(Config):
    field = string("field", "", doc="Field to convert; empty for the whole key or value.")
    target = choice("target.type", Form, REQUIRED, doc="The form wanted.")
    format = string("format", "", doc="Pattern of java.text.SimpleDateFormat for text, in UTC.")
    precision = choice(
        "unix.precision", Precision, Precision.MILLISECONDS, doc="Unit of Unix times."
    )
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Copy null fields that have a default as it."
    )

    def check(self) -> Iterator[ConfigError]:
        if self.target is Form.STRING and not self.format:
            yield ConfigError("format", "format is needed with target.type=string.")


class TimestampConverter(SideTransform):
    config: ClassVar[type[Config]] = TimestampConverterConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = TimestampConverterConfig(settings)
        self._field = keys.field
        self._target = keys.target
        self._units = _PER_SECOND[keys.precision]
        self._null_as_default = keys.null_as_default
        try:
            self._format = DateFormat(keys.format) if keys.format else None
        except ValueError as error:
            raise ConfigError("format", f"format: {error}.") from error

    def plan(self, schema: Schema | None) -> Plan:
        if schema is None:
            if not self._field:
                return Plan(None, self._convert_plain)
            return Plan(None, self._convert_member)
        if not self._field:
            return Plan(self._schema(schema), self._convert(_form(schema)))
        fields: list[tuple[str, Schema]] = []
        getters: list[Convert] = []
        for place, member in enumerate(need_struct(schema, PURPOSE).fields):
            get = getter(schema, place, self._null_as_default)
            if member.name == self._field:
                fields.append((member.name, self._schema(member.schema)))
                getters.append(_after(get, self._convert(_form(member.schema))))
            else:
                fields.append((member.name, member.schema))
                getters.append(get)
        if self._field not in schema.indexes:
            same = defaulted(schema, self._null_as_default) or (lambda row: row)
            return Plan(struct_like(schema, fields), same)
        return Plan(struct_like(schema, fields), lambda row: tuple([get(row) for get in getters]))

    def _schema(self, schema: Schema) -> Schema:
        logical = _LOGICAL.get(self._target)
        return Schema(
            _TYPES[self._target],
            optional=schema.optional,
            name=logical,
            version=1 if logical else None,
        )

    def _convert(self, form: Form) -> Convert:
        def convert(value: Value) -> Value:
            return None if value is None else self._from_millis(self._millis(form, value))

        return convert

    def _millis(self, form: Form, value: Value) -> int:
        if form is Form.STRING:
            if self._format is None:
                raise DataError("TimestampConverter needs format to read text.")
            try:
                return self._format.parse(value)
            except (ValueError, OverflowError) as error:
                raise DataError(f"TimestampConverter cannot read a time: {error}.") from error
        if form is Form.UNIX:
            return int(value * 1000 // self._units)
        return int(value * _DAY if form is Form.DATE else value)

    def _from_millis(self, millis: int) -> Value:
        if self._target is Form.STRING and self._format is not None:
            try:
                return self._format.format(millis)
            except OverflowError as error:
                raise DataError(f"TimestampConverter: {millis} ms is out of range.") from error
        if self._target is Form.UNIX:
            return millis * self._units // 1000
        if self._target is Form.DATE:
            return millis // _DAY
        return millis % _DAY if self._target is Form.TIME else millis

    def _convert_member(self, value: Value) -> Value:
        members = dict(need_map(value, PURPOSE))
        members[self._field] = self._convert_plain(members.get(self._field))
        return members

    def _convert_plain(self, value: Value) -> Value:
        if value is None:
            return None
        if self._target in _LOGICAL:
            raise DataError(
                f"TimestampConverter cannot make a {self._target} in a record without schema.",
                cure="Use target.type unix or string, or a converter with schemas.",
            )
        if isinstance(value, str):
            return self._from_millis(self._millis(Form.STRING, value))
        if isinstance(value, int) and not isinstance(value, bool):
            return self._from_millis(self._millis(Form.UNIX, value))
        raise DataError(f"TimestampConverter cannot take a {type(value).__name__} for a time.")


class TimestampConverterKey(TimestampConverter):
    is_key = True


class TimestampConverterValue(TimestampConverter):
    is_key = False


def _form(schema: Schema) -> Form:
    if schema.name in _FORMS:
        return _FORMS[schema.name]
    if schema.type is Type.STRING:
        return Form.STRING
    if schema.type is Type.INT64:
        return Form.UNIX
    raise DataError(f"TimestampConverter cannot take {schema.name or schema.type} for a time.")


def _after(get: Convert, convert: Convert) -> Convert:
    return lambda row: convert(get(row))

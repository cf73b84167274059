"""One number or boolean in Kafka's binary form.

Follows ``org.apache.kafka.connect.converters.{Short,Integer,Long,Float,Double,Boolean}Converter``:
big-endian, of fixed size. All read optional values.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from connect.batch import Header
from connect.converters.contract import Converter, Decoded, HeaderConverter
from connect.errors import DataError
from connect.schema import Schema, Type, Value


class NumberConverter(Converter, HeaderConverter):
    """Base of the six; ``kind`` and ``form`` (of ``struct``) tell them apart."""

    kind: ClassVar[Type]
    form: ClassVar[struct.Struct]
    accepted: ClassVar[type] = int

    def configure(self, settings: Mapping[str, str], *, is_key: bool) -> None:
        """Nothing to set."""
        self._schema = Schema(self.kind, optional=True)

    def encode(
        self, topic: str, schema: Schema | None, values: Sequence[Value]
    ) -> Sequence[bytes | None]:
        return [self._bytes(f"topic {topic}", schema, value) for value in values]

    def decode(self, topic: str, payloads: Iterable[bytes | None]) -> list[Decoded]:
        return [Decoded(self._schema, self._value(f"topic {topic}", data)) for data in payloads]

    def encode_header(self, topic: str, header: Header) -> bytes | None:
        return self._bytes(f"header {header.name} of topic {topic}", header.schema, header.value)

    def decode_header(self, topic: str, name: str, payload: bytes | None) -> Header:
        return Header(name, self._schema, self._value(f"header {name} of topic {topic}", payload))

    def _bytes(self, where: str, schema: Schema | None, value: Value) -> bytes | None:
        if schema is not None and schema.type is not self.kind:
            raise DataError(
                f"{type(self).__name__} takes {self.kind}, but a value for {where} has the type "
                f"{schema.type}.",
                cure="Use another converter for this connector.",
            )
        if value is None:
            return None
        try:
            if type(value) is not self.accepted:
                raise TypeError(f"not of type {self.accepted.__name__}")
            return self.form.pack(value)
        except (TypeError, struct.error, OverflowError) as error:
            raise DataError(
                f"A value for {where} cannot be written as {self.kind}: {error}."
            ) from error

    def _value(self, where: str, data: bytes | None) -> Value:
        if data is None:
            return None
        if len(data) != self.form.size:
            raise DataError(
                f"A message of {where} has {len(data)} bytes, but {self.kind} takes "
                f"{self.form.size}.",
                cure="Set the converter that wrote it.",
            )
        return self.form.unpack(data)[0]


class ShortConverter(NumberConverter):
    kind = Type.INT16
    form = struct.Struct(">h")


class IntegerConverter(NumberConverter):
    kind = Type.INT32
    form = struct.Struct(">i")


class LongConverter(NumberConverter):
    kind = Type.INT64
    form = struct.Struct(">q")


class FloatConverter(NumberConverter):
    kind = Type.FLOAT32
    form = struct.Struct(">f")
    accepted = float


class DoubleConverter(NumberConverter):
    kind = Type.FLOAT64
    form = struct.Struct(">d")
    accepted = float


class BooleanConverter(NumberConverter):
    kind = Type.BOOLEAN
    form = struct.Struct(">?")
    accepted = bool

    def _value(self, where: str, data: bytes | None) -> Value:
        if data not in (None, b"\0", b"\1"):
            raise DataError(f"A message of {where} is not a boolean: {data!r}.")
        return super()._value(where, data)

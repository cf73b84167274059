"""Bytes as they are: ``org.apache.kafka.connect.converters.ByteArrayConverter``."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from connect.batch import Header
from connect.converters.contract import Converter, Decoded, HeaderConverter
from connect.errors import DataError
from connect.schema import OPTIONAL_BYTES, Schema, Type, Value


class ByteArrayConverter(Converter, HeaderConverter):
    """Takes bytes only; reads optional bytes."""

    def configure(self, settings: Mapping[str, str], *, is_key: bool) -> None:
        """Nothing to set."""

    def encode(
        self, topic: str, schema: Schema | None, values: Sequence[Value]
    ) -> Sequence[bytes | None]:
        return [_checked(f"topic {topic}", schema, value) for value in values]

    def decode(self, topic: str, payloads: Iterable[bytes | None]) -> list[Decoded]:
        return [Decoded(OPTIONAL_BYTES, payload) for payload in payloads]

    def encode_header(self, topic: str, header: Header) -> bytes | None:
        return _checked(f"header {header.name} of topic {topic}", header.schema, header.value)

    def decode_header(self, topic: str, name: str, payload: bytes | None) -> Header:
        return Header(name, OPTIONAL_BYTES, payload)


def _checked(where: str, schema: Schema | None, value: Value) -> bytes | None:
    if schema is not None and schema.type is not Type.BYTES:
        raise DataError(
            f"ByteArrayConverter takes bytes, but a value for {where} has the type {schema.type}.",
            cure="Use another converter for this connector.",
        )
    if value is not None and not isinstance(value, bytes):
        raise DataError(
            f"ByteArrayConverter takes bytes, but a value for {where} is a {type(value).__name__}.",
            cure="Use another converter for this connector.",
        )
    return value

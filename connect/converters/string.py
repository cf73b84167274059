"""Text as it is: ``org.apache.kafka.connect.storage.StringConverter``."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar

from connect.batch import Header
from connect.config import Config, Importance, optional_string, string
from connect.converters.contract import Converter, Decoded, HeaderConverter
from connect.converters.values import java_text
from connect.errors import DataError
from connect.schema import OPTIONAL_STRING, Schema, Value


def _encoding(value: str) -> str | None:
    try:
        codecs.lookup(value)
    except LookupError:
        return "there is no such encoding"
    return None


class StringConverterConfig(Config):
    encoding = string(
        "converter.encoding", "UTF-8", doc="Name of the character set.", importance=Importance.HIGH,
        valid=[_encoding],
    )  # fmt: skip
    converter_type = optional_string(
        "converter.type",
        doc="Accepted; the worker knows what it is for.",
        importance=Importance.LOW,
    )


class StringConverter(Converter, HeaderConverter):
    """Writes the text of anything; reads optional text."""

    config: ClassVar[type[Config]] = StringConverterConfig

    def configure(self, settings: Mapping[str, str], *, is_key: bool) -> None:
        self._encoding = StringConverterConfig(settings).encoding

    def encode(
        self, topic: str, schema: Schema | None, values: Sequence[Value]
    ) -> Sequence[bytes | None]:
        return [self._bytes(f"topic {topic}", schema, value) for value in values]

    def decode(self, topic: str, payloads: Iterable[bytes | None]) -> list[Decoded]:
        return [Decoded(OPTIONAL_STRING, self._text(f"topic {topic}", data)) for data in payloads]

    def encode_header(self, topic: str, header: Header) -> bytes | None:
        return self._bytes(f"header {header.name} of topic {topic}", header.schema, header.value)

    def decode_header(self, topic: str, name: str, payload: bytes | None) -> Header:
        return Header(name, OPTIONAL_STRING, self._text(f"header {name} of topic {topic}", payload))

    def _bytes(self, where: str, schema: Schema | None, value: Value) -> bytes | None:
        if value is None:
            return None
        try:
            text = value if isinstance(value, str) else java_text(schema, value)
            return text.encode(self._encoding)
        except (TypeError, ValueError) as error:
            raise DataError(f"A value for {where} has no form as text: {error}.") from error

    def _text(self, where: str, data: bytes | None) -> str | None:
        if data is None:
            return None
        try:
            return data.decode(self._encoding)
        except UnicodeDecodeError as error:
            raise DataError(f"A message of {where} is not text: {error}.") from error

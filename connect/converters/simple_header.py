"""Headers as text, typed by what the text looks like when read.

Follows ``org.apache.kafka.connect.storage.SimpleHeaderConverter``, Connect's default.
"""

from __future__ import annotations

from collections.abc import Mapping

from connect.batch import Header
from connect.converters.contract import HeaderConverter
from connect.converters.values import parse_text, simple_text
from connect.errors import DataError


class SimpleHeaderConverter(HeaderConverter):
    def configure(self, settings: Mapping[str, str], *, is_key: bool) -> None:
        """Nothing to set."""

    def encode_header(self, topic: str, header: Header) -> bytes | None:
        if header.value is None:
            return None
        try:
            return simple_text(header.schema, header.value).encode()
        except (TypeError, ValueError, OverflowError) as error:
            raise DataError(
                f"Header {header.name} of topic {topic} has no form as text: {error}.",
                cure="Use another header.converter.",
            ) from error

    def decode_header(self, topic: str, name: str, payload: bytes | None) -> Header:
        if payload is None:
            return Header(name, None, None)
        try:
            return Header(name, *parse_text(payload.decode()))
        except UnicodeDecodeError as error:
            raise DataError(
                f"Header {name} of topic {topic} is not text: {error}.",
                cure="Use the header.converter that wrote it, or the ByteArrayConverter.",
            ) from error

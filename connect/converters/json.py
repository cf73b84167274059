"""The JSON converter: ``org.apache.kafka.connect.json.JsonConverter``, both ways and for headers.

Encoding writes the schema's text once per schema and topic and each payload through a plan.
Decoding recognises messages that begin with a schema's text seen before, and then parses only the
payload.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from decimal import Decimal
from enum import StrEnum
from typing import Any, ClassVar, NamedTuple, NoReturn

import orjson

from connect.batch import Header
from connect.config import (
    Config,
    Importance,
    boolean,
    choice,
    integer,
    optional_string,
)
from connect.converters import json_read_cy, json_write_cy
from connect.converters.contract import Converter, Decoded, HeaderConverter
from connect.converters.fault import MISFITS, describe
from connect.converters.schema_json import parse_schema, schema_text
from connect.errors import ConfigError, DataError
from connect.schema import Schema, Value
from connect.schema_cache import SchemaCache
from connect.validators import at_least

_OPENING = b'{"schema":'
_MIDDLE = b',"payload":'
_KNOWN_PER_TOPIC = 16
_NULL = Decoded(None, None)


class DecimalFormat(StrEnum):
    BASE64 = "BASE64"
    NUMERIC = "NUMERIC"


class JsonConverterConfig(Config):
    schemas_enable = boolean(
        "schemas.enable", True, importance=Importance.HIGH,
        doc="Each message carries its schema beside the payload.",
    )  # fmt: skip
    schemas_cache_size = integer(
        "schemas.cache.size", 1000, valid=[at_least(1)], doc="Most schemas to remember."
    )
    schema_content = optional_string(
        "schema.content",
        doc="Schema of all messages read, which then consist of the payload alone.",
    )
    decimal_format = choice(
        "decimal.format", DecimalFormat, DecimalFormat.BASE64, importance=Importance.LOW,
        doc="Write Decimals as base64 of the unscaled value, or as numbers; both are read.",
    )  # fmt: skip
    replace_null_with_default = boolean(
        "replace.null.with.default", True, importance=Importance.LOW,
        doc="Write and read a null field that has a default as the default.",
    )  # fmt: skip
    converter_type = optional_string(
        "converter.type",
        doc="Accepted; the worker knows what it is for.",
        importance=Importance.LOW,
    )


class _Written(NamedTuple):
    """How values of one schema are written."""

    plan: json_write_cy.Writer
    before: bytes
    after: bytes


class _Readable(NamedTuple):
    """How payloads of one schema are read."""

    schema: Schema
    plan: json_read_cy.Reader


class JsonConverter(Converter, HeaderConverter):
    config: ClassVar[type[Config]] = JsonConverterConfig

    def configure(self, settings: Mapping[str, str], *, is_key: bool) -> None:
        self._config = JsonConverterConfig(settings)
        self._numeric = self._config.decimal_format is DecimalFormat.NUMERIC
        self._null_as_default = self._config.replace_null_with_default
        self._written = SchemaCache(self._writing, self._config.schemas_cache_size)
        self._readable: dict[bytes, _Readable | None] = {}
        self._schemas: dict[Schema, _Readable] = {}
        self._known: dict[str, list[tuple[bytes, _Readable | None]]] = {}
        self._fixed: _Readable | None = None
        if self._config.schemas_enable and self._config.schema_content:
            text = self._config.schema_content.encode()
            try:
                self._fixed = self._readable_for("any", text, _parsed("any", text, exact=True))
            except DataError as error:
                raise ConfigError("schema.content", f"schema.content: {error}") from error

    # --- writing ---------------------------------------------------------------------------------

    def encode(
        self, topic: str, schema: Schema | None, values: Sequence[Value]
    ) -> Sequence[bytes | None]:
        try:
            plan, before, after = self._written[schema]
            return json_write_cy.encode(plan, values, before, after)
        except MISFITS as error:
            raise self._unwritable(f"topic {topic}", schema, values) from error

    def encode_header(self, topic: str, header: Header) -> bytes | None:
        if header.schema is None and header.value is None:
            return None
        try:
            plan, before, after = self._written[header.schema]
            return json_write_cy.encode_one(plan, header.value, before, after)
        except MISFITS as error:
            where = f"header {header.name} of topic {topic}"
            raise self._unwritable(where, header.schema, [header.value]) from error

    def _writing(self, schema: Schema | None) -> _Written:
        plan = json_write_cy.writer(schema, self._numeric, self._null_as_default)
        if not self._config.schemas_enable:
            return _Written(plan, b"", b"")
        text = schema_text(
            schema, numeric_decimals=self._numeric, null_as_default=self._null_as_default
        )
        return _Written(plan, _OPENING + text + _MIDDLE, b"}")

    def _unwritable(self, where: str, schema: Schema | None, values: Sequence[Value]) -> DataError:
        """The error that names the field of the first value that cannot be written."""

        def attempt(part: Schema | None, value: Value) -> None:
            plan = json_write_cy.writer(part, self._numeric, self._null_as_default)
            json_write_cy.encode_one(plan, value)

        for place, value in enumerate(values):
            try:
                attempt(schema, value)
            except MISFITS:
                name = schema.name if schema is not None and schema.name else "the value"
                what = describe(schema, value, attempt)
                return DataError(
                    f"Record {place + 1} for {where} cannot be written: {name}, {what}."
                )
        return DataError(f"A record for {where} cannot be written.")

    # --- reading ---------------------------------------------------------------------------------

    def decode(self, topic: str, payloads: Iterable[bytes | None]) -> list[Decoded]:
        decode = self._decoder(topic)
        return [decode(payload) if payload else _NULL for payload in payloads]

    def decode_header(self, topic: str, name: str, payload: bytes | None) -> Header:
        if not payload:
            return Header(name, None, None)
        return Header(name, *self._decoder(f"header {name} of topic {topic}")(payload))

    def _decoder(self, topic: str) -> Callable[[bytes], Decoded]:
        if not self._config.schemas_enable:
            return lambda payload: Decoded(None, _parsed(topic, payload))
        fixed = self._fixed
        if fixed is not None:
            return lambda payload: self._payload(topic, fixed, payload)
        known = self._known.setdefault(topic, [])

        def decode(payload: bytes) -> Decoded:
            for place, (opening, readable) in enumerate(known):
                if payload.startswith(opening) and payload.endswith(b"}"):
                    if place:
                        known.insert(0, known.pop(place))
                    return self._payload(topic, readable, payload[len(opening) : -1], payload)
            return self._unknown(topic, known, payload)

        return decode

    def _payload(
        self, topic: str, readable: _Readable | None, payload: bytes, message: bytes = b""
    ) -> Decoded:
        """``payload`` is the text of the value alone, cut from ``message`` if that is given."""
        try:
            tree = orjson.loads(payload)
        except orjson.JSONDecodeError:
            if message:  # it may end in something else than the payload
                return self._envelope(topic, message)
            tree = _parsed(topic, payload)
        if readable is None:
            return Decoded(None, tree)
        return Decoded(readable.schema, self._value(topic, readable, tree, payload))

    def _value(self, topic: str, readable: _Readable, tree: Any, payload: bytes) -> Value:
        """``payload`` is what ``tree`` was parsed from, empty if it was parsed exactly."""
        try:
            try:
                return json_read_cy.read(readable.plan, tree)
            except json_read_cy.InexactError:
                tree = _parsed(topic, payload, exact=True)
                return json_read_cy.read(readable.plan, tree)
        except MISFITS as error:
            raise self._unreadable(topic, readable.schema, tree) from error

    def _unknown(
        self, topic: str, known: list[tuple[bytes, _Readable | None]], message: bytes
    ) -> Decoded:
        """A message whose schema is new in this topic; the next one like it will be recognised."""
        end = _end_of_value(message, len(_OPENING)) if message.startswith(_OPENING) else 0
        if not message.startswith(_MIDDLE, end):
            return self._envelope(topic, message)
        text = message[len(_OPENING) : end]
        schema = _parsed(topic, text, exact=True)
        opening = message[:end] + _MIDDLE
        readable = self._readable_for(topic, text, schema)
        known.insert(0, (opening, readable))
        del known[_KNOWN_PER_TOPIC:]
        return self._payload(topic, readable, message[len(opening) : -1], message)

    def _envelope(self, topic: str, message: bytes) -> Decoded:
        """A message of any layout: members in any order, with spaces."""
        tree = _parsed(topic, message, exact=True)
        if not isinstance(tree, dict) or tree.keys() != {"schema", "payload"}:
            raise DataError(
                f"A message of topic {topic} is not an object of the two members schema and "
                "payload, which JsonConverter with schemas.enable needs.",
                cure="If it is plain JSON, set schemas.enable=false in the converter's settings.",
            )
        key = json.dumps(tree["schema"], default=repr).encode()
        readable = self._readable_for(topic, key, tree["schema"])
        if readable is None:
            return Decoded(None, _parsed(topic, message)["payload"])
        return Decoded(readable.schema, self._value(topic, readable, tree["payload"], b""))

    def _readable_for(self, topic: str, key: bytes, tree: Any) -> _Readable | None:
        """The plan for a parsed schema, None for null; equal schemas share one object."""
        if key in self._readable:
            return self._readable[key]
        if len(self._readable) >= self._config.schemas_cache_size:
            self._readable.clear()
            self._schemas.clear()
            self._known.clear()
        readable: _Readable | None = None
        if tree is not None:
            try:
                schema = parse_schema(tree, null_as_default=self._null_as_default)
                plan = json_read_cy.reader(schema, self._null_as_default)
            except (DataError, *MISFITS) as error:
                raise DataError(
                    f"The schema in a message of topic {topic} cannot be used: {error}"
                ) from error
            readable = self._schemas.setdefault(schema, _Readable(schema, plan))
        self._readable[key] = readable
        return readable

    def _unreadable(self, topic: str, schema: Schema, tree: Any) -> DataError:
        def attempt(part: Schema | None, value: Any) -> None:
            if part is not None:
                json_read_cy.read(json_read_cy.reader(part, self._null_as_default), value)

        what = describe(schema, tree, attempt)
        return DataError(f"A message of topic {topic} does not fit its schema: {what}.")


def _parsed(topic: str, text: bytes, *, exact: bool = False) -> Any:
    """Parsed JSON; ``exact`` keeps fractions as Decimal."""
    try:
        if not exact:
            try:
                return orjson.loads(text)
            except orjson.JSONDecodeError:
                pass  # a lone surrogate or a number beyond the range of doubles
        return json.loads(text, parse_float=Decimal if exact else float, parse_constant=_refuse)
    except (ValueError, RecursionError) as error:
        raise DataError(
            f"A message of topic {topic} is not JSON: {error}.",
            cure="Set the converter that wrote it.",
        ) from error


def _refuse(constant: str) -> NoReturn:
    raise ValueError(f"{constant} is not JSON")


def _end_of_value(message: bytes, start: int) -> int:
    """Where the JSON value that starts there ends; 0 if there is none."""
    try:
        text = message[start:].decode()
        _, end = json.JSONDecoder().raw_decode(text)
    except (ValueError, RecursionError):
        return 0
    return start + len(text[:end].encode())

"""Values as text without a format: what Java's ``toString`` and Connect's ``Values`` make of them.

``java_text`` is ``toString()``, ``simple_text`` and ``parse_text`` are
``org.apache.kafka.connect.data.Values.convertToString`` and ``parseString``.
"""

from __future__ import annotations

import datetime as dt
import re
from base64 import b64encode
from collections.abc import Iterable
from decimal import Decimal

from connect.converters.java_numbers import double_text, float_text, single
from connect.logical import (
    DATE,
    DECIMAL,
    SCALE,
    TIME,
    TIMESTAMP,
    date_schema,
    datetime_from_micros,
    days_from_date,
    decimal_from_bytes,
    decimal_schema,
    decimal_to_bytes,
    micros_from_datetime,
    time_schema,
    timestamp_schema,
)
from connect.schema import (
    BOOLEAN,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    STRING,
    Schema,
    Type,
    Value,
)

_DAY_MS = 86_400_000
_WHOLE = (INT8, INT16, INT32, INT64)
_WIDTH = {kind: place for place, kind in enumerate((*_WHOLE, FLOAT32, FLOAT64))}


def java_text(schema: Schema | None, value: Value) -> str:
    """``toString()`` of a value. TypeError for bytes, whose text in Java is an address."""
    if isinstance(value, bytes) and not (schema and schema.name == DECIMAL):
        raise TypeError("bytes have no text; use the ByteArrayConverter or a Cast")
    if schema is not None and schema.type is Type.STRUCT and value is not None:
        members = ",".join(
            f"{member.name}={java_text(member.schema, item)}"
            for member, item in zip(schema.fields, value, strict=True)
            if item is not None
        )
        return f"Struct{{{members}}}"
    if isinstance(value, dict):
        key, item = (schema.key, schema.element) if schema else (None, None)
        pairs = (f"{java_text(key, k)}={java_text(item, v)}" for k, v in value.items())
        return f"{{{', '.join(pairs)}}}"
    if isinstance(value, list):
        item = schema.element if schema else None
        return f"[{', '.join(java_text(item, member) for member in value)}]"
    if schema is not None and schema.name in (DATE, TIME, TIMESTAMP) and value is not None:
        moment = datetime_from_micros(_millis(schema, value) * 1000)
        return f"{moment:%a %b %d %H:%M:%S UTC} {moment.year:04d}"
    return _scalar(schema, value)


def simple_text(schema: Schema | None, value: Value, *, inside: bool = False) -> str:
    """JSON-like text; a string is quoted only ``inside`` something else."""
    if isinstance(value, str):
        escaped = value.replace("\\", "\\\\").replace('"', '\\"')
        return f'"{escaped}"' if inside else value
    if isinstance(value, bytes) and not (schema and schema.name == DECIMAL):
        text = b64encode(value).decode()
        return f'"{text}"' if inside else text
    if schema is not None and schema.type is Type.STRUCT and value is not None:
        members = zip(schema.fields, value, strict=True)
        return _object(
            (simple_text(None, m.name, inside=True), simple_text(m.schema, item, inside=True))
            for m, item in members
        )
    if isinstance(value, dict):
        key, item = (schema.key, schema.element) if schema else (None, None)
        return _object(
            (simple_text(key, k, inside=True), simple_text(item, v, inside=True))
            for k, v in value.items()
        )
    if isinstance(value, list):
        item = schema.element if schema else None
        return f"[{','.join(simple_text(item, member, inside=True) for member in value)}]"
    if schema is not None and schema.name in (DATE, TIME, TIMESTAMP) and value is not None:
        millis = _millis(schema, value)
        moment = datetime_from_micros(millis * 1000)
        clock = f"{moment:%H:%M:%S}.{millis % 1000:03d}Z"
        if 0 <= millis < _DAY_MS:  # Values takes any moment of the first day for a time
            return clock
        day = f"{moment.year:04d}-{moment:%m-%d}"
        return day if millis % _DAY_MS == 0 else f"{day}T{clock}"
    return _scalar(schema, value)


def _object(pairs: Iterable[tuple[str, str]]) -> str:
    return f"{{{','.join(f'{key}:{value}' for key, value in pairs)}}}"


def _scalar(schema: Schema | None, value: Value) -> str:
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        single_precision = schema is not None and schema.type is Type.FLOAT32
        return float_text(value) if single_precision else double_text(value)
    if isinstance(value, bytes) and schema is not None:
        return str(decimal_from_bytes(value, int(schema.parameters[SCALE])))
    if isinstance(value, (str, int, Decimal)):
        return str(value)
    raise TypeError(f"a {type(value).__name__} has no text")


def _millis(schema: Schema, value: int) -> int:
    return value * _DAY_MS if schema.name == DATE else value


# --- parsing -------------------------------------------------------------------------------------

_NUMBER = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_MOMENT = re.compile(
    r"(?P<day>\d{4}-\d{2}-\d{2})(T(?P<clock>\d{2}:\d{2}:\d{2}\.\d{3})Z)?"
    r"|(?P<time>\d{2}:\d{2}:\d{2}\.\d{3})Z"
)
_QUOTED = r'"(?:[^"\\]|\\.)*"'
_ITEM = re.compile(rf'\s*({_QUOTED}|[\[\]{{}},:]|[^\s\[\]{{}},":][^\s\[\]{{}},"]*)')
_KEY = re.compile(rf'\s*({_QUOTED}|[}},]|[^\s\[\]{{}},":]+)')


def parse_text(text: str) -> tuple[Schema | None, Value]:
    """A typed value out of text: the narrowest number, a boolean, a date or time, an array or map
    of such; anything else is the text itself.

    Unlike the original, a fraction that a FLOAT32 cannot hold becomes a FLOAT64, and text that only
    begins with a value (``1,2``) stays text.
    """
    stripped = text.strip()
    if stripped == "null":
        return None, None
    if stripped[:1] in ("[", "{"):
        try:
            schema, value, end = _collection(stripped, 0)
        except ValueError:
            return STRING, text
        return (schema, value) if end == len(stripped) else (STRING, text)
    return _atom(stripped) or (STRING, text)


def _atom(text: str) -> tuple[Schema, Value] | None:
    if text in ("true", "false"):
        return BOOLEAN, text == "true"
    if len(text) <= 1000 and _NUMBER.fullmatch(text):
        return _number(text)
    found = _MOMENT.fullmatch(text)
    if not found:
        return None
    try:
        if found["time"]:
            clock = dt.time.fromisoformat(found["time"])
            seconds = (clock.hour * 60 + clock.minute) * 60 + clock.second
            return time_schema(), seconds * 1000 + clock.microsecond // 1000
        day = dt.date.fromisoformat(found["day"])
        if not found["clock"]:
            return date_schema(), days_from_date(day)
        moment = dt.datetime.combine(day, dt.time.fromisoformat(found["clock"]))
    except ValueError:
        return None
    return timestamp_schema(), micros_from_datetime(moment) // 1000


def _number(text: str) -> tuple[Schema, Value]:
    number = Decimal(text)
    if abs(number.adjusted()) < 40 and number == number.to_integral_value():
        whole = int(number)
        for bits, schema in zip((8, 16, 32, 64), _WHOLE, strict=True):
            if -(1 << (bits - 1)) <= whole < 1 << (bits - 1):
                return schema, whole
    exponent = number.as_tuple().exponent
    scale = -exponent if isinstance(exponent, int) else 0
    if scale:
        try:
            narrow = single(float(text))
            if Decimal(float_text(narrow)) == number:
                return FLOAT32, narrow
        except (OverflowError, ArithmeticError):
            pass  # beyond a FLOAT32
        if float(text) not in (float("inf"), float("-inf")):
            return FLOAT64, float(text)
    return decimal_schema(scale), decimal_to_bytes(number, scale)


def _collection(text: str, start: int) -> tuple[Schema, Value, int]:
    """The array or map that begins at ``start``, and where it ends. ValueError if there is none."""
    opening = text[start]
    closing = "]" if opening == "[" else "}"
    first = _ITEM if opening == "[" else _KEY
    keys: list[Value] = []
    key_schemas: list[Schema | None] = []
    items: list[Value] = []
    item_schemas: list[Schema | None] = []
    token, end = _token(first, text, start + 1)
    while token != closing:
        if opening == "{":
            schema, value, end = _element(text, token, end)
            keys.append(value)
            key_schemas.append(schema)
            token, end = _token(_ITEM, text, end)
            if token != ":":
                raise ValueError("no colon after a key")
            token, end = _token(_ITEM, text, end)
        schema, value, end = _element(text, token, end)
        items.append(value)
        item_schemas.append(schema)
        token, end = _token(_ITEM, text, end)
        if token == ",":
            token, end = _token(first, text, end)
            if token == closing:
                raise ValueError("nothing after a comma")
        elif token != closing:
            raise ValueError("no comma")
    element = _common(item_schemas)
    if element in (FLOAT32, FLOAT64):
        items = [float(item) for item in items]
    if opening == "[":
        return Schema(Type.ARRAY, element=element), items, end
    members = dict(zip(keys, items, strict=True))
    return Schema(Type.MAP, key=_common(key_schemas), element=element), members, end


def _token(pattern: re.Pattern[str], text: str, start: int) -> tuple[str, int]:
    found = pattern.match(text, start)
    if not found:
        raise ValueError("not a value")
    return found[1], found.end()


def _element(text: str, token: str, end: int) -> tuple[Schema | None, Value, int]:
    if token in ("[", "{"):
        return _collection(text, end - 1)
    if token[0] == '"':
        return STRING, re.sub(r"\\(.)", r"\1", token[1:-1]), end
    atom = _atom(token)
    if atom is None:
        raise ValueError("not a value")
    return *atom, end


def _common(schemas: Iterable[Schema | None]) -> Schema | None:
    """One schema for all, the widest for numbers; None where there is none."""
    found = set(schemas)
    if len(found) == 1:
        return found.pop()
    if found and found <= _WIDTH.keys():
        return max(found, key=lambda schema: _WIDTH[schema] if schema else 0)
    return None

"""JSON: text without insignificant white space, the same from a snapshot and from the binlog.

The text is the server's own (what SELECT shows) less the blanks after ``:`` and ``,``, and with
numbers that the server writes with an exponent written out, as Debezium does in streaming. Members
come in the order of storage. Follows ``sql-common/json_binary.h`` and ``json_dom.cc``.
"""

from __future__ import annotations

import base64
import re
import struct
from decimal import Decimal
from typing import Final

from cdc.types.codec import Codec, Field, Op, Wire
from cdc.types.column_type import ColumnType, expect, prefix
from cdc.types.decimal import from_packed
from cdc.types.options import Options
from connect.errors import DataError
from connect.schema import Schema, Type
from schema_history.table import Column

_SMALL_OBJECT: Final = 0
_LARGE_OBJECT: Final = 1
_SMALL_ARRAY: Final = 2
_LARGE_ARRAY: Final = 3
_LITERAL: Final = 4
_INT16: Final = 5
_UINT16: Final = 6
_INT32: Final = 7
_UINT32: Final = 8
_INT64: Final = 9
_UINT64: Final = 10
_DOUBLE: Final = 11
_STRING: Final = 12
_OPAQUE: Final = 15

_LITERALS = ("null", "true", "false")
_NUMBERS = {
    _INT16: struct.Struct("<h"),
    _UINT16: struct.Struct("<H"),
    _INT32: struct.Struct("<i"),
    _UINT32: struct.Struct("<I"),
    _INT64: struct.Struct("<q"),
    _UINT64: struct.Struct("<Q"),
    _DOUBLE: struct.Struct("<d"),
}
_DEPTH = 128  # the server allows 100 levels


def json(column: Column, options: Options) -> ColumnType:
    """An empty value, which the server never writes but an upgrade may leave, is JSON null."""
    schema = Schema(Type.STRING, optional=column.optional, name="io.debezium.data.Json", version=1)
    empty = None if column.optional else "{}"

    def binary(data: bytes) -> str | None:
        return from_binary(data) if data else empty

    def wire(stored: Wire) -> Codec:
        expect(stored, Field.JSON, Field.BLOB)
        # MariaDB's JSON is text.
        convert = binary if stored.code == Field.JSON else from_text
        return Codec(Op.BYTES, prefix(stored), convert=convert)

    return ColumnType(schema, Codec(Op.BYTES, convert=from_text), wire)


# --- the server's text --------------------------------------------------------------------------

_TOKEN = re.compile(rb'"(?:[^"\\]|\\.)*"|[^"\s]+')
_EXPONENT = re.compile(r"-?\d+(?:\.\d+)?[eE][+-]?\d+")


def from_text(data: bytes) -> str:
    """The server's text in our form."""
    tokens = _TOKEN.findall(data)
    if any(token[0] != 0x22 and _may_have_exponent(token) for token in tokens):
        return "".join(
            text if text[0] == '"' else _EXPONENT.sub(lambda found: _plain(float(found[0])), text)
            for text in (token.decode("utf-8") for token in tokens)
        )
    return b"".join(tokens).decode("utf-8")


def _may_have_exponent(token: bytes) -> bool:
    place = max(token.find(b"e"), token.find(b"E"))
    return place > 0 and token[place - 1 : place].isdigit()


def _plain(number: float) -> str:
    """All digits of the binary value, no exponent."""
    return f"{Decimal(number):f}"


def number_text(number: float) -> str:
    """A double: the shortest digits that read back as it, as the server writes them.

    The server writes a number with an exponent where the decimal point would stand more than 15
    places after or 14 places before the first digit (``my_gcvt``); those are written out.
    """
    _sign, digits, exponent = Decimal(repr(number)).as_tuple()
    assert isinstance(exponent, int)
    point = len(digits) + exponent
    if digits != (0,) and not -15 < point <= 15:
        return _plain(number)
    text = f"{Decimal(repr(number)):f}"
    return text if "." in text else f"{text}.0"


# --- the stored form -----------------------------------------------------------------------------


def from_binary(data: bytes) -> str:
    """The stored form as text; DataError if it is damaged."""
    pieces: list[str] = []
    try:
        _value(data[0], data, 1, pieces, 0)
        return "".join(pieces)
    except (IndexError, struct.error, ValueError) as error:
        raise DataError(f"a JSON value is damaged: {error}") from error


def _value(kind: int, data: bytes, pos: int, pieces: list[str], depth: int) -> None:
    if kind <= _LARGE_ARRAY:
        if depth > _DEPTH:
            raise DataError("a JSON value is nested too deep")
        _container(kind, data, pos, pieces, depth)
    elif kind == _STRING:
        size, start = _length(data, pos)
        pieces.append(_quoted(_cut(data, start, size).decode("utf-8")))
    elif kind == _LITERAL:
        pieces.append(_LITERALS[data[pos]])
    elif kind == _DOUBLE:
        pieces.append(number_text(_NUMBERS[kind].unpack_from(data, pos)[0]))
    elif kind in _NUMBERS:
        pieces.append(str(_NUMBERS[kind].unpack_from(data, pos)[0]))
    elif kind == _OPAQUE:
        size, start = _length(data, pos + 1)
        pieces.append(_opaque(data[pos], _cut(data, start, size)))
    else:
        raise DataError(f"a JSON value is of type {kind}, which is not known")


def _container(kind: int, data: bytes, start: int, pieces: list[str], depth: int) -> None:
    """Count, size, key entries (offset and length), value entries (type and offset or value)."""
    wide = kind in (_LARGE_OBJECT, _LARGE_ARRAY)
    width = 4 if wide else 2
    is_object = kind <= _LARGE_OBJECT
    count = int.from_bytes(_cut(data, start, width), "little")
    size = int.from_bytes(_cut(data, start + width, width), "little")
    keys = start + 2 * width
    values = keys + (count * (width + 2) if is_object else 0)
    end = values + count * (1 + width)
    if size > len(data) - start or end > start + size:
        raise DataError("a JSON value is cut off")
    inlined = (_LITERAL, _INT16, _UINT16, _INT32, _UINT32) if wide else (_LITERAL, _INT16, _UINT16)
    pieces.append("{" if is_object else "[")
    for index in range(count):
        if index:
            pieces.append(",")
        if is_object:
            entry = keys + index * (width + 2)
            offset = int.from_bytes(data[entry : entry + width], "little")
            length = int.from_bytes(data[entry + width : entry + width + 2], "little")
            name = _cut(data, start + offset, length).decode("utf-8")
            pieces.append(f"{_quoted(name)}:")
        entry = values + index * (1 + width)
        member = data[entry]
        if member in inlined:
            _value(member, data, entry + 1, pieces, depth + 1)
        else:
            offset = int.from_bytes(data[entry + 1 : entry + 1 + width], "little")
            if start + offset < end:
                raise DataError("a JSON value points back into its own container")
            _value(member, data, start + offset, pieces, depth + 1)
    pieces.append("}" if is_object else "]")


def _cut(data: bytes, start: int, size: int) -> bytes:
    if start + size > len(data):
        raise DataError("a JSON value is cut off")
    return data[start : start + size]


def _length(data: bytes, pos: int) -> tuple[int, int]:
    """Seven bits a byte, the lowest first; the top bit says that another byte follows."""
    size = shift = 0
    for index in range(5):
        byte = data[pos + index]
        size |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            return size, pos + index + 1
    raise DataError("a JSON value's length is damaged")


_ESCAPES = {code: f"\\u{code:04x}" for code in range(0x20)} | {
    ord('"'): '\\"',
    ord("\\"): "\\\\",
    0x08: "\\b",
    0x09: "\\t",
    0x0A: "\\n",
    0x0C: "\\f",
    0x0D: "\\r",
}
_TO_ESCAPE = re.compile(r'["\\\x00-\x1f]')


def _quoted(text: str) -> str:
    if _TO_ESCAPE.search(text):
        text = text.translate(_ESCAPES)
    return f'"{text}"'


def _opaque(kind: int, data: bytes) -> str:
    """Values of SQL types inside JSON."""
    if kind == Field.NEWDECIMAL:
        return f"{from_packed(data[2:], data[0], data[1]):f}"
    if kind in (Field.DATE, Field.DATETIME, Field.TIMESTAMP, Field.TIME):
        packed = int.from_bytes(data[:8], "little", signed=True)
        return f'"{_clock(packed) if kind == Field.TIME else _date(packed, kind)}"'
    return f'"base64:type{kind}:{base64.b64encode(data).decode("ascii")}"'


def _date(packed: int, kind: int) -> str:
    whole, micros = packed >> 24, packed & 0xFFFFFF
    days, seconds = whole >> 17, whole & 0x1FFFF
    text = f"{(days >> 5) // 13:04d}-{(days >> 5) % 13:02d}-{days & 31:02d}"
    days = whole >> 17
    if kind == Field.DATE:
        return text
    return f"{text} {seconds >> 12:02d}:{seconds >> 6 & 63:02d}:{seconds & 63:02d}.{micros:06d}"


def _clock(packed: int) -> str:
    sign = "-" if packed < 0 else ""
    packed = abs(packed)
    whole, micros = packed >> 24, packed & 0xFFFFFF
    return f"{sign}{whole >> 12 & 1023:02d}:{whole >> 6 & 63:02d}:{whole & 63:02d}.{micros:06d}"

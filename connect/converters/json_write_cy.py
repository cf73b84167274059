"""Writes Connect values as JSON text, byte for byte as Kafka's JsonConverter does.

One ``Writer`` per schema, put together at schema time by ``writer``; ``encode`` runs it over a
column of values. Interpreted, the text is collected in a bytearray; compiled, the same bytearray is
written through a pointer. Follows ``org.apache.kafka.connect.json.JsonConverter`` and Jackson's
``UTF8JsonGenerator``: control characters and everything beyond the basic plane are escaped with
upper-case digits, the rest is raw UTF-8.
"""

from __future__ import annotations

import re
from binascii import b2a_base64
from collections.abc import Sequence
from decimal import Decimal
from math import isfinite

import cython

from connect.converters.java_numbers import double_text, float_text
from connect.logical import DECIMAL, SCALE, decimal_from_bytes, decimal_to_bytes
from connect.schema import Schema, Type, Value

if cython.compiled:
    from cython.cimports.cpython.bytes import PyBytes_FromStringAndSize
    from cython.cimports.cpython.unicode import PyUnicode_AsUTF8AndSize
    from cython.cimports.libc.string import memcpy

_NAMED = {
    '"': '\\"', "\\": "\\\\", "\b": "\\b", "\t": "\\t", "\n": "\\n", "\f": "\\f", "\r": "\\r",
}  # fmt: skip
_ESCAPED = re.compile('[\x00-\x1f"\\\\\ud800-\udfff\U00010000-\U0010ffff]')


def quoted(text: str) -> bytes:
    """A JSON string with its quotes."""
    return f'"{_ESCAPED.sub(_escape, text)}"'.encode()


def _escape(found: re.Match[str]) -> str:
    character = found[0]
    if character in _NAMED:
        return _NAMED[character]
    units = character.encode("utf-16-be", "surrogatepass")
    return "".join(f"\\u{units[i : i + 2].hex().upper()}" for i in range(0, len(units), 2))


@cython.cclass
class Out:
    """The text so far: ``data`` is longer than it when compiled, ``used`` says how much counts."""

    data: bytearray
    pointer: cython.p_uchar
    used: cython.Py_ssize_t
    size: cython.Py_ssize_t

    def __init__(self) -> None:
        self.data = bytearray()
        self.size = 0
        self.used = 0
        if cython.compiled:
            self.reserve(4096)

    @cython.cfunc
    def reserve(self, count: cython.Py_ssize_t) -> cython.int:
        """Make room for ``count`` more bytes; only compiled code needs it."""
        if self.used + count > self.size:
            larger: bytearray = bytearray((self.used + count) * 2)
            larger[: self.used] = self.data[: self.used]
            self.data = larger
            self.size = len(larger)
            self.pointer = larger
        return 0

    @cython.cfunc
    def put(self, text: bytes) -> cython.int:
        if cython.compiled:
            count: cython.Py_ssize_t = len(text)
            source: cython.p_uchar = text
            self.reserve(count)
            memcpy(self.pointer + self.used, source, count)
            self.used += count
        else:
            self.data += text
        return 0

    @cython.cfunc
    def put_int(self, number: cython.longlong) -> cython.int:
        if cython.compiled:
            rest: cython.ulonglong = number
            place: cython.Py_ssize_t
            count: cython.Py_ssize_t = 1
            self.reserve(20)
            if number < 0:
                rest = 0 - rest
                self.pointer[self.used] = 45
                self.used += 1
            probe: cython.ulonglong = rest
            while probe >= 10:
                probe //= 10
                count += 1
            for place in range(self.used + count - 1, self.used - 1, -1):
                self.pointer[place] = 48 + rest % 10
                rest //= 10
            self.used += count
        else:
            self.data += b"%d" % number
        return 0

    @cython.cfunc
    def put_string(self, text: str) -> cython.int:
        """A JSON string with its quotes."""
        if cython.compiled:
            count: cython.Py_ssize_t = 0
            i: cython.Py_ssize_t
            c: cython.uchar
            try:
                source: cython.p_const_char = PyUnicode_AsUTF8AndSize(text, cython.address(count))
            except UnicodeEncodeError:  # a lone surrogate
                return self.put(quoted(text))
            for i in range(count):
                c = source[i]
                if c < 32 or c == 34 or c == 92 or c >= 0xF0:
                    return self.put(quoted(text))
            self.reserve(count + 2)
            self.pointer[self.used] = 34
            memcpy(self.pointer + self.used + 1, source, count)
            self.pointer[self.used + 1 + count] = 34
            self.used += count + 2
        else:
            self.data += quoted(text)
        return 0

    @cython.cfunc
    def length(self) -> cython.Py_ssize_t:
        return self.used if cython.compiled else len(self.data)

    @cython.cfunc
    def cut(self, length: cython.Py_ssize_t) -> cython.int:
        """Forget all text after ``length``."""
        if cython.compiled:
            self.used = length
        else:
            del self.data[length:]
        return 0

    @cython.cfunc
    def text(self, start: cython.Py_ssize_t) -> bytes:
        """The text from ``start`` on."""
        if cython.compiled:
            copy: bytes = PyBytes_FromStringAndSize(
                cython.cast(cython.p_char, self.pointer) + start, self.used - start
            )
            return copy
        return bytes(self.data[start:])


@cython.cclass
class Writer:
    """Writes values of one schema, never null; ``null`` is the text of null, or None if refused."""

    null: bytes | None

    def __init__(self) -> None:
        self.null = b"null"

    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        raise NotImplementedError

    @cython.cfunc
    def write_any(self, out: Out, value: object) -> cython.int:
        """As ``write``, with null."""
        if value is None:
            if self.null is None:
                raise ValueError("null for a required value without default")
            return out.put(self.null)
        return self.write(out, value)


@cython.final
@cython.cclass
class IntWriter(Writer):
    low: cython.longlong
    high: cython.longlong

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.low = -(1 << (bits - 1))
        self.high = (1 << (bits - 1)) - 1

    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if type(value) is not int:
            raise TypeError("not an int")
        number: cython.longlong = value
        if number < self.low or number > self.high:
            raise OverflowError("out of range")
        return out.put_int(number)


@cython.final
@cython.cclass
class BooleanWriter(Writer):
    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if value is True:
            return out.put(b"true")
        if value is False:
            return out.put(b"false")
        raise TypeError("not a bool")


@cython.final
@cython.cclass
class FloatWriter(Writer):
    double: cython.bint

    def __init__(self, double: bool) -> None:
        super().__init__()
        self.double = double

    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if type(value) is not float:
            raise TypeError("not a float")
        number: float = value
        text = double_text(number) if self.double else float_text(number)
        return out.put((text if isfinite(number) else f'"{text}"').encode())


@cython.final
@cython.cclass
class StringWriter(Writer):
    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if not isinstance(value, str):
            raise TypeError("not a str")
        return out.put_string(value)


@cython.final
@cython.cclass
class BytesWriter(Writer):
    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if type(value) is not bytes:
            raise TypeError("not bytes")
        out.put(b'"')
        out.put(b2a_base64(value, newline=False))
        return out.put(b'"')


@cython.final
@cython.cclass
class DecimalWriter(Writer):
    """A Decimal as a number, its trailing zeros kept."""

    scale: cython.int

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if type(value) is not bytes:
            raise TypeError("not bytes")
        return out.put(str(decimal_from_bytes(value, self.scale)).encode())


@cython.final
@cython.cclass
class ArrayWriter(Writer):
    item: Writer

    def __init__(self, item: Writer) -> None:
        super().__init__()
        self.item = item

    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if not isinstance(value, list):
            raise TypeError("not a list")
        separator: bytes = b"["
        for member in value:
            out.put(separator)
            self.item.write_any(out, member)
            separator = b","
        return out.put(b"]" if value else b"[]")


@cython.final
@cython.cclass
class MapWriter(Writer):
    """A map with string keys is an object, any other an array of pairs."""

    key: Writer
    item: Writer
    object_form: cython.bint

    def __init__(self, key: Writer, item: Writer, object_form: bool) -> None:
        super().__init__()
        self.key = key
        self.item = item
        self.object_form = object_form

    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if not isinstance(value, dict):
            raise TypeError("not a dict")
        first: cython.bint = True
        out.put(b"{" if self.object_form else b"[")
        for key, member in value.items():
            if not first:
                out.put(b",")
            first = False
            if self.object_form:
                if key is None:  # Kafka's converter takes the text of JSON's null
                    out.put(b'"null"')
                else:
                    self.key.write(out, key)
                out.put(b":")
                self.item.write_any(out, member)
            else:
                out.put(b"[")
                self.key.write_any(out, key)
                out.put(b",")
                self.item.write_any(out, member)
                out.put(b"]")
        return out.put(b"}" if self.object_form else b"]")


@cython.final
@cython.cclass
class StructWriter(Writer):
    """A tuple as an object. A tuple met again at once (a block that rows share) is copied."""

    names: tuple[bytes, ...]
    members: tuple[Writer, ...]
    last: object
    last_text: bytes | None

    def __init__(self, names: tuple[bytes, ...], members: tuple[Writer, ...]) -> None:
        super().__init__()
        self.names = names
        self.members = members
        self.last = None
        self.last_text = None

    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if value is not self.last:
            self.last = value
            self.last_text = None
            return self.write_members(out, value)
        if self.last_text is None:
            start: cython.Py_ssize_t = out.length()
            self.write_members(out, value)
            self.last_text = out.text(start)
            return 0
        return out.put(self.last_text)

    @cython.cfunc
    @cython.boundscheck(False)
    @cython.wraparound(False)
    def write_members(self, out: Out, value: object) -> cython.int:
        if type(value) is not tuple:
            raise TypeError("not a tuple")
        row: tuple[object, ...] = value
        names: tuple[bytes, ...] = self.names
        members: tuple[Writer, ...] = self.members
        count: cython.Py_ssize_t = len(members)
        if len(row) != count:
            raise ValueError("wrong number of fields")
        place: cython.Py_ssize_t
        for place in range(count):
            out.put(names[place])
            member: Writer = members[place]
            member.write_any(out, row[place])
        return out.put(b"}" if count else b"{}")


@cython.final
@cython.cclass
class PlainWriter(Writer):
    """Data without a schema."""

    numeric: cython.bint

    def __init__(self, numeric: bool) -> None:
        super().__init__()
        self.numeric = numeric

    @cython.cfunc
    def write(self, out: Out, value: object) -> cython.int:
        if isinstance(value, str):
            return out.put_string(value)
        if value is True or value is False:
            return out.put(b"true" if value else b"false")
        if isinstance(value, int):
            return out.put(b"%d" % value)
        if isinstance(value, float):
            text = double_text(value)
            return out.put((text if isfinite(value) else f'"{text}"').encode())
        if isinstance(value, bytes):
            return out.put(b'"' + b2a_base64(value, newline=False) + b'"')
        if isinstance(value, dict):
            strings = all(isinstance(key, str) for key in value)
            return MapWriter(self, self, strings).write(out, value)
        if isinstance(value, (list, tuple)):
            return ArrayWriter(self).write(out, list(value))
        if isinstance(value, Decimal):
            if self.numeric:
                return out.put(str(value).encode())
            exponent = value.as_tuple().exponent
            if not isinstance(exponent, int):
                raise ValueError("not a finite number")
            unscaled = decimal_to_bytes(value, -exponent)
            return out.put(b'"' + b2a_base64(unscaled, newline=False) + b'"')
        raise TypeError("no JSON form")


_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}


def writer(schema: Schema | None, numeric_decimals: bool, null_as_default: bool) -> Writer:
    """The writer of ``schema``, of data without one for None.

    ``numeric_decimals`` is ``decimal.format=NUMERIC``, ``null_as_default``
    ``replace.null.with.default=true``.
    """
    if schema is None:
        return PlainWriter(numeric_decimals)
    made: Writer = _required(schema, numeric_decimals, null_as_default)
    if schema.default is not None and null_as_default:
        made.null = _text(made, schema.default)
    elif not schema.optional:
        made.null = None
    return made


def _required(schema: Schema, numeric_decimals: bool, null_as_default: bool) -> Writer:
    kind = schema.type
    if kind in _BITS:
        return IntWriter(_BITS[kind])
    if kind is Type.STRING:
        return StringWriter()
    if kind is Type.BOOLEAN:
        return BooleanWriter()
    if kind is Type.FLOAT32 or kind is Type.FLOAT64:
        return FloatWriter(kind is Type.FLOAT64)
    if kind is Type.BYTES:
        if schema.name == DECIMAL and numeric_decimals:
            return DecimalWriter(int(schema.parameters[SCALE]))
        return BytesWriter()
    if kind is Type.STRUCT:
        names: list[bytes] = []
        members: list[Writer] = []
        for member in schema.fields:
            names.append((b"," if names else b"{") + quoted(member.name) + b":")
            members.append(writer(member.schema, numeric_decimals, null_as_default))
        return StructWriter(tuple(names), tuple(members))
    item: Writer = writer(schema.element, numeric_decimals, null_as_default)
    if kind is Type.ARRAY:
        return ArrayWriter(item)
    keys: Writer = writer(schema.key, numeric_decimals, null_as_default)
    return MapWriter(keys, item, schema.key is not None and schema.key.type is Type.STRING)


def _text(made: Writer, value: Value) -> bytes:
    out: Out = Out()
    made.write_any(out, value)
    text: bytes = out.text(0)
    return text


def encode_one(made: Writer, value: Value, before: bytes = b"", after: bytes = b"") -> bytes:
    """The text of one value, null included."""
    return before + _text(made, value) + after


def encode(
    made: Writer, values: Sequence[Value], before: bytes, after: bytes
) -> list[bytes | None]:
    """The text of each value between ``before`` and ``after``; None stays None.

    TypeError, ValueError, OverflowError or UnicodeError where a value does not fit the schema.
    """
    out: Out = Out()
    out.put(before)
    start: cython.Py_ssize_t = out.length()
    texts: list[bytes | None] = []
    for value in values:
        if value is None:
            texts.append(None)
            continue
        made.write(out, value)
        out.put(after)
        texts.append(out.text(0))
        out.cut(start)
    return texts

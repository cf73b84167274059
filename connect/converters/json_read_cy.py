"""Turns parsed JSON into Connect values: dicts of structs into tuples, base64 into bytes.

One ``Reader`` per schema, put together at schema time by ``reader``. Stricter than
``org.apache.kafka.connect.json.JsonConverter``, which reads a text where a number belongs as 0 and
cuts numbers to the field's size: such a value is refused here.
"""

from __future__ import annotations

from binascii import a2b_base64
from decimal import Decimal

import cython

from connect.converters.java_numbers import single
from connect.logical import DECIMAL, SCALE, decimal_to_bytes
from connect.schema import Schema, Type, Value


class InexactError(ValueError):
    """A Decimal came as a JSON number and was parsed as a float: parse again, exactly."""


@cython.cclass
class Reader:
    """Reads values of one schema; ``null`` stands for null unless ``required``."""

    required: cython.bint
    null: object

    def __init__(self) -> None:
        self.required = False
        self.null = None

    @cython.cfunc
    def read(self, value: object) -> object:
        raise NotImplementedError

    @cython.cfunc
    def read_any(self, value: object) -> object:
        """As ``read``, with null."""
        if value is None:
            if self.required:
                raise ValueError("null for a required value")
            return self.null
        return self.read(value)


@cython.final
@cython.cclass
class IntReader(Reader):
    low: cython.longlong
    high: cython.longlong

    def __init__(self, bits: int) -> None:
        super().__init__()
        self.low = -(1 << (bits - 1))
        self.high = (1 << (bits - 1)) - 1

    @cython.cfunc
    def read(self, value: object) -> object:
        if type(value) is not int:
            raise TypeError("not a whole number")
        number: cython.longlong = value
        if number < self.low or number > self.high:
            raise OverflowError("out of range")
        return value


@cython.final
@cython.cclass
class BooleanReader(Reader):
    @cython.cfunc
    def read(self, value: object) -> object:
        if type(value) is not bool:
            raise TypeError("not true or false")
        return value


_SPECIAL = {"NaN": float("nan"), "Infinity": float("inf"), "-Infinity": float("-inf")}


@cython.final
@cython.cclass
class FloatReader(Reader):
    double: cython.bint

    def __init__(self, double: bool) -> None:
        super().__init__()
        self.double = double

    @cython.cfunc
    def read(self, value: object) -> object:
        if type(value) is float:
            return value if self.double else single(value)
        if type(value) is int or type(value) is Decimal:
            return float(value) if self.double else single(float(value))
        if isinstance(value, str) and value in _SPECIAL:
            return _SPECIAL[value]
        raise TypeError("not a number")


@cython.final
@cython.cclass
class StringReader(Reader):
    @cython.cfunc
    def read(self, value: object) -> object:
        if type(value) is not str:
            raise TypeError("not a text")
        return value


@cython.final
@cython.cclass
class BytesReader(Reader):
    @cython.cfunc
    def read(self, value: object) -> object:
        if type(value) is not str:
            raise TypeError("not a text in base64")
        return a2b_base64(value, strict_mode=True)


@cython.final
@cython.cclass
class DecimalReader(Reader):
    """A Decimal, in base64 or as a number."""

    scale: cython.int

    def __init__(self, scale: int) -> None:
        super().__init__()
        self.scale = scale

    @cython.cfunc
    def read(self, value: object) -> object:
        if type(value) is str:
            return a2b_base64(value, strict_mode=True)
        if type(value) is float:
            raise InexactError
        if type(value) is int or type(value) is Decimal:
            return decimal_to_bytes(Decimal(value), self.scale)
        raise TypeError("not a number or text in base64")


@cython.final
@cython.cclass
class ArrayReader(Reader):
    item: Reader

    def __init__(self, item: Reader) -> None:
        super().__init__()
        self.item = item

    @cython.cfunc
    def read(self, value: object) -> object:
        if type(value) is not list:
            raise TypeError("not an array")
        members: list[object] = []
        for member in value:
            members.append(self.item.read_any(member))  # noqa: PERF401 (a C call)
        return members


@cython.final
@cython.cclass
class MapReader(Reader):
    key: Reader
    item: Reader
    object_form: cython.bint

    def __init__(self, key: Reader, item: Reader, object_form: bool) -> None:
        super().__init__()
        self.key = key
        self.item = item
        self.object_form = object_form

    @cython.cfunc
    def read(self, value: object) -> object:
        members: dict[object, object] = {}
        if self.object_form:
            if type(value) is not dict:
                raise TypeError("not an object")
            for name, member in value.items():
                members[name] = self.item.read_any(member)
            return members
        if type(value) is not list:
            raise TypeError("not an array of pairs")
        for pair in value:
            if type(pair) is not list or len(pair) != 2:
                raise TypeError("not an array of pairs")
            members[self.key.read_any(pair[0])] = self.item.read_any(pair[1])
        return members


@cython.final
@cython.cclass
class StructReader(Reader):
    """A member that is not there is null; members the schema does not know are passed by."""

    names: tuple[str, ...]
    members: tuple[Reader, ...]

    def __init__(self, names: tuple[str, ...], members: tuple[Reader, ...]) -> None:
        super().__init__()
        self.names = names
        self.members = members

    @cython.cfunc
    def read(self, value: object) -> object:
        if type(value) is not dict:
            raise TypeError("not an object")
        source: dict[str, object] = value
        names: tuple[str, ...] = self.names
        members: tuple[Reader, ...] = self.members
        row: list[object] = []
        place: cython.Py_ssize_t
        for place in range(len(names)):
            item = source.get(names[place])
            member: Reader = members[place]
            if item is None:
                row.append(member.read_any(None))
            else:
                row.append(member.read(item))
        return tuple(row)


_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}


def reader(schema: Schema, null_as_default: bool) -> Reader:
    """The reader of ``schema``; ``null_as_default`` is ``replace.null.with.default=true``."""
    made: Reader = _required(schema, null_as_default)
    if schema.default is not None and null_as_default:
        made.null = schema.default
    else:
        made.required = not schema.optional
    return made


def _required(schema: Schema, null_as_default: bool) -> Reader:
    kind = schema.type
    if kind in _BITS:
        return IntReader(_BITS[kind])
    if kind is Type.STRING:
        return StringReader()
    if kind is Type.BOOLEAN:
        return BooleanReader()
    if kind is Type.FLOAT32 or kind is Type.FLOAT64:
        return FloatReader(kind is Type.FLOAT64)
    if kind is Type.BYTES:
        if schema.name == DECIMAL:
            return DecimalReader(int(schema.parameters[SCALE]))
        return BytesReader()
    if kind is Type.STRUCT:
        names: list[str] = []
        members: list[Reader] = []
        for member in schema.fields:
            names.append(member.name)
            members.append(reader(member.schema, null_as_default))
        return StructReader(tuple(names), tuple(members))
    if schema.element is None:
        raise ValueError("a schema of type ARRAY or MAP needs the schema of its elements")
    item: Reader = reader(schema.element, null_as_default)
    if kind is Type.ARRAY:
        return ArrayReader(item)
    if schema.key is None:
        raise ValueError("a schema of type MAP needs the schema of its keys")
    return MapReader(reader(schema.key, null_as_default), item, schema.key.type is Type.STRING)


def read(made: Reader, value: object) -> Value:
    """One value out of parsed JSON.

    InexactError asks for numbers parsed as Decimal; TypeError, ValueError or OverflowError tell of
    a value that does not fit the schema.
    """
    return made.read_any(value)

"""Text, bytes, numbers and headers."""

from __future__ import annotations

import pytest

from connect.batch import Header
from connect.converters.byte_array import ByteArrayConverter
from connect.converters.contract import HeaderConverter
from connect.converters.numbers import (
    BooleanConverter,
    DoubleConverter,
    FloatConverter,
    IntegerConverter,
    LongConverter,
    NumberConverter,
    ShortConverter,
)
from connect.converters.simple_header import SimpleHeaderConverter
from connect.converters.string import StringConverter
from connect.errors import ConfigError, DataError
from connect.schema import BYTES, INT32, INT64, OPTIONAL_BYTES, OPTIONAL_STRING, STRING, struct


def test_string() -> None:
    subject = StringConverter()
    subject.configure({}, is_key=True)
    row = struct("r", [("id", INT32)])
    assert subject.encode("t", STRING, ["é", None]) == ["é".encode(), None]
    assert subject.encode("t", row, [(1,)]) == [b"Struct{id=1}"]
    assert subject.encode("t", None, [True, 5, "x"]) == [b"true", b"5", b"x"]
    assert subject.decode("t", ["é".encode(), None]) == [
        (OPTIONAL_STRING, "é"),
        (OPTIONAL_STRING, None),
    ]
    with pytest.raises(DataError, match="topic t is not text"):
        subject.decode("t", [b"\xff"])
    with pytest.raises(DataError, match="topic t has no form as text"):
        subject.encode("t", BYTES, [b"\xff"])
    subject.configure({"converter.encoding": "ISO-8859-1"}, is_key=True)
    assert subject.encode("t", STRING, ["é"]) == [b"\xe9"]
    with pytest.raises(DataError, match="has no form as text"):
        subject.encode("t", STRING, ["€"])
    with pytest.raises(ConfigError, match=r"converter\.encoding"):
        subject.configure({"converter.encoding": "UTF-99"}, is_key=True)


def test_byte_array() -> None:
    subject = ByteArrayConverter()
    subject.configure({}, is_key=False)
    assert subject.encode("t", BYTES, [b"\0", None]) == [b"\0", None]
    assert subject.decode("t", [b"\0", None]) == [(OPTIONAL_BYTES, b"\0"), (OPTIONAL_BYTES, None)]
    for schema, value in ((STRING, "x"), (None, "x")):
        with pytest.raises(DataError, match="ByteArrayConverter takes bytes"):
            subject.encode("t", schema, [value])


@pytest.mark.parametrize(
    ("kind", "value", "data"),
    [
        (ShortConverter, -2, b"\xff\xfe"),
        (IntegerConverter, -2, b"\xff\xff\xff\xfe"),
        (LongConverter, 1, b"\0\0\0\0\0\0\0\1"),
        (FloatConverter, 1.5, b"\x3f\xc0\0\0"),
        (DoubleConverter, 1.5, b"\x3f\xf8\0\0\0\0\0\0"),
        (BooleanConverter, True, b"\1"),
    ],
)
def test_numbers(kind: type[NumberConverter], value: object, data: bytes) -> None:
    subject = kind()
    subject.configure({}, is_key=True)
    assert subject.encode("t", None, [value, None]) == [data, None]
    assert [item.value for item in subject.decode("t", [data, None])] == [value, None]
    assert [item.schema.type for item in subject.decode("t", [data]) if item.schema] == [kind.kind]
    with pytest.raises(DataError, match=r"bytes, but|not a boolean"):
        subject.decode("t", [data + b"\0"])
    with pytest.raises(DataError, match="cannot be written"):
        subject.encode("t", None, ["1"])
    with pytest.raises(DataError, match="has the type STRING"):
        subject.encode("t", STRING, ["1"])


def test_numbers_out_of_range() -> None:
    subject = IntegerConverter()
    subject.configure({}, is_key=True)
    with pytest.raises(DataError, match="cannot be written as INT32"):
        subject.encode("t", INT32, [2**31])
    truth = BooleanConverter()
    truth.configure({}, is_key=True)
    with pytest.raises(DataError, match="not a boolean"):
        truth.decode("t", [b"\2"])


@pytest.mark.parametrize(
    ("made", "header"),
    [
        (SimpleHeaderConverter(), Header("h", INT64, 3_000_000_000)),
        (SimpleHeaderConverter(), Header("h", None, None)),
        (StringConverter(), Header("h", OPTIONAL_STRING, "x")),
        (ByteArrayConverter(), Header("h", OPTIONAL_BYTES, b"x")),
    ],
)
def test_headers_are_read_back(made: HeaderConverter, header: Header) -> None:
    made.configure({}, is_key=False)
    assert made.decode_header("t", "h", made.encode_header("t", header)) == header


def test_header_that_is_not_text() -> None:
    with pytest.raises(DataError, match="Header h of topic t is not text"):
        SimpleHeaderConverter().decode_header("t", "h", b"\xff")

"""Values as text and back, against what Connect's ``Values`` said (recorded by hand from 4.3)."""

from __future__ import annotations

import struct as binary
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.converters.java_numbers import double_text, float_text, single
from connect.converters.values import java_text, parse_text, simple_text
from connect.logical import (
    date_schema,
    decimal_from_bytes,
    decimal_schema,
    decimal_to_bytes,
    time_schema,
    timestamp_schema,
)
from connect.schema import (
    BOOLEAN,
    BYTES,
    FLOAT32,
    FLOAT64,
    INT8,
    INT16,
    INT32,
    INT64,
    OPTIONAL_BYTES,
    OPTIONAL_STRING,
    STRING,
    Schema,
    Type,
    array,
    struct,
)

ROW = struct(
    "r",
    [
        ("id", INT32),
        ("s", STRING),
        ("b", OPTIONAL_BYTES),
        ("n", OPTIONAL_STRING),
        ("a", array(FLOAT64)),
        ("m", Schema(Type.MAP, key=STRING, element=BOOLEAN)),
    ],
)
VALUE = (1, "x y", None, None, [1e10, 2.5], {"k": True})


def test_text_of_a_struct() -> None:
    assert java_text(ROW, VALUE) == "Struct{id=1,s=x y,a=[1.0E10, 2.5],m={k=true}}"
    assert (
        simple_text(ROW, VALUE)
        == '{"id":1,"s":"x y","b":null,"n":null,"a":[1.0E10,2.5],"m":{"k":true}}'
    )


def test_text_of_scalars() -> None:
    assert java_text(FLOAT32, 0.1) == "0.1"
    assert java_text(timestamp_schema(), 7) == "Thu Jan 01 00:00:00 UTC 1970"
    assert simple_text(timestamp_schema(), 7) == "00:00:00.007Z"
    assert simple_text(timestamp_schema(), 86_400_007) == "1970-01-02T00:00:00.007Z"
    assert simple_text(date_schema(), 1) == "1970-01-02"
    assert simple_text(decimal_schema(2), b"\x78") == "1.20"
    assert simple_text(BYTES, b"\1\2") == "AQI="
    assert simple_text(array(STRING), ['a"b\\', "c"]) == r'["a\"b\\","c"]'
    with pytest.raises(TypeError, match="bytes have no text"):
        java_text(BYTES, b"\1")


@pytest.mark.parametrize(
    ("text", "schema", "value"),
    [
        ("", STRING, ""),
        ("abc", STRING, "abc"),
        ("127", INT8, 127),
        ("-129", INT16, -129),
        ("40000", INT32, 40000),
        ("3000000000", INT64, 3_000_000_000),
        ("99999999999999999999", decimal_schema(0), decimal_to_bytes(Decimal(10**20 - 1), 0)),
        ("1.5", FLOAT32, 1.5),
        ("0.1", FLOAT32, single(0.1)),
        ("3.14159265358979", FLOAT64, 3.14159265358979),
        ("3.4028235e39", FLOAT64, 3.4028235e39),
        ("1e400", decimal_schema(-400), b"\1"),
        ("1.25e3", INT16, 1250),
        (" 12 ", INT8, 12),
        ("+5", INT8, 5),
        ("true", BOOLEAN, True),
        ("TRUE", STRING, "TRUE"),
        ("null", None, None),
        ('"q"', STRING, '"q"'),
        ("[1,300]", array(INT16), [1, 300]),
        ("[1.5,2]", array(FLOAT32), [1.5, 2.0]),
        ('[1,"a"]', Schema(Type.ARRAY), [1, "a"]),
        ("[1,null]", STRING, "[1,null]"),
        ("[", STRING, "["),
        ("{a:1}", STRING, "{a:1}"),
        ("{}", Schema(Type.MAP), {}),
        ('{"a":1,"b":2.5}', Schema(Type.MAP, key=STRING, element=FLOAT32), {"a": 1.0, "b": 2.5}),
        ("{3:4}", Schema(Type.MAP, key=INT8, element=INT8), {3: 4}),
        ("2020-01-01", date_schema(), 18262),
        ("2020-13-01", STRING, "2020-13-01"),
        ("10:00:00.000Z", time_schema(), 36_000_000),
        ("2020-01-01T10:00:00.000Z", timestamp_schema(), 1_577_872_800_000),
        ("b2a715d4-e4b3-11f1-a859-02fc00000001:55", STRING,
         "b2a715d4-e4b3-11f1-a859-02fc00000001:55"),
    ],
)  # fmt: skip
def test_parse(text: str, schema: Schema | None, value: object) -> None:
    assert parse_text(text) == (schema, value)


@given(st.recursive(st.integers(-(2**63), 2**63 - 1) | st.text(max_size=5), st.lists, max_leaves=5))
def test_lists_are_read_back(value: object) -> None:
    if isinstance(value, list):
        assert parse_text(simple_text(None, value))[1] == value


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.0, "0.0"), (-0.0, "-0.0"), (1e7, "1.0E7"), (9999999.0, "9999999.0"), (1e-3, "0.001"),
        (9.9e-4, "9.9E-4"), (5e-324, "4.9E-324"), (2e23, "2.0E23"), (float("nan"), "NaN"),
        (float("-inf"), "-Infinity"), (123456789.125, "1.23456789125E8"),
    ],
)  # fmt: skip
def test_doubles_as_java_prints_them(number: float, text: str) -> None:
    assert double_text(number) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0.1, "0.1"), (1.4e-45, "1.4E-45"), (16777216.0, "1.6777216E7"), (1e10, "1.0E10"),
        (3.4028234663852886e38, "3.4028235E38"), (33554432.0, "3.3554432E7"), (100.0, "100.0"),
    ],
)  # fmt: skip
def test_floats_as_java_prints_them(number: float, text: str) -> None:
    assert float_text(number) == text


@given(st.binary(min_size=4, max_size=4))
def test_every_float_is_read_back(bits: bytes) -> None:
    number = binary.unpack("f", bits)[0]
    if number == number:
        assert single(float(float_text(number).replace("Infinity", "inf"))) == number


@given(st.decimals(allow_nan=False, allow_infinity=False, places=4))
def test_decimals_at_their_scale(number: Decimal) -> None:
    assert decimal_from_bytes(decimal_to_bytes(number, 4), 4) == number


def test_a_decimal_keeps_all_digits_or_fails() -> None:
    with pytest.raises(ValueError, match="more digits"):
        decimal_to_bytes(Decimal("1.25"), 1)

"""The JSON converter against what Kafka's own wrote (json_cases.txt, see JsonOracle.java)."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.batch import Header
from connect.converters import json as json_module
from connect.converters import schema_json
from connect.converters.json import JsonConverter
from connect.errors import ConfigError, DataError
from connect.schema import FLOAT64, INT32, INT64, STRING, Schema, Type, array, struct
from tests.connect.schemas import rows_of_one_schema
from tests.hot import forms

CASES = [
    line.split("\t")
    for line in (Path(__file__).parent / "json_cases.txt").read_text().strip("\n").split("\n")
]


WRITERS = forms("connect.converters.json_write_cy")
READERS = forms("connect.converters.json_read_cy")


@pytest.fixture(params=range(max(len(WRITERS), len(READERS))), autouse=True)
def form(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Both forms of the two hot modules, the compiled ones last."""
    for module in (json_module, schema_json):
        monkeypatch.setattr(module, "json_write_cy", WRITERS[min(request.param, len(WRITERS) - 1)])
        monkeypatch.setattr(module, "json_read_cy", READERS[min(request.param, len(READERS) - 1)])


def converter(**settings: str) -> JsonConverter:
    made = JsonConverter()
    made.configure({k.replace("_", "."): v for k, v in settings.items()}, is_key=False)
    return made


PLAIN = {"schemas_enable": "false"}


def test_recorded_cases() -> None:
    converters: dict[str, JsonConverter] = {}
    for settings, message, expected in CASES:
        if settings not in converters:
            converters[settings] = JsonConverter()
            converters[settings].configure(
                dict(pair.split("=") for pair in settings.split(",")), is_key=False
            )
        subject = converters[settings]
        # Twice: the second time the schema's text is known.
        for _ in range(2):
            try:
                (decoded,) = subject.decode("t", [message.encode()])
                if decoded.value is None and expected != "NULL":  # a null payload with a schema
                    header = Header("h", decoded.schema, None)
                    written = subject.encode_header("t", header) or b"null"
                else:
                    written = subject.encode("t", decoded.schema, [decoded.value])[0] or b"NULL"
            except DataError:
                written = b"ERROR"
            assert written.decode() == expected, message


@given(rows_of_one_schema())
def test_what_is_written_is_read_back(case: tuple[Schema, list[Any]]) -> None:
    schema, values = case
    subject = converter(replace_null_with_default="false")
    decoded = subject.decode("t", subject.encode("t", schema, values))
    for value, back in zip(values, decoded, strict=True):
        assert back.value == value
        if value is not None:
            assert back.schema == schema
    assert len({id(back.schema) for back in decoded if back.schema}) <= 1


@given(rows_of_one_schema())
def test_both_forms_write_the_same(case: tuple[Schema, list[Any]]) -> None:
    schema, values = case
    texts = []
    for module in WRITERS:
        plan = module.writer(schema, True, True)
        texts.append(module.encode(plan, values, b"<", b">"))
    assert texts[0] == texts[-1]


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_double_is_read_back_from_its_text(number: float) -> None:
    (text,) = converter(**PLAIN).encode("t", FLOAT64, [number])
    assert text is not None
    assert math.copysign(1, float(text)) == math.copysign(1, number)
    assert float(text) == number


def test_non_finite_floats_are_quoted_and_read_back() -> None:
    subject = converter()
    values = [math.inf, -math.inf]
    encoded = subject.encode("t", FLOAT64, [*values, math.nan])
    assert [json.loads(text or b"")["payload"] for text in encoded] == [
        "Infinity", "-Infinity", "NaN",
    ]  # fmt: skip
    decoded = [item.value for item in subject.decode("t", encoded)]
    assert decoded[:2] == values
    assert math.isnan(decoded[2])


def test_null_bytes_and_null_values_are_tombstones() -> None:
    subject = converter()
    assert subject.encode("t", struct("v", [("a", INT32)]), [None, (1,)])[0] is None
    assert subject.decode("t", [None, b""]) == [(None, None), (None, None)]


def test_schemas_of_several_tables_keep_their_identity() -> None:
    subject = converter()
    schemas = [struct(f"table{i}", [("a", INT32)]) for i in range(40)]
    messages = [subject.encode("t", schema, [(i,)])[0] for i, schema in enumerate(schemas)]
    once = subject.decode("t", messages)
    again = subject.decode("other", messages)
    assert [item.value for item in again] == [(i,) for i in range(40)]
    assert all(a.schema is b.schema for a, b in zip(once, again, strict=True))


def test_more_schemas_than_the_cache_holds() -> None:
    subject = converter(schemas_cache_size="2")
    schemas = [struct(f"table{i}", [("a", INT32)]) for i in range(6)]
    messages = [subject.encode("t", schema, [(i,)])[0] for i, schema in enumerate(schemas)]
    for _ in range(2):
        decoded = subject.decode("t", messages)
        assert [item.schema for item in decoded] == schemas


def test_a_block_shared_by_rows_is_written_in_each() -> None:
    source = struct("s", [("file", STRING), ("pos", INT64)])
    schema = struct("e", [("source", source), ("n", INT32)])
    first, second = ("bin.1", 4), ("bin.1", 5)
    rows = [(first, 1), (first, 2), (first, 3), (second, 4), (first, 5)]
    encoded = converter(**PLAIN).encode("t", schema, rows)
    assert [json.loads(text or b"") for text in encoded] == [
        {"source": {"file": block[0], "pos": block[1]}, "n": n} for block, n in rows
    ]


@pytest.mark.parametrize(
    ("schema", "value", "where"),
    [
        (struct("v", [("a", struct("w", [("b", INT32)]))]), ((2**31,),), "a.b: out of range"),
        (struct("v", [("a", INT32)]), (None,), "a: null for a required value"),
        (struct("v", [("a", INT32)]), ("1",), "a: not an int"),
        (struct("v", [("a", INT32)]), (True,), "a: not an int"),
        (struct("v", [("a", array(STRING))]), (["x", 1],), "a[1]: not a str"),
        (struct("v", [("a", INT32)]), (1, 2), "wrong number of fields"),
        (Schema(Type.MAP, key=STRING, element=INT32), {"k": 1.5}, "['k']: not an int"),
    ],
)
def test_a_value_that_does_not_fit_is_named(schema: Schema, value: Any, where: str) -> None:
    with pytest.raises(DataError, match=r"Record 1 for topic shop\.orders") as caught:
        converter().encode("shop.orders", schema, [value])
    assert where in str(caught.value)


@pytest.mark.parametrize(
    ("payload", "where"),
    [
        ({"a": 2**40, "b": "x"}, "a: out of range"),
        ({"a": "7", "b": "x"}, "a: not a whole number"),
        ({"a": 1.5, "b": "x"}, "a: not a whole number"),
        ({"a": 7, "b": 7}, "b: not a text"),
        ({"a": 7}, "b: null for a required value"),
    ],
)
def test_a_message_that_does_not_fit_is_named(payload: object, where: str) -> None:
    subject = converter()
    schema = struct("v", [("a", INT32), ("b", STRING)])
    (good,) = subject.encode("t", schema, [(1, "x")])
    assert good is not None
    bad = good[: good.index(b'"payload":') + 10] + json.dumps(payload).encode() + b"}"
    for messages in ([bad], [good, bad]):
        with pytest.raises(DataError, match="topic t does not fit its schema") as caught:
            subject.decode("t", messages)
        assert where in str(caught.value)


@given(rows_of_one_schema(), st.integers(0), st.binary(max_size=3), st.booleans())
def test_a_damaged_message_is_read_or_refused(
    case: tuple[Schema, list[Any]], place: int, damage: bytes, known: bool
) -> None:
    schema, values = case
    subject = converter()
    for message in subject.encode("t", schema, values):
        if message is None:
            continue
        if known:
            subject.decode("t", [message])
        cut = place % len(message)
        try:
            subject.decode("t", [message[:cut] + damage + message[cut + len(damage) :]])
        except DataError:
            continue


@pytest.mark.parametrize("settings", [{}, PLAIN])
def test_json_nested_too_deep(settings: dict[str, str]) -> None:
    deep = b"[" * 200_000 + b"]" * 200_000
    with pytest.raises(DataError, match="topic t is not JSON"):
        converter(**settings).decode("t", [deep])
    with pytest.raises(DataError, match="topic t is not JSON"):
        converter(**settings).decode("t", [b'{"schema":' + deep])


def test_schema_content_stands_for_the_schema_of_all_messages() -> None:
    text = '{"type":"struct","fields":[{"type":"int32","optional":false,"field":"a"}]}'
    subject = converter(schema_content=text)
    assert subject.decode("t", [b'{"a":1}']) == [(struct(None, [("a", INT32)]), (1,))]
    with pytest.raises(ConfigError, match=r"schema\.content"):
        converter(schema_content='{"type":"nothing"}')


def test_headers() -> None:
    subject = converter()
    header = Header("h", INT32, 5)
    data = subject.encode_header("t", header)
    assert data == b'{"schema":{"type":"int32","optional":false},"payload":5}'
    assert subject.decode_header("t", "h", data) == header
    assert subject.encode_header("t", Header("h", None, None)) is None
    assert subject.decode_header("t", "h", None) == Header("h", None, None)


def test_settings_are_checked() -> None:
    with pytest.raises(ConfigError, match=r"decimal\.format"):
        converter(decimal_format="HEX")
    with pytest.raises(ConfigError, match=r"schemas\.cache\.size"):
        converter(schemas_cache_size="0")

"""Every type: random rows written and read back from real databases."""

from __future__ import annotations

import base64
import datetime as dt
import json
import struct as packing
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from connect import logical
from connect.errors import DataError
from connect.schema import INT64, Schema, Type, array, struct
from sink.values import clock, column_type, decoder, ewkb
from tests.sink.conftest import Database, Start
from tests.sink.records import batch

MIRROR = {"insert__mode": "upsert", "pk__mode": "record_key", "auto__create": True}
DAY = 86_400


def named(kind: Type, name: str, **parameters: str) -> Schema:
    return Schema(kind, optional=True, name=name, parameters=parameters)


def whole(bits: int) -> st.SearchStrategy[int]:
    return st.integers(-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)


def seconds(start: str, end: str, unit: int) -> st.SearchStrategy[int]:
    low, high = (dt.datetime.fromisoformat(text) for text in (start, end))
    epoch = dt.datetime(1970, 1, 1)
    return st.integers(
        int((low - epoch).total_seconds()) * unit, int((high - epoch).total_seconds()) * unit
    )


def decimals(precision: int) -> st.SearchStrategy[bytes]:
    return st.integers(-(10**precision) + 1, 10**precision - 1).map(logical.unscaled_bytes)


def zoned(micros: int) -> str:
    text = logical.datetime_from_micros(micros).isoformat()
    return f"{text.rstrip('0') if '.' in text else text}Z"


TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"))
LONG_MICROS = st.integers(-3_020_399_000_000, 3_020_399_000_000)
ALWAYS = ("1000-01-01", "9999-12-31")


@dataclass(frozen=True)
class Case:
    """A type: its schema, values, and how they read back, as text or in Python's form."""

    schema: Schema
    values: st.SearchStrategy[Any]


CASES = {
    "int8": Case(Schema(Type.INT8, optional=True), whole(8)),
    "int16": Case(Schema(Type.INT16, optional=True), whole(16)),
    "int32": Case(Schema(Type.INT32, optional=True), whole(32)),
    "int64": Case(Schema(Type.INT64, optional=True), whole(64)),
    "float32": Case(
        Schema(Type.FLOAT32, optional=True),
        st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False),
    ),
    "float64": Case(
        Schema(Type.FLOAT64, optional=True),
        st.floats(allow_nan=False, allow_infinity=False, allow_subnormal=False),
    ),
    "boolean": Case(Schema(Type.BOOLEAN, optional=True), st.booleans()),
    "string": Case(Schema(Type.STRING, optional=True), TEXT),
    "bytes": Case(Schema(Type.BYTES, optional=True), st.binary()),
    "decimal": Case(logical.decimal_schema(2, 12, optional=True), decimals(12)),
    "ubigint": Case(logical.decimal_schema(0, 20, optional=True), decimals(20)),
    "bigdecimal": Case(logical.decimal_schema(30, 65, optional=True), decimals(65)),
    "date": Case(logical.date_schema(optional=True), seconds(*ALWAYS, 1).map(lambda s: s // DAY)),
    "time": Case(logical.time_schema(optional=True), st.integers(0, DAY * 1000 - 1)),
    "timestamp": Case(logical.timestamp_schema(optional=True), seconds(*ALWAYS, 1000)),
    "dbz_date": Case(
        named(Type.INT32, "io.debezium.time.Date"), seconds(*ALWAYS, 1).map(lambda s: s // DAY)
    ),
    "micro_time": Case(named(Type.INT64, "io.debezium.time.MicroTime"), LONG_MICROS),
    "dbz_timestamp": Case(named(Type.INT64, "io.debezium.time.Timestamp"), seconds(*ALWAYS, 1000)),
    "micro_timestamp": Case(
        named(Type.INT64, "io.debezium.time.MicroTimestamp"), seconds(*ALWAYS, 1_000_000)
    ),
    "zoned": Case(
        named(Type.STRING, "io.debezium.time.ZonedTimestamp"),
        seconds(*ALWAYS, 1_000_000).map(zoned),
    ),
    "iso_timestamp": Case(
        named(Type.STRING, "io.debezium.time.IsoTimestamp"),
        seconds(*ALWAYS, 1_000_000).map(zoned),
    ),
    "year": Case(named(Type.INT32, "io.debezium.time.Year"), st.integers(1900, 2155)),
    "json": Case(
        named(Type.STRING, "io.debezium.data.Json"),
        st.recursive(
            st.none() | st.booleans() | st.integers(-(2**60), 2**60) | TEXT,
            lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXT, inner, max_size=3),
        ).map(json.dumps),
    ),
    "enum": Case(named(Type.STRING, "io.debezium.data.Enum", allowed="a,b"), st.sampled_from("ab")),
    "uuid": Case(named(Type.STRING, "io.debezium.data.Uuid"), st.uuids().map(str)),
    "bits": Case(
        named(Type.BYTES, "io.debezium.data.Bits", length="64"),
        st.integers(0, 2**64 - 1).map(lambda n: n.to_bytes(8, "little")),
    ),
    "vector": Case(
        Schema(
            Type.ARRAY,
            optional=True,
            name="io.debezium.data.FloatVector",
            element=Schema(Type.FLOAT32),
        ),
        st.lists(
            st.floats(width=32, allow_nan=False, allow_infinity=False, allow_subnormal=False),
            min_size=1,
            max_size=4,
        ),
    ),
    "point": Case(
        Schema(
            Type.STRUCT,
            optional=True,
            name="io.debezium.data.geometry.Geometry",
            fields=struct(
                None, [("wkb", Schema(Type.BYTES)), ("srid", Schema(Type.INT32, optional=True))]
            ).fields,
        ),
        st.tuples(
            st.tuples(st.integers(-90, 90), st.integers(-90, 90)).map(
                lambda xy: packing.pack("<BIdd", 1, 1, *map(float, xy))
            ),
            st.sampled_from([None, 3857]),
        ),
    ),
}


def selected(database: Database, name: str) -> str:
    """The expression that reads a column back without loss."""
    quoted = database.quoted(name)
    if database.kind in ("mysql", "mariadb"):
        if name == "float32":
            return f"{quoted} + 0e0"  # as text a FLOAT has six digits
        if name == "bits":
            return f"{quoted} + 0"
        if name == "point":
            return f"HEX({quoted})"
        if name == "vector" and database.kind == "mysql":
            return f"HEX({quoted})"
    if database.kind == "postgres" and name == "json":
        return f"{quoted}::text"
    if database.kind == "duckdb":
        if name == "zoned":
            return f"epoch_us({quoted})"
        if name in ("micro_time", "bits"):
            return f"{quoted}::VARCHAR"
    return quoted


def expected(name: str, value: Any) -> Any:
    """A value in its kind's form, comparable with ``read``."""
    if value is None:
        return None
    schema = CASES[name].schema
    decode = decoder(schema)
    value = value if decode is None else decode(value)
    if name == "json":
        return json.loads(value)
    if name == "point":
        return ewkb(value)
    if name == "zoned":
        return value.replace(tzinfo=None)
    return value


def _micros(value: Any) -> int:
    if isinstance(value, dt.timedelta):
        return value // dt.timedelta(microseconds=1)
    if isinstance(value, dt.time):
        return _micros(
            dt.timedelta(
                hours=value.hour,
                minutes=value.minute,
                seconds=value.second,
                microseconds=value.microsecond,
            )
        )
    sign = -1 if value.startswith("-") else 1
    hours, minutes, rest = value.lstrip("-").split(":")
    whole_seconds, _, fraction = rest.partition(".")
    total = (int(hours) * 60 + int(minutes)) * 60 + int(whole_seconds)
    return sign * (total * 1_000_000 + int(fraction.ljust(6, "0")))


def _moment(value: Any) -> dt.datetime:
    if isinstance(value, int):
        return logical.datetime_from_micros(value)
    if isinstance(value, str):
        return dt.datetime.fromisoformat(value)
    assert isinstance(value, dt.datetime)
    return value.astimezone(dt.UTC).replace(tzinfo=None) if value.tzinfo else value


def _bits(value: Any) -> int:
    if isinstance(value, bytes):
        return int.from_bytes(value, "big")
    return int(value, 2) if isinstance(value, str) else int(value)


def _vector(value: Any) -> Any:
    if isinstance(value, str) and not value.startswith("["):
        data = bytes.fromhex(value)
        return list(packing.unpack(f"<{len(data) // 4}f", data))
    items = json.loads(value) if isinstance(value, str) else value
    return [_single(item) for item in items]


def _single(value: float) -> float:
    """To the nearest number of 32 bits, whose shortest text some drivers give."""
    return float(packing.unpack("<f", packing.pack("<f", value))[0])


def _point(value: Any) -> bytes:
    if isinstance(value, str):  # MySQL's own form
        data = bytes.fromhex(value)
        return ewkb((int.from_bytes(data[:4], "little") or None, data[4:]))
    return bytes(value)


READS: dict[str, Callable[[Any], Any]] = {
    "float32": _single,
    "boolean": bool,
    "decimal": Decimal,
    "ubigint": Decimal,
    "bigdecimal": Decimal,
    "date": lambda v: dt.date.fromisoformat(v) if isinstance(v, str) else v,
    "dbz_date": lambda v: dt.date.fromisoformat(v) if isinstance(v, str) else v,
    "time": _micros,
    "micro_time": _micros,
    "timestamp": _moment,
    "dbz_timestamp": _moment,
    "micro_timestamp": _moment,
    "zoned": _moment,
    "iso_timestamp": _moment,
    "json": lambda v: json.loads(v) if isinstance(v, str) else v,
    "uuid": str,
    "bits": _bits,
    "vector": _vector,
    "point": _point,
}


def read(name: str, value: Any) -> Any:
    return None if value is None else READS.get(name, lambda same: same)(value)


@pytest.mark.timeout(180)
def test_rows_of_every_type_come_back(database: Database, start: Start) -> None:
    task = start(**MIRROR)
    row = struct("row", [("id", INT64), *((name, case.schema) for name, case in CASES.items())])
    columns = ", ".join(selected(database, name) for name in CASES)
    values = st.tuples(*(st.none() | case.values for case in CASES.values()))
    offsets = iter(range(10**9))

    @settings(
        max_examples=30,
        deadline=None,
        phases=[Phase.explicit, Phase.generate],  # to shrink takes minutes on a server
        suppress_health_check=list(HealthCheck),
        database=None,
    )
    @given(st.lists(values, min_size=1, max_size=8))
    def comes_back(rows: list[tuple[Any, ...]]) -> None:
        numbered = [((n,), (n, *cells)) for n, cells in enumerate(rows)]
        task.put([batch(row, numbered, offset=next(offsets))])
        table = database.quoted("t")
        found = database.run(f"SELECT {columns} FROM {table} WHERE id < {len(rows)} ORDER BY id")
        for sent, got in zip(rows, found, strict=True):
            for name, one, other in zip(CASES, sent, got, strict=True):
                assert read(name, other) == expected(name, one), name

    comes_back()


DEFAULTS: dict[str, Any] = {
    "string": 'it\'s a \\ "quoted" %s `text` 😀',
    "bytes": b"\x00\xff'",
    "int64": -5,
    "float64": -1.5e300,
    "boolean": True,
    "decimal": logical.unscaled_bytes(-12345),
    "date": 19000,
    "time": 3_600_001,
    "micro_time": -3_600_000_001,
    "micro_timestamp": 1_600_000_000_123_456,
    "zoned": "1970-01-01T00:00:00Z",
    "year": 1999,
    "json": '{"a": "it\'s"}',
    "bits": b"\x05\0\0\0\0\0\0\x80",
}


def test_defaults_hold_any_value(database: Database, start: Start) -> None:
    """A default is written into DDL: it must come back like any other value."""
    defaulted = [
        (name, replace(CASES[name].schema, default=value)) for name, value in DEFAULTS.items()
    ]
    nulls = (None,) * len(defaulted)
    task = start(**MIRROR, auto__evolve=True)
    narrow, wide = struct("row", [("id", INT64)]), struct("row", [("id", INT64), *defaulted])
    task.put([batch(wide, [((1,), (1, *nulls))], topic="created")])
    task.put([batch(narrow, [((2,), (2,))], topic="created")])
    task.put([batch(narrow, [((1,), (1,))], topic="altered")])
    task.put([batch(wide, [((2,), (2, *nulls))], topic="altered")])
    columns = ", ".join(selected(database, name) for name in DEFAULTS)
    for table in ("created", "altered"):
        found = database.run(f"SELECT {columns} FROM {table} ORDER BY id")
        assert len(found) == 2
        for row in found:
            for (name, sample), value in zip(DEFAULTS.items(), row, strict=True):
                assert read(name, value) == expected(name, sample), (table, name)


def test_what_a_column_cannot_hold_is_refused(database: Database, start: Start) -> None:
    task = start(**MIRROR)
    days = logical.date_schema(optional=True)
    row = struct("row", [("id", INT64), ("d", days)])
    with pytest.raises(DataError, match=r"t-0@1 cannot be written to column d of table t"):
        task.put([batch(row, [((1,), (1, 0)), ((2,), (2, 10**8))])])
    small = struct("row", [("id", INT64), ("n", Schema(Type.INT32, optional=True))])
    task.put([batch(small, [((1,), (1, 1))], topic="u")])
    if database.kind != "sqlite":  # which holds any number in any column
        large = struct("row", [("id", INT64), ("n", Schema(Type.INT64, optional=True))])
        with pytest.raises(DataError, match=r"u-0@2"):
            task.put([batch(large, [((2,), (2, 2**40))], topic="u", offset=2)])
    if database.kind in ("mysql", "mariadb", "sqlite"):
        real = struct("row", [("id", INT64), ("f", Schema(Type.FLOAT64, optional=True))])
        with pytest.raises(DataError, match=r"v-0@1.*nan is not a number"):
            rows = [((1,), (1, 1.5)), ((2,), (2, float("nan")))]
            task.put([batch(real, rows, topic="v")])


def test_instants_show_on_the_clock_asked_for(database: Database, start: Start) -> None:
    instant = 1_700_000_000_000
    row = struct(
        "row",
        [
            ("id", INT64),
            ("ts", logical.timestamp_schema()),
            ("local", Schema(Type.INT64, name="io.debezium.time.Timestamp")),
        ],
    )
    start(**MIRROR, db__timezone="Asia/Kolkata").put([batch(row, [((1,), (1, instant, instant))])])
    [(ts, local)] = database.run(f"SELECT ts, local FROM {database.quoted('t')}")
    utc = logical.datetime_from_micros(instant * 1000)
    assert _moment(ts) == utc + dt.timedelta(hours=5, minutes=30)
    assert _moment(local) == utc


def test_arrays_where_the_database_has_them(database: Database, start: Start) -> None:
    row = struct("row", [("id", INT64), ("a", array(Schema(Type.INT32, optional=True)))])
    start(**MIRROR).put([batch(row, [((1,), (1, [1, None, 3])), ((2,), (2, []))])])
    got = database.run(f"SELECT a FROM {database.quoted('t')} ORDER BY id")
    assert [read("json", value) for (value,) in got] == [[1, None, 3], []]


@given(LONG_MICROS)
def test_clock_text_reads_back(micros: int) -> None:
    assert _micros(clock(micros)) == micros


def test_geometry_carries_its_srid() -> None:
    wkb = base64.b64decode("AQEAAAAAAAAAAADwPwAAAAAAAABA")
    assert ewkb((None, wkb)) == wkb
    assert ewkb((4326, wkb)).hex() == "0101000020e6100000000000000000f03f0000000000000040"


def test_structs_have_no_column() -> None:
    with pytest.raises(DataError, match=r"Flatten"):
        column_type(struct("s", [("a", INT64)]))

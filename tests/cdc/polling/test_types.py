"""Columns of each database's types, with their edge values, as Connect schemas and values."""

from __future__ import annotations

import datetime as dt
from decimal import Decimal
from typing import Any

import pytest

from cdc.polling.types import Column, NumericMapping, Rules, SqlType, field
from connect.batch import SourceBatch
from connect.errors import DataError
from connect.logical import DATE, DECIMAL, TIME, TIMESTAMP, decimal_from_bytes, decimal_to_bytes
from connect.schema import Type
from tests.cdc.polling.backends import Backend, MySqlBackend, Poller, named


def read(backend: Backend, **settings: str) -> SourceBatch:
    settings = {"table__whitelist": "typed", "poll__interval__ms": "60000", **settings}
    with Poller(backend, mode="bulk", **settings) as poller:
        (batch,) = poller.batches()
    return batch


def shapes(batch: SourceBatch) -> dict[str, tuple[str, str | None]]:
    assert batch.value_schema is not None
    return {
        field.name: (field.schema.type.value, field.schema.name)
        for field in batch.value_schema.fields
    }


def on(*names: str) -> pytest.MarkDecorator:
    """Runs a test on these databases only."""
    return pytest.mark.parametrize("backend", names, indirect=True)


def days(year: int, month: int, day: int) -> int:
    return (dt.date(year, month, day) - dt.date(1970, 1, 1)).days


def millis(*parts: int) -> int:
    return (dt.datetime(*parts) - dt.datetime(1970, 1, 1)) // dt.timedelta(milliseconds=1)  # type: ignore[arg-type]


SOME_UUID = "00000000-0000-0000-0000-000000000001"

MYSQL = {
    # column type: (Connect type, name), {SQL value: expected}
    "TINYINT(1)": (("INT8", None), {"-128": -128, "127": 127, "1": 1}),
    "TINYINT UNSIGNED": (("INT16", None), {"255": 255}),
    "SMALLINT": (("INT16", None), {"-32768": -32768}),
    "SMALLINT UNSIGNED": (("INT32", None), {"65535": 65535}),
    "MEDIUMINT": (("INT32", None), {"-8388608": -8388608}),
    "INT": (("INT32", None), {"-2147483648": -(2**31)}),
    "INT UNSIGNED": (("INT64", None), {"4294967295": 2**32 - 1}),
    "BIGINT": (("INT64", None), {"-9223372036854775808": -(2**63)}),
    "BIGINT UNSIGNED": (("INT64", None), {"9223372036854775807": 2**63 - 1}),
    "FLOAT": (("FLOAT32", None), {"1.5": 1.5}),
    "DOUBLE": (("FLOAT64", None), {"-1.7976931348623157e308": -1.7976931348623157e308}),
    "DECIMAL(65,30)": (
        ("BYTES", DECIMAL),
        {f"-{'9' * 35}.{'9' * 30}": decimal_to_bytes(Decimal(f"-{'9' * 35}.{'9' * 30}"), 30)},
    ),
    "DECIMAL(5,0)": (("BYTES", DECIMAL), {"-1": b"\xff", "128": b"\x00\x80"}),
    "BIT(1)": (("INT8", None), {"b'1'": 1}),
    "BIT(8)": (("INT8", None), {"b'01111111'": 127, "b'11111111'": -1}),
    "BIT(12)": (("BYTES", None), {"b'100000000001'": b"\x08\x01"}),
    "CHAR(4)": (("STRING", None), {"'ß🎈'": "ß🎈", "''": ""}),
    "VARCHAR(20) CHARACTER SET latin1": (("STRING", None), {"'é'": "é"}),
    "LONGTEXT": (("STRING", None), {"repeat('ü', 70000)": "ü" * 70000}),
    "ENUM('a','ü')": (("STRING", None), {"'ü'": "ü"}),
    "SET('a','b')": (("STRING", None), {"'a,b'": "a,b", "''": ""}),
    "BINARY(3)": (("BYTES", None), {"x'00ff'": b"\x00\xff\x00"}),
    "BLOB": (("BYTES", None), {"x'c328'": b"\xc3\x28"}),
    "POINT": (("BYTES", None), {"POINT(0, 0)": bytes(4) + b"\1\1\0\0\0" + bytes(16)}),
    "DATE": (
        ("INT32", DATE),
        {
            "'1970-01-01'": 0,
            "'9999-12-31'": days(9999, 12, 31),
            "'1582-10-15'": days(1582, 10, 15),
            # Java's calendar calls the Julian day 1582-10-04 what came right before.
            "'1582-10-04'": days(1582, 10, 15) - 1,
            "'0000-00-00'": None,
        },
    ),
    "YEAR": (("INT32", DATE), {"2024": days(2024, 1, 1)}),
    "TIME(3)": (("INT32", TIME), {"'23:59:59.999'": 86_399_999, "'00:00:00'": 0}),
    "DATETIME(6)": (
        ("INT64", TIMESTAMP),
        {
            "'2024-02-29 12:34:56.789999'": millis(2024, 2, 29, 12, 34, 56, 789000),
            "'1969-12-31 23:59:59.999999'": -1,
            "'9999-12-31 23:59:59.999999'": millis(9999, 12, 31, 23, 59, 59, 999000),
            "'0000-00-00 00:00:00'": None,
        },
    ),
    "TIMESTAMP(3)": (
        ("INT64", TIMESTAMP),
        {"'2038-01-19 03:14:07.999'": (2**31 - 1) * 1000 + 999},
    ),
}  # fmt: skip

POSTGRES = {
    "BOOLEAN": (("BOOLEAN", None), {"true": True, "false": False}),
    "SMALLINT": (("INT16", None), {"-32768": -32768}),
    "INTEGER": (("INT32", None), {"-2147483648": -(2**31)}),
    "BIGINT": (("INT64", None), {"-9223372036854775808": -(2**63)}),
    "OID": (("INT64", None), {"4294967295": 2**32 - 1}),
    "REAL": (("FLOAT32", None), {"1.5": 1.5}),
    "DOUBLE PRECISION": (("FLOAT64", None), {"1.7976931348623157e308": 1.7976931348623157e308}),
    "MONEY": (("FLOAT64", None), {"-1234567.89": -1234567.89}),
    "NUMERIC(40,20)": (
        ("BYTES", DECIMAL),
        {"-0.00000000000000000001": b"\xff", "12345678901234567890": decimal_to_bytes(
            Decimal("12345678901234567890"), 20)},
    ),
    "NUMERIC": (("BYTES", DECIMAL), {"12345678901234567890": Decimal("12345678901234567890")}),
    "VARCHAR(20)": (("STRING", None), {"'ß🎈'": "ß🎈"}),
    "CHAR(3)": (("STRING", None), {"'a'": "a  "}),
    "TEXT": (("STRING", None), {"''": ""}),
    "NAME": (("STRING", None), {"'n'": "n"}),
    "JSON": (("STRING", None), {"'{\"a\": 1}'": '{"a": 1}'}),
    "JSONB": (("STRING", None), {"'[1,2]'": "[1, 2]"}),
    "UUID": (("STRING", None), {f"'{SOME_UUID}'": SOME_UUID}),
    "XML": (("STRING", None), {"'<a/>'": "<a/>"}),
    "mood": (("STRING", None), {"'gut'": "gut"}),
    "BYTEA": (("BYTES", None), {"'\\x00ff'": b"\x00\xff"}),
    "BIT(1)": (("BOOLEAN", None), {"B'1'": True}),
    "BIT(8)": (("INT8", None), {"B'11111111'": -1}),
    "BIT(12)": (("BYTES", None), {"B'100000000001'": b"\x08\x01"}),
    "DATE": (
        ("INT32", DATE),
        {"'1970-01-01'": 0, "'0044-03-15 BC'": -735162, "'10000-01-01'": days(9999, 12, 31) + 1},
    ),
    "TIME": (("INT32", TIME), {"'23:59:59.999999'": 86_399_999}),
    "TIMETZ": (("INT32", TIME), {"'01:00:00+02'": 23 * 3_600_000}),
    "TIMESTAMP": (
        ("INT64", TIMESTAMP),
        {
            "'1969-12-31 23:59:59.999999'": -1,
            "'294276-12-31 23:59:59.999999'": 9224318015999999,
            "'infinity'": 9_223_372_036_825_200_000,
        },
    ),
    "TIMESTAMPTZ": (("INT64", TIMESTAMP), {"'1970-01-01 02:00:00+02'": 0}),
}  # fmt: skip

SQLITE = {
    "BOOLEAN": (("BOOLEAN", None), {"1": True, "0": False}),
    "TINYINT": (("INT8", None), {"-128": -128}),
    "SMALLINT": (("INT16", None), {"32767": 32767}),
    "INT": (("INT64", None), {"9223372036854775807": 2**63 - 1}),
    "UNSIGNED BIG INT": (("INT64", None), {"5": 5}),
    "REAL": (("FLOAT64", None), {"1.25": 1.25, "2": 2.0}),
    "DECIMAL(9,2)": (("BYTES", DECIMAL), {"12.1": b"\x04\xba", "'-0.01'": b"\xff", "3": b"\1,"}),
    "VARCHAR(10)": (("STRING", None), {"'ß🎈'": "ß🎈"}),
    "TEXT": (("STRING", None), {"''": ""}),
    "BLOB": (("BYTES", None), {"x'00ff'": b"\x00\xff"}),
    "DATE": (("INT32", DATE), {"'1970-01-02'": 1, "86400000": 1}),
    "TIME": (("INT32", TIME), {"'00:00:01.5'": 1500}),
    "DATETIME": (
        ("INT64", TIMESTAMP),
        {"'1970-01-01 00:00:01'": 1000, "'1970-01-01T00:00:01.0019'": 1001, "1500": 1500},
    ),
}  # fmt: skip


def declared(backend: Backend) -> dict[str, Any]:
    if isinstance(backend, MySqlBackend):
        extra = {"JSON": (("STRING", None), {"'{\"a\": 1}'": '{"a": 1}'})}
        if backend.name == "mysql":
            extra["VECTOR(1)"] = (("BYTES", None), {"string_to_vector('[1]')": b"\0\0\x80?"})  # type: ignore[dict-item]
        return {**MYSQL, **extra}
    return POSTGRES if backend.name == "postgres" else SQLITE


def test_every_type_with_its_edge_values(backend: Backend) -> None:
    types = declared(backend)
    if backend.name == "postgres":
        backend.run("CREATE TYPE mood AS ENUM ('gut', 'schlecht')")
    if isinstance(backend, MySqlBackend):
        backend.run("SET sql_mode = ''")
    columns = {f"c{number}": kind for number, kind in enumerate(types)}
    body = ", ".join(f"{name} {kind} NULL" for name, kind in columns.items())
    backend.run(f"CREATE TABLE typed (number INT NOT NULL, {body})")
    for number in range(max(len(values) for _, values in types.values())):
        values = ", ".join(
            list(types[kind][1])[number] if number < len(types[kind][1]) else "NULL"
            for kind in columns.values()
        )
        backend.run(f"INSERT INTO typed VALUES ({number}, {values})".replace("%", "%%"))
    batch = read(backend)
    found = shapes(batch)
    rows = sorted(named(batch), key=lambda row: row["number"])
    assert batch.value_schema is not None
    for name, kind in columns.items():
        shape, values = types[kind]
        assert found[name] == shape, kind
        assert batch.value_schema.fields[batch.value_schema.indexes[name]].schema.optional
        expected = [*values.values(), *[None] * (len(rows) - len(values))]
        got = [row[name] for row in rows]
        if kind == "NUMERIC":
            got = [None if value is None else decimal_from_bytes(value, 0) for value in got]
        assert got == expected, kind


def test_decimal_parameters(backend: Backend) -> None:
    backend.run("CREATE TABLE typed (amount DECIMAL(12,3) NOT NULL)")
    backend.run("INSERT INTO typed VALUES (1.5)")
    (member,) = (read(backend).value_schema or pytest.fail()).fields
    assert dict(member.schema.parameters) == {"scale": "3", "connect.decimal.precision": "12"}
    assert not member.schema.optional


@on("postgres")
def test_types_without_a_form_are_left_out(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    backend.run("CREATE TABLE typed (a INT, b INT[], c INTERVAL, d POINT, e INET)")
    backend.run("INSERT INTO typed (a) VALUES (1)")
    assert named(read(backend)) == [{"a": 1}]
    assert "Column b of table public.typed is left out" in caplog.text


@pytest.mark.parametrize(
    ("backend", "kind", "value", "message"),
    [
        ("mysql", "BIGINT UNSIGNED", "18446744073709551615", "greater than 9223372036854775807"),
        ("mariadb", "BIGINT UNSIGNED", "18446744073709551615", "greater than 9223372036854775807"),
        ("mysql", "TIME", "'25:00:00'", "not a time of one day"),
        ("mariadb", "TIME", "'25:00:00'", "not a time of one day"),
        ("mysql", "TIME", "'-00:00:01'", "not a time of one day"),
        ("mariadb", "TIME", "'-00:00:01'", "not a time of one day"),
        ("postgres", "NUMERIC", "1.5", "a Decimal of scale 0 cannot hold it"),
        ("postgres", "NUMERIC(5,1)", "'NaN'", "NaN"),
        ("postgres", "DATE", "'infinity'", "a Date has no infinity"),
        ("sqlite", "SMALLINT", "32768", "not an integer of 16 bits"),
        ("sqlite", "INT", "'text'", "not an integer of 64 bits"),
        ("sqlite", "TEXT", "x'00'", "it is a blob"),
        ("sqlite", "DATETIME", "'soon'", "it is no timestamp"),
    ],
    indirect=["backend"],
)  # fmt: skip
def test_what_does_not_fit_is_named(backend: Backend, kind: str, value: str, message: str) -> None:
    backend.run(f"CREATE TABLE typed (id INT, bad {kind})")
    backend.run(f"INSERT INTO typed VALUES (1, {value})")
    with pytest.raises(DataError, match=rf"Column bad of table \S*typed holds .*{message}"):
        read(backend)


@on("mysql", "mariadb")
def test_zero_dates_as_configured(backend: Backend) -> None:
    backend.run("SET sql_mode = ''")
    backend.run("CREATE TABLE typed (a DATETIME NULL, b DATE NOT NULL)")
    backend.run("INSERT INTO typed VALUES ('0000-00-00', '2024-01-01')")
    assert named(read(backend))[0]["a"] is None
    strict = {"connection__zeroDateTimeBehavior": "EXCEPTION"}
    with pytest.raises(DataError, match=r"Column a of table .* holds '0000-00-00 00:00:00'"):
        read(backend, **strict)
    backend.run("UPDATE typed SET a = NULL, b = '0000-00-00'")
    with pytest.raises(DataError, match=r"Column b of table .*: the column is NOT NULL"):
        read(backend)


def test_timestamps_at_every_granularity(backend: Backend) -> None:
    backend.run(f"CREATE TABLE typed (at {backend.time_type})")
    backend.run("INSERT INTO typed VALUES ('2024-07-01 12:00:00.000123')")
    micros = millis(2024, 7, 1, 12) * 1000 + 123
    for granularity, expected in {
        "connect_logical": (Type.INT64, micros // 1000),
        "micros_long": (Type.INT64, micros),
        "micros_string": (Type.STRING, str(micros)),
        "micros_iso_datetime_string": (Type.STRING, "2024-07-01T12:00:00.000123"),
        "nanos_long": (Type.INT64, micros * 1000),
        "nanos_string": (Type.STRING, str(micros * 1000)),
        "nanos_iso_datetime_string": (Type.STRING, "2024-07-01T12:00:00.000123000"),
    }.items():
        batch = read(backend, timestamp__granularity=granularity)
        assert batch.value_schema is not None
        assert (batch.value_schema.fields[0].schema.type, batch.values[0][0]) == expected


def test_the_zone_of_the_database(backend: Backend) -> None:
    backend.run(f"CREATE TABLE typed (id {backend.auto_id}, d DATE, t TIME, at {backend.time_type} NOT NULL)")  # fmt: skip  # noqa: E501
    insert = "INSERT INTO typed (d, t, at) VALUES ('2024-07-01', '01:30:00', ?)"
    backend.run(insert, "2024-07-01 12:00:00.5")
    with Poller(
        backend,
        mode="timestamp+incrementing",
        timestamp__column__name="at",
        table__whitelist="typed",
        db__timezone="Europe/Berlin",
    ) as poller:
        (row,) = poller.rows()
        assert row["d"] == days(2024, 7, 1)
        assert row["t"] == 30 * 60_000  # on the first day of 1970, when Berlin was an hour ahead
        assert row["at"] == millis(2024, 7, 1, 10, 0, 0, 500_000)
        assert poller.rows() == []  # the bound goes back into the same zone
        backend.run(insert, "2024-07-01 12:00:00.500001")
        assert len(poller.rows()) == 1


@pytest.mark.parametrize(
    ("mapping", "types"),
    [
        ("none", "BYTES BYTES BYTES BYTES BYTES BYTES BYTES"),
        ("precision_only", "INT8 INT16 INT32 INT64 BYTES BYTES BYTES"),
        ("best_fit", "INT8 INT16 INT32 INT64 BYTES FLOAT64 BYTES"),
        ("best_fit_eager_double", "INT8 INT16 INT32 INT64 BYTES FLOAT64 FLOAT64"),
    ],
)
def test_numeric_mapping(mapping: str, types: str) -> None:
    rules = Rules(numeric=NumericMapping(mapping))
    sizes = [(2, 0), (4, 0), (9, 0), (18, 0), (19, 0), (18, 1), (19, 1)]
    made = [
        field(Column("n", SqlType.NUMERIC, precision=precision, scale=scale), rules)
        for precision, scale in sizes
    ]
    assert " ".join(schema.type.value for schema, _ in filter(None, made)) == types


@on("postgres", "sqlite")
def test_numeric_mapping_reads_values(backend: Backend) -> None:
    backend.run("CREATE TABLE typed (a NUMERIC(4,0), b NUMERIC(6,2), c NUMERIC)")
    backend.run("INSERT INTO typed VALUES (-9999, 1234.56, 7)")
    assert named(read(backend, numeric__mapping="best_fit")) == [
        {"a": -9999, "b": 1234.56, "c": b"\x07"}
    ]
    assert named(read(backend, numeric__mapping="best_fit_eager_double"))[0]["c"] == 7.0
    assert shapes(read(backend, numeric__precision__mapping="true"))["a"] == ("INT16", None)


def test_the_proleptic_calendar(backend: Backend) -> None:
    backend.run("CREATE TABLE typed (d DATE)")
    backend.run("INSERT INTO typed VALUES ('1582-10-04')")
    batch = read(backend, date__calendar__system="PROLEPTIC_GREGORIAN")
    assert batch.values == [(days(1582, 10, 4),)]

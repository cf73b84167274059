"""Schemas of columns, defaults included, as Debezium writes them for the same definitions."""

from __future__ import annotations

import pytest

from cdc.types.families import column_type
from cdc.types.options import (
    BigintUnsignedHandling,
    BinaryHandling,
    DecimalHandling,
    Options,
    TimePrecision,
)
from connect.errors import DataError
from connect.logical import decimal_schema
from connect.schema import FLOAT32, Schema, Type, Value
from schema_history import Column, Schemas, TableId
from tests.cdc.binlog.source import Source


def column(definition: str) -> Column:
    schemas = Schemas()
    schemas.apply(f"CREATE TABLE t (id INT, v {definition})", "d")
    return schemas[TableId("d", "t")].columns[1]


def schema(definition: str, **modes: object) -> Schema:
    return column_type(column(definition), Options(**modes)).schema  # type: ignore[arg-type]


TYPES: list[tuple[str, Type, str | None]] = [
    ("TINYINT(1)", Type.INT16, None),
    ("BOOLEAN", Type.INT16, None),
    ("SMALLINT", Type.INT16, None),
    ("SMALLINT UNSIGNED", Type.INT32, None),
    ("MEDIUMINT UNSIGNED", Type.INT32, None),
    ("INTEGER", Type.INT32, None),
    ("INT ZEROFILL", Type.INT64, None),
    ("BIGINT", Type.INT64, None),
    ("SERIAL", Type.INT64, None),
    ("FLOAT", Type.FLOAT32, None),
    ("FLOAT(24)", Type.FLOAT32, None),
    ("FLOAT(25)", Type.FLOAT64, None),
    ("FLOAT(7,3)", Type.FLOAT64, None),
    ("DOUBLE PRECISION", Type.FLOAT64, None),
    ("REAL", Type.FLOAT64, None),
    ("VARCHAR(9)", Type.STRING, None),
    ("NCHAR(9)", Type.STRING, None),
    ("LONGTEXT", Type.STRING, None),
    ("BINARY(9)", Type.BYTES, None),
    ("CHAR(9) CHARACTER SET binary", Type.BYTES, None),
    ("TINYBLOB", Type.BYTES, None),
    ("BIT", Type.BOOLEAN, None),
    ("BIT(9)", Type.BYTES, "io.debezium.data.Bits"),
    ("ENUM('a')", Type.STRING, "io.debezium.data.Enum"),
    ("SET('a')", Type.STRING, "io.debezium.data.EnumSet"),
    ("JSON", Type.STRING, "io.debezium.data.Json"),
    ("DATE", Type.INT32, "io.debezium.time.Date"),
    ("TIME(6)", Type.INT64, "io.debezium.time.MicroTime"),
    ("DATETIME(3)", Type.INT64, "io.debezium.time.Timestamp"),
    ("DATETIME(4)", Type.INT64, "io.debezium.time.MicroTimestamp"),
    ("TIMESTAMP(6)", Type.STRING, "io.debezium.time.ZonedTimestamp"),
    ("YEAR", Type.INT32, "io.debezium.time.Year"),
    ("POINT", Type.STRUCT, "io.debezium.data.geometry.Point"),
    ("MULTIPOLYGON", Type.STRUCT, "io.debezium.data.geometry.Geometry"),
    ("VECTOR(3)", Type.ARRAY, "io.debezium.data.FloatVector"),
]


@pytest.mark.parametrize(("definition", "kind", "name"), TYPES)
def test_types(definition: str, kind: Type, name: str | None) -> None:
    found = schema(definition)
    assert (found.type, found.name) == (kind, name)
    assert found.version == (None if name is None else 1)
    assert found.optional == (definition != "SERIAL")
    assert not schema(f"{definition} NOT NULL").optional


def test_parameters() -> None:
    assert schema("DECIMAL(12,3)") == decimal_schema(3, 12, optional=True)
    assert schema("DECIMAL") == decimal_schema(0, 10, optional=True)
    assert schema("BIT(9)").parameters == {"length": "9"}
    assert schema("ENUM('a,b','c')").parameters == {"allowed": "a\\,b,c"}
    assert [f.name for f in schema("POINT").fields] == ["x", "y", "wkb", "srid"]
    assert [f.name for f in schema("GEOMETRY").fields] == ["wkb", "srid"]
    assert schema("VECTOR(3)").element == FLOAT32


def test_modes() -> None:
    connect = {"time": TimePrecision.CONNECT}
    for definition in ("DATE", "TIME", "DATETIME(6)"):
        assert str(schema(definition, **connect).name).startswith("org.apache.kafka.connect.data.")
    iso = {"time": TimePrecision.ISOSTRING}
    assert schema("TIME", **iso).name == "io.debezium.time.IsoTime"
    nanos = {"time": TimePrecision.NANOSECONDS}
    assert schema("DATETIME", **nanos).name == "io.debezium.time.NanoTimestamp"
    assert schema("DECIMAL(5,2)", decimal=DecimalHandling.STRING).type is Type.STRING
    assert schema("DECIMAL(5,2)", decimal=DecimalHandling.DOUBLE).type is Type.FLOAT64
    precise = schema("BIGINT UNSIGNED", bigint_unsigned=BigintUnsignedHandling.PRECISE)
    assert precise == decimal_schema(0, 20, optional=True)
    assert schema("BLOB", binary=BinaryHandling.HEX).type is Type.STRING


DEFAULTS: list[tuple[str, Value]] = [
    ("INT DEFAULT 5", 5),
    ("INT DEFAULT '-5'", -5),
    ("INT NOT NULL", None),
    ("INT DEFAULT NULL", None),
    ("BIGINT UNSIGNED DEFAULT 18446744073709551615", 2**63 - 1),
    ("TINYINT(1) DEFAULT TRUE", 1),
    ("DECIMAL(5,2) DEFAULT 1.5", b"\x00\x96"),
    ("DECIMAL(5,2) DEFAULT '1.005'", b"\x65"),
    ("FLOAT DEFAULT 1.5", 1.5),
    ("DOUBLE DEFAULT 1e3", 1000.0),
    ("VARCHAR(9) DEFAULT 'aé'", "aé"),
    ("VARCHAR(9) DEFAULT _utf8mb4'x'", "x"),
    ("CHAR(36) NOT NULL DEFAULT (uuid())", None),
    ("VARBINARY(9) DEFAULT x'4142'", b"AB"),
    ("BINARY(3) DEFAULT 'ab'", b"ab\0"),
    ("BIT(8) DEFAULT b'101'", b"\x05"),
    ("BIT DEFAULT b'1'", True),
    ("ENUM('a','b') DEFAULT 'b'", "b"),
    ("SET('a','b') DEFAULT 'a,b'", "a,b"),
    ("DATE DEFAULT '1970-01-11'", 10),
    ("DATE DEFAULT '0000-00-00'", None),
    ("DATE NOT NULL DEFAULT '0000-00-00'", 0),
    ("TIME DEFAULT '-01:00:00'", -3_600_000_000),
    ("TIME(3) DEFAULT '00:00:01.5'", 1_500_000),
    ("DATETIME DEFAULT '1970-01-01 00:00:01'", 1000),
    ("DATETIME(6) DEFAULT '1970-01-01 00:00:01.5'", 1_500_000),
    ("DATETIME DEFAULT CURRENT_TIMESTAMP", 0),
    ("DATETIME(6) NOT NULL DEFAULT CURRENT_TIMESTAMP(6) ON UPDATE CURRENT_TIMESTAMP(6)", 0),
    ("TIMESTAMP NOT NULL DEFAULT CURRENT_TIMESTAMP", "1970-01-01T00:00:00Z"),
    ("TIMESTAMP NULL DEFAULT CURRENT_TIMESTAMP", None),
    ("TIMESTAMP NOT NULL DEFAULT '2020-01-01 00:00:00'", "2020-01-01T00:00:00Z"),
    ("TIMESTAMP(3) NOT NULL DEFAULT '0000-00-00 00:00:00.000'", "1970-01-01T00:00:00Z"),
    ("YEAR DEFAULT 2020", 2020),
]


@pytest.mark.parametrize(("definition", "value"), DEFAULTS)
def test_defaults(definition: str, value: Value) -> None:
    found = schema(definition).default
    assert found == value
    assert type(found) is type(value)


def test_a_default_from_the_server_s_own_text(source: Source) -> None:
    """SHOW CREATE TABLE writes defaults in another way than people do."""
    body = ", ".join(f"c{number} {text}" for number, (text, _) in enumerate(DEFAULTS))
    source.execute(f"CREATE TABLE t ({body})")
    types = source.types(source.table("t"))
    found = [(text, kind.schema.default) for (text, _), kind in zip(DEFAULTS, types, strict=True)]
    assert found == DEFAULTS


def test_a_type_nobody_knows() -> None:
    with pytest.raises(DataError, match="v is of type HSTORE"):
        column_type(Column(name="v", type_name="HSTORE", jdbc_type=1111), Options())

"""Which family a column belongs to, and its default."""

from __future__ import annotations

import logging
from collections.abc import Callable

from cdc.snapshot.text_rows_cy import decode_text
from cdc.types import (
    binary,
    bit,
    decimal,
    enumset,
    geometry,
    json,
    mariadb,
    numeric,
    temporal,
    text,
    vector,
)
from cdc.types.column_type import ColumnType
from cdc.types.options import Options
from connect.errors import DataError
from connect.schema import Value
from schema_history.table import Column

_logger = logging.getLogger(__name__)

_FAMILIES: dict[str, Callable[[Column, Options], ColumnType]] = {
    **dict.fromkeys(("tinyint", "smallint", "mediumint", "int", "bigint"), numeric.whole),
    "float": numeric.single,
    "double": numeric.double,
    "decimal": decimal.decimal,
    **dict.fromkeys(("char", "varchar", "tinytext", "text", "mediumtext", "longtext"), text.text),
    **dict.fromkeys(
        ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob"), binary.binary
    ),
    "bit": bit.bit,
    "enum": enumset.enum,
    "set": enumset.set_,
    "json": json.json,
    "date": temporal.date,
    "time": temporal.time,
    "datetime": temporal.datetime,
    "timestamp": temporal.timestamp,
    "year": temporal.year,
    "point": geometry.point,
    **dict.fromkeys(
        (
            "geometry",
            "linestring",
            "polygon",
            "multipoint",
            "multilinestring",
            "multipolygon",
            "geomcollection",
        ),
        geometry.geometry,
    ),
    "vector": vector.vector,
    "uuid": mariadb.uuid,
    "inet4": mariadb.inet,
    "inet6": mariadb.inet,
}
_NOW = "1970-01-01 00:00:00"


def column_type(column: Column, options: Options) -> ColumnType:
    """The column's schema, with its default, and codecs; DataError for a type nobody knows."""
    family = _FAMILIES.get(column.data_type)
    if family is None:
        raise DataError(f"Column {column.name} is of type {column.type_name}, which is not known.")
    found = family(column, options)
    expression = column.default_expression
    if not column.has_default or expression is None:
        return found
    return found.with_default(_default(column, expression, found))


def _default(column: Column, expression: str, found: ColumnType) -> Value:
    """The default in the form of the column's values; None, with a warning, if it has none."""
    kind = column.data_type
    if kind == "timestamp" and column.optional and expression == _NOW:
        return None
    if kind in _NUMBERS:
        expression = _TRUTH.get(expression.upper(), expression)
    try:
        if kind == "bit":
            size = ((column.length or 1) + 7) // 8
            data = int(expression, 2).to_bytes(size, "big")
        elif kind in _BINARY and expression.startswith("0x"):
            data = bytes.fromhex(expression[2:])
        elif kind == "bigint" and int(expression) >= 1 << 63 and found.text.b == 0:
            data = b"%d" % ((1 << 63) - 1)  # Debezium's, while such a value comes out negative
        elif kind in ("date", "datetime", "timestamp", "time"):
            data = _padded(expression, kind, column.length or 0).encode()
        else:
            data = expression.encode("utf-8")
        return decode_text(data, found.text)
    except (DataError, ValueError, OverflowError) as error:
        _logger.warning("Column %s: its default %r is not used: %s", column.name, expression, error)
        return None


_NUMBERS = frozenset(
    ("tinyint", "smallint", "mediumint", "int", "bigint", "float", "double", "decimal", "bit")
)
_TRUTH = {"TRUE": "1", "FALSE": "0"}
_BINARY = ("binary", "varbinary", "tinyblob", "blob", "mediumblob", "longblob")


def _padded(expression: str, kind: str, digits: int) -> str:
    """A temporal default with all the parts and digits the server would show."""
    whole, _, fraction = expression.strip().partition(".")
    if kind == "time":
        whole = ":".join(whole.split(":") + ["00"] * (2 - whole.count(":")))
    elif kind == "date":
        return whole[:10]
    elif len(whole) == 10:
        whole = f"{whole} 00:00:00"
    return f"{whole}.{fraction[:digits].ljust(digits, '0')}" if digits else whole

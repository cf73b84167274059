"""What a table looks like: the model every other room reads.

The attributes and their meaning follow Debezium's ``io.debezium.relational.Column`` and ``Table``,
so that history and schema-change records can be written without loss. What the server knows and
Debezium's records leave out (indexes, generated and invisible columns, collations) is kept too.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Literal

from connect.quoting import quoted
from schema_history.charset import Charset


class JdbcType:
    """The ``java.sql.Types`` codes that Debezium's records use."""

    BIT = -7
    BIGINT = -5
    VARBINARY = -3
    BINARY = -2
    NCHAR = -15
    NVARCHAR = -9
    CHAR = 1
    NUMERIC = 2
    DECIMAL = 3
    INTEGER = 4
    SMALLINT = 5
    FLOAT = 6
    REAL = 7
    DOUBLE = 8
    VARCHAR = 12
    BOOLEAN = 16
    DATE = 91
    TIME = 92
    TIMESTAMP = 93
    OTHER = 1111
    BLOB = 2004
    TIMESTAMP_WITH_TIMEZONE = 2014


# Type words as written in a statement -> the type the server stores.
_SERVER_TYPES = {
    "BOOL": "tinyint",
    "BOOLEAN": "tinyint",
    "INT1": "tinyint",
    "INT2": "smallint",
    "INT3": "mediumint",
    "MIDDLEINT": "mediumint",
    "INT4": "int",
    "INTEGER": "int",
    "INT8": "bigint",
    "SERIAL": "bigint",
    "DEC": "decimal",
    "FIXED": "decimal",
    "NUMERIC": "decimal",
    "NUMBER": "decimal",
    "REAL": "double",
    "FLOAT8": "double",
    "DOUBLE PRECISION": "double",
    "FLOAT8 PRECISION": "double",
    "FLOAT4": "float",
    "CHARACTER": "char",
    "NCHAR": "char",
    "NATIONAL CHAR": "char",
    "NATIONAL CHARACTER": "char",
    "CHAR VARYING": "varchar",
    "CHARACTER VARYING": "varchar",
    "VARCHARACTER": "varchar",
    "VARCHAR2": "varchar",
    "NVARCHAR": "varchar",
    "NCHAR VARCHAR": "varchar",
    "NCHAR VARYING": "varchar",
    "NATIONAL VARCHAR": "varchar",
    "NATIONAL VARCHARACTER": "varchar",
    "NATIONAL CHAR VARYING": "varchar",
    "NATIONAL CHARACTER VARYING": "varchar",
    "LONG": "mediumtext",
    "LONG VARCHAR": "mediumtext",
    "LONG VARCHARACTER": "mediumtext",
    "LONG CHAR VARYING": "mediumtext",
    "LONG CHARACTER VARYING": "mediumtext",
    "CLOB": "longtext",
    "LONG VARBINARY": "mediumblob",
    "RAW": "varbinary",
    "GEOMETRYCOLLECTION": "geomcollection",
}
_SIZED_TEXTS = ("tinytext", "text", "mediumtext", "longtext")
_SIZED_BLOBS = ("tinyblob", "blob", "mediumblob", "longblob")
_SIZES = (255, 65_535, 16_777_215)
_QUOTED_ID = re.compile(r'"((?:[^"]|"")*)"\."((?:[^"]|"")*)"')
_UNSIGNED_WORDS = frozenset({"UNSIGNED", "ZEROFILL"})
_ATTRIBUTE_WORDS = _UNSIGNED_WORDS | {"SIGNED", "BINARY"}


@dataclass(frozen=True, slots=True)
class TableId:
    """A table's full name."""

    database: str
    table: str

    def __str__(self) -> str:
        return f"{self.database}.{self.table}"

    def quoted(self) -> str:
        """``"db"."t"``, the id in Debezium's records; a quote inside a name is doubled."""
        return quoted(self.database, self.table)

    @classmethod
    def from_quoted(cls, text: str) -> TableId:
        """Read what :meth:`quoted` wrote; ValueError if it is not two quoted names."""
        match = _QUOTED_ID.fullmatch(text)
        if match is None:
            raise ValueError(f"not a quoted table id: {text}")
        return cls(*(name.replace('""', '"') for name in match.groups()))


@dataclass(frozen=True, slots=True, kw_only=True)
class Column:
    """One column.

    ``type_name`` is the type in upper case as the statement wrote it, synonyms and sign included
    (``INTEGER UNSIGNED``); ``data_type`` is what the server makes of it. ``length`` is None where
    none was written and Debezium fills in none (``CHAR`` is then one character long); DATETIME,
    TIME and TIMESTAMP have their fraction digits there. ``has_default`` with
    ``default_expression`` None is DEFAULT NULL, or a default that is computed for each row. Every
    form of "now" is the epoch, as in Debezium. A default in hexadecimal on a binary column stays
    ``0x…``; on BIT it is binary digits.
    """

    name: str
    type_name: str
    jdbc_type: int
    length: int | None = None
    scale: int | None = None
    charset: str | None = None
    collation: str | None = None
    optional: bool = True
    auto_incremented: bool = False
    generated: Literal["VIRTUAL", "STORED"] | None = None
    updated_to_now: bool = False
    has_default: bool = False
    default_expression: str | None = None
    comment: str | None = None
    enum_values: tuple[str, ...] = ()
    invisible: bool = False
    position: int = 0

    @property
    def type_expression(self) -> str:
        """Debezium's second name for the type; the same text for MySQL."""
        return self.type_name

    @property
    def unsigned(self) -> bool:
        """ZEROFILL makes a column unsigned too."""
        return not _UNSIGNED_WORDS.isdisjoint(self.type_name.split(" "))

    @property
    def data_type(self) -> str:
        """The type as information_schema names it: ``int`` for ``INTEGER UNSIGNED``.

        TEXT(n) and BLOB(n) become the smallest type that holds n characters, as in the server;
        FLOAT(p) is a double from p = 25.
        """
        words = self.type_name.split(" ")
        while len(words) > 1 and words[-1] in _ATTRIBUTE_WORDS:
            words.pop()
        base = " ".join(words)
        stored = _SERVER_TYPES.get(base, base.lower())
        if self.length is not None:
            if stored == "text" and self.charset is not None:
                size = self.length * Charset(self.charset).bytes_per_character
                return _SIZED_TEXTS[sum(size > limit for limit in _SIZES)]
            if stored == "blob":
                return _SIZED_BLOBS[sum(self.length > limit for limit in _SIZES)]
            if stored == "float" and self.scale is None and self.length > 24:
                return "double"
        return stored


@dataclass(frozen=True, slots=True)
class Index:
    """An index by name; ``columns`` is None where a part of it is an expression."""

    name: str
    columns: tuple[str, ...] | None
    unique: bool


@dataclass(frozen=True)
class Table:
    """One version of a table. Values of this class are never changed, only replaced.

    ``primary_key`` is the declared one, in key order. ``key_columns`` is what identifies a row for
    consumers: the primary key or, as in Debezium, the first unique index over NOT NULL columns.
    """

    id: TableId
    columns: tuple[Column, ...]
    primary_key: tuple[str, ...] = ()
    indexes: tuple[Index, ...] = ()
    default_charset: str | None = None
    default_collation: str | None = None
    comment: str | None = None
    attributes: tuple[tuple[str, str], ...] = field(default=())

    @cached_property
    def key_columns(self) -> tuple[str, ...]:
        if self.primary_key:
            return self.primary_key
        optional = {column.name.lower(): column.optional for column in self.columns}
        for index in self.indexes:
            if index.unique and index.columns is not None:
                names = [name.lower() for name in index.columns]
                if not any(optional.get(name, True) for name in names):
                    return index.columns
        return ()

    def column(self, name: str) -> Column | None:
        """The column of that name, in any case."""
        name = name.lower()
        return next((c for c in self.columns if c.name.lower() == name), None)

    def renamed(self, table_id: TableId) -> Table:
        return replace(self, id=table_id)


def numbered(columns: Iterable[Column]) -> tuple[Column, ...]:
    """The columns with ``position`` counted from 1."""
    return tuple(
        column if column.position == position else replace(column, position=position)
        for position, column in enumerate(columns, 1)
    )

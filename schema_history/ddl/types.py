"""Column types: every spelling of MySQL 8.0 to 9.7 and MariaDB 10.11 to 11.4.

Codes, default lengths and type names are those of Debezium's MySqlAntlrDdlParser.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Any

from schema_history.charset import Charset, named
from schema_history.ddl.lexer import NUMBER
from schema_history.ddl.reader import Reader
from schema_history.table import Column, JdbcType


class _Form(Enum):
    """What may follow the type's name."""

    PLAIN = auto()  # TYPE or TYPE(n)
    NUMBER = auto()  # TYPE(p, s) SIGNED UNSIGNED ZEROFILL
    TEXT = auto()  # TYPE(n) CHARACTER SET x COLLATE y BINARY ASCII UNICODE BYTE
    LABELS = auto()  # TYPE('a', 'b') CHARACTER SET x ...


@dataclass(frozen=True, slots=True)
class _Type:
    jdbc: int
    form: _Form = _Form.PLAIN
    length: int | None = None
    scale: int | None = None


_TYPES = {
    **dict.fromkeys(("TINYINT", "INT1"), _Type(JdbcType.SMALLINT, _Form.NUMBER)),
    **dict.fromkeys(("SMALLINT", "INT2"), _Type(JdbcType.SMALLINT, _Form.NUMBER)),
    **dict.fromkeys(
        ("MEDIUMINT", "INT3", "MIDDLEINT", "INT", "INTEGER", "INT4"),
        _Type(JdbcType.INTEGER, _Form.NUMBER),
    ),
    **dict.fromkeys(("BIGINT", "INT8"), _Type(JdbcType.BIGINT, _Form.NUMBER)),
    "REAL": _Type(JdbcType.REAL, _Form.NUMBER),
    **dict.fromkeys(("DOUBLE", "FLOAT8"), _Type(JdbcType.DOUBLE, _Form.NUMBER)),
    **dict.fromkeys(("FLOAT", "FLOAT4"), _Type(JdbcType.FLOAT, _Form.NUMBER)),
    **dict.fromkeys(("DECIMAL", "DEC", "FIXED"), _Type(JdbcType.DECIMAL, _Form.NUMBER, 10, 0)),
    **dict.fromkeys(("NUMERIC", "NUMBER"), _Type(JdbcType.NUMERIC, _Form.NUMBER, 10, 0)),
    **dict.fromkeys(("BOOL", "BOOLEAN"), _Type(JdbcType.BOOLEAN)),
    "BIT": _Type(JdbcType.BIT, length=1),
    "SERIAL": _Type(JdbcType.BIGINT),
    "DATE": _Type(JdbcType.DATE),
    "TIME": _Type(JdbcType.TIME),
    "DATETIME": _Type(JdbcType.TIMESTAMP),
    "TIMESTAMP": _Type(JdbcType.TIMESTAMP_WITH_TIMEZONE),
    "YEAR": _Type(JdbcType.INTEGER, _Form.NUMBER),
    "CHAR": _Type(JdbcType.CHAR, _Form.TEXT),
    "VARCHAR": _Type(JdbcType.VARCHAR, _Form.TEXT),
    "NCHAR": _Type(JdbcType.NCHAR, _Form.TEXT),
    "NVARCHAR": _Type(JdbcType.NVARCHAR, _Form.TEXT),
    **dict.fromkeys(
        ("TINYTEXT", "TEXT", "MEDIUMTEXT", "LONGTEXT", "CLOB"), _Type(JdbcType.VARCHAR, _Form.TEXT)
    ),
    "BINARY": _Type(JdbcType.BINARY),
    **dict.fromkeys(("VARBINARY", "RAW"), _Type(JdbcType.VARBINARY)),
    **dict.fromkeys(("TINYBLOB", "BLOB", "MEDIUMBLOB", "LONGBLOB"), _Type(JdbcType.BLOB)),
    **dict.fromkeys(("ENUM", "SET"), _Type(JdbcType.CHAR, _Form.LABELS)),
    "VECTOR": _Type(JdbcType.OTHER, length=2048),
    **dict.fromkeys(
        (
            "JSON",
            "GEOMETRY",
            "POINT",
            "LINESTRING",
            "POLYGON",
            "MULTIPOINT",
            "MULTILINESTRING",
            "MULTIPOLYGON",
            "GEOMETRYCOLLECTION",
            "GEOMCOLLECTION",
        ),
        _Type(JdbcType.OTHER),
    ),
    # MariaDB; Debezium has no rule for the INET types.
    **dict.fromkeys(("UUID", "INET4", "INET6", "XMLTYPE"), _Type(JdbcType.OTHER)),
}

# First words that more words belong to: each alternative, longest first, and its rule in _TYPES.
_COMPOUND: dict[str, tuple[tuple[tuple[str, ...], str], ...]] = {
    "CHAR": ((("VARYING",), "VARCHAR"), ((), "CHAR")),
    "CHARACTER": ((("VARYING",), "VARCHAR"), ((), "CHAR")),
    "VARCHARACTER": (((), "VARCHAR"),),
    "VARCHAR2": (((), "VARCHAR"),),
    "NCHAR": ((("VARYING",), "NVARCHAR"), (("VARCHAR",), "NVARCHAR"), ((), "NCHAR")),
    "NATIONAL": (
        (("CHAR", "VARYING"), "NVARCHAR"),
        (("CHARACTER", "VARYING"), "NVARCHAR"),
        (("VARCHAR",), "NVARCHAR"),
        (("VARCHARACTER",), "NVARCHAR"),
        (("CHAR",), "NCHAR"),
        (("CHARACTER",), "NCHAR"),
    ),
    "LONG": (
        (("VARBINARY",), "MEDIUMBLOB"),
        (("VARCHAR",), "MEDIUMTEXT"),
        (("VARCHARACTER",), "MEDIUMTEXT"),
        (("CHAR", "VARYING"), "MEDIUMTEXT"),
        (("CHARACTER", "VARYING"), "MEDIUMTEXT"),
        ((), "MEDIUMTEXT"),
    ),
    "DOUBLE": ((("PRECISION",), "DOUBLE"), ((), "DOUBLE")),
}

_BINARY_TWINS = {
    "char": ("BINARY", JdbcType.BINARY),
    "varchar": ("VARBINARY", JdbcType.VARBINARY),
    "tinytext": ("TINYBLOB", JdbcType.BLOB),
    "text": ("BLOB", JdbcType.BLOB),
    "mediumtext": ("MEDIUMBLOB", JdbcType.BLOB),
    "longtext": ("LONGBLOB", JdbcType.BLOB),
}
_WIDER_TEXT = {"tinytext": "TEXT", "text": "MEDIUMTEXT", "mediumtext": "LONGTEXT"}
_CHARACTER_TYPES = frozenset((*_BINARY_TWINS, "enum", "set"))


@dataclass(frozen=True, slots=True)
class CharsetWords:
    """What a column says of its character set, before the table's default is known."""

    charset: str | None = None
    collation: str | None = None
    binary_collation: bool = False


def read_type(reader: Reader, name: str) -> tuple[Column, CharsetWords]:
    """Read a type; gives a column of that name with nothing but its type."""
    words, rule = _type_words(reader)
    length, scale = rule.length, rule.scale
    charset = CharsetWords()
    labels: tuple[str, ...] = ()
    match rule.form:
        case _Form.LABELS:
            labels = _labels(reader)
            length = max(0, 2 * len(labels) - 1) if words == ["SET"] else 1
            charset = _charset_words(reader)
        case _Form.TEXT:
            length = _length(reader, length)
            charset = _charset_words(reader)
            if charset.binary_collation:
                words.append("BINARY")
            if rule.jdbc in (JdbcType.NCHAR, JdbcType.NVARCHAR):
                charset = replace(charset, charset="utf8")
        case _Form.NUMBER:
            length, scale = _precision(reader, length, scale)
            words += _sign_words(reader)
        case _Form.PLAIN:
            length = _length(reader, length)
    serial = words == ["SERIAL"]
    column = Column(
        name=name,
        type_name="BIGINT UNSIGNED" if serial else " ".join(words),
        jdbc_type=rule.jdbc,
        length=length,
        scale=scale,
        enum_values=labels,
        auto_incremented=serial,
        optional=not serial,
    )
    return column, charset


def charset_attributes(column: Column, words: CharsetWords, default: Charset) -> dict[str, Any]:
    """What its character set, inherited or its own, makes of a column: attributes to replace.

    A character column whose set is ``binary`` is a binary column, as in the server.
    """
    kind = column.data_type
    if kind not in _CHARACTER_TYPES:
        return {}
    charset = named(words.charset, words.collation, default)
    if words.binary_collation:
        charset = Charset(charset.name, f"{charset.name}_bin")
    if charset.name == "binary" and kind in _BINARY_TWINS:
        twin, jdbc = _BINARY_TWINS[kind]
        return {"type_name": twin, "jdbc_type": jdbc, "charset": None, "collation": None}
    return {"charset": charset.name, "collation": charset.collation}


def converted(column: Column, charset: Charset) -> Column:
    """The column after ALTER TABLE … CONVERT TO CHARACTER SET.

    A TEXT type grows where its characters may need more bytes than before. An ENUM or SET of
    character set ``binary`` stays as it is, like all binary columns.
    """
    if column.charset is None or column.charset == "binary":
        return column
    kind = column.data_type
    if kind in _WIDER_TEXT:
        # The type that TEXT(n) once chose stays, or grows.
        before = Charset(column.charset).bytes_per_character
        wider = charset.name != "binary" and charset.bytes_per_character > before
        name = _WIDER_TEXT[kind] if wider else kind.upper()
        column = replace(column, type_name=name, length=None)
    words = CharsetWords(charset.name, charset.collation)
    return replace(column, **charset_attributes(column, words, charset))


def _type_words(reader: Reader) -> tuple[list[str], _Type]:
    first = reader.word
    if first in _COMPOUND:
        for more, rule in _COMPOUND[first]:
            if reader.accept(first, *more):
                return [first, *more], _TYPES[rule]
    elif first in _TYPES:
        reader.advance()
        return [first], _TYPES[first]
    raise reader.error("a column type")


def _length(reader: Reader, default: int | None) -> int | None:
    if not reader.accept("("):
        return default
    if reader.word != NUMBER:  # GEOMETRY's subtype in MariaDB and such
        reader.skip_to(")")
        reader.expect(")")
        return default
    length = reader.integer()
    reader.accept_any("CHAR", "BYTE")
    reader.expect(")")
    return length


def _precision(
    reader: Reader, length: int | None, scale: int | None
) -> tuple[int | None, int | None]:
    if reader.accept("("):
        # DECIMAL(0) means the default, as in the server.
        length = reader.integer() or length
        if reader.accept(","):
            scale = reader.integer()
        reader.expect(")")
    return length, scale


def _sign_words(reader: Reader) -> tuple[str, ...]:
    """One way to write what any mix of these words means."""
    signs: set[str] = set()
    while sign := reader.accept_any("SIGNED", "UNSIGNED", "ZEROFILL"):
        signs.add(sign)
    if "ZEROFILL" in signs:
        return ("UNSIGNED", "ZEROFILL")
    if "UNSIGNED" in signs:
        return ("UNSIGNED",)
    return tuple(signs)


def _labels(reader: Reader) -> tuple[str, ...]:
    reader.expect("(")
    labels: list[str] = []
    while True:
        if reader.word.startswith("_"):  # a character set introducer
            reader.advance()
        # The server strips trailing spaces from labels.
        labels.append(reader.string().rstrip(" "))
        if not reader.accept(","):
            break
    reader.expect(")")
    return tuple(labels)


def _charset_words(reader: Reader) -> CharsetWords:
    charset = collation = None
    binary = False
    while True:
        if reader.charset_words():
            reader.accept("=")
            charset = reader.text_or_name().lower()
        elif reader.accept("COLLATE"):
            reader.accept("=")
            collation = reader.text_or_name().lower()
        elif reader.accept("BYTE"):
            charset = "binary"
        elif reader.accept("BINARY"):
            binary = True
        elif reader.accept("ASCII"):
            charset = "latin1"
        elif reader.accept("UNICODE"):
            charset = "ucs2"
        else:
            return CharsetWords(charset, collation, binary)

"""A column definition: name, type and attributes, as in CREATE and ALTER TABLE."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any, Literal

from schema_history.charset import Charset
from schema_history.ddl.lexer import BITS, END, HEX, NUMBER, STRING
from schema_history.ddl.reader import Reader
from schema_history.ddl.types import CharsetWords, charset_attributes, read_type
from schema_history.table import Column, JdbcType

# The text Debezium gives for every form of "now".
NOW = "1970-01-01 00:00:00"
_NOW_WORDS = ("CURRENT_TIMESTAMP", "NOW", "LOCALTIME", "LOCALTIMESTAMP")
_ENDS = frozenset({",", ")", END, "FIRST", "AFTER", "PARTITION", "REMOVE"})


@dataclass(frozen=True, slots=True)
class Default:
    """A DEFAULT clause; ``text`` is None for NULL and for what is computed for each row."""

    text: str | None


@dataclass(slots=True)
class Definition:
    """A column as defined; its character set still waits for the table's.

    ``column`` has its name and type, ``attributes`` what else of a Column its attributes set. Of
    several that say whether it may be NULL, AUTO_INCREMENT among them, the last one holds.
    """

    column: Column
    charset: CharsetWords
    attributes: dict[str, Any]
    nullable: bool = True
    default: Default | None = None
    primary: bool = False
    unique: bool = False

    def resolved(self, charset: Charset, position: int = 0) -> Column:
        """The finished column, in a table with that default character set."""
        optional = self.nullable and not self.primary
        return replace(
            self.column,
            optional=optional,
            position=position,
            **self.attributes,
            **_default_attributes(self.default, optional),
            **charset_attributes(self.column, self.charset, charset),
        )


def with_default(column: Column, default: Default) -> Column:
    """The column with another DEFAULT."""
    return replace(column, **_default_attributes(default, column.optional))


def _default_attributes(default: Default | None, optional: bool) -> dict[str, Any]:
    """A column for which none is named has NULL for a default if it may be NULL."""
    return {
        "has_default": optional or default is not None,
        "default_expression": default and default.text,
    }


def not_null(column: Column) -> Column:
    """The column as part of a primary key: never null, so neither is its default."""
    if not column.optional:
        return column
    has_default = column.has_default and column.default_expression is not None
    return replace(column, optional=False, has_default=has_default)


def read_definition(reader: Reader, name: str) -> Definition:
    """Read what follows a column's name, up to a comma, FIRST or AFTER, or the end."""
    column, charset = read_type(reader, name)
    # SERIAL alone is a type that increments before any attribute is read.
    serial = column.auto_incremented
    definition = Definition(column, charset, {}, nullable=not serial, unique=serial)
    while reader.word not in _ENDS:
        attribute = _ATTRIBUTES.get(reader.word)
        if attribute is not None:
            reader.advance()
            attribute(reader, definition)
        elif reader.ahead() == "=":  # an option of a storage engine (MariaDB)
            for _ in range(3):
                reader.advance()
        else:
            raise reader.error("a column attribute")
    return definition


def read_default(reader: Reader, column: Column) -> Default:
    """Read what follows DEFAULT, as text in the form described at Column."""
    word = reader.word
    if word == "(":
        reader.parenthesised()
        return Default(None)
    if reader.accept("NULL"):
        return Default(None)
    if word.startswith("_") and reader.ahead() in (STRING, HEX, BITS):  # _utf8mb4'x'
        reader.advance()
        word = reader.word
    if word in ("DATE", "TIME", "TIMESTAMP") and reader.ahead() == STRING:
        reader.advance()
        word = STRING
    if word == STRING:
        return Default(reader.string())
    if word in (BITS, HEX):
        digits, base = reader.advance(), 2 if word == BITS else 16
        return Default(_from_bits(digits, base, column))
    if word in ("TRUE", "FALSE"):
        start = reader.offset
        reader.advance()
        return Default(reader.source(start))
    if word in ("+", "-", ".", NUMBER):
        return Default(_number(reader, column))
    if _now(reader):
        return Default(NOW)
    return _bare_expression(reader)


def _number(reader: Reader, column: Column) -> str:
    sign = reader.accept_any("+", "-")
    start = reader.offset
    if reader.accept("."):  # .5 comes as a point and a number
        reader.integer()
    elif reader.word == NUMBER:
        reader.advance()
    else:
        raise reader.error("a number")
    text = sign + reader.source(start)
    if column.jdbc_type == JdbcType.BIT and text.isdigit():
        return f"{int(text):b}"
    return text


def _from_bits(digits: str, base: int, column: Column) -> str:
    if column.jdbc_type == JdbcType.BIT:
        return digits if base == 2 else f"{int(digits or '0', 16):b}"
    number = int(digits or "0", base)
    if column.jdbc_type in (JdbcType.BINARY, JdbcType.VARBINARY, JdbcType.BLOB):
        width = len(digits) + len(digits) % 2 if base == 16 else (len(digits) + 7) // 8 * 2
        return f"0x{number:0{width}X}"
    if column.jdbc_type in (JdbcType.CHAR, JdbcType.VARCHAR, JdbcType.NCHAR, JdbcType.NVARCHAR):
        size = (len(digits) + 1) // 2 if base == 16 else (len(digits) + 7) // 8
        return number.to_bytes(size, "big").decode("utf-8", "replace")
    return str(number)


def _now(reader: Reader) -> bool:
    if not reader.accept_any(*_NOW_WORDS):
        return False
    if reader.word == "(":
        reader.parenthesised()
    return True


def _bare_expression(reader: Reader) -> Default:
    """MariaDB's functions without parentheses around them, and NEXT VALUE FOR."""
    if reader.accept("NEXT", "VALUE", "FOR"):
        reader.qualified_name()
        return Default(None)
    reader.qualified_name()
    if reader.word == "(":
        reader.parenthesised()
    return Default(None)


def _not(reader: Reader, definition: Definition) -> None:
    if reader.accept("NULL"):
        definition.nullable = False
    elif not reader.accept_any("ENFORCED", "SECONDARY", "VISIBLE"):
        raise reader.error("NULL")


def _null(reader: Reader, definition: Definition) -> None:
    definition.nullable = True


def _default(reader: Reader, definition: Definition) -> None:
    definition.default = read_default(reader, definition.column)


def _on(reader: Reader, definition: Definition) -> None:
    reader.expect("UPDATE")
    if not _now(reader):
        raise reader.error("CURRENT_TIMESTAMP")
    definition.attributes["updated_to_now"] = True


def _auto_increment(reader: Reader, definition: Definition) -> None:
    definition.attributes["auto_incremented"] = True
    definition.nullable = False


def _serial(reader: Reader, definition: Definition) -> None:
    reader.expect("DEFAULT", "VALUE")
    _auto_increment(reader, definition)
    definition.unique = True


def _primary(reader: Reader, definition: Definition) -> None:
    reader.accept("KEY")
    definition.primary = True


def _unique(reader: Reader, definition: Definition) -> None:
    reader.accept("KEY")
    definition.unique = True


def _comment(reader: Reader, definition: Definition) -> None:
    definition.attributes["comment"] = reader.string()


def _collate(reader: Reader, definition: Definition) -> None:
    reader.accept("=")
    definition.charset = replace(definition.charset, collation=reader.text_or_name().lower())


def _generated(reader: Reader, definition: Definition) -> None:
    reader.expect("ALWAYS", "AS")
    _as(reader, definition)


def _as(reader: Reader, definition: Definition) -> None:
    kind: Literal["VIRTUAL", "STORED"] = "VIRTUAL"
    if reader.accept("ROW"):  # MariaDB's system versioning
        reader.accept_any("START", "END")
        kind = "STORED"
        definition.nullable = False
    else:
        reader.parenthesised()
        if reader.accept_any("STORED", "PERSISTENT"):
            kind = "STORED"
        else:
            reader.accept("VIRTUAL")
    definition.attributes["generated"] = kind


def _invisible(reader: Reader, definition: Definition) -> None:
    definition.attributes["invisible"] = True


def _constraint(reader: Reader, definition: Definition) -> None:
    if reader.word != "CHECK":
        reader.name()
    reader.expect("CHECK")
    reader.parenthesised()


def _check(reader: Reader, definition: Definition) -> None:
    reader.parenthesised()


def references(reader: Reader) -> None:
    """Step over what follows REFERENCES."""
    reader.qualified_name()
    if reader.word == "(":
        reader.parenthesised()
    while True:
        if reader.accept("MATCH"):
            reader.advance()
        elif reader.accept("ON", "DELETE") or reader.accept("ON", "UPDATE"):
            if not reader.accept_any("RESTRICT", "CASCADE") and reader.accept_any("SET", "NO"):
                reader.advance()
        else:
            return


def _references(reader: Reader, definition: Definition) -> None:
    references(reader)


def _value(reader: Reader, definition: Definition) -> None:
    reader.accept("=")
    reader.advance()


def _compressed(reader: Reader, definition: Definition) -> None:
    if reader.accept("="):
        reader.advance()


def _versioning(reader: Reader, definition: Definition) -> None:
    reader.expect("SYSTEM", "VERSIONING")


def _nothing(reader: Reader, definition: Definition) -> None:
    pass


_ATTRIBUTES: dict[str, Callable[[Reader, Definition], None]] = {
    "NOT": _not,
    "NULL": _null,
    "DEFAULT": _default,
    "ON": _on,
    "AUTO_INCREMENT": _auto_increment,
    "SERIAL": _serial,
    "PRIMARY": _primary,
    "KEY": _primary,
    "UNIQUE": _unique,
    "COMMENT": _comment,
    "COLLATE": _collate,
    "GENERATED": _generated,
    "AS": _as,
    "INVISIBLE": _invisible,
    "VISIBLE": _nothing,
    "ENFORCED": _nothing,
    "VIRTUAL": _nothing,
    "CONSTRAINT": _constraint,
    "CHECK": _check,
    "REFERENCES": _references,
    "COLUMN_FORMAT": _value,
    "STORAGE": _value,
    "ENGINE_ATTRIBUTE": _value,
    "SECONDARY_ENGINE_ATTRIBUTE": _value,
    "SRID": _value,
    "COMPRESSED": _compressed,
    "WITH": _versioning,
    "WITHOUT": _versioning,
}

"""Index definitions inside CREATE and ALTER TABLE, and in CREATE INDEX."""

from __future__ import annotations

from dataclasses import dataclass

from schema_history.ddl.definition import references
from schema_history.ddl.reader import Reader

_INDEX_WORDS = ("KEY", "INDEX")


@dataclass(frozen=True, slots=True)
class Key:
    """An index as defined; ``name`` is None where the server will make one up.

    ``period`` is MariaDB's ``PERIOD FOR name (start, end)``, which a key may name as its last part.
    """

    name: str | None
    columns: tuple[str, ...] | None
    unique: bool = False
    primary: bool = False
    period: bool = False
    if_absent: bool = False


def starts_key(reader: Reader) -> bool:
    """Whether a key or constraint, not a column, is defined here."""
    word = reader.word
    if word == "PERIOD":
        return reader.ahead() == "FOR"
    if word == "VECTOR":  # MariaDB
        return reader.ahead() in (*_INDEX_WORDS, "(")
    return word in _STARTS


def read_key(reader: Reader) -> Key | None:
    """Read a key or constraint; None for CHECK and FOREIGN KEY, which the model has no use for."""
    name = None
    if reader.accept("CONSTRAINT"):
        reader.accept("IF", "NOT", "EXISTS")
        if reader.word not in _STARTS:
            name = reader.name()
    if reader.accept("PRIMARY"):
        reader.expect("KEY")
        reader.accept("IF", "NOT", "EXISTS")
        _index_name(reader)
        return Key("PRIMARY", _rest(reader), unique=True, primary=True)
    if reader.accept("FOREIGN"):
        _foreign_key(reader)
        return None
    if reader.accept("CHECK"):
        reader.accept("IF", "NOT", "EXISTS")
        reader.parenthesised()
        if reader.accept("NOT") or reader.word == "ENFORCED":
            reader.expect("ENFORCED")
        return None
    if reader.accept("PERIOD", "FOR"):
        return Key(reader.name(), read_parts(reader), period=True)
    unique = reader.accept("UNIQUE")
    if not unique:
        reader.accept_any("FULLTEXT", "SPATIAL", "VECTOR")
    reader.accept_any(*_INDEX_WORDS)
    if_absent = reader.accept("IF", "NOT", "EXISTS")
    name = _index_name(reader) or name
    return Key(name, _rest(reader), unique=unique, if_absent=if_absent)


def read_parts(reader: Reader) -> tuple[str, ...] | None:
    """``(a, b(10) DESC)``: the columns, or None where a part is an expression."""
    reader.expect("(")
    names: list[str] = []
    expression = False
    while True:
        if reader.word == "(":
            expression = True
        else:
            names.append(reader.column_name())
        reader.skip_to(",", ")")
        if not reader.accept(","):
            break
    reader.expect(")")
    return None if expression else tuple(names)


def _index_name(reader: Reader) -> str | None:
    name = None
    if reader.word not in ("(", "USING", "TYPE"):
        name = reader.name()
    while reader.accept_any("USING", "TYPE"):
        reader.advance()
    return name


def _rest(reader: Reader) -> tuple[str, ...] | None:
    columns = read_parts(reader)
    reader.skip_to(",", ")")
    return columns


def _foreign_key(reader: Reader) -> None:
    reader.expect("KEY")
    reader.accept("IF", "NOT", "EXISTS")
    if reader.word != "(":
        reader.name()
    reader.parenthesised()
    reader.expect("REFERENCES")
    references(reader)


_STARTS = frozenset(
    {
        "PRIMARY",
        "UNIQUE",
        "FULLTEXT",
        "SPATIAL",
        "FOREIGN",
        "CONSTRAINT",
        "CHECK",
        "PERIOD",
        "VECTOR",
        *_INDEX_WORDS,
    }
)

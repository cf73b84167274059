"""From a statement's first words to the module that reads it."""

from __future__ import annotations

import re
from collections.abc import Callable

from connect.errors import DdlError
from schema_history.change import Change, ChangeKind
from schema_history.ddl.alter import alter_table
from schema_history.ddl.create import create_table
from schema_history.ddl.databases import (
    alter_database,
    create_database,
    drop_database,
    set_variables,
    use,
)
from schema_history.ddl.indexes import create_index, drop_index
from schema_history.ddl.lexer import SqlMode
from schema_history.ddl.reader import Reader
from schema_history.ddl.statement import Catalog, Statement
from schema_history.ddl.tables import drop_table, rename_table, truncate_table

_INDEX_KINDS = ("UNIQUE", "FULLTEXT", "SPATIAL", "VECTOR")


def read_statement(text: str, database: str, catalog: Catalog, mode: SqlMode) -> list[Change]:
    """The changes that a statement makes, in order; one OTHER where it makes none.

    ``database`` is the session's, for names without one. Pure: ``catalog`` is only asked.
    Raises DdlError where a table statement cannot be read.
    """
    first = _FIRST_WORD.match(text)
    if first is not None and first[1].upper() not in _STATEMENTS:
        return [Change(ChangeKind.OTHER, database, text)]
    try:
        statement = Statement(Reader(text, mode), database, catalog)
    except DdlError:
        # Bodies of routines may be in other languages, with other quotes.
        if _TABLE_STATEMENT.search(text, 0, 500) is None:
            return [Change(ChangeKind.OTHER, database, text)]
        raise
    reader = statement.reader
    if reader.accept("SET", "STATEMENT"):  # MariaDB: SET STATEMENT name = value FOR statement
        reader.skip_to("FOR")
        reader.accept("FOR")
    read = _STATEMENTS.get(reader.word)
    changes = None
    if read is not None:
        reader.advance()
        changes = read(statement)
    if changes is None:
        return [statement.change(ChangeKind.OTHER)]
    return changes


def _create(statement: Statement) -> list[Change] | None:
    reader = statement.reader
    replace = reader.accept("OR", "REPLACE")
    if reader.accept("TABLE"):
        return create_table(statement)
    if reader.accept_any("DATABASE", "SCHEMA"):
        return create_database(statement)
    reader.accept_any("ONLINE", "OFFLINE")
    unique = reader.accept_any(*_INDEX_KINDS) == "UNIQUE"
    if reader.accept("INDEX"):
        return create_index(statement, unique=unique, replace=replace)
    return None


def _alter(statement: Statement) -> list[Change] | None:
    reader = statement.reader
    while reader.accept_any("ONLINE", "OFFLINE", "IGNORE"):
        pass
    if reader.accept("TABLE"):
        return alter_table(statement)
    if reader.accept_any("DATABASE", "SCHEMA"):
        return alter_database(statement)
    return None


def _drop(statement: Statement) -> list[Change] | None:
    reader = statement.reader
    if reader.accept_any("TABLE", "TABLES"):
        return drop_table(statement)
    if reader.accept_any("DATABASE", "SCHEMA"):
        return drop_database(statement)
    reader.accept_any("ONLINE", "OFFLINE")
    if reader.accept("INDEX"):
        return drop_index(statement)
    return None


def _rename(statement: Statement) -> list[Change] | None:
    if statement.reader.accept_any("TABLE", "TABLES"):
        return rename_table(statement)
    return None


def _truncate(statement: Statement) -> list[Change] | None:
    statement.reader.accept("TABLE")
    return truncate_table(statement)


def _set(statement: Statement) -> list[Change] | None:
    return set_variables(statement)


_STATEMENTS: dict[str, Callable[[Statement], list[Change] | None]] = {
    "CREATE": _create,
    "ALTER": _alter,
    "DROP": _drop,
    "RENAME": _rename,
    "TRUNCATE": _truncate,
    "USE": use,
    "SET": _set,
}
# No match where a comment or parenthesis comes first: then only the tokens can tell.
_FIRST_WORD = re.compile(r"[\s;]*(\w+)")
_TABLE_STATEMENT = re.compile(r"\b(TABLES?|INDEX|DATABASE|SCHEMA)\b", re.IGNORECASE)

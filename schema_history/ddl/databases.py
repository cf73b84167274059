"""CREATE, ALTER and DROP DATABASE, USE, and SET of the server's default character set."""

from __future__ import annotations

from schema_history.change import Change, ChangeKind
from schema_history.charset import Charset, named
from schema_history.ddl.lexer import END, NAME
from schema_history.ddl.statement import Statement

_OPTION_WORDS = ("DEFAULT", "CHARACTER", "CHARSET", "CHAR", "COLLATE", "ENCRYPTION", "READ", "=")


def create_database(statement: Statement) -> list[Change]:
    """Read on after DATABASE or SCHEMA."""
    statement.reader.accept("IF", "NOT", "EXISTS")
    return _database(
        statement, ChangeKind.CREATE_DATABASE, _name(statement), None, statement.reader.bare_text
    )


def alter_database(statement: Statement) -> list[Change]:
    """Read on after DATABASE or SCHEMA; without a name it is the session's own."""
    reader = statement.reader
    # An option's word is a database's name only where it is quoted.
    named_here = reader.word == NAME or reader.word not in _OPTION_WORDS
    database = _name(statement) if named_here else statement.database
    known = statement.catalog.database_charset(database)
    return _database(statement, ChangeKind.ALTER_DATABASE, database, known, statement.text)


def drop_database(statement: Statement) -> list[Change]:
    """Read on after DATABASE or SCHEMA."""
    statement.reader.accept("IF", "EXISTS")
    return [Change(ChangeKind.DROP_DATABASE, _name(statement), statement.reader.bare_text)]


def use(statement: Statement) -> list[Change]:
    """Read on after USE."""
    return [Change(ChangeKind.USE, _name(statement), statement.text)]


def set_variables(statement: Statement) -> list[Change]:
    """Read on after SET: only the server's character set and collation reach the model."""
    reader = statement.reader
    values: dict[str, str] = {}
    while reader.word not in (END, ";"):
        variable = reader.word
        reader.skip_one()
        if variable in ("CHARACTER_SET_SERVER", "COLLATION_SERVER"):
            reader.accept(":")
            reader.expect("=")
            values[variable] = reader.text_or_name()
    charset = None
    if values:
        charset = named(
            values.get("CHARACTER_SET_SERVER"),
            values.get("COLLATION_SERVER"),
            statement.catalog.charset,
        )
    return [Change(ChangeKind.SET, "", statement.text, charset=charset)]


def _name(statement: Statement) -> str:
    return statement.catalog.table_id(statement.reader.name(), "").database


def _database(
    statement: Statement, kind: ChangeKind, database: str, known: Charset | None, ddl: str
) -> list[Change]:
    reader = statement.reader
    server = statement.catalog.charset
    chosen: Charset | None = None
    while reader.word not in (END, ";"):
        option = reader.charset_options(server, chosen)
        if option is None:
            reader.skip_one()
        else:
            chosen = option
    return [Change(kind, database, ddl, charset=chosen or known or server)]

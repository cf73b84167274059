"""CREATE TABLE."""

from __future__ import annotations

from dataclasses import replace

from schema_history.change import Change, ChangeKind
from schema_history.charset import Charset
from schema_history.ddl.definition import Definition, read_definition
from schema_history.ddl.draft import Draft
from schema_history.ddl.keys import Key, read_key, starts_key
from schema_history.ddl.lexer import END, STRING
from schema_history.ddl.statement import Statement

_SELECT_WORDS = frozenset({"SELECT", "AS", "TABLE", "VALUES"})


def create_table(statement: Statement) -> list[Change]:
    """Read on after the word TABLE; an existing table stays under IF NOT EXISTS only."""
    reader = statement.reader
    keep_existing = reader.accept("IF", "NOT", "EXISTS")
    table_id = statement.table_id()
    known = statement.catalog.get(table_id)
    if keep_existing and known is not None:
        return [statement.change(ChangeKind.OTHER, table_id)]
    if reader.accept("LIKE") or reader.accept("(", "LIKE"):
        source = statement.catalog.get(statement.table_id())
        if source is None:
            return [statement.change(ChangeKind.OTHER, table_id)]
        return [statement.change(ChangeKind.CREATE, table_id, table=source.renamed(table_id))]

    draft = Draft(table_id, statement.catalog.database_charset(table_id.database))
    elements = _elements(statement) if reader.word == "(" and reader.ahead() != "SELECT" else []
    _options(statement, draft)
    if not elements:
        raise reader.failure(f"CREATE TABLE {table_id} names no columns.", offset=0)
    seen: set[str] = set()
    for element in elements:
        if isinstance(element, Key):
            draft.add_key(element)
            continue
        name = element.column.name.lower()
        if name in seen:
            raise reader.failure(f"Column {name} of {table_id} is defined twice.", offset=0)
        seen.add(name)
        draft.columns.append(element.resolved(draft.charset, len(draft.columns) + 1))
        draft.add_column_key(element)
    return [statement.change(ChangeKind.CREATE, table_id, table=draft.finished())]


def _elements(statement: Statement) -> list[Definition | Key]:
    reader = statement.reader
    elements: list[Definition | Key] = []
    reader.expect("(")
    while True:
        if starts_key(reader):
            key = read_key(reader)
            if key is not None:
                elements.append(key)
        else:
            elements.append(read_definition(reader, reader.column_name()))
        if not reader.accept(","):
            break
    reader.expect(")")
    return elements


def _options(statement: Statement, draft: Draft) -> None:
    """Table options and partitions: only those that reach the model are looked at."""
    reader = statement.reader
    inherited = draft.charset
    chosen: Charset | None = None
    while reader.word not in (END, ";"):
        option = reader.charset_options(inherited, chosen)
        if option is not None:
            chosen = option
        elif reader.accept("COMMENT"):
            reader.accept("=")
            draft.comment = reader.string() or None
        elif reader.word in _SELECT_WORDS or (reader.word == "(" and reader.ahead() == "SELECT"):
            raise reader.failure(
                f"CREATE TABLE {draft.id} … SELECT does not name its columns' types; the server "
                "writes it out in full only under binlog_format=ROW."
            )
        elif reader.word != STRING and reader.ahead() == "=":
            reader.advance()
            reader.advance()
            reader.skip_one()
        else:
            reader.skip_one()
    if chosen is not None:
        draft.charset = replace(chosen)

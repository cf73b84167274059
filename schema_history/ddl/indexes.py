"""CREATE INDEX and DROP INDEX, which matter where a unique index is a table's key."""

from __future__ import annotations

from schema_history.change import Change, ChangeKind
from schema_history.ddl.draft import Draft
from schema_history.ddl.keys import Key, read_parts
from schema_history.ddl.statement import Statement
from schema_history.table import Table


def create_index(statement: Statement, *, unique: bool, replace: bool) -> list[Change]:
    """Read on after INDEX."""
    reader = statement.reader
    if_absent = reader.accept("IF", "NOT", "EXISTS")
    name = reader.name()
    reader.skip_to("ON")
    reader.expect("ON")
    table_id = statement.table_id()
    columns = read_parts(reader)
    table = statement.catalog.get(table_id)
    if table is None:
        return [statement.change(ChangeKind.OTHER, table_id)]
    draft = Draft.of(table, statement.catalog.database_charset(table_id.database))
    there = any(index.name.lower() == name.lower() for index in draft.indexes)
    if there and if_absent:
        return [statement.change(ChangeKind.OTHER, table_id, table=table)]
    if there and replace:
        draft.drop_index(name)
    draft.add_key(Key(name, columns, unique=unique))
    return [_changed(statement, table, draft.finished())]


def drop_index(statement: Statement) -> list[Change]:
    """Read on after INDEX."""
    reader = statement.reader
    reader.accept("IF", "EXISTS")
    name = reader.name()
    reader.expect("ON")
    table_id = statement.table_id()
    table = statement.catalog.get(table_id)
    if table is None:
        return [statement.change(ChangeKind.OTHER, table_id)]
    draft = Draft.of(table, statement.catalog.database_charset(table_id.database))
    draft.drop_index(name)
    return [_changed(statement, table, draft.finished())]


def _changed(statement: Statement, before: Table, after: Table) -> Change:
    """A table change only where consumers see another key."""
    same = before.key_columns == after.key_columns
    return statement.change(ChangeKind.OTHER if same else ChangeKind.ALTER, after.id, table=after)

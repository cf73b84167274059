"""DROP, RENAME and TRUNCATE TABLE: one change for each table named."""

from __future__ import annotations

from connect.quoting import backticked
from schema_history.change import Change, ChangeKind
from schema_history.ddl.statement import Statement
from schema_history.table import Table, TableId


def drop_table(statement: Statement) -> list[Change]:
    """Read on after TABLE. Each change's text is the statement for that table alone."""
    reader = statement.reader
    reader.accept("IF", "EXISTS")
    lead = reader.source(0, reader.offset)
    ids = [statement.table_id()]
    reader.wait_option()
    while reader.accept(","):
        ids.append(statement.table_id())
    start = reader.offset
    behaviour = ""
    if reader.accept_any("RESTRICT", "CASCADE"):
        behaviour = " " + reader.source(start)
    names = [backticked(table_id.database, table_id.table) for table_id in ids]
    return [
        statement.change(ChangeKind.DROP, table_id, ddl=f"{lead}{name}{behaviour}")
        for table_id, name in zip(ids, names, strict=True)
    ]


def rename_table(statement: Statement) -> list[Change]:
    """Read on after TABLE or TABLES; renames follow one another, so names may be swapped."""
    reader = statement.reader
    reader.accept("IF", "EXISTS")
    lead = reader.source(0, reader.offset)
    moved: dict[TableId, Table | None] = {}
    changes: list[Change] = []
    while True:
        start = reader.offset
        old = statement.table_id()
        reader.wait_option()
        reader.expect("TO")
        new = statement.table_id()
        table = moved[old] if old in moved else statement.catalog.get(old)
        moved[old] = None
        moved[new] = table.renamed(new) if table is not None else None
        changes.append(
            statement.change(
                ChangeKind.OTHER if table is None else ChangeKind.ALTER,
                new,
                table=moved[new],
                previous_id=old,
                ddl=lead + reader.source(start),
            )
        )
        if not reader.accept(","):
            return changes


def truncate_table(statement: Statement) -> list[Change]:
    """Read on after TRUNCATE [TABLE]."""
    table_id = statement.table_id()
    return [statement.change(ChangeKind.TRUNCATE, table_id, table=statement.catalog.get(table_id))]

"""ALTER TABLE: every action that reaches the model, put together the way the server does it.

The server reads all actions first. Then it goes through the old columns (dropping, changing and
renaming by their old names), then places added and moved ones in the order of the statement
(sql/sql_table.cc, prepare_fields_and_keys). So ``RENAME COLUMN a TO b, RENAME COLUMN b TO a``
swaps two names. Whatever is no action known here (storage options, partitions, ALGORITHM, LOCK)
leaves the shape alone and is stepped over.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace

from connect.errors import DdlError
from schema_history.change import Change, ChangeKind
from schema_history.charset import Charset
from schema_history.ddl.definition import (
    Default,
    Definition,
    read_default,
    read_definition,
    with_default,
)
from schema_history.ddl.draft import Draft
from schema_history.ddl.keys import read_key, starts_key
from schema_history.ddl.lexer import END
from schema_history.ddl.reader import Reader
from schema_history.ddl.statement import Statement
from schema_history.ddl.types import CharsetWords, converted
from schema_history.table import Column, Table, TableId

FIRST = ""  # a place no column name can mean


@dataclass(slots=True)
class _Plan:
    """What a statement's actions ask for; old names are in lower case."""

    table: Table
    inherited: Charset
    dropped: set[str] = field(default_factory=set)
    changed: dict[str, Definition] = field(default_factory=dict)
    renamed: dict[str, str] = field(default_factory=dict)
    edits: dict[str, list[Callable[[Column], Column]]] = field(default_factory=dict)
    placed: list[tuple[Definition, str | None]] = field(default_factory=list)
    dropped_keys: list[Callable[[Draft], None]] = field(default_factory=list)
    renamed_keys: list[Callable[[Draft], None]] = field(default_factory=list)
    added_keys: list[Callable[[Draft], None]] = field(default_factory=list)
    charset: Charset | None = None
    converted: Charset | None = None
    comment: str | None = None
    new_id: TableId | None = None
    others: list[Change] = field(default_factory=list)


def alter_table(statement: Statement) -> list[Change]:
    """Read on after the word TABLE."""
    reader = statement.reader
    reader.accept("IF", "EXISTS")
    table_id = statement.table_id()
    table = statement.catalog.get(table_id)
    if table is None:
        return [statement.change(ChangeKind.OTHER, table_id)]
    reader.wait_option()
    plan = _Plan(table, statement.catalog.database_charset(table_id.database))
    while reader.word not in (END, ";"):
        action = _ACTIONS.get(reader.word)
        if action is not None:
            reader.advance()
            action(statement, plan)
        while reader.word not in (",", END, ";"):
            if not _option(reader, plan):
                reader.skip_one()
        reader.accept(",")
    altered = _carried_out(reader, plan)
    new_id = plan.new_id
    if new_id is None or new_id == table_id:
        change = statement.change(ChangeKind.ALTER, table_id, table=altered)
    else:
        altered = altered.renamed(new_id)
        change = statement.change(ChangeKind.ALTER, new_id, table=altered, previous_id=table_id)
    return [change, *plan.others]


def _carried_out(reader: Reader, plan: _Plan) -> Table:
    draft = Draft.of(plan.table, plan.inherited)
    if plan.charset is not None:
        draft.charset = plan.charset
    if plan.converted is not None:
        # CONVERT TO overrules what columns of the same statement say themselves.
        for definition in (*plan.changed.values(), *(d for d, _ in plan.placed)):
            if definition.charset.charset != "binary":
                definition.charset = CharsetWords()
    if plan.comment is not None:
        draft.comment = plan.comment or None
    known = {column.name.lower() for column in draft.columns}
    for name in (*plan.dropped, *plan.changed, *plan.renamed, *plan.edits):
        if name not in known:
            raise _unknown(reader, plan, name)
    names = _change_columns(plan, draft)
    _place_columns(reader, plan, draft)
    draft.follow_columns(names)
    for change_key in (*plan.dropped_keys, *plan.renamed_keys, *plan.added_keys):
        change_key(draft)
    return draft.finished()


def _change_columns(plan: _Plan, draft: Draft) -> dict[str, str | None]:
    """Drop, change and rename the old columns in their places.

    Gives what became of their names, for the keys: the new name, or None for a dropped one.
    """
    changed = {id(definition) for definition in plan.changed.values()}
    added = {d.column.name.lower() for d, _ in plan.placed if id(d) not in changed}
    names: dict[str, str | None] = {}
    columns: list[Column] = []
    for column in draft.columns:
        old = column.name.lower()
        if old in plan.dropped:
            # Keys hold on to a name: a new column of the same name takes the dropped one's place.
            if old not in added:
                names[old] = None
            continue
        if old in plan.changed:
            names[old] = plan.changed[old].column.name
            columns.append(plan.changed[old].resolved(draft.charset))
            continue
        for edit in plan.edits.get(old, ()):
            column = edit(column)
        if plan.converted is not None:
            column = converted(column, plan.converted)
        if old in plan.renamed:
            names[old] = plan.renamed[old]
            column = replace(column, name=plan.renamed[old])
        columns.append(column)
    draft.columns = columns
    return names


def _place_columns(reader: Reader, plan: _Plan, draft: Draft) -> None:
    """Put the new columns in, and move the changed ones that name a place."""
    columns = draft.columns

    def place_of(name: str) -> int:
        for place, column in enumerate(columns):
            if column.name.lower() == name.lower():
                return place
        raise _unknown(reader, plan, name)

    changed = {id(definition) for definition in plan.changed.values()}
    for definition, after in plan.placed:
        column = definition.resolved(draft.charset)
        if after is None:
            columns.append(column)
            continue
        if id(definition) in changed:
            del columns[place_of(column.name)]
        columns.insert(0 if after == FIRST else place_of(after) + 1, column)
    present = [column.name.lower() for column in columns]
    if len(set(present)) < len(present):
        twice = next(name for name in present if present.count(name) > 1)
        raise reader.failure(
            f"Column {twice} of {plan.table.id} would be there twice: its history does not "
            "agree with the server.",
            offset=0,
        )


def _unknown(reader: Reader, plan: _Plan, name: str) -> DdlError:
    return reader.failure(
        f"Table {plan.table.id} has no column {name} as far as its history tells, "
        "but a statement changes it.",
        offset=0,
    )


def _option(reader: Reader, plan: _Plan) -> bool:
    """Table options may stand anywhere between the actions."""
    chosen = reader.charset_options(plan.inherited, plan.charset)
    if chosen is not None:
        plan.charset = chosen
        return True
    if reader.word == "COMMENT" and reader.ahead() != ",":
        reader.advance()
        reader.accept("=")
        plan.comment = reader.string()
        return True
    return False


def _add(statement: Statement, plan: _Plan) -> None:
    reader = statement.reader
    if reader.word in ("PARTITION", "SYSTEM"):
        reader.skip_to(END)
        return
    if starts_key(reader):
        _add_key(reader, plan)
        return
    reader.accept("COLUMN")
    if_absent = reader.accept("IF", "NOT", "EXISTS")
    if reader.accept("("):
        while True:
            if starts_key(reader):
                _add_key(reader, plan)
            else:
                _add_column(reader, plan, if_absent, placed=False)
            if not reader.accept(","):
                break
        reader.expect(")")
    else:
        _add_column(reader, plan, if_absent, placed=True)


def _add_column(reader: Reader, plan: _Plan, if_absent: bool, placed: bool) -> None:
    name = reader.column_name()
    definition = read_definition(reader, name)
    after = _read_place(reader) if placed else None
    if if_absent and plan.table.column(name) is not None:
        return
    plan.placed.append((definition, after))
    _plan_column_key(plan, definition)


def _add_key(reader: Reader, plan: _Plan) -> None:
    key = read_key(reader)
    if key is not None:
        plan.added_keys.append(lambda draft: draft.add_key(key))


def _plan_column_key(plan: _Plan, definition: Definition) -> None:
    if definition.primary or definition.unique:
        plan.added_keys.append(lambda draft: draft.add_column_key(definition))


def _drop(statement: Statement, plan: _Plan) -> None:
    reader = statement.reader
    if reader.word in ("PARTITION", "SYSTEM", "PERIOD", "FOREIGN", "CHECK"):
        reader.skip_to(",")
    elif reader.accept("PRIMARY", "KEY"):
        plan.dropped_keys.append(lambda draft: draft.drop_index("PRIMARY"))
    elif reader.accept_any("INDEX", "KEY"):
        reader.accept("IF", "EXISTS")
        index = reader.name()
        plan.dropped_keys.append(lambda draft: draft.drop_index(index))
    elif reader.accept("CONSTRAINT"):
        reader.accept("IF", "EXISTS")
        constraint = reader.name()
        plan.dropped_keys.append(lambda draft: draft.drop_constraint(constraint))
    else:
        reader.accept("COLUMN")
        if_there = reader.accept("IF", "EXISTS")
        name = reader.column_name()
        if not if_there or plan.table.column(name) is not None:
            plan.dropped.add(name.lower())


def _modify(statement: Statement, plan: _Plan) -> None:
    reader = statement.reader
    reader.accept("COLUMN")
    if_there = reader.accept("IF", "EXISTS")
    name = reader.column_name()
    _change_column(reader, plan, name, name, if_there)


def _change(statement: Statement, plan: _Plan) -> None:
    reader = statement.reader
    reader.accept("COLUMN")
    if_there = reader.accept("IF", "EXISTS")
    old = reader.column_name()
    _change_column(reader, plan, old, reader.column_name(), if_there)


def _change_column(reader: Reader, plan: _Plan, old: str, new: str, if_there: bool) -> None:
    definition = read_definition(reader, new)
    after = _read_place(reader)
    if if_there and plan.table.column(old) is None:
        return
    plan.changed[old.lower()] = definition
    if after is not None:
        plan.placed.append((definition, after))
    _plan_column_key(plan, definition)


def _read_place(reader: Reader) -> str | None:
    if reader.accept("FIRST"):
        return FIRST
    if reader.accept("AFTER"):
        return reader.column_name()
    return None


def _alter(statement: Statement, plan: _Plan) -> None:
    reader = statement.reader
    if reader.word in ("INDEX", "KEY", "CHECK", "CONSTRAINT"):
        reader.skip_to(",")
        return
    reader.accept("COLUMN")
    if_there = reader.accept("IF", "EXISTS")
    name = reader.column_name()
    column = plan.table.column(name)
    if column is None:
        if if_there:
            reader.skip_to(",")
            return
        raise reader.failure(f"Table {plan.table.id} has no column {name} to alter.")
    edit: Callable[[Column], Column]
    if reader.accept("DROP", "DEFAULT"):
        edit = _without_default
    else:
        reader.expect("SET")
        if shown := reader.accept_any("VISIBLE", "INVISIBLE"):
            edit = _visibility(shown == "INVISIBLE")
        else:
            reader.expect("DEFAULT")
            edit = _default_setter(read_default(reader, column))
    plan.edits.setdefault(name.lower(), []).append(edit)


def _without_default(column: Column) -> Column:
    return replace(column, has_default=False, default_expression=None)


def _visibility(invisible: bool) -> Callable[[Column], Column]:
    return lambda column: replace(column, invisible=invisible)


def _default_setter(default: Default) -> Callable[[Column], Column]:
    # The server ignores a default on a column that increments.
    return lambda column: column if column.auto_incremented else with_default(column, default)


def _rename(statement: Statement, plan: _Plan) -> None:
    reader = statement.reader
    if reader.accept("COLUMN"):
        if_there = reader.accept("IF", "EXISTS")
        old = reader.column_name()
        reader.expect("TO")
        new = reader.column_name()
        if not if_there or plan.table.column(old) is not None:
            plan.renamed[old.lower()] = new
    elif reader.word in ("INDEX", "KEY") and reader.ahead() not in (",", ".", END, ";"):
        reader.advance()
        reader.accept("IF", "EXISTS")
        old = reader.name()
        reader.expect("TO")
        new = reader.name()
        plan.renamed_keys.append(lambda draft: draft.rename_index(old, new))
    else:
        if not reader.accept_any("TO", "AS"):
            reader.accept("=")
        plan.new_id = statement.table_id()


def _convert(statement: Statement, plan: _Plan) -> None:
    reader = statement.reader
    if reader.accept("PARTITION"):  # MariaDB: a partition becomes a table
        reader.name()
        reader.expect("TO", "TABLE")
        table_id = statement.table_id()
        table = plan.table.renamed(table_id)
        plan.others.append(statement.change(ChangeKind.CREATE, table_id, table=table))
        return
    if reader.accept("TABLE"):  # MariaDB: a table becomes a partition
        plan.others.append(statement.change(ChangeKind.DROP, statement.table_id()))
        reader.skip_to(END)
        return
    reader.expect("TO")
    chosen = reader.charset_options(plan.inherited)
    if chosen is None:
        raise reader.error("CHARACTER SET")
    if reader.accept("COLLATE"):
        reader.accept("=")
        chosen = Charset(chosen.name, reader.text_or_name().lower())
    plan.converted = plan.charset = chosen


def _order(statement: Statement, plan: _Plan) -> None:
    statement.reader.skip_to(",")


_ACTIONS: dict[str, Callable[[Statement, _Plan], None]] = {
    "ADD": _add,
    "DROP": _drop,
    "MODIFY": _modify,
    "CHANGE": _change,
    "ALTER": _alter,
    "RENAME": _rename,
    "CONVERT": _convert,
    "ORDER": _order,
}

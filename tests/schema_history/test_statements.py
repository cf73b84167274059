"""Statements in, changes and tables out, as plain text; and what reads differently by mode."""

from __future__ import annotations

from pathlib import Path

import pytest

from connect.errors import DdlError
from schema_history import Change, Charset, Schemas, SqlMode, Table, TableId

CASES = (Path(__file__).parent / "fixtures" / "statements.txt").read_text(encoding="utf-8")


def described(table: Table) -> list[str]:
    lines: list[str] = []
    for c in table.columns:
        size = [str(n) for n in (c.length, c.scale) if n is not None]
        words = [c.name, c.type_name + (f"({','.join(size)})" if size else "")]
        words.append(f"jdbc={c.jdbc_type}")
        words += [c.charset] if c.charset else []
        words += [] if c.optional else ["not-null"]
        words += ["auto-increment"] if c.auto_incremented else []
        words += ["on-update"] if c.updated_to_now else []
        words += [f"generated={c.generated}"] if c.generated else []
        words += [f"default={c.default_expression or 'NULL'}"] if c.has_default else []
        words += [f"comment={c.comment}"] if c.comment else []
        words += [f"labels={'|'.join(c.enum_values)}"] if c.enum_values else []
        lines.append(" ".join(words))
    if table.key_columns:
        unique = [i.name for i in table.indexes if i.columns == table.key_columns and i.unique]
        stand_in = "" if table.primary_key else f" (unique {unique[0]})"
        lines.append(f"key {','.join(table.key_columns)}{stand_in}")
    if table.comment:
        lines.append(f"comment {table.comment}")
    return [f"  {line}" for line in lines]


def shown(change: Change, statement: str) -> list[str]:
    words: list[str] = [str(change.kind)]
    if change.table_id is not None and (change.table is None or change.kind != "OTHER"):
        words.append(change.table_id.quoted())
    elif change.kind != "SET":
        words.append(change.database)
    words += ["from", change.previous_id.quoted()] if change.previous_id else []
    words += [change.charset.name] if change.charset else []
    words.append("=" if change.ddl == statement else change.ddl)
    table = change.table if change.kind in ("CREATE", "ALTER") else None
    return [" ".join(words), *(described(table) if table is not None else [])]


@pytest.mark.parametrize(
    "case", [block for block in CASES.split("\n\n") if not block.startswith("# ")]
)
def test_case(case: str) -> None:
    statements, expected = case.strip().split("\n--\n")
    schemas = Schemas()
    lines: list[str] = []
    for statement in statements.split("; "):
        try:
            for change in schemas.apply(statement, "ds"):
                lines += shown(change, statement)
        except DdlError as error:
            lines.append(f"ERROR {error.message}")
    assert "\n".join(lines) == expected


def test_an_error_names_place_excerpt_and_cure_and_changes_nothing() -> None:
    schemas = Schemas()
    schemas.apply("CREATE TABLE t (a INT)", "d")
    statement = "ALTER TABLE t\n  ADD b INT,\n  ADD c WRONG(5) NOT NULL"
    with pytest.raises(DdlError) as caught:
        schemas.apply(statement, "d")
    assert statement[caught.value.offset :].startswith("WRONG(5)")
    assert "line 3" in caught.value.message
    assert "WRONG(5) NOT NULL" in caught.value.message
    assert "schema.history.internal.skip.unparseable.ddl" in caught.value.cure
    assert caught.value.statement == statement
    assert [c.name for c in schemas[TableId("d", "t")].columns] == ["a"]


def test_ansi_quotes_make_names_of_double_quotes() -> None:
    schemas = Schemas()
    mode = SqlMode.of("REAL_AS_FLOAT,ANSI_QUOTES,ONLY_FULL_GROUP_BY")
    schemas.apply("""create table "d"."t" ("a""b" int default 'x')""", "", sql_mode=mode)
    assert schemas[TableId("d", "t")].columns[0].name == 'a"b'
    with pytest.raises(DdlError):
        schemas.apply('create table "d"."t" (a int)', "")


@pytest.mark.parametrize(
    ("bits", "text"),
    [
        (0x0, ""),
        (0x4, "ANSI_QUOTES"),
        (0x4_000F, "REAL_AS_FLOAT,PIPES_AS_CONCAT,ANSI_QUOTES,IGNORE_SPACE,ANSI"),
        (0x10_0000, "NO_BACKSLASH_ESCAPES"),
        (0x4030_0004, "ANSI_QUOTES,NO_BACKSLASH_ESCAPES,STRICT_TRANS_TABLES"),
    ],
)
def test_sql_mode_as_number_and_as_text(bits: int, text: str) -> None:
    """Bits as in MySQL's sql/system_variables.h."""
    assert SqlMode.of_bits(bits) == SqlMode.of(text)


def test_without_backslash_escapes_a_backslash_is_a_character() -> None:
    schemas = Schemas(sql_mode=SqlMode.of("NO_BACKSLASH_ESCAPES"))
    schemas.apply(r"create table t (a varchar(9) default 'c:\' comment '\n')", "d")
    column = schemas[TableId("d", "t")].columns[0]
    assert (column.default_expression, column.comment) == ("c:\\", r"\n")


@pytest.mark.parametrize(
    ("setting", "found"), [(0, {"T": None, "t": "t"}), (1, {"T": "t", "t": "t"})]
)
def test_lower_case_table_names(setting: int, found: dict[str, str | None]) -> None:
    schemas = Schemas(lower_case_table_names=setting)
    schemas.apply("create table t (A int)", "d")
    for name, known in found.items():
        table = schemas.get(TableId("d", name))
        assert (table and table.id.table) == known
    schemas.apply("alter table T add B int", "D" if setting else "d")
    assert len(schemas[TableId("d", "t")].columns) == 1 + setting


def test_names_keep_their_case_but_are_compared_without_it() -> None:
    schemas = Schemas(lower_case_table_names=2)
    schemas.apply("create table MyTable (a int)", "Shop")
    schemas.apply("alter table mytable add b int", "shop")
    table = schemas[TableId("SHOP", "MYTABLE")]
    assert (str(table.id), len(table.columns)) == ("Shop.MyTable", 2)
    schemas.apply("drop table MYTABLE", "shop")
    assert not schemas


def test_swapping_tables_and_their_online_schema_change() -> None:
    """What gh-ost and pt-online-schema-change do in the end."""
    schemas = Schemas()
    schemas.apply("create table t (a int)", "d")
    schemas.apply("create table _t_gho like t", "d")
    schemas.apply("alter table _t_gho add b int", "d")
    changes = schemas.apply("rename /* gh-ost */ table d.t to d._t_del, d._t_gho to d.t", "d")
    assert [(str(c.previous_id), str(c.table_id)) for c in changes] == [
        ("d.t", "d._t_del"),
        ("d._t_gho", "d.t"),
    ]
    assert [c.name for c in schemas[TableId("d", "t")].columns] == ["a", "b"]
    assert [c.name for c in schemas[TableId("d", "_t_del")].columns] == ["a"]
    assert len(schemas) == 2


def test_dropping_a_database_drops_its_tables_only() -> None:
    schemas = Schemas(charset=Charset("latin1"))
    for database in ("a", "b"):
        schemas.apply(f"create table {database}.t (x int)", "")
    schemas.apply("drop database a", "")
    assert [str(i) for i in schemas] == ["b.t"]


def test_reading_is_pure() -> None:
    schemas = Schemas()
    schemas.read("create table t (a int)", "d")
    assert not schemas

"""History records played back into tables."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connect.errors import DdlError
from schema_history import HistoryRecord, Schemas, TableId, recover

SOURCE = {"server": "P"}


def written(statements: list[str], database: str = "d") -> list[HistoryRecord]:
    """Records as a connector writes them, through their text, positions counted from 1."""
    schemas = Schemas()
    texts: list[bytes] = []
    for statement in statements:
        for change in schemas.apply(statement, database):
            position = {"pos": len(texts) + 1}
            record = HistoryRecord(SOURCE, position, 1, database, change.ddl, change.table_changes)
            texts.append(record.to_json())
    records = [HistoryRecord.from_json(text) for text in texts]
    return [record for record in records if record is not None]


def up_to(last: int) -> Any:
    def recorded(position: Mapping[str, Any]) -> bool:
        return bool(position["pos"] <= last)

    return recorded


def by_statement(record: HistoryRecord, ddl: str | None = None) -> HistoryRecord:
    """The record as one that lists no tables."""
    return HistoryRecord(
        record.source, record.position, 1, record.database_name, ddl or record.ddl, ()
    )


def names(schemas: Schemas, table: str) -> list[str]:
    return [column.name for column in schemas[TableId("d", table)].columns]


HISTORY = [
    "SET character_set_server=latin1",
    "create table a (id int primary key, v varchar(3))",
    "alter table a add w int first",
    "create table b like a",
    "rename table a to c, b to a",
    "alter table c drop v, rename to e",
    "drop table a",
]


@pytest.mark.parametrize("last", range(len(HISTORY) + 2))
@pytest.mark.parametrize("tables_listed", [True, False])
def test_every_position_comes_back_as_it_was(last: int, tables_listed: bool) -> None:
    live = Schemas()
    count = 0
    for statement in HISTORY:
        for change in live.read(statement, "d"):
            count += 1
            if count <= last:
                live.accept(change)
        if count > last:
            break
    records = written(HISTORY)
    if not tables_listed:
        records = [by_statement(r) for r in records]
    back = Schemas()
    applied = recover(back, records, source=SOURCE, recorded=up_to(last))
    assert applied == min(last, len(records))
    assert {i: (t.columns, t.key_columns) for i, t in back.items()} == {
        i: (t.columns, t.key_columns) for i, t in live.items()
    }


def test_records_of_others_are_left_alone() -> None:
    schemas = Schemas()
    records = written(["create table a (id int)"])
    assert recover(schemas, records, source={"server": "Q"}, recorded=up_to(9)) == 0
    assert not schemas


def test_tables_listed_win_over_the_statement() -> None:
    [record] = written(["create table a (id int)"])
    told_otherwise = HistoryRecord(
        SOURCE, record.position, 1, "d", "not even SQL '", record.table_changes
    )
    schemas = Schemas()
    recover(schemas, [told_otherwise], source=SOURCE, recorded=up_to(9))
    assert names(schemas, "a") == ["id"]


def test_a_unique_index_is_told_from_a_primary_key() -> None:
    """Records do not, so a dropped index would leave its key behind."""
    statements = ["create table a (id int not null, n int not null, unique u (n))"]
    later = ["alter table a add x int", "alter table a add primary key (id)"]
    for end, key in (("drop index u on a", ()), ("alter table a drop index u", ())):
        schemas = Schemas()
        recover(schemas, written([*statements, end]), source=SOURCE, recorded=up_to(9))
        assert schemas[TableId("d", "a")].key_columns == key
    schemas = Schemas()
    recover(schemas, written([*statements, *later]), source=SOURCE, recorded=up_to(2))
    assert schemas[TableId("d", "a")].primary_key == ()
    assert schemas[TableId("d", "a")].key_columns == ("n",)
    recover(schemas, written([*statements, *later]), source=SOURCE, recorded=up_to(9))
    assert schemas[TableId("d", "a")].primary_key == ("id",)


def test_statements_of_the_built_in_filter_are_not_read() -> None:
    [record] = written(["create table a (id int)"])
    schemas = Schemas()
    filtered = by_statement(record, "CREATE DEFINER=`a`@`%` TRIGGER t TABLE '")
    assert recover(schemas, [filtered], source=SOURCE, recorded=up_to(9)) == 1


def test_an_unreadable_statement_stops_or_is_warned_about(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = written(["create table a (id int)", "alter table a add b int"])
    broken = by_statement(second, "alter table a add b somewhat")
    with pytest.raises(DdlError, match="column type"):
        recover(Schemas(), [first, broken], source=SOURCE, recorded=up_to(9))
    schemas = Schemas()
    recover(
        schemas, [first, broken, second], source=SOURCE, recorded=up_to(9), skip_unparseable=True
    )
    assert names(schemas, "a") == ["id", "b"]
    [message] = [r.getMessage() for r in caplog.records]
    assert "alter table a add b somewhat" in message
    assert "'pos': 2" in message

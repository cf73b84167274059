"""History records: Debezium's text, both ways."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from connect.errors import DataError
from schema_history import (
    ChangeKind,
    HistoryRecord,
    Schemas,
    Table,
    TableChange,
    TableId,
    change_struct,
)
from tests.schema_history.statements import Statements

SOURCE = {"server": "P"}
POSITION = {
    "ts_sec": 1795161333,
    "file": "mysql-bin.000002",
    "pos": 3842,
    "gtids": "b2a7:1-250",
    "snapshot": "INITIAL",
}
# As Debezium 3.6.3 wrote it, with a statement of our own.
DEBEZIUM = (
    '{"source":{"server":"P"},'
    '"position":{"ts_sec":1795161333,"file":"mysql-bin.000002","pos":3842,'
    '"gtids":"b2a7:1-250","snapshot":"INITIAL"},'
    '"ts_ms":1795161334198,"databaseName":"edge",'
    '"ddl":"CREATE TABLE fk_c (id int NOT NULL PRIMARY KEY, p int)",'
    '"tableChanges":[{"type":"CREATE","id":"\\"edge\\".\\"fk_c\\"",'
    '"table":{"defaultCharsetName":"utf8mb4","primaryKeyColumnNames":["id"],'
    '"columns":[{"name":"id","jdbcType":4,"typeName":"INT","typeExpression":"INT",'
    '"charsetName":null,"position":1,"optional":false,"autoIncremented":false,'
    '"generated":false,"comment":null,"hasDefaultValue":false,"enumValues":[]},'
    '{"name":"p","jdbcType":4,"typeName":"INT","typeExpression":"INT","charsetName":null,'
    '"position":2,"optional":true,"autoIncremented":false,"generated":false,"comment":null,'
    '"hasDefaultValue":true,"enumValues":[]}],"attributes":[]},"comment":null}]}'
)


def record(schemas: Schemas, statement: str, database: str = "d") -> HistoryRecord:
    [change] = schemas.apply(statement, database)
    return HistoryRecord(SOURCE, POSITION, 7, database, change.ddl, change.table_changes)


def test_writes_what_debezium_writes() -> None:
    statement = "CREATE TABLE fk_c (id int NOT NULL PRIMARY KEY, p int)"
    written = replace(record(Schemas(), statement, "edge"), ts_ms=1795161334198).to_json()
    assert written.decode() == DEBEZIUM


def test_reads_what_debezium_writes() -> None:
    read = HistoryRecord.from_json(DEBEZIUM)
    assert read is not None
    assert read.to_json().decode() == DEBEZIUM


def test_rename_and_drop() -> None:
    schemas = Schemas()
    record(schemas, "create table a (x enum('it''s','b\\\\c'))")
    renamed = json.loads(record(schemas, "rename table a to b").to_json())["tableChanges"]
    [change] = renamed
    assert list(change) == ["type", "id", "previousId", "table", "comment"]
    assert (change["type"], change["id"], change["previousId"]) == ("ALTER", '"d"."b"', '"d"."a"')
    assert change["table"]["columns"][0]["enumValues"] == ["'it''s'", "'b\\\\c'"]
    dropped = json.loads(record(schemas, "drop table b").to_json())["tableChanges"]
    assert dropped == [{"type": "DROP", "id": '"d"."b"'}]


def test_statements_without_tables_and_names_with_quotes() -> None:
    schemas = Schemas()
    written = json.loads(record(schemas, "create database x").to_json())
    assert list(written) == ["source", "position", "ts_ms", "databaseName", "ddl", "tableChanges"]
    assert written["tableChanges"] == []
    odd = TableId('we"ird', 'a"."b')
    assert TableId.from_quoted(odd.quoted()) == odd


def test_comments_are_written_on_demand_and_read_from_either_place() -> None:
    written = record(Schemas(), "create table t (a int comment 'A') comment 'T'")
    [plain] = json.loads(written.to_json())["tableChanges"]
    assert (plain["comment"], plain["table"]["columns"][0]["comment"]) == (None, None)
    text = written.to_json(comments=True)
    [change] = json.loads(text)["tableChanges"]
    assert (change["comment"], change["table"]["columns"][0]["comment"]) == ("T", "A")
    assert "comment" not in change["table"]
    read = HistoryRecord.from_json(text)
    assert read is not None
    assert read.table_changes == tuple(replace(c) for c in written.table_changes)


@pytest.mark.parametrize("seed", range(3))
def test_every_table_survives_the_record(seed: int) -> None:
    """What Debezium's format has comes back; the rest is named here."""
    schemas = Schemas()
    made = Statements(seed, schemas, "d")
    for _ in range(40):
        [change] = schemas.apply(made.create(), "d")
        assert change.table is not None
        written = HistoryRecord(SOURCE, POSITION, 1, "d", change.ddl, change.table_changes)
        read = HistoryRecord.from_json(written.to_json(comments=True))
        assert read is not None
        [back] = read.table_changes
        assert back.table == kept(change.table)
        assert read.to_json(comments=True) == written.to_json(comments=True)


def kept(table: Table) -> Table:
    return replace(
        table,
        columns=tuple(
            replace(c, collation=None, invisible=False, generated=None) for c in table.columns
        ),
        primary_key=table.key_columns,
        indexes=(),
        default_collation=None,
    )


def test_the_topic_form_in_field_order() -> None:
    schemas = Schemas()
    statement = "create table t (id serial, s set('a','b') comment 'c', d decimal(5,2) default 1.5)"
    [change] = record(schemas, statement).table_changes
    kind, table_id, table = change_struct(change)
    assert (kind, table_id) == ("CREATE", '"d"."t"')
    charset, key, columns, comment = table
    assert (charset, key, comment) == ("utf8mb4", ["id"], None)
    first = ("id", -5, None, "BIGINT UNSIGNED", "BIGINT UNSIGNED", None, None, None, 1)
    assert columns[0] == (*first, False, True, True, None, None, None)
    second = ("s", 1, None, "SET", "SET", "utf8mb4", 3, None, 2)
    assert columns[1] == (*second, True, False, False, None, None, ["'a'", "'b'"])
    third = ("d", 3, None, "DECIMAL", "DECIMAL", None, 5, 2, 3)
    assert columns[2] == (*third, True, False, False, None, "1.5", None)
    assert change_struct(change, comments=True)[2][2][1][12] == "c"
    assert change_struct(TableChange(ChangeKind.DROP, TableId("d", "t"))) == (
        "DROP",
        '"d"."t"',
        None,
    )


def test_records_that_debezium_skips_are_none() -> None:
    assert HistoryRecord.from_json('{"position":{"file":"a"},"ddl":"x"}') is None
    assert HistoryRecord.from_json('{"source":{"server":"a"},"ddl":"x"}') is None


@pytest.mark.parametrize(
    "text",
    [
        "not json",
        "[]",
        '{"source":{"a":1},"position":{"b":1},"tableChanges":[{"type":"CREATE"}]}',
        '{"source":{"a":1},"position":{"b":1},"tableChanges":[{"type":"NEW","id":"x"}]}',
        '{"source":{"a":1},"position":{"b":1},"tableChanges":[{"type":"DROP","id":"x"}]}',
    ],
)
def test_what_is_no_record_is_named(text: str) -> None:
    with pytest.raises(DataError, match="schema history record") as caught:
        HistoryRecord.from_json(text)
    assert text in caught.value.message


def test_older_records() -> None:
    """Debezium 2.x: schemaName, no attributes, no enumValues, double quotes around labels."""
    older: dict[str, Any] = json.loads(DEBEZIUM)
    older["schemaName"] = None
    [change] = older["tableChanges"]
    del change["table"]["attributes"], change["table"]["columns"][0]["enumValues"]
    change["table"]["columns"][1]["enumValues"] = ['"a ""b"""', "'c\\'d'"]
    del older["ts_ms"]
    read = HistoryRecord.from_json(json.dumps(older))
    assert read is not None
    [back] = read.table_changes
    assert back.table is not None
    assert back.table.columns[0].enum_values == ()
    assert back.table.columns[1].enum_values == ('a "b"', "c'd")

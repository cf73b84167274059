"""What every target database must do, run against real ones."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest

from connect.errors import BadRecordsError, ConfigError, DataError, RetriableError, TargetError
from connect.schema import (
    INT32,
    INT64,
    OPTIONAL_INT32,
    OPTIONAL_STRING,
    STRING,
    Schema,
    Type,
    struct,
)
from sink.connector import JdbcSinkTask
from tests.sink.conftest import Database, Start
from tests.sink.records import batch, change, enveloped

ROW = struct("row", [("id", INT64), ("name", OPTIONAL_STRING), ("age", OPTIONAL_INT32)])
MIRROR = {
    "insert__mode": "upsert",
    "pk__mode": "record_key",
    "delete__enabled": True,
    "auto__create": True,
    "auto__evolve": True,
}


def rows(database: Database, columns: str = "id, name, age", table: str = "t") -> list[Any]:
    return sorted(
        database.run(f"SELECT {columns} FROM {database.quoted(table)}"),
        key=lambda row: tuple((value is not None, value) for value in row),
    )


def test_inserts_without_a_key_keep_every_record(database: Database, start: Start) -> None:
    task = start(auto__create=True)
    task.put([batch(ROW, [(None, (1, "a", 5)), (None, (1, "a", 5))], key_schema=None)])
    assert rows(database) == [(1, "a", 5), (1, "a", 5)]


@pytest.mark.parametrize("database", ["mysql", "postgres"], indirect=True)
def test_aivens_names(database: Database, start: Start) -> None:
    task = start(
        auto__create=True, insert__mode="multi", sql__quote__identifiers=False,
        table__name__normalize=True,
    )  # fmt: skip
    row = struct("row", [("Id", INT64)])
    task.put([batch(row, [(None, (1,)), (None, (2,))], key_schema=None, topic="a-b.c")])
    assert rows(database, "id", "a_b_c") == [(1,), (2,)]


def test_a_put_collapses_to_the_last_of_each_key(database: Database, start: Start) -> None:
    task = start(**MIRROR)
    task.put(
        [
            batch(ROW, [((1,), (1, "a", 1)), ((2,), (2, "b", 2)), ((1,), (1, "a2", None))]),
            batch(None, [((2,), None), ((3,), None)], offset=3),
            batch(ROW, [((3,), (3, "c", 3)), ((1,), (1, "a3", 9))], offset=5),
        ]
    )
    assert rows(database) == [(1, "a3", 9), (3, "c", 3)]


def test_replays_change_nothing(database: Database, start: Start) -> None:
    task = start(**MIRROR)
    first = [batch(ROW, [((n,), (n, f"n{n}", n)) for n in range(20)])]
    second = [
        batch(ROW, [((n,), (n, "again", -n)) for n in range(0, 20, 2)]),
        batch(None, [((n,), None) for n in range(0, 20, 5)], offset=10),
    ]
    task.put(first)
    task.put(second)
    before = rows(database)
    task.put(second)
    assert rows(database) == before
    task.put(first)
    task.put(second)
    assert rows(database) == before


def test_deleted_and_written_again_starts_anew(database: Database, start: Start) -> None:
    """A column that the records do not have takes its default again."""
    task = start(**MIRROR)
    task.put([batch(ROW, [((1,), (1, "a", 1))])])
    table = database.quoted("t")
    database.run(f"ALTER TABLE {table} ADD note INT DEFAULT 7")
    database.run(f"UPDATE {table} SET note = 8")
    task.put([batch(ROW, [((1,), (1, "b", 1))])])
    assert rows(database, "id, name, note") == [(1, "b", 8)]
    task.put([batch(ROW, [((1,), None), ((1,), (1, "c", 1))])])
    assert rows(database, "id, name, note") == [(1, "c", 7)]


def test_update_mode_changes_only_what_is_there(database: Database, start: Start) -> None:
    start(**MIRROR).put([batch(ROW, [((1,), (1, "a", 1)), ((2,), (2, "b", 2))])])
    task = start(insert__mode="update", pk__mode="record_key", delete__enabled=True)
    task.put(
        [
            batch(
                ROW,
                [((1,), (1, "x", 1)), ((3,), (3, "y", 3)), ((2,), None), ((2,), (2, "z", 2))],
            )
        ]
    )
    assert rows(database) == [(1, "x", 1)]


def test_kafka_coordinates_as_key(database: Database, start: Start) -> None:
    task = start(insert__mode="upsert", pk__mode="kafka", auto__create=True)
    records = [batch(ROW, [(None, (1, "a", 1)), (None, (1, "b", 2))], key_schema=None, offset=7)]
    task.put(records)
    task.put(records)
    assert rows(database, "__connect_topic, __connect_partition, __connect_offset, name") == [
        ("t", 0, 7, "a"),
        ("t", 0, 8, "b"),
    ]


def test_key_from_the_value_and_from_a_primitive(database: Database, start: Start) -> None:
    settings = {"insert__mode": "upsert", "auto__create": True, "pk__fields": "id"}
    task = start(pk__mode="record_value", **settings)
    task.put([batch(ROW, [(None, (1, "a", 1)), (None, (1, "b", 2))], key_schema=None)])
    assert rows(database) == [(1, "b", 2)]
    other = start(pk__mode="record_key", topics="u", **settings)
    value = struct("v", [("name", STRING)])
    other.put([batch(value, [(5, ("x",)), (5, ("y",))], key_schema=INT32, topic="u")])
    assert rows(database, "id, name", "u") == [(5, "y")]


def test_envelopes_need_no_transform(database: Database, start: Start) -> None:
    schema = enveloped(ROW)
    task = start(**MIRROR)
    task.put(
        [
            batch(
                schema,
                [
                    ((1,), change("r", None, (1, "a", 1))),
                    ((2,), change("c", None, (2, "b", 2))),
                    ((3,), change("c", None, (3, "c", 3))),
                    ((1,), change("u", (1, "a", 1), (1, "a2", None))),
                    ((2,), change("d", (2, "b", 2), None)),
                    ((2,), None),
                    # the key changes from 3 to 4
                    ((3,), change("d", (3, "c", 3), None)),
                    ((3,), None),
                    ((4,), change("c", None, (4, "c", 3))),
                ],
            )
        ]
    )
    assert rows(database) == [(1, "a2", None), (4, "c", 3)]
    task.put(
        [
            batch(schema, [((5,), change("c", None, (5, "e", 5)))], offset=9),
            batch(schema, [(None, change("t", None, None))], offset=10, key_schema=None),
            batch(schema, [((6,), change("c", None, (6, "f", 6)))], offset=11),
        ]
    )
    assert rows(database) == [(6, "f", 6)]


def test_a_truncate_among_partitions_is_refused(database: Database, start: Start) -> None:
    task = start(partitions=3, **MIRROR)
    task.put([batch(enveloped(ROW), [((1,), change("c", None, (1, "a", 1)))])])
    with pytest.raises(DataError, match=r"t-0@1 truncates table t, but topic t has 3 partitions"):
        task.put([batch(enveloped(ROW), [(None, change("t", None, None))], offset=1)])
    assert rows(database) == [(1, "a", 1)]


def test_new_columns_are_added(database: Database, start: Start) -> None:
    task = start(**MIRROR)
    narrow = struct("row", [("id", INT64)])
    with_default = Schema(Type.INT32, default=5)
    wide = struct(
        "row",
        [("id", INT64), ("name", OPTIONAL_STRING), ("age", with_default), ("big", OPTIONAL_INT32)],
    )
    task.put(
        [
            batch(narrow, [((1,), (1,)), ((2,), (2,))]),
            batch(wide, [((2,), (2, "it's \\ here", 6, None)), ((3,), (3, None, 7, 1))], offset=2),
        ]
    )
    assert rows(database, "id, name, age, big") == [
        (1, None, 5, None),
        (2, "it's \\ here", 6, None),
        (3, None, 7, 1),
    ]
    # An older record that lacks the columns leaves them alone.
    task.put([batch(narrow, [((3,), (3,))])])
    assert rows(database, "id, name, age, big")[2] == (3, None, 7, 1)


def test_a_required_column_is_added_as_mysql_would(database: Database, start: Start) -> None:
    """ALTER TABLE ... ADD x INT NOT NULL gives the rows there 0, and no event says so."""
    task = start(**MIRROR)
    wide = struct("row", [*((f.name, f.schema) for f in ROW.fields), ("x", INT32), ("s", STRING)])
    task.put([batch(enveloped(ROW), [((1,), change("c", None, (1, "a", 1)))])])
    task.put([batch(enveloped(wide), [((2,), change("c", None, (2, "b", 2, 9, "z")))], offset=1)])
    assert rows(database, "id, x, s") == [(1, 0, ""), (2, 9, "z")]


def test_a_required_column_of_a_flat_record_is_added_as_nullable(
    database: Database, start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    """Nobody knows what the rows already there should have in it."""
    task = start(**MIRROR)
    task.put([batch(ROW, [((1,), (1, "a", 1))])])
    wide = struct("row", [*((f.name, f.schema) for f in ROW.fields), ("x", INT32)])
    task.put([batch(wide, [((2,), (2, "b", 2, 9))], offset=1)])
    assert rows(database, "id, x") == [(1, None), (2, 9)]
    assert "x of t in" in caplog.text


def test_a_required_key_column_is_not_added(database: Database, start: Start) -> None:
    settings = {**MIRROR, "pk__mode": "record_value", "delete__enabled": False}
    task = start(**settings, pk__fields="id")
    task.put([batch(ROW, [((1,), (1, "a", 1))])])
    task.stop()
    task = start(**settings, pk__fields="id,x")
    wide = struct("row", [*((f.name, f.schema) for f in ROW.fields), ("x", INT32)])
    with pytest.raises(TargetError, match=r"lacks the key column x"):
        task.put([batch(wide, [((2,), (2, "b", 2, 9))], offset=1)])
    assert rows(database) == [(1, "a", 1)]


def test_missing_tables_and_columns_are_errors(database: Database, start: Start) -> None:
    off = {**MIRROR, "auto__create": False, "auto__evolve": False}
    task = start(**off)
    with pytest.raises(TargetError, match=r"Table t is missing.*auto.create=true"):
        task.put([batch(ROW, [((1,), (1, "a", 1))])])
    task.stop()
    database.run(f"CREATE TABLE {database.quoted('t')} (id BIGINT PRIMARY KEY)")
    task = start(**off)
    with pytest.raises(TargetError, match=r"lacks name, age.*auto.evolve=true"):
        task.put([batch(ROW, [((1,), (1, "a", 1))])])


def test_a_null_becomes_the_default_unless_it_is_a_change_event(
    database: Database, start: Start
) -> None:
    defaulted = Schema(Type.INT32, optional=True, default=5)
    row = struct("row", [("id", INT64), ("n", defaulted)])
    start(**MIRROR).put([batch(row, [((1,), (1, None))])])
    start(**MIRROR, replace__null__with__default=False).put([batch(row, [((2,), (2, None))])])
    start(**MIRROR).put([batch(enveloped(row), [((3,), change("c", None, (3, None)))])])
    assert rows(database, "id, n") == [(1, 5), (2, None), (3, None)]


def test_only_wanted_fields_are_written(database: Database, start: Start) -> None:
    task = start(**MIRROR, fields__whitelist="age")
    task.put([batch(ROW, [((1,), (1, "a", 1))])])
    assert rows(database, "id, age") == [(1, 1)]
    with pytest.raises(Exception, match=r"name"):
        rows(database, "name")


def test_keys_that_look_alike_stay_apart(database: Database, start: Start) -> None:
    key = struct("k", [("id", STRING)])
    row = struct("row", [("id", STRING), ("n", INT32)])
    texts = ["a", "A", "a ", "ä", "", " ", "a\\", "'", "ß", "ss", "é", "e\u0301", "x" * 700]
    task = start(**MIRROR)
    task.put([batch(row, [((t,), (t, n)) for n, t in enumerate(texts)], key_schema=key)])
    assert set(rows(database, "id, n")) == {(t, n) for n, t in enumerate(texts)}
    task.put([batch(None, [((t,), None) for t in texts[::2]], key_schema=key, offset=20)])
    assert {row[0] for row in rows(database, "id, n")} == set(texts[1::2])


def test_existing_names_match_in_any_case(database: Database, start: Start) -> None:
    mark = database.quoted
    database.run(f"CREATE TABLE {mark('t')} ({mark('ID')} BIGINT PRIMARY KEY, {mark('Name')} TEXT)")
    row = struct("row", [("id", INT64), ("name", STRING)])
    start(**MIRROR).put([batch(row, [((1,), (1, "a"))])])
    assert rows(database, f"{mark('ID')}, {mark('Name')}") == [(1, "a")]


def test_upsert_needs_a_unique_key(database: Database, start: Start) -> None:
    database.run(f"CREATE TABLE {database.quoted('t')} (id BIGINT, name TEXT, age INT)")
    with pytest.raises(TargetError, match=r"no primary or unique key on \(id\)"):
        start(**MIRROR).put([batch(ROW, [((1,), (1, "a", 1))])])
    assert rows(database) == []


def test_another_unique_key_never_changes_another_row(database: Database, start: Start) -> None:
    database.run(
        f"CREATE TABLE {database.quoted('t')} (id BIGINT PRIMARY KEY, name VARCHAR(20) UNIQUE, "
        "age INT)"
    )
    task = start(**MIRROR)
    task.put([batch(ROW, [((1,), (1, "a", 1)), ((2,), (2, "b", 2))])])
    # 1 gives up "a" for "c", 2 takes it, in this order.
    task.put(
        [batch(ROW, [((1,), (1, "c", 1)), ((2,), (2, "a", 2)), ((1,), (1, "b", 1))], offset=2)]
    )
    assert rows(database) == [(1, "b", 1), (2, "a", 2)]
    with pytest.raises(DataError, match=r"t-0@5"):
        task.put([batch(ROW, [((3,), (3, "a", 3))], offset=5)])
    assert rows(database) == [(1, "b", 1), (2, "a", 2)]


def test_a_record_that_does_not_fit_is_named(database: Database, start: Start) -> None:
    database.run(
        f"CREATE TABLE {database.quoted('t')} (id BIGINT PRIMARY KEY, name VARCHAR(20), "
        "age INT CHECK (age < 100))"
    )
    records = batch(ROW, [((n,), (n, "n", 100 if n in (7, 15) else n)) for n in range(20)])
    with pytest.raises(DataError, match=r"Record t-0@7: .*cannot hold it"):
        start(**MIRROR).put([records])
    assert rows(database) == []
    with pytest.raises(BadRecordsError) as caught:
        start(**MIRROR, errors__tolerance="all").put([records])
    assert [bad[:3] for bad in caught.value.records] == [("t", 0, 7), ("t", 0, 15)]
    assert [row[0] for row in rows(database)] == [n for n in range(20) if n not in (7, 15)]


def test_records_that_are_no_rows_are_named(database: Database, start: Start) -> None:
    task = start(**MIRROR)
    with pytest.raises(DataError, match=r"t-0@3 has a value without schema"):
        task.put([batch(None, [({"id": 1}, {"id": 1})], offset=3)])
    with pytest.raises(DataError, match=r"without the key"):
        task.put([batch(ROW, [(None, (1, "a", 1))])])
    with pytest.raises(DataError, match=r"t-0@1.*without the key"):
        task.put([batch(ROW, [((1,), (1, "a", 1)), (None, (1, "a", 1))])])
    with pytest.raises(ConfigError, match=r"pk.fields names nope"):
        start(**MIRROR, pk__fields="nope").put([batch(ROW, [((1,), (1, "a", 1))])])
    with pytest.raises(DataError, match=r"t-0@0 is a delete, but delete.enabled is false"):
        start(**{**MIRROR, "delete__enabled": False}).put([batch(ROW, [((1,), None)])])
    nested = struct("row", [("id", INT64), ("in", struct("inner", [("a", INT32)]))])
    with pytest.raises(DataError, match=r"Field in of topic t.*Flatten"):
        task.put([batch(nested, [((1,), (1, (2,)))])])
    history = struct("io.debezium.connector.mysql.SchemaChangeValue", [("ddl", STRING)])
    with pytest.raises(DataError, match=r"schema changes, not rows"):
        task.put([batch(history, [((1,), ("CREATE",))])])


def test_topics_name_tables(database: Database, start: Start) -> None:
    task = start(**MIRROR, table__name__format="kafka_${topic}", topics__to__tables__mapping="u:v")
    task.put([batch(ROW, [((1,), (1, "a", 1))])])
    task.put([batch(ROW, [((1,), (1, "a", 1))], topic="u")])
    assert rows(database, table="kafka_t") == rows(database, table="v") == [(1, "a", 1)]
    quoted = start(**MIRROR, table__name__format='"${topic}"')
    quoted.put([batch(ROW, [((1,), (1, "a", 1))], topic="shop.inv.t")])
    assert rows(database, table="shop.inv.t") == [(1, "a", 1)]
    with pytest.raises(ConfigError, match=r"has 3 parts"):
        start(**MIRROR).put([batch(ROW, [((1,), (1, "a", 1))], topic="shop.inv.t")])


@pytest.mark.parametrize("database", ["mysql", "mariadb", "postgres", "sqlite"], indirect=True)
def test_two_tasks_evolve_one_table(database: Database, start: Start) -> None:
    """Each has its own picture of the table, and the second to alter it finds it done."""
    one, two = start(**MIRROR), start(**MIRROR)
    for number in range(5):
        fields = [("id", INT64), *((f"c{n}", OPTIONAL_INT32) for n in range(number))]
        row = struct("row", fields)
        for task, key in ((one, 1), (two, 2)):
            task.put([batch(row, [((key,), (key, *range(number)))])])
    assert rows(database, "id, c0, c3") == [(1, 0, 3), (2, 0, 3)]


@pytest.mark.parametrize("database", ["mysql", "mariadb", "postgres"], indirect=True)
def test_a_lost_connection_is_asked_for_again(database: Database, start: Start) -> None:
    kills = {
        "mysql": "SELECT concat('KILL ', id) FROM information_schema.processlist "
        "WHERE db = DATABASE() AND id <> connection_id()",
        "postgres": "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
        "WHERE datname = current_database() AND pid <> pg_backend_pid()",
    }
    kill = kills[database.kind.replace("mariadb", "mysql")]
    task = start(**MIRROR, max__retries=1, retry__backoff__ms=1500)
    task.put([batch(ROW, [((1,), (1, "a", 1))])])
    write = task._writer.write
    lost: list[str] = []

    def cut(batches: Any) -> None:
        write(batches)
        if not lost:
            lost.extend(str(row[0]) for row in database.run(kill))
            for statement in lost:
                if statement.startswith("KILL"):
                    database.run(statement)

    task._writer.write = cut  # type: ignore[method-assign]
    again = [batch(ROW, [((1,), (1, "b", 1)), ((2,), (2, "c", 2))], offset=1)]
    with pytest.raises(RetriableError) as caught:
        task.put(again)
    assert caught.value.delay == 1.5
    assert lost
    assert rows(database) == [(1, "a", 1)]
    task.put(again)
    assert rows(database) == [(1, "b", 1), (2, "c", 2)]


@pytest.mark.timeout(120)
@pytest.mark.parametrize("database", ["mysql", "mariadb", "postgres", "sqlite"], indirect=True)
def test_tasks_alter_and_write_at_the_same_time(database: Database, start: Start) -> None:
    """Threads stand for processes; a task that is told to try again does so until it is done."""
    tasks = [start(**MIRROR) for _ in range(3)]
    faults: list[Exception] = []

    def work(task: JdbcSinkTask, first: int) -> None:
        for number in range(6):
            row = struct(
                "row", [("id", INT64), *((f"c{n}", OPTIONAL_INT32) for n in range(number))]
            )
            values = [((key,), (key, *range(number))) for key in range(first, first + 50)]
            while True:
                try:
                    task.put([batch(row, values)])
                    break
                except RetriableError:
                    time.sleep(0.05)
                except Exception as fault:
                    faults.append(fault)
                    return

    threads = [
        threading.Thread(target=work, args=(task, place * 100)) for place, task in enumerate(tasks)
    ]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert faults == []
    assert len(rows(database, "id, c0, c4")) == 150
    assert {row[1:] for row in rows(database, "id, c0, c4")} == {(0, 4)}


@pytest.mark.parametrize("database", ["mysql", "postgres"], indirect=True)
def test_retries_come_to_an_end(database: Database, start: Start) -> None:
    task = start(**MIRROR, max__retries=2, retry__backoff__ms=1)
    attempts = 0

    def lost(batches: Any) -> None:
        nonlocal attempts
        attempts += 1
        task._open.close()
        task._open.commit()

    task._writer.write = lost  # type: ignore[method-assign]
    for _ in range(2):
        with pytest.raises(RetriableError):
            task.put([batch(ROW, [((1,), (1, "a", 1))])])
    with pytest.raises(TargetError, match=r"after 3 attempts"):
        task.put([batch(ROW, [((1,), (1, "a", 1))])])
    assert attempts == 3


def test_statements_are_cut_to_the_batch_size(database: Database, start: Start) -> None:
    task = start(**MIRROR, batch__size=7)
    task.put([batch(ROW, [((n,), (n, "n", n)) for n in range(50)])])
    task.put([batch(None, [((n,), None) for n in range(45)], offset=50)])
    assert [row[0] for row in rows(database)] == [45, 46, 47, 48, 49]


def test_a_delete_for_a_table_nobody_made_yet(database: Database, start: Start) -> None:
    task = start(**MIRROR)
    task.put([batch(None, [((1,), None)])])
    task.put([batch(ROW, [((1,), (1, "a", 1))], offset=1)])
    assert rows(database) == [(1, "a", 1)]

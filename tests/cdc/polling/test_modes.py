"""The four modes, the same on every database."""

from __future__ import annotations

import time

import pytest

from connect.errors import SourceError
from connect.schema import Type
from tests.cdc.polling.backends import (
    Backend,
    Poller,
    add,
    named,
    users,
)


def test_bulk_gives_the_whole_table_each_time_and_no_offset(backend: Backend) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00")
    add(backend, "b", "2024-01-01 00:00:00")
    with Poller(backend, mode="bulk", table__whitelist="users", poll__interval__ms="60000") as p:
        (batch,) = p.batches()
        assert [row["name"] for row in named(batch)] == ["a", "b"]
        assert batch.source_partition == {"table": "users"}
        assert list(batch.offsets) == [None, None]
    with Poller(backend, mode="bulk", table__whitelist="users") as p:
        names = [row["name"] for _ in range(40) for batch in p.poll() for row in named(batch)]
    assert len(names) > 2
    assert set(names) == {"a", "b"}


def test_incrementing_goes_on_after_the_last_id(backend: Backend) -> None:
    users(backend)
    for name in "abc":
        add(backend, name, "2024-01-01 00:00:00")
    with Poller(backend, mode="incrementing", table__whitelist="users") as p:
        assert [(r["id"], r["name"]) for r in p.rows()] == [(1, "a"), (2, "b"), (3, "c")]
        add(backend, "d", "2024-01-01 00:00:00")
        (batch,) = p.batches()
    assert batch.topic == "t_users"
    assert (batch.key_schema, list(batch.keys)) == (None, [None])
    assert batch.value_schema is not None
    assert (batch.value_schema.name, batch.value_schema.version) == ("users", None)
    id_field, name_field, _ = batch.value_schema.fields
    assert (id_field.schema.type, id_field.schema.optional) == (Type[backend.id_connect], False)
    assert (name_field.schema.type, name_field.schema.optional) == (Type.STRING, True)
    assert dict(batch.source_partition) == {"protocol": "1", "table": backend.qualified("users")}
    assert list(batch.offsets) == [{"incrementing": 4}]
    add(backend, "e", "2024-01-01 00:00:00")
    with p:
        assert [row["name"] for row in p.rows()] == ["e"]


def test_offsets_of_old_releases_are_taken_over(backend: Backend) -> None:
    users(backend)
    for name in "abc":
        add(backend, name, "2024-01-01 00:00:00")
    poller = Poller(backend, mode="incrementing", table__whitelist="users")
    poller.stored["old"] = ({"table": "users"}, {"incrementing": 2})
    with poller:
        assert [row["name"] for row in poller.rows()] == ["c"]


def test_timestamp_moves_only_past_whole_groups(backend: Backend) -> None:
    users(backend)
    for name, second in zip("abcde", (1, 1, 2, 2, 2), strict=True):
        add(backend, name, f"2024-01-01 00:00:0{second}.000001")
    poller = Poller(
        backend,
        mode="timestamp",
        timestamp__column__name="tms",
        table__whitelist="users",
        batch__max__rows="2",
    )
    with poller:
        batches = poller.batches()
    assert [row["name"] for batch in batches for row in named(batch)] == list("abcde")
    first, second = 1704067201000, 1704067202000
    assert [offset for batch in batches for offset in batch.offsets] == [
        {"timestamp_nanos": 0, "timestamp": 0},
        {"timestamp_nanos": 1000, "timestamp": first},
        {"timestamp_nanos": 1000, "timestamp": first},
        {"timestamp_nanos": 1000, "timestamp": first},
        {"timestamp_nanos": 1000, "timestamp": second},
    ]
    assert list(batches[0].offsets[1] or ()) == ["timestamp_nanos", "timestamp"]


def test_timestamp_incrementing_sees_updates_and_equal_times(backend: Backend) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00.5")
    add(backend, "b", "2024-01-01 00:00:00.5")
    poller = Poller(
        backend,
        mode="timestamp+incrementing",
        timestamp__column__name="tms",
        incrementing__column__name="id",
        table__whitelist="users",
    )
    with poller:
        assert [row["name"] for row in poller.rows()] == ["a", "b"]
        add(backend, "c", "2024-01-01 00:00:00.5")  # same time, later id
        (batch,) = poller.batches()
        assert [row["name"] for row in named(batch)] == ["c"]
        assert list((batch.offsets[0] or {}).items()) == [
            ("timestamp_nanos", 500_000_000),
            ("incrementing", 3),
            ("timestamp", 1704067200500),
        ]
        backend.run("UPDATE users SET name = ?, tms = ? WHERE id = 1", "A", "2024-01-02 00:00:00")
        assert [row["name"] for row in poller.rows()] == ["A"]


def test_changing_from_incrementing_keeps_the_id(backend: Backend) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00")
    poller = Poller(backend, mode="incrementing", table__whitelist="users")
    with poller:
        assert len(poller.rows()) == 1
    poller.settings |= {"mode": "timestamp+incrementing", "timestamp.column.name": "tms"}
    add(backend, "b", "2024-01-01 00:00:00")
    with poller:
        assert {row["name"] for row in poller.rows()} == {"a", "b"}


def test_rows_without_a_timestamp_are_not_given_and_coalesce_helps(backend: Backend) -> None:
    users(backend, nullable="NULL")
    backend.run(f"ALTER TABLE users ADD COLUMN made {backend.time_type}")
    add(backend, "a", "2024-01-01 00:00:00")
    add(backend, "never", None)
    settings = {"mode": "timestamp", "table__whitelist": "users"}
    with pytest.raises(SourceError, match=r"tms of table .*users may be null"):
        Poller(backend, timestamp__column__name="tms", **settings).start()
    settings["validate__non__null"] = "false"
    with Poller(backend, timestamp__column__name="tms", **settings) as poller:
        assert [row["name"] for row in poller.rows()] == ["a"]
    backend.run("INSERT INTO users (name, made) VALUES ('c', '2024-01-02 00:00:00')")
    with Poller(backend, timestamp__column__name="tms,made", **settings) as poller:
        assert [row["name"] for row in poller.rows()] == ["a", "c"]
        (partition_and_offset,) = poller.stored.values()
        assert partition_and_offset[1]["timestamp"] == 1704153600000


def test_rows_newer_than_the_delay_wait(backend: Backend) -> None:
    users(backend)
    (now,) = backend.run("SELECT CURRENT_TIMESTAMP")[0]
    add(backend, "new", str(now)[:19])
    add(backend, "old", "2024-01-01 00:00:00")
    poller = Poller(
        backend,
        mode="timestamp",
        timestamp__column__name="tms",
        table__whitelist="users",
        timestamp__delay__interval__ms="3600000",
    )
    with poller:
        assert [row["name"] for row in poller.rows()] == ["old"]
    poller.settings["timestamp.delay.interval.ms"] = "0"
    with poller:
        names: list[str] = []
        give_up = time.monotonic() + 20
        while not names and time.monotonic() < give_up:
            names = [row["name"] for row in poller.rows()]
    assert names == ["new"]


@pytest.mark.parametrize(("initial", "names"), [("1704067200000", ["b", "c"]), ("-1", [])])
def test_timestamp_initial(backend: Backend, initial: str, names: list[str]) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00")
    add(backend, "b", "2024-01-01 00:00:01")
    add(backend, "c", "2024-01-01 00:00:02")
    poller = Poller(
        backend,
        mode="timestamp",
        timestamp__column__name="tms",
        table__whitelist="users",
        timestamp__initial=initial,
    )
    with poller:
        assert [row["name"] for row in poller.rows()] == names


def test_the_epoch_itself_is_never_read(backend: Backend) -> None:
    users(backend)
    add(backend, "epoch", "1970-01-01 00:00:00")
    add(backend, "after", "1970-01-01 00:00:00.000001")
    settings = {"mode": "timestamp", "timestamp__column__name": "tms"}
    with Poller(backend, table__whitelist="users", **settings) as poller:
        assert [row["name"] for row in poller.rows()] == ["after"]


def test_wrong_offset_columns_are_said_at_the_start(backend: Backend) -> None:
    users(backend)
    where = {"table__whitelist": "users"}
    with pytest.raises(SourceError, match="does not have the column nope"):
        Poller(backend, mode="incrementing", incrementing__column__name="nope", **where).start()
    with pytest.raises(SourceError, match=r"name of table .*users is a CHAR, not an integer"):
        Poller(backend, mode="incrementing", incrementing__column__name="name", **where).start()
    with pytest.raises(SourceError, match=r"name of table .*users is a CHAR, not a timestamp"):
        Poller(backend, mode="timestamp", timestamp__column__name="name", **where).start()
    with Poller(backend, mode="incrementing", incrementing__column__name="ID", **where) as poller:
        add(backend, "a", "2024-01-01 00:00:00")
        if backend.name != "postgres":  # where a quoted name is not found in another case
            assert len(poller.rows()) == 1

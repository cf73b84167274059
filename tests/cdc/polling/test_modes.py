"""The four modes, the query and the table lists, the same on every database."""

from __future__ import annotations

import time

import pytest

from cdc.polling.connector import JdbcSourceConnector
from connect.errors import ConfigError, SourceError
from connect.schema import Type
from tests.cdc.polling.backends import Backend, MySqlBackend, Poller, named


def users(backend: Backend, table: str = "users", nullable: str = "NOT NULL") -> None:
    backend.run(
        f"CREATE TABLE {table} (id {backend.auto_id}, name VARCHAR(20),"
        f" tms {backend.time_type} {nullable})"
    )


def add(backend: Backend, name: str, tms: str | None, table: str = "users") -> None:
    backend.run(f"INSERT INTO {table} (name, tms) VALUES (?, ?)", name, tms)


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


def test_a_query_with_marks_in_it(backend: Backend) -> None:
    users(backend)
    for name in ("50%", "b", "50% off?", "d"):
        add(backend, name, "2024-01-01 00:00:00")
    poller = Poller(
        backend,
        mode="incrementing",
        incrementing__column__name="number",
        query="SELECT * FROM (SELECT id AS number, name FROM users WHERE name LIKE '%50%%') AS q",
        topic__prefix="whole-topic",
        query__suffix="LIMIT 10",
    )
    with poller:
        (batch,) = poller.batches()
    assert named(batch) == [{"number": 1, "name": "50%"}, {"number": 3, "name": "50% off?"}]
    assert batch.topic == "whole-topic"
    assert batch.value_schema is not None
    assert batch.value_schema.name is None
    assert dict(batch.source_partition) == {"query": "query"}
    assert list(batch.offsets) == [{"incrementing": 1}, {"incrementing": 3}]


def test_a_suffix_cuts_each_query(backend: Backend) -> None:
    users(backend)
    for name in "abcde":
        add(backend, name, "2024-01-01 00:00:00")
    poller = Poller(backend, mode="incrementing", table__whitelist="users", query__suffix="LIMIT 2")
    with poller:
        assert [len(batch) for batch in poller.batches()] == [2, 2, 1]


def test_a_bulk_query(backend: Backend) -> None:
    users(backend)
    add(backend, "a%", "2024-01-01 00:00:00")
    query = "SELECT name FROM users WHERE name LIKE 'a%' ORDER BY id;"
    poller = Poller(backend, mode="bulk", query=query, poll__interval__ms="60000")
    with poller:
        assert poller.rows() == [{"name": "a%"}]


def test_lists_of_tables_and_their_tasks(backend: Backend) -> None:
    for table in ("users", "user_log", "orders", "odd.name"):
        quote = "`" if backend.name in ("mysql", "mariadb", "sqlite") else '"'
        users(backend, f"{quote}{table}{quote}")
        add(backend, table, "2024-01-01 00:00:00", f"{quote}{table}{quote}")
    backend.run("CREATE VIEW watched AS SELECT * FROM users")

    def read(**settings: str) -> list[str]:
        names = (
            {"incrementing__column__name": "id"} if "table__include__list" not in settings else {}
        )
        with Poller(backend, mode="incrementing", **names, **settings) as poller:
            topics = sorted(batch.topic for batch in poller.batches())
            assert len(poller.tasks) == min(int(settings.get("tasks__max", "1")), len(topics))
        return topics

    owner = backend.qualifier
    prefix = f"{owner}." if owner else ""
    assert read(table__whitelist="users,orders") == ["t_orders", "t_users"]
    assert read(table__whitelist=f"{prefix}users") == ["t_users"]
    assert read(
        table__blacklist=f"users,{prefix}odd.name",
        **{"catalog__pattern" if "my" in backend.name or "maria" in backend.name else
           "schema__pattern": owner} if owner else {},
    ) == ["t_orders", "t_user_log"]  # fmt: skip
    assert read(table__include__list=".*user.*", table__exclude__list=".*_log") == ["t_users"]
    assert read(table__include__list=f"{prefix}[uo].*", tasks__max="3") == [
        "t_odd.name",
        "t_orders",
        "t_user_log",
        "t_users",
    ]
    whitelist = {"table__whitelist": "users,watched", "validate__non__null": "false"}
    assert read(**whitelist, table__types="TABLE,VIEW") == ["t_users", "t_watched"]
    with pytest.raises(ConfigError, match="no table to read"):
        Poller(backend, mode="bulk", table__whitelist="nobody").start()


def test_alter_table_between_polls(backend: Backend) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00")
    with Poller(backend, mode="incrementing", table__whitelist="users") as poller:
        for _ in range(8):  # more often than a driver prepares a statement on its own
            poller.poll()
        backend.run("ALTER TABLE users ADD COLUMN age SMALLINT")
        backend.run("INSERT INTO users (name, tms, age) VALUES ('b', '2024-01-01 00:00:00', 7)")
        (batch,) = poller.batches()
        assert named(batch)[0]["age"] == 7
        assert batch.value_schema is not None
        assert [field.name for field in batch.value_schema.fields] == ["id", "name", "tms", "age"]
        backend.run("ALTER TABLE users DROP COLUMN name")
        add_without_name = "INSERT INTO users (tms, age) VALUES ('2024-01-01 00:00:00', 8)"
        backend.run(add_without_name)
        (row,) = poller.rows()
        assert list(row) == ["id", "tms", "age"]


def test_the_schema_is_one_object_while_nothing_changes(backend: Backend) -> None:
    users(backend)
    with Poller(backend, mode="incrementing", table__whitelist="users") as poller:
        schemas = []
        for name in "ab":
            add(backend, name, "2024-01-01 00:00:00")
            schemas += [batch.value_schema for batch in poller.batches()]
    assert schemas[0] is schemas[1]


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


def test_a_new_table_changes_the_tasks(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    users(backend)
    settings = Poller(
        backend, mode="bulk", table__whitelist="users,orders", table__poll__interval__ms="3000"
    ).settings
    connector = JdbcSourceConnector()
    assert connector.replan_seconds(settings) == 3
    first = connector.task_configs(settings, 5)
    assert "orders in the connector's table filters is no table of" in caplog.text
    assert connector.task_configs(settings, 5) == first
    users(backend, "orders")
    assert [config["tables"].count("orders") for config in first] == [0]
    assert len(connector.task_configs(settings, 5)) == 2


def test_connector_checks(backend: Backend) -> None:
    users(backend)
    good = Poller(backend, mode="bulk", table__whitelist="users").settings
    assert JdbcSourceConnector().check(good) == {}
    asking = Poller(backend, mode="bulk", query="SELECT nothing FROM users").settings
    ((key, errors),) = JdbcSourceConnector().check(asking).items()
    assert key == "query"
    assert "nothing" in errors[0]


def test_columns_of_one_name_are_refused(backend: Backend) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00")
    query = "SELECT u.id, v.id FROM users u JOIN users v ON u.id = v.id"
    poller = Poller(backend, mode="bulk", query=query)
    with poller, pytest.raises(SourceError, match="more than one column named id"):
        poller.batches()


def test_names_without_quotes(backend: Backend) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00")
    with Poller(
        backend,
        mode="timestamp+incrementing",
        timestamp__column__name="TMS",
        incrementing__column__name="ID",
        table__whitelist="users",
        quote__sql__identifiers="never",
    ) as poller:
        assert [row["name"] for row in poller.rows()] == ["a"]


@pytest.mark.parametrize("backend", ["mysql", "mariadb"], indirect=True)
def test_isolation(backend: Backend) -> None:
    users(backend)
    assert isinstance(backend, MySqlBackend)
    with backend.uncommitted("INSERT INTO users (name, tms) VALUES ('a', '2024-01-01')"):
        for level, rows in {"DEFAULT": 0, "READ_UNCOMMITTED": 1, "READ_COMMITTED": 0}.items():
            settings = {"table__whitelist": "users", "transaction__isolation__mode": level}
            with Poller(backend, mode="incrementing", **settings) as poller:
                assert len(poller.rows()) == rows


@pytest.mark.parametrize("backend", ["mysql"], indirect=True)
def test_tls(backend: Backend) -> None:
    users(backend)
    settings = {
        "mode": "bulk",
        "query": "SELECT * FROM performance_schema.session_status"
        " WHERE variable_name = 'Ssl_cipher'",
    }
    query = {**settings, "poll__interval__ms": "60000"}
    with Poller(backend, connection__sslMode="REQUIRED", **query) as poller:
        assert poller.rows()[0]["VARIABLE_VALUE"].startswith("TLS")
    with Poller(backend, connection__sslMode="DISABLED", **query) as poller:
        assert poller.rows()[0]["VARIABLE_VALUE"] == ""
    with pytest.raises(SourceError, match=r"(?i)certificate"):
        Poller(backend, connection__sslMode="VERIFY_CA", **query).start()


@pytest.mark.parametrize("backend", ["mysql", "mariadb"], indirect=True)
def test_a_clock_beside_the_configured_zone_is_told(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    users(backend)
    settings = {
        "mode": "timestamp",
        "timestamp__column__name": "tms",
        "table__whitelist": "users",
        "connection__sessionVariables": "time_zone='+08:00'",
    }
    with Poller(backend, **settings):
        assert "session's clock shows 8:00:00 more than db.timezone=UTC" in caplog.text
    caplog.clear()
    with Poller(backend, db__timezone="Asia/Shanghai", **settings):
        assert "clock" not in caplog.text


def test_lag_is_published(backend: Backend) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00")
    settings = {"timestamp__column__name": "tms", "table__whitelist": "users"}
    add(backend, "b", "2024-01-01 00:00:01")
    with Poller(backend, mode="timestamp", batch__max__rows="1", **settings) as poller:
        poller.rows()
    table = backend.qualified("users")
    lags = [value for name, value, labels in poller.gauges if labels == {"table": table}]
    assert lags[0] > 0
    assert lags[-1] == 0

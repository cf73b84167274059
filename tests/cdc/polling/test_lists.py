"""Tables by lists and patterns, as they come, go and change."""

from __future__ import annotations

import pytest

from cdc.polling.connector import JdbcSourceConnector
from connect.errors import ConfigError
from tests.cdc.polling.backends import (
    Backend,
    Poller,
    add,
    named,
    users,
)


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

"""Choosing tables and sharing them out."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.polling.config import PollingConfig
from cdc.polling.tables import Table, chosen, from_text, groups, to_text, unanswered
from connect.errors import ConfigError

TABLES = [
    Table("logs", None, "users"),
    Table("shop", None, "orders"),
    Table("shop", None, "users"),
    Table("shop", None, "view", "VIEW"),
]


def configured(**settings: str) -> PollingConfig:
    return PollingConfig(
        {
            "name": "c",
            "connector.class": "JdbcSource",
            "connection.url": "jdbc:mysql://h/shop",
            "mode": "bulk",
            **{key.replace("_", "."): value for key, value in settings.items()},
        }
    )


def choose(**settings: str) -> list[str]:
    return [table.qualified for table in chosen(TABLES, configured(**settings))]


def test_names_and_patterns() -> None:
    assert choose(table_whitelist="users,orders") == ["shop.orders", "shop.users"]
    assert choose(table_whitelist="logs.users") == ["logs.users"]
    assert choose(table_blacklist="logs.users") == ["shop.orders", "shop.users"]
    assert choose(table_blacklist="users") == ["shop.orders"]
    assert choose(table_include_list="shop\\..*") == ["shop.orders", "shop.users"]
    assert choose(table_include_list=".*", table_exclude_list="logs.*,.*orders") == ["shop.users"]
    assert choose(table_include_list=".*r.*", catalog_pattern="sh%") == [
        "shop.orders",
        "shop.users",
    ]
    assert choose(table_include_list=".*", catalog_pattern="") == []
    assert choose(table_include_list=".*", schema_pattern="", catalog_pattern="l_gs") == [
        "logs.users"
    ]
    assert choose(table_include_list=".*", table_types="view") == ["shop.view"]


def test_entries_that_no_table_answers_to() -> None:
    def missing(**settings: str) -> list[str]:
        return unanswered(TABLES, configured(**settings))

    assert missing(table_whitelist="users,view,shop.orders,nope") == ["view", "nope"]
    assert missing(table_include_list="shop.*,x.*") == ["x.*"]


def test_two_tables_of_one_name_would_share_a_topic() -> None:
    with pytest.raises(ConfigError, match=r"logs\.users, shop\.users would share one topic"):
        choose(table_include_list=".*")


@given(st.integers(0, 20), st.integers(1, 8))
def test_groups_are_even_neighbours(count: int, most: int) -> None:
    tables = [Table(None, None, f"t{number}") for number in range(count)]
    made = groups(tables, most)
    assert [table for group in made for table in group] == tables
    assert len(made) == min(count, most)
    if made:
        sizes = [len(group) for group in made]
        assert max(sizes) - min(sizes) <= 1


names = st.text(min_size=1, max_size=5)


@given(st.lists(st.tuples(st.one_of(st.none(), names), names)), st.booleans())
def test_the_tables_of_a_task_survive_as_text(
    parts: list[tuple[str | None, str]], in_schemas: bool
) -> None:
    tables = [
        Table(None, owner, name) if in_schemas else Table(owner, None, name)
        for owner, name in parts
    ]
    assert from_text(to_text(tables), in_schemas=in_schemas) == tables

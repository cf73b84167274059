"""Keys that belong together, and what a wrong file is told."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from cdc.polling.config import PollingConfig
from cdc.polling.types import NumericMapping
from connect.errors import ConfigError

GOOD = {
    "name": "my-source-connect",
    "connector.class": "io.confluent.connect.jdbc.JdbcSourceConnector",
    "connection.url": "jdbc:mysql://localhost:3306/mydb",
    "connection.user": "root",
    "connection.password": "1234",
    "mode": "incrementing",
    "incrementing.column.name": "id",
    "table.whitelist": "users",
    "topic.prefix": "my_topic_",
    "tasks.max": "1",
}
BARE = {k: v for k, v in GOOD.items() if k not in ("table.whitelist", "incrementing.column.name")}


def test_a_file_as_its_users_have_it() -> None:
    config = PollingConfig(GOOD)
    assert config.table_whitelist == ["users"]
    assert config.url.host == "localhost"
    assert config.url.password == "1234"
    assert list(PollingConfig.unknown({**GOOD, "poll.intervall.ms": "1"})) == [
        ("poll.intervall.ms", "poll.interval.ms")
    ]


@pytest.mark.parametrize(
    ("base", "changes", "message"),
    [
        (GOOD, {"mode": ""}, "mode is not set"),
        (GOOD, {"mode": "cdc"}, "Value must be one of"),
        (GOOD, {"connection.url": ""}, "must not be empty"),
        (GOOD, {"connection.url": "somewhere"}, "not a database URL"),
        (GOOD, {"connection.url": "jdbc:oracle://h/x"}, "oracle, which cannot be polled"),
        (GOOD, {"dialect.name": "PostgreSqlDatabaseDialect"}, "does not go with a mysql URL"),
        (GOOD, {"jdbc.credentials.provider.class": "Mine"}, "is not supported"),
        (GOOD, {"transaction.isolation.mode": "SQL_SERVER_SNAPSHOT"}, "not supported"),
        (GOOD, {"topic.prefix": "a b"}, "at most 249"),
        (GOOD, {"db.timezone": "Nowhere"}, "not a time zone"),
        (GOOD, {"batch.max.rows": "0"}, "at least 1"),
        (GOOD, {"table.blacklist": "x"}, "whitelist and table.blacklist are both set"),
        (GOOD, {"table.include.list": "x"}, "cannot be used together"),
        (GOOD, {"incrementing.column.mapping": "x:y"}, "cannot be used together"),
        (GOOD, {"query": "SELECT 1"}, "table.whitelist and a query are both set"),
        (GOOD, {"mode": "timestamp"}, "mode=timestamp needs timestamp.column.name"),
        (BARE, {}, "Nothing says which tables to read"),
        (BARE, {"table.include.list": "["}, "not a regular expression"),
        (BARE, {"table.exclude.list": "x"}, "table.exclude.list needs table.include.list"),
        (BARE, {"query": "DELETE FROM t"}, "must start with SELECT"),
        (BARE, {"query.masked": "DELETE FROM t"}, "must start with SELECT"),
        (BARE, {"query": "SELECT 1", "query.masked": "SELECT 2"}, "both set"),
        (BARE, {"query": "SELECT 1"}, "with a query needs incrementing.column.name"),
        (
            BARE,
            {"query": "SELECT 1", "mode": "bulk", "topic.prefix": ""},
            "In query mode topic.prefix is the topic",
        ),
        (BARE, {"table.include.list": "x", "incrementing.column.mapping": "x"}, "regex:column"),
    ],
)
def test_what_a_wrong_file_is_told(
    base: dict[str, str], changes: dict[str, str], message: str
) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        PollingConfig({**base, **changes})
    errors = [e for key in PollingConfig.validate({**base, **changes}) for e in key.errors]
    assert any(message in error for error in errors)


def test_mappings_by_table() -> None:
    config = PollingConfig(
        {
            **BARE,
            "table.include.list": "shop\\..*",
            "incrementing.column.mapping": "shop\\.user.*:uid,shop\\.o.*:oid",
            "timestamp.columns.mapping": "shop\\.user.*:[changed|made],shop\\.o.*:[at]",
        }
    )
    assert config.incrementing_column_of("shop.users") == "uid"
    assert config.timestamp_columns_of("shop.users") == ["changed", "made"]
    assert config.timestamp_columns_of("shop.orders") == ["at"]
    with pytest.raises(ConfigError, match=r"has no entry for table shop\.items"):
        config.incrementing_column_of("shop.items")


def test_numeric_mapping_and_its_old_form() -> None:
    assert PollingConfig(GOOD).rules.numeric is NumericMapping.NONE
    old = {**GOOD, "numeric.precision.mapping": "true"}
    assert PollingConfig(old).rules.numeric is NumericMapping.PRECISION_ONLY
    both = {**old, "numeric.mapping": "best_fit"}
    assert PollingConfig(both).rules.numeric is NumericMapping.BEST_FIT


def test_driver_properties_are_what_is_nobody_elses(tmp_path: Path) -> None:
    config = PollingConfig({**GOOD, "connection.sslMode": "REQUIRED", "connection.attempts": "1"})
    assert config.driver_properties == {"sslMode": "REQUIRED"}


def test_a_masked_query_is_used_and_hidden() -> None:
    masked = {**BARE, "query.masked": "SELECT secret FROM t;", "incrementing.column.name": "id"}
    config = PollingConfig(masked)
    assert config.query_text == "SELECT secret FROM t"
    assert "secret" not in repr(config.query_masked)

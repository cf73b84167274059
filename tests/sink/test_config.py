"""The sink's keys, the rules between them, and table names."""

from __future__ import annotations

import datetime as dt

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.errors import ConfigError
from sink.config import InsertMode, JdbcSinkConfig, PkMode
from sink.table import TableName, parse_name

BASE = {
    "name": "s",
    "connector.class": "JdbcSinkConnector",
    "topics": "t",
    "connection.url": "sqlite:///x.db",
}


def test_defaults_are_confluents() -> None:
    config = JdbcSinkConfig(BASE)
    assert (config.insert_mode, config.pk_mode) == (InsertMode.INSERT, PkMode.NONE)
    assert (config.batch_size, config.max_retries, config.retry_backoff) == (3000, 10, 3000)
    assert (config.table_name_format, config.db_timezone) == ("${topic}", "UTC")
    assert not config.auto_create
    assert not config.auto_evolve
    assert config.null_as_default


def test_a_zone_may_be_written_as_java_writes_it() -> None:
    config = JdbcSinkConfig({**BASE, "db.timezone": "GMT+2"})
    assert config.zone.utcoffset(None) == dt.timedelta(hours=2)


@pytest.mark.parametrize(
    ("settings", "words"),
    [
        ({"delete.enabled": "true"}, "delete.enabled"),
        ({"delete.enabled": "true", "pk.mode": "record_value"}, "Set pk.mode=record_key"),
        ({"insert.mode": "upsert"}, "needs a primary key"),
        ({"insert.mode": "merge"}, "must be one of insert, multi, upsert, update"),
        ({"pk.mode": "kafka", "pk.fields": "a,b"}, "takes three names"),
        ({"db.timezone": "Middle/Earth"}, "db.timezone"),
        ({"batch.size": "-1"}, "batch.size"),
        ({"topics.to.tables.mapping": "a"}, "not topic:table"),
        ({"jdbc.credentials.provider.class": "x.Y"}, "not supported"),
        ({"connection.url": ""}, "connection.url"),
    ],
)
def test_what_cannot_work_is_refused(settings: dict[str, str], words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        JdbcSinkConfig({**BASE, **settings})
    assert words in str(caught.value)
    results = JdbcSinkConfig.validate({**BASE, **settings})
    assert any(result.errors for result in results)


@pytest.mark.parametrize(
    ("text", "name"),
    [
        ("t", TableName("", "t")),
        ("shop.t", TableName("shop", "t")),
        ('"shop.t"', TableName("", "shop.t")),
        ('`a.b`."c""d"', TableName("a.b", 'c"d')),
        ("[a b].t", TableName("a b", "t")),
        ("a.b.c", None),
        ("a.", None),
        (".a", None),
        ('"a"b', None),
        ('"a', None),
    ],
)
def test_table_names(text: str, name: TableName | None) -> None:
    if name is None:
        with pytest.raises(ConfigError):
            parse_name(text, topic="t")
    else:
        assert parse_name(text, topic="t") == name


@given(st.text(min_size=1).filter(lambda text: "\n" not in text))
def test_any_name_can_be_quoted(text: str) -> None:
    quoted = '"' + text.replace('"', '""') + '"'
    assert parse_name(quoted, topic="t") == TableName("", text)

"""From URLs to settings."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.cli.mirror_plan import MirrorPlan, mirror_plan, source_settings, source_url
from cdc.config import MySqlConfig
from cdc.filters import Filters
from connect.errors import ConfigError
from connect.runtime import properties
from connect.runtime.worker_config import WorkerConfig
from schema_history import TableId
from sink.config import JdbcSinkConfig

SOURCE = "mysql://me:secret@db.example:3307/shop"


def plan(
    source: str = SOURCE, target: str = "duckdb:///shop.duckdb", *tables: str, state: str = ".cdc"
) -> MirrorPlan:
    return mirror_plan(source, target, tables, state=Path(state), prefix="cdc")


def test_settings_are_valid_and_known() -> None:
    found = plan()
    assert found.sink is not None
    source = MySqlConfig(found.source)
    assert (source.hostname, source.port, source.user) == ("db.example", 3307, "me")
    assert found.source["database.password"] == "secret"
    assert JdbcSinkConfig(found.sink).delete_enabled
    assert WorkerConfig(found.worker).log_settings()["log.file"] == ".cdc/log.db"
    for config, settings in (
        (WorkerConfig, found.worker), (MySqlConfig, found.source), (JdbcSinkConfig, found.sink),
    ):  # fmt: skip
        assert list(config.unknown(settings)) == []


def test_files_are_made_absolute_for_the_task() -> None:
    found = plan(target="duckdb:///shop.duckdb")
    assert found.sink is not None
    assert found.sink["connection.url"] == f"duckdb:///{Path.cwd()}/shop.duckdb"
    assert plan(target="postgresql://a:b@h/d").sink["connection.url"] == "postgresql://a:b@h/d"  # type: ignore[index]


def test_kafka_has_no_sink() -> None:
    found = plan("mysql://h", "kafka://a:9092,b:9092")
    assert found.sink is None
    assert found.worker["bootstrap.servers"] == "a:9092,b:9092"
    assert "log.file" not in found.worker
    assert "database.include.list" not in found.source


@pytest.mark.parametrize(
    ("source", "target", "message"),
    [
        ("postgresql://h/d", "duckdb:///x", "postgresql database, which cannot be streamed from"),
        ("shop", "duckdb:///x", "SOURCE_URL is not a database URL"),
        ("mysql://h/shop?snapshot.mod=no_data", "duckdb:///x", "Did you mean snapshot.mode"),
        ("mysql://h/shop?useSSL=true", "duckdb:///x", "useSSL in SOURCE_URL is no key"),
        ("mysql://h", "duckdb:///x", "names no database"),
        ("mysql://h/shop", "shop.duckdb", "TARGET_URL is not a database URL"),
        ("mysql://h/shop", "duckdb://", "names no file"),
        ("mysql://h/shop", "kafka:/b:9092", "kafka://host:port"),
        ("mysql://h/shop", "kafka://me:x@b:9092", "--print-config"),
    ],
)
def test_what_cannot_be(source: str, target: str, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)) as caught:
        plan(source, target)
    assert caught.value.cure


def test_parameters_are_keys_of_the_connector() -> None:
    found = plan(SOURCE + "?snapshot.mode=no_data&skipped.operations=t")
    assert found.source["snapshot.mode"] == "no_data"
    assert found.source["skipped.operations"] == "t"


def test_tables() -> None:
    url = source_url("mysql://h/my-shop")
    settings = source_settings(
        url, ["orders", "my-shop.a.*", "line_.|x,y"], prefix="p", server_id=1
    )
    filters = Filters(MySqlConfig(settings))
    wanted = [
        table
        for table in ("orders", "a1", "line_s", "line_", "orders2", "b", "x", "y")
        if filters.table(TableId("my-shop", table))
    ]
    assert wanted == ["orders", "a1", "line_s", "x", "y"]
    assert not filters.table(TableId("myxshop", "orders"))


def test_a_mirror_keeps_its_server_id_and_others_have_their_own() -> None:
    ids = [
        plan(*options, state=state).source["database.server.id"]
        for options, state in (
            ((SOURCE, "duckdb:///a"), "x"),
            ((SOURCE, "duckdb:///a"), "x"),
            ((SOURCE, "duckdb:///b"), "x"),
            ((SOURCE, "duckdb:///a"), "y"),
        )
    ]
    assert ids[0] == ids[1]
    assert len(set(ids)) == 3


def test_no_secret_in_the_identity() -> None:
    found = plan(target="postgresql://you:hidden@h/d")
    assert "secret" not in str(found.identity)
    assert "hidden" not in str(found.identity)


@given(st.text(st.characters(exclude_categories=["Cs"]), max_size=30))
def test_files_read_back_as_the_settings(password: str) -> None:
    found = plan()
    found.source["database.password"] = password
    sections = re.split(r"^# (\w+)\.properties$", found.files(), flags=re.MULTILINE)
    read = dict(zip(sections[1::2], map(properties.parse, sections[2::2]), strict=True))
    worker = found.worker | {"listeners": "http://127.0.0.1:8083"}
    assert read == {"worker": worker, "source": found.source, "sink": found.sink}

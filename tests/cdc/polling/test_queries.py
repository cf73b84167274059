"""Query mode, the same on every database."""

from __future__ import annotations

import traceback
from pathlib import Path

import pytest

from cdc.polling.connector import JdbcSourceConnector
from connect.errors import SourceError
from tests.cdc.polling.backends import (
    Backend,
    Poller,
    SqliteBackend,
    add,
    named,
    users,
)


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


@pytest.mark.parametrize(
    ("query", "told"),
    [
        ("SELECT id FROM users WHERE id > 0", True),
        ("SELECT id FROM (SELECT id FROM users WHERE id > 0) AS q", False),
        ("SELECT id, 'LIMIT (' AS name FROM users", False),
    ],
)
def test_a_query_that_ends_in_its_own_clause(
    query: str, told: bool, caplog: pytest.LogCaptureFixture, tmp_path: Path
) -> None:
    settings = Poller(
        SqliteBackend(tmp_path), mode="incrementing", incrementing__column__name="id", query=query
    ).settings
    assert len(JdbcSourceConnector().task_configs(settings, 3)) == 1
    assert ("wrap it" in caplog.text) == told


def test_a_masked_query_stays_hidden(backend: Backend, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    poller = Poller(backend, mode="bulk", query__masked="SELECT secret FROM concealed")
    with poller, pytest.raises(SourceError) as caught:
        poller.batches()
    shown = caplog.text + "".join(traceback.format_exception(caught.value))
    assert "secret" not in shown
    assert "concealed" not in shown


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


def test_columns_of_one_name_are_refused(backend: Backend) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00")
    query = "SELECT u.id, v.id FROM users u JOIN users v ON u.id = v.id"
    poller = Poller(backend, mode="bulk", query=query)
    with poller, pytest.raises(SourceError, match="more than one column named id"):
        poller.batches()

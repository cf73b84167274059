"""The stores of the history: one contract on a file, the embedded log and Kafka."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

import devstack
from connect.errors import ConfigError, SourceError
from connect.log import open_log
from connect.log.contract import Log, NewTopic
from schema_history.storage import HistoryStore
from schema_history.storage.file import FileHistory
from schema_history.storage.log import LogHistory

TOPIC = "schema.history.internal.kafka.topic"
SERVERS = "schema.history.internal.kafka.bootstrap.servers"


@pytest.fixture
def embedded(tmp_path: Path) -> Iterator[Log]:
    with open_log({"log.file": str(tmp_path / "log.db")}) as log:
        yield log


@pytest.fixture(params=["file", "embedded", "kafka"])
def store(
    request: pytest.FixtureRequest, tmp_path: Path, embedded: Log
) -> Iterator[tuple[HistoryStore, Log]]:
    if request.param == "file":
        path = str(tmp_path / "deep" / "history")
        made: HistoryStore = FileHistory({"schema.history.internal.file.filename": path}, embedded)
    elif request.param == "embedded":
        made = LogHistory({TOPIC: "history"}, embedded)
    else:
        kafka: devstack.Server = request.getfixturevalue("kafka")
        made = LogHistory({TOPIC: f"history-{tmp_path.name}", SERVERS: kafka.url}, embedded)
    with made:
        yield made, embedded


def test_what_is_appended_is_read_in_order(store: tuple[HistoryStore, Log]) -> None:
    history, _ = store
    assert not history.exists()
    history.create()
    assert not history.exists()
    records = [b'{"n":%d}' % number for number in range(700)]
    history.append(records[:1])
    assert history.exists()
    history.append(records[1:])
    assert [record.strip() for record in history.read()] == records
    history.create()
    assert len(list(history.read())) == 700


def test_a_line_that_was_being_written_is_left_out(tmp_path: Path, embedded: Log) -> None:
    path = tmp_path / "history"
    path.write_bytes(b'{"n":1}\n{"n":')
    with FileHistory({"schema.history.internal.file.filename": str(path)}, embedded) as history:
        assert [record.strip() for record in history.read()] == [b'{"n":1}']
        history.append([b'{"n":2}'])
        assert [record.strip() for record in history.read()] == [b'{"n":1}', b'{"n":2}']


def test_a_topic_of_several_partitions_is_refused(embedded: Log) -> None:
    embedded.create_topics([NewTopic("history", partitions=3)])
    with (
        LogHistory({TOPIC: "history"}, embedded) as history,
        pytest.raises(SourceError, match="3 partitions"),
    ):
        history.exists()


def test_a_topic_that_forgets_is_warned_of(embedded: Log, caplog: pytest.LogCaptureFixture) -> None:
    config = {"cleanup.policy": "compact", "retention.ms": "1000"}
    embedded.create_topics([NewTopic("history", partitions=1, config=config)])
    with LogHistory({TOPIC: "history"}, embedded) as history, caplog.at_level(logging.WARNING):
        history.exists()
    assert "cleanup.policy=compact" in caplog.text
    assert "retention.ms=1000" in caplog.text


def test_keys(embedded: Log, caplog: pytest.LogCaptureFixture) -> None:
    with pytest.raises(ConfigError, match=r"kafka\.topic"):
        LogHistory({}, embedded)
    with pytest.raises(ConfigError, match=r"Write schema\.history\.internal\.kafka\.topic"):
        LogHistory({"schema.history.internal.kafka.topc": "a"}, embedded)
    with caplog.at_level(logging.WARNING):
        LogHistory({TOPIC: "a", "schema.history.internal.flavour": "sweet"}, embedded).close()
    assert "schema.history.internal.flavour" in caplog.text

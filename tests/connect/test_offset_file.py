"""Stored offsets: Kafka Connect's keys and values, durable, found in any member order."""

from __future__ import annotations

from pathlib import Path

import pytest

from connect import java_map
from connect.errors import ConfigError, DataError
from connect.offsets import MemoryOffsets, OffsetFile, StoredOffset

DEBEZIUM = {"transaction_id": None, "ts_sec": 1, "file": "bin.7", "pos": 4, "server_id": 1}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "connect.offsets"


def test_writes_the_bytes_of_kafka_connect(path: Path) -> None:
    OffsetFile(path).store("shop", [({"server": "s"}, DEBEZIUM)])
    assert java_map.loads(path.read_bytes()) == {
        b'["shop",{"server":"s"}]': (
            b'{"transaction_id":null,"ts_sec":1,"file":"bin.7","pos":4,"server_id":1}'
        )
    }


def test_member_order_is_kept_and_a_stored_key_keeps_its_bytes(path: Path) -> None:
    key = b'["shop",{"protocol":"1","table":"a.b"}]'
    path.write_bytes(java_map.dumps({key: b'{"incrementing":1}'}))
    offsets = OffsetFile(path)
    offsets.store("shop", [({"table": "a.b", "protocol": "1"}, {"incrementing": 2})])
    assert java_map.loads(path.read_bytes()) == {key: b'{"incrementing":2}'}
    assert list(offsets.all("shop")[0].partition) == ["protocol", "table"]


def test_other_connectors_are_left_alone_by_alter_and_reset(path: Path) -> None:
    offsets = OffsetFile(path)
    offsets.store("a", [({"t": 1}, {"n": 1}), ({"t": 2}, {"n": 2})])
    offsets.store("b", [({"t": 1}, {"n": 9})])
    offsets.alter("a", [({"t": 1}, None), ({"t": 3}, {"n": 3})])
    assert sorted(OffsetFile(path).all("a"), key=str) == [
        StoredOffset({"t": 2}, {"n": 2}),
        StoredOffset({"t": 3}, {"n": 3}),
    ]
    offsets.reset("a")
    assert OffsetFile(path).all("a") == []
    assert OffsetFile(path).all("b") == [StoredOffset({"t": 1}, {"n": 9})]


def test_a_partition_that_is_not_flat_is_refused(path: Path) -> None:
    with pytest.raises(DataError, match="plain values"):
        OffsetFile(path).alter("a", [({"t": {"deep": 1}}, {"n": 1})])


def test_a_file_of_something_else_is_refused_and_kept(path: Path) -> None:
    path.write_bytes(b"hello")
    with pytest.raises(ConfigError, match=r"connect\.offsets cannot be understood") as caught:
        OffsetFile(path)
    assert caught.value.key == "offset.storage.file.filename"
    assert path.read_bytes() == b"hello"


def test_an_offset_that_is_not_json_leaves_the_file_as_it_was(path: Path) -> None:
    offsets = OffsetFile(path)
    offsets.store("a", [({"t": 1}, {"n": 1})])
    with pytest.raises(DataError, match="not JSON-like"):
        offsets.store("a", [({"t": 1}, {"n": object()})])
    assert offsets.all("a") == OffsetFile(path).all("a") == [StoredOffset({"t": 1}, {"n": 1})]


def test_a_reader_ignores_member_order() -> None:
    reader = MemoryOffsets([StoredOffset({"a": 1, "b": 2}, {"n": 7})])
    assert reader.offset({"b": 2, "a": 1}) == {"n": 7}
    assert reader.offset({"a": 1}) is None

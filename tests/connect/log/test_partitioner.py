"""Keys go where Kafka's own clients send them, compiled or not."""

from __future__ import annotations

from types import ModuleType

import confluent_kafka
import pytest
from hypothesis import given
from hypothesis import strategies as st

import devstack
from connect.log.contract import NewTopic
from connect.log.embedded import EmbeddedLog
from connect.log.kafka import KafkaLog
from tests.hot import form_id, forms

FORMS = forms("connect.log.partitioner_cy")


@pytest.mark.parametrize("module", FORMS, ids=form_id)
def test_hashes_are_those_of_the_java_client(module: ModuleType) -> None:
    """Expected hashes from Kafka's ``UtilsTest.testMurmur2``."""
    known = {
        b"21": -973932308,
        b"foobar": -790332482,
        b"a-little-bit-long-string": -985981536,
        b"a-little-bit-longer-string": -1486304829,
        b"lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8": -58897971,
        b"abc": 479470107,
    }
    count = 2**31 - 1
    expected = [(value & 0x7FFFFFFF) % count for value in known.values()]
    assert module.partitions_of(list(known), count, 0) == expected


@given(st.lists(st.none() | st.binary(max_size=50)), st.integers(1, 200))
def test_both_forms_agree(keys: list[bytes | None], count: int) -> None:
    first, *others = [module.partitions_of(keys, count, 3) for module in FORMS]
    assert all(other == first for other in others)


def test_both_logs_agree_with_librdkafka(
    kafka: devstack.Server, name: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    keys = [bytes(range(n % 40, n % 40 + n % 23)) + b"%d" % n for n in range(500)]
    plain = confluent_kafka.Producer(
        {"bootstrap.servers": kafka.url, "partitioner": "murmur2_random"}
    )
    homes = []
    logs = [
        KafkaLog({"bootstrap.servers": kafka.url}),
        EmbeddedLog({"log.file": str(tmp_path_factory.mktemp("log") / "log.db")}),
    ]
    for log in logs:
        log.create_topics([NewTopic(name, 7)])
        with log.producer(client_id="p") as producer:
            producer.produce(name, keys, keys)
        homes.append({m.key: m.partition for m in log.read_to_end(name)})
    logs[0].create_topics([NewTopic(f"{name}-plain", 7)])
    for key in keys:
        plain.produce(f"{name}-plain", key, key)
    assert plain.flush(30) == 0
    homes.append({m.key: m.partition for m in logs[0].read_to_end(f"{name}-plain")})
    for log in logs:
        log.close()
    assert len(homes[0]) == len(keys)
    assert homes[0] == homes[1] == homes[2]

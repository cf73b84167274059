"""What only a broker shows: restarts, refusals, admin tools, and the configuration it is given."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import confluent_kafka
import pytest
from confluent_kafka import ConsumerGroupTopicPartitions
from confluent_kafka.admin import AdminClient
from hypothesis import given
from hypothesis import strategies as st

import devstack
from connect.errors import ConfigError, LogError, RetriableError
from connect.log import open_log
from connect.log.contract import NewTopic, TopicPartition
from connect.log.kafka import KafkaLog, faults
from connect.log.kafka import log as kafka_log
from connect.log.kafka.config import Client, client_settings, translate


@pytest.fixture
def log(kafka: devstack.Server) -> Iterator[KafkaLog]:
    with KafkaLog({"bootstrap.servers": kafka.url}) as found:
        yield found


class TestBrokerTroubles:
    @pytest.mark.timeout(180)
    def test_restarts_in_mid_produce_lose_nothing_and_keep_order(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        with devstack.kafka() as broker, KafkaLog({"bootstrap.servers": broker.url}) as log:
            log.create_topics([NewTopic("t", 3)])
            restarted = threading.Event()

            def disturb() -> None:
                time.sleep(0.3)
                broker.restart()
                time.sleep(0.5)
                broker.kill()
                time.sleep(0.5)
                broker.start()
                restarted.set()

            thread = threading.Thread(target=disturb)
            thread.start()
            number = 0
            with log.producer(client_id="p") as producer:
                while not restarted.is_set() or number < 1000:
                    run = range(number, number + 20)
                    producer.produce("t", [b"%d" % (n % 50) for n in run], [b"%d" % n for n in run])
                    number += 20
                    time.sleep(0.005)
                producer.flush(60)
                assert producer.acknowledged() == number // 20
            thread.join()
            seen: dict[int, list[int]] = {0: [], 1: [], 2: []}
            for message in log.read_to_end("t"):
                seen[message.partition].append(int(message.value or b""))
        assert all(values == sorted(values) for values in seen.values())
        assert sorted(n for values in seen.values() for n in values) == list(range(number))
        assert any("trying again" in record.getMessage() for record in caplog.records)

    @pytest.mark.parametrize("batch", ["1", "1000"])
    def test_a_refused_message_stops_the_producer(
        self, log: KafkaLog, name: str, batch: str
    ) -> None:
        """Only the last of a run has a callback, so nothing may pass one that failed."""
        log.create_topics([NewTopic(name, 1, config={"max.message.bytes": "2000"})])
        config = {"batch.num.messages": batch, "linger.ms": "20"}
        producer = log.producer(client_id="p", config=config)
        good = producer.produce(name, [b"k"], [b"good"])
        producer.flush(20)
        with pytest.raises(LogError, match=name):
            producer.produce(name, [b"k"] * 4, [b"1", b"z" * 5000, b"3", b"4"])
            for _ in range(200):
                producer.produce(name, [b"k"], [b"5"])
                time.sleep(0.01)
        with pytest.raises(LogError):
            producer.acknowledged()
        with pytest.raises(LogError):
            producer.produce(name, [b"k"], [b"6"])
        producer.close()
        assert good == 1
        stored = [m.value for m in log.read_to_end(name)]
        assert stored in ([b"good", b"1"], [b"good"])

    def test_delivery_timeout_is_ours(self, log: KafkaLog, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        config = {"delivery.timeout.ms": "100", "linger.ms": "30000"}
        producer = log.producer(client_id="p", config=config)
        producer.produce(name, [b"k"], [b"v"])
        time.sleep(0.2)
        with pytest.raises(LogError, match=r"delivery\.timeout\.ms=100"):
            producer.acknowledged()
        producer.close()

    def test_a_broker_out_of_reach_is_said_and_may_be_tried_again(
        self, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
    ) -> None:
        monkeypatch.setattr(faults, "API_SECONDS", 1.0)
        monkeypatch.setattr(kafka_log, "ADMIN_SECONDS", 0.5)
        with (
            KafkaLog({"bootstrap.servers": "127.0.0.1:1"}) as log,
            caplog.at_level(logging.WARNING),
            pytest.raises(RetriableError, match="asking for the partitions of t"),
        ):
            log.partitions("t")
        assert "Trying again" in caplog.text

    @pytest.mark.timeout(30)
    @pytest.mark.parametrize("told", ["before", "meanwhile"])
    def test_who_wants_to_end_does_not_wait_for_a_broker(self, told: str) -> None:
        stopping = threading.Event()
        later = threading.Timer(0.0 if told == "before" else 0.5, stopping.set)
        later.start()
        if told == "before":
            stopping.wait()
        with open_log({"bootstrap.servers": "127.0.0.1:1"}, stopping) as log:
            with pytest.raises(RetriableError, match="asking for the partitions of t"):
                log.partitions("t")
            with (
                log.consumer("g", "t.*", client_id="c") as consumer,
                pytest.raises(RetriableError, match="listing topics"),
            ):
                consumer.poll(1, 0)
            producer = log.producer(client_id="p", config={"buffer.memory": "1024"})
            with pytest.raises(RetriableError, match="the partitions of t"):
                producer.produce("t", [None], [b"v"])
            big = [b"v" * 1000] * 3
            with pytest.raises(RetriableError, match="queue of producer p is full"):
                producer.produce("t", [None] * 3, big, partition=0)
            with pytest.raises(LogError, match="queue of producer p is full"):
                producer.acknowledged()
            producer.close()
        later.join()

    def test_its_absence_is_one_line_and_not_hundreds(
        self, caplog: pytest.LogCaptureFixture
    ) -> None:
        hasty = {"producer.reconnect.backoff.ms": "1", "producer.reconnect.backoff.max.ms": "1"}
        with KafkaLog({"bootstrap.servers": "127.0.0.1:1"} | hasty) as log:
            producers = [log.producer(client_id=f"p{n}") for n in range(3)]
            give_up = time.monotonic() + 2
            while time.monotonic() < give_up:
                for producer in producers:
                    producer.acknowledged()
        lines = [r.getMessage() for r in caplog.records if "Connection refused" in r.getMessage()]
        assert sorted(line[:4] for line in lines) == ["FAIL", "prod"]

    @pytest.mark.parametrize(
        ("header", "problem"),
        [("a\0b", "NUL"), ("\ud800", r"Header name '\\ud800' for .* surrogates not allowed")],
    )
    def test_a_header_name_that_has_no_bytes_is_refused(
        self, log: KafkaLog, name: str, header: str, problem: str
    ) -> None:
        log.create_topics([NewTopic(name, 1)])
        with log.producer(client_id="p") as producer, pytest.raises(LogError, match=problem):
            producer.produce(name, [b"k"], [b"v"], headers=[(header, b"")])
        assert log.end_offsets(name) == {0: 0}


class TestAdminTools:
    def test_see_describe_and_reset_the_group(self, log: KafkaLog, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        with log.producer(client_id="p") as producer:
            producer.produce(name, [b"k"] * 30, [b"v"] * 30)
        admin = AdminClient({"bootstrap.servers": log._settings["bootstrap.servers"]})
        place = confluent_kafka.TopicPartition(name, 0)
        with log.consumer(name, [name], client_id="sink-0") as consumer:
            found = len(consumer.poll(30, 20))
            while found < 30:
                found += len(consumer.poll(30, 20))
            consumer.commit({TopicPartition(name, 0): 20})
            groups = {g.group_id for g in admin.list_consumer_groups().result().valid}
            assert name in groups
            described = admin.describe_consumer_groups([name])[name].result()
            assert described.partition_assignor == "range"
            assert [member.client_id for member in described.members] == ["sink-0"]
            stored = admin.list_consumer_group_offsets([ConsumerGroupTopicPartitions(name)])
            (offset,) = stored[name].result().topic_partitions
            assert (offset.offset, log.end_offsets(name)[0] - offset.offset) == (20, 10)
        place.offset = 5
        reset = ConsumerGroupTopicPartitions(name, [place])
        admin.alter_consumer_group_offsets([reset])[name].result()
        with log.consumer(name, [name], client_id="sink-0") as consumer:
            assert consumer.poll(1, 20)[0].offset == 5

    def test_the_group_may_be_named_by_the_settings(self, log: KafkaLog, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        at = TopicPartition(name, 0)
        with log.consumer("x", [name], client_id="c", config={"group.id": name}) as consumer:
            while not consumer.assignment():
                consumer.poll(1, 0.1)
            consumer.commit({at: 0})
        with log.consumer(name, [name], client_id="c") as consumer:
            assert consumer.committed([at]) == {at: 0}


def put(folder: Path, start: bytes) -> str:
    path = folder / "store"
    path.write_bytes(start)
    return str(path)


class TestConfiguration:
    def test_a_worker_file_gives_each_client_its_part(self) -> None:
        worker = {
            "bootstrap.servers": "b:9092",
            "security.protocol": "SASL_SSL",
            "sasl.mechanism": "PLAIN",
            "group.id": "connect-cluster",
            "producer.linger.ms": "50",
            "producer.sasl.mechanism": "SCRAM-SHA-512",
            "consumer.max.poll.records": "2000",
            "admin.listeners": "http://:8080",
            "admin.retries": "3",
        }
        entry = {"bootstrap.servers": "b:9092", "security.protocol": "SASL_SSL"}
        assert client_settings(worker, Client.PRODUCER) == {
            **entry,
            "linger.ms": "50",
            "sasl.mechanism": "SCRAM-SHA-512",
        }
        assert client_settings(worker, Client.CONSUMER) == {
            **entry,
            "sasl.mechanism": "PLAIN",
            "max.poll.records": "2000",
        }
        assert client_settings(worker, Client.ADMIN) == {
            **entry,
            "sasl.mechanism": "PLAIN",
            "retries": "3",
        }

    @pytest.mark.parametrize(
        ("java", "librdkafka"),
        [
            ({"buffer.memory": "67108864"}, {"queue.buffering.max.kbytes": "65536"}),
            ({"max.request.size": "5000000"}, {"message.max.bytes": "5000000"}),
            ({"request.timeout.ms": "1000"}, {"socket.timeout.ms": "1000"}),
            ({"fetch.max.wait.ms": "10"}, {"fetch.wait.max.ms": "10"}),
            ({"acks": "-1"}, {"acks": "all"}),
            ({"batch.size": "0"}, {"batch.size": "1"}),
            ({"receive.buffer.bytes": "-1"}, {"socket.receive.buffer.bytes": "0"}),
            ({"auto.offset.reset": "none"}, {"auto.offset.reset": "error"}),
            ({"key.serializer": "x", "metric.reporters": ""}, {}),
            ({"interceptor.classes": ""}, {}),
            ({"linger.ms": "5", "compression.type": "zstd"},) * 2,
            (
                {"ssl.endpoint.identification.algorithm": ""},
                {"ssl.endpoint.identification.algorithm": "none"},
            ),
            (
                {
                    "partition.assignment.strategy": "org.apache.kafka.clients.consumer."
                    "RangeAssignor,org.apache.kafka.clients.consumer.CooperativeStickyAssignor"
                },
                {"partition.assignment.strategy": "range"},
            ),
            (
                {
                    "partition.assignment.strategy": "org.apache.kafka.clients.consumer."
                    "CooperativeStickyAssignor"
                },
                {"partition.assignment.strategy": "cooperative-sticky"},
            ),
            (
                {
                    "sasl.jaas.config": "org.apache.kafka.common.security.oauthbearer."
                    "OAuthBearerLoginModule required clientId=\"me\" clientSecret='s;c' scope=all;"
                },
                {
                    "sasl.oauthbearer.method": "oidc",
                    "sasl.oauthbearer.client.id": "me",
                    "sasl.oauthbearer.client.secret": "s;c",
                    "sasl.oauthbearer.scope": "all",
                },
            ),
        ],
    )
    def test_java_keys_become_librdkafkas(
        self, java: dict[str, str], librdkafka: dict[str, str]
    ) -> None:
        assert translate(java, Client.CONSUMER) == librdkafka

    @given(st.text(st.characters(codec="ascii", exclude_categories=["Cc"])))
    def test_any_password_is_read_from_a_login(self, password: str) -> None:
        quoted = password.replace("\\", "\\\\").replace('"', '\\"')
        login = (
            "org.apache.kafka.common.security.scram.ScramLoginModule required\n"
            f'  username="app" password="{quoted}";'
        )
        assert translate({"sasl.jaas.config": login}, Client.ADMIN) == {
            "sasl.username": "app",
            "sasl.password": password,
        }

    @pytest.mark.parametrize(
        "java",
        [
            {"acks": "1"},
            {"enable.idempotence": "false"},
            {"enable.auto.commit": "true"},
            {"interceptor.classes": "com.example.Spy"},
            {"partitioner.class": "com.example.Mine"},
            {"sasl.login.callback.handler.class": "com.example.Login"},
            {"partition.assignment.strategy": "com.example.Assignor"},
            {"buffer.memory": "much"},
            {"sasl.jaas.config": 'com.example.Login required password="secret";'},
            {"ssl.truststore.location": "/no/such/file"},
        ],
    )
    def test_what_cannot_be_followed_is_refused(self, java: dict[str, str]) -> None:
        with pytest.raises(ConfigError) as caught:
            translate(java, Client.PRODUCER)
        assert caught.value.key in java
        assert "secret" not in str(caught.value)

    def test_stores_are_told_apart_by_their_content(self, tmp_path: Path) -> None:
        pem = put(tmp_path, b"-----BEGIN CERTIFICATE-----")
        trust, key = "ssl.truststore.location", "ssl.keystore.location"
        assert translate({trust: pem, "ssl.truststore.type": "PEM"}, Client.ADMIN) == {
            "ssl.ca.location": pem
        }
        assert translate({key: pem}, Client.ADMIN) == {
            "ssl.certificate.location": pem,
            "ssl.key.location": pem,
        }
        pkcs12 = put(tmp_path, b"\x30\x82\x01\x00")
        assert translate({key: pkcs12}, Client.ADMIN) == {"ssl.keystore.location": pkcs12}
        with pytest.raises(ConfigError, match="openssl pkcs12"):
            translate({trust: pkcs12}, Client.ADMIN)
        jks = put(tmp_path, b"\xfe\xed\xfe\xed")
        for name in (trust, key):
            with pytest.raises(ConfigError, match="keytool"):
                translate({name: jks}, Client.ADMIN)

    def test_an_unknown_key_is_named(self, log: KafkaLog, name: str) -> None:
        with pytest.raises(ConfigError, match=r"bogus\.key") as caught:
            log.producer(client_id="p", config={"bogus.key": "1"})
        assert caught.value.key == "bogus.key"
        with pytest.raises(ConfigError, match=r"linger\.ms") as caught:
            log.producer(client_id="p", config={"linger.ms": "soon"})
        assert caught.value.key == "linger.ms"


def login(user: str, password: str) -> dict[str, str]:
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    return {
        "security.protocol": "SASL_PLAINTEXT",
        "sasl.mechanism": "PLAIN",
        "sasl.jaas.config": f'{module} required username="{user}" password="{password}";',
    }


@pytest.mark.timeout(120)
def test_a_broker_with_passwords() -> None:
    module = "org.apache.kafka.common.security.plain.PlainLoginModule"
    properties = {
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:SASL_PLAINTEXT",
        "sasl.enabled.mechanisms": "PLAIN",
        "sasl.mechanism.inter.broker.protocol": "PLAIN",
        "listener.name.plaintext.plain.sasl.jaas.config": f"{module} required "
        'username="broker" password="b" user_broker="b" user_app="right";',
    }
    with devstack.kafka(**properties) as broker:
        entry = {"bootstrap.servers": broker.url}
        with KafkaLog({**entry, **login("app", "right")}) as log:
            log.create_topics([NewTopic("t", 1)])
            with log.producer(client_id="p") as producer:
                producer.produce("t", [b"k"], [b"v"])
            with log.consumer("g", ["t"], client_id="c") as consumer:
                assert [m.value for m in consumer.poll(1, 20)] == [b"v"]
        with KafkaLog({**entry, **login("app", "wrong")}) as log:
            with pytest.raises(LogError, match=r"sasl\.jaas\.config"):
                log.partitions("t")
            with log.consumer("g", ["t"], client_id="c") as consumer, pytest.raises(LogError):
                for _ in range(20):
                    consumer.poll(1, 1)

"""Kafka as a log: topics through the admin client, producers and consumers of librdkafka."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future
from typing import Any

import confluent_kafka
from confluent_kafka import (
    KafkaError,
    KafkaException,
    TopicCollection,
)
from confluent_kafka.admin import (  # type: ignore[attr-defined]  # not in its __all__
    AdminClient,
    ConfigResource,
    OffsetSpec,
    ResourceType,
)
from confluent_kafka.admin import NewTopic as AdminTopic  # type: ignore[attr-defined]

from connect.errors import LogError, RetriableError
from connect.log.contract import (
    Consumer,
    Log,
    Message,
    NewTopic,
    Producer,
    RebalanceListener,
)
from connect.log.kafka.config import Client, client_settings, translate
from connect.log.kafka.consumer import KafkaConsumer, as_message
from connect.log.kafka.faults import (
    API_SECONDS,
    ATTEMPT_SECONDS,
    LIBRARY,
    Faults,
    as_error,
    made,
    persist,
)
from connect.log.kafka.producer import KafkaProducer

READ_AT_ONCE = 1000
ADMIN_SECONDS = 5.0


class KafkaLog(Log):
    kind = "kafka"

    def __init__(self, settings: Mapping[str, str]) -> None:
        """``settings`` are a worker's; ``bootstrap.servers``, security keys and those beginning
        with ``producer.``, ``consumer.`` and ``admin.`` are read. Connects when first used."""
        self._settings = settings
        self._faults = Faults("admin client")
        config = translate(client_settings(settings, Client.ADMIN), Client.ADMIN)
        own: dict[str, Any] = {"error_cb": self._faults}
        self._admin = made(lambda: AdminClient({**config, **own}, logger=LIBRARY))

    def cluster_id(self) -> str:
        found = self._ask("asking for the cluster id", self._admin.describe_cluster)
        return str(found.cluster_id)

    def create_topics(self, topics: Sequence[NewTopic]) -> None:
        for topic in topics:
            new = AdminTopic(
                topic.name,
                num_partitions=-1 if topic.partitions is None else topic.partitions,
                replication_factor=-1 if topic.replication is None else topic.replication,
                config=dict(topic.config),
            )
            self._ask(
                f"creating topic {topic.name}",
                lambda new=new, **limit: self._admin.create_topics([new], **limit)[new.topic],
                fine=KafkaError.TOPIC_ALREADY_EXISTS,
            )
        for topic in topics:
            self._wait_for(topic.name, exists=True)

    def delete_topics(self, names: Sequence[str]) -> None:
        for name in names:
            self._ask(
                f"deleting topic {name}",
                lambda name=name, **limit: self._admin.delete_topics([name], **limit)[name],
                fine=KafkaError.UNKNOWN_TOPIC_OR_PART,
            )
        for name in names:
            self._wait_for(name, exists=False)

    def partitions(self, topic: str) -> int | None:
        """Asked by DescribeTopics, since asking for metadata could create the topic."""
        found = self._ask(
            f"asking for the partitions of {topic}",
            lambda **limit: self._admin.describe_topics(TopicCollection([topic]), **limit)[topic],
            fine=KafkaError.UNKNOWN_TOPIC_OR_PART,
        )
        return None if found is None else len(found.partitions)

    def topic_config(self, topic: str) -> dict[str, str]:
        resource = ConfigResource(ResourceType.TOPIC, topic)
        found = self._ask(
            f"asking for the configuration of {topic}",
            lambda **limit: self._admin.describe_configs([resource], **limit)[resource],
        )
        return {name: entry.value for name, entry in found.items() if entry.value is not None}

    def end_offsets(self, topic: str) -> dict[int, int]:
        count = self.partitions(topic)
        if count is None:
            raise LogError(f"Topic {topic} does not exist.")
        latest = OffsetSpec.latest()  # type: ignore[no-untyped-call]
        found: dict[int, int] = {}
        for number in range(count):
            place = confluent_kafka.TopicPartition(topic, number)
            answer = self._ask(
                f"asking for the end of {topic}-{number}",
                lambda place=place, **limit: self._admin.list_offsets({place: latest}, **limit)[
                    place
                ],
            )
            found[number] = answer.offset
        return found

    def read_to_end(self, topic: str, *, committed_only: bool = True) -> Iterator[Message]:
        return self._read(topic, self.end_offsets(topic), committed_only)

    def producer(
        self,
        *,
        client_id: str,
        transactional_id: str | None = None,
        config: Mapping[str, str] | None = None,
    ) -> Producer:
        settings = {**client_settings(self._settings, Client.PRODUCER), **(config or {})}
        return KafkaProducer(client_id, transactional_id, settings, self.stopping)

    def consumer(
        self,
        group: str,
        topics: Sequence[str] | str,
        *,
        client_id: str,
        listener: RebalanceListener | None = None,
        config: Mapping[str, str] | None = None,
    ) -> Consumer:
        settings = {**client_settings(self._settings, Client.CONSUMER), **(config or {})}
        return KafkaConsumer(
            group, topics, client_id, listener or RebalanceListener(), settings, self.stopping
        )

    def close(self) -> None:
        self._admin.poll(0)

    def _wait_for(self, topic: str, *, exists: bool) -> None:
        """The controller has answered; brokers hear of it a little later."""
        give_up = time.monotonic() + API_SECONDS
        while (self.partitions(topic) is not None) != exists:
            if time.monotonic() > give_up or self.stopping.is_set():
                raise RetriableError(f"The brokers do not know of the change to topic {topic} yet.")
            time.sleep(0.02)

    def _read(self, topic: str, ends: dict[int, int], committed_only: bool) -> Iterator[Message]:
        faults = Faults(f"reader of {topic}")
        config = translate(client_settings(self._settings, Client.CONSUMER), Client.CONSUMER)
        for ours in ("max.poll.records", "metadata.max.age.ms"):
            config.pop(ours, None)
        own: dict[str, object] = {
            "group.id": "read-to-end",  # never joined: partitions are assigned by hand
            "isolation.level": "read_committed" if committed_only else "read_uncommitted",
            "auto.offset.reset": "earliest",
            "enable.auto.commit": "false",
            "enable.partition.eof": "true",
            "error_cb": faults,
        }
        client = made(lambda: confluent_kafka.Consumer({**config, **own}, logger=LIBRARY))
        try:
            start = confluent_kafka.OFFSET_BEGINNING
            left = {number for number, end in ends.items() if end > 0}
            client.assign([confluent_kafka.TopicPartition(topic, n, start) for n in left])
            heard = time.monotonic()
            while left:
                faults.check()
                found = client.consume(READ_AT_ONCE, 0) or client.consume(1, ATTEMPT_SECONDS)
                if found:
                    heard = time.monotonic()
                elif time.monotonic() - heard > API_SECONDS or self.stopping.is_set():
                    raise RetriableError(f"Kafka sends nothing more of topic {topic}.")
                for raw in found:
                    number, error = raw.partition(), raw.error()
                    assert number is not None
                    if error is None:
                        message = as_message(raw)
                        if message.offset < ends[number]:
                            yield message
                        if message.offset >= ends[number] - 1:
                            left.discard(number)
                    elif error.code() == KafkaError._PARTITION_EOF:
                        left.discard(number)
                    else:
                        raise as_error(f"reading {topic}-{number}", error)
        finally:
            client.close()

    def _ask(self, doing: str, call: Callable[..., Future[Any]], *, fine: int | None = None) -> Any:
        """The answer of an admin call; None for the error code that is ``fine``."""

        def attempt(_timeout: float) -> Any:
            self._admin.poll(0)
            try:
                return self._answer(call(request_timeout=ADMIN_SECONDS))
            except KafkaException as exception:
                if exception.args[0].code() == fine:
                    return None
                raise
            except TimeoutError:
                raise KafkaException(KafkaError(KafkaError._TIMED_OUT)) from None

        return persist(doing, self._faults, self.stopping, attempt)

    def _answer(self, future: Future[Any]) -> Any:
        give_up = time.monotonic() + 2 * ADMIN_SECONDS
        while True:
            try:
                return future.result(0.1)
            except TimeoutError:
                now = time.monotonic()
                if now > give_up:
                    raise
                if self.stopping.is_set():
                    give_up = min(give_up, now + 1.0)

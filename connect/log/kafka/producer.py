"""The Kafka producer: idempotent, ordered, with tickets.

A delivery callback for every message would cost as much as sending it, so only the last message of
a run in each partition has one. That is enough, because a partition's messages are stored in order
and none may fail alone: with librdkafka's gapless guarantee the first refused message is fatal for
the whole producer, and messages never expire in its queue (``delivery.timeout.ms`` is watched here,
by ticket). In a transaction a refused message makes the commit fail instead.
"""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from typing import Any

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from connect.errors import CdcError, LogError, RetriableError
from connect.log.contract import Consumer, Headers, Producer, TopicPartition
from connect.log.kafka.config import Client, take_number, translate
from connect.log.kafka.consumer import KafkaConsumer
from connect.log.kafka.faults import (
    API_SECONDS,
    ATTEMPT_SECONDS,
    LIBRARY,
    REPEAT_SECONDS,
    Faults,
    as_error,
    error_of,
    final,
    made,
    persist,
)
from connect.log.partitioner_cy import partitions_of

LOGGER = logging.getLogger("connect.log.kafka")

DEFAULTS: Mapping[str, str] = {"linger.ms": "5", "batch.size": "1000000"}
LARGEST = "1000000"
"""librdkafka's ``message.max.bytes``."""
ALWAYS: Mapping[str, str] = {
    "acks": "all",
    "enable.idempotence": "true",
    "partitioner": "murmur2_random",
}
PURGED = (KafkaError._PURGE_QUEUE, KafkaError._PURGE_INFLIGHT)
FULL_WAIT_SECONDS = 0.005
STOPPING_SECONDS = 1.0
"""How long to wait for Kafka to take anything when the program wants to end."""


def _room(config: Mapping[str, str]) -> int:
    """Kilobytes of messages that may be in the queue where ``buffer.memory`` does not say.

    An idempotent producer has at most five requests under way for a partition, so more than four
    would only take memory; and when the broker is slow and the requests small, librdkafka's thread
    was seen to spin while more waits. There is always room for the largest message.
    """
    batch = int(config["batch.size"])
    largest = int(config.get("message.max.bytes", LARGEST))
    return -(-max(4 * batch, largest) // 1024)


class _Pending:
    """A ticket that waits for ``left`` callbacks; ``since`` is monotonic seconds."""

    __slots__ = ("left", "since", "ticket")

    def __init__(self, ticket: int, left: int, since: float) -> None:
        self.ticket = ticket
        self.left = left
        self.since = since


class KafkaProducer(Producer):
    def __init__(
        self,
        client_id: str,
        transactional_id: str | None,
        settings: Mapping[str, str],
        stopping: threading.Event,
    ) -> None:
        """``settings`` are Java's producer keys. With a transactional id, waits for the broker."""
        config = {**DEFAULTS, **translate(settings, Client.PRODUCER), **ALWAYS}
        config.setdefault("queue.buffering.max.kbytes", str(_room(config)))
        self._max_block = take_number(config, "max.block.ms", 60_000) / 1000
        self._delivery_timeout = take_number(config, "delivery.timeout.ms", 2**31 - 1) / 1000
        self._metadata_age = take_number(config, "metadata.max.age.ms", 300_000) / 1000
        self._name = client_id
        self._faults = Faults(f"producer {client_id}")
        self._stopping = stopping
        self._transactional = transactional_id is not None
        own: dict[str, object] = {"client.id": client_id, "error_cb": self._faults}
        if transactional_id is not None:
            own["transactional.id"] = transactional_id
        else:
            own |= {"enable.gapless.guarantee": "true", "message.timeout.ms": "0"}
        self._client = made(lambda: confluent_kafka.Producer({**config, **own}, logger=LIBRARY))
        self._pending: deque[_Pending] = deque()
        self._ticket = 0
        self._failure: CdcError | None = None
        self._partitions: dict[str, tuple[int, float]] = {}
        if self._transactional:
            persist(
                f"opening transactional id {transactional_id}",
                self._faults,
                self._stopping,
                self._client.init_transactions,
            )

    def produce(
        self,
        topic: str,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        *,
        headers: Headers = (),
        partition: int | None = None,
        timestamps: Sequence[int] = (),
    ) -> int:
        # Deliveries are served by acknowledged() and while the queue is full: each poll lets go of
        # the interpreter, and getting it back may take longer than encoding a whole run.
        self._check()
        count = len(values)
        if len(keys) != count or len(timestamps) not in (0, count):
            raise ValueError("keys, values and timestamps differ in length")
        for header, _ in headers:
            if "\0" in header:
                raise LogError(
                    f"Header name {header!r} for {topic} holds a NUL, where it would end."
                )
            try:
                header.encode()
            except UnicodeEncodeError as error:  # the library would crash
                raise LogError(f"Header name {header!a} for {topic}: {error}.") from error
        if partition is None:
            partitions = self._partition_count(topic)
            places = (
                [0] * count
                if partitions == 1
                else partitions_of(keys, partitions, self._ticket % partitions)
            )
        else:
            places = [partition] * count
        last = {place: index for index, place in enumerate(places)}
        watched = set(last.values())
        pending = _Pending(self._ticket + 1, len(last), time.monotonic())
        done = partial(self._delivered, pending)
        send = self._client.produce
        times = timestamps or [0] * count
        shared: Any = list(headers) or None
        rows = zip(keys, values, places, times, strict=True)
        for sent, (key, value, place, moment) in enumerate(rows):
            callback = done if sent in watched else None
            while True:
                try:
                    send(topic, value, key, place, callback, None, moment, shared)
                    break
                except BufferError:
                    self._wait_for_room(pending, nothing_sent=sent == 0)
                except KafkaException as exception:
                    problem = as_error(f"producing to {topic}-{place}", error_of(exception))
                    self._failure = final(problem)
                    raise self._failure from exception
        self._ticket += 1
        self._pending.append(pending)
        return self._ticket

    def acknowledged(self) -> int:
        self._serve(self._client.poll, 0)
        self._check()
        pending = self._pending
        while pending and not pending[0].left:
            pending.popleft()
        return pending[0].ticket - 1 if pending else self._ticket

    def flush(self, timeout: float) -> None:
        give_up = time.monotonic() + timeout
        while self.acknowledged() < self._ticket:
            rest = give_up - time.monotonic()
            if rest <= 0:
                raise RetriableError(
                    f"Kafka has not acknowledged {self.queued()} messages of producer "
                    f"{self._name} within {timeout:g} s.",
                    cure="Is the broker reachable?",
                )
            self._serve(self._client.flush, min(rest, 0.5))

    def queued(self) -> int:
        return len(self._client)

    def begin(self) -> None:
        self._guard("beginning a transaction", self._client.begin_transaction)

    def send_offsets(self, consumer: Consumer, offsets: Mapping[TopicPartition, int]) -> None:
        if not isinstance(consumer, KafkaConsumer):
            raise TypeError(f"a Kafka transaction cannot hold offsets of {type(consumer)}")
        positions = [confluent_kafka.TopicPartition(*place, at) for place, at in offsets.items()]
        metadata = consumer.group_metadata()
        self._persist(
            "sending offsets to the transaction",
            lambda timeout: self._client.send_offsets_to_transaction(positions, metadata, timeout),
        )

    def commit(self) -> None:
        self._serve(self._client.poll, 0)
        self._check()
        self._persist("committing the transaction", self._client.commit_transaction)
        self.acknowledged()

    def abort(self) -> None:
        self._persist("aborting the transaction", self._client.abort_transaction)
        self._client.poll(0)
        self._pending.clear()
        self._failure = None

    def close(self) -> None:
        """Flushes for as long as ``max.block.ms``, or a second when stopping; RetriableError if not
        all is stored by then."""
        longest = STOPPING_SECONDS if self._stopping.is_set() else API_SECONDS
        try:
            if self._failure is None and self._faults.final is None and not self._transactional:
                self.flush(min(self._max_block, longest))
        finally:
            self._client.purge()
            with suppress(KafkaException, SystemError):  # told by the calls above
                self._client.flush(ATTEMPT_SECONDS)

    def _delivered(self, pending: _Pending, error: KafkaError | None, message: object) -> None:
        if error is None:
            pending.left -= 1
        elif self._failure is None and error.code() not in PURGED:
            assert isinstance(message, confluent_kafka.Message)
            self._failure = LogError(
                f"Kafka did not store a message for {message.topic()}-{message.partition()}: "
                f"{error.str()} ({error.name()}).",
                cure="Everything after the last acknowledged position must be sent again.",
            )

    def _serve(self, call: Callable[[float], int], timeout: float) -> None:
        """Let the library call back. It raises a fatal error from here, and where a callback runs
        after that in the same call, Python wraps the two in a SystemError."""
        try:
            call(timeout)
        except (KafkaException, SystemError) as exception:
            cause = exception if isinstance(exception, KafkaException) else exception.__cause__
            if not isinstance(cause, KafkaException):
                raise
            if self._failure is None:
                problem = as_error(f"running producer {self._name}", error_of(cause))
                self._failure = final(problem)
            raise self._failure from exception

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure
        self._faults.check()
        if self._pending and self._pending[0].left:
            age = time.monotonic() - self._pending[0].since
            if age > self._delivery_timeout:
                self._failure = LogError(
                    f"Kafka has not stored messages of producer {self._name} within "
                    f"delivery.timeout.ms={self._delivery_timeout * 1000:.0f}.",
                    cure="Is the broker reachable? Without the key there is no limit.",
                )
                raise self._failure

    def _wait_for_room(self, pending: _Pending, *, nothing_sent: bool) -> None:
        """Serve deliveries until one may be queued. A run of which nothing is queued may give up;
        a run begun must be finished, or a second try would double its first part. Giving one up to
        stop ends the producer."""
        started = warned = time.monotonic()
        before = self.queued()
        while self.queued() >= before:
            self._serve(self._client.poll, FULL_WAIT_SECONDS)
            self._check()
            now = time.monotonic()
            stopping = self._stopping.is_set() and now - started > STOPPING_SECONDS
            if stopping or (nothing_sent and now - started > self._max_block):
                problem = RetriableError(
                    f"The queue of producer {self._name} is full with {before} messages that Kafka "
                    f"has not taken for {now - started:.0f} s.",
                    cure="Is the broker reachable?",
                )
                if not nothing_sent:
                    self._failure = final(problem)
                raise problem
            if now - warned > REPEAT_SECONDS:
                warned = now
                LOGGER.warning(
                    "producer %s: %d messages wait for Kafka, for %.0f s now",
                    self._name,
                    before,
                    now - started,
                )
        pending.since = time.monotonic()

    def _partition_count(self, topic: str) -> int:
        count, since = self._partitions.get(topic, (0, 0.0))
        if not count or time.monotonic() - since > self._metadata_age:
            count = persist(
                f"asking for the partitions of {topic}",
                self._faults,
                self._stopping,
                lambda timeout: self._ask_partitions(topic, timeout),
            )
            self._partitions[topic] = (count, time.monotonic())
        return count

    def _ask_partitions(self, topic: str, timeout: float) -> int:
        """Also makes a broker that creates topics on first use do so, as Java's producer does."""
        give_up = time.monotonic() + timeout
        while True:
            found = self._client.list_topics(topic, timeout).topics[topic]
            if found.error is None and found.partitions:
                return len(found.partitions)
            if time.monotonic() > give_up:
                error = found.error or KafkaError(KafkaError.LEADER_NOT_AVAILABLE)
                if error.code() == KafkaError.UNKNOWN_TOPIC_OR_PART:
                    raise LogError(
                        f"Topic {topic} does not exist and the broker does not create it.",
                        cure="Create it, or configure topic.creation.default.partitions and "
                        "topic.creation.default.replication.factor.",
                    )
                raise KafkaException(error)
            time.sleep(0.1)

    def _persist(self, doing: str, attempt: Callable[[float], None]) -> None:
        self._guard(doing, lambda: persist(doing, self._faults, self._stopping, attempt))

    def _guard(self, doing: str, call: Callable[[], None]) -> None:
        if not self._transactional:
            raise LogError(f"Producer {self._name} has no transactional id for {doing}.")
        try:
            call()
        except KafkaException as exception:
            raise as_error(doing, error_of(exception)) from exception

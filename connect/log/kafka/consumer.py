"""The Kafka group consumer, a classic member that Java's admin tools see like any other."""

from __future__ import annotations

import logging
import re
import threading
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TypeVar

import confluent_kafka
from confluent_kafka import KafkaError, KafkaException

from connect.errors import ConfigError, LogError, RetriableError
from connect.log.contract import Consumer, Message, RebalanceListener, TopicPartition, tell
from connect.log.kafka.config import Client, take_number, translate
from connect.log.kafka.faults import (
    ATTEMPT_SECONDS,
    LIBRARY,
    Faults,
    as_error,
    error_of,
    final,
    made,
    persist,
)

LOGGER = logging.getLogger("connect.log.kafka")

T = TypeVar("T")

DEFAULTS: Mapping[str, str] = {
    "auto.offset.reset": "earliest",
    "isolation.level": "read_uncommitted",  # Java's default; librdkafka's is read_committed
    "partition.assignment.strategy": "range",  # what Java's default list has in common with us
    # A fetch comes on top, and one of a megabyte may be twenty when it is unpacked.
    "queued.max.messages.kbytes": "8192",
    "fetch.queue.backoff.ms": "10",  # librdkafka would pause a whole second when the queue is full
}
ALWAYS: Mapping[str, object] = {
    "enable.auto.commit": "false",
    "enable.auto.offset.store": "false",
    "enable.partition.eof": "true",
}
INTERNAL_TOPICS = frozenset({"__consumer_offsets", "__transaction_state", "__share_group_state"})
MOST_AT_ONCE = 100_000
SEEK_SECONDS = 10.0
TOPICS_AGE_SECONDS = 30.0
"""How often a pattern is held against the topics; ``metadata.max.age.ms`` may say less."""


class KafkaConsumer(Consumer):
    def __init__(
        self,
        group: str,
        topics: Sequence[str] | str,
        client_id: str,
        listener: RebalanceListener,
        settings: Mapping[str, str],
        stopping: threading.Event,
    ) -> None:
        """``settings`` are Java's consumer keys; ``group.id`` there wins over ``group``."""
        config = {**DEFAULTS, **translate(settings, Client.CONSUMER)}
        self._group = config.setdefault("group.id", group)
        self._most = take_number(config, "max.poll.records", MOST_AT_ONCE)
        age = take_number(config, "metadata.max.age.ms", 300_000) / 1000
        self._topics_age = min(age, TOPICS_AGE_SECONDS)
        self._listener = listener
        self._faults = Faults(f"consumer {client_id}")
        self._stopping = stopping
        self._cooperative = config["partition.assignment.strategy"] == "cooperative-sticky"
        own = {"client.id": client_id, "error_cb": self._faults, **ALWAYS}
        self._client = made(lambda: confluent_kafka.Consumer({**config, **own}, logger=LIBRARY))
        self._pattern = _pattern(topics) if isinstance(topics, str) else None
        self._subscribed: list[str] = []
        self._looked = 0.0
        self._ends: dict[TopicPartition, int] = {}
        self._wanted: dict[TopicPartition, int] | None = None  # sought while being assigned
        self._held: list[TopicPartition] = []  # paused meanwhile
        self._trouble: BaseException | None = None
        if not isinstance(topics, str):
            self._subscribe(list(topics))

    def poll(self, max_messages: int, timeout: float) -> list[Message]:
        self._faults.check()
        if self._pattern is not None:
            self._match_topics(self._pattern)
        most = min(max_messages, self._most, MOST_AT_ONCE)
        give_up = time.monotonic() + timeout
        while True:
            raw = self._serve(lambda: self._client.consume(most, 0))
            if not raw and (rest := give_up - time.monotonic()) > 0:
                first = self._serve(lambda: self._client.poll(rest))
                if first is not None:
                    raw = [first, *self._serve(lambda: self._client.consume(most - 1, 0))]
            messages = self._messages(raw)
            if messages or time.monotonic() >= give_up:
                self._faults.check()
                return messages

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if not offsets:
            return
        places = [confluent_kafka.TopicPartition(*place, at) for place, at in offsets.items()]
        doing = f"committing offsets of group {self._group}"
        try:
            for place in self._client.commit(offsets=places, asynchronous=False):
                if place.error is not None:
                    raise KafkaException(place.error)
        except KafkaException as exception:
            raise as_error(doing, error_of(exception)) from exception

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int | None]:
        places = [confluent_kafka.TopicPartition(*place) for place in partitions]
        found = persist(
            f"asking for the offsets of group {self._group}",
            self._faults,
            self._stopping,
            lambda timeout: self._client.committed(places, timeout),
        )
        return {
            TopicPartition(place.topic, place.partition): place.offset
            if place.offset >= 0
            else None
            for place in found
        }

    def seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self._wanted is not None:
            self._wanted |= offsets
            return
        for place, offset in offsets.items():
            self._ends.pop(place, None)
            self._when_fetching(place, confluent_kafka.TopicPartition(*place, offset))

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        if self._wanted is not None:
            self._held += partitions
        else:
            self._switch("pausing", self._client.pause, partitions)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        self._switch("resuming", self._client.resume, partitions)

    def assignment(self) -> list[TopicPartition]:
        return sorted(_ours(self._client.assignment()))

    def lag(self) -> int:
        """From the ends that came with the last fetches; asks the broker only before the first."""
        total = 0
        places = self._client.assignment()
        for place in self._client.position(places) if places else []:
            at = TopicPartition(place.topic, place.partition)
            low, end = self._watermarks(place, cached=True)
            if end < 0:
                low, end = self._watermarks(place, cached=False)
            position = place.offset
            if position < 0:
                position = max(self.committed([at])[at] or low, low)
            # Past the last message there may be markers of transactions, which nobody reads.
            total += max(0, end - max(position, self._ends.get(at, 0)))
        return total

    def close(self) -> None:
        self._client.close()
        self._raise_trouble()

    def group_metadata(self) -> object:
        """What a transaction needs to fence this member."""
        return self._client.consumer_group_metadata()

    def _messages(self, raw: Iterable[confluent_kafka.Message]) -> list[Message]:
        found: list[Message] = []
        for message in raw:
            error = message.error()
            if error is None:
                found.append(as_message(message))
            elif error.code() == KafkaError._PARTITION_EOF:
                at = TopicPartition(message.topic() or "", message.partition() or 0)
                self._ends[at] = message.offset() or 0
            elif error.code() in (KafkaError.UNKNOWN_TOPIC_OR_PART, KafkaError._UNKNOWN_TOPIC):
                LOGGER.warning("Topic %s does not exist (yet); waiting for it", message.topic())
            elif error.code() == KafkaError._MAX_POLL_EXCEEDED:
                LOGGER.warning("Group %s: %s", self._group, error.str())
            else:
                problem = as_error(f"reading {message.topic()}", error)
                if not isinstance(problem, RetriableError):
                    raise problem
                self._faults(error)
        return found

    def _match_topics(self, pattern: re.Pattern[str]) -> None:
        now = time.monotonic()
        age = self._topics_age if self._subscribed else 1.0
        if self._looked and now - self._looked < age:
            return
        known = persist("listing topics", self._faults, self._stopping, self._list_topics)
        self._looked = now
        names = sorted(name for name in known - INTERNAL_TOPICS if pattern.fullmatch(name))
        if names and names != self._subscribed:
            self._subscribe(names)

    def _list_topics(self, timeout: float) -> set[str]:
        return set(self._client.list_topics(timeout=timeout).topics)

    def _subscribe(self, names: list[str]) -> None:
        self._subscribed = names
        self._client.subscribe(
            names, on_assign=self._assigned, on_revoke=self._revoked, on_lost=self._lost
        )

    def _assigned(
        self, client: confluent_kafka.Consumer, places: list[confluent_kafka.TopicPartition]
    ) -> None:
        self._wanted = {}
        self._tell(self._listener.assigned, places)
        for place in places:
            wanted = self._wanted.get(TopicPartition(place.topic, place.partition))
            if wanted is not None:
                place.offset = wanted
        self._wanted = None
        if self._cooperative:
            client.incremental_assign(places)
        else:
            client.assign(places)
        if self._held:
            self.pause(self._held)
            self._held = []

    def _revoked(
        self, client: confluent_kafka.Consumer, places: list[confluent_kafka.TopicPartition]
    ) -> None:
        self._tell(self._listener.revoked, places)
        self._forget(places)

    def _lost(
        self, client: confluent_kafka.Consumer, places: list[confluent_kafka.TopicPartition]
    ) -> None:
        self._tell(self._listener.lost, places)
        self._forget(places)

    def _forget(self, places: list[confluent_kafka.TopicPartition]) -> None:
        for place in _ours(places):
            self._ends.pop(place, None)

    def _tell(
        self,
        told: Callable[[Sequence[TopicPartition]], None],
        places: list[confluent_kafka.TopicPartition],
    ) -> None:
        """A listener's exception must not be raised inside the library; ``poll`` raises it."""
        try:
            tell(told, _ours(places))
        except BaseException as error:
            self._trouble = self._trouble or error

    def _serve(self, call: Callable[[], T]) -> T:
        """What it raises is always final: messages may have been taken out of the queue."""
        try:
            found = call()
        except KafkaException as exception:
            raise final(as_error("reading", error_of(exception))) from exception
        self._raise_trouble()
        return found

    def _raise_trouble(self) -> None:
        if self._trouble is not None:
            trouble, self._trouble = self._trouble, None
            raise trouble

    def _switch(
        self,
        doing: str,
        call: Callable[[list[confluent_kafka.TopicPartition]], None],
        partitions: Sequence[TopicPartition],
    ) -> None:
        try:
            call([confluent_kafka.TopicPartition(*place) for place in partitions])
        except KafkaException as exception:
            names = ", ".join(f"{topic}-{number}" for topic, number in partitions)
            raise LogError(
                f"Kafka, while {doing} {names}: {error_of(exception).str()}."
            ) from exception

    def _when_fetching(self, place: TopicPartition, target: confluent_kafka.TopicPartition) -> None:
        """A partition just assigned cannot be sought until its fetching has begun."""
        give_up = time.monotonic() + SEEK_SECONDS
        while True:
            try:
                self._client.seek(target)
                return
            except KafkaException as exception:
                error = error_of(exception)
                if error.code() != KafkaError._STATE or time.monotonic() > give_up:
                    name = f"{place.topic}-{place.partition}"
                    raise as_error(f"seeking in {name}", error) from exception
            time.sleep(0.01)

    def _watermarks(
        self, place: confluent_kafka.TopicPartition, *, cached: bool
    ) -> tuple[int, int]:
        try:
            return self._client.get_watermark_offsets(place, ATTEMPT_SECONDS, cached)
        except KafkaException as exception:
            raise as_error("asking for the end of a partition", error_of(exception)) from exception


def as_message(raw: confluent_kafka.Message) -> Message:
    return Message(
        raw.topic() or "",
        raw.partition() or 0,
        raw.offset() or 0,
        raw.timestamp()[1],
        raw.key(),
        raw.value(),
        raw.headers() or (),  # type: ignore[arg-type]
    )


def _ours(places: Iterable[confluent_kafka.TopicPartition]) -> list[TopicPartition]:
    return [TopicPartition(place.topic, place.partition) for place in places]


def _pattern(text: str) -> re.Pattern[str]:
    """Java's ``topics.regex``, which matches a whole name. librdkafka's own patterns are POSIX's,
    so names are matched here."""
    try:
        return re.compile(text)
    except re.error as error:
        raise ConfigError(
            "topics.regex", f"topics.regex={text} is not a regular expression: {error}."
        ) from error

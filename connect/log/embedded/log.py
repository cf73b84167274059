"""The embedded log: topics in one SQLite file, for any number of processes of one machine."""

from __future__ import annotations

import logging
import re
import threading
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from connect.errors import ConfigError, LogError
from connect.log.contract import (
    Consumer,
    Log,
    Message,
    NewTopic,
    Producer,
    RebalanceListener,
)
from connect.log.embedded.consumer import EmbeddedConsumer
from connect.log.embedded.file import LogFile, frame_id
from connect.log.embedded.frame import decode, messages
from connect.log.embedded.producer import EmbeddedProducer, TransactionalProducer
from connect.log.embedded.retention import DEFAULTS

LOGGER = logging.getLogger("connect.log.embedded")

PRODUCER_KEYS = frozenset({"buffer.memory", "linger.ms", "max.block.ms"})
CONSUMER_KEYS = frozenset(
    {
        "auto.offset.reset",
        "group.id",
        "heartbeat.interval.ms",
        "max.poll.interval.ms",
        "max.poll.records",
        "session.timeout.ms",
    }
)
"""Kafka's keys that are heeded; the others are about brokers and networks."""

TOPIC_KEYS = frozenset(
    {
        *DEFAULTS,
        *("compression.type", "compression.gzip.level", "compression.lz4.level"),
        *("compression.zstd.level", "file.delete.delay.ms", "flush.messages", "flush.ms"),
        *("follower.replication.throttled.replicas", "index.interval.bytes"),
        *("leader.replication.throttled.replicas", "local.retention.bytes", "local.retention.ms"),
        *("max.compaction.lag.ms", "max.message.bytes", "message.timestamp.after.max.ms"),
        *("message.timestamp.before.max.ms", "message.timestamp.type", "min.cleanable.dirty.ratio"),
        *("min.compaction.lag.ms", "min.insync.replicas", "preallocate", "remote.storage.enable"),
        *("remote.log.copy.disable", "remote.log.delete.on.disable", "segment.bytes"),
        *("segment.index.bytes", "segment.jitter.ms", "segment.ms"),
        "unclean.leader.election.enable",
    }
)
"""Kafka's topic settings; retention.py says which are acted on."""

LEGAL_NAME = re.compile(r"(?!\.{1,2}$)[a-zA-Z0-9._-]{1,249}")
POLICIES = ({"delete"}, {"compact"}, {"compact", "delete"})


class EmbeddedLog(Log):
    kind = "embedded"

    def __init__(self, settings: Mapping[str, str]) -> None:
        """``settings`` are a worker's; ``log.file`` is the path. ``producer.`` and ``consumer.``
        keys are heeded where they have a meaning here."""
        if not settings.get("log.file"):
            raise ConfigError(
                "log.file", 'Missing required configuration "log.file", the embedded log\'s file.'
            )
        self._path = Path(settings["log.file"])
        self._settings = settings
        self._file = LogFile(self._path, durable=True)
        self._lock = threading.Lock()

    def cluster_id(self) -> str:
        with self._lock:
            return str(self._file.meta("cluster"))

    def create_topics(self, topics: Sequence[NewTopic]) -> None:
        for topic in topics:
            _check(topic)
        with self._lock, self._file.writing():
            for topic in topics:
                self._file.create(topic)

    def delete_topics(self, names: Sequence[str]) -> None:
        with self._lock, self._file.writing():
            for name in names:
                self._file.delete(name)

    def partitions(self, topic: str) -> int | None:
        with self._lock:
            return len(self._file.places(topic)) or None

    def topic_config(self, topic: str) -> dict[str, str]:
        with self._lock:
            config = self._file.config(topic)
        if config is None:
            raise LogError(f"Topic {topic} does not exist.")
        return {**DEFAULTS, **config}

    def end_offsets(self, topic: str) -> dict[int, int]:
        with self._lock:
            places = self._file.places(topic)
        if not places:
            raise LogError(f"Topic {topic} does not exist.")
        return {place.at.partition: place.next for place in places}

    def read_to_end(self, topic: str, *, committed_only: bool = True) -> Iterator[Message]:
        """Only what is committed is in the file, so ``committed_only`` makes no difference."""
        with self._lock:
            places = self._file.places(topic)
        if not places:
            raise LogError(f"Topic {topic} does not exist.")
        return (
            message
            for place in places
            for base, data in self._frames(place.id, place.next)
            for message in messages(*place.at, decode(data, base))
        )

    def producer(
        self,
        *,
        client_id: str,
        transactional_id: str | None = None,
        config: Mapping[str, str] | None = None,
    ) -> Producer:
        settings = self._client("producer.", config, PRODUCER_KEYS)
        if transactional_id is None:
            return EmbeddedProducer(self._path, client_id, settings)
        return TransactionalProducer(self._path, transactional_id, settings)

    def consumer(
        self,
        group: str,
        topics: Sequence[str] | str,
        *,
        client_id: str,
        listener: RebalanceListener | None = None,
        config: Mapping[str, str] | None = None,
    ) -> Consumer:
        settings = self._client("consumer.", config, CONSUMER_KEYS)
        return EmbeddedConsumer(
            self._path, group, topics, client_id, listener or RebalanceListener(), settings
        )

    def close(self) -> None:
        self._file.close()

    def _client(
        self, prefix: str, config: Mapping[str, str] | None, heeded: frozenset[str]
    ) -> dict[str, str]:
        own = {k.removeprefix(prefix): v for k, v in self._settings.items() if k.startswith(prefix)}
        settings = {**own, **(config or {})}
        for key in settings.keys() - heeded:
            LOGGER.debug("%s%s means nothing in the embedded log and is left out", prefix, key)
        return settings

    def _frames(self, place_id: int, end: int) -> Iterator[tuple[int, bytes]]:
        at = frame_id(place_id, 0)
        while True:
            with self._lock:
                row = self._file.db.execute(
                    "SELECT id, base, data FROM frames WHERE id >= ? AND id < ? "
                    "ORDER BY id LIMIT 1",
                    (at, frame_id(place_id, end)),
                ).fetchone()
            if row is None:
                return
            yield row[1], row[2]
            at = row[0] + 1


def _check(topic: NewTopic) -> None:
    """Refuse settings the log would act on and cannot read."""
    if not LEGAL_NAME.fullmatch(topic.name):
        raise LogError(
            f"Topic name {topic.name!r} is not legal.",
            cure="Use letters, digits, '.', '_' and '-', at most 249.",
        )
    for key in topic.config:
        if key not in TOPIC_KEYS:
            raise LogError(f"Topic {topic.name}: unknown setting {key}.")
    policy = topic.config.get("cleanup.policy", "delete")
    if {part.strip() for part in policy.split(",")} not in POLICIES:
        raise LogError(
            f"Topic {topic.name}: cleanup.policy={policy} is neither delete nor compact."
        )
    if topic.partitions is not None and topic.partitions < 1:
        raise LogError(f"Topic {topic.name} cannot have {topic.partitions} partitions.")
    for key in ("retention.ms", "retention.bytes", "delete.retention.ms"):
        if not topic.config.get(key, "0").removeprefix("-").isdigit():
            raise LogError(f"Topic {topic.name}: {key}={topic.config[key]} is not a number.")

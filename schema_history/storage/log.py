"""History in a topic: Debezium's ``KafkaSchemaHistory``, on Kafka or on the embedded log.

One partition, no key, the record's text as value. The topic keeps everything for ever.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator, Mapping, Sequence
from typing import ClassVar

from connect.config import Importance, integer, optional_string, refused, string
from connect.config import Kind as ConfigKind
from connect.errors import ConfigError, SourceError
from connect.log import open_log
from connect.log.contract import Log, NewTopic
from schema_history.storage.contract import PREFIX, HistoryConfig, HistoryStore

_FOR_EVER = str(2**63 - 1)
_FIVE_YEARS_MS = 5 * 365 * 24 * 3600 * 1000
_APPEND_TIMEOUT = 60.0
_logger = logging.getLogger(__name__)


class LogHistoryConfig(HistoryConfig):
    """The keys of Debezium's ``KafkaSchemaHistory``."""

    prefixes: ClassVar[tuple[str, ...]] = (PREFIX + "producer.", PREFIX + "consumer.")

    topic = string(PREFIX + "kafka.topic", doc="Topic of the history.", importance=Importance.HIGH)
    bootstrap_servers = optional_string(
        PREFIX + "kafka.bootstrap.servers",
        doc="Brokers of that topic. With the embedded log it may be left out.",
        importance=Importance.HIGH,
    )
    name = optional_string(
        PREFIX + "name", doc="Client id of the history's producer.", importance=Importance.LOW
    )
    create_timeout = integer(
        PREFIX + "kafka.create.timeout.ms", 30_000, kind=ConfigKind.LONG,
        doc="Accepted; topics are created with the client's own timeout.",
        importance=Importance.LOW,
    )  # fmt: skip
    query_timeout = integer(
        PREFIX + "kafka.query.timeout.ms", 3_000, kind=ConfigKind.LONG,
        doc="Accepted; broker queries use the client's own timeout.", importance=Importance.LOW,
    )  # fmt: skip
    poll_interval = integer(
        PREFIX + "kafka.recovery.poll.interval.ms", 100,
        doc="Accepted and not needed: reading ends at the topic's end.", importance=Importance.LOW,
    )  # fmt: skip
    recovery_attempts = integer(
        PREFIX + "kafka.recovery.attempts", 100,
        doc="Accepted and not needed: reading ends at the topic's end.", importance=Importance.LOW,
    )  # fmt: skip
    buffer_batch = integer(
        PREFIX + "kafka.buffer.batch.size", 1024,
        doc="Accepted and not needed: a snapshot's records are sent in runs.",
        importance=Importance.LOW,
    )  # fmt: skip
    prefer_ddl = refused(
        "internal.schema.history.internal.prefer.ddl", "false", "table changes are always preferred"
    )


class LogHistory(HistoryStore):
    config = LogHistoryConfig

    def __init__(self, settings: Mapping[str, str], log: Log) -> None:
        self._config = LogHistoryConfig.of(settings)
        self._topic = self._config.topic
        self._owned: Log | None = None
        if self._config.bootstrap_servers:
            client = self._config.under(PREFIX)
            passed = {k: v for k, v in client.items() if k.startswith(("producer.", "consumer."))}
            self._owned = open_log(
                {"bootstrap.servers": self._config.bootstrap_servers} | passed | _security(passed),
                log.stopping,
            )
        elif log.kind == "kafka":
            raise ConfigError(
                PREFIX + "kafka.bootstrap.servers",
                f"Missing required configuration {PREFIX}kafka.bootstrap.servers.",
                cure="Set it to the brokers that hold the history topic.",
            )
        self._log = self._owned or log
        self._producer = self._log.producer(
            client_id=self._config.name or f"{settings.get('name', 'source')}-schemahistory",
            # Nothing may be lost or reordered, and each append waits: gathering would only delay.
            config={"acks": "all", "linger.ms": "0"},
        )

    def exists(self) -> bool:
        if self._log.partitions(self._topic) is None:
            return False
        self._check_topic()
        return any(self._log.end_offsets(self._topic).values()) and any(True for _ in self.read())

    def create(self) -> None:
        config = {
            "cleanup.policy": "delete",
            "retention.ms": _FOR_EVER,
            "retention.bytes": "-1",
        }
        self._log.create_topics([NewTopic(self._topic, partitions=1, config=config)])

    def append(self, records: Sequence[bytes]) -> None:
        self._producer.produce(self._topic, [None] * len(records), records, partition=0)
        self._producer.flush(_APPEND_TIMEOUT)

    def read(self) -> Iterator[bytes]:
        for message in self._log.read_to_end(self._topic):
            if message.value is not None:
                yield message.value

    def close(self) -> None:
        self._producer.close()
        if self._owned is not None:
            self._owned.close()

    def _check_topic(self) -> None:
        """Say what would lose the history one day; refuse what already breaks its order."""
        config = self._log.topic_config(self._topic)
        if self._log.partitions(self._topic) != 1:
            raise SourceError(
                f"The schema history topic {self._topic} has "
                f"{self._log.partitions(self._topic)} partitions, so its order is lost.",
                cure="Name a topic of one partition in schema.history.internal.kafka.topic.",
            )
        if config.get("cleanup.policy", "delete") != "delete":
            _logger.warning(
                "Schema history topic %s has cleanup.policy=%s and will lose records; "
                "set it to delete.", self._topic, config["cleanup.policy"],
            )  # fmt: skip
        kept = int(config.get("retention.ms", -1))
        if 0 <= kept < _FIVE_YEARS_MS or config.get("retention.bytes", "-1") != "-1":
            _logger.warning(
                "Schema history topic %s has retention.ms=%s and retention.bytes=%s and will lose "
                "records; set both to -1.", self._topic, kept, config.get("retention.bytes"),
            )  # fmt: skip


def _security(passed: Mapping[str, str]) -> dict[str, str]:
    """Debezium gives security keys to producer and consumer; the admin client needs them too."""
    return {
        k.removeprefix("producer."): v
        for k, v in passed.items()
        if k.startswith(("producer.security.", "producer.sasl.", "producer.ssl."))
    }

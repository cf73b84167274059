"""The keys every connector has, whatever it connects to (spec: Kafka's ConnectorConfig classes)."""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum
from typing import ClassVar

from connect.config import (
    Config,
    Importance,
    Kind,
    boolean,
    choice,
    class_name,
    integer,
    listing,
    optional_string,
    refused,
    string,
)
from connect.errors import ConfigError
from connect.validators import at_least, java_regexes, not_empty

COMMON = "Common"
TRANSFORMS = "Transforms"
PREDICATES = "Predicates"
ERRORS = "Error Handling"
TOPICS = "Topic Creation"


class Tolerance(StrEnum):
    NONE = "none"
    ALL = "all"


class ConnectorConfig(Config):
    """Base of every connector's Config."""

    prefixes: ClassVar[tuple[str, ...]] = (
        "key.converter.",
        "value.converter.",
        "header.converter.",
        "transforms.",
        "predicates.",
        "admin.override.",
    )

    name = string(
        "name", doc="Globally unique name of this connector.", group=COMMON,
        importance=Importance.HIGH, valid=[not_empty],
    )  # fmt: skip
    connector_class = class_name(
        "connector.class", doc="Which connector: its class name, or a short name.", group=COMMON,
        importance=Importance.HIGH,
    )  # fmt: skip
    tasks_max = integer(
        "tasks.max", 1, doc="Most tasks to run.", group=COMMON, importance=Importance.HIGH,
        valid=[at_least(1)],
    )  # fmt: skip
    tasks_max_enforce = boolean(
        "tasks.max.enforce", True, doc="Fail when a connector makes more tasks than allowed.",
        importance=Importance.LOW, group=COMMON,
    )  # fmt: skip
    key_converter = class_name(
        "key.converter", None, doc="Converter of keys; the worker's if not set.", group=COMMON
    )
    value_converter = class_name(
        "value.converter", None, doc="Converter of values; the worker's if not set.", group=COMMON
    )
    header_converter = class_name(
        "header.converter", None, doc="Converter of headers; the worker's if not set.", group=COMMON
    )
    transforms = listing(
        "transforms", doc="Aliases of the transforms to apply, in order.", group=TRANSFORMS
    )
    predicates = listing("predicates", doc="Aliases of the predicates used.", group=PREDICATES)
    config_action_reload = string(
        "config.action.reload", "restart", importance=Importance.LOW, group=COMMON,
        doc="Accepted; no config provider here tells of a change, so nothing is reloaded.",
    )  # fmt: skip
    errors_retry_timeout = integer(
        "errors.retry.timeout", 0, kind=Kind.LONG, group=ERRORS,
        doc="Longest time a failed operation is retried, in ms; 0 not at all, -1 for ever.",
    )  # fmt: skip
    errors_retry_delay_max = integer(
        "errors.retry.delay.max.ms", 60_000, kind=Kind.LONG, group=ERRORS,
        doc="Longest wait between retries, ms.",
    )  # fmt: skip
    errors_tolerance = choice(
        "errors.tolerance", Tolerance, Tolerance.NONE, group=ERRORS,
        doc="none: a record that cannot be converted stops the task; all: it is skipped.",
    )  # fmt: skip
    errors_log_enable = boolean(
        "errors.log.enable", False, doc="Log each tolerated error.", group=ERRORS
    )
    errors_log_include_messages = boolean(
        "errors.log.include.messages", False, doc="Log the records that failed.", group=ERRORS
    )


class SourceConfig(ConnectorConfig):
    """Base of every source connector's Config."""

    prefixes: ClassVar[tuple[str, ...]] = ("producer.override.", "topic.creation.")

    topic_creation_groups = listing(
        "topic.creation.groups", doc="Groups of topics with settings of their own.", group=TOPICS
    )
    exactly_once_support = refused(
        "exactly.once.support", "requested", "exactly-once sources need a distributed worker"
    )
    transaction_boundary = refused(
        "transaction.boundary", "poll", "exactly-once sources need a distributed worker"
    )
    transaction_boundary_interval = refused(
        "transaction.boundary.interval.ms", None, "exactly-once sources need a distributed worker"
    )
    offsets_storage_topic = refused(
        "offsets.storage.topic", None, "exactly-once sources need a distributed worker"
    )


class SinkConfig(ConnectorConfig):
    """Base of every sink connector's Config."""

    prefixes: ClassVar[tuple[str, ...]] = ("consumer.override.", "producer.override.")

    topics = listing("topics", doc="Topics to read.", importance=Importance.HIGH, group=COMMON)
    topics_regex = optional_string(
        "topics.regex", doc="Regular expression of the topics to read.",
        importance=Importance.HIGH, group=COMMON,
        valid=[lambda v: java_regexes([v]) if v else None],
    )  # fmt: skip
    dead_letter_topic = string(
        "errors.deadletterqueue.topic.name", "", group=ERRORS,
        doc="Topic for records that could not be handled; empty for none.",
    )  # fmt: skip
    dead_letter_replication = integer(
        "errors.deadletterqueue.topic.replication.factor", 3, kind=Kind.SHORT, group=ERRORS,
        doc="Replication of that topic when it is created.",
    )  # fmt: skip
    dead_letter_headers = boolean(
        "errors.deadletterqueue.context.headers.enable", False, group=ERRORS,
        doc="Add headers that say where and why the record failed.",
    )  # fmt: skip

    def check(self) -> Iterator[ConfigError]:
        yield from super().check()
        if bool(self.topics) == bool(self.topics_regex):
            problem = "both are set" if self.topics else "neither is set"
            yield ConfigError("topics", f"One of topics and topics.regex is needed, but {problem}.")
        if self.dead_letter_topic and self.dead_letter_topic in self.topics:
            yield ConfigError(
                "errors.deadletterqueue.topic.name",
                f"The dead letter topic {self.dead_letter_topic} is also read by this sink.",
                cure="Choose another name.",
            )

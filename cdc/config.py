"""The binlog source's keys: Debezium's MySQL connector, section by section of its reference.

Keys that Debezium honours and we do not yet are declared ``refused``: their default is accepted,
anything else is an error that says so.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from enum import StrEnum
from typing import ClassVar

from cdc.connection import SslMode
from cdc.types.options import (
    BigintUnsignedHandling,
    BinaryHandling,
    DecimalHandling,
    TimePrecision,
)
from connect.config import (
    Importance,
    Key,
    Kind,
    boolean,
    choice,
    integer,
    listing,
    optional_string,
    password,
    refused,
    string,
)
from connect.connector_config import SourceConfig
from connect.errors import ConfigError
from connect.validators import at_least, java_regexes, matching
from schema_history.storage import PREFIX as HISTORY_KEYS
from schema_history.storage import HistoryConfig

CONNECTION = "Connection"
FILTERS = "Filters"
EVENTS = "Events"
SNAPSHOT = "Snapshot"
STREAMING = "Streaming"
HIGH, LOW = Importance.HIGH, Importance.LOW


class SnapshotMode(StrEnum):
    INITIAL = "initial"
    NO_DATA = "no_data"
    ALWAYS = "always"
    INITIAL_ONLY = "initial_only"
    WHEN_NEEDED = "when_needed"
    RECOVERY = "recovery"
    CONFIGURATION_BASED = "configuration_based"
    CUSTOM = "custom"


class SnapshotLocking(StrEnum):
    MINIMAL = "minimal"
    EXTENDED = "extended"
    NONE = "none"
    MINIMAL_PERCONA = "minimal_percona"
    MINIMAL_PERCONA_NO_TABLE_LOCKS = "minimal_percona_no_table_locks"
    CUSTOM = "custom"


class FailureHandling(StrEnum):
    FAIL = "fail"
    WARN = "warn"
    SKIP = "skip"


OPERATIONS = ("c", "u", "d", "r", "t", "none")
_BUILT_MODES = {SnapshotMode.INITIAL, SnapshotMode.NO_DATA}
_NAME = matching(r"[A-Za-z0-9_.\-]+", "made of letters, digits, underscores, dots and dashes")
_NOT_YET = "it is not built yet"
_PERCONA = "it is a lock of Percona Server; use minimal"


def _operations(value: Sequence[str]) -> str | None:
    wrong = [item for item in value if item not in OPERATIONS]
    if wrong:
        return f"{wrong[0]!r} is none of {', '.join(OPERATIONS)}"
    return "'none' stands alone" if "none" in value and len(value) > 1 else None


def _regex_list(name: str, doc: str, importance: Importance = Importance.MEDIUM) -> Key[list[str]]:
    return listing(name, None, doc=doc, importance=importance, group=FILTERS, valid=[java_regexes])


class MySqlConfig(SourceConfig, HistoryConfig):
    """Every key of Debezium's MySQL connector 3.6, and the ones all source connectors have."""

    prefixes: ClassVar[tuple[str, ...]] = (HISTORY_KEYS,)

    # --- connection ---
    topic_prefix = string(
        "topic.prefix", doc="Logical name of the source; first part of every topic's name.",
        importance=HIGH, group=CONNECTION, valid=[_NAME],
    )  # fmt: skip
    hostname = string(
        "database.hostname", doc="Host name or address of the server.",
        importance=HIGH, group=CONNECTION,
    )  # fmt: skip
    port = integer(
        "database.port", 3306, doc="Port of the server.", importance=HIGH, group=CONNECTION
    )
    user = string("database.user", doc="User to connect as.", importance=HIGH, group=CONNECTION)
    database_password = password("database.password", doc="That user's password.", group=CONNECTION)
    server_id = integer(
        "database.server.id", kind=Kind.LONG, doc="Replica id, unlike that of any other replica.",
        importance=HIGH, group=CONNECTION, valid=[at_least(1)],
    )  # fmt: skip
    ssl_mode = choice(
        "database.ssl.mode", SslMode, SslMode.PREFERRED, group=CONNECTION,
        doc="Whether to encrypt and what to verify.",
    )  # fmt: skip
    ssl_truststore = optional_string(
        "database.ssl.truststore", doc="PEM file of the authorities to trust.", group=CONNECTION
    )
    ssl_truststore_password = password(
        "database.ssl.truststore.password", doc="Accepted; PEM files need none.", group=CONNECTION
    )
    ssl_keystore = optional_string(
        "database.ssl.keystore", doc="PEM file with our certificate and key.", group=CONNECTION
    )
    ssl_keystore_password = password(
        "database.ssl.keystore.password", doc="Password of the key in that file.", group=CONNECTION
    )
    initial_statements = optional_string(
        "database.initial.statements", importance=LOW, group=CONNECTION,
        doc="Statements run on each connection that queries, split at ';' (';;' is one ';').",
    )  # fmt: skip
    connect_timeout = integer(
        "connect.timeout.ms", 30_000, doc="Longest wait for a connection, ms.", group=CONNECTION,
        valid=[at_least(1)],
    )  # fmt: skip
    query_timeout = integer(
        "database.query.timeout.ms", 600_000, importance=LOW, group=CONNECTION,
        doc="Longest wait for the next data of a query, ms; 0 for ever.", valid=[at_least(0)],
    )  # fmt: skip
    keep_alive = refused(
        "connect.keep.alive", True, "a broken connection is always opened again", kind=Kind.BOOLEAN
    )
    keep_alive_interval = integer(
        "connect.keep.alive.interval.ms", 60_000, kind=Kind.LONG, group=CONNECTION,
        doc="The server sends a sign of life every 0.8 of this; silence of all of it is a break.",
        valid=[at_least(1)],
    )  # fmt: skip
    server_id_offset = refused("database.server.id.offset", 10_000, _NOT_YET, kind=Kind.LONG)
    jdbc_driver = refused(
        "database.jdbc.driver", "com.mysql.cj.jdbc.Driver", "there is no JDBC here"
    )
    protocol = refused("database.protocol", "jdbc:mysql", "there is no JDBC here")
    nongraceful = refused("use.nongraceful.disconnect", False, _NOT_YET, kind=Kind.BOOLEAN)
    net_write_timeout = integer(
        "binlog.net.write.timeout", 0, kind=Kind.LONG, importance=LOW, group=CONNECTION,
        doc="How long the server waits for us to read its binlog, s; 0 its own setting.",
        valid=[at_least(0)],
    )  # fmt: skip
    net_read_timeout = refused("binlog.net.read.timeout", 0, _NOT_YET, kind=Kind.LONG)
    validation_timeout = integer(
        "connection.validation.timeout.ms", 60_000, kind=Kind.LONG, importance=LOW,
        group=CONNECTION, doc="Longest wait for a connection while a configuration is checked, ms.",
    )  # fmt: skip
    shutdown_timeout = integer(
        "executor.shutdown.timeout.ms", 4000, kind=Kind.LONG, importance=LOW, group=CONNECTION,
        doc="Longest wait for the reader to end at stop, ms.",
    )  # fmt: skip

    # --- filters ---
    database_include = _regex_list(
        "database.include.list", "Databases to capture (regular expressions).", HIGH
    )
    database_exclude = _regex_list("database.exclude.list", "Databases to leave out.")
    table_include = _regex_list("table.include.list", "Tables to capture, as database.table.", HIGH)
    table_exclude = _regex_list("table.exclude.list", "Tables to leave out.")
    column_include = _regex_list(
        "column.include.list", "Columns to capture, as database.table.column."
    )
    column_exclude = _regex_list("column.exclude.list", "Columns to leave out.")
    ignore_builtin = boolean(
        "table.ignore.builtin", True, doc="Leave out the server's own databases.", group=FILTERS
    )
    message_key_columns = refused("message.key.columns", None, _NOT_YET)
    skipped_operations = listing(
        "skipped.operations", ["t"], group=FILTERS, valid=[_operations],
        doc="Kinds of change to leave out: c, u, d, r, t; or none.",
    )  # fmt: skip
    skip_unchanged = refused("skip.messages.without.change", False, _NOT_YET, kind=Kind.BOOLEAN)

    # --- events ---
    tombstones = boolean(
        "tombstones.on.delete", True, doc="Follow each delete with a null value.", group=EVENTS
    )
    include_schema_changes = boolean(
        "include.schema.changes", True, doc="Publish DDL to the schema-change topic.", group=EVENTS
    )
    include_schema_comments = boolean(
        "include.schema.comments", False, doc="Carry table and column comments.", group=EVENTS
    )
    include_query = boolean(
        "include.query", False, doc="Carry the statement's text where the server logs it.",
        group=EVENTS,
    )  # fmt: skip
    provide_transaction_metadata = refused(
        "provide.transaction.metadata", False, _NOT_YET, kind=Kind.BOOLEAN
    )
    transaction_metadata_factory = refused(
        "transaction.metadata.factory",
        "io.debezium.pipeline.txmetadata.DefaultTransactionMetadataFactory",
        _NOT_YET,
    )
    propagate_column = refused("column.propagate.source.type", None, _NOT_YET)
    propagate_datatype = refused("datatype.propagate.source.type", None, _NOT_YET)
    converters = refused("converters", None, _NOT_YET)
    post_processors = refused("post.processors", None, _NOT_YET)
    struct_maker = refused(
        "sourceinfo.struct.maker",
        "io.debezium.connector.mysql.MySqlSourceInfoStructMaker",
        _NOT_YET,
    )
    extended_headers = boolean(
        "extended.headers.enabled", True, group=EVENTS, importance=LOW,
        doc="Add the __debezium.context headers.",
    )  # fmt: skip
    guardrail_max = refused("guardrail.collections.max", 0, _NOT_YET, kind=Kind.INT)
    guardrail_action = refused("guardrail.collections.limit.action", "warn", _NOT_YET)
    decimal_handling = choice(
        "decimal.handling.mode", DecimalHandling, DecimalHandling.PRECISE, group=EVENTS,
        doc="How DECIMAL is represented.",
    )  # fmt: skip
    bigint_unsigned_handling = choice(
        "bigint.unsigned.handling.mode", BigintUnsignedHandling, BigintUnsignedHandling.LONG,
        group=EVENTS, doc="How BIGINT UNSIGNED is represented.",
    )  # fmt: skip
    time_precision = choice(
        "time.precision.mode", TimePrecision, TimePrecision.ADAPTIVE_TIME_MICROSECONDS,
        group=EVENTS, doc="How DATE, TIME and DATETIME are represented.",
    )  # fmt: skip
    binary_handling = choice(
        "binary.handling.mode", BinaryHandling, BinaryHandling.BYTES, group=EVENTS,
        doc="How binary columns are represented.",
    )  # fmt: skip
    time_adjuster = boolean(
        "enable.time.adjuster", True, group=EVENTS, importance=LOW,
        doc="Read years 0-69 as 2000-2069 and 70-99 as 1970-1999.",
    )  # fmt: skip
    schema_name_adjustment = refused("schema.name.adjustment.mode", "none", _NOT_YET)
    field_name_adjustment = refused("field.name.adjustment.mode", "none", _NOT_YET)
    unavailable_placeholder = refused(
        "unavailable.value.placeholder", "__debezium_unavailable_value", _NOT_YET
    )
    topic_naming = refused(
        "topic.naming.strategy", "io.debezium.schema.SchemaTopicNamingStrategy",
        "only the default naming is built",
        aliases=["io.debezium.schema.DefaultTopicNamingStrategy"],
    )  # fmt: skip
    topic_delimiter = string(
        "topic.delimiter", ".", doc="Between the parts of a topic's name.", group=EVENTS,
        valid=[_NAME],
    )  # fmt: skip
    topic_cache_size = integer(
        "topic.cache.size", 10_000, importance=LOW, group=EVENTS,
        doc="Accepted and not needed: names are worked out once per table version.",
    )  # fmt: skip
    topic_transaction = refused("topic.transaction", "transaction", _NOT_YET)
    topic_heartbeat_name = optional_string(
        "topic.heartbeat.name", doc="Heartbeat topic, whole name.", importance=LOW, group=EVENTS
    )
    topic_heartbeat_prefix = string(
        "topic.heartbeat.prefix", "__debezium-heartbeat", group=EVENTS, importance=LOW,
        doc="Heartbeats go to this, the delimiter and the topic prefix.",
    )  # fmt: skip
    heartbeat_topics_prefix = optional_string(
        "heartbeat.topics.prefix", doc="Older name of topic.heartbeat.prefix.", importance=LOW,
        group=EVENTS,
    )  # fmt: skip

    # --- snapshot ---
    snapshot_mode = choice(
        "snapshot.mode", SnapshotMode, SnapshotMode.INITIAL, group=SNAPSHOT, importance=HIGH,
        doc="What to read before streaming: initial the rows too, no_data only the schemas.",
        refused_options=dict.fromkeys(set(SnapshotMode) - _BUILT_MODES, _NOT_YET),
    )  # fmt: skip
    snapshot_locking = choice(
        "snapshot.locking.mode", SnapshotLocking, SnapshotLocking.MINIMAL, group=SNAPSHOT,
        doc="minimal: a global read lock while position and schemas are read; none: no lock.",
        refused_options={
            SnapshotLocking.EXTENDED: _NOT_YET,
            SnapshotLocking.CUSTOM: _NOT_YET,
            SnapshotLocking.MINIMAL_PERCONA: _PERCONA,
            SnapshotLocking.MINIMAL_PERCONA_NO_TABLE_LOCKS: _PERCONA,
        },
    )  # fmt: skip
    snapshot_query_mode = refused("snapshot.query.mode", "select_all", _NOT_YET)
    snapshot_include = listing(
        "snapshot.include.collection.list", None, group=SNAPSHOT, valid=[java_regexes],
        doc="Of the captured tables, those whose rows are read at the start; all if not set.",
    )  # fmt: skip
    snapshot_overrides = refused("snapshot.select.statement.overrides", None, _NOT_YET)
    snapshot_fetch_size = integer(
        "snapshot.fetch.size", None, importance=LOW, group=SNAPSHOT,
        doc="Accepted and not needed: rows are always streamed.",
    )  # fmt: skip
    snapshot_min_rows = integer(
        "min.row.count.to.stream.results", 1000, importance=LOW, group=SNAPSHOT,
        doc="Accepted and not needed: rows are always streamed.",
    )  # fmt: skip
    snapshot_lock_timeout = integer(
        "snapshot.lock.timeout.ms", 10_000, kind=Kind.LONG, group=SNAPSHOT,
        doc="Longest wait for the lock, ms.", valid=[at_least(1)],
    )  # fmt: skip
    snapshot_max_threads = refused("snapshot.max.threads", 1, _NOT_YET, kind=Kind.INT)
    snapshot_threads_multiplier = refused(
        "snapshot.max.threads.multiplier", 1, _NOT_YET, kind=Kind.INT
    )
    legacy_snapshot_threads = refused(
        "legacy.snapshot.max.threads", False, _NOT_YET, kind=Kind.BOOLEAN
    )
    snapshot_order = refused("snapshot.tables.order.by.row.count", "disabled", _NOT_YET)
    snapshot_delay = integer(
        "snapshot.delay.ms", 0, kind=Kind.LONG, importance=LOW, group=SNAPSHOT,
        doc="Wait before the snapshot, ms.", valid=[at_least(0)],
    )  # fmt: skip
    streaming_delay = integer(
        "streaming.delay.ms", 0, kind=Kind.LONG, importance=LOW, group=SNAPSHOT,
        doc="Wait between snapshot and streaming, ms.", valid=[at_least(0)],
    )  # fmt: skip
    incremental_chunk = refused("incremental.snapshot.chunk.size", 1024, _NOT_YET, kind=Kind.INT)
    incremental_changes = refused(
        "incremental.snapshot.allow.schema.changes", False, _NOT_YET, kind=Kind.BOOLEAN
    )
    incremental_watermark = refused(
        "incremental.snapshot.watermarking.strategy", "INSERT_INSERT", _NOT_YET
    )
    read_only = refused("read.only", False, _NOT_YET, kind=Kind.BOOLEAN)
    signal_collection = refused("signal.data.collection", None, "signals are not built yet")
    signal_channels = refused("signal.enabled.channels", "source", "signals are not built yet")
    signal_poll = integer(
        "signal.poll.interval.ms", 5000, kind=Kind.LONG, importance=LOW, group=STREAMING,
        doc="Accepted; signals are not built yet.",
    )  # fmt: skip
    notification_channels = refused(
        "notification.enabled.channels", None, "notifications are not built yet"
    )
    notification_topic = refused(
        "notification.sink.topic.name", None, "notifications are not built yet"
    )

    # --- streaming ---
    max_batch_size = integer(
        "max.batch.size", 2048, doc="Most records handed on at once.", group=STREAMING,
        valid=[at_least(1)],
    )  # fmt: skip
    max_queue_size = integer(
        "max.queue.size", 8192, doc="Most records read ahead of the log.", group=STREAMING,
        valid=[at_least(1)],
    )  # fmt: skip
    max_queue_bytes = refused("max.queue.size.in.bytes", 0, _NOT_YET, kind=Kind.LONG)
    queue_provider = refused("queue.provider.type", None, _NOT_YET)
    poll_interval = integer(
        "poll.interval.ms", 500, kind=Kind.LONG, importance=LOW, group=STREAMING,
        doc="Accepted and not needed: records are handed on at once.",
    )  # fmt: skip
    query_fetch_size = refused("query.fetch.size", 0, _NOT_YET, kind=Kind.INT)
    buffer_size = refused(
        "binlog.buffer.size", 0, "rolled back rows are not seen in the binlog without it either",
        kind=Kind.INT,
    )  # fmt: skip
    processing_failure = choice(
        "event.processing.failure.handling.mode", FailureHandling, FailureHandling.FAIL,
        group=STREAMING, doc="What to do with an event that cannot be read.",
        refused_options={FailureHandling.WARN: _NOT_YET, FailureHandling.SKIP: _NOT_YET},
    )  # fmt: skip
    deserialization_failure = refused(
        "event.deserialization.failure.handling.mode", "fail", "it is deprecated and has no effect"
    )
    converting_failure = refused("event.converting.failure.handling.mode", "warn", _NOT_YET)
    inconsistent_schema = choice(
        "inconsistent.schema.handling.mode", FailureHandling, FailureHandling.FAIL,
        group=STREAMING, doc="What to do with rows of a captured table whose schema is not known.",
    )  # fmt: skip
    errors_max_retries = integer(
        "errors.max.retries", -1, importance=LOW, group=STREAMING,
        doc="Accepted and without effect, as in Debezium: a lost server is waited for without end.",
    )  # fmt: skip
    retriable_wait = integer(
        "retriable.restart.connector.wait.ms", 10_000, kind=Kind.LONG, importance=LOW,
        group=STREAMING, doc="Accepted and without effect: waits grow from 0.2 to 30 s.",
    )  # fmt: skip
    heartbeat_interval = integer(
        "heartbeat.interval.ms", 0, group=STREAMING, valid=[at_least(0)],
        doc="Send a heartbeat record so often, ms; 0 never.",
    )  # fmt: skip
    heartbeat_query = optional_string(
        "heartbeat.action.query", doc="Statement run with each heartbeat.", group=STREAMING
    )
    gtid_includes = refused("gtid.source.includes", None, _NOT_YET)
    gtid_excludes = refused("gtid.source.excludes", None, _NOT_YET)
    gtid_filter = refused("gtid.source.filter.dml.events", True, _NOT_YET, kind=Kind.BOOLEAN)
    gtid_ignore = boolean(
        "gtid.ignore.on.recovery", False, group=STREAMING, importance=LOW,
        doc="Resume by file and position even where GTIDs are known.",
    )  # fmt: skip
    ddl_parser = refused("ddl.parser.type", "default", "there is one DDL reader")
    statistics_metrics = boolean(
        "statistics.metrics.enabled", True, importance=LOW, group=STREAMING,
        doc="Accepted; lag is measured either way.",
    )  # fmt: skip
    metric_tags = refused("custom.metric.tags", None, _NOT_YET, kind=Kind.LIST)
    sanitize_pattern = optional_string(
        "custom.sanitize.pattern", importance=LOW, group=STREAMING,
        doc="Accepted; secrets are never shown.",
    )  # fmt: skip
    memory_schemas = refused("memory.management.schemas.class", None, "there is no JVM here")
    memory_tables = refused("memory.management.tables.class", None, "there is no JVM here")
    openlineage = refused("openlineage.integration.enabled", False, _NOT_YET, kind=Kind.BOOLEAN)

    def check(self) -> Iterator[ConfigError]:
        yield from super().check()
        for what in ("database", "table", "column"):
            include, exclude = f"{what}.include.list", f"{what}.exclude.list"
            if self.values[include] and self.values[exclude]:
                yield ConfigError(
                    exclude, f'"{include}" is already specified.', cure="Keep one of the two."
                )
        if self.max_queue_size <= self.max_batch_size:
            yield ConfigError(
                "max.queue.size",
                f"Invalid value {self.max_queue_size} for configuration max.queue.size: "
                "Must be larger than the maximum batch size",
            )
        if self.tasks_max > 1:
            yield ConfigError(
                "tasks.max",
                f"tasks.max={self.tasks_max}: a binlog is one ordered stream, read by one task.",
                cure="Set tasks.max=1.",
            )
        for name in self.settings:
            if _MASKING.match(name):
                yield ConfigError(name, f"{name} is not supported: {_NOT_YET}.")


_MASKING = re.compile(r"column\.(mask|truncate)\.")

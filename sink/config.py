"""The keys of the JDBC sink, as Confluent's connector and its relatives name them.

Follows ``io.confluent.connect.jdbc.sink.JdbcSinkConfig``; ``topics.to.tables.mapping``,
``table.name.normalize``, ``sql.quote.identifiers`` and ``insert.mode=multi`` are Aiven's,
``topic.table.mapping`` is OpenMLDB's.
"""

from __future__ import annotations

from collections.abc import Iterator
from enum import StrEnum

from connect.config import (
    Importance,
    Kind,
    boolean,
    choice,
    integer,
    listing,
    refused,
    string,
)
from connect.connector_config import SinkConfig
from connect.errors import ConfigError
from connect.jdbc_config import CONNECTION, Calendar, JdbcConfig
from connect.validators import at_least, not_empty

WRITES = "Writes"
MAPPING = "Data Mapping"
DDL = "DDL Support"
RETRIES = "Retries"


class InsertMode(StrEnum):
    INSERT = "insert"
    MULTI = "multi"
    UPSERT = "upsert"
    UPDATE = "update"


class PkMode(StrEnum):
    NONE = "none"
    KAFKA = "kafka"
    RECORD_KEY = "record_key"
    RECORD_VALUE = "record_value"


class DateZone(StrEnum):
    DB_TIMEZONE = "DB_TIMEZONE"
    UTC = "UTC"


class Precision(StrEnum):
    MICROSECONDS = "microseconds"
    NANOSECONDS = "nanoseconds"


def _pairs(value: object) -> str | None:
    for item in value if isinstance(value, list) else []:
        topic, _, table = item.partition(":")
        if not topic.strip() or not table.strip():
            return f"{item!r} is not topic:table"
    return None


class JdbcSinkConfig(JdbcConfig, SinkConfig):
    """Settings of one sink connector."""

    dialect_name = string(
        "dialect.name", "", group=CONNECTION, importance=Importance.LOW,
        doc="Dialect to use instead of the one the URL names: mysql, mariadb, postgresql, sqlite, "
        "duckdb, or its Java class name.",
    )  # fmt: skip

    insert_mode = choice(
        "insert.mode", InsertMode, InsertMode.INSERT, group=WRITES, importance=Importance.HIGH,
        doc="insert: plain INSERT, many rows a statement (multi is Aiven's name for it); "
        "upsert: insert or update by key, which makes replays harmless; "
        "update: change rows that exist, and nothing where none does.",
    )  # fmt: skip
    batch_size = integer(
        "batch.size", 3000, group=WRITES, valid=[at_least(0)],
        doc="Most rows of one statement.",
    )  # fmt: skip
    delete_enabled = boolean(
        "delete.enabled", False, group=WRITES,
        doc="Whether a null value, or a Debezium delete event, deletes the row of its key. "
        "Needs pk.mode record_key.",
    )  # fmt: skip

    pk_mode = choice(
        "pk.mode", PkMode, PkMode.NONE, group=MAPPING, importance=Importance.HIGH,
        doc="Where the primary key comes from: none; kafka (topic, partition, offset); record_key; "
        "record_value.",
    )  # fmt: skip
    pk_fields = listing(
        "pk.fields", group=MAPPING,
        doc="Key columns. record_key and record_value: fields to use, empty for all; with a "
        "primitive key its one column name. kafka: three column names, empty for "
        "__connect_topic, __connect_partition, __connect_offset.",
    )  # fmt: skip
    fields_whitelist = listing(
        "fields.whitelist", group=MAPPING,
        doc="Value fields to write, empty for all; key fields are always written.",
    )  # fmt: skip
    table_name_format = string(
        "table.name.format", "${topic}", group=MAPPING, valid=[not_empty],
        doc="Target table, ${topic} standing for the topic. Dots separate schema (MySQL: "
        "database) and table; quotes around a part keep its dots: \"${topic}\".",
    )  # fmt: skip
    topics_to_tables = listing(
        "topics.to.tables.mapping", group=MAPPING, importance=Importance.LOW, valid=[_pairs],
        doc="topic:table pairs that win over table.name.format (Aiven).",
    )  # fmt: skip
    topic_table_mapping = listing(
        "topic.table.mapping", group=MAPPING, importance=Importance.LOW, valid=[_pairs],
        doc="The same under OpenMLDB's name.",
    )  # fmt: skip
    table_name_normalize = boolean(
        "table.name.normalize", False, group=MAPPING, importance=Importance.LOW,
        doc="Write _ for each character of the topic other than A-Z a-z 0-9 _ (Aiven).",
    )  # fmt: skip
    table_types = listing(
        "table.types", ["TABLE"], group=MAPPING, importance=Importance.LOW,
        doc="Accepted for compatibility: a table of any kind may be written to, and a view if the "
        "database allows it.",
    )  # fmt: skip
    date_timezone = choice(
        "date.timezone", DateZone, DateZone.DB_TIMEZONE, group=MAPPING, importance=Importance.LOW,
        doc="Accepted for compatibility: a date has no zone and is written as it is.",
    )  # fmt: skip
    date_calendar = choice(
        "date.calendar.system", Calendar, Calendar.LEGACY, group=MAPPING,
        importance=Importance.LOW,
        doc="Accepted for compatibility: dates are always counted in the Gregorian calendar, "
        "which differs from LEGACY before 1582.",
    )  # fmt: skip
    timestamp_fields = listing(
        "timestamp.fields.list", group=MAPPING,
        doc="INT64 or STRING fields to be written as timestamps.",
    )  # fmt: skip
    timestamp_precision = choice(
        "timestamp.precision.mode", Precision, Precision.MICROSECONDS, group=MAPPING,
        doc="Unit of INT64 values in timestamp.fields.list.",
    )  # fmt: skip
    null_as_default = boolean(
        "replace.null.with.default", True, group=MAPPING,
        doc="Write a flat record's null as the default of its field's schema. In Debezium's "
        "change events a null is always a null.",
    )  # fmt: skip
    string_column = string(
        "string.output.value.column.name", "record_value", group=MAPPING,
        importance=Importance.LOW, valid=[not_empty],
        doc="Column for values whose schema is a bare STRING.",
    )  # fmt: skip

    auto_create = boolean(
        "auto.create", False, group=DDL, doc="Create the target table if it is missing."
    )
    auto_evolve = boolean(
        "auto.evolve", False, group=DDL, doc="Add columns that the target table lacks."
    )
    sql_quote_identifiers = boolean(
        "sql.quote.identifiers", True, group=DDL, importance=Importance.LOW,
        doc="quote.sql.identifiers under Aiven's name: false is NEVER.",
    )  # fmt: skip
    merge_holdlock = refused(
        "mssql.use.merge.holdlock", True, "SQL Server is no target", kind=Kind.BOOLEAN, group=DDL
    )

    max_retries = integer(
        "max.retries", 10, group=RETRIES, valid=[at_least(0)],
        doc="How often in a row a write is tried again after a fault of the moment.",
    )  # fmt: skip
    retry_backoff = integer(
        "retry.backoff.ms", 3000, group=RETRIES, valid=[at_least(0)],
        doc="Wait before each such retry, ms.",
    )  # fmt: skip
    trim_log = boolean(
        "trim.sensitive.log", False, group=RETRIES, importance=Importance.LOW,
        doc="Leave the database's own words, which may quote row values, out of errors.",
    )  # fmt: skip

    @property
    def quoted(self) -> bool:
        """Whether names are quoted, by either of the two keys."""
        return super().quoted and self.sql_quote_identifiers

    @property
    def tables_by_topic(self) -> dict[str, str]:
        """What the two mapping lists say."""
        pairs = (item.partition(":") for item in self.topics_to_tables + self.topic_table_mapping)
        return {topic.strip(): table.strip() for topic, _, table in pairs}

    def check(self) -> Iterator[ConfigError]:
        yield from super().check()
        if self.delete_enabled and self.pk_mode is not PkMode.RECORD_KEY:
            yield ConfigError(
                "delete.enabled",
                f"delete.enabled=true with pk.mode={self.pk_mode} cannot work: "
                "a delete is known by its record key.",
                cure="Set pk.mode=record_key.",
            )
        plain = self.insert_mode in (InsertMode.INSERT, InsertMode.MULTI)
        if self.pk_mode is PkMode.NONE and not plain:
            yield ConfigError(
                "pk.mode",
                f"insert.mode={self.insert_mode} needs a primary key, but pk.mode is none.",
                cure="Set pk.mode to record_key, record_value or kafka.",
            )
        if self.pk_mode is PkMode.KAFKA and len(self.pk_fields) not in (0, 3):
            yield ConfigError(
                "pk.fields",
                f"pk.mode=kafka takes three names in pk.fields or none, not {len(self.pk_fields)}.",
                cure="Name the columns for topic, partition and offset, or leave pk.fields empty.",
            )

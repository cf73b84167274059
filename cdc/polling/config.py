"""The keys of the polling source: Confluent's JDBC source connector.

Follows ``io.confluent.connect.jdbc.source.JdbcSourceConnectorConfig`` and its validation of keys
that belong together.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from enum import StrEnum

from cdc.polling.modes import Mode
from cdc.polling.types import Granularity, NumericMapping, Rules
from connect.config import (
    Importance,
    Kind,
    boolean,
    choice,
    integer,
    listing,
    optional_string,
    password,
    string,
)
from connect.connector_config import SourceConfig
from connect.errors import ConfigError
from connect.jdbc_config import CONNECTION, Calendar, JdbcConfig
from connect.validators import at_least, java_regexes, matching, not_empty

TABLES = "Tables"
MODE = "Mode"
READING = "Connector"

BACKENDS = {
    "mysql": "MySqlDatabaseDialect",
    "mariadb": "MySqlDatabaseDialect",
    "postgresql": "PostgreSqlDatabaseDialect",
    "sqlite": "SqliteDatabaseDialect",
}
"""Databases that can be polled, each with the name ``dialect.name`` has for it."""

_MAPPING = re.compile(r"(?P<regex>.+?):(?P<columns>\[[^\]]*\]|[^:]+)")


class Isolation(StrEnum):
    DEFAULT = "DEFAULT"
    READ_UNCOMMITTED = "READ_UNCOMMITTED"
    READ_COMMITTED = "READ_COMMITTED"
    REPEATABLE_READ = "REPEATABLE_READ"
    SERIALIZABLE = "SERIALIZABLE"
    SQL_SERVER_SNAPSHOT = "SQL_SERVER_SNAPSHOT"


def _mappings(entries: list[str]) -> str | None:
    for entry in entries:
        found = _MAPPING.fullmatch(entry)
        if found is None:
            return f"{entry!r} is not of the form regex:column"
        try:
            re.compile(found["regex"])
        except re.error as error:
            return f"{found['regex']!r} is not a regular expression: {error}"
    return None


class PollingConfig(JdbcConfig, SourceConfig):
    """What a polling connector, and each of its tasks, is told."""

    # --- connection
    connection_url = string(
        "connection.url", "", doc=JdbcConfig.connection_url.doc, group=CONNECTION,
        importance=Importance.HIGH, valid=[not_empty],
    )  # fmt: skip
    dialect_name = string(
        "dialect.name", "", group=CONNECTION, importance=Importance.LOW,
        doc="Confluent's name of the dialect. The URL decides; another dialect is an error.",
    )  # fmt: skip

    # --- tables
    table_whitelist = listing(
        "table.whitelist", doc="Tables to read: bare names or with schema or database.",
        group=TABLES,
    )  # fmt: skip
    table_blacklist = listing("table.blacklist", doc="Tables to leave out.", group=TABLES)
    table_include = listing(
        "table.include.list", group=TABLES, valid=[java_regexes],
        doc="Regular expressions; a table whose whole qualified name matches one is read.",
    )  # fmt: skip
    table_exclude = listing(
        "table.exclude.list", group=TABLES, valid=[java_regexes],
        doc="Regular expressions; takes tables out of those of table.include.list.",
    )  # fmt: skip
    catalog_pattern = optional_string(
        "catalog.pattern", group=TABLES,
        doc="LIKE pattern for the catalog (MySQL's database). Empty: tables without one.",
    )  # fmt: skip
    schema_pattern = optional_string(
        "schema.pattern", group=TABLES,
        doc="LIKE pattern for the schema (PostgreSQL). Empty: tables without one.",
    )  # fmt: skip
    table_types = listing(
        "table.types", ("TABLE",), doc="Kinds of table, such as TABLE and VIEW.", group=TABLES
    )
    table_poll_interval = integer(
        "table.poll.interval.ms", 60_000, kind=Kind.LONG, group=TABLES, valid=[at_least(1)],
        doc="How often the list of tables is looked at again, ms.",
    )  # fmt: skip
    startup_limit = integer(
        "table.monitoring.startup.polling.limit.ms", 10_000, kind=Kind.LONG, group=TABLES,
        importance=Importance.LOW,
        doc="Without effect: the list of tables is read before tasks are made.",
    )  # fmt: skip
    query = string(
        "query", "", doc="A SELECT to poll in place of tables.", group=MODE,
        valid=[lambda text: _select(text)],
    )  # fmt: skip
    query_masked = password(
        "query.masked", doc="The same, never shown.", importance=Importance.MEDIUM, group=MODE
    )
    query_suffix = string(
        "query.suffix", "", doc="Put after every statement, following a blank.", group=MODE,
        importance=Importance.LOW,
    )  # fmt: skip

    # --- mode
    mode = choice(
        "mode", Mode, Mode.UNSET, group=MODE, importance=Importance.HIGH,
        doc="How new rows are told from old ones: bulk, timestamp, incrementing or "
        "timestamp+incrementing.",
    )  # fmt: skip
    incrementing_column = string(
        "incrementing.column.name", "", group=MODE,
        doc="The column whose values grow; empty: the auto-increment column of each table.",
    )  # fmt: skip
    incrementing_mapping = listing(
        "incrementing.column.mapping", doc="regex:column, one entry for each table.", group=MODE,
        valid=[_mappings],
    )  # fmt: skip
    timestamp_columns = listing(
        "timestamp.column.name", doc="Timestamp columns; the first that is not null counts.",
        group=MODE,
    )  # fmt: skip
    timestamp_mapping = listing(
        "timestamp.columns.mapping", doc="regex:[column|column], one entry for each table.",
        group=MODE, valid=[_mappings],
    )  # fmt: skip
    timestamp_initial = integer(
        "timestamp.initial", None, kind=Kind.LONG, group=MODE, importance=Importance.LOW,
        doc="Where timestamp modes begin, ms since the epoch; -1: at the database's clock.",
    )  # fmt: skip
    timestamp_delay = integer(
        "timestamp.delay.interval.ms", 0, kind=Kind.LONG, group=MODE, importance=Importance.HIGH,
        doc="How far behind the database's clock rows are read, so that transactions commit, ms.",
    )  # fmt: skip
    validate_non_null = boolean(
        "validate.non.null", True, group=MODE, importance=Importance.LOW,
        doc="Refuse offset columns that may be null.",
    )  # fmt: skip
    timestamp_granularity = choice(
        "timestamp.granularity", Granularity, Granularity.CONNECT_LOGICAL, group=MODE,
        doc="The form of timestamp columns in records.", importance=Importance.LOW,
    )  # fmt: skip

    # --- reading
    topic_prefix = string(
        "topic.prefix", "", group=READING, importance=Importance.HIGH,
        valid=[matching(r"[a-zA-Z0-9._-]{0,249}", "at most 249 of a-z, A-Z, 0-9, '.', '_', '-'")],
        doc="Put before the table's name to make the topic; in query mode the whole topic.",
    )  # fmt: skip
    poll_interval = integer(
        "poll.interval.ms", 5000, group=READING, importance=Importance.HIGH, valid=[at_least(0)],
        doc="Time from the end of one query of a table to the next, ms.",
    )  # fmt: skip
    batch_max_rows = integer(
        "batch.max.rows", 1000, group=READING, importance=Importance.LOW, valid=[at_least(1)],
        doc="Most rows fetched and given at a time.",
    )  # fmt: skip
    max_buffer_size = integer(
        "max.buffer.size", 0, group=READING, importance=Importance.LOW,
        doc="Without effect: rows go from cursor to batch, no buffer lies between.",
    )  # fmt: skip
    poll_linger = integer(
        "poll.linger.ms", 5000, kind=Kind.LONG, group=READING, importance=Importance.LOW,
        doc="Without effect: what was read is given at once.",
    )  # fmt: skip
    query_retry_attempts = integer(
        "query.retry.attempts", -1, group=READING, importance=Importance.LOW,
        doc="Failed queries in a row of one table before the task fails; -1: never.",
    )  # fmt: skip
    numeric_precision_mapping = boolean(
        "numeric.precision.mapping", False, group=READING, importance=Importance.LOW,
        doc="Old form of numeric.mapping=precision_only.",
    )  # fmt: skip
    numeric_mapping = choice(
        "numeric.mapping", NumericMapping, NumericMapping.NONE, group=READING,
        importance=Importance.LOW, doc="What NUMERIC columns become.",
    )  # fmt: skip
    date_calendar = choice(
        "date.calendar.system", Calendar, Calendar.LEGACY, group=READING,
        importance=Importance.LOW, doc="Calendar for days before 15 October 1582.",
    )  # fmt: skip
    isolation = choice(
        "transaction.isolation.mode", Isolation, Isolation.DEFAULT, group=READING,
        importance=Importance.LOW, doc="Isolation of the reading transactions.",
        refused_options={Isolation.SQL_SERVER_SNAPSHOT: "SQL Server cannot be polled"},
    )  # fmt: skip

    # --- written by the connector for its tasks
    tables = string(
        "tables", "", doc="Set by the connector for each task: its tables.",
        importance=Importance.LOW, group=READING,
    )  # fmt: skip

    @property
    def query_text(self) -> str:
        """The query of query mode, empty where tables are read."""
        return (self.query or self.query_masked or "").strip().rstrip(";")

    @property
    def rules(self) -> Rules:
        mapping = self.numeric_mapping
        if self.numeric_precision_mapping and "numeric.mapping" not in self.settings:
            mapping = NumericMapping.PRECISION_ONLY
        return Rules(
            numeric=mapping,
            granularity=self.timestamp_granularity,
            zone=self.zone,
            legacy_calendar=self.date_calendar is Calendar.LEGACY,
        )

    def incrementing_column_of(self, table: str) -> str:
        """The incrementing column set for a table (qualified name); empty: find one."""
        if not self.incrementing_mapping:
            return self.incrementing_column
        return _mapped("incrementing.column.mapping", self.incrementing_mapping, table)

    def timestamp_columns_of(self, table: str) -> list[str]:
        """The timestamp columns set for a table (qualified name)."""
        if not self.timestamp_mapping:
            return self.timestamp_columns
        text = _mapped("timestamp.columns.mapping", self.timestamp_mapping, table)
        return [column.strip() for column in text.strip("[]").split("|")]

    def check(self) -> Iterator[ConfigError]:
        yield from super().check()
        yield from self._check_connection()
        yield from self._check_tables()
        yield from self._check_mode()

    def _check_connection(self) -> Iterator[ConfigError]:
        try:
            backend = self.url.backend
        except ConfigError as error:
            yield error
            return
        if backend not in BACKENDS:
            yield ConfigError(
                "connection.url",
                f"connection.url names the database {backend}, which cannot be polled.",
                cure=f"There are {', '.join(BACKENDS)}.",
            )
        elif self.dialect_name not in ("", BACKENDS[backend]):
            yield ConfigError(
                "dialect.name",
                f"dialect.name={self.dialect_name} does not go with a {backend} URL.",
                cure=f"Leave it out, or write {BACKENDS[backend]}.",
            )

    def _check_tables(self) -> Iterator[ConfigError]:
        old = ("table.whitelist", "table.blacklist")
        new = ("table.include.list", "table.exclude.list")
        old_set = [key for key in old if self.values[key]]
        new_set = [key for key in new if self.values[key]]
        columns = ("incrementing.column.name", "timestamp.column.name")
        mappings = ("incrementing.column.mapping", "timestamp.columns.mapping")
        old_family = old_set + [key for key in columns if self.values[key]]
        new_family = new_set + [key for key in mappings if self.values[key]]
        if self.query and self.query_masked:
            yield ConfigError(
                "query", "query and query.masked are both set.", cure="Keep one of them."
            )
        if self.query_text:
            for key in old_set + new_set:
                yield ConfigError(key, f"{key} and a query are both set.", cure="Keep one of them.")
            if self.query_masked and (problem := _select(self.query_masked)):
                yield ConfigError("query.masked", f"query.masked {problem}.")
        elif not old_set and not new_set:
            yield ConfigError(
                "table.whitelist",
                "Nothing says which tables to read.",
                cure="Set table.whitelist, table.blacklist, table.include.list or query.",
            )
        if old_family and new_family:
            yield ConfigError(
                new_family[0],
                f"{new_family[0]} cannot be used together with {old_family[0]}.",
                cure="Use the *.list and *.mapping keys, or the older ones, not both.",
            )
        if len(old_set) == 2:
            yield ConfigError(
                "table.blacklist",
                "table.whitelist and table.blacklist are both set.",
                cure="Keep one of them.",
            )
        if new_set == ["table.exclude.list"]:
            yield ConfigError(
                "table.exclude.list", "table.exclude.list needs table.include.list to take from."
            )

    def _check_mode(self) -> Iterator[ConfigError]:
        mode = self.mode
        if mode is Mode.UNSET:
            yield ConfigError(
                "mode",
                "mode is not set.",
                cure="Set it to bulk, timestamp, incrementing or timestamp+incrementing.",
            )
        if mode.timed and not self.timestamp_columns and not self.timestamp_mapping:
            yield ConfigError(
                "timestamp.column.name",
                f"mode={mode} needs timestamp.column.name.",
                cure="Name the column that holds the time of a row's last change.",
            )
        if mode.counted and self.query_text and not self.incrementing_column:
            yield ConfigError(
                "incrementing.column.name",
                f"mode={mode} with a query needs incrementing.column.name.",
            )
        if self.query_text and not self.topic_prefix:
            yield ConfigError(
                "topic.prefix",
                "In query mode topic.prefix is the topic, but it is empty.",
                cure="Set topic.prefix.",
            )


def _select(text: str) -> str | None:
    if text and not re.match(r"\s*select\b", text, re.IGNORECASE):
        return "must start with SELECT"
    return None


def _mapped(key: str, entries: list[str], table: str) -> str:
    """What the one entry that matches ``table`` maps it to."""
    found = [m for entry in entries if (m := _MAPPING.fullmatch(entry))]
    matching_entries = [m["columns"] for m in found if re.fullmatch(m["regex"], table)]
    if len(matching_entries) != 1:
        problem = "no entry" if not matching_entries else "several entries"
        raise ConfigError(
            key,
            f"{key} has {problem} for table {table}.",
            cure="Each table must match exactly one regex:column entry.",
        )
    return matching_entries[0]

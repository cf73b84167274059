"""The keys that Confluent's JDBC source and sink share: where the database is, and its ways."""

from __future__ import annotations

import datetime as dt
from enum import StrEnum
from typing import ClassVar

from connect.config import (
    Importance,
    Kind,
    choice,
    integer,
    optional_string,
    password,
    refused,
    string,
)
from connect.connector_config import ConnectorConfig
from connect.sql_url import SqlUrl, parse
from connect.time_zone import time_zone
from connect.validators import at_least, not_empty

CONNECTION = "Connection"


class Quoting(StrEnum):
    ALWAYS = "ALWAYS"
    NEVER = "NEVER"


class Calendar(StrEnum):
    LEGACY = "LEGACY"
    PROLEPTIC_GREGORIAN = "PROLEPTIC_GREGORIAN"


def _time_zone(name: str) -> str | None:
    try:
        time_zone(name)
    except ValueError as error:
        return str(error)
    return None


class JdbcConfig(ConnectorConfig):
    """Base of both."""

    prefixes: ClassVar[tuple[str, ...]] = ("connection.",)

    connection_url = string(
        "connection.url", group=CONNECTION, importance=Importance.HIGH, valid=[not_empty],
        doc="The database: jdbc:mysql:, jdbc:mariadb:, jdbc:postgresql:, jdbc:sqlite:, "
        "jdbc:duckdb: (sink only), or an SQLAlchemy URL such as "
        "postgresql://user:password@host/db.",
    )  # fmt: skip
    connection_user = optional_string(
        "connection.user", doc="User; wins over one in the URL.", group=CONNECTION,
        importance=Importance.HIGH,
    )  # fmt: skip
    connection_password = password(
        "connection.password", doc="Password; wins over one in the URL.", group=CONNECTION
    )
    connection_attempts = integer(
        "connection.attempts", 3, doc="Tries to open a connection when a task starts.",
        group=CONNECTION, importance=Importance.LOW, valid=[at_least(1)],
    )  # fmt: skip
    connection_backoff = integer(
        "connection.backoff.ms", 10_000, kind=Kind.LONG, doc="Wait between those tries, ms.",
        group=CONNECTION, importance=Importance.LOW, valid=[at_least(0)],
    )  # fmt: skip
    credentials_provider = refused(
        "jdbc.credentials.provider.class",
        "io.confluent.connect.jdbc.util.DefaultJdbcCredentialsProvider",
        "a provider is a Java class; set connection.user and connection.password, by a config "
        "provider (${file:...}) if need be",
        kind=Kind.CLASS, group=CONNECTION,
    )  # fmt: skip
    db_timezone = string(
        "db.timezone", "UTC", group=CONNECTION, valid=[_time_zone],
        doc="Zone of the clock that columns without a time zone show.",
    )  # fmt: skip
    quoting = choice(
        "quote.sql.identifiers", Quoting, Quoting.ALWAYS, group=CONNECTION,
        doc="Whether names of tables and columns are quoted in statements.",
    )  # fmt: skip

    @property
    def url(self) -> SqlUrl:
        return parse(self.connection_url, self.connection_user, self.connection_password)

    @property
    def zone(self) -> dt.tzinfo:
        return time_zone(self.db_timezone)

    @property
    def quoted(self) -> bool:
        """Whether names are quoted."""
        return self.quoting is Quoting.ALWAYS

    @property
    def driver_properties(self) -> dict[str, str]:
        """The settings ``connection.*`` that are nobody else's, as the driver's properties."""
        own = {name.removeprefix("connection.") for name in self.keys}
        return {k: v for k, v in self.under("connection.").items() if k not in own}

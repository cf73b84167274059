"""A mirror's source as the command itself looks at it: what there is, and where its binlog ends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import closing

from cdc.capture import Capture, empty_schemas
from cdc.checks import require
from cdc.config import MySqlConfig
from cdc.connection import Connection, Server
from cdc.connector import endpoint
from cdc.filters import BUILT_IN
from cdc.offset import Offset, at_or_before
from cdc.reader import CONNECTOR
from cdc.snapshot.consistent import list_tables, read_position, show_create
from connect.batch import SourceOffset
from connect.errors import ConfigError, RetriableError, SourceError
from schema_history import Schemas, TableId


class MirrorSource:
    """One server and what is mirrored of it, by the source connector's settings."""

    def __init__(self, settings: Mapping[str, str]) -> None:
        self._config = MySqlConfig(settings)
        self._endpoint = endpoint(self._config)
        self._capture = Capture(self._config, Schemas(), CONNECTOR, 0)

    def check(self, database: str) -> list[TableId]:
        """The tables there are to mirror now.

        Raises SourceError, with the cure, for a server that cannot be reached or read from, an
        unknown database, and tables that nobody would find.
        """
        with closing(self._connect()) as connection:
            require(connection, Server.ask(connection))
            databases = list_tables(connection, lambda name: name not in BUILT_IN)
            if database and database not in databases:
                raise SourceError(
                    f"The server at {self._endpoint} has no database {database}.",
                    cure=f"It has: {', '.join(sorted(databases)) or 'none'}.",
                )
            tables = [t for found in databases.values() for t in found]
        wanted = [table for table in tables if self._capture.filters.table(table)]
        for item in self._capture.filters.unmatched(
            self._config.table_include or (), map(str, tables)
        ):
            raise ConfigError(
                "--table",
                f"No table of the source matches --table {item}.",
                cure=f"It has: {', '.join(map(str, tables))}.",
            )
        return wanted

    def require_keys(self, tables: Sequence[TableId]) -> None:
        """SourceError names all tables whose rows cannot be told apart, and the cure."""
        with closing(self._connect()) as connection:
            schemas = empty_schemas(Server.ask(connection))
            self._capture = Capture(self._config, schemas, CONNECTOR, 0)
            keyless = [table for table in tables if not self._has_key(connection, table)]
        if not keyless:
            return
        names = ", ".join(map(str, keyless))
        first = keyless[0]
        raise SourceError(
            f"These tables have no primary key, so a change to a row cannot be mirrored: {names}.",
            cure=f"Add one (ALTER TABLE {first.database}.{first.table} ADD id BIGINT NOT NULL "
            f"AUTO_INCREMENT PRIMARY KEY), or leave it out with --exclude {first.table}.",
        )

    def require_distinct(self, tables: Sequence[TableId]) -> None:
        """SourceError for tables that a target would take for one: names that differ by case."""
        seen: dict[str, TableId] = {}
        for table in tables:
            other = seen.setdefault(self.topic(table).lower(), table)
            if other != table:
                raise SourceError(
                    f"Tables {other} and {table} would be one table in the target.",
                    cure=f"Leave one out with --exclude {table.table}.",
                )

    def _has_key(self, connection: Connection, table: TableId) -> bool:
        self._capture.schemas.apply(show_create(connection, table), table.database)
        version = self._capture.by_id(table)
        return version is not None and version.shape.key_of is not None

    def topic(self, table: TableId) -> str:
        """Where the table's changes go."""
        return self._capture.topics.data(table)

    def position(self) -> Offset:
        """Where the server's binlog ends now."""
        with closing(self._connect()) as connection:
            return Offset(read_position(connection))

    def _connect(self) -> Connection:
        try:
            return self._endpoint.connect()
        except RetriableError as error:
            raise SourceError(
                error.message,
                cure="Check host and port in SOURCE_URL, and that the server is up.",
            ) from error
        except ConfigError as error:
            if error.key != "database.user":
                raise
            raise SourceError(
                error.message,
                cure="Check user and password in SOURCE_URL, and that the user may connect from "
                "here.",
            ) from error


def reached(position: Offset, stored: SourceOffset | None) -> bool:
    """Whether everything before ``position`` is done with, by a source's stored offset."""
    return stored is not None and at_or_before(position, Offset.read(stored))

"""The connector: finds the tables and shares them out among tasks.

Follows ``io.confluent.connect.jdbc.JdbcSourceConnector`` and its ``TableMonitorThread``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping
from importlib.metadata import version

from cdc.polling.config import PollingConfig
from cdc.polling.database import open_database
from cdc.polling.tables import Table, chosen, groups, to_text
from cdc.polling.task import PollingTask, connect
from connect.connector import SourceConnector
from connect.errors import CdcError, ConfigError

log = logging.getLogger(__name__)


class JdbcSourceConnector(SourceConnector):
    """Polls tables, or one query, of MySQL, MariaDB, PostgreSQL or SQLite."""

    config = PollingConfig
    task = PollingTask
    version = version("mysql-cdc")

    def __init__(self) -> None:
        self._tables: list[Table] = []
        self._next_look = 0.0

    def task_configs(self, settings: Mapping[str, str], max_tasks: int) -> list[dict[str, str]]:
        """One task for the query, or at most one a table. Where no table answers to the filters
        there is one task, which says so and fails."""
        config = PollingConfig(settings)
        if config.query_text:
            return [dict(settings)]
        self._tables = self._find(config)
        self._look_later(config)
        shares = groups(self._tables, max_tasks) or [[]]
        return [{**settings, "tables": to_text(share)} for share in shares]

    def changed(self, settings: Mapping[str, str]) -> bool:
        """Whether ``task_configs`` would give other tasks now. Looks once every
        ``table.poll.interval.ms``, so it may be called as often as the worker likes."""
        config = PollingConfig(settings)
        if config.query_text or time.monotonic() < self._next_look:
            return False
        self._look_later(config)
        try:
            return self._find(config) != self._tables
        except CdcError as error:
            log.warning("The list of tables could not be read: %s", error)
            return False

    def check(self, settings: Mapping[str, str]) -> dict[str, list[str]]:
        """Tries the connection, and the query or the table filters."""
        config = PollingConfig(settings)
        key = "connection.url"
        database = open_database(config)
        try:
            database.connect()
            if config.query_text:
                key, text = "query" if config.query else "query.masked", config.query_text
                database.select(text, f"SELECT * FROM ({text}) AS q WHERE 1=0").close()
            else:
                chosen(database.tables(), config, config.url.database)
        except ConfigError as error:
            return {error.key: [str(error)]}
        except CdcError as error:
            return {key: [str(error)]}
        finally:
            database.close()
        return {}

    def _look_later(self, config: PollingConfig) -> None:
        self._next_look = time.monotonic() + config.table_poll_interval / 1000

    def _find(self, config: PollingConfig) -> list[Table]:
        database = open_database(config)
        try:
            connect(database, config)
            return chosen(database.tables(), config, config.url.database)
        finally:
            database.close()

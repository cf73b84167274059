"""The connector: finds the tables and shares them out among tasks.

Follows ``io.confluent.connect.jdbc.JdbcSourceConnector`` and its ``TableMonitorThread``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from importlib.metadata import version

from cdc.polling.config import PollingConfig
from cdc.polling.database import open_database
from cdc.polling.modes import Mode
from cdc.polling.tables import chosen, groups, to_text, unanswered
from cdc.polling.task import PollingTask, connect
from connect.connector import SourceConnector
from connect.errors import CdcError, ConfigError

_logger = logging.getLogger(__name__)


class JdbcSourceConnector(SourceConnector):
    """Polls tables, or one query, of MySQL, MariaDB, PostgreSQL or SQLite."""

    config = PollingConfig
    task = PollingTask
    version = version("mysql-cdc")

    def task_configs(self, settings: Mapping[str, str], max_tasks: int) -> list[dict[str, str]]:
        """One task for the query, or at most one a table. Where no table answers to the filters
        there is one task, which says so and fails."""
        config = PollingConfig(settings)
        if config.query_text:
            if config.mode is not Mode.BULK and (word := _ending(config.query_text)):
                _logger.warning(
                    "The query has a %s of its own, but mode=%s adds a WHERE and an ORDER BY after "
                    "it. If that fails, wrap it: SELECT * FROM (...) AS q",
                    word,
                    config.mode,
                )
            return [dict(settings)]
        database = open_database(config)
        try:
            connect(database, config)
            every = database.tables()
        finally:
            database.close()
        for entry in unanswered(every, config):
            _logger.warning(
                "%s in the connector's table filters is no table of %s.", entry, config.url
            )
        shares = groups(chosen(every, config), max_tasks) or [[]]
        return [{**settings, "tables": to_text(share)} for share in shares]

    def replan_seconds(self, settings: Mapping[str, str]) -> float | None:
        """How often ``task_configs`` is worth asking again, since tables come and go; None: never.

        Other task configs than the last ones mean that tasks are made anew.
        """
        config = PollingConfig(settings)
        return None if config.query_text else config.table_poll_interval / 1000

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
                chosen(database.tables(), config)
        except ConfigError as error:
            return {error.key: [str(error)]}
        except CdcError as error:
            return {key: [str(error)]}
        finally:
            database.close()
        return {}


def _ending(query: str) -> str | None:
    """The clause of the outermost SELECT after which no WHERE can be added."""
    outermost = query
    while (shorter := re.sub(r"\([^()]*\)|'[^']*'", " ", outermost)) != outermost:
        outermost = shorter
    found = re.search(
        r"\b(WHERE|ORDER\s+BY|GROUP\s+BY|HAVING|LIMIT|UNION)\b", outermost, re.IGNORECASE
    )
    return found[1].upper() if found else None

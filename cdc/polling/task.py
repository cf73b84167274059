"""The task: polls its tables in turn, one result at a time, over one connection.

A table is read to its end before the next one is asked. Between two polls a result stays open with
the server, so memory holds one batch whatever the table's size. When the connection is lost the
offset stays where the last given row put it, and the table is asked again after poll.interval.ms.

Follows ``io.confluent.connect.jdbc.source.JdbcSourceTask``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Mapping, Sequence

from cdc.polling.config import PollingConfig
from cdc.polling.database import Database, open_database
from cdc.polling.reader import Reader
from cdc.polling.tables import from_text
from connect.batch import SourceBatch
from connect.connector import SourceTask, TaskContext
from connect.errors import ConfigError, RetriableError, SourceError

_logger = logging.getLogger(__name__)

_LONGEST_WAIT = 0.1  # what poll may wait, seconds


class PollingTask(SourceTask):
    """Reads the tables of its ``tables`` setting, or the query."""

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        self._database: Database | None = None
        self._readers: list[Reader] = []
        self._config: PollingConfig

    def start(self, config: Mapping[str, str]) -> None:
        self._config = PollingConfig(config)
        database = open_database(self._config)
        self._database = database
        tables = from_text(self._config.tables, in_schemas=database.in_schemas)
        if not tables and not self._config.query_text:
            raise ConfigError(
                "table.whitelist",
                "This task has no table to read: none answers to the connector's filters.",
                cure="Check table.whitelist (or the list keys) and the grants of the user.",
            )
        connect(database, self._config)
        self._readers = [
            Reader(table, self._config, database, self.context) for table in (tables or (None,))
        ]
        for reader in self._readers:
            reader.prepare()

    def poll(self) -> Sequence[SourceBatch]:
        reader = min(self._readers, key=lambda each: (not each.running, each.due))
        wait = reader.due - time.monotonic()
        if not reader.running and wait > 0:
            time.sleep(min(wait, _LONGEST_WAIT))
            return []
        try:
            batch = reader.read()
        except RetriableError as error:
            self._retry(reader, error)
            return []
        return [] if batch is None else [batch]

    def _retry(self, reader: Reader, error: RetriableError) -> None:
        reader.failed()
        most = self._config.query_retry_attempts
        if 0 <= most < reader.failures:
            raise SourceError(
                f"{error.message} That was the query of {reader.what}, failure {reader.failures} "
                "in a row.",
                cure="query.retry.attempts sets how many are borne.",
            ) from error
        _logger.warning(
            "%s The query of %s is asked again in %d ms (failure %d in a row).",
            error,
            reader.what,
            self._config.poll_interval,
            reader.failures,
        )

    def stop(self) -> None:
        if self._database is not None:
            self._database.close()


def connect(database: Database, config: PollingConfig) -> None:
    """Open the connection, trying ``connection.attempts`` times."""
    most = config.connection_attempts
    for attempt in range(1, most + 1):
        try:
            database.connect()
            return
        except RetriableError as error:
            if attempt == most:
                raise SourceError(
                    f"{error.message} {most} tries were made.",
                    cure="Check that the server runs and connection.url names it.",
                ) from error
            wait = config.connection_backoff / 1000
            _logger.warning("%s Try %d of %d; the next in %g s.", error, attempt, most, wait)
            time.sleep(wait)

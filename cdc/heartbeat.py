"""Heartbeats: records that move the offset, and a statement that moves the server, when idle."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

import pymysql

from cdc.connection import Connection
from connect.errors import CdcError, SourceError

_logger = logging.getLogger(__name__)


class Heartbeat:
    """``interval`` is seconds. ``query`` runs on a connection of its own with each heartbeat."""

    def __init__(
        self, interval: float, query: str | None, connect: Callable[[], Connection]
    ) -> None:
        self._interval = interval
        self._query = query
        self._connect = connect
        self._connection: Connection | None = None
        self._next = time.monotonic() + interval

    def due(self) -> bool:
        """Whether it is time; then the statement has been run and the clock starts again."""
        now = time.monotonic()
        if now < self._next:
            return False
        self._next = now + self._interval
        if self._query:
            self._run(self._query)
        return True

    def _run(self, query: str) -> None:
        try:
            if self._connection is None:
                self._connection = self._connect()
            with self._connection.cursor() as cursor:
                cursor.execute(query)
        except pymysql.err.ProgrammingError as error:
            raise SourceError(
                f"heartbeat.action.query cannot run: {error.args[-1]}",
                cure="Mend the statement or the user's grants.",
            ) from error
        except (pymysql.err.MySQLError, CdcError) as error:
            _logger.warning("heartbeat.action.query failed and is run again later: %s", error)
            self._connection = None

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()

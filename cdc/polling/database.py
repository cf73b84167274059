"""What a database that can be polled offers: one connection, its tables, and streamed results.

One module per database implements ``Database``; ``open_database`` finds it. All errors that leave
here are SourceError (it would happen again) or RetriableError (the connection or a lock was lost).
"""

from __future__ import annotations

import importlib
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final, TypeAlias

from cdc.polling.config import PollingConfig
from cdc.polling.query import Grammar
from cdc.polling.tables import Table
from cdc.polling.types import Column
from connect.errors import RetriableError, SourceError, said

CONNECTING: Final = "Connecting"

Row: TypeAlias = tuple[Any, ...]


class Result(ABC):
    """Rows of one running query. Closing it ends its transaction."""

    columns: Sequence[Column]

    @abstractmethod
    def fetch(self, count: int) -> Sequence[Row]:
        """Up to ``count`` further rows; fewer only at the end."""

    @abstractmethod
    def close(self) -> None: ...


class Database(ABC):
    """One connection, opened by ``connect`` and reopened by another ``connect``. One result at a
    time: close it before anything else is asked."""

    in_schemas: bool
    """Whether a table's qualifier is a schema (PostgreSQL) and not a catalog (MySQL)."""

    def __init__(self, config: PollingConfig) -> None:
        self.config = config
        self.url = config.url
        self.rules = config.rules
        self.quoted = config.quoted

    @property
    @abstractmethod
    def grammar(self) -> Grammar: ...

    @abstractmethod
    def connect(self) -> None:
        """Open the connection and bring its session into the state configured."""

    @abstractmethod
    def close(self) -> None:
        """Close the connection; never fails."""

    @abstractmethod
    def tables(self) -> list[Table]:
        """All tables and views but the system's own, sorted by qualified name."""

    @abstractmethod
    def now(self) -> int:
        """The database's clock, microseconds since the epoch, read as ``db.timezone`` says."""

    @abstractmethod
    def time_value(self, micros: int) -> object:
        """A timestamp in the form that is bound to ``grammar.time_mark``."""

    @abstractmethod
    def select(self, origin: Table | str, text: str, values: Sequence[object] = ()) -> Result:
        """Run a statement; its rows stay with the server (or file) until fetched.

        ``origin`` is the table or query the statement was made of, for databases whose results do
        not describe themselves.
        """

    @abstractmethod
    def _transient(self, error: Exception) -> bool:
        """Whether the same may succeed a moment later."""

    @contextmanager
    def faults(self, doing: str) -> Iterator[None]:
        """Turns the driver's errors into ours; a transient one closes the connection.

        A driver may repeat a statement in its message, so nothing of it is shown where the query
        is masked.
        """
        try:
            yield
        except self._errors as error:
            masked = self.config.query_masked is not None and doing != CONNECTING
            words = type(error).__name__ if masked else said(error)
            message = f"{doing} failed on {self.url}: {words}."
            cause = None if masked else error
            if self._transient(error):
                self.close()
                raise RetriableError(message) from cause
            raise SourceError(message) from cause

    _errors: tuple[type[Exception], ...]
    """The driver's exceptions."""


_MODULES = {
    "mysql": "cdc.polling.mysql:MySql",
    "mariadb": "cdc.polling.mysql:MySql",
    "postgresql": "cdc.polling.postgresql:PostgreSql",
    "sqlite": "cdc.polling.sqlite:Sqlite",
}


def open_database(config: PollingConfig) -> Database:
    """The database of ``connection.url``, not yet connected. Only its own driver is imported."""
    module, _, name = _MODULES[config.url.backend].partition(":")
    made: Database = getattr(importlib.import_module(module), name)(config)
    return made

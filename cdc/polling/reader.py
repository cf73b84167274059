"""One table (or the query) being polled: its statement, its position, its running result."""

from __future__ import annotations

import logging
import time

from cdc.polling.config import PollingConfig
from cdc.polling.database import Database, Result, Row
from cdc.polling.modes import Mode, Moves, bounds
from cdc.polling.offsets import (
    QUERY_PARTITION,
    Position,
    bulk_partition,
    restore,
    table_partition,
)
from cdc.polling.query import select_table, statement
from cdc.polling.rows import Plan
from cdc.polling.tables import Table
from cdc.polling.types import Column
from connect.batch import SourceBatch, SourcePartition
from connect.connector import OffsetReader, TaskContext
from connect.errors import SourceError

_logger = logging.getLogger(__name__)


class Reader:
    """Reads one table, or the query where ``table`` is None.

    ``due`` is the monotonic time, in seconds, of its next query; ``running`` whether a result is
    open. ``failures`` counts queries that failed since the last one that did not.
    """

    def __init__(
        self,
        table: Table | None,
        config: PollingConfig,
        database: Database,
        context: TaskContext,
    ) -> None:
        self._config = config
        self._database = database
        self._gauge = context.gauge
        self._end = 0
        self._mode = config.mode
        self._table = table
        self.what = f"table {table.qualified}" if table else "the query"
        self._origin: Table | str = table or config.query_text
        self._times: list[str] = []
        self._key = ""
        if self._mode.timed:
            self._times = (
                config.timestamp_columns_of(table.qualified) if table else config.timestamp_columns
            )
        if self._mode.counted:
            self._key = (
                config.incrementing_column_of(table.qualified)
                if table
                else config.incrementing_column
            )
        self._partition, stored = self._restore(context.offsets)
        self._position = stored or Position()
        self._plan: Plan | None = None
        self._result: Result | None = None
        self._ahead: list[Row] = []
        self.due = 0.0
        self.failures = 0

    def _restore(self, offsets: OffsetReader) -> tuple[SourcePartition, Position | None]:
        if self._table is None:
            return QUERY_PARTITION, restore(offsets, QUERY_PARTITION)
        bare = bulk_partition(self._table.name)
        if self._mode is Mode.BULK:
            return bare, None
        partition = table_partition(self._table.qualified)
        return partition, restore(offsets, partition, bare)

    @property
    def running(self) -> bool:
        return self._result is not None

    def prepare(self) -> None:
        """Look at the columns once, so that a wrong offset column is said at the start."""
        if self._table is not None:
            self._check_columns(self._describe())
        if self._mode.timed and self._position.micros is None:
            self._position = self._position._replace(micros=self._first_time())

    def _first_time(self) -> int:
        initial: int | None = self._config.timestamp_initial
        if initial == -1:
            return self._database.now()
        return 0 if initial is None else initial * 1000

    def _describe(self) -> list[Column]:
        base = self._base() + " WHERE 1=0"
        result = self._database.select(self._origin, base)
        try:
            return list(result.columns)
        finally:
            result.close()

    def _check_columns(self, columns: list[Column]) -> None:
        if self._mode.counted and not self._key:
            found = [column.name for column in columns if column.auto_increment]
            if not found:
                raise SourceError(
                    f"{self.what} has no auto-increment column.",
                    cure="Name a column that only grows in incrementing.column.name.",
                )
            self._key = found[0]
        self._planned(columns)
        if not self._config.validate_non_null:
            return
        nullable = {column.name.lower(): column.nullable for column in columns}
        if self._mode.counted and nullable[self._key.lower()]:
            raise SourceError(
                f"The incrementing column {self._key} of {self.what} may be null.",
                cure="Declare it NOT NULL, or set validate.non.null=false.",
            )
        if self._mode.timed and all(nullable[name.lower()] for name in self._times):
            raise SourceError(
                f"The timestamp column {', '.join(self._times)} of {self.what} may be null, and "
                "a row without a timestamp is never read.",
                cure="Declare one NOT NULL, or set validate.non.null=false.",
            )

    def _base(self) -> str:
        if isinstance(self._origin, str):
            return self._origin
        return select_table(self._database.grammar, self._origin.parts)

    def _open(self) -> Result:
        database, mode = self._database, self._mode
        text = statement(
            database.grammar, self._base(), mode, self._times, self._key, self._config.query_suffix
        )
        values: tuple[object, ...] = ()
        if mode is not Mode.BULK:
            last = -1 if self._position.key is None else self._position.key
            begin = end = None
            if mode.timed:
                self._end = database.now() - self._config.timestamp_delay * 1000
                begin = database.time_value(self._position.micros or 0)
                end = database.time_value(self._end)
            values = bounds(mode, begin, end, last)
        if not self._config.query_masked:
            _logger.debug("%s: %s %s", self.what, text, values)
        return database.select(self._origin, text, values)

    def _planned(self, columns: list[Column]) -> Plan:
        """The plan of these columns; the last one where nothing has changed."""
        if self._plan is None or self._plan.columns != tuple(columns):
            name = self._table.name if self._table else None
            rules = self._config.rules
            self._plan = Plan(columns, rules, name, self.what, self._times, self._key)
        return self._plan

    def read(self) -> SourceBatch | None:
        """The next rows of the running result, or of a new one; None where there are none.

        One row more than given is fetched: the timestamp of the next row decides how far the
        offset may move.
        """
        if self._result is None:
            self._result = self._open()
        plan = self._planned(list(self._result.columns))
        most = self._config.batch_max_rows
        rows = [*self._ahead, *self._result.fetch(most + 1 - len(self._ahead))]
        rows, self._ahead = rows[:most], rows[most:]
        if not self._ahead:
            self._result.close()  # before the position moves: should it fail, the rows come again
            self._rest()
        batch = self._batch(plan, rows) if rows else None
        if self._mode.timed:
            self._publish_lag()
        return batch

    def _publish_lag(self) -> None:
        """How far what was given lies behind what could be: 0 once the result has ended."""
        name = self._table.qualified if self._table else "query"
        behind = (self._end - (self._position.micros or 0)) // 1000 if self.running else 0
        self._gauge("lag_ms", behind, table=name)

    def _batch(self, plan: Plan, rows: list[Row]) -> SourceBatch:
        mode = self._mode
        moves = Moves(
            mode,
            self._position,
            len(rows),
            plan.times(rows) if mode.timed else (),
            plan.keys(rows) if mode.counted else (),
            plan.time(self._ahead[0]) if mode.timed and self._ahead else None,
        )
        values = plan.values(rows)
        self._position = moves.position(len(rows) - 1)
        self.failures = 0
        return SourceBatch(
            topic=self._config.topic_prefix + (self._table.name if self._table else ""),
            key_schema=None,
            value_schema=plan.schema,
            keys=[None] * len(rows),
            values=values,
            source_partition=self._partition,
            offsets=moves,
        )

    def _rest(self) -> None:
        self._result = None
        self._ahead = []
        self.due = time.monotonic() + self._config.poll_interval / 1000

    def failed(self) -> None:
        """Forget the running result: what was not given is asked for again at the next interval."""
        self.failures += 1
        self._rest()

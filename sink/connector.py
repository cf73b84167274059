"""The JDBC sink: Confluent's keys and behaviour, and Debezium's change events as they are.

One put is one transaction. A fault of the moment drops the connection and asks for the same put
again; a record that the target cannot hold is looked for by halves and named.

Follows ``io.confluent.connect.jdbc.{JdbcSinkConnector,sink.JdbcSinkTask}``.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import replace
from importlib.metadata import version
from typing import ClassVar

from connect import plugins
from connect.batch import SinkBatch
from connect.config import Config
from connect.connector import SinkConnector, SinkTask, TaskContext
from connect.connector_config import Tolerance
from connect.errors import (
    BadRecordsError,
    CdcError,
    DataError,
    RetriableError,
    TargetError,
    said,
)
from sink.config import JdbcSinkConfig
from sink.dialects.base import Dialect, Fault
from sink.writer import Writer

VERSION = version("mysql-cdc")


class JdbcSinkTask(SinkTask):
    """Writes batches into one database over one connection."""

    def __init__(self, context: TaskContext) -> None:
        super().__init__(context)
        self._dialect: Dialect | None = None
        self._failures = 0

    def start(self, config: Mapping[str, str]) -> None:
        self.config = JdbcSinkConfig(config)
        self._dialect = dialect(self.config)
        self._writer = Writer(self.config, self._dialect, self.context.log.partitions)
        connect(self._dialect, self.config, attempts=self.config.connection_attempts)

    def put(self, batches: Sequence[SinkBatch]) -> None:
        try:
            self._attempt(batches)
            self._open.commit()
        except self._failure as error:
            if self._meaning(error) is not Fault.DATA:
                raise self._given_up(error) from error
            self._without_bad_records(batches, error)
        self._failures = 0

    def stop(self) -> None:
        if self._dialect is not None:
            self._dialect.close()

    # --- one attempt ---

    @property
    def _open(self) -> Dialect:
        assert self._dialect is not None, "put before start"
        return self._dialect

    @property
    def _failure(self) -> tuple[type[Exception], ...]:
        return (*self._open.errors, CdcError, ValueError)

    def _attempt(self, batches: Sequence[SinkBatch]) -> None:
        if not self._open.connected:
            self._open.connect()
        self._writer.write(batches)

    def _meaning(self, error: Exception) -> Fault:
        if isinstance(error, DataError):
            return Fault.DATA
        if isinstance(error, CdcError):
            return Fault.REFUSED
        return self._open.fault(error)

    def _given_up(self, error: Exception) -> CdcError:
        """What to raise for an error that is not about one record; the transaction is gone."""
        self._writer.forget()
        self._open.close()
        if isinstance(error, CdcError):
            return error
        if self._meaning(error) is Fault.MOMENT:
            self._failures += 1
            if self._failures <= self.config.max_retries:
                return RetriableError(
                    f"{self._open.title} at {self._open.url} did not take the records: "
                    f"{self._words(error)}",
                    delay=self.config.retry_backoff / 1000,
                )
        tries = f" after {self._failures} attempts" if self._failures > 1 else ""
        return TargetError(
            f"{self._open.title} at {self._open.url} refused the records{tries}: "
            f"{self._words(error)}",
            cure=self._open.advice(error),
        )

    def _words(self, error: Exception) -> str:
        """The database's own words; ``trim.sensitive.log`` leaves them out."""
        if isinstance(error, CdcError):
            return error.message
        return type(error).__name__ if self.config.trim_log else said(error)

    # --- records that cannot be written ---

    def _without_bad_records(self, batches: Sequence[SinkBatch], error: Exception) -> None:
        """Name the record that fails or, where errors are tolerated, write all others.

        Raises DataError or BadRecordsError, or what ``put`` raises for other faults.
        """
        bad: list[tuple[str, int, int, str]] = []
        rest = list(batches)
        try:
            while rest:
                place = self._first_failure(rest)
                if place is None:
                    self._attempt(rest)
                    self._open.commit()
                    break
                fine, culprit, rest = _split(rest, place)
                record = f"{culprit.log_topic}-{culprit.partition}@{culprit.offsets[0]}"
                reason = self._reason(fine, culprit)
                if self.config.errors_tolerance is Tolerance.NONE:
                    self._reset()
                    cure = error.cure if isinstance(error, DataError) else ""
                    raise DataError(
                        reason if record in reason else f"Record {record}: {reason}", cure=cure
                    )
                self._attempt(fine)
                self._open.commit()
                partition = -1 if culprit.partition is None else culprit.partition
                bad.append((culprit.log_topic, partition, culprit.offsets[0], reason))
        except DataError:
            raise
        except self._failure as other:
            raise self._given_up(other) from other
        if bad:
            raise BadRecordsError(bad)

    def _reset(self) -> None:
        self._writer.forget()
        if self._open.connected:
            self._open.rollback()

    def _trial(self, batches: Sequence[SinkBatch]) -> Exception | None:
        """Write and roll back; what went wrong if it was the data."""
        try:
            self._reset()
            self._attempt(batches)
        except self._failure as error:
            if self._meaning(error) is not Fault.DATA:
                raise
            return error
        finally:
            self._reset()
        return None

    def _first_failure(self, batches: Sequence[SinkBatch]) -> int | None:
        """The place, over all batches, of the first record with which the writing fails."""
        works, fails = 0, sum(map(len, batches))
        if self._trial(batches) is None:
            return None
        while fails - works > 1:
            middle = (works + fails) // 2
            if self._trial(_split(batches, middle)[0]) is None:
                works = middle
            else:
                fails = middle
        return fails - 1

    def _reason(self, fine: Sequence[SinkBatch], culprit: SinkBatch) -> str:
        error = self._trial([*fine, culprit])
        if error is None:
            return "the target refused it, and took it when asked again"
        if isinstance(error, CdcError):
            return error.message
        return (
            f"{self._open.title} cannot hold it (key {culprit.keys[0]!r}): {self._words(error)}"
            if not self.config.trim_log
            else f"{self._open.title} cannot hold it: {self._words(error)}"
        )


def _split(
    batches: Sequence[SinkBatch], place: int
) -> tuple[list[SinkBatch], SinkBatch, list[SinkBatch]]:
    """The records before a place, the one there alone, and those after it."""
    before: list[SinkBatch] = []
    for number, batch in enumerate(batches):
        if place < len(batch):
            if place:
                before.append(_piece(batch, 0, place))
            after = list(batches[number + 1 :])
            if place + 1 < len(batch):
                after.insert(0, _piece(batch, place + 1, len(batch)))
            return before, _piece(batch, place, place + 1), after
        place -= len(batch)
        before.append(batch)
    raise IndexError(place)


def _piece(batch: SinkBatch, start: int, end: int) -> SinkBatch:
    return replace(
        batch,
        keys=batch.keys[start:end],
        values=batch.values[start:end],
        offsets=batch.offsets[start:end],
        timestamps=batch.timestamps[start:end],
    )


def dialect(config: JdbcSinkConfig) -> Dialect:
    """The dialect for ``connection.url`` (or ``dialect.name``), not connected."""
    named = plugins.load(plugins.Group.DIALECTS, config.dialect_name or config.url.backend)
    made = named(config.url, config.driver_properties, quoted=config.quoted, zone=config.zone)
    assert isinstance(made, Dialect)
    return made


def connect(target: Dialect, config: JdbcSinkConfig, *, attempts: int) -> None:
    """Open the connection, trying ``attempts`` times if it is a fault of the moment.

    TargetError when the database refuses or cannot be reached.
    """
    for attempt in range(1, attempts + 1):
        try:
            target.connect()
            return
        except target.errors as error:
            target.close()
            moment = target.fault(error) is Fault.MOMENT
            if moment and attempt < attempts:
                time.sleep(config.connection_backoff / 1000)
                continue
            cure = target.advice(error)
            if moment and not cure:
                cure = "Check connection.url, and that the database runs and may be reached."
            raise TargetError(
                f"Cannot connect to {target.title} at {target.url} (connection.url): "
                f"{said(error)}.",
                cure=cure,
            ) from error


class JdbcSinkConnector(SinkConnector):
    """``io.confluent.connect.jdbc.JdbcSinkConnector``."""

    config: ClassVar[type[Config]] = JdbcSinkConfig
    task: ClassVar[type[SinkTask]] = JdbcSinkTask
    version: ClassVar[str] = VERSION

    def task_configs(self, settings: Mapping[str, str], max_tasks: int) -> list[dict[str, str]]:
        """The same settings for each task: the consumer group shares out the partitions."""
        return [dict(settings) for _ in range(max_tasks)]

    def check(self, settings: Mapping[str, str]) -> dict[str, list[str]]:
        try:
            config = JdbcSinkConfig(settings)
            target = dialect(config)
            try:
                connect(target, config, attempts=1)
            finally:
                target.close()
        except CdcError as error:
            return {getattr(error, "key", "connection.url"): [str(error)]}
        return {}

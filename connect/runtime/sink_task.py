"""The loop of a sink task: consume, decode, transform, put; commit what has been put.

A fault of the moment in ``put`` makes the loop wait and give the same batches again, staying in the
consumer group meanwhile. Follows ``org.apache.kafka.connect.runtime.WorkerSinkTask``.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import TypeVar

from connect.batch import SinkBatch
from connect.connector import SinkTask
from connect.errors import BadRecordsError, CdcError, DataError, LogError, RetriableError
from connect.log.contract import (
    Consumer,
    FencedError,
    Message,
    RebalanceListener,
    TopicPartition,
)
from connect.metrics import TaskMetrics
from connect.runtime import runs
from connect.runtime.backoff import Backoff, patiently
from connect.runtime.control import Control
from connect.runtime.conversion import Conversion
from connect.runtime.dead_letters import DeadLetters
from connect.runtime.messages import Event
from connect.runtime.tolerance import Stage, Tolerance, singles

_logger = logging.getLogger(__name__)

REPORT_INTERVAL = 0.5
_POLL_SECONDS = 0.2

T = TypeVar("T")


class _StageError(Exception):
    """A converter or transform failed; never leaves this module."""

    def __init__(self, stage: Stage, component: object, error: Exception) -> None:
        super().__init__(stage)
        kind = component if isinstance(component, type) else type(component)
        self.stage = stage
        self.component = f"{kind.__module__}.{kind.__qualname__}"
        self.error = error


@dataclass(frozen=True)
class SinkSetup:
    """What a sink task needs beside itself. Intervals are seconds."""

    consumer: Callable[[RebalanceListener], Consumer]
    transform: Callable[[SinkBatch], Iterable[SinkBatch]]
    conversion: Conversion
    tolerance: Tolerance
    dead_letters: DeadLetters | None
    metrics: TaskMetrics
    flush_interval: float
    max_messages: int


class SinkLoop(RebalanceListener):
    """One sink task at work. ``run`` returns when stopped and raises what ended it."""

    def __init__(self, task: SinkTask, setup: SinkSetup, control: Control) -> None:
        self._task = task
        self._setup = setup
        self._control = control
        self._metrics = setup.metrics
        self._consumer: Consumer
        self._done: dict[TopicPartition, int] = {}
        self._backlog: list[Message] = []
        self._taken: Sequence[Message] = ()
        self._lasts: list[Message] = []
        """The last message of each run of those taken."""
        self._waiting: list[SinkBatch] = []
        self._retry_at = 0.0
        self._backoff = Backoff()
        self._held: frozenset[TopicPartition] = frozenset()
        self._paused = False
        self._next_commit = 0.0
        self._next_report = 0.0

    def run(self, settings: Mapping[str, str]) -> None:
        control = self._control
        try:
            self._again(lambda: self._task.start(settings), "start")
            self._consumer = self._again(lambda: self._setup.consumer(self), "Joining the group")
            try:
                control.event(Event.STARTED)
                self._next_commit = time.monotonic() + self._setup.flush_interval
                while not control.stopping.is_set():
                    self._step()
            finally:
                self._finish()
        finally:
            self._task.stop()

    def _step(self) -> None:
        self._follow_pause()
        if self._waiting:
            left = max(0.0, self._retry_at - time.monotonic())
            messages = self._poll(min(left, _POLL_SECONDS))
            self._backlog = self._backlog + messages
            if time.monotonic() >= self._retry_at:
                self._put()
        elif self._paused:
            messages = self._poll(_POLL_SECONDS)
            self._backlog = self._backlog + messages
        else:
            messages = self._backlog or self._poll(_POLL_SECONDS)
            self._backlog = []
            if messages:
                self._metrics.polls += 1
                self._take(messages)
        self._settle()

    def _again(self, step: Callable[[], T], what: str) -> T:
        return patiently(step, what, self._control.stopping, wait=self._wait)

    def _wait(self, seconds: float) -> None:
        self._metrics.retries += 1
        self._control.stopping.wait(seconds)

    # --- reading ---------------------------------------------------------------------------------

    def _poll(self, timeout: float) -> list[Message]:
        """Messages, if any. Also what keeps this task in the group."""
        hold = bool(self._waiting) or self._paused
        assigned = frozenset(self._consumer.assignment())
        if hold and assigned != self._held:
            self._consumer.pause(sorted(assigned - self._held))
            self._held = assigned
        elif not hold and self._held:
            self._consumer.resume(sorted(self._held & assigned))
            self._held = frozenset()
        try:
            return self._consumer.poll(self._setup.max_messages, timeout)
        except RetriableError as error:
            self._metrics.retries += 1
            _logger.warning("The log cannot be read for the moment: %s", error)
            self._control.stopping.wait(1.0)
            return []

    def _follow_pause(self) -> None:
        if self._control.paused != self._paused:
            self._paused = self._control.paused
            if self._paused:
                self._commit()
            self._control.event(Event.PAUSED if self._paused else Event.RESUMED)

    def _take(self, messages: Sequence[Message]) -> None:
        self._metrics.bytes += runs.size(messages)
        self._taken = messages
        self._waiting = self._transformed(self._decoded(messages), messages)
        self._put()

    # --- decoding --------------------------------------------------------------------------------

    def _decoded(self, messages: Sequence[Message]) -> list[SinkBatch]:
        found: list[SinkBatch] = []
        self._lasts = []
        for run in runs.partition_runs(messages):
            self._lasts.append(run[-1])
            self._control.topic(run[-1].topic)
            try:
                found += self._decode(run)
            except _StageError:
                for message in run:  # which one is it?
                    try:
                        found += self._decode([message])
                    except _StageError as error:
                        self._reject(message, error)
        return found

    def _decode(self, messages: Sequence[Message]) -> list[SinkBatch]:
        conversion = self._setup.conversion
        topic = messages[0].topic
        keys = self._stage(
            Stage.KEY_CONVERTER,
            conversion.key,
            lambda: conversion.key.decode(topic, [message.key for message in messages]),
        )
        values = self._stage(
            Stage.VALUE_CONVERTER,
            conversion.value,
            lambda: conversion.value.decode(topic, [message.value for message in messages]),
        )
        return self._stage(
            Stage.HEADER_CONVERTER,
            conversion.header,
            lambda: list(runs.batches(messages, keys, values, conversion.decode_headers)),
        )

    def _transformed(
        self, batches: Sequence[SinkBatch], messages: Sequence[Message]
    ) -> list[SinkBatch]:
        found: list[SinkBatch] = []
        for batch in batches:
            try:
                found += self._transform(batch)
            except _StageError:
                by_place = {(m.topic, m.partition, m.offset): m for m in messages}
                for record in singles(batch):
                    try:
                        found += self._transform(record)
                    except _StageError as error:
                        place = (record.log_topic, record.partition or 0, record.offsets[0])
                        self._reject(by_place[place], error)
        return found

    def _transform(self, batch: SinkBatch) -> list[SinkBatch]:
        return self._stage(
            Stage.TRANSFORMATION,
            self._setup.transform,
            lambda: list(self._setup.transform(batch)),
        )

    def _stage(self, stage: Stage, component: object, operation: Callable[[], T]) -> T:
        try:
            return self._setup.tolerance.retrying(operation)
        except Exception as error:
            if isinstance(error, RetriableError) and self._control.stopping.is_set():
                raise
            raise _StageError(stage, component, error) from error

    def _reject(self, message: Message, failure: _StageError) -> None:
        """A record that cannot be used: skipped or sent to the dead letters, or the end."""
        error, stage = failure.error, failure.stage
        where = f"the record {message.topic}-{message.partition}@{message.offset}"
        if not self._setup.tolerance.skips:
            cure = error.cure if isinstance(error, CdcError) else ""
            text = error.message if isinstance(error, CdcError) else f"{error!r}"
            raise DataError(
                f"{where[0].upper()}{where[1:]} failed in {stage}: {text}",
                cure=cure or "With errors.tolerance=all such records are skipped.",
            ) from error
        self._setup.tolerance.skip(stage, error, where, (message.key, message.value))
        if self._setup.dead_letters is not None:
            self._bury(self._setup.dead_letters, message, failure)

    def _bury(self, letters: DeadLetters, message: Message, failure: _StageError) -> None:
        self._again(
            lambda: letters.write(message, failure.stage, failure.component, failure.error),
            "Writing a dead letter",
        )
        self._metrics.dead_letters += 1

    # --- writing ---------------------------------------------------------------------------------

    def _put(self) -> None:
        batches = [batch for batch in self._waiting if len(batch)]
        try:
            if batches:
                self._task.put(batches)
        except RetriableError as error:
            delay = self._backoff.delay(error)
            self._metrics.retries += 1
            _logger.warning("put is tried again in %.1f s: %s", delay, error)
            self._retry_at = time.monotonic() + delay
            return
        except BadRecordsError as error:
            self._reject_put(error)
        self._backoff.reset()
        self._metrics.records += sum(map(len, batches))
        for topic, partition, offset, *_ in self._lasts:
            self._done[TopicPartition(topic, partition)] = offset + 1
        self._waiting, self._taken, self._lasts = [], (), []

    def _reject_put(self, error: BadRecordsError) -> None:
        """Tolerate the records a put could not write; the rest of it is written."""
        if not self._setup.tolerance.skips:
            raise error
        # A transform may have renamed the topic the task knows a record by.
        by_place = {(m.topic, m.partition, m.offset): m for m in self._taken}
        by_offset = {(m.partition, m.offset): m for m in self._taken}
        for topic, partition, offset, reason in error.records:
            message = by_place.get((topic, partition, offset)) or by_offset[partition, offset]
            self._reject(message, _StageError(Stage.TASK_PUT, type(self._task), DataError(reason)))
        self._metrics.records -= len(error.records)

    def _commit(self) -> None:
        if not self._done:
            return
        if self._setup.dead_letters is not None and not self._setup.dead_letters.flushed():
            _logger.warning("Offsets wait: the dead letters are not acknowledged yet.")
            return
        try:
            self._consumer.commit(self._done)
        except RetriableError as error:
            _logger.warning("Offsets could not be committed and will be later: %s", error)
            return
        except FencedError as error:
            _logger.warning("Another task reads these partitions now: %s", error)
        self._done.clear()
        self._metrics.offset_commits += 1

    def _settle(self) -> None:
        now = time.monotonic()
        if now >= self._next_commit:
            self._next_commit = now + self._setup.flush_interval
            self._commit()
        if now >= self._next_report:
            self._next_report = now + REPORT_INTERVAL
            self._report()

    def _report(self) -> None:
        with suppress(RetriableError):  # only a number to look at
            self._metrics.lag_records = self._consumer.lag()
        self._metrics.queued_records = len(self._backlog) + sum(map(len, self._waiting))
        self._control.report(self._metrics.snapshot())

    def _finish(self) -> None:
        """Commit what was put, also after a failure, and leave the group."""
        try:
            self._commit()
            self._report()
        except LogError as error:
            _logger.warning("The last offsets are not committed; records come again: %s", error)
        finally:
            self._consumer.close()
            if self._setup.dead_letters is not None:
                self._setup.dead_letters.close()

    # --- rebalance -------------------------------------------------------------------------------

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self._task.open(partitions)

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        try:
            self._commit()
        except LogError as error:
            _logger.warning("Offsets of partitions going away are not committed: %s", error)
        self._forget(partitions)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        self._forget(partitions)

    def _forget(self, partitions: Sequence[TopicPartition]) -> None:
        gone = set(partitions)
        self._task.close(partitions)
        self._held -= gone
        self._backlog = [m for m in self._backlog if TopicPartition(*m[:2]) not in gone]
        for position in gone:
            self._done.pop(position, None)
        if self._waiting:
            # A transform may have renamed the batches, so begin again with what is still ours.
            kept = [m for m in self._taken if TopicPartition(*m[:2]) not in gone]
            self._backlog = kept + self._backlog
            self._waiting, self._taken, self._lasts = [], (), []

"""The loop of a source task: poll, transform, encode, produce; offsets follow acknowledgements.

Nothing waits for a commit: each batch's ticket is remembered with its offset, and what the log has
acknowledged meanwhile is handed to the worker every ``offset.flush.interval.ms`` and at the end.
Follows ``org.apache.kafka.connect.runtime.WorkerSourceTask``.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple, TypeVar

from connect.batch import SourceBatch, SourceOffset, SourcePartition
from connect.connector import SourceTask
from connect.errors import LogError, RetriableError
from connect.log.contract import Headers, Log, Producer
from connect.metrics import TaskMetrics
from connect.offsets import PartitionKey, partition_key
from connect.runtime.backoff import Backoff, patiently
from connect.runtime.control import Control
from connect.runtime.conversion import Conversion
from connect.runtime.joining import joined
from connect.runtime.messages import Event
from connect.runtime.tolerance import Stage, Tolerance, singles
from connect.runtime.topic_creation import TopicCreation

_logger = logging.getLogger(__name__)

REPORT_INTERVAL = 0.5

T = TypeVar("T")


class _Encoded(NamedTuple):
    batch: SourceBatch
    keys: Sequence[bytes | None]
    values: Sequence[bytes | None]
    headers: Headers


class _Pending(NamedTuple):
    ticket: int
    partition: SourcePartition
    offset: SourceOffset


@dataclass(frozen=True)
class SourceSetup:
    """What a source task needs beside itself. Intervals are seconds."""

    log: Log
    producer: Producer
    transform: Callable[[SourceBatch], Iterable[SourceBatch]]
    conversion: Conversion
    tolerance: Tolerance
    topics: TopicCreation | None
    metrics: TaskMetrics
    flush_interval: float
    flush_timeout: float


def _last(offsets: Sequence[SourceOffset | None]) -> SourceOffset | None:
    """The last offset there is; a batch is acknowledged as a whole."""
    if not offsets:
        return None
    last = offsets[-1]
    if last is not None:
        return last
    return next((offset for offset in reversed(offsets) if offset is not None), None)


class SourceLoop:
    """One source task at work. ``run`` returns when stopped and raises what ended it."""

    def __init__(self, task: SourceTask, setup: SourceSetup, control: Control) -> None:
        self._task = task
        self._setup = setup
        self._control = control
        self._metrics = setup.metrics
        self._producer = setup.producer
        self._polling = Backoff()
        self._ticket = 0
        self._pending: deque[_Pending] = deque()
        self._reached: dict[PartitionKey, tuple[SourcePartition, SourceOffset]] = {}
        self._next_flush = 0.0
        self._next_report = 0.0

    def run(self, settings: Mapping[str, str]) -> None:
        control = self._control
        try:
            self._again(lambda: self._task.start(settings), "start")
            if not control.stopping.is_set():
                control.event(Event.STARTED)
            self._next_flush = time.monotonic() + self._setup.flush_interval
            try:
                self._flow()
            finally:
                self._finish()
        finally:
            self._task.stop()

    def _flow(self) -> None:
        control = self._control
        while not control.stopping.is_set():
            if control.paused:
                self._idle()
                continue
            batches = self._again(self._task.poll, "poll", self._polling)
            if batches:
                self._polling.reset()  # and not before: a reader that starts again returns nothing
                self._metrics.polls += 1
                for batch in joined(batches):
                    self._send(batch)
            self._settle()

    def _idle(self) -> None:
        self._control.event(Event.PAUSED)
        while self._control.paused and not self._control.stopping.wait(0.05):
            self._settle()
        if not self._control.stopping.is_set():
            self._control.event(Event.RESUMED)

    def _again(self, step: Callable[[], T], what: str, backoff: Backoff | None = None) -> T:
        return patiently(step, what, self._control.stopping, backoff=backoff, wait=self._wait)

    def _wait(self, seconds: float) -> None:
        """Pause before another try, but go on storing what is acknowledged meanwhile."""
        self._metrics.retries += 1
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            self._settle()
            if self._control.stopping.wait(min(left, 0.1)):
                return

    # --- one batch -------------------------------------------------------------------------------

    def _send(self, batch: SourceBatch) -> None:
        for encoded in self._encoded(batch):
            self._produce(encoded)
        offset = _last(batch.offsets)
        if offset is not None:
            # A batch of which nothing is left is done when all before it are.
            self._pending.append(_Pending(self._ticket, batch.source_partition, offset))

    def _encoded(self, batch: SourceBatch) -> Iterator[_Encoded]:
        tolerance = self._setup.tolerance
        try:
            # Complete before anything is produced: a failing batch is done again record by record.
            encoded = [self._encode(out) for out in self._transformed(batch)]
        except Exception:
            if not tolerance.skips:
                raise
        else:
            yield from encoded
            return
        for record in singles(batch):
            try:
                outs = self._transformed(record)
            except Exception as error:
                self._skip(Stage.TRANSFORMATION, error, record)
                continue
            for out in outs:
                try:
                    yield self._encode(out)
                except Exception as error:
                    self._skip(Stage.VALUE_CONVERTER, error, record)

    def _transformed(self, batch: SourceBatch) -> list[SourceBatch]:
        return self._setup.tolerance.retrying(lambda: list(self._setup.transform(batch)))

    def _encode(self, batch: SourceBatch) -> _Encoded:
        conversion = self._setup.conversion
        return self._setup.tolerance.retrying(
            lambda: _Encoded(
                batch,
                conversion.encode_keys(batch),
                conversion.encode_values(batch),
                conversion.encode_headers(batch) if batch.headers else (),
            )
        )

    def _skip(self, stage: Stage, error: Exception, record: SourceBatch) -> None:
        if isinstance(error, RetriableError) and self._control.stopping.is_set():
            raise error
        where = f"a record for topic {record.topic}"
        self._setup.tolerance.skip(stage, error, where, record.values[0])

    def _produce(self, encoded: _Encoded) -> None:
        batch, keys, values, headers = encoded
        if not values:
            return
        if batch.topic not in self._control.topics:
            creation = self._setup.topics
            if creation is not None:
                self._again(lambda: self._create(batch.topic, creation), "Creating a topic")
            self._control.topic(batch.topic)
        self._ticket = self._again(
            lambda: self._producer.produce(
                batch.topic,
                keys,
                values,
                headers=headers,
                partition=batch.partition,
                timestamps=batch.timestamps,
            ),
            "Writing to the log",
        )
        self._metrics.records += len(values)
        self._metrics.bytes += sum(map(len, filter(None, keys)))
        self._metrics.bytes += sum(map(len, filter(None, values)))

    def _create(self, topic: str, creation: TopicCreation) -> None:
        log = self._setup.log
        if log.partitions(topic) is None:
            log.create_topics([creation.new_topic(topic)])

    # --- offsets ---------------------------------------------------------------------------------

    def _collect(self) -> None:
        """Move the offsets whose tickets are acknowledged to those that may be stored."""
        pending = self._pending
        if not pending:
            return
        acknowledged = self._producer.acknowledged()
        while pending and pending[0].ticket <= acknowledged:
            _, partition, offset = pending.popleft()
            self._reached[partition_key(partition)] = (partition, offset)

    def _settle(self) -> None:
        """The small things between two polls; none of them waits."""
        self._collect()
        self._confirm()
        now = time.monotonic()
        if now >= self._next_flush:
            self._next_flush = now + self._setup.flush_interval
            self._flush()
        if now >= self._next_report:
            self._next_report = now + REPORT_INTERVAL
            self._report()

    def _confirm(self) -> None:
        for offsets in self._control.stored():
            self._metrics.offset_commits += 1
            self._task.committed(offsets)

    def _flush(self) -> None:
        if self._reached:
            self._control.store(list(self._reached.values()))
            self._reached.clear()

    def _report(self) -> None:
        self._metrics.queued_records = self._producer.queued()
        self._control.report(self._metrics.snapshot())

    def _finish(self) -> None:
        """Store what can still be stored, also after a failure."""
        timeout = self._setup.flush_timeout
        try:
            self._collect()
            self._flush()  # what is certain first: the rest may take longer than there is time
            self._producer.flush(timeout)
            self._collect()
        except (RetriableError, LogError) as error:
            _logger.warning("Some records are not acknowledged and will be sent again: %s", error)
        self._flush()
        if not self._control.wait_stored(timeout):
            _logger.warning("The worker did not confirm the last offsets in time.")
        self._confirm()
        self._report()

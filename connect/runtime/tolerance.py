"""What happens when a record cannot be converted: retried, skipped, or the end of the task.

Follows ``org.apache.kafka.connect.runtime.errors.RetryWithToleranceOperator``.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from enum import StrEnum
from typing import Any, TypeVar

from connect.batch import SinkBatch, SourceBatch
from connect.connector_config import ConnectorConfig
from connect.connector_config import Tolerance as Tolerated
from connect.errors import RetriableError
from connect.metrics import TaskMetrics
from connect.runtime.backoff import FIRST_DELAY

_logger = logging.getLogger(__name__)

T = TypeVar("T")
B = TypeVar("B", SourceBatch, SinkBatch)


class Stage(StrEnum):
    """Where a record was when it failed; Kafka Connect's names."""

    TRANSFORMATION = "TRANSFORMATION"
    KEY_CONVERTER = "KEY_CONVERTER"
    VALUE_CONVERTER = "VALUE_CONVERTER"
    HEADER_CONVERTER = "HEADER_CONVERTER"
    TASK_PUT = "TASK_PUT"


def singles(batch: B) -> Iterator[B]:
    """The batch as batches of one record each."""
    for place in range(len(batch)):
        one = slice(place, place + 1)
        changes: dict[str, Any] = {
            "keys": batch.keys[one],
            "values": batch.values[one],
            "timestamps": batch.timestamps[one],
            "offsets": batch.offsets[one],
        }
        yield replace(batch, **changes)


class Tolerance:
    """The ``errors.*`` settings of one connector, at work in one task."""

    def __init__(
        self, config: ConnectorConfig, metrics: TaskMetrics, stopping: threading.Event
    ) -> None:
        self.skips = config.errors_tolerance is Tolerated.ALL
        self._timeout = config.errors_retry_timeout / 1000
        self._longest_delay = config.errors_retry_delay_max / 1000
        self._logs = config.errors_log_enable
        self._logs_records = config.errors_log_include_messages
        self._metrics = metrics
        self._stopping = stopping

    def retrying(self, operation: Callable[[], T]) -> T:
        """The operation's result, tried again within ``errors.retry.timeout``."""
        deadline = time.monotonic() + self._timeout
        delay = FIRST_DELAY
        while True:
            try:
                return operation()
            except RetriableError as error:
                endless = self._timeout < 0
                if self._stopping.is_set() or not (endless or time.monotonic() < deadline):
                    raise
                self._metrics.retries += 1
                wait = delay if error.delay is None else error.delay
                _logger.warning("Tried again in %.1f s: %s", wait, error)
                self._stopping.wait(wait)
                delay *= 2
                if delay > self._longest_delay:
                    delay = random.uniform(0, self._longest_delay)

    def skip(self, stage: Stage, error: Exception, where: str, record: object) -> None:
        """Note a record that is left out."""
        self._metrics.skipped_records += 1
        if self._logs:
            shown = f" Record: {record!r}" if self._logs_records else ""
            _logger.error("Skipped %s, which failed in %s: %s%s", where, stage, error, shown)

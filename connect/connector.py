"""What a connector is to the worker. Plugins subclass these four; the worker knows nothing else.

A connector is made from its configuration, checks it, and splits the work into task configs; each
task runs in a process of its own. Life of a task: made, ``start``, then ``poll`` or ``put`` over
and over from one thread, then ``stop``. An exception ends the task (state FAILED), except
RetriableError, after which the same call is made again.

Follows ``org.apache.kafka.connect.{source,sink}``.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar

from connect.batch import SinkBatch, SourceBatch, SourceOffset, SourcePartition
from connect.config import Config
from connect.log.contract import Log, TopicPartition


class OffsetReader(ABC):
    """Gives a source task the offsets it stored in its last life."""

    @abstractmethod
    def offset(self, partition: SourcePartition) -> SourceOffset | None: ...


@dataclass(frozen=True)
class TaskContext:
    """What the worker lends a task.

    ``gauge(name, value)`` publishes a number of the task's own (a ``lag_ms``, a
    ``snapshot_remaining_rows``) as metric and in progress displays; cheap enough for every batch.
    ``labels`` tell gauges of one name apart (``table="shop.orders"``).
    """

    connector: str
    task: int
    offsets: OffsetReader
    log: Log
    gauge: Callable[..., None]


class SourceTask(ABC):
    def __init__(self, context: TaskContext) -> None:
        self.context = context

    @abstractmethod
    def start(self, config: Mapping[str, str]) -> None:
        """Open what is needed; anything that can be said wrong is said here."""

    @abstractmethod
    def poll(self) -> Sequence[SourceBatch]:
        """The next batches in order, or none after waiting at most about 100 ms."""

    def committed(self, offsets: Sequence[tuple[SourcePartition, SourceOffset]]) -> None:
        """These offsets are stored now."""

    @abstractmethod
    def stop(self) -> None:
        """Release everything. May come after any failure, and only once."""


class SinkTask(ABC):
    def __init__(self, context: TaskContext) -> None:
        self.context = context

    @abstractmethod
    def start(self, config: Mapping[str, str]) -> None: ...

    def open(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions this task now reads."""

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        """Partitions that go to another task; what ``put`` took has been flushed."""

    @abstractmethod
    def put(self, batches: Sequence[SinkBatch]) -> None:
        """Write them all, durably, before returning: offsets are committed afterwards.

        RetriableError: nothing of it may be counted on; the same batches come again.
        """

    @abstractmethod
    def stop(self) -> None: ...


class Connector(ABC):
    """The part that plans. ``config`` and ``task`` say which classes belong to it."""

    config: ClassVar[type[Config]]
    version: ClassVar[str]

    @abstractmethod
    def task_configs(self, settings: Mapping[str, str], max_tasks: int) -> list[dict[str, str]]:
        """One settings map per task, at most ``max_tasks``; may connect to look at the database."""

    def replan_seconds(self, settings: Mapping[str, str]) -> float | None:
        """How often the worker asks ``task_configs`` again, to see what is new outside (tables come
        and go); None for never. Tasks are made anew only if the answer is another one."""
        return None

    def check(self, settings: Mapping[str, str]) -> dict[str, list[str]]:
        """Errors by key that only a look at the outside shows (is the database there?)."""
        return {}


class SourceConnector(Connector):
    task: ClassVar[type[SourceTask]]


class SinkConnector(Connector):
    task: ClassVar[type[SinkTask]]

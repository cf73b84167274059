"""What a worker and its task processes say to each other over their pipe."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from connect.batch import SourceOffset, SourcePartition
from connect.metrics import Snapshot
from connect.offsets import StoredOffset
from connect.runtime.status import ConnectorKind

# --- from the worker to the task -----------------------------------------------------------------


@dataclass(frozen=True)
class TaskSpec:
    """The first message: everything a task process needs. Settings are resolved."""

    connector: str
    task: int
    kind: ConnectorKind
    worker_settings: Mapping[str, str]
    connector_settings: Mapping[str, str]
    task_settings: Mapping[str, str]
    offsets: Sequence[StoredOffset]
    paused: bool
    log_levels: Mapping[str, int]


class Command(StrEnum):
    PAUSE = "pause"
    RESUME = "resume"
    STOP = "stop"


@dataclass(frozen=True)
class OffsetsStored:
    """The worker has the offsets of that number on disk."""

    number: int


@dataclass(frozen=True)
class SetLevel:
    """Log from this level on; the empty name is the root logger."""

    logger: str
    level: int


ToTask: TypeAlias = TaskSpec | Command | OffsetsStored | SetLevel

# --- from the task to the worker -----------------------------------------------------------------


class Event(StrEnum):
    STARTED = "started"
    PAUSED = "paused"
    RESUMED = "resumed"
    STOPPED = "stopped"
    """The task ended in order, everything it had to say has been said."""


@dataclass(frozen=True)
class Failed:
    """The task ended by an error. ``summary`` is for people, ``trace`` the Python traceback."""

    summary: str
    trace: str


@dataclass(frozen=True)
class OffsetsReached:
    """Everything before these offsets is acknowledged by the log; store them and answer."""

    number: int
    offsets: Sequence[tuple[SourcePartition, SourceOffset]]


@dataclass(frozen=True)
class TopicUsed:
    topic: str


@dataclass(frozen=True)
class Report:
    """The task's metrics as they are now."""

    snapshot: Snapshot


@dataclass(frozen=True)
class LogLine:
    """A record of the task's logger, its message already put together."""

    logger: str
    level: int
    message: str


FromTask: TypeAlias = Event | Failed | OffsetsReached | TopicUsed | Report | LogLine

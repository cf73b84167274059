"""What a worker says of its connectors and tasks, and how it refuses a request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from connect.errors import CdcError
from connect.metrics import Snapshot


class State(StrEnum):
    """Kafka Connect's states (``AbstractStatus.State``)."""

    UNASSIGNED = "UNASSIGNED"
    RUNNING = "RUNNING"
    PAUSED = "PAUSED"
    STOPPED = "STOPPED"
    FAILED = "FAILED"
    RESTARTING = "RESTARTING"


class ConnectorKind(StrEnum):
    SOURCE = "source"
    SINK = "sink"
    UNKNOWN = "unknown"


@dataclass(frozen=True)
class TaskView:
    """One task at this moment; ``metrics`` are what it reported last."""

    connector: str
    task: int
    state: State
    trace: str
    settings: Mapping[str, str]
    pid: int | None = None
    restarts: int = 0
    metrics: Snapshot = field(default_factory=dict)


@dataclass(frozen=True)
class ConnectorView:
    """One connector at this moment. ``settings`` as given, references to secrets unresolved."""

    name: str
    kind: ConnectorKind
    state: State
    trace: str
    settings: Mapping[str, str]
    tasks: tuple[TaskView, ...]
    topics: tuple[str, ...]


class RequestError(CdcError):
    """A request to the worker that it refuses; ``status`` is the HTTP status."""

    def __init__(self, status: int, message: str, *, cure: str = "") -> None:
        super().__init__(message, cure=cure)
        self.status = status


def not_found(connector: str) -> RequestError:
    return RequestError(404, f"Connector {connector} not found")

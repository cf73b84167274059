"""A worker's own notes on a connector and its tasks, as the supervisor keeps them."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from connect.metrics import Snapshot
from connect.runtime.connector_file import TargetState
from connect.runtime.messages import Command, Failed, OffsetsReached
from connect.runtime.process import TaskProcess
from connect.runtime.status import ConnectorKind, ConnectorView, State, TaskView


@dataclass
class RunningTask:
    """One task: what it should run, and its process if it has one."""

    connector: str
    number: int
    connector_settings: Mapping[str, str]
    settings: Mapping[str, str]
    state: State = State.UNASSIGNED
    trace: str = ""
    process: TaskProcess | None = None
    failure: Failed | None = None
    stopping: bool = False
    deadline: float = 0.0
    """When a stopping process is killed; monotonic seconds."""
    restarts: int = 0
    metrics: Snapshot = field(default_factory=dict)
    reached: deque[OffsetsReached] = field(default_factory=deque)
    """Offsets that are not on disk yet."""

    @property
    def name(self) -> str:
        return f"{self.connector}-{self.number}"

    def stop(self, grace: float) -> None:
        """Ask the process to end; it is killed ``grace`` seconds later."""
        if self.process is not None and not self.stopping:
            self.stopping = True
            self.deadline = time.monotonic() + grace
            self.process.send(Command.STOP)

    def restart(self, grace: float) -> None:
        self.restarts += 1
        self.state = State.RESTARTING
        self.trace = ""
        self.stop(grace)

    def fail(self, trace: str) -> None:
        self.state = State.FAILED
        self.trace = trace

    @property
    def wanted(self) -> bool:
        """It has no process and should have one."""
        return self.process is None and self.state in (State.UNASSIGNED, State.RESTARTING)

    def view(self, settings: Mapping[str, str]) -> TaskView:
        return TaskView(
            self.connector,
            self.number,
            self.state,
            self.trace,
            settings,
            self.process.popen.pid if self.process else None,
            self.restarts,
            self.metrics,
        )


@dataclass
class RunningConnector:
    """One connector; ``settings`` as given, ``resolved`` with secrets in their places."""

    name: str
    kind: ConnectorKind
    settings: Mapping[str, str]
    target: TargetState
    state: State = State.UNASSIGNED
    trace: str = ""
    generation: int = 0
    """Counts the plannings begun, so that an answer that comes late is known as such."""
    resolved: Mapping[str, str] = field(default_factory=dict)
    planned: Sequence[Mapping[str, str]] | None = None
    """Task settings to bring into force as soon as the tasks before have ended."""
    replan_at: float | None = None
    """When the connector is asked again whether it wants other tasks; monotonic seconds."""
    tasks: list[RunningTask] = field(default_factory=list)
    topics: set[str] = field(default_factory=set)
    altering: bool = False
    """Its offsets are being changed by hand, so nothing of it may start."""

    @property
    def busy(self) -> bool:
        """A task of it still has a process."""
        return any(task.process is not None for task in self.tasks)

    def keeps_tasks(self) -> bool:
        """What is planned is what runs already."""
        return (
            self.planned is not None
            and [task.settings for task in self.tasks] == list(self.planned)
            and all(task.connector_settings == self.resolved for task in self.tasks)
        )

    def view(self, tasks: Sequence[TaskView]) -> ConnectorView:
        return ConnectorView(
            self.name,
            self.kind,
            self.state,
            self.trace,
            self.settings,
            tuple(tasks),
            tuple(sorted(self.topics)),
        )

"""Keeps task processes as they should be: starts, feeds, stops and buries them.

One thread does all of it, so that processes have a parent thread that lives as long as the worker.
It goes by what is wanted, not by what was asked: after every event it compares the two and does
the next thing needed. Connectors plan their tasks in threads of their own, for they may connect to
a database first.
"""

from __future__ import annotations

import logging
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from multiprocessing import Pipe
from multiprocessing.connection import wait

from connect.connector import Connector
from connect.errors import CdcError, ConfigError, RetriableError
from connect.offsets import OffsetFile
from connect.runtime.config_providers import Resolver
from connect.runtime.connector_file import TargetState
from connect.runtime.messages import (
    Command,
    Event,
    Failed,
    FromTask,
    LogLine,
    OffsetsReached,
    OffsetsStored,
    Report,
    SetLevel,
    TaskSpec,
    TopicUsed,
)
from connect.runtime.process import TaskProcess
from connect.runtime.running import RunningConnector, RunningTask
from connect.runtime.status import State
from connect.runtime.validation import connector_class
from connect.runtime.worker_config import WorkerConfig

_logger = logging.getLogger(__name__)

_TICK = 1.0
_BURIAL_TICK = 0.02
_PLAN_AGAIN = 5.0


class Supervisor:
    """The thread. Others look at ``connectors`` inside ``still()`` and change them inside
    ``changing()``."""

    def __init__(self, config: WorkerConfig, resolver: Resolver, offsets: OffsetFile) -> None:
        self.connectors: dict[str, RunningConnector] = {}
        self.log_levels: dict[str, int] = {}
        self._config = config
        self._resolver = resolver
        self._offsets = offsets
        self._grace = config.graceful_timeout / 1000
        self._leaving: list[RunningConnector] = []
        self._changed = threading.Condition(threading.RLock())
        self._bell, self._ringer = Pipe(duplex=False)
        self._rung = False
        self._closing = False
        self._lines: list[tuple[str, int, str]] = []
        self._thread = threading.Thread(target=self._run, name="supervisor")

    def start(self) -> None:
        self._thread.start()

    @property
    def alive(self) -> bool:
        return self._thread.is_alive()

    def close(self) -> None:
        """Stop every task, store what they have to say, and return when all are gone."""
        with self.changing():
            self._closing = True
            deadline = time.monotonic() + self._grace
            for task in self._tasks():
                task.stop(self._grace)
                task.deadline = min(task.deadline, deadline)
        self._thread.join()

    @contextmanager
    def still(self) -> Iterator[None]:
        """Hold everything still to look at it."""
        with self._changed:
            yield

    @contextmanager
    def changing(self) -> Iterator[None]:
        """Hold everything still, then have the supervisor look at what is new."""
        with self._changed:
            yield
            if not self._rung:  # or a busy supervisor's pipe fills up, and this would wait for it
                self._rung = True
                self._ringer.send(None)

    def await_(self, condition: Callable[[], bool], timeout: float) -> bool:
        """Wait until the condition holds; False after ``timeout`` seconds."""
        with self._changed:
            return self._changed.wait_for(condition, timeout)

    # --- what is wanted; call inside changing() --------------------------------------------------

    def plan(self, connector: RunningConnector) -> None:
        """Have the connector say which tasks it wants, now and not in this thread."""
        connector.generation += 1
        connector.trace = ""
        connector.planned = None
        self._ask(connector, first=True)

    def _ask(self, connector: RunningConnector, *, first: bool) -> None:
        connector.replan_at = None
        threading.Thread(
            target=self._plan,
            args=(connector, connector.generation, dict(connector.settings), first),
            name=f"plan-{connector.name}",
            daemon=True,
        ).start()

    def set_target(self, connector: RunningConnector, target: TargetState) -> None:
        """Started, paused or stopped; the same again does nothing."""
        before, connector.target = connector.target, target
        if before is target:
            return
        if target is TargetState.STOPPED:
            connector.generation += 1
            connector.replan_at = None
            connector.planned = ()
            connector.state = State.STOPPED
            connector.trace = ""
        elif before is TargetState.STOPPED:
            connector.state = State.UNASSIGNED
            self.plan(connector)
        else:
            command = Command.PAUSE if target is TargetState.PAUSED else Command.RESUME
            if connector.state is not State.FAILED:
                connector.state = _target_state(connector)
            for task in connector.tasks:
                if task.process is not None:
                    task.process.send(command)

    def remove(self, connector: RunningConnector) -> None:
        """Stop its tasks and forget it."""
        del self.connectors[connector.name]
        connector.generation += 1
        connector.replan_at = None
        connector.planned = ()
        self._leaving.append(connector)

    def restart(self, task: RunningTask) -> None:
        task.restart(self._grace)

    def set_level(self, logger: str, level: int) -> None:
        """Log level in every task process, also those to come."""
        self.log_levels[logger] = level
        for task in self._tasks():
            if task.process is not None:
                task.process.send(SetLevel(logger, level))

    def gone(self, connector: RunningConnector) -> bool:
        """Nothing of it runs any more."""
        return not connector.busy

    # --- planning, in threads of its own ---------------------------------------------------------

    def _plan(
        self,
        connector: RunningConnector,
        generation: int,
        settings: Mapping[str, str],
        first: bool,
    ) -> None:
        """Plan until it goes well. Only a connector that has never planned fails when it cannot:
        one that only looks for news goes on with what it has."""

        def current() -> bool:
            return connector.generation == generation and not self._closing

        while current():
            try:
                resolved = self._resolver.resolve(settings)
                made = connector_class(resolved)()
                tasks = _task_configs(made, connector.name, resolved)
                again = made.replan_seconds(resolved)
            except Exception as error:
                if not first or isinstance(error, RetriableError):
                    _logger.warning("%s: tasks are planned again: %s", connector.name, error)
                    with self._changed:
                        self._changed.wait_for(lambda: not current(), _PLAN_AGAIN)
                    continue
                known = isinstance(error, CdcError)
                _logger.error("%s: %s", connector.name, error, exc_info=not known)
                with self.changing():
                    if current():
                        connector.state = State.FAILED
                        connector.trace = "".join(traceback.format_exception(error))
                return
            with self.changing():
                if current():
                    connector.resolved = resolved
                    connector.planned = tasks
                    connector.state = _target_state(connector)
                    if again is not None:
                        connector.replan_at = time.monotonic() + again
            return

    # --- the thread ------------------------------------------------------------------------------

    def _run(self) -> None:
        while True:
            with self._changed:
                for connector in (*self.connectors.values(), *self._leaving):
                    self._settle(connector)
                self._leaving = [leaving for leaving in self._leaving if leaving.busy]
                self._changed.notify_all()
                alive = [(task, task.process) for task in self._tasks() if task.process]
                if self._closing and not alive:
                    break
                deadlines = [task.deadline for task, _ in alive if task.stopping]
                deadlines += [c.replan_at for c in self.connectors.values() if c.replan_at]
                tasks = {p.connection: task for task, p in alive if p.silent_since is None}
            self._speak()
            longest = _TICK if len(tasks) == len(alive) else _BURIAL_TICK
            timeout = max(0.0, min([longest, *(at - time.monotonic() for at in deadlines)]))
            ready = set(wait([self._bell, *tasks], timeout))
            with self._changed:
                if self._bell in ready:
                    self._bell.recv()
                    self._rung = False
                for connection, task in tasks.items():
                    if connection in ready:
                        self._hear(task)
        self._speak()

    def _say(self, level: int, text: str, logger: str = __name__) -> None:
        """Log a little later, when nothing is held still: a handler may want to look at us."""
        self._lines.append((logger, level, text))

    def _speak(self) -> None:
        lines, self._lines = self._lines, []
        for logger, level, text in lines:
            logging.getLogger(logger).log(level, "%s", text)

    def _tasks(self) -> Iterator[RunningTask]:
        for connector in (*self.connectors.values(), *self._leaving):
            yield from connector.tasks

    def _settle(self, connector: RunningConnector) -> None:
        """Do what is needed next to bring a connector from what it is to what it should be."""
        now = time.monotonic()
        for task in connector.tasks:
            self._store(task)
            if task.process is not None and task.process.silent_since is not None:
                self._bury(task, task.process)
            if task.stopping and task.process is not None and now >= task.deadline:
                self._say(logging.WARNING, f"{task.name} did not stop in time; killed")
                task.deadline = now + _TICK
                task.process.kill()
        if self._closing:
            return
        if connector.replan_at is not None and now >= connector.replan_at:
            self._ask(connector, first=False)
        if connector.planned is not None:
            if connector.keeps_tasks():
                connector.planned = None
            elif connector.busy:
                for task in connector.tasks:
                    task.stop(self._grace)
                return
            else:
                self._adopt(connector)
        if any(leaving.name == connector.name and leaving.busy for leaving in self._leaving):
            return
        for task in connector.tasks:
            if task.wanted:
                self._spawn(connector, task)

    def _adopt(self, connector: RunningConnector) -> None:
        planned, connector.planned = connector.planned or (), None
        connector.tasks = [
            RunningTask(connector.name, number, connector.resolved, settings)
            for number, settings in enumerate(planned)
        ]

    def _spawn(self, connector: RunningConnector, task: RunningTask) -> None:
        task.stopping = False
        task.failure = None
        task.metrics = {}
        task.reached.clear()
        spec = TaskSpec(
            connector=task.connector,
            task=task.number,
            kind=connector.kind,
            worker_settings=self._config.settings,
            connector_settings=task.connector_settings,
            task_settings=task.settings,
            offsets=self._offsets.all(task.connector),
            paused=connector.target is TargetState.PAUSED,
            log_levels={"": logging.getLogger().getEffectiveLevel()} | self.log_levels,
        )
        try:
            task.process = TaskProcess(spec)
        except OSError as error:
            task.fail(f"The process of the task could not be started: {error}")
            self._say(logging.ERROR, f"{task.name}: {task.trace}")

    def _hear(self, task: RunningTask) -> None:
        process = task.process
        assert process is not None
        try:
            while process.connection.poll():
                self._receive(task, process.connection.recv())
        except (EOFError, OSError):
            process.fall_silent()
        except Exception:  # nothing a task says may stop the worker
            problem = traceback.format_exc()
            self._say(logging.ERROR, f"Task {task.name} is not understood; killed\n{problem}")
            process.kill()

    def _receive(self, task: RunningTask, message: FromTask) -> None:
        match message:
            case Event.STARTED | Event.RESUMED:
                task.state = State.RUNNING
            case Event.PAUSED:
                task.state = State.PAUSED
            case Event.STOPPED:
                pass
            case Failed():
                task.failure = message
            case OffsetsReached():
                task.reached.append(message)
                self._store(task)
            case TopicUsed(topic):
                connector = self.connectors.get(task.connector)
                if connector is not None and self._config.topic_tracking_enable:
                    connector.topics.add(topic)
            case Report(snapshot):
                task.metrics = snapshot
            case LogLine(logger, level, text):
                self._say(level, text, logger)

    def _store(self, task: RunningTask) -> None:
        """Put offsets on disk and say so. What cannot be stored now is tried again."""
        while task.reached:
            message = task.reached[0]
            try:
                self._offsets.store(task.connector, message.offsets)
            except CdcError as error:
                self._say(logging.ERROR, f"{task.name}: {error}")
                return
            task.reached.popleft()
            if task.process is not None:
                task.process.send(OffsetsStored(message.number))

    def _bury(self, task: RunningTask, process: TaskProcess) -> None:
        """Note how a process ended, if it has; it may take a moment after its last word."""
        ending = process.ending()
        if ending is None:
            return
        task.process = None
        asked, task.stopping = task.stopping, False
        if task.failure is not None:
            self._say(logging.ERROR, f"Task {task.name} failed: {task.failure.summary}")
            self._say(logging.DEBUG, task.failure.trace)
            if not asked:
                task.fail(task.failure.trace)
        elif not asked:
            task.fail(f"The process of task {task.name} {ending}.")
            self._say(logging.ERROR, task.trace)
        if asked and task.state not in (State.RESTARTING, State.FAILED):
            task.state = State.UNASSIGNED


def _task_configs(made: Connector, name: str, settings: Mapping[str, str]) -> list[dict[str, str]]:
    config = made.config(settings)
    most = config.values["tasks.max"]
    tasks = made.task_configs(settings, most)
    if len(tasks) > most and config.values["tasks.max.enforce"]:
        raise ConfigError(
            "tasks.max",
            f"The connector {name} has generated {len(tasks)} tasks, which is greater than {most}, "
            "the maximum number of tasks it is configured to create.",
        )
    return tasks


def _target_state(connector: RunningConnector) -> State:
    return State.PAUSED if connector.target is TargetState.PAUSED else State.RUNNING

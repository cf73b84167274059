"""A standalone worker: connectors from files and REST, tasks in processes, offsets in a file.

Follows ``org.apache.kafka.connect.runtime.standalone.StandaloneHerder``. Connectors made by REST
live as long as the worker; only source offsets outlive it.
"""

from __future__ import annotations

import logging
import signal
import socket
import sys
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Self

from connect.errors import CdcError, ConfigError, RetriableError
from connect.log import open_log
from connect.log.contract import Log
from connect.metrics import Sample
from connect.offsets import OffsetFile
from connect.runtime.backoff import patiently
from connect.runtime.config_providers import Resolver
from connect.runtime.connector_file import ConnectorRequest, TargetState
from connect.runtime.rest import application
from connect.runtime.rest_server import RestServer
from connect.runtime.running import RunningConnector
from connect.runtime.sink_offsets import SinkOffsets
from connect.runtime.status import (
    ConnectorKind,
    ConnectorView,
    RequestError,
    State,
    TaskView,
    not_found,
)
from connect.runtime.supervisor import Supervisor
from connect.runtime.validation import Validation, connector_class, kind_of, validate
from connect.runtime.worker_config import WorkerConfig

_logger = logging.getLogger(__name__)

EXIT_START_ERROR = 3
_REQUEST_TIMEOUT = 90.0


class Worker:
    """Everything a worker can be asked for. Methods may be called from any thread.

    Use as a context manager: it opens the log and the offsets, serves REST, and at the end stops
    the tasks and stores their offsets.
    """

    def __init__(self, settings: Mapping[str, str]) -> None:
        """Raises ConfigError for settings that cannot be followed; nothing is opened yet."""
        self._resolver = Resolver(settings)
        self.config = WorkerConfig(self._resolver.resolve(settings))
        warnings, errors = self.config.problems()
        for error in errors:
            raise error
        for warning in warnings:
            _logger.warning("%s", warning)
        self.offsets = OffsetFile(self.config.offsets_path)
        self._supervisor = Supervisor(self.config, self._resolver, self.offsets)
        self.stopping = threading.Event()
        self.cluster_id = ""
        self.started = False
        self._log: Log
        self._rest: RestServer

    def __enter__(self) -> Self:
        self._rest = RestServer(application(self), self.config.addresses)
        try:
            self._log = self._open_log()
            self._supervisor.start()
        except BaseException:
            self._rest.close()
            raise
        self.started = True
        return self

    def __exit__(self, *_: object) -> None:
        self.started = False
        self._supervisor.close()
        self._rest.close()
        self._log.close()

    def _open_log(self) -> Log:
        log = open_log(self.config.log_settings(), self.stopping)
        try:
            self.cluster_id = patiently(log.cluster_id, "Reaching the log", self.stopping)
            return log
        except BaseException:
            log.close()
            raise

    # --- who we are ------------------------------------------------------------------------------

    @property
    def url(self) -> str:
        """Where REST is served, e.g. ``http://127.0.0.1:8083``."""
        return self._rest.url

    @property
    def worker_id(self) -> str:
        """The advertised ``host:port``."""
        host, port = self._rest.address
        host = self.config.advertised_host or host or socket.gethostname()
        return f"{host}:{self.config.advertised_port or port}"

    @property
    def healthy(self) -> bool:
        """Started, and still looking after its tasks."""
        return self.started and self._supervisor.alive

    # --- looking ---------------------------------------------------------------------------------

    def names(self) -> list[str]:
        with self._supervisor.still():
            return list(self._supervisor.connectors)

    def connector(self, name: str) -> ConnectorView:
        """RequestError (404) if there is none of that name."""
        with self._supervisor.still():
            return self._view(self._find(name))

    def connectors(self) -> list[ConnectorView]:
        with self._supervisor.still():
            return [self._view(found) for found in self._supervisor.connectors.values()]

    def tasks(self) -> list[TaskView]:
        """Every task with its state and what it reported last, for progress displays."""
        return [task for connector in self.connectors() for task in connector.tasks]

    def samples(self) -> list[Sample]:
        """All metrics as they are now."""
        found = []
        for connector in self.connectors():
            own = (("connector", connector.name),)
            running = float(connector.state is State.RUNNING)
            found.append(Sample("connector_running", own, running))
            for task in connector.tasks:
                labels = (*own, ("task", str(task.task)))
                running = float(task.state is State.RUNNING)
                found.append(Sample("task_running", labels, running))
                found.append(Sample("task_restarts", labels, task.restarts))
                for (name, more), value in task.metrics.items():
                    found.append(Sample(name, labels + more, value))
        return found

    def _find(self, name: str) -> RunningConnector:
        connector = self._supervisor.connectors.get(name)
        if connector is None:
            raise not_found(name)
        return connector

    def _view(self, connector: RunningConnector) -> ConnectorView:
        return connector.view(
            [
                task.view(self._resolver.hide(task.settings, connector.settings))
                for task in connector.tasks
            ]
        )

    # --- configuration ---------------------------------------------------------------------------

    def validate(self, settings: Mapping[str, str | None]) -> Validation:
        """May connect to a database. RequestError (400) without a connector class."""
        return validate(self.config, self._resolver, settings)

    def create(self, request: ConnectorRequest) -> ConnectorView:
        """RequestError 409 for a name there is already, 400 for invalid settings."""
        with self._supervisor.still():
            if request.name in self._supervisor.connectors:
                raise RequestError(409, f"Connector {request.name} already exists")
        return self.configure(request, replace=False)

    def configure(
        self,
        request: ConnectorRequest,
        *,
        replace: bool = True,
        over: Mapping[str, str] | None = None,
    ) -> ConnectorView:
        """Create the connector, or give the one of that name new settings; with ``over`` only if
        those are still its settings (RequestError 409)."""
        found = self.validate(request.settings)
        for warning in found.warnings:
            _logger.warning("%s: %s", request.name, warning)
        found.refuse()
        kind = kind_of(connector_class(request.settings))
        with self._supervisor.changing():
            connector = self._supervisor.connectors.get(request.name)
            if over is not None and self._find(request.name).settings is not over:
                raise RequestError(
                    409,
                    f"Connector {request.name} got other settings meanwhile.",
                    cure="Try again.",
                )
            if connector is None:
                connector = RunningConnector(request.name, kind, request.settings, request.target)
                self._supervisor.connectors[request.name] = connector
            elif not replace:
                raise RequestError(409, f"Connector {request.name} already exists")
            else:
                connector.kind = kind
                connector.settings = request.settings
            if connector.target is TargetState.STOPPED:
                connector.state = State.STOPPED
            else:
                self._supervisor.plan(connector)
            return self._view(connector)

    def patch(self, name: str, changes: Mapping[str, str | None]) -> ConnectorView:
        """Change single settings; None takes one away."""
        before = self.connector(name).settings
        settings = {**before, **changes}
        kept = {key: value for key, value in settings.items() if value is not None}
        return self.configure(ConnectorRequest(name, kept), over=before)

    def delete(self, name: str) -> None:
        """Returns when its tasks have ended. Offsets stay."""
        with self._supervisor.changing():
            connector = self._unaltered(name)
            self._supervisor.remove(connector)
        self._await_gone(connector)

    # --- states ----------------------------------------------------------------------------------

    def pause(self, name: str) -> None:
        self._target(name, TargetState.PAUSED)

    def resume(self, name: str) -> None:
        self._target(name, TargetState.STARTED)

    def stop(self, name: str) -> None:
        """Returns when its tasks have ended; the settings stay."""
        self._await_gone(self._target(name, TargetState.STOPPED))

    def _target(self, name: str, target: TargetState) -> RunningConnector:
        with self._supervisor.changing():
            connector = self._unaltered(name)
            self._supervisor.set_target(connector, target)
            return connector

    def _await_gone(self, connector: RunningConnector) -> None:
        if not self._supervisor.await_(lambda: self._supervisor.gone(connector), _REQUEST_TIMEOUT):
            raise RequestError(500, "Request timed out. The worker is waiting for tasks to stop.")

    def restart(self, name: str, *, include_tasks: bool, only_failed: bool) -> ConnectorView:
        """Plan again, and restart the tasks if asked; with ``only_failed`` what has failed."""
        with self._supervisor.changing():
            connector = self._find(name)
            if connector.target is not TargetState.STOPPED:
                if not only_failed or connector.state is State.FAILED:
                    connector.state = State.RESTARTING
                    self._supervisor.plan(connector)
                for task in connector.tasks if include_tasks else ():
                    if not only_failed or task.state is State.FAILED:
                        self._supervisor.restart(task)
            return self._view(connector)

    def restart_task(self, name: str, number: int) -> None:
        with self._supervisor.changing():
            connector = self._find(name)
            if not 0 <= number < len(connector.tasks):
                raise RequestError(404, f"Unknown task: {name}-{number}")
            self._supervisor.restart(connector.tasks[number])

    def reset_topics(self, name: str) -> None:
        with self._supervisor.changing():
            self._find(name).topics.clear()

    def set_level(self, logger: str, level: int) -> None:
        """Log level of a logger here and in every task; the empty name is the root."""
        logging.getLogger(logger or None).setLevel(level)
        with self._supervisor.changing():
            self._supervisor.set_level(logger, level)

    # --- offsets ---------------------------------------------------------------------------------

    def read_offsets(self, name: str) -> list[tuple[Mapping[str, object], Mapping[str, object]]]:
        """Partitions and offsets as KIP-875 shows them."""
        connector = self.connector(name)
        if connector.kind is ConnectorKind.SINK:
            return self._sink_offsets(connector).read()
        return list(self.offsets.all(name))

    def alter_offsets(
        self,
        name: str,
        changes: Sequence[tuple[Mapping[str, object], Mapping[str, object] | None]],
    ) -> None:
        """RequestError (400) unless the connector is stopped."""
        if not changes:
            raise RequestError(400, "Partitions / offsets need to be provided for an alteration.")
        with self._altering(name) as connector:
            try:
                if connector.kind is ConnectorKind.SINK:
                    self._sink_offsets(connector).alter(changes)
                else:
                    self.offsets.alter(name, changes)
            except (CdcError, TypeError) as error:
                raise RequestError(400, str(error)) from error

    def reset_offsets(self, name: str) -> None:
        """RequestError (400) unless the connector is stopped."""
        with self._altering(name) as connector:
            if connector.kind is ConnectorKind.SINK:
                self._sink_offsets(connector).reset()
            else:
                self.offsets.reset(name)

    @contextmanager
    def _altering(self, name: str) -> Iterator[ConnectorView]:
        """A stopped connector, which stays so until the end of the block."""
        with self._supervisor.changing():
            connector = self._unaltered(name)
            if connector.target is not TargetState.STOPPED or connector.busy:
                raise RequestError(
                    400,
                    "Connectors must be in the STOPPED state before their offsets can be modified.",
                    cure=f"This can be done for the specified connector by issuing a 'PUT' request "
                    f"to the '/connectors/{name}/stop' endpoint.",
                )
            connector.altering = True
            view = self._view(connector)
        try:
            yield view  # not inside changing(): Kafka may take its time
        finally:
            with self._supervisor.changing():
                connector.altering = False

    def _unaltered(self, name: str) -> RunningConnector:
        connector = self._find(name)
        if connector.altering:
            raise RequestError(
                409, f"The offsets of connector {name} are being changed.", cure="Try again."
            )
        return connector

    def _sink_offsets(self, connector: ConnectorView) -> SinkOffsets:
        return SinkOffsets(
            self._log, connector.name, self._resolver.resolve(connector.settings), connector.topics
        )


# --- the command ---------------------------------------------------------------------------------


def run_standalone(
    worker_settings: Mapping[str, str],
    requests: Sequence[ConnectorRequest],
    *,
    ready: Callable[[Worker], None] = lambda worker: None,
) -> int:
    """Run until SIGTERM or SIGINT, and return the exit code. For the main thread.

    Each problem at start is one line on stderr and makes the code 3, as Kafka Connect's; ``ready``
    is called once everything has been started.
    """
    try:
        worker = Worker(worker_settings)
    except CdcError as error:
        return _refuse("worker", error)

    def on_signal(number: int, _frame: object) -> None:
        _logger.info("Stopping on %s", signal.Signals(number).name)
        # Not set() itself: the signal may come while this very thread holds the event's lock.
        threading.Thread(target=worker.stopping.set).start()

    before = {
        number: signal.signal(number, on_signal) for number in (signal.SIGTERM, signal.SIGINT)
    }
    try:
        with worker:
            refused = 0
            for request in requests:
                try:
                    worker.create(request)
                except CdcError as error:
                    refused = _refuse(request.name, error)
            if refused:
                return refused
            ready(worker)
            while not worker.stopping.wait(0.5):
                if not worker.healthy:
                    sys.stderr.write("worker: its supervisor has ended; see the log\n")
                    return 1
    except RetriableError:
        return 0  # told to stop while the log was out of reach
    except ConfigError as error:
        return _refuse("worker", error)
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
    return 0


def _refuse(what: str, error: CdcError) -> int:
    lines = [line for line in str(error).splitlines() if line]
    if isinstance(error, RequestError) and len(lines) > 2:
        lines = lines[1:-1]  # without Kafka's words around the list
    for line in lines:
        sys.stderr.write(f"{what}: {line}\n")
    return EXIT_START_ERROR

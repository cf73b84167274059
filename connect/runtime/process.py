"""A task's own process: started by the worker, it runs one task and ends with it or the worker.

The two talk over a socket pair. When the worker is gone the socket says so, and Linux besides. A
source then ends on the spot: what it has queued must not reach the log among the records of the
task that a new worker starts. A sink finishes what it is writing and leaves its consumer group,
which alone gives its partitions to the next; a watchdog sees to it that this does not take long.
"""

from __future__ import annotations

import ctypes
import gc
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import traceback
from contextlib import suppress
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from typing import Any

from connect.errors import CdcError, RetriableError
from connect.runtime import task
from connect.runtime.control import Control
from connect.runtime.messages import (
    Command,
    Event,
    Failed,
    FromTask,
    LogLine,
    OffsetsStored,
    SetLevel,
    TaskSpec,
    ToTask,
)
from connect.runtime.status import ConnectorKind

_LAST_WORD_SECONDS = 3.0
"""How long a process may go on after it has closed its side of the socket."""

ORPHAN_SECONDS = 3.0
"""How long a task whose worker died may take to leave its consumer group."""

_PR_SET_PDEATHSIG = 1
_GARBAGE_THRESHOLDS = (50_000, 20, 20)
"""Rows are tuples without cycles; to look for some in every 700 costs a tenth of the CPU."""


class TaskProcess:
    """The worker's handle of a task process. One thread at a time."""

    def __init__(self, spec: TaskSpec) -> None:
        """Must be called from a thread that lives as long as the task should (Linux tells a
        process of the death of the thread that started it)."""
        self.silent_since: float | None = None
        """When its side of the socket was closed, monotonic seconds: it ends."""
        self.connection, theirs = Pipe()
        environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
        try:
            self.popen = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), str(os.getpid())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                process_group=0,  # Ctrl-C is for the worker, which hands it on in order
                env=environment,
            )
        finally:
            theirs.close()
        self.send(spec)

    def send(self, message: ToTask) -> None:
        """Tell the task; nothing happens if it has ended already."""
        with suppress(OSError):  # its end is noticed where its messages are read
            self.connection.send(message)

    def kill(self) -> None:
        self.popen.kill()

    def fall_silent(self) -> None:
        """It has closed its side of the socket."""
        self.silent_since = time.monotonic()

    def ending(self) -> str | None:
        """How the process ended, in words; None if it has not. Never waits; one that has nothing
        more to say and still hangs is killed."""
        code = self.popen.poll()
        if code is None:
            silent = self.silent_since
            if silent is not None and time.monotonic() - silent > _LAST_WORD_SECONDS:
                self.popen.kill()
            return None
        self.connection.close()
        if code < 0:
            try:
                return f"was ended by signal {signal.Signals(-code).name}"
            except ValueError:
                return f"was ended by signal {-code}"
        return f"ended with exit code {code}"


# --- inside the process --------------------------------------------------------------------------


class _PipeControl(Control):
    def __init__(self, connection: Connection[Any, Any], spec: TaskSpec) -> None:
        super().__init__(paused=spec.paused)
        self._connection = connection
        self._kind = spec.kind
        self._sending = threading.Lock()
        self._orphaned = False

    def send(self, message: FromTask) -> None:
        if self._orphaned:
            return
        try:
            with self._sending:
                self._connection.send(message)
        except OSError:
            self.abandon()

    def listen(self) -> None:
        """Follow the worker's messages until it is gone; a thread of its own."""
        while True:
            try:
                message = self._connection.recv()
            except (EOFError, OSError):
                self.abandon()
                return
            match message:
                case Command.STOP:
                    self.stopping.set()
                case Command.PAUSE:
                    self.paused = True
                case Command.RESUME:
                    self.paused = False
                case OffsetsStored(number):
                    self.answer(number)
                case SetLevel(logger, level):
                    logging.getLogger(logger or None).setLevel(level)

    def abandon(self) -> None:
        """The worker is gone."""
        if self._kind is not ConnectorKind.SINK:
            os._exit(1)
        if not self._orphaned:
            self._orphaned = True
            self.stopping.set()
            watchdog = threading.Timer(ORPHAN_SECONDS, os._exit, (1,))
            watchdog.daemon = True
            watchdog.start()


class _PipeHandler(logging.Handler):
    """Hands log records to the worker, so that one process writes one log."""

    def __init__(self, control: Control, prefix: str) -> None:
        super().__init__()
        self._control = control
        self._prefix = prefix
        self._plain = logging.Formatter()

    def emit(self, record: logging.LogRecord) -> None:
        try:
            text = self._prefix + self._plain.format(record)
            self._control.send(LogLine(record.name, record.levelno, text))
        except Exception:
            self.handleError(record)


def _on_death_of(parent: int, number: signal.Signals) -> None:
    """Have Linux send us a signal when the worker dies; elsewhere the socket alone tells."""
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, number)
        if os.getppid() != parent:
            os._exit(1)


def main(arguments: list[str]) -> int:
    descriptor, parent = map(int, arguments)
    _on_death_of(parent, signal.SIGKILL)
    connection: Connection[Any, Any] = Connection(descriptor)
    spec = connection.recv()
    assert isinstance(spec, TaskSpec)
    control = _PipeControl(connection, spec)
    # Not set() itself: the signal may come while this very thread holds the event's lock.
    signal.signal(signal.SIGTERM, lambda *_: threading.Thread(target=control.stopping.set).start())
    if spec.kind is ConnectorKind.SINK:
        _on_death_of(parent, signal.SIGTERM)
    logging.getLogger().addHandler(_PipeHandler(control, f"[{spec.connector}|task-{spec.task}] "))
    logging.captureWarnings(True)
    for logger, level in spec.log_levels.items():
        logging.getLogger(logger or None).setLevel(level)
    threading.Thread(target=control.listen, name="worker", daemon=True).start()
    gc.set_threshold(*_GARBAGE_THRESHOLDS)
    return _run(spec, control)


def _run(spec: TaskSpec, control: Control) -> int:
    try:
        task.run(spec, control)
    except Exception as error:
        if not (isinstance(error, RetriableError) and control.stopping.is_set()):
            known = isinstance(error, CdcError)
            summary = str(error) if known else f"{type(error).__name__}: {error}"
            control.send(Failed(summary, "".join(traceback.format_exception(error))))
            return 1
        logging.getLogger(__name__).warning("Stopped while waiting: %s", error)
    control.send(Event.STOPPED)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))

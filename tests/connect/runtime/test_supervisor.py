"""How the supervisor is held still, told of changes, and buries processes."""

from __future__ import annotations

from connect.runtime.standalone import Worker
from connect.runtime.status import State
from tests.connect.runtime.conftest import source, until


def test_a_bell_that_nobody_hears_yet_is_rung_once(settings: dict[str, str]) -> None:
    """A pipe holds some thousand messages; the next would be waited for with the lock held."""
    supervisor = Worker(settings)._supervisor  # never started
    for _ in range(3):
        with supervisor.changing():
            pass
    assert supervisor._bell.poll()
    supervisor._bell.recv()
    assert not supervisor._bell.poll()


def test_looking_does_not_ring(settings: dict[str, str]) -> None:
    worker = Worker(settings)
    assert worker.names() == worker.tasks() == worker.connectors() == worker.samples() == []
    assert not worker._supervisor._bell.poll()


def test_a_process_that_hangs_after_its_last_word_holds_nobody_up(worker: Worker) -> None:
    """Nothing is locked while its end is awaited."""
    worker.create(source(counter_fault="mute"))
    until(lambda: [task.pid for task in worker.tasks()] not in ([], [None]), "a process")
    process = worker._supervisor.connectors["source"].tasks[0].process
    assert process is not None
    until(lambda: process.silent_since is not None, "its last word")
    assert worker.tasks()[0].pid == process.popen.pid
    until(lambda: worker.tasks()[0].state is State.FAILED, "its end")
    assert worker.tasks()[0].trace == "The process of task source-0 was ended by signal SIGKILL."

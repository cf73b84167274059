"""A whole worker over the embedded log: tasks in processes, and what may happen to them."""

from __future__ import annotations

import logging
import os
import signal
import socket
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from connect.errors import ConfigError
from connect.offsets import OffsetFile
from connect.runtime.standalone import Worker, run_standalone
from connect.runtime.status import RequestError, State
from connect.runtime.supervisor import Supervisor
from connect.runtime.validation import Validation
from tests.connect.runtime.conftest import (
    Program,
    alive,
    children,
    counted,
    sink,
    source,
    stopped,
    until,
    written,
)

pytestmark = pytest.mark.timeout(180)


def states(worker: Worker, name: str) -> list[State]:
    view = worker.connector(name)
    return [view.state, *(task.state for task in view.tasks)]


def running(worker: Worker, name: str) -> bool:
    return states(worker, name) == [State.RUNNING, State.RUNNING]


def gapless(numbers: list[int]) -> bool:
    """Everything from 0 on is there, in order of first appearance."""
    first = list(dict.fromkeys(numbers))
    return first == list(range(len(first)))


def test_rows_flow_from_source_to_sink(worker: Worker, tmp_path: Path) -> None:
    file = tmp_path / "out"
    worker.create(source(counter_limit="1000", counter_pause_ms="0"))
    worker.create(sink(file))
    until(lambda: len(written(file)) == 1000, "the sink's thousandth row")
    assert written(file) == list(range(1000))
    assert running(worker, "source")
    assert running(worker, "sink")
    assert worker.connector("source").topics == worker.connector("sink").topics == ("numbers",)

    def metric(name: str, connector: str) -> float:
        return sum(s.value for s in worker.samples() if s.name == name and connector in s.labels[0])

    until(lambda: metric("task_records", "sink") == 1000, "the count of the sink's rows")
    until(lambda: metric("task_records", "source") == 1000, "the count of the source's rows")
    until(lambda: metric("committed_n", "source") == 1000, "the task's hearing of its commit")
    gauges = worker.tasks()[0].metrics
    assert gauges["lag_ms", (("table", "counter"),)] == 1.5


def test_a_worker_that_stops_in_order_goes_on_where_it_was(
    settings: dict[str, str], tmp_path: Path
) -> None:
    for life in (1, 2, 3):
        with Worker(settings) as worker:
            worker.create(source())
            until(lambda life=life: len(counted(settings)) > 100 * life, "more rows")  # type: ignore[misc]
        numbers = counted(settings)
        assert numbers == list(range(len(numbers)))  # nothing lost, nothing twice
        stored = OffsetFile(Path(settings["offset.storage.file.filename"])).all("source")
        assert [dict(offset) for _, offset in stored] == [{"n": len(numbers)}]


def test_a_killed_task_is_failed_and_can_be_restarted(
    worker: Worker, settings: dict[str, str]
) -> None:
    worker.create(source())
    until(lambda: len(counted(settings)) > 50, "the first rows")
    pid = worker.tasks()[0].pid
    assert pid is not None
    os.kill(pid, signal.SIGKILL)
    until(lambda: states(worker, "source") == [State.RUNNING, State.FAILED], "the failure")
    assert worker.tasks()[0].trace == "The process of task source-0 was ended by signal SIGKILL."
    before = len(counted(settings))
    worker.restart_task("source", 0)
    until(lambda: running(worker, "source"), "the restart")
    until(lambda: len(counted(settings)) > before + 50, "rows after the restart")
    assert worker.tasks()[0].restarts == 1
    assert gapless(counted(settings))


def test_a_killed_sink_loses_nothing(worker: Worker, tmp_path: Path) -> None:
    file = tmp_path / "out"
    worker.create(source())
    worker.create(sink(file))
    for _ in range(2):
        before = len(set(written(file)))
        until(lambda before=before: len(set(written(file))) > before + 50, "rows")  # type: ignore[misc]
        pid = worker.connector("sink").tasks[0].pid
        assert pid is not None
        os.kill(pid, signal.SIGKILL)
        until(lambda: worker.connector("sink").tasks[0].state is State.FAILED, "the failure")
        worker.restart_task("sink", 0)
        until(lambda: running(worker, "sink"), "the restart")
    before = len(set(written(file)))
    until(lambda: len(set(written(file))) > before + 50, "rows after the kills")
    assert gapless(written(file))


def test_a_task_that_raises_is_failed_with_its_trace(
    worker: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    worker.create(source("poll", counter_fault="poll"))
    worker.create(source("start", counter_fault="start"))
    worker.create(source("plan", counter_fault="plan"))
    until(lambda: State.FAILED in states(worker, "poll"), "the failure of poll")
    until(lambda: State.FAILED in states(worker, "start"), "the failure of start")
    until(lambda: State.FAILED in states(worker, "plan"), "the failure to plan")
    assert "ValueError: cannot count" in worker.connector("poll").tasks[0].trace
    assert "SourceError: The counter is broken." in worker.connector("start").tasks[0].trace
    assert states(worker, "plan") == [State.FAILED]
    assert "cannot be planned" in worker.connector("plan").trace
    until(lambda: "Task start-0 failed: The counter is broken. Mend it." in caplog.text, "the line")


def test_what_a_task_logs_comes_out_here(worker: Worker, caplog: pytest.LogCaptureFixture) -> None:
    worker.create(source(counter_fault="poll-once"))
    until(
        lambda: "[source|task-0] poll is tried again in 0.0 s: The counter hiccups." in caplog.text,
        "the warning",
    )


def test_a_log_handler_may_look_at_the_worker(worker: Worker) -> None:
    """As a progress display does, which also holds a lock of its own."""
    seen: list[str] = []
    display = threading.Lock()

    class Display(logging.Handler):
        def emit(self, record: logging.LogRecord) -> None:
            with display:
                seen.append(record.getMessage())

    handler = Display()
    logging.getLogger().addHandler(handler)
    try:
        worker.create(source(counter_fault="poll-once"))
        for _ in range(200):
            with display:
                worker.tasks()
        until(lambda: any("hiccups" in text for text in seen), "the warning")
    finally:
        logging.getLogger().removeHandler(handler)


def test_a_task_that_hangs_is_killed(settings: dict[str, str]) -> None:
    with Worker(settings | {"task.shutdown.graceful.timeout.ms": "300"}) as worker:
        worker.create(source(counter_fault="hang"))
        until(lambda: running(worker, "source"), "the start")
        pid = worker.tasks()[0].pid
        assert pid is not None
        worker.stop("source")
        assert not alive(pid)
        worker.resume("source")
        until(lambda: running(worker, "source"), "the start")
        pid = worker.tasks()[0].pid
    assert pid is not None
    assert not alive(pid)


def test_offsets_that_cannot_be_written_are_written_later(
    worker: Worker, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    store = worker.offsets.store
    faults = [ConfigError("offset.storage.file.filename", "The disk is full.")] * 2

    def sometimes(*given: object) -> None:
        if faults:
            raise faults.pop()
        store(*given)  # type: ignore[arg-type]

    monkeypatch.setattr(worker.offsets, "store", sometimes)
    worker.create(source(counter_limit="10"))
    until(lambda: worker.read_offsets("source") == [({"counter": 0}, {"n": 10})], "the offset")
    assert caplog.text.count("source-0: The disk is full.") == 2


def test_pause_resume_and_stop(worker: Worker, settings: dict[str, str]) -> None:
    worker.create(source())
    until(lambda: len(counted(settings)) > 20, "the first rows")
    pid = worker.tasks()[0].pid
    worker.pause("source")
    until(lambda: states(worker, "source") == [State.PAUSED, State.PAUSED], "the pause")
    before = counted(settings)
    worker.resume("source")
    until(lambda: running(worker, "source"), "going on")
    until(lambda: len(counted(settings)) > len(before), "more rows")
    assert worker.tasks()[0].pid == pid
    worker.stop("source")
    assert states(worker, "source") == [State.STOPPED]
    assert pid is not None
    assert not alive(pid)
    before = counted(settings)
    worker.resume("source")
    until(lambda: running(worker, "source"), "the start")
    until(lambda: len(counted(settings)) > len(before) + 20, "more rows")
    numbers = counted(settings)
    assert numbers == list(range(len(numbers)))


def test_a_paused_connector_with_new_settings_stays_paused(worker: Worker) -> None:
    worker.create(source())
    until(lambda: running(worker, "source"), "the start")
    worker.pause("source")
    worker.patch("source", {"counter.rows": "7"})
    until(
        lambda: (
            states(worker, "source") == [State.PAUSED, State.PAUSED]
            and worker.tasks()[0].settings.get("counter.rows") == "7"
        ),
        "the new settings",
    )


def test_new_settings_change_the_tasks(worker: Worker) -> None:
    worker.create(source())
    until(lambda: running(worker, "source"), "the start")
    first = worker.tasks()[0].pid
    worker.configure(source(tasks_max="2"))
    until(lambda: states(worker, "source") == [State.RUNNING] * 3, "two tasks")
    assert first is not None
    assert not alive(first)
    pids = [task.pid for task in worker.tasks()]
    worker.restart("source", include_tasks=False, only_failed=False)
    until(lambda: states(worker, "source") == [State.RUNNING] * 3, "the restart")
    assert [task.pid for task in worker.tasks()] == pids  # the same plan keeps its tasks
    worker.restart("source", include_tasks=True, only_failed=False)
    until(lambda: not set(pids) & {task.pid for task in worker.tasks()}, "new processes")
    until(lambda: states(worker, "source") == [State.RUNNING] * 3, "the restart of tasks")


def test_a_connector_that_asks_for_it_is_planned_again(
    worker: Worker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "tasks"
    file.write_text("1")
    worker.create(source(counter_tasks_file=str(file), tasks_max="2"))
    until(lambda: running(worker, "source"), "the start")
    pid = worker.tasks()[0].pid
    file.write_text("one more")
    until(lambda: "source: tasks are planned again: invalid literal" in caplog.text, "a bad plan")
    assert [task.pid for task in worker.tasks()] == [pid]
    file.write_text("2")
    until(lambda: states(worker, "source") == [State.RUNNING] * 3, "two tasks")
    file.write_text("3")
    until(lambda: "generated 3 tasks, which is greater than 2" in caplog.text, "too many tasks")


def test_a_deleted_connector_can_be_made_again_at_once(
    worker: Worker, settings: dict[str, str]
) -> None:
    worker.create(source())
    until(lambda: len(counted(settings)) > 20, "the first rows")
    worker.delete("source")
    with pytest.raises(RequestError, match="Connector source not found"):
        worker.connector("source")
    before = len(counted(settings))
    worker.create(source())
    until(lambda: len(counted(settings)) > before + 20, "more rows")
    numbers = counted(settings)
    assert numbers == list(range(len(numbers)))  # the offsets were kept


def test_a_busy_sink_waits_and_goes_on(
    worker: Worker, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file, busy = tmp_path / "out", tmp_path / "out.busy"
    busy.touch()
    worker.create(source(counter_limit="100"))
    worker.create(sink(file))
    until(lambda: "put is tried again in 0.1 s: The file is busy." in caplog.text, "a try")
    assert running(worker, "sink")
    busy.unlink()
    until(lambda: written(file) == list(range(100)), "all rows")


def test_offsets_by_hand(worker: Worker, tmp_path: Path) -> None:
    file = tmp_path / "out"
    worker.create(source(counter_limit="100"))
    worker.create(sink(file))
    until(lambda: len(written(file)) == 100, "all rows")
    with pytest.raises(RequestError, match="must be in the STOPPED state"):
        worker.reset_offsets("source")
    worker.stop("source")
    worker.stop("sink")
    assert worker.read_offsets("source") == [({"counter": 0}, {"n": 100})]
    partition = {"kafka_topic": "numbers", "kafka_partition": 0}
    assert worker.read_offsets("sink") == [(partition, {"kafka_offset": 100})]
    worker.alter_offsets("sink", [(partition, {"kafka_offset": 90})])
    worker.alter_offsets("source", [({"counter": 0}, {"n": 95})])
    with pytest.raises(RequestError, match="no kafka_topic"):
        worker.alter_offsets("sink", [({"kafka_partition": 0}, None)])
    worker.resume("source")
    worker.resume("sink")
    expected = [*range(100), *range(90, 100), *range(95, 100)]
    until(lambda: written(file) == expected, "the rows again")
    worker.stop("source")
    worker.reset_offsets("source")
    assert worker.read_offsets("source") == []


def test_nothing_starts_while_offsets_are_changed_by_hand(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.create(stopped(source()))
    alter = worker.offsets.alter

    def disturbed(*given: Any) -> None:
        for disturb in (worker.resume, worker.pause, worker.delete, worker.reset_offsets):
            with pytest.raises(RequestError, match="are being changed") as caught:
                disturb("source")
            assert caught.value.status == 409
        alter(*given)

    monkeypatch.setattr(worker.offsets, "alter", disturbed)
    worker.alter_offsets("source", [({"counter": 0}, {"n": 7})])
    worker.resume("source")
    until(lambda: running(worker, "source"), "the start")


def test_a_patch_of_settings_that_change_meanwhile_is_refused(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.create(stopped(source()))
    validate = worker.validate

    def overtaken(settings: Any) -> Validation:
        monkeypatch.undo()
        worker.patch("source", {"counter.rows": "7"})
        return validate(settings)

    monkeypatch.setattr(worker, "validate", overtaken)
    with pytest.raises(RequestError, match="other settings meanwhile") as caught:
        worker.patch("source", {"counter.limit": "8"})
    assert caught.value.status == 409
    settings = worker.connector("source").settings
    assert (settings.get("counter.rows"), settings.get("counter.limit")) == ("7", None)


def test_a_patch_does_not_bring_back_what_was_deleted(
    worker: Worker, monkeypatch: pytest.MonkeyPatch
) -> None:
    worker.create(stopped(source()))
    validate = worker.validate

    def overtaken(settings: Any) -> Validation:
        worker.delete("source")
        return validate(settings)

    monkeypatch.setattr(worker, "validate", overtaken)
    with pytest.raises(RequestError, match="Connector source not found"):
        worker.patch("source", {"counter.limit": "8"})
    assert worker.names() == []


def test_a_connector_can_be_made_stopped(worker: Worker) -> None:
    worker.create(stopped(source()))
    assert states(worker, "source") == [State.STOPPED]
    worker.alter_offsets("source", [({"counter": 0}, {"n": 7})])
    worker.resume("source")
    until(lambda: running(worker, "source"), "the start")


def test_dead_letters_of_a_running_sink(worker: Worker, tmp_path: Path) -> None:
    file = tmp_path / "out"
    worker.create(
        source(
            counter_limit="10",
            value_converter="connect.converters.string:StringConverter",
        )
    )
    worker.create(sink(file, errors_tolerance="all", errors_deadletterqueue_topic_name="dead"))
    worker.create(
        sink(
            tmp_path / "dead",
            "buried",
            topics="dead",
            value_converter=("connect.converters.byte_array:ByteArrayConverter"),
            file_fault="",
        )
    )
    until(
        lambda: sum(s.value for s in worker.samples() if s.name == "task_dead_letters") == 10,
        "ten dead letters",
    )
    assert written(file) == []


# --- as a program --------------------------------------------------------------------------------


def test_sigterm_ends_in_order(
    program: Callable[..., Program], settings: dict[str, str], tmp_path: Path
) -> None:
    first = program(settings, source(), sink(tmp_path / "out"))
    assert first.ready().startswith("http://127.0.0.1:")
    until(lambda: len(written(tmp_path / "out")) > 50, "the first rows")
    processes = children(first.popen.pid)
    assert len(processes) == 2
    assert first.end(signal.SIGTERM) == (0, "")
    assert not any(map(alive, processes))
    numbers = counted(settings)
    assert numbers == list(range(len(numbers)))
    stored = OffsetFile(Path(settings["offset.storage.file.filename"])).all("source")
    assert [dict(offset) for _, offset in stored] == [{"n": len(numbers)}]


def test_a_killed_worker_takes_its_tasks_along_and_loses_nothing(
    program: Callable[..., Program], settings: dict[str, str], tmp_path: Path
) -> None:
    file = tmp_path / "out"
    for _ in range(2):
        before = len(set(written(file)))
        running = program(settings, source(), sink(file))
        until(lambda before=before: len(set(written(file))) > before + 50, "rows")  # type: ignore[misc]
        processes = children(running.popen.pid)
        assert len(processes) == 2
        running.end(signal.SIGKILL)
        until(lambda p=processes: not any(map(alive, p)), "the end of the tasks", 10)  # type: ignore[misc]
    before = len(set(written(file)))
    last = program(settings, source(), sink(file))
    until(lambda: len(set(written(file))) > before + 50, "rows after the kills")
    assert last.end(signal.SIGINT)[0] == 0
    assert gapless(counted(settings))
    assert gapless(written(file))


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_a_start_that_waits_for_kafka_can_be_ended(
    program: Callable[..., Program], settings: dict[str, str], number: int
) -> None:
    waiting = program(settings | {"bootstrap.servers": "127.0.0.1:1"})
    assert waiting.error_line()  # of its trouble
    assert waiting.end(number)[0] == 0


def test_a_second_signal_does_not_disturb_the_end(
    settings: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[str] = []
    close = Supervisor.close

    def impatient(supervisor: Supervisor) -> None:
        os.kill(os.getpid(), signal.SIGTERM)
        close(supervisor)
        ended.append("in order")

    monkeypatch.setattr(Supervisor, "close", impatient)
    code = run_standalone(
        settings, [source()], ready=lambda worker: os.kill(os.getpid(), signal.SIGTERM)
    )
    assert (code, ended) == (0, ["in order"])


def test_each_problem_at_start_is_one_line(
    program: Callable[..., Program], settings: dict[str, str]
) -> None:
    broken = program(
        settings,
        source("a", counter_rows="0", counter_topc="x", tasks_max="many"),
        source("b", counter_topic="nowhere"),
        source("c", connector_class="com.example.Missing"),
    )
    code, errors = broken.ending()
    assert code == 3
    lines = [line for line in errors.splitlines() if line]
    assert lines[:4] == [
        "a: Invalid value many for configuration tasks.max: Not a number of type INT",
        "a: Invalid value 0 for configuration counter.rows: Value must be at least 1",
        "a: The connector has no key counter.topc. Did you mean counter.topic?",
        "b: There is no topic nowhere.",
    ]
    assert lines[4].startswith("c: Failed to find any class that implements connectors")
    assert len(lines) == 5


def test_a_port_in_use_is_said_plainly(
    program: Callable[..., Program], settings: dict[str, str]
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, errors = program(settings | {"listeners": f"http://127.0.0.1:{port}"}).ending()
    assert code == 3
    assert errors == (
        f"worker: REST cannot listen on 127.0.0.1, port {port}: Address already in use. Is "
        "another worker running? Choose another with listeners=http://127.0.0.1:PORT.\n"
    )


def test_a_typo_in_the_worker_file_is_refused(settings: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match=r"Did you mean offset\.flush\.interval\.ms\?"):
        Worker(settings | {"offset.flush.intervall.ms": "1"})

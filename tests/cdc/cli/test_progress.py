"""What is shown while a mirror runs."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from cdc.cli.mirror_plan import SINK, SOURCE
from cdc.cli.progress import PlainDisplay, Rate, TerminalDisplay, following
from cdc.cli.status import MirrorStatus, TableStatus
from connect.metrics import TaskMetrics
from connect.runtime.status import State, TaskView


def view(connector: str, metrics: TaskMetrics) -> TaskView:
    return TaskView(connector, 0, State.RUNNING, "", {}, metrics=metrics.snapshot())


def test_status_from_what_tasks_report() -> None:
    source = TaskMetrics(records=120)
    source.gauge("snapshot_running", 1)
    source.gauge("snapshot_rows", 100, table="shop.a")
    source.gauge("snapshot_rows_expected", 90, table="shop.a")
    source.gauge("snapshot_done", 1, table="shop.a")
    source.gauge("snapshot_rows", 20, table="shop.b")
    source.gauge("snapshot_rows_expected", 500, table="shop.b")
    sink = TaskMetrics(records=70, lag_records=40, queued_records=10)
    tasks = [view(SOURCE, source), view(SINK, sink)]
    assert MirrorStatus.of(tasks) == MirrorStatus(
        tables=(TableStatus("shop.a", 100, 90, True), TableStatus("shop.b", 20, 500, False)),
        snapshot=True, streaming=False, read=120, written=70, waiting=50, lag=0.0,
    )  # fmt: skip
    source.gauge("streaming", 1)
    source.gauge("lag_ms", 1500)
    status = MirrorStatus.of([view(SOURCE, source)])
    assert (status.snapshot, status.streaming, status.written, status.lag) == (
        False, True, None, 1.5,
    )  # fmt: skip
    assert MirrorStatus.of([]) == MirrorStatus()


def test_rate_is_that_of_the_last_seconds() -> None:
    rate = Rate()
    assert rate.of(0, 0.0) == 0
    assert rate.of(1000, 1.0) == 1000
    assert rate.of(1000, 2.0) == 500
    for second in range(3, 20):
        last = rate.of(1000 + 10 * second, float(second))
    assert last == pytest.approx(10)


def test_the_line() -> None:
    status = MirrorStatus(streaming=True, read=5, written=1234567, waiting=8000, lag=0.25)
    assert following(status, 1234.4) == (
        "Following · 1,234,567 records written · 1,234/s · 8,000 waiting · lag 0.2 s"
    )
    assert following(MirrorStatus(snapshot=True, read=5), 0) == (
        "Reading tables · 5 records sent · 0/s"
    )


READING = MirrorStatus(tables=(TableStatus("shop.a", 300, 200, False),), snapshot=True, written=0)
FOLLOWING = MirrorStatus(tables=(TableStatus("shop.a", 400, 200, True),), streaming=True, written=9)


def test_plain_lines_have_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    with PlainDisplay() as shown:
        shown.show(READING)
        shown.show(FOLLOWING)
        shown.show(FOLLOWING)
    assert capsys.readouterr().out == "shop.a: 400 rows read\n"


def test_bars_stay_and_the_line_goes() -> None:
    file = io.StringIO()
    console = Console(file=file, force_terminal=True, width=100, color_system=None)
    with TerminalDisplay(console) as shown:
        shown.show(READING)
        shown.show(FOLLOWING)
        shown.show(FOLLOWING)
    text = file.getvalue()
    assert "Reading tables · 0 records written" in text
    assert text.count("400/400") == 1
    assert "Following · 9 records written" in text

"""How a mirror stands, by what its tasks report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from cdc.cli.mirror_plan import SINK, SOURCE
from connect.metrics import Labels
from connect.runtime.status import TaskView


@dataclass(frozen=True)
class TableStatus:
    """One table in the snapshot; ``expected`` is the server's estimate of its rows."""

    name: str
    rows: int
    expected: int
    done: bool


@dataclass(frozen=True)
class MirrorStatus:
    """Where a mirror stands; counts are from the start of this run.

    ``read`` is the number of records that the source has sent to the log, ``written`` the number
    that the target has taken (None where the target is the log itself), ``waiting`` how many are in
    between. ``lag`` is how far reading is behind the source, in seconds.
    """

    tables: tuple[TableStatus, ...] = ()
    snapshot: bool = False
    streaming: bool = False
    read: int = 0
    written: int | None = None
    waiting: int = 0
    lag: float = 0.0

    @classmethod
    def of(cls, tasks: Sequence[TaskView]) -> MirrorStatus:
        """From the tasks of a mirror's connectors."""
        metrics: dict[str, Mapping[tuple[str, Labels], float]] = {
            task.connector: task.metrics for task in tasks
        }
        source, sink = metrics.get(SOURCE, {}), metrics.get(SINK)

        def table(labels: Labels, rows: float) -> TableStatus:
            expected = source.get(("snapshot_rows_expected", labels), 0.0)
            done = source.get(("snapshot_done", labels), 0.0)
            return TableStatus(dict(labels)["table"], int(rows), int(expected), bool(done))

        streaming = bool(source.get(("streaming", ())))
        return cls(
            tables=tuple(
                table(labels, value)
                for (name, labels), value in source.items()
                if name == "snapshot_rows"
            ),
            snapshot=bool(source.get(("snapshot_running", ()))) and not streaming,
            streaming=streaming,
            read=int(source.get(("task_records", ()), 0)),
            written=None if sink is None else int(sink.get(("task_records", ()), 0)),
            waiting=0 if sink is None else _waiting(sink),
            lag=source.get(("lag_ms", ()), 0.0) / 1000,
        )


def _waiting(sink: Mapping[tuple[str, Labels], float]) -> int:
    names = ("task_lag_records", "task_queued_records")
    return int(sum(sink.get((name, ()), 0.0) for name in names))

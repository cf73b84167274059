"""Every metric of the worker in one place: name, kind, labels, help; and their Prometheus text.

A task counts in ``TaskMetrics`` and sends snapshots of it to its worker, which shows them. A task's
own gauges (``TaskContext.gauge``) come out as ``cdc_<name>`` with the labels it gave, also those of
other people's connectors, which are not declared here.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple, TypeAlias

from prometheus_client import CollectorRegistry, generate_latest
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

Labels: TypeAlias = tuple[tuple[str, str], ...]
Snapshot: TypeAlias = Mapping[tuple[str, Labels], float]
"""Values by name and labels, as a task reports them."""


class Kind(StrEnum):
    COUNTER = "counter"
    GAUGE = "gauge"


class Declared(NamedTuple):
    """One metric; a counter's exposed name gets ``_total`` at its end."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ("connector", "task")


_DECLARED = (
    Declared("task_records", Kind.COUNTER, "Records a source sent or a sink wrote."),
    Declared("task_bytes", Kind.COUNTER, "Bytes of their keys and values."),
    Declared("task_polls", Kind.COUNTER, "Polls that brought something."),
    Declared("task_skipped_records", Kind.COUNTER, "Records skipped by errors.tolerance=all."),
    Declared("task_dead_letters", Kind.COUNTER, "Records sent to the dead letter topic."),
    Declared("task_retries", Kind.COUNTER, "Operations tried again after a fault of the moment."),
    Declared("task_offset_commits", Kind.COUNTER, "Times offsets were stored."),
    Declared("task_queued_records", Kind.GAUGE, "Records produced and not yet acknowledged."),
    Declared("task_lag_records", Kind.GAUGE, "Records in the topics a sink has not read yet."),
    Declared("task_restarts", Kind.COUNTER, "Times the task's process was started again."),
    Declared("task_running", Kind.GAUGE, "1 while the task is RUNNING, else 0."),
    Declared(
        "connector_running", Kind.GAUGE, "1 while the connector is RUNNING, else 0.", ("connector",)
    ),
    Declared("lag_ms", Kind.GAUGE, "Milliseconds between a change in the source and its reading."),
    Declared("queue_records", Kind.GAUGE, "Records a source has read and not yet handed on."),
    Declared("streaming", Kind.GAUGE, "1 while a source follows the binlog."),
    Declared("snapshot_running", Kind.GAUGE, "1 while a source takes its snapshot."),
    Declared("snapshot_tables", Kind.GAUGE, "Tables of the snapshot."),
    Declared("snapshot_rows_expected", Kind.GAUGE, "Rows of a table as the server estimates them."),
    Declared("snapshot_rows", Kind.GAUGE, "Rows of a table the snapshot has read."),
    Declared("snapshot_done", Kind.GAUGE, "1 once the snapshot of a table is complete."),
)
METRICS: Mapping[str, Declared] = {metric.name: metric for metric in _DECLARED}


@dataclass
class TaskMetrics:
    """What one task counts; plain numbers, changed once per batch."""

    records: int = 0
    bytes: int = 0
    polls: int = 0
    skipped_records: int = 0
    dead_letters: int = 0
    retries: int = 0
    offset_commits: int = 0
    queued_records: int = 0
    lag_records: int = 0
    gauges: dict[tuple[str, Labels], float] = field(default_factory=dict)

    def gauge(self, name: str, value: float, **labels: str) -> None:
        """Publish a number of the task's own."""
        self.gauges[name, tuple(sorted(labels.items()))] = value

    def snapshot(self) -> Snapshot:
        """Everything as it is now."""
        own = {
            (f"task_{name}", ()): value for name, value in vars(self).items() if name != "gauges"
        }
        return own | self.gauges


class Sample(NamedTuple):
    """One value to show, with all its labels."""

    name: str
    labels: Labels
    value: float


class _Samples(Collector):
    def __init__(self, samples: Iterable[Sample]) -> None:
        self.samples = samples

    def collect(self) -> Iterator[Metric]:
        families: dict[str, list[Sample]] = {}
        for sample in self.samples:
            families.setdefault(sample.name, []).append(sample)
        for name, samples in families.items():
            metric = METRICS.get(name) or Declared(name, Kind.GAUGE, "A gauge of the task's own.")
            more = {label for sample in samples for label, _ in sample.labels}
            labels = [*metric.labels, *sorted(more.difference(metric.labels))]
            make = CounterMetricFamily if metric.kind is Kind.COUNTER else GaugeMetricFamily
            shown = "cdc_" + re.sub(r"[^a-zA-Z0-9_]", "_", name)
            family = make(shown, metric.help, labels=labels)
            for sample in samples:
                given = dict(sample.labels)
                family.add_metric([given.get(label, "") for label in labels], sample.value)
            yield family


def exposition(samples: Iterable[Sample]) -> bytes:
    """The samples in Prometheus' text format."""
    registry = CollectorRegistry()
    registry.register(_Samples(list(samples)))
    return generate_latest(registry)

"""Metrics as Prometheus reads them."""

from __future__ import annotations

from prometheus_client.parser import text_string_to_metric_families

from connect.metrics import METRICS, Kind, Sample, TaskMetrics, exposition


def test_every_number_a_task_counts_is_declared() -> None:
    names = {name for name, _ in TaskMetrics().snapshot()}
    assert names <= METRICS.keys()


def test_the_exposition_can_be_read_back() -> None:
    metrics = TaskMetrics(records=3, queued_records=2)
    metrics.gauge("lag_ms", 1.5, table='a "quoted" name')
    metrics.gauge("lag_ms", 2.5)
    metrics.gauge("my-own.gauge", 7)
    labels = (("connector", "c"), ("task", "0"))
    samples = [Sample(n, labels + more, v) for (n, more), v in metrics.snapshot().items()]
    families = {
        family.name: family
        for family in text_string_to_metric_families(exposition(samples).decode())
    }
    records = families["cdc_task_records"]
    assert records.type == "counter"
    assert records.documentation == METRICS["task_records"].help
    assert [(s.name, s.labels, s.value) for s in records.samples] == [
        ("cdc_task_records_total", {"connector": "c", "task": "0"}, 3.0)
    ]
    assert METRICS["task_queued_records"].kind is Kind.GAUGE
    assert families["cdc_task_queued_records"].samples[0].value == 2.0
    lag = families["cdc_lag_ms"].samples
    assert {(s.labels["table"], s.value) for s in lag} == {('a "quoted" name', 1.5), ("", 2.5)}
    assert families["cdc_my_own_gauge"].samples[0].value == 7.0

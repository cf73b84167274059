"""The benchmark itself: every measurement ends with the events it should, and can be reported."""

from __future__ import annotations

from pathlib import Path

import orjson
import pytest

import devstack
from bench import report
from bench.__main__ import MEASUREMENTS, sizes
from bench.measure import BenchError, Sample, cpu_per_event, follow, rate
from bench.program import INTERPRETED
from bench.stand import Stand

ROWS = 300


@pytest.mark.timeout(240)
def test_every_measurement_gives_numbers(
    mysql: devstack.Server, kafka: devstack.Server, postgres: devstack.Server, tmp_path: Path
) -> None:
    stand = Stand(mysql, kafka, postgres, sizes(ROWS), [INTERPRETED], tmp_path)
    results = [result for measure in MEASUREMENTS.values() for result in measure(stand)]

    assert [result.events for result in results] == [ROWS] * 2 + [90] + [ROWS] + [60] * 3
    for result in results:
        assert result.program == INTERPRETED.name
        assert result.rate > 0
        assert result.cpu > 0
        assert result.worker_memory > 1
        assert result.task_memory > 1
    assert len(orjson.loads(report.as_json(results))) == len(results)
    assert report.table(results) in report.page(stand, results, 0.0)


def test_rate_is_of_the_second_half_and_cpu_of_all_but_the_first_seen() -> None:
    samples = [
        Sample(0.0, 0, 1.0),
        Sample(6.0, 20, 1.2),
        Sample(8.0, 50, 1.5),
        Sample(10.0, 100, 2.0),
    ]
    assert rate(samples) == 25.0
    assert cpu_per_event(samples) == pytest.approx(10_000.0)


def test_rate_of_one_piece() -> None:
    assert rate([Sample(0.0, 0, 0.0), Sample(2.0, 100, 1.0)]) == 50.0


def test_cpu_before_the_first_event_does_not_count() -> None:
    progress, cpu = iter([0, 0, 5, 5, 10]), iter([1.0, 2.0, 3.0, 4.0, 5.0, 6.0])
    samples = follow(lambda: next(progress), 10, lambda: next(cpu), lambda: None)
    assert [(sample.events, sample.cpu) for sample in samples] == [(0, 3.0), (5, 4.0), (10, 6.0)]


def test_more_events_than_expected_are_a_fault() -> None:
    with pytest.raises(BenchError, match="11 events where 10 were expected"):
        follow(lambda: 11, 10, lambda: 0.0, lambda: None)

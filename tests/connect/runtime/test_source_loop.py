"""The source loop in this process: what is stored, when, and what failures do to it."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

import pytest

from connect.batch import SourceBatch, SourceOffset, SourcePartition
from connect.connector import SourceTask
from connect.errors import DataError, LogError, RetriableError
from connect.log.contract import NewTopic
from connect.metrics import TaskMetrics
from connect.runtime.source_task import SourceLoop, SourceSetup
from connect.runtime.tolerance import Tolerance
from connect.runtime.topic_creation import TopicCreation
from connect.schema import STRING
from tests.connect.runtime.connectors import CounterConfig
from tests.connect.runtime.doubles import HeldProducer, Recorder, text_conversion, unchanged

Step = Callable[[], Sequence[SourceBatch]]


def batch(n: int, *values: str, partition: str = "p") -> SourceBatch:
    """A batch whose offsets are n, n + 1..."""
    return SourceBatch(
        topic="t",
        key_schema=STRING,
        value_schema=STRING,
        keys=[None] * len(values),
        values=values,
        source_partition={"p": partition},
        offsets=[{"n": n + i} for i in range(len(values))],
    )


class ScriptedTask(SourceTask):
    """Each poll does the next step; when there is none left the task is told to stop."""

    def __init__(self, control: Recorder, steps: Sequence[Step]) -> None:
        self.control = control
        self.steps = list(steps)
        self.commits: list[list[SourceOffset]] = []
        self.life: list[str] = []

    def start(self, config: Mapping[str, str]) -> None:
        self.life.append("start")

    def poll(self) -> Sequence[SourceBatch]:
        if not self.steps:
            self.control.stopping.set()
            return []
        return self.steps.pop(0)()

    def committed(self, offsets: Sequence[tuple[SourcePartition, SourceOffset]]) -> None:
        self.commits.append([offset for _, offset in offsets])

    def stop(self) -> None:
        self.life.append("stop")


class TopicsOnly:
    """As much of a log as topic creation looks at; the faults come first."""

    def __init__(self) -> None:
        self.created: list[str] = []
        self.faults: list[Exception] = []
        self.creating: Callable[[], object] = bool

    def partitions(self, topic: str) -> int | None:
        if self.faults:
            raise self.faults.pop()
        return 1 if topic in self.created else None

    def create_topics(self, topics: Sequence[NewTopic]) -> None:
        self.creating()
        self.created += [topic.name for topic in topics]


class Stage:
    """One loop with its doubles."""

    def __init__(
        self,
        *steps: Step,
        transform: Callable[[SourceBatch], Iterable[SourceBatch]] = unchanged,
        flush_interval: float = 0.0,
        silent: bool = False,
        acks: bool = False,
        topics: bool = False,
        **settings: str,
    ) -> None:
        self.control = Recorder(silent=silent)
        self.producer = HeldProducer(acks=acks)
        self.task = ScriptedTask(self.control, steps)
        self.metrics = TaskMetrics()
        config = CounterConfig(
            {"name": "c", "connector.class": "c", "counter.topic": "t"}
            | {name.replace("_", "."): value for name, value in settings.items()}
        )
        self.log = TopicsOnly()
        creation = {"partitions": "1", "replication.factor": "1"}
        setup = SourceSetup(
            log=self.log,  # type: ignore[arg-type]
            producer=self.producer,
            transform=transform,
            conversion=text_conversion(),
            tolerance=Tolerance(config, self.metrics, self.control.stopping),
            topics=TopicCreation({f"topic.creation.default.{k}": v for k, v in creation.items()})
            if topics
            else None,
            metrics=self.metrics,
            flush_interval=flush_interval,
            flush_timeout=0.2,
        )
        self.loop = SourceLoop(self.task, setup, self.control)

    def run(self) -> None:
        self.loop.run({})

    def ack(self, ticket: int) -> Step:
        def step() -> Sequence[SourceBatch]:
            self.producer.acked = ticket
            return []

        return step


def test_an_offset_is_stored_only_after_everything_before_it_is_acknowledged() -> None:
    stage = Stage(lambda: [batch(1, "a", "b")], lambda: [batch(3, "c")], list)
    seen: list[list[list[object]]] = []

    def look(ticket: int) -> Step:
        def step() -> Sequence[SourceBatch]:
            seen.append(stage.control.reached())
            stage.producer.acked = ticket
            return []

        return step

    stage.task.steps += [look(1), look(2), look(2)]
    stage.run()
    assert seen == [[], [[{"n": 2}]], [[{"n": 2}], [{"n": 3}]]]
    assert stage.task.commits == [[{"n": 2}], [{"n": 3}]]


def test_offsets_of_several_partitions_are_stored_together_the_last_of_each() -> None:
    stage = Stage(
        lambda: [batch(1, "a"), batch(5, "b", partition="q"), batch(2, "c")],
        acks=True,
        flush_interval=100,
    )
    stage.run()
    assert stage.control.reached() == [[{"n": 2}, {"n": 5}]]
    assert stage.task.life == ["start", "stop"]


def test_what_is_not_acknowledged_at_the_end_is_not_stored() -> None:
    stage = Stage(lambda: [batch(1, "a")], lambda: [batch(2, "b")], flush_interval=100)
    stage.producer.acked = 1
    stage.run()
    assert stage.producer.flushes == 1
    assert stage.control.reached() == [[{"n": 1}]]


def test_a_producer_that_fails_ends_the_task_without_an_offset_beyond() -> None:
    stage = Stage(lambda: [batch(1, "a")], lambda: [batch(2, "b")], flush_interval=100)

    def fail() -> Sequence[SourceBatch]:
        stage.control.silent = False
        stage.producer.acked = 1
        stage.loop._collect()
        stage.producer.fault = LogError("refused")
        return [batch(3, "c")]

    stage.task.steps.append(fail)
    with pytest.raises(LogError, match="refused"):
        stage.run()
    assert stage.control.reached() == [[{"n": 1}]]
    assert stage.task.life == ["start", "stop"]


def test_committed_is_called_only_after_the_worker_has_stored() -> None:
    stage = Stage(lambda: [batch(1, "a")], list, list, acks=True, silent=True)
    stage.run()
    assert stage.control.reached() == [[{"n": 1}]]
    assert stage.task.commits == []


def test_a_fault_of_the_moment_in_poll_is_tried_again(caplog: pytest.LogCaptureFixture) -> None:
    def hiccup() -> Sequence[SourceBatch]:
        raise RetriableError("hiccup", delay=0.01)

    stage = Stage(hiccup, hiccup, lambda: [batch(1, "a")], acks=True)
    stage.run()
    assert [value for _, _, value in stage.producer.sent] == [b"a"]
    assert stage.metrics.retries == 2
    assert "poll is tried again in 0.0 s: hiccup" in caplog.text


def test_pauses_grow_until_a_batch_came() -> None:
    """A reader that starts again after a fault returns nothing at first."""

    def hiccup() -> Sequence[SourceBatch]:
        raise RetriableError("hiccup")

    stage = Stage(hiccup, list, hiccup, list, hiccup, lambda: [batch(1, "a")], hiccup, acks=True)
    pauses: list[float] = []
    stage.loop._wait = pauses.append  # type: ignore[method-assign]
    stage.run()
    assert pauses == [0.3, 0.6, 1.2, 0.3]


def test_a_topic_is_created_as_soon_as_the_log_is_there_again() -> None:
    stage = Stage(lambda: [batch(1, "a")], lambda: [batch(2, "b")], acks=True, topics=True)
    stage.log.faults = [RetriableError("away", delay=0.01), RetriableError("away", delay=0.01)]
    said_before_creation: list[bool] = []
    stage.log.creating = lambda: said_before_creation.append("t" in stage.control.topics)
    stage.run()
    assert stage.log.created == ["t"]
    assert said_before_creation == [False]
    assert [value for _, _, value in stage.producer.sent] == [b"a", b"b"]


def test_a_task_told_to_stop_gives_up_on_a_topic() -> None:
    stage = Stage(lambda: [batch(1, "a")], topics=True)
    stage.log.faults = [RetriableError("away", delay=0.01)] * 100
    stage.loop._wait = lambda _: stage.control.stopping.set()  # type: ignore[method-assign]
    with pytest.raises(RetriableError, match="away"):
        stage.run()
    assert stage.producer.sent == []
    assert stage.task.life == ["start", "stop"]


def test_a_log_that_is_full_gets_the_same_run_again() -> None:
    stage = Stage(lambda: [batch(1, "a")], acks=True)
    produce = stage.producer.produce
    faults = [RetriableError("full"), RetriableError("full")]

    def sometimes(*args: object, **kwargs: object) -> int:
        if faults:
            raise faults.pop()
        return produce(*args, **kwargs)  # type: ignore[arg-type]

    stage.producer.produce = sometimes  # type: ignore[method-assign]
    stage.run()
    assert [value for _, _, value in stage.producer.sent] == [b"a"]


def test_a_record_that_cannot_be_encoded_ends_the_task_and_nothing_of_its_batch_is_sent() -> None:
    stage = Stage(lambda: [batch(1, "a")], lambda: [batch(2, "b", "bad", "c")], acks=True)
    with pytest.raises(DataError, match="bad cannot be encoded"):
        stage.run()
    assert [value for _, _, value in stage.producer.sent] == [b"a"]
    assert stage.control.reached() == [[{"n": 1}]]


def test_with_tolerance_only_the_bad_record_is_skipped(caplog: pytest.LogCaptureFixture) -> None:
    stage = Stage(
        lambda: [batch(1, "a", "bad", "c")],
        acks=True,
        errors_tolerance="all",
        errors_log_enable="true",
    )
    stage.run()
    assert [value for _, _, value in stage.producer.sent] == [b"a", b"c"]
    assert stage.metrics.skipped_records == 1
    assert stage.control.reached()[-1] == [{"n": 3}]
    assert "Skipped a record for topic t, which failed in VALUE_CONVERTER" in caplog.text


def test_a_transform_may_drop_everything_and_offsets_still_move_on() -> None:
    stage = Stage(lambda: [batch(1, "a")], lambda: [batch(2, "b")], transform=lambda _: [])
    stage.run()
    assert stage.producer.sent == []
    assert stage.control.reached()[-1] == [{"n": 2}]


def test_a_dropped_batch_waits_for_the_ones_before_it() -> None:
    def drop_b(batch: SourceBatch) -> list[SourceBatch]:
        return [] if batch.values[0] == "b" else [batch]

    stage = Stage(lambda: [batch(1, "a"), batch(2, "b")], transform=drop_b)
    stage.run()
    assert stage.control.reached() == []


def test_transforms_are_tried_again_within_the_retry_timeout() -> None:
    calls: list[int] = []

    def shaky(batch: SourceBatch) -> list[SourceBatch]:
        calls.append(1)
        if len(calls) < 3:
            raise RetriableError("registry away", delay=0.0)
        return [batch]

    stage = Stage(lambda: [batch(1, "a")], transform=shaky, acks=True, errors_retry_timeout="60000")
    stage.run()
    assert len(calls) == 3
    assert [value for _, _, value in stage.producer.sent] == [b"a"]

"""The sink loop in this process: runs, retries, rebalances, commits, dead letters."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import pytest

from connect.batch import SinkBatch
from connect.connector import SinkTask
from connect.errors import BadRecordsError, DataError, RetriableError
from connect.log.contract import Consumer, FencedError, Message, RebalanceListener, TopicPartition
from connect.metrics import TaskMetrics
from connect.runtime.dead_letters import DeadLetters
from connect.runtime.sink_task import SinkLoop, SinkSetup
from connect.runtime.tolerance import Tolerance
from tests.connect.runtime.connectors import FileConfig
from tests.connect.runtime.doubles import (
    HeldProducer,
    Recorder,
    ScriptedConsumer,
    text_conversion,
    unchanged,
)

P0, P1 = TopicPartition("t", 0), TopicPartition("t", 1)


def message(offset: int, value: str | None, partition: int = 0, **headers: str) -> Message:
    payload = None if value is None else value.encode()
    raw = [(name, text.encode()) for name, text in headers.items()]
    return Message("t", partition, offset, 1000 + offset, b"k", payload, raw)


class PuttingTask(SinkTask):
    """Remembers what it was given; the faults come first."""

    def __init__(self) -> None:
        self.faults: list[Exception] = []
        self.puts: list[list[tuple[str, int | None, list[Any], list[int]]]] = []
        self.written: list[str | None] = []
        self.closed: list[TopicPartition] = []

    def start(self, config: Mapping[str, str]) -> None:
        pass

    def put(self, batches: Sequence[SinkBatch]) -> None:
        self.puts.append([(b.topic, b.partition, list(b.values), list(b.offsets)) for b in batches])
        if self.faults:
            raise self.faults.pop(0)
        self.written += [value for batch in batches for value in batch.values]

    def close(self, partitions: Sequence[TopicPartition]) -> None:
        self.closed += partitions

    def stop(self) -> None:
        pass


class _NoTopics:
    """As much of a log as the dead letters look at."""

    def __init__(self) -> None:
        self.created: list[object] = []

    def partitions(self, topic: str) -> None:
        return None

    def create_topics(self, topics: Sequence[object]) -> None:
        self.created += topics


class Stage:
    """One loop with its doubles."""

    def __init__(
        self,
        *script: Sequence[Message] | Callable[[], Sequence[Message] | None],
        transform: Callable[[SinkBatch], Iterable[SinkBatch]] = unchanged,
        dead_letters: bool = False,
        flush_interval: float = 100.0,
        **settings: str,
    ) -> None:
        self.control = Recorder()
        self.consumer = ScriptedConsumer(script, self.control.stopping.set)
        self.task = PuttingTask()
        self.producer = HeldProducer(acks=True)
        self.log = _NoTopics()
        self.metrics = TaskMetrics()
        given = {"name": "s", "connector.class": "s", "topics": "t", "file": "f"}
        given |= {name.replace("_", "."): value for name, value in settings.items()}
        if dead_letters:
            given["errors.deadletterqueue.topic.name"] = "dead"
            given["errors.deadletterqueue.context.headers.enable"] = "true"
        config = FileConfig(given)

        def consumer(listener: RebalanceListener) -> Consumer:
            self.consumer.listener = listener
            return self.consumer

        letters = DeadLetters(self.log, self.producer, config, 3) if dead_letters else None  # type: ignore[arg-type]
        setup = SinkSetup(
            consumer=consumer,
            transform=transform,
            conversion=text_conversion(),
            tolerance=Tolerance(config, self.metrics, self.control.stopping),
            dead_letters=letters,
            metrics=self.metrics,
            flush_interval=flush_interval,
            max_messages=100,
        )
        self.loop = SinkLoop(self.task, setup, self.control)

    def run(self) -> None:
        self.loop.run({})


def test_messages_are_put_in_runs_and_committed_at_the_end() -> None:
    stage = Stage(
        [message(0, "a"), message(1, None), message(2, "b", h="1"), message(7, "c", 1)],
        [message(3, "d")],
    )
    stage.run()
    assert stage.task.puts == [
        [("t", 0, ["a", None], [0, 1]), ("t", 0, ["b"], [2]), ("t", 1, ["c"], [7])],
        [("t", 0, ["d"], [3])],
    ]
    assert stage.consumer.commits == [{P0: 4, P1: 8}]
    assert stage.consumer.closed
    assert stage.metrics.records == 5
    assert stage.metrics.lag_records == 3


def test_nothing_is_committed_before_it_is_put() -> None:
    stage = Stage([message(0, "a")], [message(1, "b")], flush_interval=0.0)
    commits: list[int] = []
    put = stage.task.put

    def look(batches: Sequence[SinkBatch]) -> None:
        commits.append(len(stage.consumer.commits))
        put(batches)

    stage.task.put = look  # type: ignore[method-assign]
    stage.run()
    assert commits == [0, 1]
    assert stage.consumer.commits == [{P0: 1}, {P0: 2}]


def test_a_fault_of_the_moment_brings_the_same_batches_while_the_consumer_is_paused() -> None:
    held: list[set[TopicPartition]] = []
    stage = Stage([message(0, "a")])

    def look() -> list[Message]:
        held.append(set(stage.consumer.paused))
        return []

    stage.task.faults = [RetriableError("busy", delay=0.0), RetriableError("busy", delay=0.0)]
    stage.consumer.script.extend([look, look, look, [message(1, "b")]])
    stage.run()
    assert stage.task.puts[0] == stage.task.puts[1] == stage.task.puts[2]
    assert stage.task.written == ["a", "b"]
    assert held == [{P0, P1}, {P0, P1}, set()]
    assert stage.consumer.commits == [{P0: 2}]


def test_messages_that_come_during_a_retry_are_put_after_it() -> None:
    stage = Stage([message(0, "a")], [message(5, "x", 1)])
    stage.task.faults = [RetriableError("busy", delay=0.0)]
    stage.run()
    assert stage.task.written == ["a", "x"]
    assert stage.consumer.commits == [{P0: 1, P1: 6}]


def test_a_task_that_fails_commits_what_it_put_before() -> None:
    stage = Stage([message(0, "a")], [message(1, "b")])

    def broken(batches: Sequence[SinkBatch]) -> None:
        if batches[0].values == ["b"]:
            raise ValueError("broken")

    stage.task.put = broken  # type: ignore[method-assign]
    with pytest.raises(ValueError, match="broken"):
        stage.run()
    assert stage.consumer.commits == [{P0: 1}]
    assert stage.consumer.closed


def test_partitions_going_away_are_committed_first() -> None:
    stage = Stage([message(0, "a"), message(0, "x", 1)])
    stage.consumer.script.append(lambda: stage.consumer.revoke(P1))
    stage.run()
    assert stage.consumer.commits == [{P0: 1, P1: 1}]
    assert stage.task.closed == [P1]


def test_batches_of_a_partition_that_went_away_are_not_put_again() -> None:
    stage = Stage([message(0, "a"), message(0, "x", 1)])
    stage.task.faults = [RetriableError("busy", delay=0.0)]
    stage.consumer.script.append(lambda: stage.consumer.revoke(P1))
    stage.run()
    assert stage.task.written == ["a"]
    assert stage.consumer.commits == [{P0: 1}]


def test_a_member_that_was_fenced_goes_on() -> None:
    stage = Stage([message(0, "a")], flush_interval=0.0)
    stage.consumer.commit_fault = FencedError("another has it")
    stage.run()
    assert stage.task.written == ["a"]


def test_a_commit_that_fails_for_the_moment_is_made_later() -> None:
    stage = Stage([message(0, "a")], flush_interval=0.0)

    def heal() -> None:
        stage.consumer.commit_fault = None

    stage.consumer.commit_fault = RetriableError("away")
    stage.consumer.script.append(heal)
    stage.run()
    assert stage.consumer.commits == [{P0: 1}]


def test_a_record_that_cannot_be_read_ends_the_task_and_is_named() -> None:
    stage = Stage([message(0, "a"), message(1, "bad"), message(2, "c")])
    with pytest.raises(DataError) as caught:
        stage.run()
    assert str(caught.value) == (
        "The record t-0@1 failed in VALUE_CONVERTER: bad cannot be decoded. "
        "With errors.tolerance=all such records are skipped."
    )
    assert stage.consumer.commits == []


def test_dead_letters_hold_the_record_as_it_was_and_say_why() -> None:
    stage = Stage(
        [message(0, "a"), message(1, "bad", h="1"), message(2, "c")],
        dead_letters=True,
        errors_tolerance="all",
    )
    stage.run()
    assert stage.task.written == ["a", "c"]
    assert stage.consumer.commits == [{P0: 3}]
    assert stage.producer.flushes == 1
    assert stage.producer.sent == [("dead", b"k", b"bad")]
    headers = dict(stage.producer.headers[0])
    assert headers.pop("h") == b"1"
    trace = headers.pop("__connect.errors.exception.stacktrace") or b""
    assert trace.startswith(b"Traceback")
    assert headers == {
        "__connect.errors.topic": b"t",
        "__connect.errors.partition": b"0",
        "__connect.errors.offset": b"1",
        "__connect.errors.connector.name": b"s",
        "__connect.errors.task.id": b"3",
        "__connect.errors.stage": b"VALUE_CONVERTER",
        "__connect.errors.class.name": b"tests.connect.runtime.doubles.TextConverter",
        "__connect.errors.exception.class.name": b"connect.errors.DataError",
        "__connect.errors.exception.message": b"bad cannot be decoded.",
    }


def test_offsets_wait_for_the_dead_letters() -> None:
    stage = Stage([message(0, "bad")], dead_letters=True, errors_tolerance="all")

    def away(timeout: float) -> None:
        raise RetriableError("away")

    stage.producer.flush = away  # type: ignore[method-assign]
    stage.run()
    assert stage.consumer.commits == []


def test_a_transform_that_fails_on_one_record_spares_the_others() -> None:
    def picky(batch: SinkBatch) -> list[SinkBatch]:
        if "b" in batch.values:
            raise ValueError("no b")
        return [replace(batch, topic="renamed")]

    stage = Stage(
        [message(0, "a"), message(1, "b"), message(2, "c")],
        transform=picky,
        dead_letters=True,
        errors_tolerance="all",
    )
    stage.run()
    assert stage.task.written == ["a", "c"]
    assert stage.producer.sent == [("dead", b"k", b"b")]
    assert dict(stage.producer.headers[0])["__connect.errors.stage"] == b"TRANSFORMATION"


def test_records_a_put_could_not_write_are_tolerated_by_the_worker() -> None:
    def rename(batch: SinkBatch) -> list[SinkBatch]:
        return [replace(batch, topic="renamed")]

    stage = Stage(
        [message(0, "a"), message(1, "b")],
        transform=rename,
        dead_letters=True,
        errors_tolerance="all",
    )
    stage.task.faults = [BadRecordsError([("renamed", 0, 1, "too long")])]
    stage.run()
    assert stage.producer.sent == [("dead", b"k", b"b")]
    assert stage.consumer.commits == [{P0: 2}]
    assert (stage.metrics.records, stage.metrics.skipped_records) == (1, 1)


def test_records_a_put_could_not_write_end_a_task_without_tolerance() -> None:
    stage = Stage([message(0, "a")])
    stage.task.faults = [BadRecordsError([("t", 0, 0, "too long")])]
    with pytest.raises(BadRecordsError, match="t-0@0: too long"):
        stage.run()
    assert stage.consumer.commits == []


def test_a_paused_task_reads_nothing_and_stays_in_its_group() -> None:
    stage = Stage([message(0, "a")])

    def pause() -> None:
        stage.control.paused = True

    def look() -> None:
        assert stage.consumer.paused == {P0, P1}
        stage.control.paused = False

    stage.consumer.script.extend([pause, look, [message(1, "b")]])
    stage.run()
    assert stage.task.written == ["a", "b"]
    assert stage.consumer.commits == [{P0: 1}, {P0: 2}]

"""What every log does, whatever it is made of."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence

import pytest
from hypothesis import HealthCheck, Phase, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from connect.errors import LogError, RetriableError
from connect.log.contract import (
    Consumer,
    FencedError,
    Headers,
    Log,
    Message,
    NewTopic,
    RebalanceListener,
    TopicPartition,
)
from tests.connect.log.processes import Member, wait_until

Open = Callable[[Mapping[str, str]], Log]


def fill(log: Log, topic: str, count: int, partition: int | None = None) -> None:
    with log.producer(client_id="filler") as producer:
        numbers: list[bytes | None] = [b"%d" % number for number in range(count)]
        producer.produce(topic, numbers, numbers, partition=partition)
        producer.flush(30)


def read(consumer: Consumer, count: int, seconds: float = 30.0) -> list[Message]:
    """At least ``count`` messages."""
    found: list[Message] = []
    give_up = time.monotonic() + seconds
    while len(found) < count and time.monotonic() < give_up:
        found += consumer.poll(100, 0.2)
    assert len(found) >= count
    return found


def quiet(consumer: Consumer, seconds: float = 1.0) -> None:
    give_up = time.monotonic() + seconds
    while time.monotonic() < give_up:
        assert consumer.poll(100, 0.1) == []


def numbers(messages: Sequence[Message]) -> list[int]:
    return [int(message.value or b"") for message in messages]


class TestTopics:
    def test_are_created_once_with_partitions_and_config(self, log: Log, name: str) -> None:
        config = {"cleanup.policy": "compact", "retention.ms": "1234567"}
        log.create_topics([NewTopic(name, 3, 1, config), NewTopic(f"{name}-2")])
        log.create_topics([NewTopic(name, 5)])
        assert log.partitions(name) == 3
        assert log.partitions(f"{name}-2") == 1
        assert config.items() <= log.topic_config(name).items()
        assert log.topic_config(f"{name}-2")["cleanup.policy"] == "delete"
        assert log.end_offsets(name) == {0: 0, 1: 0, 2: 0}

    def test_that_do_not_exist(self, log: Log, name: str) -> None:
        assert log.partitions(name) is None
        for ask in (log.end_offsets, log.topic_config, log.read_to_end):
            with pytest.raises(LogError):
                ask(name)
        log.delete_topics([name])

    def test_are_deleted_with_their_messages(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 2)])
        fill(log, name, 10)
        log.delete_topics([name])
        assert log.partitions(name) is None
        log.create_topics([NewTopic(name, 1)])
        assert log.end_offsets(name) == {0: 0}

    def test_a_wrong_setting_is_refused(self, log: Log, name: str) -> None:
        with pytest.raises(LogError, match=name):
            log.create_topics([NewTopic(name, 1, config={"cleanup.policy": "hoard"})])
        with pytest.raises(LogError, match=name):
            log.create_topics([NewTopic(name, 1, config={"retention.mss": "1"})])
        assert log.partitions(name) is None
        with pytest.raises(LogError, match="a shop"):
            log.create_topics([NewTopic("a shop", 1)])

    def test_the_cluster_has_one_id(
        self, log: Log, settings: dict[str, str], open_log: Open
    ) -> None:
        with open_log(settings) as other:
            assert log.cluster_id() == other.cluster_id() != ""


class TestProducing:
    def test_each_partition_keeps_its_order(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 4)])
        with log.producer(client_id="p") as producer:
            for start in range(0, 3000, 150):
                run: list[bytes | None] = [b"%d" % n for n in range(start, start + 150)]
                producer.produce(name, [b"k%d" % (n % 40) for n in range(150)], run)
        by_partition: dict[int, list[Message]] = defaultdict(list)
        for message in log.read_to_end(name):
            by_partition[message.partition].append(message)
        assert len(by_partition) == 4
        for messages in by_partition.values():
            assert numbers(messages) == sorted(numbers(messages))
            assert [message.offset for message in messages] == list(range(len(messages)))
        assert sum(map(len, by_partition.values())) == 3000

    def test_a_key_has_one_partition_and_a_given_partition_wins(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 5)])
        with log.producer(client_id="p") as producer:
            for _ in range(3):
                producer.produce(name, [b"a", b"b", None, b"c"], [b"keyed"] * 4)
            producer.produce(name, [b"a", None], [b"placed"] * 2, partition=3)
        messages = list(log.read_to_end(name))
        for key in (b"a", b"b", b"c"):
            homes = {m.partition for m in messages if m.key == key and m.value == b"keyed"}
            assert len(homes) == 1
        assert {m.partition for m in messages if m.value == b"placed"} == {3}
        assert len(messages) == 14

    def test_tickets_count_up_and_are_acknowledged_in_order(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 3)])
        with log.producer(client_id="p") as producer:
            tickets = [producer.produce(name, [b"%d" % n], [b"v" * 100]) for n in range(200)]
            tickets.append(producer.produce(name, [], []))
            assert tickets == list(range(1, 202))
            seen = [producer.acknowledged()]
            give_up = time.monotonic() + 30
            while seen[-1] < 201 and time.monotonic() < give_up:
                seen.append(producer.acknowledged())
            assert seen == sorted(seen)
            assert seen[-1] == 201
            assert producer.queued() == 0
            producer.flush(1)
            assert producer.produce(name, [], []) == 202
            producer.flush(1)
        assert sum(log.end_offsets(name).values()) == 200

    def test_waits_when_the_queue_is_full(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        limit, size, run = 256 << 10, 1000, 50
        with log.producer(client_id="p", config={"buffer.memory": str(limit)}) as producer:
            most = 0
            for _ in range(200):
                producer.produce(name, [b"k"] * run, [b"v" * size] * run)
                most = max(most, producer.queued())
            assert most * size <= limit + 2 * run * size
            producer.flush(30)
        assert log.end_offsets(name) == {0: 200 * run}

    def test_timestamps_are_given_or_now(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        before = int(time.time() * 1000)
        with log.producer(client_id="p") as producer:
            producer.produce(name, [b"a", b"b"], [b"1", b"2"], timestamps=[before - 5, before - 4])
            producer.produce(name, [b"c"], [b"3"])
        found = [message.timestamp for message in log.read_to_end(name)]
        assert found[:2] == [before - 5, before - 4]
        assert before <= found[2] <= time.time() * 1000 + 1

    def test_a_compacted_topic_takes_no_null_key(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1, config={"cleanup.policy": "compact"})])
        producer = log.producer(client_id="p")
        with pytest.raises(LogError, match=name):
            producer.produce(name, [b"k", None, b"k"], [b"1", b"2", b"3"])
            producer.flush(10)
        assert log.end_offsets(name) == {0: 0}

    @hypothesis_settings(
        max_examples=15,
        deadline=None,
        phases=[Phase.explicit, Phase.reuse, Phase.generate],  # a step of shrinking takes long
        suppress_health_check=[HealthCheck.function_scoped_fixture],
    )
    @given(
        st.lists(
            st.tuples(
                st.lists(
                    st.tuples(
                        st.none() | st.binary(max_size=40),
                        st.none() | st.binary(max_size=400),
                        st.integers(1, 2**40),
                    ),
                    max_size=8,
                ),
                st.lists(
                    st.tuples(
                        st.text(
                            st.characters(codec="utf-8", exclude_characters="\0"),
                            min_size=1,
                            max_size=8,
                        ),
                        st.none() | st.binary(max_size=20),
                    ),
                    max_size=3,
                ),
            ),
            max_size=6,
        )
    )
    def test_any_bytes_come_back(
        self,
        log: Log,
        name: str,
        runs: list[tuple[list[tuple[bytes | None, bytes | None, int]], Headers]],
    ) -> None:
        log.create_topics([NewTopic(name, 1)])
        start = log.end_offsets(name)[0]
        expected = []
        with log.producer(client_id="p") as producer:
            for rows, headers in runs:
                producer.produce(
                    name,
                    [key for key, _, _ in rows],
                    [value for _, value, _ in rows],
                    headers=headers,
                    timestamps=[timestamp for _, _, timestamp in rows],
                )
                expected += [(*row, list(headers)) for row in rows]
        found = [
            (m.key, m.value, m.timestamp, list(m.headers))
            for m in log.read_to_end(name)
            if m.offset >= start
        ]
        assert found == expected


class TestReadingToTheEnd:
    def test_folds_to_the_last_value_of_each_key(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 2, config={"cleanup.policy": "compact"})])
        expected: dict[bytes, bytes | None] = {}
        with log.producer(client_id="p") as producer:
            for turn in range(30):
                keys = [b"k%d" % n for n in range(turn, turn + 50)]
                values = [b"%d" % turn if n % 7 else None for n in range(50)]
                producer.produce(name, keys, values)
                expected.update(zip(keys, values, strict=True))
        assert {m.key: m.value for m in log.read_to_end(name)} == expected

    def test_ends_where_the_end_was(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        assert list(log.read_to_end(name)) == []
        fill(log, name, 5)
        messages = log.read_to_end(name)
        fill(log, name, 5)
        assert len(list(messages)) == 5


class Recorder(RebalanceListener):
    """Keeps what it is told; may seek when partitions come."""

    def __init__(self, seek: Mapping[TopicPartition, int] | None = None) -> None:
        self.told: list[tuple[str, list[TopicPartition]]] = []
        self.consumer: Consumer | None = None
        self.done: dict[TopicPartition, int] = {}
        self._seek = seek or {}

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        self.told.append(("assigned", sorted(partitions)))
        if self._seek:
            assert self.consumer is not None
            self.consumer.seek(self._seek)

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        self.told.append(("revoked", sorted(partitions)))
        if self.done:
            assert self.consumer is not None
            self.consumer.commit(self.done)

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        self.told.append(("lost", sorted(partitions)))


class TestConsuming:
    def test_goes_on_from_what_was_committed(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        fill(log, name, 100)
        at = TopicPartition(name, 0)
        with log.consumer(name, [name], client_id="c") as consumer:
            first = consumer.poll(30, 20)
            first += consumer.poll(30 - len(first), 1) if len(first) < 30 else []
            assert consumer.committed([at]) == {at: None}
            consumer.commit({at: 20})
            assert consumer.committed([at]) == {at: 20}
            assert consumer.assignment() == [at]
        assert numbers(first) == list(range(len(first)))
        with log.consumer(name, [name], client_id="c") as consumer:
            assert numbers(read(consumer, 80)) == list(range(20, 100))
            assert consumer.lag() == 0
            quiet(consumer, 0.3)

    def test_never_gives_more_than_asked(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 3)])
        fill(log, name, 300)
        config = {"max.poll.records": "9"}
        with log.consumer(name, [name], client_id="c", config=config) as consumer:
            sizes = []
            while sum(sizes) < 300:
                sizes.append(len(consumer.poll(7 if len(sizes) % 2 else 100, 20)))
            assert max(sizes[1::2]) <= 7
            assert max(sizes) <= 9

    def test_seeks_pauses_and_resumes(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 2)])
        fill(log, name, 50, partition=0)
        fill(log, name, 50, partition=1)
        zero, one = TopicPartition(name, 0), TopicPartition(name, 1)
        with log.consumer(name, [name], client_id="c") as consumer:
            read(consumer, 100)
            consumer.seek({zero: 45})
            assert numbers(read(consumer, 5)) == [45, 46, 47, 48, 49]
            consumer.pause([zero])
            consumer.seek({zero: 0, one: 48})
            assert {(m.partition, m.offset) for m in read(consumer, 2)} == {(1, 48), (1, 49)}
            quiet(consumer, 0.5)
            assert consumer.lag() == 50
            consumer.resume([zero])
            assert numbers(read(consumer, 50)) == list(range(50))

    def test_tells_the_listener(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        fill(log, name, 50)
        at = TopicPartition(name, 0)
        listener = Recorder(seek={at: 40})
        with log.consumer(name, [name], client_id="c", listener=listener) as consumer:
            listener.consumer = consumer
            assert numbers(read(consumer, 10)) == list(range(40, 50))
            assert listener.told == [("assigned", [at])]
            listener.done = {at: 50}
        assert listener.told == [("assigned", [at]), ("revoked", [at])]
        with log.consumer(name, [name], client_id="c") as consumer:
            fill(log, name, 1)
            assert [m.offset for m in read(consumer, 1)] == [50]

    def test_the_listener_may_pause(self, log: Log, name: str) -> None:
        class Pausing(RebalanceListener):
            def assigned(self, partitions: Sequence[TopicPartition]) -> None:
                consumer.pause([TopicPartition(name, 0)])

        log.create_topics([NewTopic(name, 2)])
        fill(log, name, 5, partition=0)
        fill(log, name, 5, partition=1)
        with log.consumer(name, [name], client_id="c", listener=Pausing()) as consumer:
            assert {m.partition for m in read(consumer, 5)} == {1}
            quiet(consumer, 0.5)
            consumer.resume([TopicPartition(name, 0)])
            assert {m.partition for m in read(consumer, 5)} == {0}

    def test_runs_must_fit_together(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 2)])
        with log.producer(client_id="p") as producer:
            with pytest.raises(ValueError, match="length"):
                producer.produce(name, [b"a", b"b"], [b"1"])
            with pytest.raises(ValueError, match="length"):
                producer.produce(name, [b"a"], [b"1"], timestamps=[1, 2])
        assert log.end_offsets(name) == {0: 0, 1: 0}

    def test_a_pattern_finds_topics_that_come_later(self, log: Log, name: str) -> None:
        with log.consumer(name, rf"{name}\.(a|b\d+)", client_id="c") as consumer:
            quiet(consumer, 0.2)
            log.create_topics([NewTopic(f"{name}.b12"), NewTopic(f"{name}.ax")])
            fill(log, f"{name}.ax", 1)
            fill(log, f"{name}.b12", 1)
            assert [m.topic for m in read(consumer, 1)] == [f"{name}.b12"]
            quiet(consumer, 0.3)

    @pytest.mark.parametrize(
        ("fault", "raised"),
        [(LookupError("no such table"), LookupError), (RetriableError("away"), LogError)],
    )
    def test_an_exception_of_the_listener_comes_out_of_poll(
        self, log: Log, name: str, fault: Exception, raised: type[Exception]
    ) -> None:
        """As one that ends the reading: messages of that poll may be gone."""

        class Failing(RebalanceListener):
            def assigned(self, partitions: Sequence[TopicPartition]) -> None:
                raise fault

        log.create_topics([NewTopic(name)])
        with (
            log.consumer(name, [name], client_id="c", listener=Failing()) as consumer,
            pytest.raises(raised, match=str(fault)),
        ):
            read(consumer, 1)

    @pytest.mark.timeout(120)
    def test_two_processes_share_the_partitions(
        self, log: Log, settings: dict[str, str], name: str
    ) -> None:
        log.create_topics([NewTopic(name, 4)])
        everything = [[name, number] for number in range(4)]
        with Member("consume", settings, name, name) as first:
            wait_until(lambda: first.last("assigned") == everything)
            fill(log, name, 200)
            wait_until(lambda: sum(map(len, first.all("read"))) == 200)
            with Member("consume", settings, name, name) as second:
                wait_until(lambda: len(second.last("assigned") or []) == 2)
                wait_until(lambda: len(first.last("assigned")) == 2)
                assert sorted(first.last("assigned") + second.last("assigned")) == everything
                assert first.last("revoked") == everything
                fill(log, name, 200)
                wait_until(lambda: sum(map(len, first.all("read") + second.all("read"))) >= 400)
                assert second.all("read")
            wait_until(lambda: first.last("assigned") == everything)
            with Member("consume", settings, name, name) as third:
                wait_until(lambda: len(third.last("assigned") or []) == 2)
                third.kill()
            fill(log, name, 200)
            wait_until(lambda: first.last("assigned") == everything)
            mine = [first, second, third]
            wait_until(
                lambda: len({tuple(m) for p in mine for run in p.all("read") for m in run}) == 600
            )
        read_by = [tuple(m) for p in mine for run in p.all("read") for m in run]
        # A clean hand-over reads nothing twice; only the killed one may have read uncommitted.
        assert len(read_by) <= 600 + sum(map(len, third.all("read")))

    @pytest.mark.timeout(120)
    def test_a_silent_member_cannot_commit(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        fill(log, name, 10)
        at = TopicPartition(name, 0)
        config = {
            "session.timeout.ms": "6000",
            "max.poll.interval.ms": "6000",
            "heartbeat.interval.ms": "300",
        }
        listener = Recorder()
        zombie = log.consumer(name, [name], client_id="z", listener=listener, config=config)
        read(zombie, 10)
        with log.consumer(name, [name], client_id="c", config=config) as heir:
            give_up = time.monotonic() + 40
            while not heir.assignment() and time.monotonic() < give_up:
                heir.poll(1, 0.2)
            with pytest.raises(FencedError):
                zombie.commit({at: 10})
            assert heir.committed([at]) == {at: None}
            heir.commit({at: 3})
            wait_until(lambda: zombie.poll(1, 0.1) or len(listener.told) > 1)
            assert listener.told[1] in [("lost", [at]), ("revoked", [at])]
        zombie.close()


class TestTransactions:
    def test_show_all_at_once_and_move_offsets(self, log: Log, name: str) -> None:
        source, a, b = name, f"{name}-a", f"{name}-b"
        log.create_topics([NewTopic(topic, 2) for topic in (source, a, b)])
        fill(log, source, 10, partition=1)
        at = TopicPartition(source, 1)
        with (
            log.consumer(name, [source], client_id="c") as consumer,
            log.producer(client_id="p", transactional_id=name) as producer,
        ):
            read(consumer, 10)
            producer.begin()
            producer.produce(a, [b"k"], [b"1"])
            producer.produce(b, [b"k"], [b"2"])
            producer.send_offsets(consumer, {at: 4})
            producer.flush(10)
            assert list(log.read_to_end(a)) == []
            assert consumer.committed([at]) == {at: None} if log.kind == "embedded" else True
            producer.commit()
            assert producer.acknowledged() == 2
            assert [m.value for m in log.read_to_end(a)] == [b"1"]
            assert [m.value for m in log.read_to_end(b)] == [b"2"]
            assert consumer.committed([at]) == {at: 4}

    def test_aborted_are_never_seen(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        committed = {"isolation.level": "read_committed"}
        small = {"buffer.memory": "100000"}
        with (
            log.consumer(name, [name], client_id="c", config=committed) as consumer,
            log.producer(client_id="p", transactional_id=name, config=small) as producer,
        ):
            for turn in range(6):
                producer.begin()
                for part in range(50):  # larger than the buffer
                    producer.produce(
                        name, [b"k"] * 10, [b"%d" % (turn * 50 + part)] * 9 + [b"x" * 9000]
                    )
                if turn % 2:
                    producer.commit()
                else:
                    producer.abort()
            expected = [
                turn * 50 + part for turn in (1, 3, 5) for part in range(50) for _ in range(9)
            ]
            found = read(consumer, 1500)
            assert [int(m.value) for m in found if m.value and m.value[:1] != b"x"] == expected
            stored = [m.value for m in log.read_to_end(name)]
            assert len(stored) == 1500
            wait_until(lambda: (consumer.poll(1, 0.1), consumer.lag() == 0)[1])

    def test_a_second_producer_fences_the_first(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        with log.producer(client_id="p", transactional_id=name) as old:
            old.begin()
            old.produce(name, [b"k"], [b"old"])
            old.flush(10)
            with log.producer(client_id="p", transactional_id=name) as new:
                with pytest.raises(FencedError):
                    old.commit()
                new.begin()
                new.produce(name, [b"k"], [b"new"])
                new.commit()
        assert [m.value for m in log.read_to_end(name)] == [b"new"]

    def test_need_a_transactional_id_and_a_beginning(self, log: Log, name: str) -> None:
        log.create_topics([NewTopic(name, 1)])
        with log.producer(client_id="p") as producer, pytest.raises(LogError):
            producer.begin()
        with log.producer(client_id="p", transactional_id=name) as other, pytest.raises(LogError):
            other.produce(name, [b"k"], [b"v"])
        assert list(log.read_to_end(name, committed_only=False)) == []


def test_a_flush_that_cannot_be_in_time_may_be_tried_again(log: Log, name: str) -> None:
    log.create_topics([NewTopic(name, 1)])
    slow = {"linger.ms": "300"}
    with log.producer(client_id="p", config=slow) as producer:
        producer.produce(name, [b"k"], [b"v"])
        with pytest.raises(RetriableError):
            producer.flush(0)
        producer.flush(30)
        assert producer.acknowledged() == 1

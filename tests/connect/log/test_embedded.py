"""What only the embedded log has: its file, which is shared, survives crashes and stays small."""

from __future__ import annotations

import random
import sqlite3
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.errors import LogError, RetriableError
from connect.log.contract import NewTopic, TopicPartition
from connect.log.embedded import EmbeddedLog, retention
from connect.log.embedded import file as log_file
from connect.log.embedded.frame import Frame, decode, encode, messages
from tests.connect.log.processes import Member, wait_until

DAY_MS = 86_400_000


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "log.db"


@pytest.fixture
def log(path: Path) -> Iterator[EmbeddedLog]:
    with EmbeddedLog({"log.file": str(path)}) as found:
        yield found


@pytest.fixture(autouse=True)
def _tidy_after_every_write(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(retention, "EVERY_SECONDS", 0.0)


def put(
    log: EmbeddedLog,
    topic: str,
    runs: int,
    *,
    keys: Callable[[int], bytes] = lambda n: b"k%d" % n,
    value: Callable[[int], bytes | None] = lambda n: b"%d" % n,
    timestamp: int = 0,
) -> None:
    """``runs`` frames of ten messages each."""
    with log.producer(client_id="p") as producer:
        for run in range(runs):
            numbers = range(run * 10, run * 10 + 10)
            producer.produce(
                topic,
                [keys(n) for n in numbers],
                [value(n) for n in numbers],
                timestamps=[timestamp] * 10 if timestamp else (),
            )
            producer.flush(10)


def offsets(log: EmbeddedLog, topic: str) -> list[int]:
    return [message.offset for message in log.read_to_end(topic)]


def commit(log: EmbeddedLog, group: str, topic: str, offset: int) -> None:
    with log.consumer(group, [topic], client_id="c") as consumer:
        consumer.poll(1, 1)
        consumer.commit({TopicPartition(topic, 0): offset})


class TestFrames:
    @given(
        st.lists(
            st.tuples(
                st.none() | st.binary(max_size=30),
                st.none() | st.binary(max_size=600),
                st.integers(0, 2**60),
                st.lists(st.tuples(st.text(max_size=3), st.none() | st.binary(max_size=4))),
                st.integers(1, 1000),
            ),
            min_size=1,
        ),
        st.integers(0, 2**40),
        st.booleans(),
    )
    def test_come_back_as_they_went(
        self,
        rows: list[tuple[bytes | None, bytes | None, int, list[tuple[str, bytes | None]], int]],
        base: int,
        sparse: bool,
    ) -> None:
        frame = Frame()
        offset = base
        for key, value, timestamp, headers, step in rows:
            frame.add([key], [value], [timestamp], tuple(headers))
            if sparse:
                frame.offsets.append(offset)
                offset += step
        expected = frame.offsets or list(range(base, base + len(rows)))
        found = messages("t", 3, decode(encode(frame, base), base))
        assert [m.offset for m in found] == expected
        assert [(m.key, m.value, m.timestamp, list(m.headers)) for m in found] == [
            row[:4] for row in rows
        ]
        assert {(m.topic, m.partition) for m in found} == {("t", 3)}

    def test_of_another_form_are_refused(self) -> None:
        with pytest.raises(LogError, match="another version"):
            decode(b"\xf0" + bytes(8))


class TestCrashes:
    @pytest.mark.timeout(120)
    def test_a_killed_producer_loses_nothing_acknowledged(
        self, log: EmbeddedLog, path: Path
    ) -> None:
        log.create_topics([NewTopic("t", 1)])
        before = 0
        for turn in range(4):
            with Member("produce", {"log.file": str(path)}, "t") as producer:
                wait_until(lambda m=producer: m.last("acknowledged"))
                time.sleep(0.1 * turn)
                producer.kill()
            stored = [int(m.value or b"") for m in log.read_to_end("t")][before:]
            assert stored == list(range(len(stored)))
            assert len(stored) >= producer.last("acknowledged")
            before += len(stored)

    def test_a_killed_transaction_is_not_there(self, log: EmbeddedLog) -> None:
        log.create_topics([NewTopic("t", 1)])
        left = log.producer(client_id="p", transactional_id="x")
        left.begin()
        left.produce("t", [b"k"], [b"half"])
        left.flush(1)  # in the file, staged; then no more is heard of it
        staged = "SELECT count(*) FROM staged"
        assert log._file.db.execute(staged).fetchone() == (1,)
        with log.producer(client_id="p", transactional_id="x") as heir:
            heir.begin()
            heir.produce("t", [b"k"], [b"whole"])
            heir.commit()
        assert [m.value for m in log.read_to_end("t")] == [b"whole"]
        assert log._file.db.execute(staged).fetchone() == (0,)
        left.close()

    def test_a_fenced_consumer_spoils_the_transaction(self, log: EmbeddedLog) -> None:
        log.create_topics([NewTopic("t", 1), NewTopic("out", 1)])
        put(log, "t", 1)
        with (
            log.consumer("g", ["t"], client_id="c") as consumer,
            log.producer(client_id="p", transactional_id="x") as producer,
        ):
            assert consumer.poll(10, 5)
            producer.begin()
            producer.produce("out", [b"k"], [b"v"])
            producer.send_offsets(consumer, {TopicPartition("t", 0): 10})
            with log._file.writing() as db:
                db.execute("DELETE FROM members")
            with pytest.raises(LogError):
                producer.commit()
            producer.abort()
        assert offsets(log, "out") == []


class TestFile:
    def test_many_processes_write_at_once(self, log: EmbeddedLog, path: Path) -> None:
        log.create_topics([NewTopic("t", 1)])
        crowd = [Member("produce", {"log.file": str(path)}, "t") for _ in range(3)]
        wait_until(lambda: all((m.last("acknowledged") or 0) > 200 for m in crowd))
        for member in crowd:
            member.kill()
            member.__exit__()
        values = [int(m.value or b"") for m in log.read_to_end("t")]
        assert offsets(log, "t") == list(range(len(values)))
        assert values.count(150) == 3

    def test_something_else_is_refused(self, tmp_path: Path) -> None:
        text = tmp_path / "text"
        text.write_text("no database " * 100)
        with pytest.raises(LogError, match="something else"):
            EmbeddedLog({"log.file": str(text)})
        other = tmp_path / "other.db"
        with sqlite3.connect(other) as db:
            db.execute("CREATE TABLE shop (id)")
        db.close()
        with pytest.raises(LogError, match="something else"):
            EmbeddedLog({"log.file": str(other)})
        with pytest.raises(LogError, match="no folder"):
            EmbeddedLog({"log.file": str(tmp_path / "none" / "log.db")})

    def test_a_newer_form_is_refused(self, path: Path) -> None:
        EmbeddedLog({"log.file": str(path)}).close()
        with sqlite3.connect(path) as db:
            db.execute("PRAGMA user_version = 99")
        db.close()
        with pytest.raises(LogError, match="form 99"):
            EmbeddedLog({"log.file": str(path)})

    def test_a_writer_that_does_not_end_is_waited_for(
        self, log: EmbeddedLog, path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(log_file, "BUSY_SECONDS", 0.1)
        log.create_topics([NewTopic("t", 1)])
        config = {"max.block.ms": "200", "buffer.memory": "1"}
        with log.producer(client_id="p", config=config) as producer:
            with log._file.writing():
                producer.produce("t", [b"k"], [b"1"])
                with pytest.raises(RetriableError):
                    producer.produce("t", [b"k"], [b"2"])
                with pytest.raises(RetriableError):
                    producer.flush(0.1)
            producer.produce("t", [b"k"], [b"2"])
        assert [m.value for m in log.read_to_end("t")] == [b"1", b"2"]


class TestRetention:
    def test_what_every_group_has_read_goes(self, log: EmbeddedLog) -> None:
        log.create_topics([NewTopic("t", 1)])
        put(log, "t", 10)
        commit(log, "one", "t", 60)
        commit(log, "two", "t", 35)
        put(log, "t", 1)
        assert offsets(log, "t") == list(range(30, 110))
        commit(log, "two", "t", 110)
        put(log, "t", 1)
        assert offsets(log, "t") == list(range(60, 120))
        with log.consumer("three", ["t"], client_id="c") as consumer:
            assert consumer.poll(1, 5)[0].offset == 60

    def test_a_group_that_shall_hold_nothing_any_more(self, log: EmbeddedLog) -> None:
        """Beyond the largest offset lie the frames of the next partition."""
        log.create_topics([NewTopic("t", 1), NewTopic("other", 1)])
        put(log, "other", 2)
        put(log, "t", 2)
        commit(log, "deleted", "t", 0)
        commit(log, "alive", "t", 5)
        put(log, "t", 1)
        assert offsets(log, "t") == list(range(30))
        commit(log, "deleted", "t", 2**63 - 1)
        commit(log, "alive", "t", 10)
        put(log, "t", 1)
        assert offsets(log, "t") == list(range(10, 40))
        commit(log, "alive", "t", 2**63 - 1)
        put(log, "t", 1)
        assert offsets(log, "t") == []
        assert offsets(log, "other") == list(range(20))

    def test_a_group_counts_from_its_first_read(self, log: EmbeddedLog) -> None:
        log.create_topics([NewTopic("t", 1)])
        put(log, "t", 2)
        commit(log, "one", "t", 20)
        with log.consumer("two", ["t"], client_id="c") as consumer:
            assert consumer.poll(1, 5)[0].offset == 0
            put(log, "t", 1)
            assert offsets(log, "t") == list(range(30))
        put(log, "t", 1)  # it has gone without a commit
        assert offsets(log, "t") == list(range(20, 40))

    def test_a_topic_without_group_keeps_for_its_time(self, log: EmbeddedLog) -> None:
        log.create_topics([NewTopic("week"), NewTopic("day", config={"retention.ms": str(DAY_MS)})])
        now = int(time.time() * 1000)
        for topic in ("week", "day"):
            put(log, topic, 2, timestamp=now - 8 * DAY_MS)
            put(log, topic, 2, timestamp=now - 2 * DAY_MS)
            put(log, topic, 1)
        assert offsets(log, "week") == list(range(20, 50))
        assert offsets(log, "day") == list(range(40, 50))

    def test_a_topic_without_group_keeps_up_to_its_size(self, log: EmbeddedLog) -> None:
        log.create_topics([NewTopic("t", config={"retention.bytes": "1000", "retention.ms": "-1"})])
        put(log, "t", 50)
        kept = offsets(log, "t")
        assert 10 <= len(kept) < 60
        assert kept == list(range(500 - len(kept), 500))

    @pytest.mark.parametrize("ms", ["-1", str(2**63 - 1)])
    def test_history_stays_for_ever(self, log: EmbeddedLog, ms: str) -> None:
        log.create_topics([NewTopic("t", config={"retention.ms": ms})])
        put(log, "t", 3, timestamp=1000)
        put(log, "t", 1)
        commit(log, "g", "t", 40)
        put(log, "t", 1)
        assert offsets(log, "t") == list(range(50))

    def test_a_compacted_topic_keeps_the_last_of_each_key(
        self, log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "COMPACT_FROM", 50)
        log.create_topics([NewTopic("t", config={"cleanup.policy": "compact"})])
        put(log, "t", 40, keys=lambda n: b"k%d" % (n % 37))
        commit(log, "g", "t", 400)
        put(log, "t", 1, keys=lambda n: b"k%d" % n, value=lambda n: None)
        found = list(log.read_to_end("t"))
        assert len(found) < 150
        assert [m.offset for m in found] == sorted(m.offset for m in found)
        folded = {m.key: m.value for m in found}
        assert {key: value for key, value in folded.items() if value is None} == {
            b"k%d" % n: None for n in range(10)
        }
        assert {k: v for k, v in folded.items() if v is not None} == {
            b"k%d" % (n % 37): b"%d" % n for n in range(363, 400) if n % 37 >= 10
        }
        with log.consumer("fresh", ["t"], client_id="c") as consumer:
            read = consumer.poll(1000, 5)
            assert {m.key: m.value for m in read} == folded
            assert consumer.lag() == 0

    def test_deletions_in_a_compacted_topic_go_after_their_time(
        self, log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "COMPACT_FROM", 20)
        config = {"cleanup.policy": "compact", "delete.retention.ms": str(DAY_MS)}
        log.create_topics([NewTopic("t", config=config)])
        put(log, "t", 1)
        put(log, "t", 1, value=lambda n: None, timestamp=int(time.time() * 1000) - 2 * DAY_MS)
        assert offsets(log, "t") == []
        with log.consumer("g", ["t"], client_id="c") as consumer:
            assert consumer.poll(1, 0.3) == []
            assert consumer.assignment()
            assert consumer.lag() == 0

    def test_the_file_does_not_grow_once_consumed(self, log: EmbeddedLog, path: Path) -> None:
        log.create_topics([NewTopic("t", 1)])
        noise = [random.Random(n).randbytes(2000) for n in range(50)]
        sizes = []
        with (
            log.consumer("g", ["t"], client_id="c") as consumer,
            log.producer(client_id="p") as producer,
        ):
            for _ in range(60):
                producer.produce("t", [None] * 50, noise)
                producer.flush(10)
                done = 0
                while done < 50:
                    done += len(consumer.poll(100, 5))
                consumer.commit({TopicPartition("t", 0): log.end_offsets("t")[0]})
                pages = log._file.db.execute("PRAGMA page_count").fetchone()[0]
                sizes.append(pages)
        assert max(sizes[30:]) <= max(sizes[:30])
        assert len(offsets(log, "t")) <= 100

    def test_empty_pages_go_back_to_the_disk(
        self, log: EmbeddedLog, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(retention, "VACUUM_PAGES", 50)
        log.create_topics([NewTopic("t", 1)])
        with log.producer(client_id="p") as producer:
            for n in range(40):
                producer.produce("t", [None], [random.Random(n).randbytes(20_000)])
                producer.flush(10)
        full = log._file.db.execute("PRAGMA page_count").fetchone()[0]
        commit(log, "g", "t", 40)
        put(log, "t", 5)
        assert log._file.db.execute("PRAGMA page_count").fetchone()[0] < full / 2

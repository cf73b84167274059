"""What the stream gives for real binlogs: order, positions, restarts, odd transactions."""

from __future__ import annotations

import time

import pytest

import devstack
from cdc.binlog import events
from cdc.binlog.gtid import GtidSet
from cdc.binlog.steps import (
    BinlogPosition,
    CommitStep,
    HeartbeatStep,
    Kind,
    QueryStep,
    RotateStep,
    RowsStep,
    Step,
)
from cdc.binlog.table_map import TableMap
from cdc.connection import Flavour
from connect.errors import ConfigError, DataError, SourceError
from tests.cdc.binlog.source import Planned, Source
from tests.hot import form_id, forms


@pytest.fixture(autouse=True, params=forms("cdc.binlog.decoder_cy"), ids=form_id)
def decoder(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """All of this file with the event loop compiled and interpreted."""
    monkeypatch.setattr("cdc.binlog.stream.EventDecoder", request.param.EventDecoder)


def rows_steps(steps: list[Step[Planned]]) -> list[RowsStep[Planned]]:
    return [step for step in steps if isinstance(step, RowsStep)]


def changes(steps: list[Step[Planned]]) -> list[tuple[Kind, list[object], list[object]]]:
    return [
        (step.kind, [row[0] for row in step.before], [row[0] for row in step.after])
        for step in rows_steps(steps)
    ]


def filled(source: Source) -> BinlogPosition:
    """A table with a few transactions; the position before them."""
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(20))")
    start = source.position()
    source.execute("INSERT INTO t VALUES (1, 'a'), (2, 'b'), (3, 'c')")
    source.execute("BEGIN")
    source.execute("UPDATE t SET v = 'x' WHERE id < 3")
    source.execute("SAVEPOINT s")
    source.execute("INSERT INTO t VALUES (9, 'gone')")
    source.execute("ROLLBACK TO s")
    source.execute("DELETE FROM t WHERE id = 3")
    source.execute("COMMIT")
    source.execute("BEGIN")
    source.execute("INSERT INTO t VALUES (8, 'never')")
    source.execute("ROLLBACK")
    return start


def test_transactions_in_order(any_source: Source) -> None:
    start = filled(any_source)
    end = any_source.position()
    steps = any_source.steps(start, "t")
    assert changes(steps) == [
        (Kind.INSERT, [], [1, 2, 3]),
        (Kind.UPDATE, [1, 2], [1, 2]),
        (Kind.DELETE, [3], []),
    ]
    kinds = [type(step) for step in steps if not isinstance(step, (RotateStep, HeartbeatStep))]
    assert kinds == [
        RowsStep, CommitStep, RowsStep, RowsStep, CommitStep,
    ]  # fmt: skip
    update, delete = rows_steps(steps)[1:]
    assert update.before[0] == (1, "a")
    assert update.after[0] == (1, "x")
    assert update.transaction is delete.transaction
    assert delete.event > update.event > 0
    last = steps[-1]
    assert isinstance(last, CommitStep)
    assert last.end == end.pos


def test_gtids_and_commit_times(source: Source) -> None:
    start = filled(source)
    steps = source.steps(start, "t", by_gtid=True)
    assert start.gtids is not None
    executed = GtidSet.parse(start.gtids)
    for step in rows_steps(steps):
        transaction = step.transaction
        assert transaction.gtids == executed or transaction.gtids == executed.add(
            rows_steps(steps)[0].transaction.gtid or ""
        )
        assert transaction.gtid is not None
        assert transaction.committed is not None
        assert abs(transaction.committed / 1e6 - step.seconds) < 5
        assert transaction.thread == source.connection.thread_id()
    final = source.position()
    stream = source.stream(start, "t", by_gtid=True)
    for _ in stream:
        if stream.position.pos == final.pos:
            stream.close()
    assert stream.position == final


@pytest.mark.parametrize("by_gtid", [False, True])
def test_restart_at_every_row(any_source: Source, by_gtid: bool) -> None:
    """From each row's position exactly the later rows come, whatever was done of a transaction."""
    source = any_source
    start = filled(source)
    steps = source.steps(start, "t", by_gtid=by_gtid)
    everything = [
        (step.kind, before, after, step.start)
        for step in rows_steps(steps)
        for before, after in zip(
            step.before or [None] * len(step.after),
            step.after or [None] * len(step.before),
            strict=True,
        )
    ]
    done = 0
    for step in rows_steps(steps):
        for count in range(1, len(step.before or step.after) + 1):
            done += 1
            position = step.position(count)
            resumed = BinlogPosition.from_offset(position.members())
            assert resumed == position
            later = source.steps(resumed, "t", by_gtid=by_gtid)
            given = [
                (s.kind, before, after, s.start)
                for s in rows_steps(later)
                for before, after in zip(
                    s.before or [None] * len(s.after),
                    s.after or [None] * len(s.before),
                    strict=True,
                )
            ]
            assert given == everything[done:]
            assert all(s.first_row == 0 or s.first_row == count for s in rows_steps(later))


def test_lost_connections_repeat_nothing(any_source: Source) -> None:
    """Killed after every step, the stream gives each row once."""
    source = any_source
    start = filled(source)
    expected = changes(source.steps(start, "t"))
    end = source.position()
    stream = source.stream(start, "t", by_gtid=False)
    found: list[Step[Planned]] = []
    for step in stream:
        found.append(step)
        if stream.position.pos == end.pos:
            break
        assert stream._connection is not None
        if not isinstance(step, (RotateStep, HeartbeatStep)):
            # Cut the socket: what was received stays, the next read fails.
            stream._connection._sock.close()  # type: ignore[attr-defined]
    stream.close()
    assert changes(found) == expected


def test_a_killed_dump_is_opened_again(source: Source) -> None:
    source.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    stream = source.stream(source.position(), "t", by_gtid=True)
    iterator = iter(stream)
    numbers = []
    killed = set()
    for number in range(3):
        source.execute("INSERT INTO t VALUES (%s)", number)
        for step in iterator:
            if isinstance(step, RowsStep):
                numbers += [row[0] for row in step.after]
                break
        assert stream._connection is not None
        dump = stream._connection.thread_id()
        killed.add(dump)
        source.execute(f"KILL {dump}")
        while source.execute("SELECT 1 FROM information_schema.processlist WHERE id = %s", dump):
            time.sleep(0.01)
    stream.close()
    assert numbers == [0, 1, 2]
    assert len(killed) == 3


def test_statements_and_tables_nobody_asked_for(any_source: Source) -> None:
    source = any_source
    source.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    source.execute("CREATE TABLE other (id INT PRIMARY KEY)")
    start = source.position()
    source.execute("INSERT INTO other VALUES (1)")
    source.execute("ALTER TABLE t ADD COLUMN `ü` INT DEFAULT 7")
    source.execute("INSERT INTO t VALUES (1, 2)")
    source.execute("TRUNCATE TABLE t")
    steps = source.steps(start, "t")
    assert changes(steps) == [(Kind.INSERT, [], [1])]
    queries = [step for step in steps if isinstance(step, QueryStep)]
    assert [query.sql for query in queries] == [
        "ALTER TABLE t ADD COLUMN `ü` INT DEFAULT 7",
        "TRUNCATE TABLE t",
    ]
    for query in queries:
        assert query.database == source.database
        assert query.sql_mode == 0
        assert query.start < query.end
        assert (query.gtid is None) == (not source.server.gtids_on)


def test_the_model_may_change_under_an_unchanged_shape(source: Source) -> None:
    """``interested`` is asked again after each statement."""
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, v ENUM('a', 'b'))")
    start = source.position()
    source.execute("INSERT INTO t VALUES (1, 'b')")
    source.execute("INSERT INTO t VALUES (2, 'b')")
    source.execute("ALTER TABLE t ADD INDEX (v)")
    source.execute("INSERT INTO t VALUES (3, 'b')")
    stream = source.stream(start, "t")
    asked = 0
    answer = stream._interested

    def counted(stored: TableMap) -> Planned | None:
        nonlocal asked
        asked += stored.table == "t"
        return answer(stored)

    stream._interested = counted
    rows = 0
    for step in stream:
        rows += isinstance(step, RowsStep)
        if rows == 3:
            stream.close()
    assert asked == 2


def test_rotation_and_file_positions(any_source: Source) -> None:
    source = any_source
    source.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    start = source.position()
    for number in range(3):
        source.execute("INSERT INTO t VALUES (%s)", number)
        source.execute("FLUSH BINARY LOGS")
    steps = source.steps(start, "t")
    assert [row for step in rows_steps(steps) for row in step.after] == [(0,), (1,), (2,)]
    files = [step.file for step in steps if isinstance(step, RotateStep)]
    assert len(set(files)) == 4
    assert files[-1] == source.position().file
    assert len({step.transaction.file for step in rows_steps(steps)}) == 3


def test_compressed_transactions(source: Source) -> None:
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200))")
    plain = source.position()
    source.execute("INSERT INTO t VALUES (0, 'plain')")
    source.execute("SET SESSION binlog_transaction_compression = ON")
    start = source.position()
    source.execute("BEGIN")
    for first in range(1, 20_000, 1000):
        values = ",".join(f"({n}, 'value {n}')" for n in range(first, first + 1000))
        source.execute(f"INSERT INTO t VALUES {values}")
    source.execute("UPDATE t SET v = 'changed' WHERE id = 7")
    source.execute("COMMIT")
    steps = rows_steps(source.steps(plain, "t"))
    assert [row[0] for s in steps for row in s.after] == [0, *range(1, 20_001), 7]
    inner = rows_steps(source.steps(start, "t"))
    assert len({step.start for step in inner}) == 1
    assert len({step.event for step in inner}) == len(inner)
    middle = inner[len(inner) // 2]
    later = rows_steps(source.steps(middle.position(len(middle.after)), "t"))
    assert [s.after for s in later] == [s.after for s in inner if s.event > middle.event]


def test_compressed_events_of_mariadb(
    mariadb: devstack.Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    source = Source(mariadb)
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, v VARCHAR(200))")
    start = source.position()
    source.execute("SET GLOBAL log_bin_compress = ON, GLOBAL log_bin_compress_min_len = 10")
    try:
        values = ", ".join(f"({number}, 'value')" for number in range(1000))
        source.execute(f"INSERT INTO t VALUES {values}")
        source.execute("UPDATE t SET v = 'other' WHERE id < 500")
        source.execute("DELETE FROM t WHERE id >= 500")
        source.execute("ALTER TABLE t COMMENT 'a statement that is long enough to be compressed'")
    finally:
        source.execute("SET GLOBAL log_bin_compress = OFF")
    sizes: list[int] = []
    inflate = events.inflated
    monkeypatch.setattr(events, "inflated", lambda data: sizes.append(len(data)) or inflate(data))
    steps = source.steps(start, "t")
    assert len(sizes) >= 4
    inserted, updated, deleted = (
        [step for step in rows_steps(steps) if step.kind is kind] for kind in Kind
    )
    assert [row for step in inserted for row in step.after] == [(n, "value") for n in range(1000)]
    assert [row for step in updated for row in step.after] == [(n, "other") for n in range(500)]
    assert [row[0] for step in deleted for row in step.before] == [*range(500, 1000)]
    assert [s.sql[:11] for s in steps if isinstance(s, QueryStep)] == ["ALTER TABLE"]
    source.close()


def test_tagged_gtids(source: Source) -> None:
    source.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    start = source.position()
    source.execute("SET SESSION gtid_next = 'AUTOMATIC:shop'")
    source.execute("INSERT INTO t VALUES (1)")
    middle = source.position()
    source.execute("INSERT INTO t VALUES (2)")
    source.execute("SET SESSION gtid_next = 'AUTOMATIC'")
    source.execute("INSERT INTO t VALUES (3)")
    steps = rows_steps(source.steps(start, "t", by_gtid=True))
    assert [step.transaction.gtid for step in steps][0:2] != [None, None]
    assert all(":shop:" in str(step.transaction.gtid) for step in steps[:2])
    assert ":shop:" not in str(steps[2].transaction.gtid)
    for step in steps:
        assert step.transaction.committed is not None
        assert abs(step.transaction.committed / 1e6 - step.seconds) < 5
    assert middle.gtids is not None
    assert ":shop:" in middle.gtids
    again = rows_steps(source.steps(middle, "t", by_gtid=True))
    assert [step.after for step in again] == [[(2,)], [(3,)]]


def test_rows_larger_than_a_packet(source: Source) -> None:
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, v LONGBLOB)")
    source.execute("SET GLOBAL max_allowed_packet = 1073741824")
    start = source.position()
    sizes = [(1 << 24) - 30, 1 << 24, (1 << 24) * 2 + 5, 100]
    source.connection.close()
    source.connection.connect()
    source.execute(f"USE {source.database}")
    for number, size in enumerate(sizes):
        source.execute(f"INSERT INTO t VALUES ({number}, REPEAT(x'41', {size}))")
    streamed = source.streamed(start, "t")
    assert [len(row[1]) for row in streamed] == sizes
    assert streamed == source.selected("t")


def test_partial_images_are_told(source: Source) -> None:
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, a INT, b INT)")
    start = source.position()
    source.execute("INSERT INTO t VALUES (1, 2, 3)")
    source.execute("SET SESSION binlog_row_image = MINIMAL")
    source.execute("UPDATE t SET b = 4")
    source.execute("DELETE FROM t")
    insert, update, delete = rows_steps(source.steps(start, "t"))
    assert not insert.partial
    assert update.partial
    assert (update.before, update.after) == ([(1, None, None)], [(None, None, 4)])
    assert delete.partial
    assert delete.before == [(1, None, None)]


def test_partial_json_is_refused(source: Source) -> None:
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, j JSON)")
    source.execute("""INSERT INTO t VALUES (1, '{"a": 1, "b": "long enough to be worth it"}')""")
    source.execute("SET SESSION binlog_row_value_options = PARTIAL_JSON")
    source.execute("SET SESSION binlog_row_image = MINIMAL")
    start = source.position()
    source.execute("UPDATE t SET j = JSON_SET(j, '$.a', 2)")
    with pytest.raises(SourceError, match="PARTIAL_JSON"):
        source.steps(start, "t")


def test_prepared_xa_is_refused(source: Source) -> None:
    source.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    start = source.position()
    source.execute("XA START 'one'")
    source.execute("INSERT INTO t VALUES (1)")
    source.execute("XA END 'one'")
    source.execute("XA COMMIT 'one' ONE PHASE")
    assert changes(source.steps(start, "t")) == [(Kind.INSERT, [], [1])]
    start = source.position()
    source.execute("XA START 'two'")
    source.execute("INSERT INTO t VALUES (2)")
    source.execute("XA END 'two'")
    source.execute("XA PREPARE 'two'")
    source.execute("XA ROLLBACK 'two'")
    with pytest.raises(SourceError, match="XA"):
        source.steps(start, "t")


def test_purged_binlogs_are_an_error(any_source: Source) -> None:
    source = any_source
    source.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    start = source.position()
    gone = BinlogPosition("binlog.999999", 4)
    with pytest.raises(SourceError, match=r"binlog\.999999.*1236") as caught:
        source.steps(gone, "t")
    assert "snapshot" in caught.value.cure
    if source.server.flavour is Flavour.MYSQL:
        source.execute("FLUSH BINARY LOGS")
        source.execute(f"PURGE BINARY LOGS TO '{source.position().file}'")
        with pytest.raises(SourceError, match="1236"):
            source.steps(BinlogPosition(start.file, start.pos, ""), "t", by_gtid=True)


def test_a_taken_server_id_is_an_error(source: Source) -> None:
    source.execute("CREATE TABLE t (id INT PRIMARY KEY)")
    first, second = (source.stream(source.position(), "t", by_gtid=True) for _ in range(2))
    steps = iter(first)
    next(steps)
    with pytest.raises(ConfigError, match="server id") as caught:
        other = iter(second)
        next(other)
        for _ in range(20):
            next(steps)
    assert caught.value.key == "database.server.id"
    first.close()
    second.close()


def test_a_model_that_does_not_fit_is_an_error(source: Source) -> None:
    source.execute("CREATE TABLE t (id INT PRIMARY KEY, v INT)")
    start = source.position()
    source.execute("INSERT INTO t VALUES (1, 2)")
    source.execute("ALTER TABLE t MODIFY v VARCHAR(10)")
    with pytest.raises(DataError, match=rf"Column v of {source.database}\.t"):
        source.steps(start, "t")
    source.execute("ALTER TABLE t MODIFY v INT UNSIGNED")
    with pytest.raises(DataError, match=r"Column v .* with a sign"):
        source.steps(start, "t")
    source.execute("ALTER TABLE t ADD w INT")
    with pytest.raises(DataError, match=r"3 columns in the schema history.*rows of 2"):
        source.steps(start, "t")

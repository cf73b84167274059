"""Nothing is lost, whatever is written between polls and wherever the task is stopped."""

from __future__ import annotations

import datetime as dt
import itertools
import logging
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

import devstack
from connect.errors import SourceError
from tests.cdc.polling.backends import Backend, MySqlBackend, Poller, named

BEGIN = dt.datetime(2024, 1, 1)
_tables = itertools.count()

# ("insert", rows, whether at the time of the last write), ("update", row), ("poll", times),
# ("crash", how much of the last batch was acknowledged).
inserts = st.tuples(st.just("insert"), st.integers(1, 5), st.booleans())
updates = st.tuples(st.just("update"), st.integers(0, 30))
polls = st.tuples(st.just("poll"), st.integers(1, 4))
crashes = st.tuples(st.just("crash"), st.floats(0, 1))
stories = st.lists(st.one_of(inserts, updates, polls, crashes), max_size=12)
examples = settings(
    max_examples=15,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


class Story:
    """A table, what was written to it, and what of it was acknowledged."""

    def __init__(self, backend: Backend, mode: str, batch_rows: int) -> None:
        self.backend = backend
        self.mode = mode
        self.table = f"story_{next(_tables)}"
        backend.run(
            f"CREATE TABLE {self.table}"
            f" (id {backend.auto_id}, version INT NOT NULL, tms {backend.time_type} NOT NULL)"
        )
        self.versions: list[int] = []
        self.tick = 0
        self.acknowledged: list[tuple[int, int]] = []
        names = {}
        if "timestamp" in mode:
            names["timestamp__column__name"] = "tms"
        self.poller = Poller(
            backend,
            mode=mode,
            table__whitelist=self.table,
            batch__max__rows=str(batch_rows),
            poll__interval__ms="0",
            **names,
        )
        self.poller.start()

    def moment(self, *, again: bool) -> str:
        """A time never before the last one; the same where the mode can tell rows apart."""
        if not (again and self.mode == "timestamp+incrementing" and self.tick):
            self.tick += 1
        return (BEGIN + dt.timedelta(microseconds=300_007 * self.tick)).isoformat(" ")

    def insert(self, rows: int, again: bool) -> None:
        moment = self.moment(again=again)  # the same for all: a group of equal timestamps
        marks = ",".join(["(0, ?)"] * rows)
        self.backend.run(
            f"INSERT INTO {self.table} (version, tms) VALUES {marks}", *[moment] * rows
        )
        self.versions += [0] * rows

    def update(self, row: int) -> None:
        if not self.versions or self.mode == "incrementing":
            return
        row %= len(self.versions)
        self.versions[row] += 1
        self.backend.run(
            f"UPDATE {self.table} SET version = version + 1, tms = ? WHERE id = ?",
            self.moment(again=False),
            row + 1,
        )

    def poll(self, times: int) -> None:
        for _ in range(times):
            for batch in self.poller.poll():
                self.acknowledge(named(batch))

    def acknowledge(self, rows: list[dict[str, Any]]) -> None:
        self.acknowledged += [(row["id"], row["version"]) for row in rows]

    def crash(self, part: float) -> None:
        """Dies after a poll of which only the first records were acknowledged."""
        for task in self.poller.tasks:
            for batch in task.poll():
                count = round(part * len(batch))
                self.poller.remember(batch, count)
                self.acknowledge(named(batch)[:count])
        self.poller.stop()
        self.poller.start()

    def end(self) -> None:
        for batch in self.poller.batches():
            self.acknowledge(named(batch))
        self.poller.stop()


@pytest.mark.timeout(180)
@pytest.mark.parametrize("mode", ["incrementing", "timestamp", "timestamp+incrementing"])
def test_nothing_is_lost(backend: Backend, mode: str) -> None:
    @examples
    @given(story=stories, batch_rows=st.integers(1, 4))
    def check(story: list[tuple[Any, ...]], batch_rows: int) -> None:
        told = Story(backend, mode, batch_rows)
        try:
            for action, *details in story:
                getattr(told, action)(*details)
        finally:
            told.end()
        expected = {(row + 1, version) for row, version in enumerate(told.versions)}
        assert expected <= set(told.acknowledged)
        if mode != "timestamp":  # there every record's own offset is exact
            assert len(set(told.acknowledged)) == len(told.acknowledged)

    check()


def cut(backend: Backend) -> None:
    """Ends the connector's connections from the server's side."""
    if isinstance(backend, MySqlBackend):
        own = backend.run("SELECT CONNECTION_ID()")[0][0]
        for (number,) in backend.run(
            "SELECT id FROM information_schema.processlist WHERE db = ? AND id <> ?",
            backend.database,
            own,
        ):
            backend.run(f"KILL {number}")
    else:
        backend.run(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        )


def fill(backend: Backend, rows: int) -> None:
    backend.run(f"CREATE TABLE big (id {backend.auto_id}, filler VARCHAR(2000) NOT NULL)")
    marks = ",".join(["(?)"] * 100)
    for _ in range(rows // 100):
        backend.run(f"INSERT INTO big (filler) VALUES {marks}", *["x" * 2000] * 100)


on_servers = pytest.mark.parametrize("backend", ["mysql", "mariadb", "postgres"], indirect=True)


@on_servers
def test_a_lost_connection_is_made_again(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    fill(backend, 5000)
    with Poller(
        backend, mode="incrementing", table__whitelist="big", batch__max__rows="500"
    ) as poller:
        ids = [row["id"] for batch in poller.poll() for row in named(batch)]
        cut(backend)
        with caplog.at_level(logging.WARNING):
            while len(ids) < 5000:
                ids += [row["id"] for batch in poller.poll() for row in named(batch)]
    assert ids == list(range(1, 5001))
    assert "is asked again in 1 ms (failure 1 in a row)" in caplog.text


@pytest.mark.timeout(120)
def test_a_killed_server_is_waited_for(caplog: pytest.LogCaptureFixture) -> None:
    with devstack.mysql("9.7") as server:
        backend = MySqlBackend("mysql", server)
        fill(backend, 5000)
        settings = {"table__whitelist": "big", "batch__max__rows": "500"}
        with Poller(backend, mode="incrementing", poll__interval__ms="20", **settings) as poller:
            ids = [row["id"] for batch in poller.poll() for row in named(batch)]
            server.kill()
            while "failure 3 in a row" not in caplog.text:
                ids += [row["id"] for batch in poller.poll() for row in named(batch)]
            server.start()
            while len(ids) < 5000:
                ids += [row["id"] for batch in poller.poll() for row in named(batch)]
    assert ids == list(range(1, 5001))


@on_servers
def test_retries_can_be_limited(backend: Backend) -> None:
    fill(backend, 5000)
    with Poller(
        backend,
        mode="incrementing",
        table__whitelist="big",
        batch__max__rows="500",
        query__retry__attempts="0",
    ) as poller:
        poller.poll()
        cut(backend)
        with pytest.raises(SourceError, match=r"query of table .*big, failure 1 in a row"):
            for _ in range(20):
                poller.poll()


def test_a_dropped_table_ends_the_task(backend: Backend) -> None:
    backend.run(f"CREATE TABLE gone (id {backend.auto_id})")
    with Poller(backend, mode="incrementing", table__whitelist="gone") as poller:
        assert poller.batches() == []
        backend.run("DROP TABLE gone")
        with pytest.raises(SourceError, match="gone"):
            for _ in range(3):
                poller.batches()

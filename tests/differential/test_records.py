"""Debezium and this project read one server: every record of every topic is compared.

Both run the same connector file and worker file, but for the broker and the server id. The report
is printed (``pytest -s``), also when all is well.
"""

from __future__ import annotations

import re
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pymysql
import pytest

import devstack
from connect.offsets import StoredOffset
from tests.differential import topics
from tests.differential.comparison import compare
from tests.differential.programs import HISTORY, PREFIX, ROOT, Place, Running, debezium, ours
from tests.differential.rules import OPTION_RULES, RULES
from tests.differential.topics import Topics, timeless, timeless_history

HERE = Path(__file__).parent
pytestmark = pytest.mark.timeout(420)
HEARTBEATS = f"__debezium-heartbeat.{PREFIX}"
LAST = f"{PREFIX}.seen.zz_last"
CONNECTOR = {
    "database.include.list": "seen,seen-too,live",
    # Heartbeats, so that the offset reaches the end of the binlog when nothing happens.
    "heartbeat.interval.ms": "500",
    "connect.keep.alive.interval.ms": "1000",
}


class Case(NamedTuple):
    """What the two are run with."""

    name: str
    schemas: bool = True
    server: Mapping[str, str] = {}
    connector: Mapping[str, str] = {}


CASES = [
    Case("defaults"),
    Case(
        "neither schemas nor GTIDs",
        schemas=False,
        server={"gtid_mode": "OFF", "enforce_gtid_consistency": "OFF"},
        connector={"skipped.operations": "none"},
    ),
    Case(
        "options",
        server={"binlog_rows_query_log_events": "ON"},
        connector={
            "include.query": "true",
            "include.schema.comments": "true",
            "tombstones.on.delete": "false",
            "column.exclude.list": "seen.churn.amount,seen.pairs.v,live.defaults.s",
            "table.exclude.list": "seen.nullable_unique,live.zeros",
            "decimal.handling.mode": "string",
            "bigint.unsigned.handling.mode": "precise",
            "binary.handling.mode": "hex",
            "time.precision.mode": "microseconds",
            "schema.history.internal.store.only.captured.tables.ddl": "true",
        },
    ),
]


class Outcome(NamedTuple):
    """What both left behind: Debezium's first."""

    case: Case
    records: tuple[Topics, Topics]
    offsets: tuple[list[StoredOffset], list[StoredOffset]]
    end: tuple[str, int]
    """The binlog's."""


@pytest.fixture(scope="module", params=CASES, ids=[case.name for case in CASES])
def outcome(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Outcome]:
    case: Case = request.param
    schemas = str(case.schemas).lower()
    worker = {f"{side}.converter.schemas.enable": schemas for side in ("key", "value")}
    connector = CONNECTOR | dict(case.connector)
    with (
        devstack.mysql("9.7", **case.server) as mysql,
        devstack.kafka() as their_kafka,
        devstack.kafka() as our_kafka,
        closing(
            pymysql.connect(host=mysql.host, port=mysql.port, user=mysql.user, autocommit=True)
        ) as connection,
    ):
        cursor = connection.cursor()
        run(cursor, "CREATE DATABASE seen; CREATE DATABASE live; USE seen")
        run(cursor, file("types.sql"), file("before.sql"))
        folder = tmp_path_factory.mktemp("differential")
        their_place = Place(mysql, their_kafka, folder / "debezium", 7001, worker, connector)
        our_place = Place(mysql, our_kafka, folder / "ours", 7002, worker, connector)
        with debezium(their_place) as their_program, ours(our_place) as our_program:
            both = ((their_program, their_kafka), (our_program, our_kafka))
            for program, kafka in both:
                wait(program, partial(seen, kafka, 1))
            run(cursor, "USE live", file("types.sql"), "USE seen", file("changes.sql"))
            run(cursor, "INSERT INTO zz_last VALUES (1)")
            cursor.execute("SHOW BINARY LOG STATUS")
            ((log, pos, *_),) = cursor.fetchall()
            for program, kafka in both:
                wait(program, partial(seen, kafka, 2))
            for program, place in ((their_program, their_place), (our_program, our_place)):
                wait(program, partial(place.reached, log, pos))
                program.stop()
        yield Outcome(
            case,
            (cleaned(their_kafka), cleaned(our_kafka)),
            (their_place.offsets(), our_place.offsets()),
            (log, pos),
        )


def file(name: str) -> str:
    return (HERE / "sql" / name).read_text()


def run(cursor: pymysql.cursors.Cursor, *texts: str) -> None:
    """Run statements; in the files a line of its own, or a semicolon at its end, ends each."""
    for text in texts:
        bare = re.sub(r"^-- .*\n", "", text, flags=re.MULTILINE)
        for statement in re.split(r";\s*?(?:\n| |\Z)(?=\s*(?:[/A-Za-z]|\Z))", bare):
            if statement.strip():
                cursor.execute(statement)


def wait(program: Running, done: Callable[[], bool], seconds: float = 120) -> None:
    deadline = time.monotonic() + seconds
    while not done():
        assert time.monotonic() < deadline, program.log_tail()
        time.sleep(0.3)


def seen(kafka: devstack.Server, count: int) -> bool:
    """Whether so many rows of the last table are there."""
    return len(topics.read(kafka.url, lambda topic: topic == LAST).get(LAST, ())) == count


def cleaned(kafka: devstack.Server) -> Topics:
    found = topics.read(kafka.url, lambda t: t == HEARTBEATS or not t.startswith("__"))
    for topic, messages in found.items():
        neutral = timeless_history if topic == HISTORY else timeless
        found[topic] = [neutral(message) for message in messages]
    # How many there are is a matter of time.
    found[HEARTBEATS] = list(dict.fromkeys(found[HEARTBEATS]))
    return found


def test_every_record(outcome: Outcome) -> None:
    report = compare(*outcome.records)
    sys.stdout.write(f"\n{report}\n")
    assert not report.unexplained, str(report)
    assert report.records > 500
    if not outcome.case.connector:
        assert set(report.rules) == set(RULES), "a documented difference is not there any more"


def test_stored_offsets(outcome: Outcome) -> None:
    theirs, ours = outcome.offsets
    assert ours == theirs
    assert [(stored.offset["file"], stored.offset["pos"]) for stored in ours] == [outcome.end]


def test_every_difference_is_documented() -> None:
    text = (ROOT / "docs" / "differences.md").read_text()
    documented = re.findall(r"^\| `([^`]+)` \|", text, flags=re.MULTILINE)
    assert set(documented) == {*RULES, *OPTION_RULES}

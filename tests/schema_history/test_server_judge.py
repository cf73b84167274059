"""Each statement of a corpus runs on a real server, and the model must agree with it after each."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pymysql
import pytest

from schema_history import Charset, Schemas
from tests.schema_history.judge import Judge, connection
from tests.schema_history.statements import Statements

FIXTURES = Path(__file__).parent / "fixtures"


def statements(name: str) -> list[str]:
    """A file's statements: each ends with a semicolon at the end of a line."""
    text = (FIXTURES / name).read_text(encoding="utf-8")
    lines = [line for line in text.splitlines(keepends=True) if not line.startswith("-- ")]
    return [s.strip() for s in "".join(lines).split(";\n") if s.strip()]


@pytest.fixture
def judge(request: pytest.FixtureRequest) -> Iterator[Judge]:
    with connection(request.getfixturevalue(request.param)) as connected:
        yield Judge(connected)


@pytest.mark.timeout(300)
@pytest.mark.parametrize(
    ("judge", "corpus"),
    [
        ("mysql", "mysql.sql"),
        ("mysql", "mysql9.sql"),
        ("mysql80", "mysql.sql"),
        ("mariadb", "mariadb.sql"),
    ],
    indirect=["judge"],
)
def test_model_agrees_after_each_statement(judge: Judge, corpus: str) -> None:
    judge.execute("drop database if exists corpus")
    judge.execute("create database corpus character set utf8mb4 collate utf8mb4_bin")
    judge.execute("use corpus")
    schemas = Schemas(charset=Charset("utf8mb4"))
    schemas.apply("create database corpus character set utf8mb4 collate utf8mb4_bin", "")
    wrong: list[str] = []
    for statement in statements(corpus):
        judge.execute(statement)
        schemas.apply(statement, "corpus")
        differences = judge.differences(schemas, "corpus")
        if differences:
            wrong.append("\n  ".join((statement, *differences)))
            break
    assert not wrong, "\n".join(wrong)
    judge.execute("drop database corpus")


@pytest.mark.timeout(300)
@pytest.mark.parametrize("judge", ["mysql"], indirect=True)
@pytest.mark.parametrize("seed", range(4))
def test_model_agrees_after_random_statements(judge: Judge, seed: int) -> None:
    """What the server refuses is left out; there must be enough that it takes."""
    database = f"random_{seed}"
    judge.execute(f"drop database if exists {database}")
    judge.execute(f"create database {database}")
    judge.execute(f"use {database}")
    schemas = Schemas(charset=Charset("utf8mb4"))
    made = Statements(seed, schemas, database)
    taken: list[str] = []
    for _ in range(250):
        statement = made.next()
        try:
            judge.execute(statement)
        except pymysql.Error:
            continue
        taken.append(statement)
        schemas.apply(statement, database)
        differences = judge.differences(schemas, database)
        assert not differences, "\n".join((statement, *differences))
    assert len(taken) > 60
    judge.execute(f"drop database {database}")

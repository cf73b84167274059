"""A MySQL for those who purge its binlogs or look at all of its databases."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pymysql
import pytest

import devstack
from tests.scenarios.tutorial import Sql


@pytest.fixture(scope="module")
def server() -> Iterator[devstack.Server]:
    """A MySQL of his own: schema changes tell of every database, and binlogs get purged."""
    with devstack.mysql("9.7") as mysql:
        yield mysql


@pytest.fixture(scope="module")
def sql(server: devstack.Server) -> Iterator[Sql]:
    connection = pymysql.connect(
        host=server.host, port=server.port, user=server.user, autocommit=True
    )

    def run(statement: str) -> list[tuple[Any, ...]]:
        with connection.cursor() as cursor:
            cursor.execute(statement)
            return list(cursor.fetchall())

    with connection:
        yield run

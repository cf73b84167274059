from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cdc.polling.backends import Backend, MySqlBackend, PostgresBackend, SqliteBackend


@pytest.fixture(params=["mysql", "mariadb", "postgres", "sqlite"])
def backend(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Backend]:
    """An empty database of each kind that can be polled."""
    made: MySqlBackend | PostgresBackend | SqliteBackend
    if request.param == "sqlite":
        made = SqliteBackend(tmp_path)
    elif request.param == "postgres":
        made = PostgresBackend(request.getfixturevalue("postgres"))
    else:
        made = MySqlBackend(request.param, request.getfixturevalue(request.param))
    yield made
    made.close()

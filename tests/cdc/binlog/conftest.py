from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.cdc.binlog.source import Source


@pytest.fixture
def source(mysql: object) -> Iterator[Source]:
    """A database of MySQL 9.7."""
    made = Source(mysql)  # type: ignore[arg-type]
    yield made
    made.close()


@pytest.fixture(params=["mysql", "mysql80", "mariadb"])
def any_source(request: pytest.FixtureRequest) -> Iterator[Source]:
    """A database of each kind of server."""
    made = Source(request.getfixturevalue(request.param))
    yield made
    made.close()

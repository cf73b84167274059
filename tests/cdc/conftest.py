"""A database of its own, and a source on it, for each test of the binlog connector."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

import devstack
from tests.cdc.source import Source, client

_numbers = itertools.count(1)


@pytest.fixture
def database(mysql: devstack.Server) -> Iterator[str]:
    name = f"shop{next(_numbers)}"
    with client(mysql) as run:
        run(f"CREATE DATABASE {name}")
    yield name
    with client(mysql) as run:
        run(f"DROP DATABASE IF EXISTS {name}")


@pytest.fixture
def sql(mysql: devstack.Server, database: str) -> Iterator[Callable[..., Any]]:
    with client(mysql, database) as run:
        yield run


@pytest.fixture
def source(mysql: devstack.Server, database: str, tmp_path: Path) -> Source:
    return Source(mysql, database, tmp_path)

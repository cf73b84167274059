"""Real servers for the tests, started once per run through devstack."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

import devstack


@pytest.fixture(scope="session")
def mysql() -> Iterator[devstack.Server]:
    """MySQL 9.7, GTIDs on. Tests make databases of their own in it."""
    with devstack.mysql("9.7") as server:
        yield server


@pytest.fixture(scope="session")
def mysql80() -> Iterator[devstack.Server]:
    with devstack.mysql("8.0") as server:
        yield server


@pytest.fixture(scope="session")
def mariadb() -> Iterator[devstack.Server]:
    with devstack.mariadb("11.4") as server:
        yield server


@pytest.fixture(scope="session")
def postgres() -> Iterator[devstack.Server]:
    with devstack.postgres() as server:
        yield server


@pytest.fixture(scope="session")
def kafka() -> Iterator[devstack.Server]:
    with devstack.kafka() as server:
        yield server


@pytest.fixture(scope="session")
def schema_registry() -> Iterator[devstack.Server]:
    with devstack.schema_registry() as server:
        yield server

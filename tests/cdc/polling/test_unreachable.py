"""A database that is not there, or does not let us in: one message, after the tries configured."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

import devstack
from cdc.polling.connector import JdbcSourceConnector
from connect.errors import SourceError
from tests.cdc.polling.backends import MySqlBackend, Poller, PostgresBackend, SqliteBackend

NOWHERE = ("jdbc:mysql://127.0.0.1:1/shop", "postgresql://postgres@127.0.0.1:1/shop")


@pytest.mark.parametrize("url", NOWHERE)
def test_an_unreachable_server(url: str, tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    poller = Poller(
        SqliteBackend(tmp_path),
        mode="bulk",
        table__whitelist="t",
        connection__url=url,
        connection__attempts="2",
        connection__backoff__ms="1",
    )
    with pytest.raises(SourceError, match=r"Connecting failed on .*127\.0\.0\.1:1/shop.*2 tries"):
        poller.start()
    assert "Try 1 of 2" in caplog.text
    ((key, errors),) = JdbcSourceConnector().check(poller.settings).items()
    assert key == "connection.url"
    assert "127.0.0.1:1" in errors[0]


def test_a_wrong_password_is_not_tried_again(
    mysql: devstack.Server, caplog: pytest.LogCaptureFixture
) -> None:
    backend = MySqlBackend("mysql", mysql)
    poller = Poller(
        backend, mode="bulk", table__whitelist="t", connection__password="wrong",
        connection__attempts="5",
    )  # fmt: skip
    with caplog.at_level(logging.WARNING), pytest.raises(SourceError, match="Access denied"):
        poller.start()
    assert "Try" not in caplog.text
    backend.close()


def test_an_unknown_database_is_not_tried_again(postgres: devstack.Server) -> None:
    backend = PostgresBackend(postgres)
    url = f"jdbc:postgresql://{postgres.host}:{postgres.port}/nowhere?user={postgres.user}"
    poller = Poller(
        backend, mode="bulk", table__whitelist="t", connection__url=url, connection__attempts="5"
    )
    with pytest.raises(SourceError, match='database "nowhere" does not exist'):
        poller.start()
    backend.close()


def test_a_missing_file(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path)
    poller = Poller(
        backend, mode="bulk", table__whitelist="t", connection__url="sqlite:///no/such.db"
    )
    with pytest.raises(SourceError, match=r"no/such\.db does not exist"):
        poller.start()
    backend.close()

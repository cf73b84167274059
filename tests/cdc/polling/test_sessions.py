"""What the connector makes of a connection: checks, TLS, isolation, clocks, lag."""

from __future__ import annotations

import pytest

from cdc.polling.connector import JdbcSourceConnector
from connect.errors import SourceError
from tests.cdc.polling.backends import (
    Backend,
    MySqlBackend,
    Poller,
    add,
    users,
)


def test_connector_checks(backend: Backend) -> None:
    users(backend)
    good = Poller(backend, mode="bulk", table__whitelist="users").settings
    assert JdbcSourceConnector().check(good) == {}
    asking = Poller(backend, mode="bulk", query="SELECT nothing FROM users").settings
    ((key, errors),) = JdbcSourceConnector().check(asking).items()
    assert key == "query"
    assert "nothing" in errors[0]


@pytest.mark.parametrize("backend", ["mysql", "mariadb"], indirect=True)
def test_isolation(backend: Backend) -> None:
    users(backend)
    assert isinstance(backend, MySqlBackend)
    with backend.uncommitted("INSERT INTO users (name, tms) VALUES ('a', '2024-01-01')"):
        for level, rows in {"DEFAULT": 0, "READ_UNCOMMITTED": 1, "READ_COMMITTED": 0}.items():
            settings = {"table__whitelist": "users", "transaction__isolation__mode": level}
            with Poller(backend, mode="incrementing", **settings) as poller:
                assert len(poller.rows()) == rows


@pytest.mark.parametrize("backend", ["mysql"], indirect=True)
def test_tls(backend: Backend) -> None:
    users(backend)
    settings = {
        "mode": "bulk",
        "query": "SELECT * FROM performance_schema.session_status"
        " WHERE variable_name = 'Ssl_cipher'",
    }
    query = {**settings, "poll__interval__ms": "60000"}
    with Poller(backend, connection__sslMode="REQUIRED", **query) as poller:
        assert poller.rows()[0]["VARIABLE_VALUE"].startswith("TLS")
    with Poller(backend, connection__sslMode="DISABLED", **query) as poller:
        assert poller.rows()[0]["VARIABLE_VALUE"] == ""
    with pytest.raises(SourceError, match=r"(?i)certificate"):
        Poller(backend, connection__sslMode="VERIFY_CA", **query).start()


@pytest.mark.parametrize("backend", ["mysql", "mariadb"], indirect=True)
def test_a_clock_beside_the_configured_zone_is_told(
    backend: Backend, caplog: pytest.LogCaptureFixture
) -> None:
    users(backend)
    settings = {
        "mode": "timestamp",
        "timestamp__column__name": "tms",
        "table__whitelist": "users",
        "connection__sessionVariables": "time_zone='+08:00'",
    }
    with Poller(backend, **settings):
        assert "session's clock shows 8:00:00 more than db.timezone=UTC" in caplog.text
    caplog.clear()
    with Poller(backend, db__timezone="Asia/Shanghai", **settings):
        assert "clock" not in caplog.text


def test_lag_is_published(backend: Backend) -> None:
    users(backend)
    add(backend, "a", "2024-01-01 00:00:00")
    settings = {"timestamp__column__name": "tms", "table__whitelist": "users"}
    add(backend, "b", "2024-01-01 00:00:01")
    with Poller(backend, mode="timestamp", batch__max__rows="1", **settings) as poller:
        poller.rows()
    table = backend.qualified("users")
    lags = [value for name, value, labels in poller.gauges if labels == {"table": table}]
    assert lags[0] > 0
    assert lags[-1] == 0

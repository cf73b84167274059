"""Connecting: TLS modes, authentication, what the server says, and what each failure says."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

import devstack
from cdc.connection import Endpoint, Flavour, Server, SslMode
from connect.errors import ConfigError, RetriableError


@pytest.fixture
def endpoint(mysql: devstack.Server) -> Endpoint:
    return Endpoint(host=mysql.host, port=mysql.port, user="root")


def cipher(endpoint: Endpoint) -> str:
    connection = endpoint.connect()
    with connection.cursor() as cursor:
        cursor.execute("SHOW STATUS LIKE 'Ssl_cipher'")
        ((_, name),) = cursor.fetchall()
    connection.close()
    return str(name)


def authority(endpoint: Endpoint) -> str:
    """The file of the authority that signed the server's own certificate."""
    connection = endpoint.connect()
    with connection.cursor() as cursor:
        cursor.execute("SELECT CONCAT(@@datadir, 'ca.pem')")
        ((path,),) = cursor.fetchall()
    connection.close()
    return str(path)


@pytest.mark.parametrize("mode", SslMode)
def test_ssl_modes(endpoint: Endpoint, mode: SslMode) -> None:
    endpoint = replace(endpoint, ssl_mode=mode, ca=authority(endpoint))
    if mode is SslMode.VERIFY_IDENTITY:
        # The server's certificate is made out to no host.
        with pytest.raises(ConfigError, match=r"certificate of 127\.0\.0\.1") as caught:
            endpoint.connect()
        assert caught.value.key == "database.ssl.truststore"
    else:
        assert bool(cipher(endpoint)) == (mode is not SslMode.DISABLED)


def test_an_unknown_authority(endpoint: Endpoint) -> None:
    with pytest.raises(ConfigError, match="not accepted"):
        replace(endpoint, ssl_mode=SslMode.VERIFY_CA).connect()


def test_a_java_key_store(endpoint: Endpoint, tmp_path: Path) -> None:
    store = tmp_path / "truststore.jks"
    store.write_bytes(b"\xfe\xed\xfe\xed" + bytes(100))
    with pytest.raises(ConfigError, match=r"truststore\.jks.*not PEM") as caught:
        replace(endpoint, ssl_mode=SslMode.VERIFY_CA, ca=str(store)).connect()
    assert "keytool" in caught.value.cure
    missing = replace(endpoint, ssl_mode=SslMode.VERIFY_CA, ca=str(tmp_path / "none.pem"))
    with pytest.raises(ConfigError, match="cannot be read"):
        missing.connect()


@pytest.mark.parametrize("mode", [SslMode.DISABLED, SslMode.PREFERRED])
def test_caching_sha2_password(endpoint: Endpoint, mode: SslMode) -> None:
    """Over plain TCP too, when the server has the password not in its cache."""
    connection = endpoint.connect()
    name = f"sha_{mode}"
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE USER {name}@'%' IDENTIFIED WITH caching_sha2_password BY 'geheim€'")
        cursor.execute("FLUSH PRIVILEGES")
    user = replace(endpoint, user=name, password="geheim€", ssl_mode=mode)
    for _ in range(2):
        user.connect().close()
    with pytest.raises(ConfigError, match=f"'{name}'") as caught:
        replace(user, password="wrong").connect()
    assert caught.value.key == "database.user"
    assert "wrong" not in str(caught.value)
    with connection.cursor() as cursor:
        cursor.execute(f"DROP USER {name}@'%'")
    connection.close()


def test_nobody_answers(endpoint: Endpoint) -> None:
    with pytest.raises(RetriableError, match=r"127\.0\.0\.1:1\b") as caught:
        replace(endpoint, port=1).connect()
    assert "database.hostname" in caught.value.cure
    with pytest.raises(RetriableError, match=r"no\.such\.host\.invalid:3306"):
        Endpoint(host="no.such.host.invalid", user="root").connect()


def test_a_server_without_tls() -> None:
    with devstack.mysql("9.7", tls_version="") as server:
        endpoint = Endpoint(host=server.host, port=server.port, user="root")
        assert cipher(endpoint) == ""
        with pytest.raises(ConfigError, match="TLS") as caught:
            replace(endpoint, ssl_mode=SslMode.REQUIRED).connect()
        assert caught.value.key == "database.ssl.mode"


@pytest.mark.parametrize(
    ("name", "flavour", "version"),
    [
        ("mysql", Flavour.MYSQL, (9, 7)),
        ("mysql80", Flavour.MYSQL, (8, 0)),
        ("mariadb", Flavour.MARIADB, (11, 4)),
    ],
)
def test_what_the_server_says(
    request: pytest.FixtureRequest, name: str, flavour: Flavour, version: tuple[int, int]
) -> None:
    running = request.getfixturevalue(name)
    connection = Endpoint(host=running.host, port=running.port, user="root").connect()
    server = Server.ask(connection)
    assert (server.flavour, server.version[:2]) == (flavour, version)
    assert server.gtids_on
    assert server.variables["log_bin"] == "ON"
    file, position, gtids = server.binlog_position(connection)
    assert file == server.binlog_files(connection)[-1]
    assert position >= 4
    assert gtids is not None
    assert "\n" not in gtids
    assert server.purged_gtids(connection) is not None
    connection.close()

"""Where an SQL database is: ``jdbc:`` and SQLAlchemy URLs read into one form.

Text in, text out; nothing connects and no driver is imported. Understood are

    jdbc:mysql://host:3306/shop?user=u&password=p     mysql://u:p@host/shop, mysql+pymysql://...
    jdbc:mariadb://host/shop                          mariadb://u:p@host/shop
    jdbc:postgresql://host/shop, jdbc:postgresql:shop postgresql://u:p@host/shop, postgres://...
    jdbc:sqlite:shop.db, jdbc:sqlite::memory:         sqlite:///shop.db, sqlite:////srv/shop.db
    jdbc:duckdb:shop.duckdb                           duckdb:///shop.duckdb

and any other backend of the ``//host`` form, whose driver then decides.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Final
from urllib.parse import parse_qsl, quote, unquote, urlencode

from connect.errors import ConfigError

FILES: Final = frozenset({"sqlite", "duckdb"})
"""Backends whose database is a file of this machine."""

MEMORY: Final = ":memory:"

_DRIVERS: Final[Mapping[str, str]] = {
    "mysql": "mysql+pymysql",
    "mariadb": "mariadb+pymysql",
    "postgresql": "postgresql+psycopg",
}
_SCHEME: Final = re.compile(
    r"(?P<jdbc>jdbc:)?(?P<backend>[a-z][a-z0-9_]*)(\+[a-z0-9_]+)?:(?P<rest>.*)"
)
_HOST: Final = re.compile(
    r"(?:\[(?P<six>[0-9A-Fa-f:.]+)\]|(?P<name>[^:\[\],]*))(?::(?P<port>\d+))?"
)


@dataclass(frozen=True)
class SqlUrl:
    """A database and how to log in to it.

    ``host``, ``user``, ``password`` and ``database`` are empty and ``port`` None where the URL does
    not say. For SQLite and DuckDB ``database`` is the path of the file, or ``:memory:``.
    ``options`` are the parameters after ``?`` as they stand: names of a Java driver's properties
    if ``jdbc`` is true, of the Python driver's otherwise.
    """

    backend: str
    host: str = ""
    port: int | None = None
    user: str = ""
    password: str = field(default="", repr=False)
    database: str = ""
    options: Mapping[str, str] = field(default_factory=dict)
    jdbc: bool = False

    def sqlalchemy(self) -> str:
        """The URL for ``sqlalchemy.create_engine``, password included; Java options left out."""
        scheme = _DRIVERS.get(self.backend, self.backend)
        query = "" if self.jdbc or not self.options else "?" + urlencode(self.options)
        path = self.database if self.backend in FILES else quote(self.database)
        return f"{scheme}://{self._login(self.password)}{self._place()}/{path}{query}"

    def __str__(self) -> str:
        """For messages: no password, no options."""
        if self.backend in FILES:
            return f"{self.backend}:///{self.database}"
        return f"{self.backend}://{self._login('')}{self._place()}/{self.database}"

    def _login(self, password: str) -> str:
        if not self.user:
            return ""
        secret = f":{quote(password, safe='')}" if password else ""
        return f"{quote(self.user, safe='')}{secret}@"

    def _place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port is None else f"{host}:{self.port}"


def parse(
    url: str, user: str | None = None, password: str | None = None, *, key: str = "connection.url"
) -> SqlUrl:
    """Read a URL; ``user`` and ``password`` given beside it win over those inside it.

    Raises ConfigError for ``key``, without repeating a password.
    """
    found = _SCHEME.fullmatch(url.strip())
    if found is None:
        raise ConfigError(
            key,
            f"{key} is not a database URL.",
            cure="Write jdbc:mysql://host:3306/db, postgresql://user:password@host/db, "
            "sqlite:///file.db or duckdb:///file.duckdb.",
        )
    backend = "postgresql" if found["backend"] == "postgres" else found["backend"]
    rest, _, query = found["rest"].partition("?")
    options = dict(parse_qsl(query, keep_blank_values=True))
    jdbc = found["jdbc"] is not None
    if backend in FILES:
        read = SqlUrl(backend, database=_file(rest, key), options=options, jdbc=jdbc)
    else:
        read = _server(backend, rest, options, key, jdbc)
    if user:
        read = replace(read, user=user)
    if password:
        read = replace(read, password=str(password))
    return read


def _file(rest: str, key: str) -> str:
    if rest.startswith("//"):
        host, _, path = rest[2:].partition("/")
        if host:
            raise ConfigError(
                key,
                f"{key} names the host {host!r}, but the database is a file.",
                cure="A relative path takes three slashes (sqlite:///shop.db), an absolute four.",
            )
        rest = path
    return unquote(rest) or MEMORY


def _server(backend: str, rest: str, options: dict[str, str], key: str, jdbc: bool) -> SqlUrl:
    if not rest.startswith("//"):
        if jdbc and backend == "postgresql":  # jdbc:postgresql:shop is a database of this machine
            rest = "//localhost/" + rest.removeprefix("/")
        else:
            raise ConfigError(
                key,
                f"{key} does not go on with //host after {backend}:, which is not supported.",
                cure=f"Name one host: {'jdbc:' if jdbc else ''}{backend}://host:port/database.",
            )
    authority, _, database = rest[2:].partition("/")
    login, _, place = authority.rpartition("@")
    host = _HOST.fullmatch(place)
    if host is None:
        raise ConfigError(
            key,
            f"{key} does not name one host and port.",
            cure="Write //user:password@host:port/database, and @, : and / inside user or "
            "password as %40, %3A and %2F. Several hosts are not supported.",
        )
    url_user, _, url_password = login.partition(":")
    user = unquote(url_user) or options.pop("user", "")
    password = unquote(url_password) or options.pop("password", "")
    return SqlUrl(
        backend,
        host=host["six"] or unquote(host["name"]),
        port=int(host["port"]) if host["port"] else None,
        user=user,
        password=password,
        database=unquote(database),
        options=options,
        jdbc=jdbc,
    )

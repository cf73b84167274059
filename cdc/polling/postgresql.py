"""Polling PostgreSQL through psycopg.

A result is a server-side cursor; its columns know the table column they come from, from which
nullability is looked up. Dates, times and numbers come as text, so that no value is beyond what
Python can hold. Follows the PostgreSQL driver for Java in how a type is named in JDBC's terms.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import re
from collections.abc import Sequence
from typing import Any, Final

import psycopg
from psycopg.types.string import TextLoader

from cdc.polling import temporal
from cdc.polling.config import Isolation, PollingConfig
from cdc.polling.database import CONNECTING, Database, Result, Row
from cdc.polling.query import Grammar
from cdc.polling.tables import Table
from cdc.polling.types import Column, Convert, SqlType
from connect.errors import ConfigError

_logger = logging.getLogger(__name__)

_KINDS: Final = {
    "r": "TABLE",
    "p": "PARTITIONED TABLE",
    "v": "VIEW",
    "m": "MATERIALIZED VIEW",
    "f": "FOREIGN TABLE",
}
_TRANSIENT: Final = re.compile("08|40|53|55P03|57P0|57014")
"""SQLSTATEs of lost connections, roll-backs, full servers, lock waits and shutdowns."""
_AS_TEXT: Final = (
    "numeric", "money", "date", "time", "timetz", "timestamp", "timestamptz", "json", "jsonb",
    "uuid", "xml", "interval", "inet", "cidr", "bit", "varbit",
)  # fmt: skip
_WITHOUT_MEANING: Final = {
    "defaultRowFetchSize", "prepareThreshold", "reWriteBatchedInserts", "stringtype",
    "tcpKeepAlive",
    "loginTimeout", "adaptiveFetch", "autosave", "binaryTransfer", "preferQueryMode", "ssl",
}  # fmt: skip
_DRIVER_NAMES: Final = {
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "ApplicationName": "application_name",
    "connectTimeout": "connect_timeout",
    "options": "options",
}


class PostgreSql(Database):
    in_schemas = True
    _errors = (psycopg.Error, OSError)

    def __init__(self, config: PollingConfig) -> None:
        super().__init__(config)
        self._connection: psycopg.Connection[Row] | None = None
        self._cursor: psycopg.ServerCursor[Row] | None = None
        self._enums: dict[int, bool] = {}

    @property
    def grammar(self) -> Grammar:
        return Grammar('"' if self.quoted else "", mark="%s", time_mark="%s")

    @property
    def open(self) -> psycopg.Connection[Row]:
        """The connection, opened now if it is not."""
        if self._connection is None:
            self.connect()
        assert self._connection is not None
        return self._connection

    def connect(self) -> None:
        self.close()
        arguments, schema = self._driver_arguments()
        with self.faults(CONNECTING):
            connection = psycopg.connect(
                host=self.url.host or "localhost",
                port=self.url.port or 5432,
                user=self.url.user or None,
                password=self.url.password or None,
                dbname=self.url.database or self.url.user or None,
                prepare_threshold=None,  # a cached plan dies of an ALTER TABLE
                **arguments,
            )
            self._connection = connection
            for name in _AS_TEXT:
                connection.adapters.register_loader(name, TextLoader)
            if self.config.isolation is not Isolation.DEFAULT:
                level = self.config.isolation.value
                connection.isolation_level = psycopg.IsolationLevel[level]
            connection.execute("SET DateStyle = 'ISO'")
            connection.execute("SET lc_monetary = 'C'")
            connection.execute("SET extra_float_digits = 1")
            if schema:
                connection.execute("SELECT set_config('search_path', %s, false)", [schema])
            connection.commit()

    def _driver_arguments(self) -> tuple[dict[str, Any], str]:
        arguments: dict[str, Any] = {"connect_timeout": 40}
        schema = ""
        for name, value in {**self.url.options, **self.config.driver_properties}.items():
            if name == "currentSchema":
                schema = value
            elif not self.url.jdbc or name in _DRIVER_NAMES:
                arguments[_DRIVER_NAMES.get(name, name)] = value
            elif name == "ssl" and value.lower() in ("", "true"):
                arguments.setdefault("sslmode", "verify-full")
            elif name not in _WITHOUT_MEANING:
                _logger.warning("The driver property %s is not known here and has no effect.", name)
        try:
            psycopg.conninfo.make_conninfo("", **arguments)
        except psycopg.Error as error:
            raise ConfigError("connection.url", f"A driver property is refused: {error}") from error
        return arguments, schema

    def close(self) -> None:
        connection, self._connection = self._connection, None
        cursor, self._cursor = self._cursor, None
        with contextlib.suppress(psycopg.Error):  # the connection may be gone already
            if cursor is not None:
                cursor.close()
        if connection is not None:
            connection.close()

    def tables(self) -> list[Table]:
        with self.faults("Listing the tables"):
            rows = self.open.execute(
                "SELECT n.nspname, c.relname, c.relkind::text"
                " FROM pg_catalog.pg_class c JOIN pg_catalog.pg_namespace n"
                " ON n.oid = c.relnamespace WHERE c.relkind IN ('r', 'p', 'v', 'm', 'f')"
                " AND n.nspname NOT IN ('pg_catalog', 'information_schema')"
                " AND n.nspname NOT LIKE 'pg!_t%' ESCAPE '!' ORDER BY 1, 2"
            ).fetchall()
            self.open.commit()
        return [Table(None, schema, name, _KINDS[kind]) for schema, name, kind in rows]

    def now(self) -> int:
        with self.faults("Reading the clock"):
            row = self.open.execute("SELECT CURRENT_TIMESTAMP").fetchone()
        assert row is not None
        return temporal.timestamp_reader(dt.UTC, legacy=False)(row[0])

    def time_value(self, micros: int) -> object:
        # With its offset: a column with a zone wants it, one without ignores it.
        return temporal.wall_clock(micros, self.rules.zone, offset=True)

    def select(self, origin: Table | str, text: str, values: Sequence[object] = ()) -> Result:
        with self.faults("The query"):
            self._cursor = self.open.cursor("cdc_polling")
            self._cursor.execute(text, list(values) or None)
            return _PostgreSqlResult(self, self._cursor)

    def columns(self, result: psycopg.pq.abc.PGresult) -> list[Column]:
        """Describes a result's columns, asking the catalog where they come from."""
        count = result.nfields
        origins = [(result.ftable(at), result.ftablecol(at)) for at in range(count)]
        facts = self._facts([origin for origin in origins if origin[0]])
        self._learn_enums({result.ftype(at) for at in range(count)})
        columns = []
        for at in range(count):
            name = result.fname(at)
            required, automatic = facts.get(origins[at], (False, False))
            columns.append(
                self._column(
                    (name or b"").decode(),
                    result.ftype(at),
                    result.fmod(at),
                    nullable=not required,
                    automatic=automatic,
                )
            )
        return columns

    def _facts(
        self, origins: Sequence[tuple[int, int]]
    ) -> dict[tuple[int, int], tuple[bool, bool]]:
        """NOT NULL and auto-increment of columns by table oid and number."""
        if not origins:
            return {}
        rows = self.open.execute(
            "SELECT a.attrelid::int8, a.attnum, a.attnotnull, a.attidentity <> '' OR"
            " coalesce(pg_get_expr(d.adbin, d.adrelid) LIKE 'nextval(%%', false)"
            " FROM pg_catalog.pg_attribute a LEFT JOIN pg_catalog.pg_attrdef d"
            " ON d.adrelid = a.attrelid AND d.adnum = a.attnum WHERE a.attrelid = ANY(%s::oid[])",
            [list({table for table, _ in origins})],
        ).fetchall()
        return {(table, number): (required, auto) for table, number, required, auto in rows}

    def _learn_enums(self, oids: set[int]) -> None:
        unknown = oids - _TYPES.keys() - self._enums.keys()
        if unknown:
            rows = self.open.execute(
                "SELECT oid::int8, typtype = 'e' FROM pg_catalog.pg_type"
                " WHERE oid = ANY(%s::oid[])",
                [list(unknown)],
            ).fetchall()
            self._enums.update(rows)

    def _column(
        self, name: str, oid: int, modifier: int, *, nullable: bool, automatic: bool
    ) -> Column:
        kind, raw = _TYPES.get(oid, (SqlType.OTHER, None))
        precision = scale = 0
        if self._enums.get(oid):
            kind = SqlType.CHAR
        elif kind is SqlType.NUMERIC and modifier >= 4:
            precision = (modifier - 4) >> 16 & 0xFFFF
            scale = ((modifier - 4 & 0x7FF) ^ 1024) - 1024
        elif kind is SqlType.BIT:
            if modifier == 1:
                kind, raw = SqlType.BOOLEAN, _is_set
            elif modifier > 8:
                kind, raw = SqlType.BINARY, _bit_bytes
        return Column(
            name,
            kind,
            nullable=nullable,
            precision=precision,
            scale=scale,
            auto_increment=automatic,
            raw=raw,
        )

    def _transient(self, error: Exception) -> bool:
        if not isinstance(error, psycopg.Error):
            return True
        if error.sqlstate is None:  # the client's own: no connection, or lost
            lost = self._connection is None or self._connection.broken
            refused = isinstance(error, psycopg.OperationalError) and "authentication" in str(error)
            return lost and not refused and not _final(str(error))
        return _TRANSIENT.match(error.sqlstate) is not None


def _final(message: str) -> bool:
    """Whether libpq's message about a connection not made says it never will be."""
    return (
        re.search(r"(database|role) \".*\" does not exist|no pg_hba\.conf entry", message)
        is not None
    )


def _is_set(bits: str) -> bool:
    return bits == "1"


def _bits(text: str) -> int:
    return int(text, 2)


def _bit_bytes(text: str) -> bytes:
    return int(text, 2).to_bytes((len(text) + 7) // 8, "big")


def _money(text: str) -> float:
    return float(re.sub(r"[$,]", "", text))


_TYPES: Final[dict[int, tuple[SqlType, Convert | None]]] = {
    16: (SqlType.BOOLEAN, None),
    17: (SqlType.BINARY, None),
    18: (SqlType.CHAR, None),  # "char"
    19: (SqlType.CHAR, None),  # name
    20: (SqlType.BIGINT, None),
    21: (SqlType.SMALLINT, None),
    23: (SqlType.INTEGER, None),
    25: (SqlType.CHAR, None),  # text
    26: (SqlType.BIGINT, None),  # oid
    114: (SqlType.CHAR, None),  # json
    142: (SqlType.CHAR, None),  # xml
    700: (SqlType.REAL, None),
    701: (SqlType.DOUBLE, None),
    790: (SqlType.DOUBLE, _money),
    1042: (SqlType.CHAR, None),
    1043: (SqlType.CHAR, None),
    1082: (SqlType.DATE, None),
    1083: (SqlType.TIME, None),
    1114: (SqlType.TIMESTAMP, None),
    1184: (SqlType.TIMESTAMP, None),
    1266: (SqlType.TIME, None),
    1560: (SqlType.BIT, _bits),
    1700: (SqlType.NUMERIC, None),
    2950: (SqlType.CHAR, None),  # uuid
    3802: (SqlType.CHAR, None),  # jsonb
}


class _PostgreSqlResult(Result):
    def __init__(self, database: PostgreSql, cursor: psycopg.ServerCursor[Row]) -> None:
        self._database = database
        self._cursor = cursor
        assert cursor.pgresult is not None
        self.columns = database.columns(cursor.pgresult)

    def fetch(self, count: int) -> Sequence[Row]:
        with self._database.faults("Reading the result"):
            return self._cursor.fetchmany(count)

    def close(self) -> None:
        with self._database.faults("Ending the query"):
            self._cursor.close()
            self._database.open.commit()

"""Polling MySQL and MariaDB through PyMySQL.

Results come in the text protocol, unbuffered; column types are those of the result itself, so an
ALTER TABLE between two polls needs no look-up. Follows Connector/J in how a column type is named
in JDBC's terms; its properties that matter here are understood, others are reported.
"""

from __future__ import annotations

import contextlib
import datetime as dt
import logging
import ssl
from collections.abc import Callable, Sequence
from typing import Any, Final

import pymysql
from pymysql.connections import Connection
from pymysql.constants import FIELD_TYPE, FLAG
from pymysql.cursors import SSCursor

from cdc.polling import temporal
from cdc.polling.config import Isolation, PollingConfig
from cdc.polling.database import CONNECTING, Database, Result, Row
from cdc.polling.query import Grammar
from cdc.polling.tables import Table
from cdc.polling.types import Column, SqlType
from connect.errors import ConfigError
from connect.mysql_errors import is_momentary

_logger = logging.getLogger(__name__)

_BINARY_CHARSET: Final = 63
_VECTOR: Final = 242
_STREAM_SECONDS: Final = 600
_KINDS: Final = {"BASE TABLE": "TABLE", "SYSTEM VERSIONED": "TABLE", "VIEW": "VIEW"}
_TIMEOUTS: Final = {"connectTimeout": "connect_timeout", "socketTimeout": "read_timeout"}
_WITHOUT_MEANING: Final = {
    "useCursorFetch", "defaultFetchSize", "allowPublicKeyRetrieval", "characterEncoding",
    "useUnicode", "serverTimezone", "connectionTimeZone", "useLegacyDatetimeCode", "autoReconnect",
    "rewriteBatchedStatements", "tinyInt1isBit", "useServerPrepStmts", "cachePrepStmts",
    "noDatetimeStringSync", "useInformationSchema", "nullCatalogMeansCurrent",
    "nullDatabaseMeansCurrent", "verifyServerCertificate", "charset",
}  # fmt: skip
"""Connector/J's properties that change nothing in what is read here."""


class MySql(Database):
    in_schemas = False
    _errors = (pymysql.err.Error, OSError)

    def __init__(self, config: PollingConfig) -> None:
        super().__init__(config)
        self._connection: Connection[SSCursor] | None = None
        self._running: Any = None
        self._properties = {**self.url.options, **config.driver_properties}
        self._zero_is_null = self._zero_dates() == "CONVERT_TO_NULL"
        self._year_is_date = self._flag("yearIsDateType", True)

    def _flag(self, name: str, default: bool) -> bool:
        return self._properties.get(name, str(default)).lower() == "true"

    def _zero_dates(self) -> str:
        text = self._properties.get("zeroDateTimeBehavior", "EXCEPTION")
        behaviour = text.upper().replace("CONVERTTONULL", "CONVERT_TO_NULL")
        if behaviour not in ("EXCEPTION", "CONVERT_TO_NULL"):
            raise ConfigError(
                "connection.url",
                f"zeroDateTimeBehavior={text} is not supported.",
                cure="Use CONVERT_TO_NULL or EXCEPTION.",
            )
        return behaviour

    @property
    def grammar(self) -> Grammar:
        # A typed literal: with COALESCE(...) on the other side plain text is compared as text.
        return Grammar("`" if self.quoted else "", mark="%s", time_mark="TIMESTAMP%s")

    @property
    def _open(self) -> Connection[SSCursor]:
        if self._connection is None:
            self.connect()
        assert self._connection is not None
        return self._connection

    def connect(self) -> None:
        self.close()
        with self.faults(CONNECTING):
            self._connection = pymysql.connect(
                host=self.url.host or "localhost",
                port=self.url.port or 3306,
                user=self.url.user,
                password=self.url.password,
                database=self.url.database or None,
                charset="utf8mb4",
                cursorclass=SSCursor,
                autocommit=False,
                **self._driver_arguments(),
            )
            # The log may be slow to take rows; the server must not cut the result meanwhile.
            self._run(f"SET net_write_timeout = {_STREAM_SECONDS}")
            if variables := self._properties.get("sessionVariables"):
                self._run("SET " + variables)
            if self.config.isolation is not Isolation.DEFAULT:
                level = self.config.isolation.value.replace("_", " ")
                self._run(f"SET SESSION TRANSACTION ISOLATION LEVEL {level}")
            if self.config.mode.timed:
                self._compare_clocks()

    def _compare_clocks(self) -> None:
        """Warns where the session shows another time than ``db.timezone`` does: TIMESTAMP columns
        and the upper bound are then read as that much too late or early."""
        rows = self._run("SELECT TIMESTAMPDIFF(SECOND, UTC_TIMESTAMP(), NOW())")
        ours = dt.datetime.now(self.rules.zone).utcoffset() or dt.timedelta()
        ahead = dt.timedelta(seconds=int(rows[0][0])) - ours
        if ahead:
            _logger.warning(
                "The session's clock shows %s %s than db.timezone=%s. Set db.timezone to the "
                "server's zone, or connection.sessionVariables=time_zone='...' to that of "
                "db.timezone, unless the timestamp columns are meant to be off as much.",
                abs(ahead),
                "more" if ahead > dt.timedelta() else "less",
                self.config.db_timezone,
            )

    def _driver_arguments(self) -> dict[str, Any]:
        arguments: dict[str, Any] = {"connect_timeout": 40}
        given = dict(self._properties)
        for name, argument in _TIMEOUTS.items():
            text = given.pop(name, "0")
            if not text.isdecimal():
                raise ConfigError("connection.url", f"{name}={text} is not a number of ms.")
            if int(text):
                arguments[argument] = max(1, int(text) // 1000)
        arguments |= _tls(given)
        for name in ("zeroDateTimeBehavior", "yearIsDateType", "sessionVariables"):
            given.pop(name, None)
        for name in given.keys() - _WITHOUT_MEANING:
            _logger.warning("The driver property %s is not known here and has no effect.", name)
        return arguments

    def close(self) -> None:
        connection: Any = self._connection
        running, self._connection, self._running = self._running, None, None
        if connection is None:
            return
        if running is not None and running.unbuffered_active:
            # PyMySQL would first read the result to its end, be it a whole table.
            running.unbuffered_active = False
            connection._force_close()
        else:
            with contextlib.suppress(pymysql.err.Error):  # closed already
                connection.close()

    def _run(self, text: str) -> Sequence[Row]:
        with self._open.cursor() as cursor:
            cursor.execute(text)
            return list(cursor.fetchall())

    def tables(self) -> list[Table]:
        with self.faults("Listing the tables"):
            rows = self._run(
                "SELECT table_schema, table_name, table_type FROM information_schema.tables"
                " WHERE table_schema NOT IN"
                " ('mysql', 'information_schema', 'performance_schema', 'sys')"
                " ORDER BY table_schema, table_name"
            )
            self._open.commit()
        return [Table(row[0], None, row[1], _KINDS.get(row[2], str(row[2]))) for row in rows]

    def now(self) -> int:
        with self.faults("Reading the clock"):
            rows = self._run("SELECT CAST(CURRENT_TIMESTAMP AS CHAR)")
        read = temporal.timestamp_reader(self.rules.zone, legacy=False)
        return read(rows[0][0])

    def time_value(self, micros: int) -> object:
        return temporal.wall_clock(micros, self.rules.zone)

    def select(self, origin: Table | str, text: str, values: Sequence[object] = ()) -> Result:
        with self.faults("The query"):
            cursor = self._open.cursor()
            cursor.execute(text, tuple(values) or None)
            self._running = vars(cursor)["_result"]
            return _MySqlResult(self, self._open, cursor, self._running)

    def column(self, field: Any) -> Column:
        """Names a result's field in JDBC's terms."""
        flags = field.flags
        kind = _type(field)
        if kind is SqlType.DATE and field.type_code == FIELD_TYPE.YEAR and not self._year_is_date:
            kind = SqlType.SMALLINT
        precision = scale = 0
        if kind is SqlType.DECIMAL:
            scale = field.scale
            precision = field.length - (scale > 0) - (not flags & FLAG.UNSIGNED)
        return Column(
            field.name,
            kind,
            nullable=not flags & FLAG.NOT_NULL,
            unsigned=bool(flags & FLAG.UNSIGNED),
            precision=precision,
            scale=scale,
            auto_increment=bool(flags & FLAG.AUTO_INCREMENT),
        )

    def decoder(self, field: Any, kind: SqlType) -> tuple[str | None, Callable[..., Any] | None]:
        """PyMySQL's pair for a field: text encoding, then function, into the raw form."""
        if kind in (SqlType.BINARY, SqlType.OTHER):
            return None, None
        if kind is SqlType.BIT:
            return None, lambda data: int.from_bytes(data, "big")
        if kind in _INTEGERS:
            return None, int
        if kind in (SqlType.REAL, SqlType.DOUBLE):
            return None, float
        if field.type_code == FIELD_TYPE.YEAR:
            return "ascii", lambda text: text + "-01-01"
        if self._zero_is_null and kind in (SqlType.DATE, SqlType.TIMESTAMP):
            return "ascii", lambda text: None if text.startswith("0000-00-00") else text
        return "utf8", None

    def _transient(self, error: Exception) -> bool:
        return is_momentary(error)


_INTEGERS: Final = {SqlType.TINYINT, SqlType.SMALLINT, SqlType.INTEGER, SqlType.BIGINT}
_TYPES: Final = {
    FIELD_TYPE.TINY: SqlType.TINYINT,
    FIELD_TYPE.SHORT: SqlType.SMALLINT,
    FIELD_TYPE.INT24: SqlType.INTEGER,
    FIELD_TYPE.LONG: SqlType.INTEGER,
    FIELD_TYPE.LONGLONG: SqlType.BIGINT,
    FIELD_TYPE.FLOAT: SqlType.REAL,
    FIELD_TYPE.DOUBLE: SqlType.DOUBLE,
    FIELD_TYPE.DECIMAL: SqlType.DECIMAL,
    FIELD_TYPE.NEWDECIMAL: SqlType.DECIMAL,
    FIELD_TYPE.DATE: SqlType.DATE,
    FIELD_TYPE.NEWDATE: SqlType.DATE,
    FIELD_TYPE.YEAR: SqlType.DATE,
    FIELD_TYPE.TIME: SqlType.TIME,
    FIELD_TYPE.DATETIME: SqlType.TIMESTAMP,
    FIELD_TYPE.TIMESTAMP: SqlType.TIMESTAMP,
    FIELD_TYPE.JSON: SqlType.CHAR,
    FIELD_TYPE.ENUM: SqlType.CHAR,
    FIELD_TYPE.SET: SqlType.CHAR,
    FIELD_TYPE.GEOMETRY: SqlType.BINARY,
    _VECTOR: SqlType.BINARY,
}


def _type(field: Any) -> SqlType:
    code = field.type_code
    if code == FIELD_TYPE.BIT:
        return SqlType.BIT if field.length <= 8 else SqlType.BINARY
    if code in _TYPES:
        return _TYPES[code]
    return SqlType.BINARY if field.charsetnr == _BINARY_CHARSET else SqlType.CHAR


def _tls(properties: dict[str, str]) -> dict[str, Any]:
    """PyMySQL's arguments for ``sslMode`` (or ``useSSL``, ``requireSSL``) and ``ssl_ca``."""
    mode = properties.pop("sslMode", "").upper()
    use = properties.pop("useSSL", "").lower()
    require = properties.pop("requireSSL", "").lower() == "true"
    authority = properties.pop("ssl_ca", None)
    if not mode:
        mode = "DISABLED" if use == "false" else "REQUIRED" if require else "PREFERRED"
        if authority and mode != "DISABLED":
            mode = "VERIFY_CA"
    if mode == "DISABLED":
        return {"ssl_disabled": True}
    if mode == "PREFERRED":
        return {}  # what PyMySQL does on its own: TLS where the server has it, unverified
    if mode not in ("REQUIRED", "VERIFY_CA", "VERIFY_IDENTITY"):
        raise ConfigError("connection.url", f"sslMode={mode} is not known.")
    context = ssl.create_default_context(cafile=authority)
    context.check_hostname = mode == "VERIFY_IDENTITY"
    if mode == "REQUIRED":
        context.verify_mode = ssl.CERT_NONE
    return {"ssl": context}


class _MySqlResult(Result):
    def __init__(
        self, database: MySql, connection: Connection[SSCursor], cursor: SSCursor, result: Any
    ) -> None:
        self._database = database
        self._connection = connection
        self._cursor = cursor
        self.columns = [database.column(field) for field in result.fields]
        result.converters = [
            database.decoder(field, column.type)
            for field, column in zip(result.fields, self.columns, strict=True)
        ]

    def fetch(self, count: int) -> Sequence[Row]:
        with self._database.faults("Reading the result"):
            return list(self._cursor.fetchmany(count))

    def close(self) -> None:
        with self._database.faults("Ending the query"):
            self._cursor.close()
            self._connection.commit()

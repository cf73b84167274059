"""Polling SQLite.

A column's type is the one declared; its values are checked against it, since SQLite does not. Rows
of a query get the types of the columns they come from, where SQLite can tell (through a temporary
view), else of their first value. Timestamps may be stored as ISO text or as milliseconds since the
epoch; statements compare them through a function, not as text, so that both order alike.
"""

from __future__ import annotations

import datetime as dt
import re
import sqlite3
from collections.abc import Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from cdc.polling import temporal
from cdc.polling.config import Isolation, PollingConfig
from cdc.polling.database import CONNECTING, Database, Result, Row
from cdc.polling.query import Grammar
from cdc.polling.tables import Table
from cdc.polling.types import Column, Convert, SqlType
from connect.errors import ConfigError, SourceError
from connect.quoting import quoted

_TIME_FUNCTION: Final = "cdc_micros"
_DECLARED: Final = re.compile(
    r"(?P<name>[^(]*)(?:\(\s*(?P<precision>\d+)\s*(?:,\s*(?P<scale>\d+)\s*)?\))?.*", re.DOTALL
)


class Sqlite(Database):
    in_schemas = False
    _errors = (sqlite3.Error,)

    def __init__(self, config: PollingConfig) -> None:
        super().__init__(config)
        self._connection: sqlite3.Connection | None = None
        self._read_time = temporal.timestamp_reader(self.rules.zone, legacy=False)
        if config.isolation in (Isolation.READ_COMMITTED, Isolation.REPEATABLE_READ):
            raise ConfigError(
                "transaction.isolation.mode",
                f"SQLite has no isolation level {config.isolation}.",
                cure="Its transactions are SERIALIZABLE.",
            )

    @property
    def grammar(self) -> Grammar:
        return Grammar(
            '"' if self.quoted else "", mark="?", time_mark="?", time=f"{_TIME_FUNCTION}({{}})"
        )

    @property
    def open(self) -> sqlite3.Connection:
        """The connection, opened now if it is not."""
        if self._connection is None:
            self.connect()
        assert self._connection is not None
        return self._connection

    def connect(self) -> None:
        self.close()
        path = self.url.database
        if path != ":memory:" and not Path(path).exists():
            raise SourceError(
                f"The SQLite database {path} does not exist.", cure="Check connection.url."
            )
        with self.faults(CONNECTING):
            connection = sqlite3.connect(path, timeout=5, isolation_level=None)
            connection.create_function(_TIME_FUNCTION, 1, self._micros, deterministic=True)
            if self.config.isolation is Isolation.READ_UNCOMMITTED:
                connection.execute("PRAGMA read_uncommitted = true")
            self._connection = connection

    def _micros(self, value: object) -> int | None:
        return None if value is None else self._read_time(_iso(value))

    def close(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.close()

    def tables(self) -> list[Table]:
        with self.faults("Listing the tables"):
            rows = self.open.execute(
                "SELECT name, upper(type) FROM sqlite_master WHERE type IN ('table', 'view')"
                " AND name NOT LIKE 'sqlite!_%' ESCAPE '!' ORDER BY name"
            ).fetchall()
        return [Table(None, None, name, kind) for name, kind in rows]

    def now(self) -> int:
        with self.faults("Reading the clock"):
            (text,) = self.open.execute("SELECT strftime('%Y-%m-%d %H:%M:%f', 'now')").fetchone()
        return temporal.timestamp_reader(dt.UTC, legacy=False)(text)

    def time_value(self, micros: int) -> object:
        return micros

    def select(self, origin: Table | str, text: str, values: Sequence[object] = ()) -> Result:
        with self.faults("The query"):
            self.open.execute("BEGIN")
            try:
                columns = self._columns(origin)
                return _SqliteResult(self, columns, self.open.execute(text, tuple(values)))
            except BaseException:
                self.open.execute("ROLLBACK")
                raise

    def _columns(self, origin: Table | str) -> list[Column]:
        """What is declared of the columns of a table or a SELECT."""
        run = self.open.execute
        if isinstance(origin, Table):
            rows = run(f"PRAGMA table_xinfo({quoted(origin.name)})").fetchall()
        else:
            run(f"CREATE TEMP VIEW cdc_shape AS {origin}")
            rows = run("PRAGMA temp.table_xinfo(cdc_shape)").fetchall()
            run("DROP VIEW temp.cdc_shape")
        keys = sum(row[5] > 0 for row in rows)
        return [
            _column(name, declared, required=bool(required), only_key=keys == 1 and key > 0)
            for _, name, declared, required, _, key, hidden in rows
            if hidden != 1
        ]

    def _transient(self, error: Exception) -> bool:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        return code in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED, sqlite3.SQLITE_IOERR)


class _SqliteResult(Result):
    def __init__(self, database: Sqlite, columns: Sequence[Column], cursor: sqlite3.Cursor) -> None:
        self._database = database
        self._cursor = cursor
        self._first = cursor.fetchmany(1)  # what is declared nowhere has its first value's type
        values = self._first[0] if self._first else [None] * len(columns)
        labels = [description[0] for description in cursor.description]
        self.columns = [
            replace(
                column if column.type is not SqlType.OTHER else _observed(column, value), name=label
            )
            for column, value, label in zip(columns, values, labels, strict=True)
        ]

    def fetch(self, count: int) -> Sequence[Row]:
        with self._database.faults("Reading the result"):
            first, self._first = self._first, []
            return [*first, *self._cursor.fetchmany(count - len(first))]

    def close(self) -> None:
        with self._database.faults("Ending the query"):
            self._cursor.close()
            self._database.open.execute("COMMIT")


# --- declared types ------------------------------------------------------------------------------


def _integer(bits: int) -> Convert:
    bound = 1 << bits - 1

    def check(value: object) -> int:
        if type(value) is not int or not -bound <= value < bound:
            raise ValueError(f"it is not an integer of {bits} bits")
        return value

    return check


def _float(value: object) -> float:
    if not isinstance(value, int | float):
        raise ValueError("it is not a number")
    return float(value)


def _boolean(value: object) -> bool:
    if value not in (0, 1):
        raise ValueError("it is not 0 or 1")
    return bool(value)


def _text(value: object) -> str:
    if isinstance(value, bytes):
        raise ValueError("it is a blob")
    return str(value)


def _bytes(value: object) -> bytes:
    if isinstance(value, int | float):
        raise ValueError("it is a number")
    return value.encode() if isinstance(value, str) else bytes(value)  # type: ignore[call-overload]


def _digits(scale: int) -> Convert:
    """Decimal text; a float, which is binary, is rounded to the scale."""

    def convert(value: object) -> str:
        if isinstance(value, float):
            return f"{value:.{scale}f}"
        if isinstance(value, bytes):
            raise ValueError("it is a blob")
        try:
            return f"{Decimal(str(value)):f}"
        except ArithmeticError:
            raise ValueError("it is not a number") from None

    return convert


def _iso(value: object) -> str:
    """Timestamps as text, or milliseconds since the epoch made into it."""
    if isinstance(value, int):
        return temporal.wall_clock(value * 1000, dt.UTC, offset=True)
    if not isinstance(value, str):
        raise ValueError("it is neither ISO text nor milliseconds")
    return value


def _day(value: object) -> str:
    return _iso(value)[:10] if isinstance(value, int) else _iso(value)


_NAMES: Final[dict[str, tuple[SqlType, Convert]]] = {
    "BOOLEAN": (SqlType.BOOLEAN, _boolean),
    "BOOL": (SqlType.BOOLEAN, _boolean),
    "TINYINT": (SqlType.TINYINT, _integer(8)),
    "SMALLINT": (SqlType.SMALLINT, _integer(16)),
    "INT2": (SqlType.SMALLINT, _integer(16)),
    "REAL": (SqlType.DOUBLE, _float),
    "FLOAT": (SqlType.DOUBLE, _float),
    "DOUBLE": (SqlType.DOUBLE, _float),
    "DOUBLE PRECISION": (SqlType.DOUBLE, _float),
    "BLOB": (SqlType.BINARY, _bytes),
    "BINARY": (SqlType.BINARY, _bytes),
    "VARBINARY": (SqlType.BINARY, _bytes),
    "DATE": (SqlType.DATE, _day),
    "TIME": (SqlType.TIME, _text),
    "DATETIME": (SqlType.TIMESTAMP, _iso),
    "TIMESTAMP": (SqlType.TIMESTAMP, _iso),
}


def _column(name: str, declared: str, *, required: bool, only_key: bool) -> Column:
    found = _DECLARED.fullmatch(declared)
    assert found is not None
    kind = found["name"].strip().upper()
    rowid = only_key and kind == "INTEGER"
    nullable = not required and not rowid
    if kind in _NAMES:
        sql_type, raw = _NAMES[kind]
        return Column(name, sql_type, nullable=nullable, raw=raw)
    if kind in ("DECIMAL", "NUMERIC"):
        scale = int(found["scale"] or 0)
        return Column(
            name,
            SqlType(kind),
            nullable=nullable,
            precision=int(found["precision"] or 0),
            scale=scale,
            raw=_digits(scale),
        )
    if "INT" in kind:
        raw = _integer(64)
        return Column(name, SqlType.BIGINT, nullable=nullable, auto_increment=rowid, raw=raw)
    if any(part in kind for part in ("CHAR", "CLOB", "TEXT", "JSON", "UUID", "ENUM")):
        return Column(name, SqlType.CHAR, nullable=nullable, raw=_text)
    return Column(name, SqlType.OTHER, nullable=nullable)


def _observed(column: Column, value: object) -> Column:
    """A column of no declared type, by its first value; text where that is null."""
    if isinstance(value, int):
        return replace(column, type=SqlType.BIGINT, raw=_integer(64))
    if isinstance(value, float):
        return replace(column, type=SqlType.DOUBLE, raw=_float)
    if isinstance(value, bytes):
        return replace(column, type=SqlType.BINARY, raw=_bytes)
    return replace(column, type=SqlType.CHAR, raw=_text)

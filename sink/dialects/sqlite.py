"""SQLite, through the standard library.

SQLite keeps what it is given only in its own types: decimals are text, so that no digit is lost,
and dates and times are ISO text, as its date functions read them.
"""

from __future__ import annotations

import datetime as dt
import sqlite3
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Final

from connect.errors import ConfigError
from connect.sql_url import MEMORY
from sink.dialects.base import Cells, ColumnSpec, Dialect, Encoder, Fault, array_json, finite
from sink.table import Table, TableName, TargetColumn
from sink.values import ColumnType, Kind, clock, ewkb, on_clock, plain

_INT64: Final = 2**63


class SQLite(Dialect):
    errors: ClassVar[tuple[type[Exception], ...]] = (sqlite3.Error, OverflowError)
    title = "SQLite"

    _connection: sqlite3.Connection | None = None

    # --- connection ---

    def connect(self) -> None:
        if unknown := [*self.url.options, *self.properties]:
            raise ConfigError(
                "connection.url",
                f"The connection property {unknown[0]} is not supported.",
                cure="Remove it from connection.url, or the connection.* key of that name.",
            )
        self._connection = sqlite3.connect(
            self.url.database, timeout=10, isolation_level=None, check_same_thread=False
        )
        if self.url.database != MEMORY:
            self._connection.execute("PRAGMA journal_mode=WAL").fetchall()
        self._connection.execute("SELECT count(*) FROM sqlite_master").fetchall()

    @property
    def _open(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("not connected")
        if not self._connection.in_transaction:
            self._connection.execute("BEGIN IMMEDIATE")
        return self._connection

    def commit(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("COMMIT")

    def rollback(self) -> None:
        if self._connection is not None and self._connection.in_transaction:
            self._connection.execute("ROLLBACK")

    def fault(self, error: Exception) -> Fault:
        if isinstance(error, sqlite3.IntegrityError | sqlite3.DataError | ValueError):
            return Fault.DATA
        if isinstance(error, OverflowError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
            return Fault.DATA
        words = str(error)
        moment = ("locked", "busy", "not connected", "disk I/O", "database or disk is full")
        return Fault.MOMENT if any(word in words for word in moment) else Fault.REFUSED

    def advice(self, error: Exception) -> str:
        if "unable to open database file" in str(error):
            return f"Check that the folder of {self.url.database} exists and may be written to."
        return ""

    # --- tables ---

    def describe(self, name: TableName) -> Table | None:
        schema = f"{self.quote(name.schema)}." if name.schema else ""
        table = self.quote(name.table)
        rows = self._open.execute(f"PRAGMA {schema}table_xinfo({table})").fetchall()
        if not rows:
            return None
        columns = {
            column: TargetColumn(column, kind.lower(), not notnull, default is not None, hidden > 1)
            for _, column, kind, notnull, default, _, hidden in rows
        }
        uniques = {frozenset(row[1] for row in rows if row[5])} - {frozenset[str]()}
        for _, index, unique, *_ in self._open.execute(
            f"PRAGMA {schema}index_list({table})"
        ).fetchall():
            if unique:
                parts = self._open.execute(f"PRAGMA {schema}index_info({self.quote(index)})")
                uniques.add(frozenset(part[2] or "(expression)" for part in parts.fetchall()))
        master = self._open.execute(
            f"SELECT type FROM {schema}sqlite_master WHERE name = ?", (name.table,)
        ).fetchone()
        return Table(name, columns, frozenset(uniques), is_view=master == ("view",))

    def execute(self, statement: str) -> None:
        self._open.execute(statement)

    def add(self, name: TableName, specs: Sequence[ColumnSpec]) -> list[str]:
        return [f"ALTER TABLE {self.table(name)} ADD {self.column(spec, [])}" for spec in specs]

    def type_text(self, spec: ColumnSpec, siblings: Sequence[ColumnSpec]) -> str:
        return _TYPES[spec.type.kind]

    def instant_text(self, value: dt.datetime) -> str:
        return on_clock(value, self.zone).isoformat(" ")

    def default_text(self, spec: ColumnSpec) -> str:
        value = spec.default
        if spec.type.kind in (Kind.DECIMAL, Kind.NUMBER):
            return f"'{value}'"
        if isinstance(value, bool):
            return str(int(value))
        if spec.type.kind is Kind.BITS and isinstance(value, int):
            return self.bytes_text(_bits(value))
        return self.literal(value, spec.type)

    # --- rows ---

    def encoder(self, column: ColumnType, target: TargetColumn) -> Encoder | None:
        if column.kind is Kind.ZONED:
            return lambda value: on_clock(value, self.zone).isoformat(" ")
        return _ENCODERS.get(column.kind)

    def _many(self, statement: str, cells: Cells) -> None:
        self._open.executemany(statement, zip(*cells, strict=True))

    def insert(self, table: Table, names: Sequence[str], cells: Cells) -> None:
        self._many(self._insert(table, names), cells)

    def _insert(self, table: Table, names: Sequence[str]) -> str:
        marks = ",".join("?" * len(names))
        return f"INSERT INTO {self.table(table.name)} ({self.names(names)}) VALUES ({marks})"

    def upsert(
        self, table: Table, keys: Sequence[str], others: Sequence[str], cells: Cells
    ) -> None:
        pairs = ",".join(f"{n}=excluded.{n}" for n in map(self.quote, others))
        then = f"UPDATE SET {pairs}" if pairs else "NOTHING"
        head = self._insert(table, [*keys, *others])
        self._many(f"{head} ON CONFLICT ({self.names(keys)}) DO {then}", cells)

    def update(
        self, table: Table, keys: Sequence[str], others: Sequence[str], cells: Cells
    ) -> None:
        if others:
            pairs = ",".join(f"{name}=?" for name in map(self.quote, others))
            turned = [*cells[len(keys) :], *cells[: len(keys)]]
            self._many(f"UPDATE {self.table(table.name)} SET {pairs}{self._where(keys)}", turned)

    def delete(self, table: Table, keys: Sequence[str], cells: Cells) -> None:
        self._many(f"DELETE FROM {self.table(table.name)}{self._where(keys)}", cells)

    def _where(self, keys: Sequence[str]) -> str:
        return " WHERE " + " AND ".join(f"{name}=?" for name in map(self.quote, keys))


_TYPES: Final[Mapping[Kind, str]] = {
    Kind.INT8: "INTEGER",
    Kind.INT16: "INTEGER",
    Kind.INT32: "INTEGER",
    Kind.INT64: "INTEGER",
    Kind.FLOAT32: "REAL",
    Kind.FLOAT64: "REAL",
    Kind.BOOLEAN: "INTEGER",
    Kind.STRING: "TEXT",
    Kind.BYTES: "BLOB",
    Kind.DECIMAL: "TEXT",
    Kind.NUMBER: "TEXT",
    Kind.DATE: "DATE",
    Kind.TIME: "TIME",
    Kind.TIMESTAMP: "DATETIME",
    Kind.ZONED: "DATETIME",
    Kind.YEAR: "INTEGER",
    Kind.JSON: "TEXT",
    Kind.UUID: "TEXT",
    Kind.BITS: "BLOB",
    Kind.GEOMETRY: "BLOB",
    Kind.ARRAY: "TEXT",
    Kind.VECTOR: "TEXT",
}


def _bits(value: int) -> bytes:
    """Big-endian, without leading zero bytes: BIT(64) does not fit SQLite's signed integers."""
    return value.to_bytes(max(1, (value.bit_length() + 7) // 8), "big")


_ENCODERS: Final[Mapping[Kind, Any]] = {
    Kind.FLOAT32: finite,
    Kind.FLOAT64: finite,
    Kind.DECIMAL: plain,
    Kind.NUMBER: plain,
    Kind.DATE: lambda value: value.isoformat(),
    Kind.TIME: clock,
    Kind.TIMESTAMP: lambda value: value.isoformat(" "),
    Kind.BITS: _bits,
    Kind.GEOMETRY: ewkb,
    Kind.ARRAY: array_json,
    Kind.VECTOR: array_json,
}

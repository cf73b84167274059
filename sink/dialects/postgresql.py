"""PostgreSQL, through psycopg 3.

Rows go by COPY into a temporary table of the target's column types, and from there in one statement
into the target. COPY carries text, so a value suits any column that reads it (jsonb, uuid, enums).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar, Final

import psycopg

from connect.errors import ConfigError
from sink.dialects.base import Cells, ColumnSpec, Dialect, Encoder, Fault
from sink.table import Table, TableName, TargetColumn
from sink.values import ColumnType, Kind, clock, ewkb, on_clock, plain

_MOMENT: Final = ("08", "40", "53", "57P", "55P03", "25006", "58")
_DATA: Final = ("21", "22", "23")
_INTEGERS: Final = frozenset({"smallint", "integer", "bigint"})

# Java driver properties by libpq's names; those with None change nothing here.
_PROPERTIES: Final[dict[str, str | None]] = {
    "ssl": None,
    "sslmode": "sslmode",
    "sslrootcert": "sslrootcert",
    "sslcert": "sslcert",
    "sslkey": "sslkey",
    "applicationname": "application_name",
    "application_name": "application_name",
    "options": "options",
    "connecttimeout": "connect_timeout",
    "connect_timeout": "connect_timeout",
    "tcpkeepalive": None,
    "rewritebatchedinserts": None,
    "preparethreshold": None,
    "stringtype": None,
    "currentschema": None,
}


class PostgreSQL(Dialect):
    errors: ClassVar[tuple[type[Exception], ...]] = (psycopg.Error,)
    title = "PostgreSQL"

    _connection: psycopg.Connection[tuple[Any, ...]] | None = None
    _count = 0

    # --- connection ---

    def connect(self) -> None:
        arguments: dict[str, Any] = {}
        for name, value in {**self.url.options, **self.properties}.items():
            if name.lower() not in _PROPERTIES:
                raise ConfigError(
                    "connection.url",
                    f"The connection property {name} is not supported.",
                    cure="Remove it from connection.url, or the connection.* key of that name.",
                )
            known = _PROPERTIES[name.lower()]
            if known is not None:
                arguments[known] = value
            elif name == "ssl" and value.lower() != "false":
                arguments.setdefault("sslmode", "require")
            elif name.lower() == "currentschema":
                arguments["options"] = f"-c search_path={value}"
        self._connection = psycopg.connect(
            host=self.url.host or None,
            port=self.url.port or 5432,
            user=self.url.user or None,
            password=self.url.password or None,
            dbname=self.url.database or self.url.user or "postgres",
            **arguments,
        )
        self._connection.execute("SET TIME ZONE 'UTC'")
        self._connection.execute("SET datestyle TO 'ISO'")
        self._connection.execute("SET client_min_messages TO 'warning'")
        self._connection.execute("SET lock_timeout TO '60s'")
        self._connection.commit()
        self._stages: dict[tuple[str, tuple[str, ...]], str] = {}
        self._filled: set[str] = set()

    @property
    def connected(self) -> bool:
        return self._connection is not None and not self._connection.closed

    @property
    def _open(self) -> psycopg.Connection[tuple[Any, ...]]:
        if self._connection is None:
            raise psycopg.OperationalError("not connected")
        return self._connection

    def commit(self) -> None:
        self._open.commit()
        self._filled.clear()

    def rollback(self) -> None:
        self._open.rollback()
        self._stages.clear()  # some are gone, and others may have types of before an ALTER
        self._filled.clear()

    def fault(self, error: Exception) -> Fault:
        state = error.sqlstate or "" if isinstance(error, psycopg.Error) else ""
        if state.startswith(_DATA) or isinstance(error, psycopg.DataError | ValueError):
            return Fault.DATA
        if state.startswith(_MOMENT):
            return Fault.MOMENT
        if not state and isinstance(error, psycopg.OperationalError | psycopg.InterfaceError):
            refused = ("authentication failed", "does not exist", "no password supplied")
            return Fault.REFUSED if any(r in str(error) for r in refused) else Fault.MOMENT
        return Fault.REFUSED

    def advice(self, error: Exception) -> str:
        state = getattr(error, "sqlstate", None) or ""
        if state.startswith("28") or "authentication failed" in str(error):
            return "Check connection.user and connection.password."
        if state == "42501":
            return "Grant the user what the statement needs."
        if state == "3F000":
            return "Create the schema, or correct its name in table.name.format."
        return ""

    # --- tables ---

    def describe(self, name: TableName) -> Table | None:
        table = self.table(name)
        found = self._rows("SELECT to_regclass(%s)::oid, c.relkind FROM pg_class c "
                           "WHERE c.oid = to_regclass(%s)", (table, table))  # fmt: skip
        if not found:
            return None
        oid, kind = found[0]
        columns = {
            column: TargetColumn(column, type_name, nullable, bool(default), generated)
            for column, type_name, nullable, default, generated in self._rows(
                "SELECT attname, format_type(atttypid, atttypmod), NOT attnotnull, "
                "atthasdef OR attidentity <> '', attgenerated <> '' FROM pg_attribute "
                "WHERE attrelid = %s AND attnum > 0 AND NOT attisdropped ORDER BY attnum",
                (oid,),
            )
        }
        uniques = self._rows(
            "SELECT array_agg(coalesce(a.attname, '(expression)')) FROM pg_index i "
            "CROSS JOIN LATERAL unnest((i.indkey::int2[])[0:i.indnkeyatts-1]) AS k(place) "
            "LEFT JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = k.place "
            "AND k.place > 0 WHERE i.indrelid = %s AND i.indisunique GROUP BY i.indexrelid",
            (oid,),
        )
        keys = frozenset(frozenset(names) for (names,) in uniques)
        return Table(name, columns, keys, is_view=kind in ("v", "m"))

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        return self._open.execute(statement.encode(), values).fetchall()

    def execute(self, statement: str) -> None:
        self._open.execute(statement.encode())

    def create(self, name: TableName, specs: Sequence[ColumnSpec]) -> list[str]:
        made = super().create(name, specs)
        schema = self.quote(name.schema)
        if name.schema and not self._rows(
            "SELECT 1 WHERE to_regnamespace(%s) IS NOT NULL", (schema,)
        ):
            return [f"CREATE SCHEMA IF NOT EXISTS {schema}", *made]
        return made

    def type_text(self, spec: ColumnSpec, siblings: Sequence[ColumnSpec]) -> str:
        return self._type(spec.type)

    def _type(self, column: ColumnType) -> str:
        if column.kind is Kind.DECIMAL and column.precision:
            return f"NUMERIC({column.precision},{column.scale})"
        if column.kind is Kind.TIME:
            return "INTERVAL" if column.duration else "TIME"
        if column.kind is Kind.BITS:
            return f"BIT({column.length})"
        if column.kind is Kind.ARRAY and column.element is not None:
            return f"{self._type(column.element)}[]"
        return _TYPES[column.kind]

    def bytes_text(self, value: bytes) -> str:
        return rf"'\x{value.hex()}'"

    def default_text(self, spec: ColumnSpec) -> str:
        if spec.type.kind is Kind.BITS and isinstance(spec.default, int):
            return f"B'{spec.default:0{spec.type.length}b}'"
        return super().default_text(spec)

    # --- rows ---

    def encoder(self, column: ColumnType, target: TargetColumn) -> Encoder | None:
        match column.kind:
            case Kind.DECIMAL | Kind.NUMBER | Kind.FLOAT32 | Kind.FLOAT64 if (
                target.type in _INTEGERS
            ):
                return int  # as text, 3.0 is no integer
            case Kind.DECIMAL | Kind.NUMBER:
                return plain
            case Kind.TIME:
                return clock
            case Kind.ZONED if "without time zone" in target.type:
                return lambda value: on_clock(value, self.zone)
            case Kind.BITS:
                return lambda value: format(value, f"0{column.length}b")
            case Kind.GEOMETRY if not target.type.startswith("bytea"):
                return lambda value: ewkb(value).hex()
            case Kind.GEOMETRY:
                return ewkb
            case Kind.BOOLEAN if target.type in _INTEGERS:
                return int
            case Kind.ARRAY if column.element is not None:
                inner = self.encoder(column.element, target)
                if inner is not None:
                    return lambda items: [None if i is None else inner(i) for i in items]
        return None

    def _copy(self, table: str, names: Sequence[str], cells: Cells) -> None:
        statement = f"COPY {table} ({self.names(names)}) FROM STDIN"
        with self._open.cursor() as cursor, cursor.copy(statement.encode()) as copy:
            write = copy.write_row
            for row in zip(*cells, strict=True):
                write(row)

    def _stage(self, table: Table, names: Sequence[str]) -> str:
        """An empty temporary table with these columns of the target."""
        known = (str(table.name), tuple(names))
        stage = self._stages.get(known)
        if stage is None:
            self._count += 1
            stage = f"pg_temp.cdc_stage_{self._count}"
            self.execute(
                f"CREATE TEMPORARY TABLE {stage} ON COMMIT DELETE ROWS AS "
                f"SELECT {self.names(names)} FROM {self.table(table.name)} WITH NO DATA"
            )
            self._stages[known] = stage
        elif stage in self._filled:
            self.execute(f"TRUNCATE {stage}")
        self._filled.add(stage)
        return stage

    def insert(self, table: Table, names: Sequence[str], cells: Cells) -> None:
        self._copy(self.table(table.name), names, cells)

    def upsert(
        self, table: Table, keys: Sequence[str], others: Sequence[str], cells: Cells
    ) -> None:
        names = [*keys, *others]
        stage = self._stage(table, names)
        self._copy(stage, names, cells)
        pairs = ",".join(f"{n}=EXCLUDED.{n}" for n in map(self.quote, others))
        self.execute(
            f"INSERT INTO {self.table(table.name)} ({self.names(names)}) OVERRIDING SYSTEM VALUE "
            f"SELECT {self.names(names)} FROM {stage} ON CONFLICT ({self.names(keys)}) DO "
            + (f"UPDATE SET {pairs}" if pairs else "NOTHING")
        )

    def update(
        self, table: Table, keys: Sequence[str], others: Sequence[str], cells: Cells
    ) -> None:
        if not others:
            return
        stage = self._stage(table, [*keys, *others])
        self._copy(stage, [*keys, *others], cells)
        pairs = ",".join(f"{n}=stage.{n}" for n in map(self.quote, others))
        self.execute(
            f"UPDATE {self.table(table.name)} AS target SET {pairs} FROM {stage} AS stage "
            f"WHERE {self._same(keys)}"
        )

    def delete(self, table: Table, keys: Sequence[str], cells: Cells) -> None:
        stage = self._stage(table, keys)
        self._copy(stage, keys, cells)
        self.execute(
            f"DELETE FROM {self.table(table.name)} AS target USING {stage} AS stage "
            f"WHERE {self._same(keys)}"
        )

    def _same(self, keys: Sequence[str]) -> str:
        return " AND ".join(f"target.{key}=stage.{key}" for key in map(self.quote, keys))


_TYPES: Final = {
    Kind.INT8: "SMALLINT",
    Kind.INT16: "SMALLINT",
    Kind.INT32: "INT",
    Kind.INT64: "BIGINT",
    Kind.FLOAT32: "REAL",
    Kind.FLOAT64: "DOUBLE PRECISION",
    Kind.BOOLEAN: "BOOLEAN",
    Kind.STRING: "TEXT",
    Kind.BYTES: "BYTEA",
    Kind.DECIMAL: "NUMERIC",
    Kind.NUMBER: "NUMERIC",
    Kind.DATE: "DATE",
    Kind.TIMESTAMP: "TIMESTAMP",
    Kind.ZONED: "TIMESTAMPTZ",
    Kind.YEAR: "INT",
    Kind.JSON: "JSON",
    Kind.UUID: "UUID",
    Kind.GEOMETRY: "BYTEA",
    Kind.VECTOR: "REAL[]",
}

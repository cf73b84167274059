"""MySQL and MariaDB, through PyMySQL.

Statements carry their rows as literals, many rows each. The session is strict, so that no value is
cut or bent to fit, and runs in UTC.
"""

from __future__ import annotations

import datetime as dt
import ssl
import struct
from collections.abc import Callable, Iterator, Sequence
from typing import Any, ClassVar, Final

import pymysql
from pymysql.constants import CLIENT, ER

from connect.errors import ConfigError, DataError
from connect.mysql_errors import BAD_VALUE, READ_ONLY, code_of, is_momentary
from sink.dialects.base import Cells, ColumnSpec, Dialect, Encoder, Fault, array_json, finite
from sink.table import Table, TableName, TargetColumn
from sink.values import ColumnType, Kind, clock, on_clock, plain

# NO_AUTO_VALUE_ON_ZERO: a key 0 stays 0 in an AUTO_INCREMENT column. Not NO_BACKSLASH_ESCAPES:
# under it MySQL cannot read back its own text of a default that has a quote in it.
_SQL_MODE: Final = "STRICT_ALL_TABLES,NO_AUTO_VALUE_ON_ZERO,NO_ENGINE_SUBSTITUTION"

_KEY_BYTES: Final = 3072
"""What an InnoDB index holds; a character of utf8mb4 takes four."""

# Java driver properties that change nothing here: results are the same with or without them.
_HARMLESS: Final = frozenset(
    {
        "allowpublickeyretrieval", "autoreconnect", "cacheprepstmts", "characterencoding",
        "connectiontimezone", "maxreconnects", "nullcatalogmeanscurrent",
        "prepstmtcachesize", "prepstmtcachesqllimit", "rewritebatchedstatements", "servertimezone",
        "tinyint1isbit", "useaffectedrows", "usecursorfetch", "uselegacydatetimecode",
        "useserverprepstmts", "useunicode", "zerodatetimebehavior",
    }
)  # fmt: skip


class MySQL(Dialect):
    errors: ClassVar[tuple[type[Exception], ...]] = (pymysql.Error, OSError)
    title = "MySQL"
    null: ClassVar[object] = "NULL"
    quote_character: ClassVar[str] = "`"
    second_digits: ClassVar[int] = 0
    table_options = " DEFAULT CHARSET=utf8mb4"

    _connection: pymysql.Connection[Any] | None = None
    _version: tuple[int, ...] = ()
    _mariadb = False

    # --- connection ---

    def connect(self) -> None:
        options = {**self.url.options, **self.properties}
        self._connection = pymysql.connect(
            host=self.url.host or "127.0.0.1",
            port=self.url.port or 3306,
            user=self.url.user or None,
            password=self.url.password,
            database=self.url.database or None,
            charset="utf8mb4",
            client_flag=CLIENT.FOUND_ROWS,
            autocommit=False,
            ssl=_tls(options),
            connect_timeout=_seconds(options, "connectTimeout", 10),
            read_timeout=_seconds(options, "socketTimeout", 600),
            write_timeout=_seconds(options, "socketTimeout", 600),
            init_command=f"SET SESSION sql_mode='{_SQL_MODE}', time_zone='+00:00', "
            "lock_wait_timeout=60",
        )
        # No gap locks, over which tasks of one connector would deadlock.
        self._run("SET SESSION TRANSACTION ISOLATION LEVEL READ COMMITTED")
        said = str(self._rows("SELECT VERSION()", ())[0][0])
        self._mariadb = "MariaDB" in said
        self.title = "MariaDB" if self._mariadb else "MySQL"
        numbers = said.partition("-")[0].split(".")
        self._version = tuple(int(part) for part in numbers if part.isdigit())

    def close(self) -> None:
        try:
            super().close()
        except pymysql.Error:  # it is gone already
            self._connection = None

    @property
    def _open(self) -> pymysql.Connection[Any]:
        if self._connection is None:
            raise pymysql.InterfaceError(0, "not connected")
        return self._connection

    def commit(self) -> None:
        self._open.commit()

    def rollback(self) -> None:
        self._open.rollback()

    def fault(self, error: Exception) -> Fault:
        if is_momentary(error) or code_of(error) in READ_ONLY:
            return Fault.MOMENT
        if code_of(error) in BAD_VALUE or isinstance(error, ValueError | pymysql.DataError):
            return Fault.DATA
        return Fault.REFUSED

    def advice(self, error: Exception) -> str:
        match code_of(error):
            case ER.ACCESS_DENIED_ERROR:
                return "Check connection.user and connection.password."
            case ER.DBACCESS_DENIED_ERROR | ER.TABLEACCESS_DENIED_ERROR:
                return "Grant the user SELECT, INSERT, UPDATE, DELETE, CREATE and ALTER there."
            case ER.NO_DB_ERROR:
                return "Name the database in connection.url or in table.name.format."
            case ER.BAD_DB_ERROR:
                return "Create the database, or correct its name."
            case ER.NET_PACKET_TOO_LARGE:
                return "Raise max_allowed_packet on the server, or lower batch.size."
            case _:
                return ""

    # --- tables ---

    def describe(self, name: TableName) -> Table | None:
        place = ("DATABASE()", ()) if not name.schema else ("%s", (name.schema,))
        rows = self._rows(
            "SELECT column_name, column_type, is_nullable, column_default, extra "
            f"FROM information_schema.columns WHERE table_schema = {place[0]} AND table_name = %s "
            "ORDER BY ordinal_position",
            (*place[1], name.table),
        )
        if not rows:
            return None
        uniques: dict[str, set[str]] = {}
        for index, column in self._rows(
            "SELECT index_name, column_name FROM information_schema.statistics "
            f"WHERE table_schema = {place[0]} AND table_name = %s AND non_unique = 0",
            (*place[1], name.table),
        ):
            uniques.setdefault(index, set()).add(column or f"({index})")
        kinds = self._rows(
            "SELECT table_type FROM information_schema.tables "
            f"WHERE table_schema = {place[0]} AND table_name = %s",
            (*place[1], name.table),
        )
        columns = {}
        for column, kind, nullable, default, extra in rows:
            flags = (extra or "").upper()
            columns[column] = TargetColumn(
                column,
                str(kind).lower(),
                nullable == "YES",
                default is not None or "AUTO_INCREMENT" in flags,
                " GENERATED" in f" {flags}".replace("DEFAULT_GENERATED", ""),
            )
        return Table(
            name,
            columns,
            frozenset(map(frozenset, uniques.values())),
            is_view=bool(kinds) and "VIEW" in kinds[0][0],
        )

    def _rows(self, statement: str, values: tuple[object, ...]) -> list[tuple[Any, ...]]:
        with self._open.cursor() as cursor:
            cursor.execute(statement, values)
            return list(cursor.fetchall())

    def execute(self, statement: str) -> None:
        self._run(statement)

    def _run(self, statement: str) -> int:
        with self._open.cursor() as cursor:
            return int(cursor.execute(statement))

    def type_text(self, spec: ColumnSpec, siblings: Sequence[ColumnSpec]) -> str:
        column = spec.type
        match column.kind:
            case Kind.STRING:
                return self._text_type(spec, siblings)
            case Kind.BYTES if spec.key:
                return f"VARBINARY({column.length or self._key_room(siblings)})"
            case Kind.DECIMAL:
                if column.scale > 30 or (column.precision or 65) > 65:
                    raise DataError(
                        f"Column {spec.name} needs DECIMAL({column.precision},{column.scale}), "
                        f"but {self.title} has at most DECIMAL(65,30).",
                        cure="Let the source write it as a string (decimal.handling.mode=string).",
                    )
                return f"DECIMAL({column.precision or 65},{column.scale})"
            case Kind.NUMBER:
                return self._text_type(spec, siblings)
            case Kind.TIME:
                return f"TIME({column.scale})"
            case Kind.TIMESTAMP | Kind.ZONED:
                return f"DATETIME({column.scale})"
            case Kind.BITS:
                return f"BIT({column.length})"
            case Kind.UUID:
                return f"CHAR(36) CHARACTER SET utf8mb4 COLLATE {self.key_collation}"
            case Kind.VECTOR:
                return "VECTOR(16383)" if self._version >= (9,) and not self._mariadb else "JSON"
            case kind:
                return _TYPES[kind]

    @property
    def key_collation(self) -> str:
        """Tells keys apart that differ in case, accents or trailing blanks only."""
        return "utf8mb4_nopad_bin" if self._mariadb else "utf8mb4_0900_bin"

    def _text_type(self, spec: ColumnSpec, siblings: Sequence[ColumnSpec]) -> str:
        if not spec.key:
            return "LONGTEXT"
        room = self._key_room(siblings) // 4
        size = min(spec.type.length or room, room)
        return f"VARCHAR({size}) CHARACTER SET utf8mb4 COLLATE {self.key_collation}"

    def _key_room(self, keys: Sequence[ColumnSpec]) -> int:
        """Bytes that each column of open length in a primary key may have."""
        wide = sum(key.type.kind in (Kind.STRING, Kind.BYTES, Kind.NUMBER) for key in keys)
        uuids = sum(key.type.kind is Kind.UUID for key in keys)
        rest = 40 * (len(keys) - wide - uuids) + 144 * uuids
        return (_KEY_BYTES - rest) // max(wide, 1)

    def literal(self, value: Any, column: ColumnType) -> str:
        return _text(value) if isinstance(value, str) else super().literal(value, column)

    def instant_text(self, value: dt.datetime) -> str:
        return on_clock(value, self.zone).isoformat(" ")

    def default_text(self, spec: ColumnSpec) -> str:
        text = self.literal(spec.default, spec.type)
        return f"({text})" if spec.type.kind in _NO_PLAIN_DEFAULT else text

    # --- rows ---

    def encoder(self, column: ColumnType, target: TargetColumn) -> Encoder:
        instant = target.type.startswith("timestamp")
        if column.kind is Kind.ZONED:
            if instant:
                return lambda value: f"'{value.replace(tzinfo=None).isoformat(' ')}'"
            return lambda value: f"'{on_clock(value, self.zone).isoformat(' ')}'"
        if column.kind is Kind.TIMESTAMP and instant and self.zone is not dt.UTC:
            return lambda value: (
                f"'{value.replace(tzinfo=self.zone).astimezone(dt.UTC).isoformat(' ')[:-6]}'"
            )
        if column.kind is Kind.VECTOR and target.type.startswith("vector"):
            return lambda items: f"x'{struct.pack(f'<{len(items)}f', *items).hex()}'"
        return _ENCODERS.get(column.kind, _text)

    def insert(self, table: Table, names: Sequence[str], cells: Cells) -> None:
        head = f"INSERT INTO {self.table(table.name)} ({self.names(names)}) VALUES "
        for rows in _statements(cells):
            self._run(head + rows)

    def upsert(
        self, table: Table, keys: Sequence[str], others: Sequence[str], cells: Cells
    ) -> None:
        if table.other_uniques(frozenset(keys)):
            self._upsert_by_key_alone(table, keys, others, cells)
            return
        names = [*keys, *others]
        changed = others or keys[:1]
        head = f"INSERT INTO {self.table(table.name)} ({self.names(names)}) VALUES "
        tail = self.on_duplicate([self.quote(name) for name in changed])
        for rows in _statements(cells):
            self._run(head + rows + tail)

    def on_duplicate(self, names: Sequence[str]) -> str:
        if self._version >= (8, 0, 20) and not self._mariadb:
            pairs = ",".join(f"{name}=incoming.{name}" for name in names)
            return f" AS incoming ON DUPLICATE KEY UPDATE {pairs}"
        return " ON DUPLICATE KEY UPDATE " + ",".join(f"{n}=VALUES({n})" for n in names)

    def _upsert_by_key_alone(
        self, table: Table, keys: Sequence[str], others: Sequence[str], cells: Cells
    ) -> None:
        """ON DUPLICATE KEY would change another row that has the same value in any unique key."""
        found = f"SELECT COUNT(*) FROM {self.table(table.name)} WHERE "
        known = self._rows(found + self._where_any(keys, cells[: len(keys)]), ())[0][0]
        if not known:
            self.insert(table, [*keys, *others], cells)
            return
        for row in zip(*cells, strict=True):
            single = [[cell] for cell in row]
            if not self._update_one(table, keys, others, row):
                self.insert(table, [*keys, *others], single)

    def update(
        self, table: Table, keys: Sequence[str], others: Sequence[str], cells: Cells
    ) -> None:
        for row in zip(*cells, strict=True):
            self._update_one(table, keys, others, row)

    def _update_one(
        self, table: Table, keys: Sequence[str], others: Sequence[str], row: tuple[str, ...]
    ) -> int:
        """How many rows have the key (CLIENT.FOUND_ROWS: not only those that changed)."""
        names = [self.quote(name) for name in (*keys, *others)]
        pairs = [f"{name}={cell}" for name, cell in zip(names, row, strict=True)]
        changes = pairs[len(keys) :] or pairs[:1]
        return self._run(
            f"UPDATE {self.table(table.name)} SET {','.join(changes)} "
            f"WHERE {' AND '.join(pairs[: len(keys)])}"
        )

    def delete(self, table: Table, keys: Sequence[str], cells: Cells) -> None:
        self._run(f"DELETE FROM {self.table(table.name)} WHERE {self._where_any(keys, cells)}")

    def _where_any(self, keys: Sequence[str], cells: Cells) -> str:
        if len(keys) == 1:
            return f"{self.quote(keys[0])} IN ({','.join(cells[0])})"
        names = [self.quote(name) for name in keys]
        rows = (
            " AND ".join(f"{name}={cell}" for name, cell in zip(names, row, strict=True))
            for row in zip(*cells, strict=True)
        )
        return "(" + ") OR (".join(rows) + ")"


_TYPES: Final = {
    Kind.INT8: "TINYINT",
    Kind.INT16: "SMALLINT",
    Kind.INT32: "INT",
    Kind.INT64: "BIGINT",
    Kind.FLOAT32: "FLOAT",
    Kind.FLOAT64: "DOUBLE",
    Kind.BOOLEAN: "TINYINT",
    Kind.BYTES: "LONGBLOB",
    Kind.DATE: "DATE",
    Kind.YEAR: "INT",
    Kind.JSON: "JSON",
    Kind.GEOMETRY: "GEOMETRY",
    Kind.ARRAY: "JSON",
}

_NO_PLAIN_DEFAULT: Final = frozenset(
    {Kind.STRING, Kind.NUMBER, Kind.BYTES, Kind.JSON, Kind.ARRAY, Kind.VECTOR, Kind.GEOMETRY}
)


def _text(value: str) -> str:
    return "'" + value.replace("\\", "\\\\").replace("'", "''") + "'"


def _geometry(value: tuple[int | None, bytes]) -> str:
    """The server's own form: the SRID in four bytes, then WKB."""
    srid, wkb = value
    return f"x'{(srid or 0).to_bytes(4, 'little').hex()}{wkb.hex()}'"


_ENCODERS: Final[dict[Kind, Callable[[Any], str]]] = {
    Kind.INT8: str,
    Kind.INT16: str,
    Kind.INT32: str,
    Kind.INT64: str,
    Kind.YEAR: str,
    Kind.BITS: str,
    Kind.FLOAT32: lambda value: repr(finite(value)),
    Kind.FLOAT64: lambda value: repr(finite(value)),
    Kind.BOOLEAN: lambda value: "1" if value else "0",
    Kind.BYTES: lambda value: f"x'{value.hex()}'",
    Kind.DECIMAL: plain,
    Kind.NUMBER: lambda value: f"'{plain(value)}'",
    Kind.DATE: lambda value: f"'{value.isoformat()}'",
    Kind.TIME: lambda value: f"'{clock(value)}'",
    Kind.TIMESTAMP: lambda value: f"'{value.isoformat(' ')}'",
    Kind.GEOMETRY: _geometry,
    Kind.ARRAY: lambda items: _text(array_json(items)),
    Kind.VECTOR: lambda items: _text(array_json(items)),
}

_STATEMENT: Final = 4_000_000
"""Characters of one statement, well under max_allowed_packet's 16 MB on MariaDB."""


def _statements(cells: Cells) -> Iterator[str]:
    """Rows as VALUES lists, each short enough for one statement."""
    rows: list[str] = []
    size = 0
    for row in map(",".join, zip(*cells, strict=True)):
        size += len(row) + 3
        if rows and size > _STATEMENT:
            yield "(" + "),(".join(rows) + ")"
            rows, size = [], len(row) + 3
        rows.append(row)
    yield "(" + "),(".join(rows) + ")"


def _tls(options: dict[str, str]) -> ssl.SSLContext | None:
    """TLS as the properties of MySQL's and MariaDB's Java drivers ask for it."""
    known = {name.lower(): value for name, value in options.items()}
    mode = known.pop("sslmode", "").upper().replace("-", "_")
    if not mode:
        wanted = known.pop("usessl", known.pop("ssl", "false")).lower() == "true"
        required = known.pop("requiressl", "false").lower() == "true"
        mode = "REQUIRED" if wanted or required else "PREFERRED"
    for name in known:
        if name not in _HARMLESS and name not in ("connecttimeout", "sockettimeout", "charset"):
            raise ConfigError(
                "connection.url",
                f"The connection property {name} is not supported.",
                cure="Remove it from connection.url, or the connection.* key of that name.",
            )
    if mode in ("PREFERRED", "DISABLED", "DISABLE"):
        return None  # PyMySQL uses TLS by itself where a login needs it
    context = ssl.create_default_context()
    context.check_hostname = mode in ("VERIFY_IDENTITY", "VERIFY_FULL")
    if mode in ("REQUIRED", "TRUST"):
        context.verify_mode = ssl.CERT_NONE
    return context


def _seconds(options: dict[str, str], name: str, default: int) -> int:
    millis = options.get(name, "")
    return max(1, int(millis) // 1000) if millis.isdigit() and int(millis) else default

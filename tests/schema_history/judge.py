"""The server as judge: compares the model of a database with information_schema."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Any

import pymysql

import devstack
from schema_history import Column, JdbcType, Schemas, Table
from schema_history.ddl.definition import NOW

NUMBERS = frozenset(
    {"tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double"}
)
COLUMNS = """
    select table_name, column_name, data_type, column_type, is_nullable, column_default,
           character_maximum_length, numeric_precision, numeric_scale, datetime_precision,
           character_set_name, collation_name, extra, column_comment
    from information_schema.columns where table_schema = %s order by table_name, ordinal_position
"""
INDEXES = """
    select table_name, index_name, non_unique, column_name
    from information_schema.statistics where table_schema = %s
    order by table_name, index_name, seq_in_index
"""
TABLES = """
    select table_name, c.character_set_name, t.table_collation, table_comment
    from information_schema.tables t
    join information_schema.collation_character_set_applicability c
      on t.table_collation = c.{name}
    where table_schema = %s and table_type in ('BASE TABLE', 'SYSTEM VERSIONED')
"""


def connection(server: devstack.Server) -> pymysql.Connection[Any]:
    return pymysql.connect(
        host=server.host,
        port=server.port,
        user=server.user,
        password=server.password,
        autocommit=True,
        charset="utf8mb4",
    )


class Judge:
    """Speaks for one server."""

    def __init__(self, connection: pymysql.Connection[Any]) -> None:
        self.connection = connection
        self.mariadb = "MariaDB" in str(self._rows("select version()")[0][0])

    def execute(self, statement: str) -> None:
        with self.connection.cursor() as cursor:
            cursor.execute(statement)

    def differences(self, schemas: Schemas, database: str) -> list[str]:
        """Where model and server disagree about the tables of a database; empty if nowhere."""
        name = "full_collation_name" if self.mariadb else "collation_name"
        tables = {row[0]: row[1:] for row in self._rows(TABLES.format(name=name), database)}
        modelled = {i.table: schemas[i] for i in schemas if i.database == database}
        found = _compare("tables", sorted(modelled), sorted(tables))
        columns: dict[str, list[tuple[Any, ...]]] = {}
        for row in self._rows(COLUMNS, database):
            columns.setdefault(row[0], []).append(row[1:])
        keys: dict[str, dict[str, tuple[bool, list[str | None]]]] = {}
        for table, index, non_unique, column in self._rows(INDEXES, database):
            names = keys.setdefault(table, {}).setdefault(index, (not int(non_unique), []))[1]
            names.append(column)
        for name in sorted(modelled.keys() & tables.keys()):
            found += self._table(
                modelled[name], tables[name], columns.get(name, []), keys.get(name, {})
            )
        return found

    def _rows(self, query: str, *values: str) -> list[tuple[Any, ...]]:
        with self.connection.cursor() as cursor:
            cursor.execute(query, values)
            return list(cursor.fetchall())

    def _table(
        self,
        table: Table,
        server: tuple[Any, ...],
        columns: list[tuple[Any, ...]],
        keys: dict[str, tuple[bool, list[str | None]]],
    ) -> list[str]:
        charset, collation, comment = server
        where = str(table.id)
        found = _compare(f"{where} charset", _charset(table.default_charset), _charset(charset))
        if table.default_collation:
            found += _compare(
                f"{where} collation", _charset(table.default_collation), _charset(collation)
            )
        found += _compare(f"{where} comment", table.comment or "", comment)
        found += _compare(
            f"{where} columns", [c.name for c in table.columns], [row[0] for row in columns]
        )
        found += _compare(
            f"{where} positions",
            [c.position for c in table.columns],
            list(range(1, len(table.columns) + 1)),
        )
        primary = keys.pop("PRIMARY", (True, []))[1]
        found += _compare(f"{where} primary key", list(table.primary_key), primary)
        unique = {name: columns for name, (unique, columns) in keys.items() if unique}
        modelled = {
            i.name: list(i.columns) if i.columns is not None else None
            for i in table.indexes
            if i.unique
        }
        unique_known = {
            name: None if None in columns else columns for name, columns in unique.items()
        }
        found += _compare(f"{where} unique keys", modelled, unique_known)
        if len(columns) == len(table.columns):
            for column, row in zip(table.columns, columns, strict=True):
                found += self._column(f"{where}.{column.name}", column, row)
        return found

    def _column(self, where: str, column: Column, row: tuple[Any, ...]) -> list[str]:
        (_, data_type, column_type, nullable, default, chars, digits, scale, fraction) = row[:9]
        charset, collation, extra, comment = row[9:]
        extra = extra.upper()
        found: list[str] = []

        def check(what: str, model: object, server: object) -> None:
            found.extend(_compare(f"{where} {what}", model, server))

        kind = column.data_type
        if self.mariadb and kind == "json":
            kind, charset = "longtext", None
        if self.mariadb and kind == "geomcollection":
            kind = "geometrycollection"
        check("type", kind, data_type)
        check("nullable", column.optional, nullable == "YES")
        # An ENUM of character set binary has none in information_schema.
        if charset is not None or column.charset != "binary":
            check("charset", _charset(column.charset), _charset(charset))
        if column.collation and charset is not None:
            check("collation", _charset(column.collation), _charset(collation))
        check("comment", column.comment or "", comment)
        check("unsigned", column.unsigned, "unsigned" in column_type or "zerofill" in column_type)
        check("auto_increment", column.auto_incremented, "AUTO_INCREMENT" in extra)
        check("invisible", column.invisible, "INVISIBLE" in extra)
        stored = "VIRTUAL" if "VIRTUAL GENERATED" in extra else None
        stored = "STORED" if re.search("(STORED|PERSISTENT) GENERATED", extra) else stored
        check("generated", column.generated, stored)
        check("on update", column.updated_to_now, "ON UPDATE" in extra)
        if data_type in ("enum", "set"):
            check("labels", list(column.enum_values), _labels(column_type))
        if data_type in ("char", "varchar", "binary", "varbinary"):
            check("length", 1 if column.length is None else column.length, chars)
        if data_type == "decimal":
            check("precision", (column.length, column.scale or 0), (digits, scale))
        if data_type == "bit":
            check("length", column.length, digits)
        if data_type in ("datetime", "timestamp", "time"):
            check("fraction", column.length or 0, fraction)
        if data_type in ("float", "double"):
            check("scale", column.scale, scale)
        if data_type == "vector":
            check("dimensions", f"vector({column.length})", column_type)
        if column.generated is None:
            check("default", *self._defaults(column, default, extra))
        return found

    def _defaults(self, column: Column, default: str | None, extra: str) -> tuple[object, object]:
        model: object = column.default_expression
        server: object = default
        if default is None or (self.mariadb and default == "NULL"):
            return model, None
        if re.match(r"CURRENT_TIMESTAMP|NOW\(|current_timestamp", default) and column.jdbc_type in (
            JdbcType.TIMESTAMP,
            JdbcType.TIMESTAMP_WITH_TIMEZONE,
        ):
            return model, NOW
        if "DEFAULT_GENERATED" in extra or (self.mariadb and _computed(default)):
            return model, None
        if self.mariadb and default[0] == "'":
            server = default[1:-1].replace("''", "'").replace("\\\\", "\\")
        if column.jdbc_type == JdbcType.BIT:
            return model, str(default)[2:-1]
        if column.data_type == "year" and model is not None:
            year = int(str(model))
            return year + 2000 if year < 70 else year, int(str(server))
        binary = column.data_type in ("binary", "varbinary") or column.charset == "binary"
        if binary and model is not None:
            return _bytes(str(model)), _bytes(str(server))
        if column.data_type in NUMBERS and model is not None:
            words = {"TRUE": "1", "FALSE": "0"}
            model = Decimal(words.get(str(model).upper(), str(model)))
            server = Decimal(str(server))
            if column.data_type in ("decimal", "float", "double"):
                return f"{model:.3f}", f"{server:.3f}"
        return model, server


def _bytes(default: str) -> bytes:
    text = bytes.fromhex(default[2:]) if default[:2] == "0x" else default.encode()
    return text.rstrip(b"\0")


def _computed(default: str) -> bool:
    return not re.match(r"'|-?[\d.]+(e[-+]?\d+)?$|[bx]'|0x|_\w+'", default)


def _charset(name: str | None) -> str | None:
    return name and re.sub(r"^utf8(?=_|$)", "utf8mb3", name)


def _labels(column_type: str) -> list[str]:
    text = column_type[column_type.index("(") + 1 : column_type.rindex(")")]
    labels = re.findall(r"'((?:[^']|'')*)'", text)
    return [label.replace("''", "'").replace("\\\\", "\\") for label in labels]


def _compare(what: str, model: object, server: object) -> list[str]:
    return [] if model == server else [f"{what}: model {model!r}, server {server!r}"]

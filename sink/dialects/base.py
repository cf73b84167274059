"""What the sink asks of a database. One module beside this one per database.

A dialect holds one connection with one open transaction. Columns of cells go in, one list per
column, each cell as ``encoder`` made it; ``null`` stands for NULL. Nothing is visible to others
before ``commit``. Errors of the driver come out as they are; ``fault`` says what they mean.
"""

from __future__ import annotations

import datetime as dt
from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import Any, ClassVar, TypeAlias

import orjson

from connect.quoting import quoted
from connect.sql_url import SqlUrl
from sink.table import Table, TableName, TargetColumn
from sink.values import ColumnType, Kind, clock, plain

Encoder: TypeAlias = Callable[[Any], Any]
"""From the form of a value's kind (see ``sink.values``), never None, to a cell."""

Cells: TypeAlias = Sequence[Sequence[Any]]
"""One list of cells per column, all of the same length."""


class Fault(Enum):
    """What an error of the driver means for the records that were being written."""

    MOMENT = auto()
    """Lost connection, lock wait, deadlock, server starting: may work a moment later."""
    DATA = auto()
    """A value the target cannot hold, or that breaks a constraint; other records may be fine."""
    REFUSED = auto()
    """Wrong password, missing grant, statement that cannot work."""


@dataclass(frozen=True)
class ColumnSpec:
    """A column to be made. ``default`` is in the form of its kind, None for no default.

    ``filler`` likewise: what the rows already there get where the column is added later and has no
    default; None if nobody knows.
    """

    name: str
    type: ColumnType
    optional: bool
    default: object = None
    filler: object = None
    key: bool = False


class Dialect(ABC):
    errors: ClassVar[tuple[type[Exception], ...]]
    """What the driver raises."""
    title: str
    """What people call the database."""
    null: ClassVar[object] = None
    quote_character: ClassVar[str] = '"'
    second_digits: ClassVar[int] = 6
    """Digits of a second in a time column whose type names none."""

    _connection: Any = None
    """The driver's, between ``connect`` and ``close``."""

    def __init__(
        self, url: SqlUrl, properties: Mapping[str, str], *, quoted: bool, zone: dt.tzinfo
    ):
        self.url = url
        self.properties = properties
        self.quoted = quoted
        self.zone = zone

    # --- connection ---

    @abstractmethod
    def connect(self) -> None:
        """Open the connection. ConfigError for a URL or property it cannot follow."""

    def close(self) -> None:
        """Drop the connection and what is not committed; never fails."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    @property
    def connected(self) -> bool:
        return self._connection is not None

    @abstractmethod
    def commit(self) -> None: ...

    @abstractmethod
    def rollback(self) -> None: ...

    @abstractmethod
    def fault(self, error: Exception) -> Fault: ...

    def advice(self, error: Exception) -> str:
        """What to do about an error, where the dialect knows."""
        return ""

    # --- tables ---

    @abstractmethod
    def describe(self, name: TableName) -> Table | None:
        """The table as it is now, None where there is none."""

    @abstractmethod
    def execute(self, statement: str) -> None: ...

    @abstractmethod
    def type_text(self, spec: ColumnSpec, siblings: Sequence[ColumnSpec]) -> str:
        """The column type for a spec; ``siblings`` are the key columns of the table.

        DataError where the database has no type that holds every such value.
        """

    def create(self, name: TableName, specs: Sequence[ColumnSpec]) -> list[str]:
        """The statements that make a table."""
        keys = [spec for spec in specs if spec.key]
        lines = [self.column(spec, keys) for spec in specs]
        if keys:
            lines.append(f"PRIMARY KEY({self.names([spec.name for spec in keys])})")
        body = ",\n".join(lines)
        return [f"CREATE TABLE {self.table(name)} (\n{body}){self.table_options}"]

    table_options: str = ""

    def add(self, name: TableName, specs: Sequence[ColumnSpec]) -> list[str]:
        """The statements that add columns to a table."""
        lines = ",\n".join(f"ADD {self.column(spec, [])}" for spec in specs)
        return [f"ALTER TABLE {self.table(name)} {lines}"]

    def column(self, spec: ColumnSpec, keys: Sequence[ColumnSpec]) -> str:
        """One column of a CREATE or ADD."""
        text = f"{self.quote(spec.name)} {self.type_text(spec, keys)}"
        if spec.default is not None:
            text += f" DEFAULT {self.default_text(spec)}"
        return f"{text} {'NULL' if spec.optional and not spec.key else 'NOT NULL'}"

    def default_text(self, spec: ColumnSpec) -> str:
        return self.literal(spec.default, spec.type)

    def literal(self, value: Any, column: ColumnType) -> str:
        """A value in the form of its kind, as SQL."""
        match value:
            case bool():
                return "TRUE" if value else "FALSE"
            case int() if column.kind is Kind.TIME:
                return f"'{clock(value)}'"
            case int() | float():
                return repr(value)
            case Decimal():
                return plain(value)
            case bytes():
                return self.bytes_text(value)
            case dt.datetime() if value.tzinfo is not None:
                return f"'{self.instant_text(value)}'"
            case dt.datetime():
                return f"'{value.isoformat(' ')}'"
            case dt.date():
                return f"'{value.isoformat()}'"
            case list():
                return self.literal(orjson.dumps(value).decode(), column)
            case _:
                return "'" + str(value).replace("'", "''") + "'"

    def instant_text(self, value: dt.datetime) -> str:
        """An instant as the text of the column that ``type_text`` gives it."""
        return value.isoformat(" ")

    def bytes_text(self, value: bytes) -> str:
        return f"x'{value.hex()}'"

    def quote(self, name: str) -> str:
        return quoted(name, mark=self.quote_character) if self.quoted else name

    def names(self, names: Sequence[str]) -> str:
        return ",".join(map(self.quote, names))

    def table(self, name: TableName) -> str:
        """The table's name in SQL."""
        text = self.quote(name.table)
        return f"{self.quote(name.schema)}.{text}" if name.schema else text

    # --- rows ---

    @abstractmethod
    def encoder(self, column: ColumnType, target: TargetColumn) -> Encoder | None:
        """How values become cells for an existing column; None where they are the same.

        The encoder raises ValueError for what the database cannot hold.
        """

    @abstractmethod
    def insert(self, table: Table, names: Sequence[str], cells: Cells) -> None: ...

    @abstractmethod
    def upsert(
        self, table: Table, keys: Sequence[str], others: Sequence[str], cells: Cells
    ) -> None:
        """Insert, or update where the key is there. ``cells`` has keys first; no key twice."""

    @abstractmethod
    def update(
        self, table: Table, keys: Sequence[str], others: Sequence[str], cells: Cells
    ) -> None:
        """Update by key, in order; nothing where the key is not there."""

    @abstractmethod
    def delete(self, table: Table, keys: Sequence[str], cells: Cells) -> None: ...

    def clear(self, table: Table) -> None:
        """Delete every row, inside the transaction."""
        self.execute(f"DELETE FROM {self.table(table.name)}")


def finite(value: float) -> float:
    if value - value != 0.0:
        raise ValueError(f"{value} is not a number the database has")
    return value


def array_json(items: Sequence[Any]) -> str:
    """An array as JSON text; ValueError where its elements have no JSON form of their own."""
    try:
        return orjson.dumps(items).decode()
    except orjson.JSONEncodeError as error:
        raise ValueError(f"an array cannot be written as JSON: {error}") from error

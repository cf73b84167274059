"""One statement on its way through the reader: its text, its database and the tables it meets."""

from __future__ import annotations

from typing import Protocol

from schema_history.change import Change, ChangeKind
from schema_history.charset import Charset
from schema_history.ddl.reader import Reader
from schema_history.table import Table, TableId


class Catalog(Protocol):
    """What the reader asks of the model; it never changes it."""

    @property
    def charset(self) -> Charset: ...

    def get(self, key: TableId, /) -> Table | None: ...

    def table_id(self, database: str, table: str) -> TableId: ...

    def database_charset(self, database: str) -> Charset: ...


class Statement:
    """The reader at its place, and what names mean there."""

    __slots__ = ("catalog", "database", "reader", "text")

    def __init__(self, reader: Reader, database: str, catalog: Catalog) -> None:
        self.reader = reader
        self.text = reader.text
        self.database = database
        self.catalog = catalog

    def table_id(self) -> TableId:
        """Read a table's name, which without a database is in the session's."""
        database, table = self.reader.qualified_name()
        return self.catalog.table_id(self.database if database is None else database, table)

    def change(
        self,
        kind: ChangeKind,
        table_id: TableId | None = None,
        *,
        table: Table | None = None,
        previous_id: TableId | None = None,
        ddl: str | None = None,
    ) -> Change:
        """A change by this statement, with its text unless told another.

        As in Debezium, what stands around a statement that changes the model is no part of it,
        and one that does not belongs to the session's database.
        """
        other = kind is ChangeKind.OTHER
        text = self.text if other else self.reader.bare_text
        return Change(
            kind=kind,
            database=self.database if other or table_id is None else table_id.database,
            ddl=text if ddl is None else ddl,
            table_id=table_id,
            previous_id=previous_id,
            table=table,
        )

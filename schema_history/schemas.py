"""All tables as they are at one position, and the defaults that new ones inherit."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from schema_history.change import Change, ChangeKind, TableChange
from schema_history.charset import Charset
from schema_history.ddl import SqlMode, read_statement
from schema_history.table import Table, TableId


@dataclass(slots=True)
class _Database:
    charset: Charset | None = None
    tables: dict[str, Table] = field(default_factory=dict)


class Schemas(Mapping[TableId, Table]):
    """The model. Reading a statement is pure; ``apply`` also takes over what it changed.

    ``lower_case_table_names`` is the server's: with 1 names are stored in lower case, with 2 they
    keep their case and are compared without it.
    """

    def __init__(
        self,
        *,
        charset: Charset | None = None,
        sql_mode: SqlMode = SqlMode(),  # noqa: B008 - an immutable value
        lower_case_table_names: int = 0,
    ) -> None:
        self.charset = charset or Charset("utf8mb4")
        self.sql_mode = sql_mode
        self.lower_case_table_names = lower_case_table_names
        self._databases: dict[str, _Database] = {}

    def __getitem__(self, table_id: TableId) -> Table:
        return self._databases[self._fold(table_id.database)].tables[self._fold(table_id.table)]

    def __iter__(self) -> Iterator[TableId]:
        for database in self._databases.values():
            for table in database.tables.values():
                yield table.id

    def __len__(self) -> int:
        return sum(len(database.tables) for database in self._databases.values())

    def emptied(self) -> Schemas:
        """The same server's defaults, without any table."""
        return Schemas(
            charset=self.charset,
            sql_mode=self.sql_mode,
            lower_case_table_names=self.lower_case_table_names,
        )

    def table_id(self, database: str, table: str) -> TableId:
        """The id the server gives to a table that a statement calls so."""
        if self.lower_case_table_names == 1:
            return TableId(database.lower(), table.lower())
        return TableId(database, table)

    def database_charset(self, database: str) -> Charset:
        """What a new table of the database inherits."""
        known = self._databases.get(self._fold(database))
        return known.charset if known and known.charset else self.charset

    def put(self, table: Table) -> None:
        """Add a table, or replace its earlier version."""
        database = self._databases.setdefault(self._fold(table.id.database), _Database())
        database.tables[self._fold(table.id.table)] = table

    def remove(self, table_id: TableId) -> None:
        """Forget a table, known or not."""
        database = self._databases.get(self._fold(table_id.database))
        if database is not None:
            database.tables.pop(self._fold(table_id.table), None)

    def read(
        self, statement: str, database: str, *, sql_mode: SqlMode | None = None
    ) -> list[Change]:
        """What a statement run in ``database`` would change, without taking it over.

        ``sql_mode`` is that of the session which ran it, as a QUERY event tells; the server's own
        where it is not known. Raises DdlError.
        """
        return read_statement(statement, database, self, sql_mode or self.sql_mode)

    def apply(
        self, statement: str, database: str, *, sql_mode: SqlMode | None = None
    ) -> list[Change]:
        """Read a statement as :meth:`read` does, and take its changes over."""
        changes = self.read(statement, database, sql_mode=sql_mode)
        for change in changes:
            self.accept(change)
        return changes

    def accept(self, change: Change | TableChange) -> None:
        """Take over one change: of a statement just read, or from a history record."""
        if isinstance(change, Change):
            match change.kind:
                case ChangeKind.CREATE_DATABASE | ChangeKind.ALTER_DATABASE:
                    known = self._databases.setdefault(self._fold(change.database), _Database())
                    known.charset = change.charset
                case ChangeKind.DROP_DATABASE:
                    self._databases.pop(self._fold(change.database), None)
                case ChangeKind.SET if change.charset is not None:
                    self.charset = change.charset
                case ChangeKind.DROP if change.table_id is not None:
                    self.remove(change.table_id)
        elif change.kind is ChangeKind.DROP:
            self.remove(change.id)
        if change.previous_id is not None:
            self.remove(change.previous_id)
        if change.table is not None:
            self.put(change.table)

    def _fold(self, name: str) -> str:
        return name.lower() if self.lower_case_table_names else name

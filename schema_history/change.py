"""What one statement did: the values that the DDL reader gives and history records keep."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from schema_history.charset import Charset
from schema_history.table import Table, TableId


class ChangeKind(StrEnum):
    """CREATE, ALTER and DROP are written to records as table changes; the rest have none."""

    CREATE = "CREATE"
    ALTER = "ALTER"
    DROP = "DROP"
    TRUNCATE = "TRUNCATE"
    CREATE_DATABASE = "CREATE DATABASE"
    ALTER_DATABASE = "ALTER DATABASE"
    DROP_DATABASE = "DROP DATABASE"
    SET = "SET"
    USE = "USE"
    OTHER = "OTHER"


@dataclass(frozen=True, slots=True)
class TableChange:
    """One element of ``tableChanges``; DROP has no ``table``, only a rename a ``previous_id``."""

    kind: ChangeKind
    id: TableId
    table: Table | None = None
    previous_id: TableId | None = None


@dataclass(frozen=True, slots=True)
class Change:
    """One effect of a statement, and the text its schema change record carries.

    ``table`` is the table afterwards; an OTHER may have one too (an index that makes no
    difference to the key). ``charset`` is the new default of the database, or of the server for
    SET. An OTHER with a ``table_id`` and no ``table`` is about a table that is not known here.
    """

    kind: ChangeKind
    database: str
    ddl: str
    table_id: TableId | None = None
    previous_id: TableId | None = None
    table: Table | None = None
    charset: Charset | None = None

    @property
    def table_changes(self) -> tuple[TableChange, ...]:
        """What a record about this lists: one element, or none."""
        if self.table_id is None:
            return ()
        match self.kind:
            case ChangeKind.CREATE | ChangeKind.ALTER:
                return (TableChange(self.kind, self.table_id, self.table, self.previous_id),)
            case ChangeKind.DROP:
                return (TableChange(self.kind, self.table_id),)
            case _:
                return ()

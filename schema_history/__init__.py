"""What every table looked like at every position.

The model (:class:`Table`, :class:`Column`), the DDL reader that carries it from one statement to
the next (:meth:`Schemas.apply`), Debezium's history records and the way back from them.
"""

from __future__ import annotations

from schema_history.change import Change, ChangeKind, TableChange
from schema_history.charset import Charset
from schema_history.ddl import SqlMode, read_statement
from schema_history.ddl_filter import filtered_out
from schema_history.history import HistoryRecord, change_struct
from schema_history.recovery import recover
from schema_history.schemas import Schemas
from schema_history.table import Column, Index, JdbcType, Table, TableId

__all__ = [
    "Change",
    "ChangeKind",
    "Charset",
    "Column",
    "HistoryRecord",
    "Index",
    "JdbcType",
    "Schemas",
    "SqlMode",
    "Table",
    "TableChange",
    "TableId",
    "change_struct",
    "filtered_out",
    "read_statement",
    "recover",
]

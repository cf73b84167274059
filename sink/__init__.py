"""The JDBC sink. Whoever ships a dialect of their own subclasses ``Dialect``."""

from sink.config import JdbcSinkConfig
from sink.connector import JdbcSinkConnector, JdbcSinkTask
from sink.dialects.base import ColumnSpec, Dialect, Fault
from sink.table import Table, TableName, TargetColumn
from sink.values import ColumnType, Kind

__all__ = [
    "ColumnSpec",
    "ColumnType",
    "Dialect",
    "Fault",
    "JdbcSinkConfig",
    "JdbcSinkConnector",
    "JdbcSinkTask",
    "Kind",
    "Table",
    "TableName",
    "TargetColumn",
]

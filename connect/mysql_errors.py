"""Error codes of MySQL and MariaDB, by what they mean for whoever gets one.

The numbers are PyMySQL's, where it has them, and those of the servers' own lists of messages.
"""

from __future__ import annotations

from typing import Final

import pymysql
from pymysql.constants import CR, ER

# What PyMySQL lacks, by the servers' names.
_ACCESS_DENIED_NO_PASSWORD: Final = 1698
_NO_PARTITION_FOR_GIVEN_VALUE: Final = 1526
_DATA_OUT_OF_RANGE: Final = 1690
_FOREIGN_DUPLICATE_KEY_WITH_CHILD_INFO: Final = 1761
_FOREIGN_DUPLICATE_KEY_WITHOUT_CHILD_INFO: Final = 1762
_READ_ONLY_MODE: Final = 1836
_CONNECTION_KILLED: Final = 1927  # MariaDB
_INVALID_JSON_TEXT: Final = 3140
_INVALID_JSON_TEXT_IN_PARAM: Final = 3141
_SESSION_WAS_KILLED: Final = 3169
_CHECK_CONSTRAINT_VIOLATED: Final = 3819
_INVALID_JSON_VALUE_FOR_FUNC_INDEX: Final = 3903
_CLIENT_INTERACTION_TIMEOUT: Final = 4031
_ILLEGAL_PARAMETER_DATA_TYPES: Final = 4078  # MariaDB
_TO_VECTOR_CONVERSION: Final = 6138

UNREACHABLE: Final = frozenset({CR.CR_CONNECTION_ERROR, CR.CR_CONN_HOST_ERROR, CR.CR_UNKNOWN_HOST})
"""Nothing answers there."""

LOGIN_REFUSED: Final = frozenset(
    {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, _ACCESS_DENIED_NO_PASSWORD}
)

DENIED: Final = frozenset(
    {ER.ACCESS_DENIED_ERROR, ER.DBACCESS_DENIED_ERROR, ER.TABLEACCESS_DENIED_ERROR,
     ER.SPECIFIC_ACCESS_DENIED_ERROR}
)  # fmt: skip
"""The user lacks a right that the statement needs."""

LOST: Final = frozenset(
    {ER.SERVER_SHUTDOWN, ER.NORMAL_SHUTDOWN, ER.NET_READ_ERROR, ER.NET_READ_INTERRUPTED,
     ER.NET_ERROR_ON_WRITE, ER.NET_WRITE_INTERRUPTED, CR.CR_SERVER_GONE_ERROR, CR.CR_SERVER_LOST,
     CR.CR_SERVER_LOST_EXTENDED, _CONNECTION_KILLED, _SESSION_WAS_KILLED,
     _CLIENT_INTERACTION_TIMEOUT}
)  # fmt: skip
"""The connection ends, be it that the server does."""

MOMENTARY: Final = UNREACHABLE | LOST | {
    ER.CON_COUNT_ERROR, ER.TOO_MANY_USER_CONNECTIONS, ER.USER_LIMIT_REACHED,
    ER.LOCK_WAIT_TIMEOUT, ER.LOCK_DEADLOCK, ER.ERROR_DURING_COMMIT, ER.QUERY_INTERRUPTED,
    ER.QUERY_TIMEOUT, ER.TABLE_DEF_CHANGED,
}  # fmt: skip
"""Those, full servers, locks and interrupted statements: a moment later it may work."""

READ_ONLY: Final = frozenset({ER.OPTION_PREVENTS_STATEMENT, _READ_ONLY_MODE})
"""Nothing may be written here: of a failover, until the roles have settled."""

TABLE_CHANGED: Final = frozenset(
    {ER.TABLE_DEF_CHANGED, ER.NO_SUCH_TABLE, ER.BAD_DB_ERROR, ER.BAD_FIELD_ERROR}
)
"""A table is no longer what a statement takes it for."""

BAD_VALUE: Final = frozenset(
    {ER.DUP_KEY, ER.BAD_NULL_ERROR, ER.DUP_ENTRY, ER.DUP_UNIQUE, ER.NO_REFERENCED_ROW,
     ER.ROW_IS_REFERENCED, ER.WARN_DATA_OUT_OF_RANGE, ER.WARN_DATA_TRUNCATED,
     ER.TRUNCATED_WRONG_VALUE, ER.NO_DEFAULT_FOR_FIELD, ER.TRUNCATED_WRONG_VALUE_FOR_FIELD,
     ER.ILLEGAL_VALUE_FOR_TYPE, ER.DATA_TOO_LONG, ER.CANT_CREATE_GEOMETRY_OBJECT,
     ER.ROW_IS_REFERENCED_2, ER.NO_REFERENCED_ROW_2, ER.CONSTRAINT_FAILED,
     _NO_PARTITION_FOR_GIVEN_VALUE, _DATA_OUT_OF_RANGE, _FOREIGN_DUPLICATE_KEY_WITH_CHILD_INFO,
     _FOREIGN_DUPLICATE_KEY_WITHOUT_CHILD_INFO, _INVALID_JSON_TEXT, _INVALID_JSON_TEXT_IN_PARAM,
     _CHECK_CONSTRAINT_VIOLATED, _INVALID_JSON_VALUE_FOR_FUNC_INDEX,
     _ILLEGAL_PARAMETER_DATA_TYPES, _TO_VECTOR_CONVERSION}
)  # fmt: skip
"""A row the table cannot hold, or a constraint forbids."""


def code_of(error: Exception) -> int:
    """The error's number; 0 where it has none."""
    return error.args[0] if error.args and isinstance(error.args[0], int) else 0


def is_momentary(error: Exception) -> bool:
    """Whether the same may work a moment later, on another connection if need be."""
    lost = isinstance(error, OSError | pymysql.err.InterfaceError)
    return lost or code_of(error) in MOMENTARY

"""A consistent view of the server: position, table definitions and an open transaction.

Lock behaviour of Debezium's ``snapshot.locking.mode=minimal``: a global read lock is held while
position and definitions are read, and given up before the first row. Where the user may not take
it, the captured tables are locked instead, for as short a time. The lock has a connection of its
own, because starting the transaction would release it.
"""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

import pymysql
from pymysql.constants import ER

from cdc.binlog.steps import BinlogPosition
from cdc.config import SnapshotLocking
from cdc.connection import Connection, Server
from cdc.offset import INITIAL, Offset
from connect.errors import SourceError
from connect.mysql_errors import DENIED, code_of
from connect.quoting import backticked
from schema_history import TableId

_logger = logging.getLogger(__name__)

Connect: TypeAlias = "Callable[[], Connection]"

_UNLOCKED_TRIES = 5
_PATIENCE_SECONDS = 365 * 24 * 3600


def query(connection: Connection, sql: str, *values: object) -> Sequence[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(sql, values or None)
        return tuple(cursor.fetchall())


def list_tables(
    connection: Connection, wanted_database: Callable[[str], bool]
) -> dict[str, list[TableId]]:
    """The base tables of each wanted database."""
    found: dict[str, list[TableId]] = {}
    for (database,) in query(connection, "SHOW DATABASES"):
        if wanted_database(database):
            sql = f"SHOW FULL TABLES IN {backticked(database)} WHERE Table_Type = 'BASE TABLE'"
            found[database] = [TableId(database, row[0]) for row in query(connection, sql)]
    return found


def show_create(connection: Connection, table: TableId) -> str:
    sql = f"SHOW CREATE TABLE {backticked(table.database, table.table)}"
    return str(query(connection, sql)[0][1])


def start_transaction(connection: Connection) -> None:
    """A read view as of now, times in UTC."""
    for statement in (
        "SET SESSION TRANSACTION ISOLATION LEVEL REPEATABLE READ",
        "SET SESSION time_zone = '+00:00'",
        # A slow log makes the reader pause, and the server must bear with it.
        f"SET SESSION net_write_timeout = {_PATIENCE_SECONDS}",
        "START TRANSACTION WITH CONSISTENT SNAPSHOT",
    ):
        query(connection, statement)


def read_position(connection: Connection) -> BinlogPosition:
    """Where the server's binlog ends now."""
    return BinlogPosition(*Server.ask(connection).binlog_position(connection))


@contextmanager
def consistent_view(
    reader: Connection,
    connect: Connect,
    mode: SnapshotLocking,
    lock_timeout_ms: int,
    captured: Callable[[Connection], Sequence[TableId]],
) -> Iterator[Offset]:
    """Open ``reader``'s transaction under the lock, which is held inside the ``with`` only; the
    position is that of the view.

    ``captured`` lists the tables to lock where a global lock is refused.
    """
    if mode is SnapshotLocking.NONE:
        yield _begun(_without_lock(reader))
        return
    locker = connect()
    try:
        _lock(locker, lock_timeout_ms, captured)
        start_transaction(reader)
        yield _begun(read_position(reader))
        query(locker, "UNLOCK TABLES")
    finally:
        locker.close()


def _begun(place: BinlogPosition) -> Offset:
    return Offset(place, int(time.time()), snapshot=INITIAL)


def _without_lock(reader: Connection) -> BinlogPosition:
    """Without a lock the position read before the view may be older than it.

    That repeats a few changes and loses none. A quiet moment gives an exact one.
    """
    for _ in range(_UNLOCKED_TRIES):
        before = read_position(reader)
        start_transaction(reader)
        after = read_position(reader)
        if before == after:
            break
    return before


def _lock(
    locker: Connection,
    timeout_ms: int,
    captured: Callable[[Connection], Sequence[TableId]],
) -> None:
    seconds = max(1, timeout_ms // 1000)
    query(locker, f"SET SESSION lock_wait_timeout = {seconds}")
    try:
        try:
            query(locker, "FLUSH TABLES WITH READ LOCK")
        except pymysql.err.MySQLError as error:
            if code_of(error) not in DENIED:
                raise
            _lock_tables(locker, captured(locker))
    except pymysql.err.MySQLError as error:
        if code_of(error) == ER.LOCK_WAIT_TIMEOUT:
            raise SourceError(
                f"The read lock for the snapshot was not granted within {seconds} s: some "
                "statement or transaction holds the tables.",
                cure="Raise snapshot.lock.timeout.ms, end the long statement (SHOW PROCESSLIST "
                "names it), or set snapshot.locking.mode=none.",
            ) from error
        raise


def _lock_tables(locker: Connection, tables: Sequence[TableId]) -> None:
    _logger.info("No right to lock the whole server; locking %d captured tables.", len(tables))
    if not tables:
        return
    try:
        names = ", ".join(f"{backticked(table.database, table.table)} READ" for table in tables)
        query(locker, f"LOCK TABLES {names}")
    except pymysql.err.MySQLError as error:
        if code_of(error) not in DENIED:
            raise
        user = query(locker, "SELECT CURRENT_USER()")[0][0]
        name, _, host = user.partition("@")
        raise SourceError(
            f"User {user} may neither lock the server nor the captured tables, so the snapshot "
            f"cannot be made consistent ({error.args[1]}).",
            cure=f"Run GRANT RELOAD ON *.* TO '{name}'@'{host}'; or set "
            "snapshot.locking.mode=none if no table is altered meanwhile.",
        ) from error

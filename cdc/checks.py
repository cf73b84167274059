"""What a run needs of the server: each finding with the statement that cures it.

``cdc doctor`` shows all of them; a connector refuses to start on the first that is an error.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from cdc.connection import Connection, Server
from connect.errors import SourceError


class Level(StrEnum):
    OK = "ok"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True)
class Finding:
    """``check`` names what was looked at; ``cure`` is a statement or setting, or empty."""

    check: str
    level: Level
    message: str
    cure: str = ""


_DAY = 24 * 3600
_SELECT, _RELOAD, _LOCK = "SELECT", "RELOAD", "LOCK TABLES"
_REPLICATION = ("REPLICATION SLAVE", "REPLICATION CLIENT")


def check_server(
    connection: Connection, server: Server, *, locks: bool = False
) -> Iterator[Finding]:
    """Binlog, its format and image, server id, GTIDs, retention, grants; in that order.

    ``locks`` says that a snapshot with a lock is to be taken.
    """
    variables = server.variables
    if variables.get("log_bin") != "ON":
        yield Finding(
            "binlog", Level.ERROR, "The server writes no binlog.",
            "Start it with log_bin=binlog and a server_id in its option file.",
        )  # fmt: skip
        return
    yield Finding("binlog", Level.OK, "The server writes a binlog.")
    yield from _required(
        variables, "binlog_format", "ROW", "only row events hold what changed",
        "SET GLOBAL binlog_format = 'ROW'; then let all clients reconnect.",
    )  # fmt: skip
    yield from _required(
        variables, "binlog_row_image", "FULL", "others leave columns out",
        "SET GLOBAL binlog_row_image = 'FULL'; then let all clients reconnect.",
    )  # fmt: skip
    if "PARTIAL_JSON" in variables.get("binlog_row_value_options", ""):
        yield Finding(
            "binlog_row_value_options", Level.ERROR,
            "binlog_row_value_options=PARTIAL_JSON logs only parts of JSON columns.",
            "SET GLOBAL binlog_row_value_options = '';",
        )  # fmt: skip
    if variables.get("server_id", "0") == "0":
        yield Finding(
            "server_id", Level.ERROR, "server_id is 0: the server accepts no replica.",
            "SET GLOBAL server_id = 1;",
        )  # fmt: skip
    else:
        yield Finding("server_id", Level.OK, f"server_id is {variables['server_id']}.")
    if server.gtids_on:
        yield Finding("gtid", Level.OK, "GTIDs are on: a failover keeps the position.")
    else:
        yield Finding(
            "gtid", Level.WARNING, "GTIDs are off: positions hold on this server only.",
            "SET GLOBAL enforce_gtid_consistency = ON; then gtid_mode step by step to ON.",
        )  # fmt: skip
    yield _retention(variables)
    yield from _grants(connection, locks)


def require(connection: Connection, server: Server) -> None:
    """Raise SourceError for the first thing without which streaming cannot be right."""
    for finding in check_server(connection, server):
        if finding.level is Level.ERROR:
            raise SourceError(finding.message, cure=f"Run: {finding.cure}")


def _required(
    variables: dict[str, str], name: str, wanted: str, reason: str, cure: str
) -> Iterator[Finding]:
    value = variables.get(name, wanted)
    if value.upper() == wanted:
        yield Finding(name, Level.OK, f"{name} is {value}.")
    else:
        message = f"The server has {name}={value}, but {wanted} is needed: {reason}."
        yield Finding(name, Level.ERROR, message, cure)


def _retention(variables: dict[str, str]) -> Finding:
    seconds = int(variables.get("binlog_expire_logs_seconds") or 0)
    seconds = seconds or int(float(variables.get("expire_logs_days") or 0) * _DAY)
    if seconds == 0:
        return Finding("retention", Level.OK, "Binlogs are kept until they are purged by hand.")
    days = seconds / _DAY
    if days >= 2:
        return Finding("retention", Level.OK, f"Binlogs are kept for {days:g} days.")
    return Finding(
        "retention", Level.WARNING,
        f"Binlogs are kept for {seconds / 3600:g} hours only: whoever stops for longer must begin "
        "anew.",
        f"SET GLOBAL binlog_expire_logs_seconds = {7 * _DAY};",
    )  # fmt: skip


def _grants(connection: Connection, locks: bool) -> Iterator[Finding]:
    with connection.cursor() as cursor:
        cursor.execute("SELECT CURRENT_USER()")
        user = str((cursor.fetchone() or ("",))[0])
        cursor.execute("SHOW GRANTS")
        lines = [str(row[0]).upper() for row in cursor.fetchall()]
    everywhere: set[str] = set()
    somewhere: set[str] = set()
    for line in lines:
        match = re.match(r"GRANT (.+) ON (\S+) TO ", line)
        if match:
            rights = {right.strip() for right in match[1].split(",")}
            somewhere |= rights
            if match[2] == "*.*":
                everywhere |= rights
    name, _, host = user.rpartition("@")
    account = f"'{name}'@'{host}'"

    def has(right: str, rights: set[str]) -> bool:
        return right in rights or "ALL PRIVILEGES" in rights or "ALL" in rights

    for right in _REPLICATION:
        # MariaDB and newer servers have split REPLICATION CLIENT; its other names begin alike.
        alike = right == "REPLICATION CLIENT" and "BINLOG MONITOR" in everywhere
        if has(right, everywhere) or alike:
            yield Finding(f"grant {right}", Level.OK, f"{user} has {right}.")
        else:
            yield Finding(
                f"grant {right}", Level.ERROR, f"User {user} lacks {right}.",
                f"GRANT {right} ON *.* TO {account};",
            )  # fmt: skip
    if has(_SELECT, somewhere):
        yield Finding("grant SELECT", Level.OK, f"{user} may read tables.")
    else:
        yield Finding(
            "grant SELECT", Level.ERROR, f"User {user} may read no table.",
            f"GRANT SELECT ON *.* TO {account};",
        )  # fmt: skip
    if has(_RELOAD, everywhere) or has("FLUSH_TABLES", everywhere):
        yield Finding("grant RELOAD", Level.OK, f"{user} may take the snapshot's global lock.")
    elif has(_LOCK, somewhere):
        yield Finding(
            "grant RELOAD", Level.WARNING,
            f"User {user} lacks RELOAD: the snapshot locks the captured tables one by one.",
            f"GRANT RELOAD ON *.* TO {account};",
        )  # fmt: skip
    else:
        yield Finding(
            "grant RELOAD", Level.ERROR if locks else Level.WARNING,
            f"User {user} has neither RELOAD nor LOCK TABLES: no snapshot with a lock.",
            f"GRANT RELOAD ON *.* TO {account};",
        )  # fmt: skip

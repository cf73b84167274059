"""What the binlog stream gives, in the order of the binlog: one value per event, not per row."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeAlias, TypeVar

from cdc.binlog.gtid import GtidSet, MariadbGtids, executed
from connect.errors import DataError

T = TypeVar("T")
Row: TypeAlias = tuple[Any, ...]


class Kind(Enum):
    """What happened to the rows of a step; the value is Debezium's ``op``."""

    INSERT = "c"
    UPDATE = "u"
    DELETE = "d"


@dataclass(frozen=True, slots=True)
class BinlogPosition:
    """Where to read on, in the terms of Debezium's offsets.

    ``file`` and ``pos`` are where the transaction in progress begins, or where nothing is in
    progress. ``gtids`` is what was executed before it, None where the server has no GTIDs.
    ``event`` counts the transaction's events that are done with, its BEGIN being the first, and
    ``row`` the rows that are done with of the rows event after those.
    """

    file: str
    pos: int
    gtids: str | None = None
    event: int = 0
    row: int = 0

    @classmethod
    def from_offset(cls, offset: Mapping[str, object]) -> BinlogPosition:
        """Read the members of an offset record; others are left alone."""
        try:
            gtids = offset.get("gtids")
            return cls(
                str(offset["file"]),
                int(str(offset["pos"])),
                None if gtids is None else str(gtids),
                int(str(offset.get("event", 0))),
                int(str(offset.get("row", 0))),
            )
        except (KeyError, ValueError) as error:
            raise DataError(f"The offset {dict(offset)} holds no binlog position.") from error

    def members(self) -> dict[str, object]:
        """The members of an offset record, in Debezium's order, those that are 0 left out."""
        found: dict[str, object] = {"file": self.file, "pos": self.pos}
        if self.gtids is not None:
            found["gtids"] = self.gtids
        if self.row:
            found["row"] = self.row
        if self.event:
            found["event"] = self.event
        return found


@dataclass(slots=True)
class Transaction:
    """What all events of a transaction share.

    ``file`` and ``pos`` are its BEGIN. ``before`` is the set executed before it, for MySQL as
    ``ExecutedGtids`` holds it. ``committed`` is the original commit time in microseconds, None
    where the server does not say; ``seconds`` the clock of its BEGIN. ``given`` says that rows of
    it have been given as steps.
    """

    file: str
    pos: int
    before: tuple[GtidSet, str, int, int] | MariadbGtids | None
    gtid: str | None
    committed: int | None
    thread: int | None
    seconds: int
    given: bool = False

    @property
    def gtids(self) -> GtidSet | MariadbGtids | None:
        """The set executed before it, None where the server has no GTIDs."""
        before = self.before
        return executed(*before) if isinstance(before, tuple) else before

    def position(self, event: int, row: int) -> BinlogPosition:
        """Where to read on when so many of its events, and rows of the next, are done with."""
        gtids = self.gtids
        text = None if gtids is None else str(gtids)
        return BinlogPosition(self.file, self.pos, text, event, row)


@dataclass(slots=True)
class RowsStep(Generic[T]):
    """Rows of one table.

    ``table`` is what ``interested`` answered for it. ``before`` is empty for INSERT and ``after``
    for DELETE; else they have one tuple per row. ``start`` and ``end`` are the event's place in
    ``transaction.file``, ``seconds`` its clock, ``event`` the number of events of the transaction
    before it. ``first_row`` is the number of the first row given, more than 0 where earlier rows
    were done with before a restart. ``partial`` says that an image lacks columns, which are None.
    ``query`` is the statement, where the server logs it.
    """

    table: T
    kind: Kind
    before: list[Row]
    after: list[Row]
    transaction: Transaction
    start: int
    end: int
    seconds: int
    server_id: int
    event: int
    first_row: int
    partial: bool
    query: str | None

    def position(self, rows: int) -> BinlogPosition:
        """Where to read on when the first ``rows`` rows of this step are done with."""
        return self.transaction.position(self.event, self.first_row + rows)


@dataclass(slots=True)
class CommitStep:
    """A transaction ended at ``end``: by COMMIT, or by ROLLBACK after rows of tables without
    transactions, which stand."""

    transaction: Transaction
    start: int
    end: int
    seconds: int
    server_id: int


@dataclass(slots=True)
class QueryStep:
    """A statement, usually DDL, not one that begins or ends a transaction.

    ``gtid`` and ``committed`` are those of its own transaction. ``sql`` is text in the client's
    character set, decoded. ``sql_mode`` is None where the event does not say.
    """

    sql: str
    database: str
    thread: int
    sql_mode: int | None
    error: int
    file: str
    start: int
    end: int
    seconds: int
    server_id: int
    gtid: str | None
    committed: int | None


@dataclass(slots=True)
class RotateStep:
    """The stream goes on in another file."""

    file: str
    pos: int


@dataclass(slots=True)
class HeartbeatStep:
    """The server has nothing new; it is at ``file`` and ``pos``."""

    file: str
    pos: int


Step: TypeAlias = RowsStep[T] | CommitStep | QueryStep | RotateStep | HeartbeatStep

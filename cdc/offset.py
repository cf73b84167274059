"""Where reading stands, as Debezium stores it: a binlog position and a few facts beside it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from cdc.binlog.gtid import GtidSet
from cdc.binlog.steps import BinlogPosition, RowsStep
from connect.batch import Offsets, SourceOffset
from connect.errors import DataError, SourceError

INITIAL = "INITIAL"


@dataclass(frozen=True, slots=True)
class Offset:
    """``ts_sec`` is the last event's time; ``snapshot`` is INITIAL until the snapshot is whole."""

    place: BinlogPosition
    ts_sec: int = 0
    server_id: int | None = None
    snapshot: str | None = None

    def members(self) -> dict[str, object]:
        """What is stored, in the order of Debezium's members."""
        members: dict[str, object] = {"ts_sec": self.ts_sec, **self.place.members()}
        if self.server_id is not None:
            members["server_id"] = self.server_id
        if self.snapshot is not None:
            members["snapshot"] = self.snapshot
        return members

    @classmethod
    def read(cls, members: SourceOffset) -> Offset:
        """Read a stored offset, ours or Debezium's; SourceError if it is neither."""
        try:
            snapshot = members.get("snapshot")
            server_id = members.get("server_id")
            return cls(
                BinlogPosition.from_offset(members),
                ts_sec=int(str(members.get("ts_sec", 0))),
                server_id=None if server_id is None else int(str(server_id)),
                # Older Debezium wrote the boolean true for an unfinished initial snapshot.
                snapshot=INITIAL if snapshot is True else None if not snapshot else str(snapshot),
            )
        except (DataError, ValueError) as error:
            raise SourceError(
                f"The stored offset {dict(members)} is not one of a binlog source.",
                cure="Delete the connector's offsets to begin anew, or restore a right one.",
            ) from error

    def __str__(self) -> str:
        place = f"{self.place.file}:{self.place.pos}"
        return f"{place} (GTIDs {self.place.gtids})" if self.place.gtids else place


def at_or_before(earlier: Offset, later: Offset) -> bool:
    """Whether everything before ``earlier`` is also before ``later``; by GTIDs where both have
    them, else by file and position."""
    if earlier.place.gtids is not None and later.place.gtids is not None:
        return GtidSet.parse(earlier.place.gtids) <= GtidSet.parse(later.place.gtids)
    return order(earlier.place) <= order(later.place)


def recorded_by(record: Offset, stored: Offset, *, by_gtid: bool) -> bool:
    """Whether a statement recorded at ``record`` had been executed at ``stored``.

    ``by_gtid`` says that reading goes on by GTIDs. A record's set does not hold the statement's own
    GTID, so where the sets are equal the statement comes again when reading goes on; only what a
    snapshot recorded is part of its set. That is stricter than Debezium's
    ``BinlogHistoryRecordComparator``, which applies such a statement twice.
    """
    if by_gtid and stored.place.gtids is not None:
        if record.place.gtids is None:
            return True
        recorded, executed = GtidSet.parse(record.place.gtids), GtidSet.parse(stored.place.gtids)
        return recorded <= executed and (recorded != executed or record.snapshot is not None)
    if stored.snapshot and not record.snapshot:
        return False
    if record.server_id is not None and stored.server_id not in (None, record.server_id):
        return record.ts_sec <= stored.ts_sec
    return order(record.place) <= order(stored.place)


def order(place: BinlogPosition) -> tuple[int, int, int, int]:
    """Sorts places of one server; SourceError for a file name without a number."""
    _, _, number = place.file.rpartition(".")
    try:
        return int(number), place.pos, place.event, place.row
    except ValueError as error:
        raise SourceError(f"{place.file} is not the name of a binlog file.") from error


class RowOffsets(Offsets):
    """The offsets of one rows event's records, made only when asked for.

    ``done[i]`` is how many of the event's rows are done with record i.
    """

    def __init__(self, step: RowsStep[Any], ts_sec: int, done: Sequence[int]) -> None:
        # Not the step itself, whose rows need not be held until they are acknowledged.
        self._transaction = step.transaction
        self._event = step.event
        self._first = step.first_row
        self._server_id = step.server_id
        self._ts_sec = ts_sec
        self._done = done

    def __len__(self) -> int:
        return len(self._done)

    def at(self, place: int) -> SourceOffset:
        position = self._transaction.position(self._event, self._first + self._done[place])
        return Offset(position, self._ts_sec, self._server_id).members()

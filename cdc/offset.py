"""Where reading stands, as Debezium stores it: a binlog position and a few facts beside it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from cdc.binlog.gtid import GtidSet
from cdc.binlog.steps import BinlogPosition
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


def at_or_before(recorded: Mapping[str, object], desired: Mapping[str, object]) -> bool:
    """Whether a history record's position is not after ``desired``.

    Follows ``io.debezium.connector.binlog.history.BinlogHistoryRecordComparator``: by GTID sets
    where both have them, else by file number and the counts.
    """
    record, target = Offset.read(recorded), Offset.read(desired)
    if target.place.gtids is not None:
        if record.place.gtids is None:
            return True
        recorded_set = GtidSet.parse(record.place.gtids)
        target_set = GtidSet.parse(target.place.gtids)
        if recorded_set != target_set:
            return recorded_set <= target_set
        if target.snapshot and not record.snapshot:
            return False
        return record.place.event <= target.place.event
    if record.place.gtids is not None:
        return False
    if record.server_id is not None and target.server_id not in (None, record.server_id):
        return record.ts_sec <= target.ts_sec
    if target.snapshot and not record.snapshot:
        return False
    return order(record.place) <= order(target.place)


def order(place: BinlogPosition) -> tuple[int, int, int, int]:
    """Sorts places of one server; SourceError for a file name without a number."""
    _, _, number = place.file.rpartition(".")
    try:
        return int(number), place.pos, place.event, place.row
    except ValueError as error:
        raise SourceError(f"{place.file} is not the name of a binlog file.") from error


class RowOffsets(Offsets):
    """The offsets of one rows event's records, made only when asked for.

    ``base`` is the offset before the event; ``done[i]`` is how many of its rows are done with
    record i.
    """

    def __init__(self, base: Offset, done: Sequence[int]) -> None:
        self._base = base
        self._done = done

    def __len__(self) -> int:
        return len(self._done)

    def at(self, place: int) -> SourceOffset:
        row = self._base.place.row + self._done[place]
        return replace(self._base, place=replace(self._base.place, row=row)).members()

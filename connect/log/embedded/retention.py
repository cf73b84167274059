"""What the embedded log throws away, so that its file stays small."""

from __future__ import annotations

import logging
import time
from collections.abc import Collection, Iterable, Mapping

from connect.errors import RetriableError
from connect.log.embedded.buffer import FRAME_BYTES, FRAME_MESSAGES
from connect.log.embedded.file import LogFile, Place, errors, frame_id, frame_range, last_offset
from connect.log.embedded.frame import Frame, decode, encode

LOGGER = logging.getLogger("connect.log.embedded")

EVERY_SECONDS = 1.0
AT_ONCE = 128
"""Frames removed in one transaction, so that other writers get their turn."""

COMPACT_FROM = 1_000
"""New messages from which a compacted partition is worth a pass..."""

COMPACT_AT_LATEST = 500_000
"""... and at which one is due however much it holds: their keys are in memory during the pass."""

VACUUM_PAGES = 2_000

DEFAULTS: Mapping[str, str] = {
    "cleanup.policy": "delete",
    "retention.ms": "604800000",
    "retention.bytes": "-1",
    "delete.retention.ms": "86400000",
}
"""Kafka's names and defaults."""

FOREVER_MS = 2**63 - 1


class Janitor:
    """Clears up behind a producer, in its writing thread."""

    def __init__(self, file: LogFile) -> None:
        self._file = file
        self._touched: set[int] = set()
        self._next = time.monotonic() + EVERY_SECONDS

    def tidy(self, places: Iterable[int]) -> None:
        """Remember the partitions written to; every second clear up in them."""
        self._touched |= set(places)
        if time.monotonic() < self._next:
            return
        try:
            for place_id in sorted(self._touched):
                place = self._file.place_of(place_id)
                if place is not None:
                    self.clear(place)
            self._touched.clear()
            self._shrink()
        except RetriableError as busy:
            LOGGER.warning("Clearing up the embedded log waits: %s", busy)
        self._next = time.monotonic() + EVERY_SECONDS

    def clear(self, place: Place) -> None:
        """Remove what may go from one partition."""
        config = {**DEFAULTS, **(self._file.config(place.at.topic) or {})}
        policy = config["cleanup.policy"]
        if "delete" in policy:
            self._delete(place, config)
        if "compact" in policy and self._due(place):
            self._compact(place, int(config["delete.retention.ms"]))

    def _delete(self, place: Place, config: Mapping[str, str]) -> None:
        kept_ms, kept_bytes = int(config["retention.ms"]), int(config["retention.bytes"])
        forever = not 0 <= kept_ms < FOREVER_MS
        read = self._read_by_all(place)
        if forever and kept_bytes < 0:
            return
        if read is not None:
            if not forever:
                self._remove(place, frame_range(place.id, read))
            return
        db = self._file.db
        if not forever:
            kept = db.execute(
                "SELECT min(id) FROM frames WHERE id BETWEEN ? AND ? AND newest >= ?",
                (*frame_range(place.id), int(time.time() * 1000) - kept_ms),
            ).fetchone()[0]
            before = last_offset(kept) if kept is not None else place.next
            self._remove(place, frame_range(place.id, before))
        if kept_bytes >= 0:
            (size,) = db.execute(
                "SELECT bytes FROM partitions WHERE id = ?", (place.id,)
            ).fetchone()
            too_many, last = size - kept_bytes, None
            rows = db.execute(
                "SELECT id, length(data) FROM frames WHERE id BETWEEN ? AND ? ORDER BY id",
                frame_range(place.id),
            )
            for row_id, length in rows:
                if length > too_many:
                    break
                too_many -= length
                last = last_offset(row_id)
            rows.close()
            if last is not None:
                self._remove(place, frame_range(place.id, last + 1))

    def _read_by_all(self, place: Place) -> int | None:
        """Offset before which every group of the topic has committed; None if it has no group.

        A group counts if it has committed in any partition of the topic, or is reading it now.
        """
        found: int | None = self._file.db.execute(
            """
            SELECT min(coalesce(
                (SELECT next FROM offsets WHERE group_name = reader AND place = :place), 0))
            FROM (
                SELECT DISTINCT o.group_name AS reader
                FROM offsets o JOIN partitions p ON p.id = o.place
                WHERE p.topic = (SELECT topic FROM partitions WHERE id = :place)
                AND (o.next IS NOT NULL OR EXISTS (
                    SELECT 1 FROM members m WHERE m.group_name = o.group_name AND m.expires > :now))
            )
            """,
            {"place": place.id, "now": time.time()},
        ).fetchone()[0]
        return found

    def _remove(self, place: Place, ids: tuple[int, int]) -> None:
        while True:
            with self._file.writing() as db:
                gone = db.execute(
                    "DELETE FROM frames WHERE id IN (SELECT id FROM frames "
                    "WHERE id BETWEEN ? AND ? ORDER BY id LIMIT ?) RETURNING id, length(data)",
                    (*ids, AT_ONCE),
                ).fetchall()
                if gone:
                    db.execute(
                        "UPDATE partitions SET start = max(start, ?), bytes = bytes - ? "
                        "WHERE id = ?",
                        (
                            last_offset(max(row for row, _ in gone)) + 1,
                            sum(length for _, length in gone),
                            place.id,
                        ),
                    )
            if len(gone) < AT_ONCE:
                return

    def _due(self, place: Place) -> bool:
        cleaned, kept = self._file.db.execute(
            "SELECT cleaned, kept FROM partitions WHERE id = ?", (place.id,)
        ).fetchone()
        fresh = place.next - cleaned
        return bool(fresh >= COMPACT_FROM and fresh >= min(kept, COMPACT_AT_LATEST))

    def _compact(self, place: Place, tombstones_ms: int) -> None:
        """Keep the last message of each key, and deletions (null values) for a day more.

        Frames never change, so they are read first and each lot is exchanged in one transaction.
        Only the keys written since the last pass are in memory: those before differ already.
        """
        (cleaned,) = self._file.db.execute(
            "SELECT cleaned FROM partitions WHERE id = ?", (place.id,)
        ).fetchone()
        last: dict[bytes | None, int] = {}
        for frame in self._frames(place, cleaned, place.next):
            last.update(zip(frame.keys, frame.offsets, strict=True))
        oldest_tombstone = int(time.time() * 1000) - tombstones_ms
        kept = 0
        position = 0
        while position < place.next:
            old: list[int] = []
            survivors = Frame()
            size = 0
            for row_id, frame in self._rows(place, position, place.next):
                old.append(row_id)
                size += _add_survivors(survivors, frame, last, oldest_tombstone)
                if size >= FRAME_BYTES or len(survivors.values) >= FRAME_MESSAGES:
                    break
            if not old:
                break
            if not self._exchange(place, old, survivors):
                return  # another process is at it
            kept += len(survivors.values)
            position = last_offset(old[-1]) + 1
        with self._file.writing() as db:
            db.execute(
                "UPDATE partitions SET cleaned = max(cleaned, ?), kept = ? WHERE id = ?",
                (place.next, kept, place.id),
            )

    def _frames(self, place: Place, first: int, end: int) -> Iterable[Frame]:
        for _, frame in self._rows(place, first, end):
            yield frame

    def _rows(self, place: Place, first: int, end: int) -> Iterable[tuple[int, Frame]]:
        """Row by row, each read on its own so that no transaction stays open in between."""
        at = frame_id(place.id, first)
        while True:
            row = self._file.db.execute(
                "SELECT id, base, data FROM frames WHERE id >= ? AND id < ? ORDER BY id LIMIT 1",
                (at, frame_id(place.id, end)),
            ).fetchone()
            if row is None:
                return
            yield row[0], decode(row[2], row[1])
            at = row[0] + 1

    def _exchange(self, place: Place, old: Collection[int], survivors: Frame) -> bool:
        """False if someone else has changed these frames meanwhile."""
        first, final = min(old), max(old)
        with self._file.writing() as db:
            there = db.execute(
                "SELECT id, length(data) FROM frames WHERE id BETWEEN ? AND ? ORDER BY id",
                (first, final),
            ).fetchall()
            if [row for row, _ in there] != sorted(old):
                return False
            db.execute("DELETE FROM frames WHERE id BETWEEN ? AND ?", (first, final))
            grown = -sum(length for _, length in there)
            if survivors.values:
                base = survivors.offsets[0]
                data = encode(survivors, base)
                grown += len(data)
                db.execute(
                    "INSERT INTO frames VALUES (?, ?, ?, ?)",
                    (final, base, max(survivors.timestamps), data),
                )
            db.execute("UPDATE partitions SET bytes = bytes + ? WHERE id = ?", (grown, place.id))
        return True

    def _shrink(self) -> None:
        """Give pages back to the disk once most of the file is empty; before, they are reused."""
        db = self._file.db
        free = db.execute("PRAGMA freelist_count").fetchone()[0]
        if free >= VACUUM_PAGES and free * 2 > db.execute("PRAGMA page_count").fetchone()[0]:
            # Each step of this statement frees one page; only a script steps it to the end.
            with errors(self._file.path):
                db.executescript(f"PRAGMA incremental_vacuum({VACUUM_PAGES})")


def _add_survivors(
    survivors: Frame, frame: Frame, last: Mapping[bytes | None, int], oldest_tombstone: int
) -> int:
    size = 0
    rows = zip(
        frame.keys, frame.values, frame.timestamps, frame.offsets, frame.each_headers(), strict=True
    )
    for key, value, timestamp, offset, headers in rows:
        if last.get(key, offset) > offset or (value is None and timestamp < oldest_tombstone):
            continue
        survivors.add([key], [value], [timestamp], headers)
        survivors.offsets.append(offset)
        size += len(key or b"") + len(value or b"")
    return size

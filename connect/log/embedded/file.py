"""The one SQLite file of the embedded log: its tables, and a connection to it.

A frame's row id is its partition's id and the offset of its last message in one number, so that
"the first frame that reaches offset n" is a step in the table's own tree. Ids are never used again.
"""

from __future__ import annotations

import json
import sqlite3
import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

from connect.errors import LogError, RetriableError
from connect.log.contract import NewTopic, TopicPartition

FORMAT = 1
APPLICATION = 0x4344434C  # "CDCL"
BUSY_SECONDS = 30.0
CHECKPOINT_PAGES = 4000
JOURNAL_BYTES = 64 << 20
OFFSET_BITS = 44

TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value) WITHOUT ROWID;
CREATE TABLE topics (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT UNIQUE, config TEXT NOT NULL);
CREATE TABLE partitions (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    topic INTEGER NOT NULL REFERENCES topics,
    number INTEGER NOT NULL,
    start INTEGER NOT NULL DEFAULT 0,   -- offset of the first message still there
    next INTEGER NOT NULL DEFAULT 0,    -- offset the next message gets
    bytes INTEGER NOT NULL DEFAULT 0,   -- size of its frames
    cleaned INTEGER NOT NULL DEFAULT 0, -- compacted up to here
    kept INTEGER NOT NULL DEFAULT 0,    -- messages the last compaction left
    UNIQUE (topic, number)
);
CREATE TABLE frames (
    id INTEGER PRIMARY KEY,             -- partition id and last offset
    base INTEGER NOT NULL,              -- first offset
    newest INTEGER NOT NULL,            -- latest timestamp, ms
    data BLOB NOT NULL
);
CREATE TABLE transactional_ids (name TEXT PRIMARY KEY, epoch INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE staged (                   -- frames of transactions too large for memory
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    producer TEXT NOT NULL,
    topic TEXT NOT NULL,
    number INTEGER NOT NULL,
    messages INTEGER NOT NULL,
    newest INTEGER NOT NULL,
    data BLOB NOT NULL
);
CREATE TABLE groups (
    name TEXT PRIMARY KEY,
    generation INTEGER NOT NULL DEFAULT 0,
    assigned INTEGER NOT NULL DEFAULT 0 -- the generation whose partitions are shared out
) WITHOUT ROWID;
CREATE TABLE members (
    group_name TEXT NOT NULL,
    id TEXT NOT NULL,
    joined INTEGER NOT NULL,            -- generation
    expires REAL NOT NULL,              -- seconds since the epoch
    topics TEXT NOT NULL,               -- JSON: names, or one pattern
    places TEXT NOT NULL DEFAULT '[]',  -- JSON: partition ids
    PRIMARY KEY (group_name, id)
) WITHOUT ROWID;
CREATE TABLE offsets (
    group_name TEXT NOT NULL,
    place INTEGER NOT NULL,             -- partition id
    next INTEGER,                       -- NULL: being read, nothing committed yet
    PRIMARY KEY (group_name, place)
) WITHOUT ROWID;
"""


class Place(NamedTuple):
    """A partition's row."""

    id: int
    at: TopicPartition
    start: int
    next: int


PLACES = """
    SELECT p.id, t.name, p.number, p.start, p.next FROM partitions p JOIN topics t ON t.id = p.topic
"""


class Frozen(NamedTuple):
    """An encoded frame on its way into the file."""

    at: TopicPartition
    messages: int
    newest: int
    data: bytes


class LogFile:
    """A connection of one thread at a time. ``durable``: a commit is on the disk, not only with the
    operating system."""

    def __init__(self, path: Path, *, durable: bool) -> None:
        self.path = path
        if not path.parent.is_dir():
            raise LogError(
                f"log.file={path}: there is no folder {path.parent}.", cure="Create it first."
            )
        with errors(path):
            self.db = sqlite3.connect(
                path, timeout=BUSY_SECONDS, isolation_level=None, check_same_thread=False
            )
            try:
                self._prepare(durable)
            except BaseException:
                self.db.close()
                raise
        self._version = -1

    def _prepare(self, durable: bool) -> None:
        db = self.db
        give_up = time.monotonic() + BUSY_SECONDS
        while True:
            try:
                db.execute("PRAGMA auto_vacuum = INCREMENTAL")
                db.execute("PRAGMA journal_mode = WAL")
                break
            except sqlite3.OperationalError as error:
                # Changing the mode of a new file does not wait for others who do the same.
                if not _busy(error) or time.monotonic() > give_up:
                    raise
            time.sleep(0.01)
        db.execute(f"PRAGMA synchronous = {'FULL' if durable else 'NORMAL'}")
        db.execute(f"PRAGMA wal_autocheckpoint = {CHECKPOINT_PAGES}")
        db.execute(f"PRAGMA journal_size_limit = {JOURNAL_BYTES}")
        if self._format() == FORMAT:
            return
        with self.writing():
            if self._format() == 0:
                if db.execute("SELECT count(*) FROM sqlite_master").fetchone()[0]:
                    raise LogError(f"log.file={self.path} is a database of something else.")
                for statement in TABLES.split(";\n"):
                    db.execute(statement)
                db.execute("INSERT INTO meta VALUES ('cluster', ?)", (uuid.uuid4().hex,))
                db.execute("INSERT INTO meta VALUES ('catalog', 0)")
                db.execute(f"PRAGMA application_id = {APPLICATION}")
                db.execute(f"PRAGMA user_version = {FORMAT}")
        if self._format() != FORMAT:
            raise LogError(
                f"log.file={self.path} has form {self._format()}, this program knows {FORMAT}.",
                cure="Use the version of this program that wrote it, or another file.",
            )

    def _format(self) -> int:
        return int(self.db.execute("PRAGMA user_version").fetchone()[0])

    @contextmanager
    def writing(self) -> Iterator[sqlite3.Connection]:
        """A write transaction, waiting for its turn; committed at the end of the block."""
        with errors(self.path):
            self.db.execute("BEGIN IMMEDIATE")
            try:
                yield self.db
                self.db.execute("COMMIT")
            except BaseException:
                if self.db.in_transaction:
                    self.db.execute("ROLLBACK")
                raise

    @contextmanager
    def reading(self) -> Iterator[sqlite3.Connection]:
        """All reads in the block see one state."""
        with errors(self.path):
            self.db.execute("BEGIN")
            try:
                yield self.db
            finally:
                self.db.execute("ROLLBACK")

    def changed(self) -> bool:
        """Whether another connection has committed anything since the last call; some µs."""
        version = self.db.execute("PRAGMA data_version").fetchone()[0]
        before, self._version = self._version, version
        return bool(version != before)

    def meta(self, name: str) -> str | int:
        found: str | int = self.db.execute(
            "SELECT value FROM meta WHERE name = ?", (name,)
        ).fetchone()[0]
        return found

    def places(self, topic: str | None = None) -> list[Place]:
        """Every partition, or those of one topic, in order."""
        if topic is None:
            rows = self.db.execute(f"{PLACES} ORDER BY t.name, p.number")
        else:
            rows = self.db.execute(f"{PLACES} WHERE t.name = ? ORDER BY p.number", (topic,))
        return [_place(row) for row in rows]

    def place(self, at: TopicPartition) -> Place:
        row = self.db.execute(f"{PLACES} WHERE t.name = ? AND p.number = ?", at).fetchone()
        if row is None:
            raise LogError(f"The embedded log has no partition {at.topic}-{at.partition}.")
        return _place(row)

    def place_of(self, place_id: int) -> Place | None:
        row = self.db.execute(f"{PLACES} WHERE p.id = ?", (place_id,)).fetchone()
        return None if row is None else _place(row)

    def config(self, topic: str) -> dict[str, str] | None:
        """What was set at the topic's creation; None if there is no such topic."""
        row = self.db.execute("SELECT config FROM topics WHERE name = ?", (topic,)).fetchone()
        return None if row is None else json.loads(row[0])

    def create(self, topic: NewTopic) -> None:
        """Within a write transaction; a topic that exists is left alone."""
        if self.config(topic.name) is not None:
            return
        cursor = self.db.execute(
            "INSERT INTO topics (name, config) VALUES (?, ?)",
            (topic.name, json.dumps(dict(topic.config))),
        )
        for number in range(topic.partitions or 1):
            self.db.execute(
                "INSERT INTO partitions (topic, number) VALUES (?, ?)", (cursor.lastrowid, number)
            )
        self._new_catalog()

    def delete(self, topic: str) -> None:
        """Within a write transaction."""
        for place in self.places(topic):
            self.db.execute("DELETE FROM frames WHERE id BETWEEN ? AND ?", frame_range(place.id))
            self.db.execute("DELETE FROM offsets WHERE place = ?", (place.id,))
            self.db.execute("DELETE FROM partitions WHERE id = ?", (place.id,))
        if self.db.execute("DELETE FROM topics WHERE name = ?", (topic,)).rowcount:
            self._new_catalog()

    def _new_catalog(self) -> None:
        self.db.execute("UPDATE meta SET value = value + 1 WHERE name = 'catalog'")

    def append(self, frame: Frozen) -> int:
        """Within a write transaction; returns the partition's id."""
        place = self.place(frame.at)
        after = place.next + frame.messages
        self.db.execute(
            "INSERT INTO frames VALUES (?, ?, ?, ?)",
            (frame_id(place.id, after - 1), place.next, frame.newest, frame.data),
        )
        self.db.execute(
            "UPDATE partitions SET next = ?, bytes = bytes + ? WHERE id = ?",
            (after, len(frame.data), place.id),
        )
        return place.id

    def commit_offsets(self, group: str, offsets: Mapping[TopicPartition, int]) -> None:
        """Within a write transaction."""
        for at, offset in offsets.items():
            self.db.execute(
                "INSERT INTO offsets VALUES (?, ?, ?) "
                "ON CONFLICT DO UPDATE SET next = excluded.next",
                (group, self.place(at).id, offset),
            )

    def close(self) -> None:
        self.db.close()


def frame_id(place_id: int, offset: int) -> int:
    return place_id << OFFSET_BITS | offset


def frame_range(place_id: int, before: int = 1 << OFFSET_BITS) -> tuple[int, int]:
    """First and last row id of a partition's frames that end before an offset, which may lie beyond
    all there can be."""
    return frame_id(place_id, 0), frame_id(place_id, 0) + min(before, 1 << OFFSET_BITS) - 1


def last_offset(row_id: int) -> int:
    return row_id & ((1 << OFFSET_BITS) - 1)


def _place(row: tuple[int, str, int, int, int]) -> Place:
    return Place(row[0], TopicPartition(row[1], row[2]), row[3], row[4])


def _busy(error: sqlite3.OperationalError) -> bool:
    return error.sqlite_errorcode & 0xFF in (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)


@contextmanager
def errors(path: Path) -> Iterator[None]:
    """Turn SQLite's errors into ours."""
    try:
        yield
    except sqlite3.DatabaseError as error:
        code = getattr(error, "sqlite_errorcode", 0) & 0xFF
        if isinstance(error, sqlite3.OperationalError) and _busy(error):
            raise RetriableError(
                f"log.file={path}: another process has been writing for {BUSY_SECONDS:g} s."
            ) from error
        cure = {
            sqlite3.SQLITE_FULL: "Make room on the disk.",
            sqlite3.SQLITE_CANTOPEN: "Check the path and its access rights.",
            sqlite3.SQLITE_READONLY: "Check the access rights.",
            sqlite3.SQLITE_NOTADB: "The file is something else; name another.",
            sqlite3.SQLITE_CORRUPT: "The file is damaged; restore it or begin with another.",
        }.get(code, "")
        raise LogError(f"log.file={path}: {error}.", cure=cure) from error

"""Consumer groups without a coordinator: rows that members change in turn.

A generation is one sharing-out of partitions. Whoever sees a reason for a new one (a member came,
left or fell silent, topics appeared) raises the group's generation. Each member then gives up its
partitions, telling its listener, and joins the generation; the last to join shares the partitions
out among all in the same write transaction. So no two members have a partition at once, and a
member that does not come in time is struck off: without a row it can no longer commit, whatever it
believes. Until a member joins the new generation it may still commit for the old one.

A thread of each member keeps its row alive, so a killed process is noticed within
``session.timeout.ms``; it stops doing so when ``poll`` has not been called for
``max.poll.interval.ms``, as Kafka's client does.
"""

from __future__ import annotations

import json
import logging
import re
import threading
import time
import uuid
from collections.abc import Sequence
from enum import Enum, auto
from pathlib import Path

from connect.errors import CdcError
from connect.log.contract import FencedError
from connect.log.embedded.file import LogFile, Place

LOGGER = logging.getLogger("connect.log.embedded")


class Standing(Enum):
    """Where a member is, as ``Member.look`` finds it."""

    SHARED_OUT = auto()  # the partitions of its generation are known
    WAITING = auto()  # for others to join
    OUTDATED = auto()  # a new generation has begun
    STRUCK_OFF = auto()


class Member:
    """One consumer's membership. Its methods belong to the consumer's thread."""

    def __init__(
        self,
        file: LogFile,
        group: str,
        topics: Sequence[str] | str,
        client_id: str,
        *,
        session: float,
        heartbeat: float,
        max_poll: float,
    ) -> None:
        """Times in seconds."""
        self.group = group
        self.id = f"{client_id}-{uuid.uuid4()}"
        self.generation = 0
        self._file = file
        self._topics = topics
        self._session = session
        self._heartbeat = heartbeat
        self._max_poll = max_poll
        self._polled = time.monotonic()
        self._catalog: int | str = -1
        self._matched: list[int] = []
        self._closed = threading.Event()
        self._beating = threading.Thread(
            target=self._beat, args=(file.path,), name=f"heartbeat of {client_id}", daemon=True
        )

    def start(self) -> None:
        self.join()
        self._beating.start()

    def touch(self) -> None:
        """``poll`` was called."""
        self._polled = time.monotonic()

    def look(self) -> Standing:
        """Cheap: a few reads, no write unless the group must be shared out anew."""
        db = self._file.db
        row = db.execute(
            "SELECT g.generation, g.assigned, m.joined FROM groups g LEFT JOIN members m "
            "ON m.group_name = g.name AND m.id = ? WHERE g.name = ?",
            (self.id, self.group),
        ).fetchone()
        if row is None or row[2] != self.generation:
            return Standing.STRUCK_OFF
        generation, assigned, _ = row
        silent = db.execute(
            "SELECT count(*) FROM members WHERE group_name = ? AND expires < ?",
            (self.group, time.time()),
        ).fetchone()[0]
        if generation == self.generation and (silent or self._catalog_moved()):
            with self._file.writing():
                self._strike_off_silent()
                self._next_generation(seen=generation)
            return Standing.OUTDATED
        if generation != self.generation:
            return Standing.OUTDATED
        return Standing.SHARED_OUT if assigned == generation else Standing.WAITING

    def join(self) -> None:
        """Enter the group's present generation (a new member begins one); the last one to do so
        shares out. The partitions held before must have been given up."""
        self._catalog_moved()
        with self._file.writing() as db:
            db.execute("INSERT OR IGNORE INTO groups (name) VALUES (?)", (self.group,))
            known = db.execute(
                "SELECT 1 FROM members WHERE group_name = ? AND id = ?", (self.group, self.id)
            ).fetchone()
            self._strike_off_silent(but=self.id)
            if known is None:
                db.execute("UPDATE groups SET generation = generation + 1 WHERE name = ?", self._me)
            (self.generation,) = db.execute(
                "SELECT generation FROM groups WHERE name = ?", self._me
            ).fetchone()
            db.execute(
                "INSERT OR REPLACE INTO members (group_name, id, joined, expires, topics) "
                "VALUES (?, ?, ?, ?, ?)",
                (
                    self.group,
                    self.id,
                    self.generation,
                    time.time() + self._session,
                    json.dumps(self._topics),
                ),
            )
            late = db.execute(
                "SELECT count(*) FROM members WHERE group_name = ? AND joined <> ?",
                (self.group, self.generation),
            ).fetchone()[0]
            if not late:
                self._share_out()

    def rejoin(self) -> None:
        """After being struck off: as a new member."""
        self.id = f"{self.id[:-37]}-{uuid.uuid4()}"
        self.join()

    def shared_out(self) -> list[Place]:
        """The partitions that are this member's in its generation, marked as being read."""
        with self._file.writing() as db:
            self.check(self._file)
            row = db.execute(
                "SELECT places FROM members WHERE group_name = ? AND id = ?", (self.group, self.id)
            ).fetchone()
            ids: list[int] = json.loads(row[0])
            db.executemany(
                "INSERT OR IGNORE INTO offsets VALUES (?, ?, NULL)",
                [(self.group, place) for place in ids],
            )
            places = [self._file.place_of(place) for place in ids]
            return [place for place in places if place is not None]

    def check(self, file: LogFile) -> None:
        """Within a write transaction of ``file``: FencedError if this member was struck off."""
        row = file.db.execute(
            "SELECT joined FROM members WHERE group_name = ? AND id = ?", (self.group, self.id)
        ).fetchone()
        if row is None or row[0] != self.generation:
            raise FencedError(
                f"Group {self.group} has given the partitions of {self.id} to others.",
                cure="It was silent for longer than session.timeout.ms or max.poll.interval.ms.",
            )

    def leave(self) -> None:
        """Make room for the others at once."""
        self._closed.set()
        with self._file.writing() as db:
            gone = db.execute(
                "DELETE FROM members WHERE group_name = ? AND id = ?", (self.group, self.id)
            ).rowcount
            if gone:
                db.execute("UPDATE groups SET generation = generation + 1 WHERE name = ?", self._me)
        self._beating.join()

    @property
    def _me(self) -> tuple[str]:
        return (self.group,)

    def _next_generation(self, seen: int) -> None:
        self._file.db.execute(
            "UPDATE groups SET generation = generation + 1 WHERE name = ? AND generation = ?",
            (self.group, seen),
        )

    def _strike_off_silent(self, but: str = "") -> None:
        gone = self._file.db.execute(
            "DELETE FROM members WHERE group_name = ? AND expires < ? AND id <> ? RETURNING id",
            (self.group, time.time(), but),
        ).fetchall()
        for (member,) in gone:
            LOGGER.warning("Group %s: member %s is silent and out", self.group, member)

    def _catalog_moved(self) -> bool:
        """Whether topics came or went that this member reads."""
        catalog = self._file.meta("catalog")
        if catalog == self._catalog:
            return False
        self._catalog = catalog
        before = self._matched
        self._matched = [p.id for p in self._file.places() if reads(self._topics, p.at.topic)]
        return before != self._matched

    def _share_out(self) -> None:
        """By range, topic by topic: each member gets partitions that lie beside each other."""
        db = self._file.db
        rows = db.execute(
            "SELECT id, topics FROM members WHERE group_name = ? ORDER BY id", self._me
        )
        subscriptions = {member: json.loads(topics) for member, topics in rows}
        shares: dict[str, list[int]] = {member: [] for member in subscriptions}
        by_topic: dict[str, list[Place]] = {}
        for place in self._file.places():
            by_topic.setdefault(place.at.topic, []).append(place)
        for topic, places in by_topic.items():
            readers = [member for member, wanted in subscriptions.items() if reads(wanted, topic)]
            for turn, member in enumerate(readers):
                first = len(places) * turn // len(readers)
                last = len(places) * (turn + 1) // len(readers)
                shares[member] += [place.id for place in places[first:last]]
        db.executemany(
            "UPDATE members SET places = ? WHERE group_name = ? AND id = ?",
            [(json.dumps(ids), self.group, member) for member, ids in shares.items()],
        )
        db.execute("UPDATE groups SET assigned = generation WHERE name = ?", self._me)

    def _beat(self, path: Path) -> None:
        file = LogFile(path, durable=False)
        try:
            while not self._closed.wait(self._heartbeat):
                if time.monotonic() - self._polled > self._max_poll:
                    continue
                try:
                    with file.writing() as db:
                        db.execute(
                            "UPDATE members SET expires = ? WHERE group_name = ? AND id = ?",
                            (time.time() + self._session, self.group, self.id),
                        )
                except CdcError as error:
                    LOGGER.warning("Group %s: heartbeat failed: %s", self.group, error)
        finally:
            file.close()


def reads(topics: Sequence[str] | str, topic: str) -> bool:
    """Whether a subscription (names, or one pattern for whole names) includes a topic."""
    if isinstance(topics, str):
        return re.fullmatch(topics, topic) is not None
    return topic in topics

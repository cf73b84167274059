"""The embedded log's group consumer."""

from __future__ import annotations

import logging
import re
import time
from collections import deque
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

from connect.errors import ConfigError, LogError
from connect.log.contract import Consumer, Message, RebalanceListener, TopicPartition, tell
from connect.log.embedded.buffer import number
from connect.log.embedded.file import LogFile, Place, errors, frame_id
from connect.log.embedded.frame import decode, messages
from connect.log.embedded.group import Member, Standing

LOGGER = logging.getLogger("connect.log.embedded")

WATCH_SECONDS = 0.004
"""Pause between looks at the file's version while there is nothing to read."""

LOOK_SECONDS = 1.0
"""Silent members are looked for at least this often."""

RESETS = ("earliest", "latest", "none")


@dataclass
class Reading:
    """One assigned partition: where to go on, and messages read from the file ahead of that."""

    place: Place
    position: int
    ahead: deque[Message] = field(default_factory=deque)
    paused: bool = False
    drained: bool = False  # nothing was left when last looked


class EmbeddedConsumer(Consumer):
    def __init__(
        self,
        path: Path,
        group: str,
        topics: Sequence[str] | str,
        client_id: str,
        listener: RebalanceListener,
        settings: Mapping[str, str],
    ) -> None:
        """Heeds Kafka's keys ``group.id``, ``max.poll.records``, ``session.timeout.ms`` (10 s),
        ``heartbeat.interval.ms`` (3 s), ``max.poll.interval.ms`` and ``auto.offset.reset``."""
        if isinstance(topics, str):
            try:
                re.compile(topics)
            except re.error as error:
                raise ConfigError(
                    "topics.regex", f"topics.regex={topics} is not a regular expression: {error}."
                ) from error
        self._reset = settings.get("auto.offset.reset", "earliest")
        if self._reset not in RESETS:
            raise ConfigError(
                "auto.offset.reset",
                f"auto.offset.reset={self._reset} is not supported.",
                cure=f"Choose from {', '.join(RESETS)}.",
            )
        self._most = number(settings, "max.poll.records", 2**31 - 1)
        self._listener = listener
        # A commit lost with the machine only means that some messages are read again.
        self._file = LogFile(path, durable=False)
        self.member = Member(
            self._file,
            settings.get("group.id", group),
            topics if isinstance(topics, str) else list(topics),
            client_id,
            session=number(settings, "session.timeout.ms", 10_000) / 1000,
            heartbeat=number(settings, "heartbeat.interval.ms", 3_000) / 1000,
            max_poll=number(settings, "max.poll.interval.ms", 300_000) / 1000,
        )
        self._readings: dict[TopicPartition, Reading] = {}
        self._turns: deque[TopicPartition] = deque()
        self._shared_out = False
        self._look_at = 0.0
        self.member.start()

    def poll(self, max_messages: int, timeout: float) -> list[Message]:
        give_up = time.monotonic() + timeout
        most = min(max_messages, self._most)
        self.member.touch()
        while True:
            with errors(self._file.path):
                found = self._look(most)
            rest = give_up - time.monotonic()
            if found or rest <= 0:
                return found
            time.sleep(min(WATCH_SECONDS, rest))

    def _look(self, most: int) -> list[Message]:
        now = time.monotonic()
        changed = self._file.changed()
        if changed or now >= self._look_at or not self._shared_out:
            self._look_at = now + LOOK_SECONDS
            self._keep_standing()
        if changed:
            for reading in self._readings.values():
                reading.drained = False
        return self._take(most)

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if not offsets:
            return
        with self._file.writing():
            self.member.check(self._file)
            self._file.commit_offsets(self.member.group, offsets)

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int | None]:
        return {at: self._committed(self._file.place(at).id) for at in partitions}

    def seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        for at, offset in offsets.items():
            reading = self._reading(at, "seek in")
            reading.position = offset
            reading.ahead.clear()
            reading.drained = False

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        for at in partitions:
            self._reading(at, "pause").paused = True

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        for at in partitions:
            self._reading(at, "resume").paused = False

    def assignment(self) -> list[TopicPartition]:
        return sorted(self._readings)

    def lag(self) -> int:
        total = 0
        for reading in self._readings.values():
            place = self._file.place_of(reading.place.id)
            if place is not None:
                total += max(0, place.next - max(reading.position, place.start))
        return total

    def close(self) -> None:
        try:
            if self._readings:
                tell(self._listener.revoked, self.assignment())
        finally:
            self._give_up()
            self.member.leave()
            self._file.close()

    def _keep_standing(self) -> None:
        """Follow the group: give partitions up, join, take new ones."""
        standing = self.member.look()
        if standing is Standing.STRUCK_OFF:
            lost = self.assignment()
            self._give_up()
            if lost:
                tell(self._listener.lost, lost)
            self.member.rejoin()
        elif standing is Standing.OUTDATED:
            if self._readings:
                tell(self._listener.revoked, self.assignment())
            self._give_up()
            self.member.join()
        elif standing is Standing.SHARED_OUT and not self._shared_out:
            places = self.member.shared_out()
            self._shared_out = True
            self._readings = {place.at: Reading(place, self._start(place)) for place in places}
            self._turns = deque(self._readings)
            if places:
                tell(self._listener.assigned, self.assignment())

    def _give_up(self) -> None:
        self._readings = {}
        self._turns.clear()
        self._shared_out = False

    def _committed(self, place_id: int) -> int | None:
        row = self._file.db.execute(
            "SELECT next FROM offsets WHERE group_name = ? AND place = ?",
            (self.member.group, place_id),
        ).fetchone()
        return None if row is None else row[0]

    def _start(self, place: Place) -> int:
        committed = self._committed(place.id)
        if committed is not None:
            return committed
        if self._reset == "none":
            raise LogError(
                f"Group {self.member.group} has no offset for {place.at.topic}-"
                f"{place.at.partition} and auto.offset.reset is none."
            )
        return place.start if self._reset == "earliest" else place.next

    def _reading(self, at: TopicPartition, doing: str) -> Reading:
        if at not in self._readings:
            raise LogError(f"Cannot {doing} {at.topic}-{at.partition}: it is not assigned.")
        return self._readings[at]

    def _take(self, most: int) -> list[Message]:
        """Each partition in its turn, so that a long one does not hold up the others."""
        found: list[Message] = []
        for _ in range(len(self._turns)):
            reading = self._readings[self._turns[0]]
            self._turns.rotate(-1)
            if reading.paused:
                continue
            wanted = most - len(found)
            if not reading.ahead and not reading.drained:
                self._fill(reading, wanted)
            ahead = reading.ahead
            if wanted >= len(ahead):
                taken = list(ahead)
                ahead.clear()
            else:
                taken = [ahead.popleft() for _ in range(wanted)]
            if taken:
                reading.position = taken[-1].offset + 1
                found += taken
            if len(found) >= most:
                break
        return found

    def _fill(self, reading: Reading, wanted: int) -> None:
        now = self._file.place_of(reading.place.id)
        if now is None:
            reading.drained = True  # the topic was deleted; the group will hear of it
            return
        position = reading.position
        if position < now.start:
            LOGGER.warning(
                "Group %s goes on at %d in %s-%d: retention has removed what was there from %d",
                self.member.group,
                now.start,
                *now.at,
                position,
            )
            position = reading.position = now.start
        with closing(
            self._file.db.execute(
                "SELECT base, data FROM frames WHERE id BETWEEN ? AND ? ORDER BY id",
                (frame_id(now.id, position), frame_id(now.id + 1, 0) - 1),
            )
        ) as rows:
            for base, data in rows:
                more = messages(*now.at, decode(data, base))
                if more and more[0].offset < position:
                    more = [message for message in more if message.offset >= position]
                reading.ahead += more
                if len(reading.ahead) >= wanted:
                    return
        reading.drained = True
        if not reading.ahead:
            # Compaction may have removed the last messages; there is nothing before this offset.
            reading.position = max(reading.position, now.next)

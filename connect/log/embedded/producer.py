"""Producers of the embedded log: a plain one with a writing thread, and a transactional one."""

from __future__ import annotations

import logging
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path

from connect.errors import CdcError, LogError, RetriableError
from connect.log.contract import Consumer, FencedError, Headers, Producer, TopicPartition
from connect.log.embedded.buffer import Buffer, Spreader, number
from connect.log.embedded.consumer import EmbeddedConsumer
from connect.log.embedded.file import Frozen, LogFile
from connect.log.embedded.retention import Janitor

LOGGER = logging.getLogger("connect.log.embedded")

EAGER_BYTES = 256 << 10
"""Waiting messages from which the writer does not linger."""


class EmbeddedProducer(Producer):
    """Collects while the writing thread has the last lot written, so lots grow with the load."""

    def __init__(self, path: Path, client_id: str, settings: Mapping[str, str]) -> None:
        self._name = client_id
        self._limit = number(settings, "buffer.memory", 32 << 20)
        self._linger = number(settings, "linger.ms", 5) / 1000
        self._max_block = number(settings, "max.block.ms", 60_000) / 1000
        self._lookup = LogFile(path, durable=True)
        self._spreader = Spreader(self._lookup)
        self._file = LogFile(path, durable=True)
        self._janitor = Janitor(self._file)
        self._changed = threading.Condition()
        self._buffer = Buffer()
        self._written_bytes = 0  # taken by the writer, not yet in the file
        self._written_messages = 0
        self._ticket = 0
        self._acknowledged = 0
        self._urgent = False
        self._closing = False
        self._failure: CdcError | None = None
        self._thread = threading.Thread(
            target=self._run, name=f"log writer of {client_id}", daemon=True
        )
        self._thread.start()

    def produce(
        self,
        topic: str,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        *,
        headers: Headers = (),
        partition: int | None = None,
        timestamps: Sequence[int] = (),
    ) -> int:
        with self._changed:
            if not self._changed.wait_for(self._has_room, self._max_block):
                raise RetriableError(
                    f"The embedded log has not taken {self.queued()} messages of producer "
                    f"{self._name} for {self._max_block:g} s.",
                    cure="Is another process holding the file?",
                )
            self._check()
        self._spreader.topic(topic)  # may wait for the file: not under the lock
        with self._changed:
            self._spreader.spread(
                self._buffer, topic, keys, values, timestamps, headers, partition, self._ticket
            )
            self._ticket += 1
            if self._acknowledged == self._ticket - 1 and not self.queued():
                self._acknowledged = self._ticket  # an empty run
            self._changed.notify_all()
            return self._ticket

    def acknowledged(self) -> int:
        self._check()
        return self._acknowledged

    def flush(self, timeout: float) -> None:
        with self._changed:
            self._urgent = True
            self._changed.notify_all()
            done = self._changed.wait_for(
                lambda: self._failure is not None or self._acknowledged == self._ticket, timeout
            )
            self._urgent = False
            self._check()
            if not done:
                raise RetriableError(
                    f"The embedded log has not stored {self.queued()} messages in {timeout:g} s."
                )

    def queued(self) -> int:
        return self._buffer.messages + self._written_messages

    def begin(self) -> None:
        raise self._no_transactions()

    def send_offsets(self, consumer: Consumer, offsets: Mapping[TopicPartition, int]) -> None:
        raise self._no_transactions()

    def commit(self) -> None:
        raise self._no_transactions()

    def abort(self) -> None:
        raise self._no_transactions()

    def close(self) -> None:
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join()
        self._file.close()
        self._lookup.close()
        self._check()

    def _no_transactions(self) -> LogError:
        return LogError(f"Producer {self._name} has no transactional id.")

    def _check(self) -> None:
        if self._failure is not None:
            raise self._failure

    def _has_room(self) -> bool:
        return self._failure is not None or self._buffer.bytes + self._written_bytes < self._limit

    def _run(self) -> None:
        while self._failure is None:
            with self._changed:
                self._changed.wait_for(lambda: self._buffer.messages or self._closing)
                if not self._buffer.messages:
                    return
                self._changed.wait_for(
                    lambda: self._urgent or self._closing or self._buffer.bytes >= EAGER_BYTES,
                    self._linger,
                )
                taken, self._buffer = self._buffer, Buffer()
                self._written_bytes, self._written_messages = taken.bytes, taken.messages
                ticket = self._ticket
            failure = self._write(taken)
            with self._changed:
                self._written_bytes = self._written_messages = 0
                self._failure = failure
                if failure is None:
                    # Runs without messages that came meanwhile wait for nothing.
                    self._acknowledged = ticket if self._buffer.messages else self._ticket
                self._changed.notify_all()

    def _write(self, taken: Buffer) -> CdcError | None:
        """Put it into the file; another process that writes for long is waited for, visibly."""
        try:
            frames = taken.frozen()
            while True:
                try:
                    with self._file.writing():
                        places = {self._file.append(frame) for frame in frames}
                    break
                except RetriableError as busy:
                    LOGGER.warning("producer %s: %s Trying again.", self._name, busy)
            self._janitor.tidy(places)
        except CdcError as error:
            return error
        except Exception as error:
            LOGGER.exception("writing to the embedded log failed")
            return LogError(f"Writing to the embedded log failed: {error!r}.")
        return None


class TransactionalProducer(Producer):
    """Holds a transaction's messages back and writes them all in one SQLite transaction.

    What passes ``buffer.memory`` is staged in a table of the file until then, so memory stays flat.
    """

    def __init__(self, path: Path, transactional_id: str, settings: Mapping[str, str]) -> None:
        self._id = transactional_id
        self._limit = number(settings, "buffer.memory", 32 << 20)
        self._file = LogFile(path, durable=True)
        self._spreader = Spreader(self._file)
        self._janitor = Janitor(self._file)
        with self._file.writing() as db:
            self._epoch: int = db.execute(
                "INSERT INTO transactional_ids VALUES (?, 1) "
                "ON CONFLICT DO UPDATE SET epoch = epoch + 1 RETURNING epoch",
                (transactional_id,),
            ).fetchone()[0]
            self._drop_staged()
        self._buffer: Buffer | None = None
        self._offsets: list[tuple[EmbeddedConsumer, dict[TopicPartition, int]]] = []
        self._ticket = 0
        self._acknowledged = 0
        self._staged = 0

    def produce(
        self,
        topic: str,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        *,
        headers: Headers = (),
        partition: int | None = None,
        timestamps: Sequence[int] = (),
    ) -> int:
        buffer = self._open()
        if buffer.bytes >= self._limit:
            self._stage(buffer)
            buffer = self._buffer = Buffer()
        self._spreader.spread(
            buffer, topic, keys, values, timestamps, headers, partition, self._ticket
        )
        self._ticket += 1
        return self._ticket

    def acknowledged(self) -> int:
        return self._acknowledged

    def flush(self, timeout: float) -> None:
        """Stores what there is, still unseen, so that only the commit is left."""
        if self._buffer is not None and self._buffer.messages:
            self._stage(self._buffer)
            self._buffer = Buffer()
        self._acknowledged = self._ticket

    def queued(self) -> int:
        return self._buffer.messages if self._buffer is not None else 0

    def begin(self) -> None:
        if self._buffer is not None:
            raise LogError(f"Transactional id {self._id}: a transaction is open already.")
        self._buffer = Buffer()

    def send_offsets(self, consumer: Consumer, offsets: Mapping[TopicPartition, int]) -> None:
        self._open()
        if not isinstance(consumer, EmbeddedConsumer):
            raise TypeError(f"an embedded transaction cannot hold offsets of {type(consumer)}")
        self._offsets.append((consumer, dict(offsets)))

    def commit(self) -> None:
        frames = self._open().frozen()
        with self._file.writing() as db:
            self._check_epoch()
            places: set[int] = set()
            if self._staged:
                rows = db.execute(
                    "SELECT topic, number, messages, newest, data FROM staged WHERE producer = ? "
                    "ORDER BY id",
                    (self._id,),
                )
                for topic, place, *rest in rows:
                    places.add(self._file.append(Frozen(TopicPartition(topic, place), *rest)))
                self._drop_staged()
            places |= {self._file.append(frame) for frame in frames}
            for consumer, offsets in self._offsets:
                consumer.member.check(self._file)
                self._file.commit_offsets(consumer.member.group, offsets)
        self._end()
        self._janitor.tidy(places)

    def abort(self) -> None:
        self._open()
        if self._staged:
            with self._file.writing():
                self._check_epoch()
                self._drop_staged()
        self._end()

    def close(self) -> None:
        """An open transaction is dropped."""
        try:
            if self._buffer is not None:
                self.abort()
        except FencedError:
            pass  # whoever has the id now has dropped it
        finally:
            self._file.close()

    def _open(self) -> Buffer:
        if self._buffer is None:
            raise LogError(f"Transactional id {self._id}: no transaction is open.")
        return self._buffer

    def _end(self) -> None:
        self._buffer = None
        self._offsets = []
        self._staged = 0
        self._acknowledged = self._ticket

    def _stage(self, buffer: Buffer) -> None:
        with self._file.writing() as db:
            self._check_epoch()
            db.executemany(
                "INSERT INTO staged (producer, topic, number, messages, newest, data) "
                "VALUES (?, ?, ?, ?, ?, ?)",
                [
                    (self._id, *frame.at, frame.messages, frame.newest, frame.data)
                    for frame in buffer.frozen()
                ],
            )
        self._staged += 1

    def _drop_staged(self) -> None:
        self._file.db.execute("DELETE FROM staged WHERE producer = ?", (self._id,))

    def _check_epoch(self) -> None:
        row = self._file.db.execute(
            "SELECT epoch FROM transactional_ids WHERE name = ?", (self._id,)
        ).fetchone()
        if row[0] != self._epoch:
            raise FencedError(f"Another producer has the transactional id {self._id} now.")

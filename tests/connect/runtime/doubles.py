"""A log in memory whose acknowledgements and faults a test decides, and a worker that remembers."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from typing import TypeVar

from connect.batch import Batch
from connect.converters.contract import Converter, Decoded
from connect.converters.simple_header import SimpleHeaderConverter
from connect.errors import DataError
from connect.log.contract import (
    Consumer,
    Headers,
    Message,
    Producer,
    RebalanceListener,
    TopicPartition,
)
from connect.runtime.control import Control
from connect.runtime.conversion import Conversion
from connect.runtime.messages import FromTask, OffsetsReached
from connect.schema import STRING, Schema, Value


class TextConverter(Converter):
    """``str`` to bytes; the text "bad" has no bytes and bytes "bad" no text."""

    def configure(self, settings: Mapping[str, str], *, is_key: bool) -> None:
        pass

    def encode(
        self, topic: str, schema: Schema | None, values: Sequence[Value]
    ) -> Sequence[bytes | None]:
        if "bad" in values:
            raise DataError("bad cannot be encoded.")
        return [None if value is None else str(value).encode() for value in values]

    def decode(self, topic: str, payloads: object) -> list[Decoded]:
        items: list[bytes | None] = list(payloads)  # type: ignore[call-overload]
        if b"bad" in items:
            raise DataError("bad cannot be decoded.")
        return [
            Decoded(None, None) if item is None else Decoded(STRING, item.decode())
            for item in items
        ]


def text_conversion() -> Conversion:
    return Conversion(TextConverter(), TextConverter(), SimpleHeaderConverter())


class HeldProducer(Producer):
    """Acknowledges up to ``acked`` only; ``fault`` is raised by whatever is called next."""

    def __init__(self, *, acks: bool = False) -> None:
        self.acks = acks
        self.acked = 0
        self.ticket = 0
        self.fault: Exception | None = None
        self.sent: list[tuple[str, bytes | None, bytes | None]] = []
        self.headers: list[Headers] = []
        self.flushes = 0

    def _check(self) -> None:
        if self.fault is not None:
            raise self.fault

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
        self._check()
        self.ticket += 1
        if self.acks:
            self.acked = self.ticket
        self.sent += [(topic, key, value) for key, value in zip(keys, values, strict=True)]
        self.headers.append(headers)
        return self.ticket

    def acknowledged(self) -> int:
        self._check()
        return self.acked

    def flush(self, timeout: float) -> None:
        self._check()
        self.flushes += 1

    def queued(self) -> int:
        return self.ticket - self.acked

    def begin(self) -> None:
        raise NotImplementedError

    def send_offsets(self, consumer: Consumer, offsets: Mapping[TopicPartition, int]) -> None:
        raise NotImplementedError

    def commit(self) -> None:
        raise NotImplementedError

    def abort(self) -> None:
        raise NotImplementedError

    def close(self) -> None:
        pass


class ScriptedConsumer(Consumer):
    """Each poll does the next step of a script: messages to return, or a function to call that
    may return some. When the script is over, ``done`` is called."""

    def __init__(
        self,
        script: Sequence[Sequence[Message] | Callable[[], Sequence[Message] | None]],
        done: Callable[[], None],
    ) -> None:
        self.script = deque(script)
        self.done = done
        self.listener = RebalanceListener()
        self.commits: list[dict[TopicPartition, int]] = []
        self.commit_fault: Exception | None = None
        self.paused: set[TopicPartition] = set()
        self.assigned = [TopicPartition("t", 0), TopicPartition("t", 1)]
        self.closed = False

    def poll(self, max_messages: int, timeout: float) -> list[Message]:
        if not self.script:
            self.done()
            return []
        step = self.script.popleft()
        return list((step() or ()) if callable(step) else step)

    def revoke(self, *partitions: TopicPartition) -> None:
        self.listener.revoked(partitions)
        self.assigned = [place for place in self.assigned if place not in partitions]

    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        if self.commit_fault is not None:
            raise self.commit_fault
        self.commits.append(dict(offsets))

    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int | None]:
        raise NotImplementedError

    def seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        raise NotImplementedError

    def pause(self, partitions: Sequence[TopicPartition]) -> None:
        self.paused |= set(partitions)

    def resume(self, partitions: Sequence[TopicPartition]) -> None:
        self.paused -= set(partitions)

    def assignment(self) -> list[TopicPartition]:
        return self.assigned

    def lag(self) -> int:
        return 3

    def close(self) -> None:
        self.closed = True


class Recorder(Control):
    """Remembers what the task said; answers stored offsets at once unless ``silent``."""

    def __init__(self, *, silent: bool = False) -> None:
        super().__init__()
        self.silent = silent
        self.said: list[FromTask] = []

    def send(self, message: FromTask) -> None:
        self.said.append(message)
        if isinstance(message, OffsetsReached) and not self.silent:
            self.answer(message.number)

    def reached(self) -> list[list[object]]:
        return [
            [offset for _, offset in message.offsets]
            for message in self.said
            if isinstance(message, OffsetsReached)
        ]


B = TypeVar("B", bound=Batch)


def unchanged(batch: B) -> list[B]:
    return [batch]

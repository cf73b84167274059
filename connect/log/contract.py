"""The one seam towards storage: topics of bytes, as Kafka has them.

Two implementations stand behind it, ``connect.log.kafka`` and ``connect.log.embedded``; one test
suite runs on both. Everything here is bytes and offsets: schemas and converters are above.

Delivery: a producer is ordered per partition, idempotent, and gives each produced run a *ticket*
(1, 2, 3...). ``acknowledged()`` is the highest ticket so that it and every one before it are safely
stored; that is what source offsets wait for. ``produce`` blocks when too much is unacknowledged.
"""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import ClassVar, NamedTuple, Self, TypeAlias

from connect.errors import LogError, RetriableError


class FencedError(LogError):
    """Another took over: a producer of the same transactional id, or a member of the group.

    A producer is of no more use. A consumer may go on: what it could not commit is being read by
    the member that has the partition now.
    """


Headers: TypeAlias = Sequence[tuple[str, bytes | None]]


class TopicPartition(NamedTuple):
    topic: str
    partition: int


class Message(NamedTuple):
    """One stored message; ``timestamp`` is milliseconds since the epoch."""

    topic: str
    partition: int
    offset: int
    timestamp: int
    key: bytes | None
    value: bytes | None
    headers: Headers


@dataclass(frozen=True)
class NewTopic:
    """``partitions`` and ``replication`` None mean the log's default; ``config`` is Kafka's."""

    name: str
    partitions: int | None = None
    replication: int | None = None
    config: Mapping[str, str] = field(default_factory=dict)


class Producer(ABC):
    """Writes to the log. One thread at a time. A context manager that flushes and closes."""

    @abstractmethod
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
        """Queue a run of messages of one topic in order and return its ticket.

        Without ``partition`` each goes where Kafka's Java client would send it: murmur2 of the key,
        or any partition for a null key. Blocks while the queue is full. Raises LogError when an
        earlier run failed (this producer takes no more; go on from the last stored offset with a
        new one), RetriableError when nothing of this run was queued and it may be given again.
        """

    @abstractmethod
    def acknowledged(self) -> int:
        """Highest ticket up to which everything is stored. Never blocks. Raises as ``produce``."""

    @abstractmethod
    def flush(self, timeout: float) -> None:
        """Wait until every ticket is acknowledged; RetriableError after ``timeout`` seconds."""

    @abstractmethod
    def queued(self) -> int:
        """Messages produced and not yet acknowledged."""

    @abstractmethod
    def begin(self) -> None:
        """Start a transaction; only for a producer made with a transactional id, which cannot
        produce outside of one."""

    @abstractmethod
    def send_offsets(self, consumer: Consumer, offsets: Mapping[TopicPartition, int]) -> None:
        """Commit a consumer group's positions as part of the current transaction."""

    @abstractmethod
    def commit(self) -> None:
        """Make all of the transaction visible at once. FencedError if another producer has the id
        now; after any other LogError it can only be aborted."""

    @abstractmethod
    def abort(self) -> None:
        """Drop the transaction: nothing of it is ever seen by a ``read_committed`` consumer. Its
        tickets count as done."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class RebalanceListener:
    """Told which partitions come and go. Called from within ``Consumer.poll`` and ``close``, which
    raise what it raises; a RetriableError as LogError, since it is not told the same again."""

    def assigned(self, partitions: Sequence[TopicPartition]) -> None:
        """New partitions; reading has not begun."""

    def revoked(self, partitions: Sequence[TopicPartition]) -> None:
        """Last chance to commit what was read from them."""

    def lost(self, partitions: Sequence[TopicPartition]) -> None:
        """Taken away without notice; committing is no longer possible."""


def tell(
    told: Callable[[Sequence[TopicPartition]], None], partitions: Sequence[TopicPartition]
) -> None:
    """For consumers: call one method of a listener."""
    try:
        told(partitions)
    except RetriableError as error:
        raise LogError(
            f"Partitions came or went, and that could not be followed: {error.message}",
            cure=error.cure,
        ) from error


class Consumer(ABC):
    """Reads as a member of a group, sharing the partitions with the others. Never auto-commits."""

    @abstractmethod
    def poll(self, max_messages: int, timeout: float) -> list[Message]:
        """Up to ``max_messages``, waiting at most ``timeout`` seconds for the first one.

        Raises RetriableError when the log is out of reach, LogError for good failures.
        """

    @abstractmethod
    def commit(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Store where the group goes on (the offset after the last message done). Synchronous.

        FencedError if the partitions went to another member meanwhile.
        """

    @abstractmethod
    def committed(self, partitions: Sequence[TopicPartition]) -> dict[TopicPartition, int | None]:
        """What the group has stored."""

    @abstractmethod
    def seek(self, offsets: Mapping[TopicPartition, int]) -> None:
        """Read on from there; the partitions must be assigned. A listener's ``assigned`` may call
        this, and ``pause``."""

    @abstractmethod
    def pause(self, partitions: Sequence[TopicPartition]) -> None: ...

    @abstractmethod
    def resume(self, partitions: Sequence[TopicPartition]) -> None: ...

    @abstractmethod
    def assignment(self) -> list[TopicPartition]: ...

    @abstractmethod
    def lag(self) -> int:
        """Messages in the assigned partitions not yet returned by ``poll``; cheap, may be stale."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


class Log(ABC):
    """A log. Made by ``connect.log.open_log`` from a worker's settings; a context manager."""

    kind: ClassVar[str]
    """Its plugin name, ``kafka`` or ``embedded``."""

    stopping: threading.Event = threading.Event()  # one that is never set
    """Once it is set, a log out of reach is not asked again: RetriableError within a second or two.
    For the log's own calls and for producers and consumers made from then on."""

    @abstractmethod
    def cluster_id(self) -> str: ...

    @abstractmethod
    def create_topics(self, topics: Sequence[NewTopic]) -> None:
        """Create those that do not exist; an existing one is left as it is."""

    @abstractmethod
    def delete_topics(self, names: Sequence[str]) -> None: ...

    @abstractmethod
    def partitions(self, topic: str) -> int | None:
        """How many partitions the topic has, None if there is no such topic."""

    @abstractmethod
    def topic_config(self, topic: str) -> dict[str, str]:
        """The topic's settings by Kafka's names (``cleanup.policy``, ``retention.ms``...)."""

    @abstractmethod
    def end_offsets(self, topic: str) -> dict[int, int]:
        """By partition, the offset the next message will get."""

    @abstractmethod
    def read_to_end(self, topic: str, *, committed_only: bool = True) -> Iterator[Message]:
        """Every message from the beginning to the end as it is at the call, per partition in order.

        For compacted topics and schema history. Raises LogError if the topic does not exist.
        """

    @abstractmethod
    def producer(
        self,
        *,
        client_id: str,
        transactional_id: str | None = None,
        config: Mapping[str, str] | None = None,
    ) -> Producer:
        """``config`` are Kafka producer keys as a connector's ``producer.override.*`` gives them.

        A transactional id fences every earlier producer of the same id.
        """

    @abstractmethod
    def consumer(
        self,
        group: str,
        topics: Sequence[str] | str,
        *,
        client_id: str,
        listener: RebalanceListener | None = None,
        config: Mapping[str, str] | None = None,
    ) -> Consumer:
        """``topics`` is a list of names or one Java regular expression (``topics.regex``).

        A group with no stored position starts at the earliest message.
        """

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

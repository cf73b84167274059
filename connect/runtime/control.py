"""A task's side of the pipe to its worker: what it is told, and what it tells."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Sequence
from typing import TypeAlias

from connect.batch import SourceOffset, SourcePartition
from connect.metrics import Snapshot
from connect.runtime.messages import Event, FromTask, OffsetsReached, Report, TopicUsed

Offsets: TypeAlias = Sequence[tuple[SourcePartition, SourceOffset]]


class Control(ABC):
    """What the task loops know of their worker. ``send`` may be called from any thread."""

    def __init__(self, *, paused: bool = False) -> None:
        self.stopping = threading.Event()
        self.paused = paused
        self._answered = threading.Condition()
        self._waiting: deque[tuple[int, Offsets]] = deque()
        self._stored: deque[Offsets] = deque()
        self._sent = 0
        self.topics: set[str] = set()
        """Those in use."""

    @abstractmethod
    def send(self, message: FromTask) -> None:
        """Tell the worker."""

    def store(self, offsets: Offsets) -> None:
        """Ask the worker to store offsets; ``stored`` tells when it has."""
        with self._answered:
            self._sent += 1
            number = self._sent
            self._waiting.append((number, offsets))
        self.send(OffsetsReached(number, offsets))

    def answer(self, number: int) -> None:
        """The worker has stored everything up to that number."""
        with self._answered:
            while self._waiting and self._waiting[0][0] <= number:
                self._stored.append(self._waiting.popleft()[1])
            self._answered.notify_all()

    def stored(self) -> list[Offsets]:
        """What has been stored since the last call."""
        with self._answered:
            found = list(self._stored)
            self._stored.clear()
            return found

    def wait_stored(self, timeout: float) -> bool:
        """Wait for all answers; False if they did not come."""
        with self._answered:
            return self._answered.wait_for(lambda: not self._waiting, timeout)

    def topic(self, topic: str) -> None:
        """Note a topic in use."""
        if topic not in self.topics:
            self.topics.add(topic)
            self.send(TopicUsed(topic))

    def report(self, snapshot: Snapshot) -> None:
        self.send(Report(snapshot))

    def event(self, event: Event) -> None:
        self.send(event)

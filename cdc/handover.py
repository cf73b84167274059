"""Hands batches from the thread that reads the database to the one that feeds the log.

Bounded by records, so that a slow log slows the reader down and memory stays flat. So reading,
which mostly waits for the network, overlaps with encoding.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Generator
from contextlib import closing
from typing import TypeAlias

from connect.batch import SourceBatch

Batches: TypeAlias = Generator[SourceBatch, None, None]


class StoppedError(Exception):
    """The taker is gone; internal, ends the reading thread."""


class Handover:
    """One giver, one taker. ``run`` is the giver's thread; what it raises, ``take`` raises."""

    def __init__(self, max_records: int, source: Callable[[], Batches]) -> None:
        self._limit = max_records
        self._source = source
        self._batches: deque[SourceBatch] = deque()
        self._records = 0
        self._error: BaseException | None = None
        self._stopping = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="database-reader", daemon=True)

    def start(self) -> None:
        self._thread.start()

    @property
    def stopping(self) -> bool:
        return self._stopping

    def wait(self, seconds: float) -> None:
        """For the giver: sleep, but raise StoppedError as soon as the taker is gone."""
        with self._changed:
            self._changed.wait_for(lambda: self._stopping, max(0.0, seconds))
            if self._stopping:
                raise StoppedError

    def take(self, max_records: int, timeout: float) -> list[SourceBatch]:
        """What is there, at most about ``max_records``; none after ``timeout`` seconds."""
        with self._changed:
            self._changed.wait_for(lambda: self._batches or self._error, timeout)
            taken: list[SourceBatch] = []
            count = 0
            while self._batches and count < max_records:
                batch = self._batches.popleft()
                count += len(batch)
                taken.append(batch)
            self._records -= count
            self._changed.notify_all()
            if not taken and self._error is not None:
                raise self._error
            return taken

    def records(self) -> int:
        """Records waiting to be taken."""
        return self._records

    def stop(self, timeout: float) -> None:
        """Tell the giver to end, and wait for it."""
        with self._changed:
            self._stopping = True
            self._changed.notify_all()
        if self._thread.is_alive():
            self._thread.join(timeout)

    def _run(self) -> None:
        try:
            with closing(self._source()) as batches:
                for batch in batches:
                    self._put(batch)
            raise AssertionError("the reading of a database ended by itself")
        except StoppedError:
            pass
        except BaseException as error:
            with self._changed:
                self._error = error
                self._changed.notify_all()

    def _put(self, batch: SourceBatch) -> None:
        with self._changed:
            self._changed.wait_for(lambda: self._stopping or self._records < self._limit)
            if self._stopping:
                raise StoppedError
            self._batches.append(batch)
            self._records += len(batch)
            self._changed.notify_all()

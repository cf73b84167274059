"""Trying again what failed for the moment, and how long to wait before."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable
from typing import TypeVar

from connect.errors import RetriableError

_logger = logging.getLogger(__name__)

T = TypeVar("T")

FIRST_DELAY = 0.3
LONGEST_DELAY = 10.0


class Backoff:
    """Doubling delays in seconds, unless the fault itself says how long."""

    def __init__(self) -> None:
        self._next = FIRST_DELAY

    def delay(self, error: RetriableError) -> float:
        """The wait before the next try."""
        delay, self._next = self._next, min(self._next * 2, LONGEST_DELAY)
        return delay if error.delay is None else error.delay

    def reset(self) -> None:
        """It went well: begin with short delays again."""
        self._next = FIRST_DELAY


def patiently(
    step: Callable[[], T],
    what: str,
    stopping: threading.Event,
    *,
    backoff: Backoff | None = None,
    wait: Callable[[float], object] | None = None,
) -> T:
    """The result of ``step``, which is done again after each fault of the moment.

    Raises the fault once ``stopping`` is set. ``wait`` pauses for so many seconds, or less when
    stopping; a ``backoff`` of the caller's remembers the faults of earlier calls.
    """
    backoff = backoff or Backoff()
    while True:
        try:
            return step()
        except RetriableError as error:
            if not stopping.is_set():
                delay = backoff.delay(error)
                _logger.warning("%s is tried again in %.1f s: %s", what, delay, error)
                (wait or stopping.wait)(delay)
            if stopping.is_set():
                raise

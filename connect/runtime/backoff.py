"""How long to wait before something is tried again."""

from __future__ import annotations

from connect.errors import RetriableError

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

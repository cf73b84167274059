"""Where the history is kept: an append-only list of texts, each one history record."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping, Sequence
from typing import Self

from connect.log.contract import Log


class HistoryStore(ABC):
    """One connector's history. ``settings`` are the connector's own, all of them; ``log`` is the
    worker's, for a store that lives there."""

    @abstractmethod
    def __init__(self, settings: Mapping[str, str], log: Log) -> None: ...

    @abstractmethod
    def exists(self) -> bool:
        """Whether anything was ever recorded."""

    @abstractmethod
    def create(self) -> None:
        """Make the empty store if there is none."""

    @abstractmethod
    def append(self, records: Sequence[bytes]) -> None:
        """Add records in order; they are durable when this returns."""

    @abstractmethod
    def read(self) -> Iterator[bytes]:
        """All records, oldest first."""

    @abstractmethod
    def close(self) -> None: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

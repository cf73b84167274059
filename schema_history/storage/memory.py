"""History that lasts as long as the process: Debezium's ``MemorySchemaHistory``.

For runs that keep no offset either (``cdc tail``): every start begins with a snapshot.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from connect.log.contract import Log
from schema_history.storage.contract import HistoryStore


class MemoryHistory(HistoryStore):
    def __init__(self, settings: Mapping[str, str], log: Log) -> None:
        self._records: list[bytes] = []

    def exists(self) -> bool:
        return bool(self._records)

    def create(self) -> None:
        """It is there already."""

    def append(self, records: Sequence[bytes]) -> None:
        self._records += records

    def read(self) -> Iterator[bytes]:
        yield from self._records

    def close(self) -> None:
        """Nothing to close."""

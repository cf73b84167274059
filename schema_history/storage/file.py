"""History in a file, one record a line: Debezium's ``FileSchemaHistory``."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from connect.config import string
from connect.log.contract import Log
from schema_history.storage.contract import HistoryConfig, HistoryStore

_TAIL = 65_536


class FileHistoryConfig(HistoryConfig):
    filename = string("schema.history.internal.file.filename", doc="Path of the history file.")


class FileHistory(HistoryStore):
    config = FileHistoryConfig

    def __init__(self, settings: Mapping[str, str], log: Log) -> None:
        self._path = Path(FileHistoryConfig.of(settings).filename)

    def exists(self) -> bool:
        return self._path.exists() and self._path.stat().st_size > 0

    def create(self) -> None:
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.touch()

    def append(self, records: Sequence[bytes]) -> None:
        with self._path.open("r+b") as file:
            file.seek(self._end())
            file.truncate()
            file.writelines(record + b"\n" for record in records)
            file.flush()
            os.fsync(file.fileno())

    def read(self) -> Iterator[bytes]:
        with self._path.open("rb") as file:
            for line in file:
                # A line without its end was being written when the power went: never acknowledged.
                if line.endswith(b"\n") and line.strip():
                    yield line

    def _end(self) -> int:
        """Where the last whole line ends; what follows was never acknowledged."""
        size = self._path.stat().st_size
        with self._path.open("rb") as file:
            for start in range(size, 0, -_TAIL):
                file.seek(max(0, start - _TAIL))
                newline = file.read(min(_TAIL, start)).rfind(b"\n")
                if newline >= 0:
                    return max(0, start - _TAIL) + newline + 1
        return 0

    def close(self) -> None:
        """Nothing is held open between appends."""

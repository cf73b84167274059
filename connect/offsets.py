"""Where sources go on: the offsets of every connector, in Kafka Connect's own file.

The file is a Java-serialised map (``connect.java_map``). A key is the JSON
``["<connector>",{<source partition>}]``, a value the JSON of the offset, so that a JVM worker and
this one can take over from each other. The order of members is kept as given; a stored key is
found whatever its member order and keeps its bytes when its offset changes.

Follows ``org.apache.kafka.connect.storage.{FileOffsetBackingStore,OffsetUtils}`` and KIP-875.
"""

from __future__ import annotations

import os
import tempfile
import threading
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple, TypeAlias

import orjson

from connect import java_map
from connect.batch import SourceOffset, SourcePartition
from connect.connector import OffsetReader
from connect.errors import ConfigError, DataError

PartitionKey: TypeAlias = frozenset[tuple[str, object]]


class StoredOffset(NamedTuple):
    """One source partition and where it goes on."""

    partition: SourcePartition
    offset: SourceOffset


def partition_key(partition: SourcePartition) -> PartitionKey:
    """The same for equal partitions whatever their member order."""
    return frozenset(partition.items())


def _json(value: object, what: str) -> bytes:
    try:
        return orjson.dumps(value)
    except orjson.JSONEncodeError as error:
        raise DataError(f"The source {what} {value!r} is not JSON-like: {error}.") from error


class MemoryOffsets(OffsetReader):
    """A connector's offsets as they were when the task started."""

    def __init__(self, offsets: Iterable[StoredOffset] = ()) -> None:
        self._offsets = {partition_key(stored.partition): stored.offset for stored in offsets}

    def offset(self, partition: SourcePartition) -> SourceOffset | None:
        return self._offsets.get(partition_key(partition))


class OffsetFile:
    """Offsets of all connectors of a standalone worker; every change is on disk when it returns.

    Safe to use from several threads. Raises ConfigError where the file cannot be read or written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path = path.resolve()
        self._lock = threading.Lock()
        self._raw: dict[bytes, bytes | None] = {}
        self._keys: dict[tuple[str, PartitionKey], bytes] = {}
        try:
            data = path.read_bytes() if path.exists() else b""
        except OSError as error:
            raise self._refusal("read", error) from error
        if not data:
            return
        try:
            self._raw = java_map.loads(data)
            for raw_key in list(self._raw):
                connector, partition = orjson.loads(raw_key)
                identity = connector, partition_key(partition)
                if identity in self._keys:  # the same partition in another member order
                    del self._raw[self._keys[identity]]
                self._keys[identity] = raw_key
        except (DataError, ValueError, TypeError, AttributeError) as error:
            raise self._refusal("understood", error) from error

    def _refusal(self, verb: str, error: Exception) -> ConfigError:
        return ConfigError(
            "offset.storage.file.filename",
            f"The offsets file {self.path} cannot be {verb}: {error}",
            cure="Name a file of this or a Kafka Connect worker, or one that does not exist yet.",
        )

    def all(self, connector: str) -> list[StoredOffset]:
        """Every partition of ``connector`` that has an offset."""
        with self._lock:
            found = []
            for (name, _), raw_key in self._keys.items():
                value = self._raw[raw_key]
                if name == connector and value is not None:
                    offset = orjson.loads(value)
                    if offset is not None:
                        found.append(StoredOffset(orjson.loads(raw_key)[1], offset))
            return found

    def store(
        self, connector: str, offsets: Sequence[tuple[SourcePartition, SourceOffset | None]]
    ) -> None:
        """Store them together, durably; None takes a partition's offset away."""
        with self._lock:
            raw = dict(self._raw)
            keys = dict(self._keys)
            for partition, offset in offsets:
                identity = connector, partition_key(partition)
                raw_key = keys.setdefault(identity, _json([connector, partition], "partition"))
                if offset is None:
                    raw.pop(raw_key, None)
                    del keys[identity]
                else:
                    raw[raw_key] = _json(offset, "offset")
            self._write(raw)
            self._raw, self._keys = raw, keys

    def alter(
        self, connector: str, changes: Sequence[tuple[SourcePartition, Mapping[str, object] | None]]
    ) -> None:
        """Set or take away offsets by hand. DataError for a partition that is not a flat map."""
        for partition, _ in changes:
            if any(isinstance(value, (dict, list)) for value in partition.values()):
                raise DataError(f"A source partition holds plain values only, not {partition}.")
        self.store(connector, changes)

    def reset(self, connector: str) -> None:
        """Forget every offset of ``connector``."""
        self.store(connector, [(stored.partition, None) for stored in self.all(connector)])

    def _write(self, raw: Mapping[bytes, bytes | None]) -> None:
        """Replace the file as one step that survives a power cut."""
        folder = self.path.parent
        try:
            folder.mkdir(parents=True, exist_ok=True)
            handle, temporary = tempfile.mkstemp(prefix=f".{self.path.name}.", dir=folder)
            try:
                with os.fdopen(handle, "wb") as file:
                    file.write(java_map.dumps(raw))
                    file.flush()
                    os.fsync(file.fileno())
                Path(temporary).replace(self.path)
            except BaseException:
                Path(temporary).unlink(missing_ok=True)
                raise
            directory = os.open(folder, os.O_RDONLY)
            try:
                os.fsync(directory)
            finally:
                os.close(directory)
        except OSError as error:
            raise self._refusal("written", error) from error

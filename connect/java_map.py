"""A Java-serialised ``HashMap<byte[], byte[]>``, the file format of Kafka Connect's offsets.

Follows the Java Object Serialization Specification, protocol version 2, and what
``java.util.HashMap.writeObject`` writes; only that one shape of object graph is understood.
"""

from __future__ import annotations

import struct
from collections.abc import Mapping

from connect.errors import DataError

_PREFIX = (
    b"\xac\xed\x00\x05"  # magic, version
    b"sr\x00\x11java.util.HashMap"  # object of a new class
    b"\x05\x07\xda\xc1\xc3\x16\x60\xd1\x03\x00\x02"  # serialVersionUID, flags, two fields
    b"F\x00\x0aloadFactorI\x00\x09threshold"
    b"xp"  # end of class annotations, no superclass
)
_BYTE_ARRAY_CLASS = b"r\x00\x02[B\xac\xf3\x17\xf8\x06\x08T\xe0\x02\x00\x00xp"
_REFERENCE, _NULL, _ARRAY, _BLOCK, _END = 0x71, 0x70, 0x75, 0x77, 0x78
_FIRST_HANDLE = 0x7E0000
_CLASS_HANDLE = _FIRST_HANDLE + 2  # after the class HashMap and the map itself
_LOAD_FACTOR = 0.75


def dumps(entries: Mapping[bytes, bytes | None]) -> bytes:
    """The bytes Java writes for a HashMap of these entries, in their order."""
    capacity = 16
    while len(entries) > capacity * _LOAD_FACTOR:
        capacity *= 2
    threshold = int(capacity * _LOAD_FACTOR) if entries else 0
    parts = [
        _PREFIX,
        struct.pack(">fi", _LOAD_FACTOR, threshold),
        struct.pack(">BBii", _BLOCK, 8, capacity, len(entries)),
    ]
    class_description = _BYTE_ARRAY_CLASS
    for entry in entries.items():
        for item in entry:
            if item is None:
                parts.append(bytes([_NULL]))
                continue
            parts += (bytes([_ARRAY]), class_description, struct.pack(">i", len(item)), item)
            class_description = struct.pack(">BI", _REFERENCE, _CLASS_HANDLE)
    parts.append(bytes([_END]))
    return b"".join(parts)


class _Reader:
    def __init__(self, data: bytes, place: int) -> None:
        self.data = data
        self.place = place
        self.arrays: dict[int, bytes] = {}
        self.next_handle = _CLASS_HANDLE

    def unpack(self, layout: str) -> tuple[int, ...]:
        size = struct.calcsize(layout)
        values: tuple[int, ...] = struct.unpack_from(layout, self.data, self.place)
        self.place += size
        return values

    def item(self) -> bytes | None:
        """One ``byte[]`` or null."""
        (tag,) = self.unpack(">B")
        if tag == _NULL:
            return None
        if tag == _REFERENCE:
            return self.arrays[self.unpack(">I")[0]]
        if tag != _ARRAY:
            raise ValueError(f"object type {tag:#x} at byte {self.place - 1}")
        if self.data.startswith(_BYTE_ARRAY_CLASS, self.place):
            self.place += len(_BYTE_ARRAY_CLASS)
            self.next_handle += 1
        elif self.unpack(">BI") != (_REFERENCE, _CLASS_HANDLE):
            raise ValueError(f"not a byte array at byte {self.place}")
        (size,) = self.unpack(">i")
        value = self.data[self.place : self.place + size]
        if size < 0 or len(value) != size:
            raise ValueError("the file ends in the middle")
        self.place += size
        self.arrays[self.next_handle] = value
        self.next_handle += 1
        return value


def loads(data: bytes) -> dict[bytes, bytes | None]:
    """The entries in the order they stand in the file. DataError for anything else."""
    try:
        if not data.startswith(_PREFIX):
            raise ValueError("it does not begin as one")
        reader = _Reader(data, len(_PREFIX) + struct.calcsize(">fi"))
        tag, size, _capacity, count = reader.unpack(">BBii")
        if (tag, size) != (_BLOCK, 8) or count < 0:
            raise ValueError("no entry count")
        entries: dict[bytes, bytes | None] = {}
        for _ in range(count):
            key = reader.item()
            if key is None:
                raise ValueError("a null key")
            entries[key] = reader.item()
        if reader.unpack(">B") != (_END,):
            raise ValueError("entries beyond the count")
    except (ValueError, KeyError, struct.error) as error:
        raise DataError(f"Not a Java-serialised HashMap of byte arrays: {error}.") from error
    return entries

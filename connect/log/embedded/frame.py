"""How a run of messages of one partition lies in one database row.

Columns, so that a frame is made and read with few calls whatever the number of messages::

    version and flags   1 byte   bit 0: offsets are not consecutive (a compacted frame)
                                 bit 1: body is zstd-compressed
    count               u32      messages
    body size           u32      of the body before compression
    body:
      offsets           u32 each, from the frame's base; only with bit 0
      timestamps        i64 each, ms since the epoch
      key lengths       i32 each, -1 for null
      value lengths     i32 each, -1 for null
      header lists      u32 how many, then for each: u32 messages it belongs to, u32 headers, and
                        for each header i32 + name in UTF-8, i32 (-1 for null) + value
      keys, then values, one after the other

All numbers little-endian. Messages beside each other mostly share their headers, so a header list
is stored once for a stretch of messages.
"""

from __future__ import annotations

import struct
import sys
import threading
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import repeat
from typing import NamedTuple

import zstandard

from connect.errors import LogError
from connect.log.contract import Headers, Message

VERSION = 0x10
SPARSE = 0x01
COMPRESSED = 0x02
HEAD = struct.Struct("<BII")
U32 = struct.Struct("<I")
I32 = struct.Struct("<i")
PAIR = struct.Struct("<II")
COMPRESS_FROM = 256
"""Bytes of body from which compressing pays."""


class _Codec(threading.local):
    """Contexts are dear to make and of one thread at a time."""

    def __init__(self) -> None:
        self.pack = zstandard.ZstdCompressor(level=1)
        self.unpack = zstandard.ZstdDecompressor()


_codec = _Codec()


class HeaderRun(NamedTuple):
    """``messages`` in a row have these headers."""

    messages: int
    headers: Headers


@dataclass
class Frame:
    """Messages of one partition in order. ``offsets`` empty: they follow each other."""

    keys: list[bytes | None] = field(default_factory=list)
    values: list[bytes | None] = field(default_factory=list)
    timestamps: list[int] = field(default_factory=list)
    headers: list[HeaderRun] = field(default_factory=list)
    offsets: list[int] = field(default_factory=list)

    def add(
        self,
        keys: Sequence[bytes | None],
        values: Sequence[bytes | None],
        timestamps: Sequence[int],
        headers: Headers,
    ) -> None:
        self.keys += keys
        self.values += values
        self.timestamps += timestamps
        if self.headers and self.headers[-1].headers == headers:
            last = self.headers[-1]
            self.headers[-1] = HeaderRun(last.messages + len(values), headers)
        else:
            self.headers.append(HeaderRun(len(values), headers))

    def each_headers(self) -> Iterator[Headers]:
        for run in self.headers:
            yield from repeat(run.headers, run.messages)


def encode(frame: Frame, base: int = 0) -> bytes:
    """The bytes of a frame; ``base`` is the offset of its first message if it has offsets."""
    count = len(frame.values)
    flags = VERSION
    parts: list[bytes] = []
    if frame.offsets:
        flags |= SPARSE
        parts.append(_numbers("I", [offset - base for offset in frame.offsets]))
    parts.append(_numbers("q", frame.timestamps))
    parts.append(_numbers("i", [-1 if key is None else len(key) for key in frame.keys]))
    parts.append(_numbers("i", [-1 if value is None else len(value) for value in frame.values]))
    parts.append(U32.pack(len(frame.headers)))
    for run in frame.headers:
        parts.append(PAIR.pack(run.messages, len(run.headers)))
        for name, value in run.headers:
            text = name.encode()
            parts += (I32.pack(len(text)), text)
            parts += (I32.pack(-1),) if value is None else (I32.pack(len(value)), value)
    parts += [key for key in frame.keys if key]
    parts += [value for value in frame.values if value]
    body = b"".join(parts)
    size = len(body)
    if size >= COMPRESS_FROM:
        body = _codec.pack.compress(body)
        flags |= COMPRESSED
    return HEAD.pack(flags, count, size) + body


def decode(data: bytes, base: int = 0) -> Frame:
    """The frame behind the bytes, its offsets counted from ``base``."""
    flags, count, size = HEAD.unpack_from(data)
    if flags & ~(SPARSE | COMPRESSED) != VERSION:
        raise LogError(
            f"The embedded log holds a frame of unknown form {flags:#x}.",
            cure="It was written by another version of this program; use that one.",
        )
    body = data[HEAD.size :]
    if flags & COMPRESSED:
        body = _codec.unpack.decompress(body, max_output_size=size)
    place = 0
    offsets: Sequence[int] = range(base, base + count)
    if flags & SPARSE:
        offsets = [base + step for step in _read("I", body, 0, count)]
        place = 4 * count
    timestamps = _read("q", body, place, count)
    place += 8 * count
    key_sizes = _read("i", body, place, count)
    place += 4 * count
    value_sizes = _read("i", body, place, count)
    place += 4 * count
    headers, place = _read_headers(body, place)
    keys, place = _cut(body, place, key_sizes)
    values, _ = _cut(body, place, value_sizes)
    return Frame(keys, values, list(timestamps), headers, list(offsets))


def messages(topic: str, partition: int, frame: Frame) -> list[Message]:
    """The decoded frame's messages."""
    count = len(frame.values)
    return list(
        map(
            Message,
            repeat(topic, count),
            repeat(partition, count),
            frame.offsets,
            frame.timestamps,
            frame.keys,
            frame.values,
            frame.each_headers(),
        )
    )


def _numbers(code: str, numbers: Sequence[int]) -> bytes:
    packed = array(code, numbers)
    if sys.byteorder == "big":
        packed.byteswap()
    return packed.tobytes()


def _read(code: str, body: bytes, place: int, count: int) -> array[int]:
    packed = array(code)
    packed.frombytes(body[place : place + count * packed.itemsize])
    if sys.byteorder == "big":
        packed.byteswap()
    return packed


def _cut(body: bytes, place: int, sizes: Sequence[int]) -> tuple[list[bytes | None], int]:
    found: list[bytes | None] = []
    for size in sizes:
        if size < 0:
            found.append(None)
        else:
            found.append(body[place : place + size])
            place += size
    return found, place


def _read_headers(body: bytes, place: int) -> tuple[list[HeaderRun], int]:
    runs: list[HeaderRun] = []
    (lists,) = U32.unpack_from(body, place)
    place += 4
    for _ in range(lists):
        count, size = PAIR.unpack_from(body, place)
        place += 8
        headers: list[tuple[str, bytes | None]] = []
        for _ in range(size):
            name, place = _read_text(body, place)
            value, place = _read_text(body, place)
            headers.append(((name or b"").decode(), value))
        runs.append(HeaderRun(count, tuple(headers)))
    return runs, place


def _read_text(body: bytes, place: int) -> tuple[bytes | None, int]:
    (size,) = I32.unpack_from(body, place)
    place += 4
    return (None, place) if size < 0 else (body[place : place + size], place + size)

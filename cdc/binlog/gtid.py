"""Sets of transaction ids, as values.

``GtidSet`` is MySQL's: whole ranges per source, a source being a server's UUID with an optional
tag. ``MariadbGtids`` is MariaDB's: the last transaction of each replication domain. Their JSON form
is their text, which is what offsets and history records hold.
"""

from __future__ import annotations

import re
import struct
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from connect.errors import DataError

Ranges: TypeAlias = tuple[tuple[int, int], ...]
"""Both ends inclusive, in order, neither touching nor overlapping."""

_UUID = re.compile(r"[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}")
_TAG = re.compile(r"[a-z_][a-z0-9_]{0,31}")
_RANGE = re.compile(r"(\d+)(?:-(\d+))?")
_TAGGED_FORMAT = 1


@dataclass(frozen=True, slots=True)
class GtidSet:
    """MySQL's ``uuid:1-5:7,uuid:tag:1-3``; ``ranges`` is keyed by ``uuid`` or ``uuid:tag``.

    ``a <= b`` says that a is part of b. Sets that are not comparable are neither <= nor >=.
    """

    ranges: Mapping[str, Ranges]

    @classmethod
    def parse(cls, text: str) -> GtidSet:
        """Read the server's or an offset's text; DataError says which part is not understood."""
        found: dict[str, list[tuple[int, int]]] = {}
        for item in text.split(","):
            if not item.strip():
                continue
            uuid, *parts = [part.strip().lower() for part in item.split(":")]
            if not _UUID.fullmatch(uuid) or not parts:
                raise DataError(f"{item.strip()!r} is not part of a GTID set.")
            source = uuid
            for part in parts:
                match = _RANGE.fullmatch(part)
                if match:
                    start = int(match[1])
                    end = int(match[2] or start)
                    if start < 1:
                        raise DataError(f"GTID numbers begin with 1, not as in {item.strip()!r}.")
                    if end >= start:
                        found.setdefault(source, []).append((start, end))
                elif _TAG.fullmatch(part):
                    source = f"{uuid}:{part}"
                else:
                    raise DataError(f"{part!r} in {item.strip()!r} is not a range of GTIDs.")
        return cls({source: _merged(found[source]) for source in sorted(found)})

    @classmethod
    def decode(cls, data: bytes) -> GtidSet:
        """Read the binary form, that of PREVIOUS_GTIDS events."""
        try:
            (head,) = struct.unpack_from("<Q", data)
            tagged = head >> 56 == _TAGGED_FORMAT
            count = head >> 8 & 0xFFFFFFFFFFFF if tagged else head
            pos = 8
            found: dict[str, Ranges] = {}
            for _ in range(count):
                source = uuid_text(data[pos : pos + 16])
                pos += 16
                if tagged:
                    size = data[pos] >> 1
                    tag = data[pos + 1 : pos + 1 + size].decode("ascii")
                    source = f"{source}:{tag}" if tag else source
                    pos += 1 + size
                (ranges,) = struct.unpack_from("<Q", data, pos)
                pos += 8
                if ranges * 16 > len(data) - pos:
                    raise DataError("A binary GTID set is cut off.")
                numbers = struct.unpack_from(f"<{ranges * 2}Q", data, pos)
                pos += ranges * 16
                found[source] = tuple(
                    (start, end - 1) for start, end in zip(numbers[::2], numbers[1::2], strict=True)
                )
        except (struct.error, IndexError, UnicodeDecodeError, ValueError) as error:
            raise DataError(f"A binary GTID set is damaged: {error}.") from error
        return cls(found)

    def encode(self) -> bytes:
        """The binary form, that of COM_BINLOG_DUMP_GTID; with tags only MySQL 8.3+ reads it."""
        tagged = any(":" in source for source in self.ranges)
        count = len(self.ranges)
        head = _TAGGED_FORMAT << 56 | count << 8 | _TAGGED_FORMAT if tagged else count
        parts = [struct.pack("<Q", head)]
        for source, ranges in self.ranges.items():
            uuid, _, tag = source.partition(":")
            parts.append(bytes.fromhex(uuid.replace("-", "")))
            if tagged:
                parts.append(bytes([len(tag) << 1]) + tag.encode("ascii"))
            parts.append(struct.pack("<Q", len(ranges)))
            parts += [struct.pack("<QQ", start, end + 1) for start, end in ranges]
        return b"".join(parts)

    def __str__(self) -> str:
        pieces: list[str] = []
        last = ""
        for source, ranges in self.ranges.items():
            uuid, _, tag = source.partition(":")
            text = ":".join(f"{a}-{b}" if a != b else f"{a}" for a, b in ranges)
            if uuid == last:
                pieces[-1] += f":{tag}:{text}"
            else:
                pieces.append(f"{source}:{text}")
            last = uuid
        return ",".join(pieces)

    def __bool__(self) -> bool:
        return bool(self.ranges)

    def add(self, gtid: str) -> GtidSet:
        """The set with one more transaction, ``uuid:7`` or ``uuid:tag:7``."""
        source, _, number = gtid.rpartition(":")
        return self.with_range(source, int(number), int(number))

    def with_range(self, source: str, first: int, last: int) -> GtidSet:
        """The set with the transactions ``first`` to ``last`` of a source."""
        ranges = _merged([*self.ranges.get(source, ()), (first, last)])
        return GtidSet(dict(sorted({**self.ranges, source: ranges}.items())))

    def contains(self, gtid: str) -> bool:
        source, _, number = gtid.rpartition(":")
        gno = int(number)
        return any(start <= gno <= end for start, end in self.ranges.get(source, ()))

    def __le__(self, other: GtidSet) -> bool:
        return not (self - other)

    def __or__(self, other: GtidSet) -> GtidSet:
        sources = sorted({*self.ranges, *other.ranges})
        return GtidSet(
            {s: _merged([*self.ranges.get(s, ()), *other.ranges.get(s, ())]) for s in sources}
        )

    def __sub__(self, other: GtidSet) -> GtidSet:
        left = {
            source: _without(ranges, other.ranges.get(source, ()))
            for source, ranges in self.ranges.items()
        }
        return GtidSet({source: ranges for source, ranges in left.items() if ranges})

    def __and__(self, other: GtidSet) -> GtidSet:
        return self - (self - other)

    def restricted(self, wanted: Callable[[str], bool]) -> GtidSet:
        """The part whose source's UUID is wanted (``gtid.source.includes`` and ``excludes``)."""
        return GtidSet({s: r for s, r in self.ranges.items() if wanted(s.partition(":")[0])})

    def completed_by(self, server: GtidSet) -> GtidSet:
        """This set, and for sources it does not know those of ``server``.

        A replacement per source, not a union: where this set knows a source, its gaps stay gaps.
        """
        return GtidSet(dict(sorted({**server.ranges, **self.ranges}.items())))


class ExecutedGtids:
    """A GtidSet that grows by one transaction after the other, at little cost.

    The last run of consecutive transactions is kept apart from the rest, so that nothing is copied
    while a server numbers on.
    """

    __slots__ = ("_around", "_first", "_last", "_rest", "_source")

    def __init__(self, gtids: GtidSet) -> None:
        self._rest = gtids
        self._source = ""
        self._first = self._last = 0
        self._around: tuple[str, str] | None = None

    def add(self, source: str, number: int) -> None:
        if source == self._source and number == self._last + 1:
            self._last = number
            return
        self._rest = self.value
        self._source, self._first, self._last = source, number, number
        self._around = None

    @property
    def run(self) -> tuple[GtidSet, str, int, int]:
        """What ``executed`` makes the set of again."""
        return self._rest, self._source, self._first, self._last

    @property
    def value(self) -> GtidSet:
        return executed(*self.run)

    def __str__(self) -> str:
        """The text of the value; only the last number of the run differs from time to time."""
        if not self._source:
            return str(self._rest)
        if self._around is None:
            ranges = self._rest.ranges.get(self._source, ())
            if any(high > self._first for _, high in ranges):
                return str(self.value)
            before, _, after = str(executed(*self.run[:3], _MARK)).partition(str(_MARK))
            self._around = (before, after)
        if self._first == self._last:
            return str(self.value)
        return f"{self._around[0]}{self._last}{self._around[1]}"


_MARK = 1 << 62
"""A number that no transaction has."""


def executed(rest: GtidSet, source: str, first: int, last: int) -> GtidSet:
    """``rest`` and the run of ``first`` to ``last``; no run where ``source`` is empty."""
    return rest.with_range(source, first, last) if source else rest


def _merged(ranges: list[tuple[int, int]]) -> Ranges:
    result: list[tuple[int, int]] = []
    for start, end in sorted(ranges):
        if result and start <= result[-1][1] + 1:
            result[-1] = (result[-1][0], max(end, result[-1][1]))
        else:
            result.append((start, end))
    return tuple(result)


def _without(ranges: Ranges, removed: Ranges) -> Ranges:
    return tuple(_pieces(ranges, removed))


def _pieces(ranges: Ranges, removed: Ranges) -> Iterator[tuple[int, int]]:
    for start, end in ranges:
        for low, high in removed:
            if high < start:
                continue
            if low > end:
                break
            if low > start:
                yield start, low - 1
            start = high + 1
        if start <= end:
            yield start, end


def uuid_text(data: bytes) -> str:
    """16 bytes as ``8-4-4-4-12`` hexadecimal digits."""
    if len(data) != 16:
        raise DataError("A server UUID is cut off.")
    text = data.hex()
    return f"{text[:8]}-{text[8:12]}-{text[12:16]}-{text[16:20]}-{text[20:]}"


@dataclass(frozen=True, slots=True)
class MariadbGtids:
    """MariaDB's ``0-1-5,1-2-7``: (server id, sequence number) of the last one, by domain."""

    last: Mapping[int, tuple[int, int]]

    @classmethod
    def parse(cls, text: str) -> MariadbGtids:
        found: dict[int, tuple[int, int]] = {}
        for item in text.split(","):
            if not item.strip():
                continue
            match = re.fullmatch(r"\s*(\d+)-(\d+)-(\d+)\s*", item)
            if match is None:
                raise DataError(f"{item.strip()!r} is not a MariaDB GTID.")
            domain, server, sequence = map(int, match.groups())
            if domain not in found or found[domain][1] < sequence:
                found[domain] = (server, sequence)
        return cls(dict(sorted(found.items())))

    def __str__(self) -> str:
        return ",".join(f"{d}-{server}-{number}" for d, (server, number) in self.last.items())

    def __bool__(self) -> bool:
        return bool(self.last)

    def add(self, gtid: str) -> MariadbGtids:
        domain, server, sequence = map(int, gtid.split("-"))
        return MariadbGtids(dict(sorted({**self.last, domain: (server, sequence)}.items())))

    def contains(self, gtid: str) -> bool:
        domain, _, sequence = map(int, gtid.split("-"))
        return domain in self.last and sequence <= self.last[domain][1]

    def __le__(self, other: MariadbGtids) -> bool:
        return all(
            domain in other.last and number <= other.last[domain][1]
            for domain, (_, number) in self.last.items()
        )

    def restricted(self, wanted: Callable[[str], bool]) -> MariadbGtids:
        """The domains that are wanted."""
        return MariadbGtids({d: last for d, last in self.last.items() if wanted(str(d))})

    def completed_by(self, server: MariadbGtids) -> MariadbGtids:
        """This position, and for domains it does not know that of ``server``."""
        return MariadbGtids(dict(sorted({**server.last, **self.last}.items())))

"""Which partition a key goes to: where Kafka's Java producer and ``murmur2_random`` send it.

Follows ``org.apache.kafka.common.utils.Utils.murmur2`` and ``toPositive`` as the default
partitioner uses them. Every partition number comes from here, for Kafka too, so that a producer
knows the last message of a run in each partition without asking the client library.
"""

from __future__ import annotations

from collections.abc import Sequence

import cython


@cython.cfunc  # type: ignore[untyped-decorator]
def _murmur2(data: bytes) -> cython.uint:
    view: cython.p_const_uchar = data
    length: cython.Py_ssize_t = len(data)
    mixer: cython.uint = 0x5BD1E995
    mask: cython.uint = 0xFFFFFFFF
    word: cython.uint
    digest: cython.uint = (0x9747B28C ^ length) & mask
    place: cython.Py_ssize_t = 0
    while place + 4 <= length:
        word = (
            view[place]
            | (view[place + 1] << 8)
            | (view[place + 2] << 16)
            | (cython.cast(cython.uint, view[place + 3]) << 24)
        )
        word = (word * mixer) & mask
        word ^= word >> 24
        word = (word * mixer) & mask
        digest = ((digest * mixer) & mask) ^ word
        place += 4
    rest: cython.Py_ssize_t = length - place
    if rest >= 3:
        digest ^= view[place + 2] << 16
    if rest >= 2:
        digest ^= view[place + 1] << 8
    if rest >= 1:
        digest = ((digest ^ view[place]) * mixer) & mask
    digest ^= digest >> 13
    digest = (digest * mixer) & mask
    return digest ^ (digest >> 15)


def partitions_of(keys: Sequence[bytes | None], count: int, keyless: int) -> list[int]:
    """The partition of each key in a topic of ``count`` partitions; ``keyless`` for a null key."""
    total: cython.uint = count
    found: list[int] = []
    for key in keys:
        if key is None:
            found.append(keyless)
        else:
            found.append((_murmur2(key) & 0x7FFFFFFF) % total)
    return found

# cython: boundscheck=False, wraparound=False, cdivision=True
"""Whole numbers as Connect's Decimal holds them."""

from __future__ import annotations

import cython


def shortest_bytes(value: cython.longlong) -> bytes:
    """The shortest big-endian two's complement form of a 64-bit number.

    ``connect.logical.unscaled_bytes`` does the same for numbers of any size, more slowly.
    """
    size: cython.int = 1
    rest: cython.longlong = value >> 7
    while rest != 0 and rest != -1:
        rest >>= 8
        size += 1
    if not cython.compiled:
        return bytes(value.to_bytes(size, "big", signed=True))
    index: cython.int
    buffer: cython.char[8] = cython.declare(cython.char[8])
    for index in range(size):
        buffer[size - 1 - index] = cython.cast(cython.char, value >> (8 * index))
    return bytes(buffer[:size])

# cython: boundscheck=False, wraparound=False
"""Cuts received bytes into packets of the client/server protocol.

A packet is three bytes of length, one of sequence number, and its payload. A payload of 2^24 - 1
bytes or more comes in several packets, all but the last of which are of exactly that size.
"""

from __future__ import annotations

import cython

WHOLE = 0xFFFFFF
"""The size of a packet that another one continues."""


def split(buffer: bytearray, start: int, end: int) -> tuple[list[bytes], int]:
    """The payloads that lie whole in ``buffer[start:end]``, and where the next packet begins.

    Stops before a packet that is continued, which is left to the caller.
    """
    p: cython.p_uchar = buffer
    position: cython.Py_ssize_t = start
    stop: cython.Py_ssize_t = end
    size: cython.Py_ssize_t
    found: list[bytes] = []
    while position + 4 <= stop:
        size = p[position] | p[position + 1] << 8 | p[position + 2] << 16
        if size == 0xFFFFFF or position + 4 + size > stop:
            break
        found.append(bytes(p[position + 4 : position + 4 + size]))
        position += 4 + size
    return found, position

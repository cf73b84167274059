"""Reading packets from a socket in large gulps, in place of one read a packet."""

from __future__ import annotations

import socket

from cdc.binlog.framing_cy import WHOLE, split

BUFFER = 1 << 19


class LostError(Exception):
    """The connection is gone or silent for too long; internal, for the reconnecting reader."""


class PacketReader:
    """Packets of a connection that has just sent a command.

    Memory: one buffer of half a MB, or as large as a packet (16 MB) while that is on its way; a
    longer payload is held as the list of its packets and joined once.
    """

    def __init__(self, sock: socket.socket) -> None:
        self._socket = sock
        self._buffer = bytearray(BUFFER)
        self._start = 0
        self._end = 0

    def read(self) -> list[bytes]:
        """At least one payload, and all others that have arrived. Raises LostError."""
        while True:
            found, self._start = split(self._buffer, self._start, self._end)
            if found:
                return found
            if self._end - self._start >= 4 and self._next_size() == WHOLE:
                return [self._long()]
            self._receive()

    def _next_size(self) -> int:
        return int.from_bytes(self._buffer[self._start : self._start + 3], "little")

    def _long(self) -> bytes:
        parts: list[bytes] = []
        while True:
            while self._end - self._start < 4 or (self._end - self._start < 4 + self._next_size()):
                self._receive()
            size = self._next_size()
            begin = self._start + 4
            parts.append(bytes(memoryview(self._buffer)[begin : begin + size]))
            self._start = begin + size
            if size < WHOLE:
                return b"".join(parts)

    def _receive(self) -> None:
        """Read more; the unread rest moves to the front when the buffer is full."""
        held = self._end - self._start
        need = 4 + self._next_size() if held >= 4 else 4
        capacity = max(BUFFER, need)
        if held == 0 and len(self._buffer) == BUFFER:
            self._start = self._end = 0
        elif self._start + need > len(self._buffer) or self._end == len(self._buffer):
            rest = self._buffer[self._start : self._end]
            if len(self._buffer) != capacity:
                self._buffer = bytearray(capacity)
            self._buffer[:held] = rest
            self._start, self._end = 0, held
        try:
            with memoryview(self._buffer) as view:
                received = self._socket.recv_into(view[self._end :])
        except TimeoutError as error:
            raise LostError("it was silent for too long") from error
        except OSError as error:
            raise LostError(str(error)) from error
        if received == 0:
            raise LostError("the server closed it")
        self._end += received

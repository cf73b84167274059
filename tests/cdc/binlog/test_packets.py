"""Packets over a real socket, however they are cut up on the way."""

from __future__ import annotations

import random
import socket
import threading

import pytest

from cdc.binlog.framing_cy import WHOLE
from cdc.binlog.packets import LostError, PacketReader


def framed(payload: bytes) -> bytes:
    parts = [payload[at : at + WHOLE] for at in range(0, len(payload), WHOLE)] or [b""]
    if len(parts[-1]) == WHOLE:
        parts.append(b"")
    return b"".join(len(part).to_bytes(3, "little") + b"\0" + part for part in parts)


def read_all(data: bytes, count: int, *, chunk: int) -> list[bytes]:
    near, far = socket.socketpair()

    def send() -> None:
        for at in range(0, len(data), chunk):
            far.sendall(data[at : at + chunk])

    sender = threading.Thread(target=send)
    sender.start()
    reader = PacketReader(near)
    found: list[bytes] = []
    while len(found) < count:
        found += reader.read()
    sender.join()
    near.close()
    far.close()
    return found


@pytest.mark.parametrize("chunk", [1, 7, 4096])
def test_small_packets(chunk: int) -> None:
    chance = random.Random(3)
    payloads = [chance.randbytes(chance.choice([0, 1, 3, 4, 250, 2000])) for _ in range(40)]
    data = b"".join(map(framed, payloads))
    assert read_all(data, len(payloads), chunk=chunk) == payloads


def test_packets_larger_than_the_buffer_and_than_a_packet() -> None:
    sizes = [10, 1 << 19, (1 << 19) - 4, 3_000_000, WHOLE - 1, WHOLE, WHOLE + 1, 2 * WHOLE, 20]
    payloads = [bytes([number]) * size for number, size in enumerate(sizes)]
    data = b"".join(map(framed, payloads))
    assert read_all(data, len(payloads), chunk=1 << 20) == payloads


def test_a_silent_and_a_closed_connection() -> None:
    near, far = socket.socketpair()
    near.settimeout(0.05)
    reader = PacketReader(near)
    far.sendall(b"\5\0\0")
    with pytest.raises(LostError, match="silent"):
        reader.read()
    far.close()
    with pytest.raises(LostError, match="closed"):
        reader.read()
    near.close()

"""TCP ports of the loopback interface."""

import random
import socket

# Below the range from which Linux takes the ports of outgoing connections: nobody gets a
# server's port by accident while it is down for a restart.
FIRST, LAST = 12_000, 32_000


def free_port() -> int:
    """Return a port nobody listens on."""
    while True:
        port = random.SystemRandom().randrange(FIRST, LAST)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def answer(port: int, question: bytes, length: int) -> bytes:
    """Return up to ``length`` bytes of the server's answer; empty if there is none yet."""
    try:
        with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
            connection.sendall(question)
            received = b""
            while len(received) < length and (more := connection.recv(length - len(received))):
                received += more
            return received
    except OSError:
        return b""

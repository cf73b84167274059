"""Ctrl-C and SIGTERM as a wish to end, which the command follows when it is ready."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass


@dataclass
class Interrupt:
    asked: bool = False


@contextmanager
def interruptible() -> Iterator[Interrupt]:
    """Inside, the first signal sets ``asked``, and the second ends the program as ever."""
    interrupt = Interrupt()
    signals = (signal.SIGINT, signal.SIGTERM)
    before = {number: signal.getsignal(number) for number in signals}

    def restore() -> None:
        for number, handler in before.items():
            signal.signal(number, handler)

    def ask(_number: int, _frame: object) -> None:
        interrupt.asked = True
        restore()

    for number in signals:
        signal.signal(number, ask)
    try:
        yield interrupt
    finally:
        restore()

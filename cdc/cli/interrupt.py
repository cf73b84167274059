"""Ctrl-C and SIGTERM as a wish to end, which the command follows when it is ready."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field


@dataclass
class Interrupt:
    """``then`` is called when it is asked for, each in a thread of its own."""

    asked: bool = False
    then: list[Callable[[], None]] = field(default_factory=list)


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
        for action in interrupt.then:
            # A signal may come while this very thread holds the lock that the action needs.
            threading.Thread(target=action).start()

    for number in signals:
        signal.signal(number, ask)
    try:
        yield interrupt
    finally:
        restore()

"""Shows how a mirror gets on: bars and a live line on a terminal, else plain lines."""

from __future__ import annotations

import sys
import time
from abc import ABC, abstractmethod
from collections import deque
from typing import Self

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn
from rich.text import Text

from cdc.cli.status import MirrorStatus, TableStatus

_RATE_SECONDS = 3.0
_PLAIN_SECONDS = 3.0
_REPEAT_SECONDS = 60.0
"""A line that says nothing new is said again after so long."""


class Rate:
    """Records a second over the last few seconds."""

    def __init__(self) -> None:
        self._seen: deque[tuple[float, int]] = deque()

    def of(self, count: int, now: float) -> float:
        """The rate, now that ``count`` are done."""
        self._seen.append((now, count))
        while len(self._seen) > 2 and self._seen[1][0] <= now - _RATE_SECONDS:
            self._seen.popleft()
        began, before = self._seen[0]
        return max(0.0, (count - before) / (now - began)) if now > began else 0.0


def following(status: MirrorStatus, rate: float) -> str:
    """The one line that says it all."""
    done = status.read if status.written is None else status.written
    parts = [
        "Following" if status.streaming else "Reading tables" if status.snapshot else "Starting",
        f"{done:,} records {'sent' if status.written is None else 'written'}",
        f"{rate:,.0f}/s",
    ]
    if status.waiting:
        parts.append(f"{status.waiting:,} waiting")
    if status.streaming:
        parts.append(f"lag {status.lag:.1f} s")
    return " · ".join(parts)


class Display(ABC):
    """A context manager; ``show`` may be called as often as one likes."""

    def __init__(self) -> None:
        self._rate = Rate()

    def show(self, status: MirrorStatus) -> None:
        done = status.read if status.written is None else status.written
        self._draw(status, following(status, self._rate.of(done, time.monotonic())))

    @abstractmethod
    def _draw(self, status: MirrorStatus, line: str) -> None: ...

    @abstractmethod
    def __enter__(self) -> Self: ...

    @abstractmethod
    def __exit__(self, *_: object) -> None: ...


class TerminalDisplay(Display):
    """Bars with a line below; when the snapshot is done the bars stay and the line goes on."""

    def __init__(self, console: Console) -> None:
        super().__init__()
        self._bars = Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
        self._places: dict[str, TaskID] = {}
        self._live = Live(console=console, auto_refresh=False, transient=True)
        self._following = False

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()

    def _draw(self, status: MirrorStatus, line: str) -> None:
        for table in status.tables:
            self._bar(table)
        text = Text(line, overflow="ellipsis", no_wrap=True)
        if status.streaming and not self._following:
            self._following = True
            if self._places:
                self._live.console.print(self._bars.get_renderable())
        shown = text if self._following else Group(self._bars.get_renderable(), text)
        self._live.update(shown, refresh=True)

    def _bar(self, table: TableStatus) -> None:
        place = self._places.get(table.name)
        if place is None:
            place = self._places[table.name] = self._bars.add_task(table.name)
        total = table.rows if table.done else max(table.rows, table.expected)
        self._bars.update(place, completed=table.rows, total=total)


class PlainDisplay(Display):
    def __init__(self) -> None:
        super().__init__()
        self._next = time.monotonic() + _PLAIN_SECONDS
        self._done: set[str] = set()
        self._said = ""
        self._repeat = 0.0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        """Nothing stays open."""

    def _draw(self, status: MirrorStatus, line: str) -> None:
        for table in status.tables:
            if table.done and table.name not in self._done:
                self._done.add(table.name)
                say(f"{table.name}: {table.rows:,} rows read")
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + _PLAIN_SECONDS
            for table in status.tables:
                if not table.done:
                    about = f" of about {table.expected:,}" if table.expected > table.rows else ""
                    say(f"{table.name}: {table.rows:,}{about} rows read")
            if line != self._said or time.monotonic() >= self._repeat:
                self._said, self._repeat = line, time.monotonic() + _REPEAT_SECONDS
                say(line)


def display() -> Display:
    """The one that suits stdout."""
    if sys.stdout.isatty():
        return TerminalDisplay(Console(highlight=False))
    return PlainDisplay()


def say(text: str) -> None:
    """A line for people."""
    sys.stdout.write(text + "\n")
    sys.stdout.flush()

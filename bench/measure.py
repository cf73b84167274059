"""Processes and progress over time, and the numbers drawn from them."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

POLL_SECONDS = 0.05
STALLED_SECONDS = 120.0
_TICK = os.sysconf("SC_CLK_TCK")
_MEGABYTE = 1024 * 1024


class BenchError(Exception):
    """What was measured did not do its work."""


class Sample(NamedTuple):
    """How far the work was at a moment: seconds, events done, CPU seconds used so far."""

    at: float
    events: int
    cpu: float


@dataclass(frozen=True)
class Result:
    """One measurement of one program. ``rate`` is events a second in the second half of the run,
    ``cpu`` the task's microseconds an event after those first seen; memory in megabytes."""

    work: str
    program: str
    events: int
    rate: float
    cpu: float
    worker_memory: float
    task_memory: float


def cpu_seconds(pid: int) -> float:
    """User and system time of all threads of a process."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICK


def peak_memory(pid: int) -> float:
    """The most resident memory a process has had, in megabytes."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / _MEGABYTE
    raise BenchError(f"process {pid} has ended")


def children(pid: int) -> list[int]:
    found = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            text = path.read_text()
        except OSError:
            continue  # it ended meanwhile
        if int(text.rpartition(")")[2].split()[1]) == pid:
            found.append(int(path.parent.name))
    return found


def follow(
    progress: Callable[[], int], total: int, cpu: Callable[[], float], check: Callable[[], None]
) -> list[Sample]:
    """Samples until ``total`` events are done: the last before the first event, then one for each
    advance. ``check`` raises what ails the program; BenchError when nothing advances for long."""
    samples = [Sample(time.monotonic(), 0, cpu())]
    while samples[-1].events < total:
        time.sleep(POLL_SECONDS)
        sample = Sample(time.monotonic(), progress(), cpu())
        if sample.events > samples[-1].events:
            samples.append(sample)
        elif not sample.events:
            check()
            samples = [samples[0]._replace(cpu=sample.cpu)]
        if sample.at - samples[-1].at > STALLED_SECONDS:
            check()
            raise BenchError(f"stands still at {sample.events} of {total} events")
    if samples[-1].events > total:
        raise BenchError(f"{samples[-1].events} events where {total} were expected")
    return samples


def rate(samples: list[Sample]) -> float:
    """Events a second in the second half; of the whole where it came in one piece."""
    last = samples[-1]
    half = next(sample for sample in samples if 2 * sample.events >= last.events)
    first = half if half is not last else samples[0]
    return (last.events - first.events) / (last.at - first.at)


def cpu_per_event(samples: list[Sample]) -> float:
    """Microseconds from when the first events were seen to the last; the clock's step at least.

    Those first events do not count, for the work on them was done before: a sink shows thousands at
    once. Where all came in one piece, its work is not known, and the number is too low.
    """
    last = samples[-1]
    first = samples[1] if len(samples) > 2 else samples[0]
    return max(last.cpu - first.cpu, 1 / _TICK) / (last.events - first.events) * 1e6

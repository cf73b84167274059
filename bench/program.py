"""The program that is measured: ``cdc run`` with a worker file and one connector file."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import httpx
from prometheus_client.parser import text_string_to_metric_families

from bench.measure import (
    BenchError,
    Result,
    children,
    cpu_per_event,
    cpu_seconds,
    follow,
    peak_memory,
    rate,
)
from connect.compiled import VARIABLE, forms
from devstack.ports import free_port

START_SECONDS = 60.0
OFFSETS = "offsets"
JSON = "org.apache.kafka.connect.json.JsonConverter"


@dataclass(frozen=True)
class Program:
    """One form of the program."""

    name: str
    environment: Mapping[str, str]


COMPILED = Program("compiled", {VARIABLE: "1"})
INTERPRETED = Program("interpreted", {VARIABLE: "0"})


def programs() -> list[Program]:
    """Both forms; only the interpreted one where the hot modules are not all compiled."""
    compiled = all(forms(("cdc", "connect")).values())
    return [COMPILED, INTERPRETED] if compiled else [INTERPRETED]


class Running:
    """The program at work on one connector, from ``__enter__`` to ``__exit__``.

    ``folder`` holds its files: the offsets, which the next run there begins with, and its output.
    """

    def __init__(
        self,
        program: Program,
        folder: Path,
        worker: Mapping[str, str],
        connector: Mapping[str, str],
    ) -> None:
        self._program = program
        self._url = f"http://127.0.0.1:{free_port()}"
        self._name = connector["name"]
        self._output = folder / "output"
        self._worker = folder / "worker.properties"
        self._connector = folder / "connector.properties"
        own = {
            "key.converter": JSON,
            "value.converter": JSON,
            "offset.storage.file.filename": str(folder / OFFSETS),
            "offset.flush.interval.ms": "1000",
            "listeners": self._url,
        }
        _write(self._worker, own | dict(worker))
        _write(self._connector, connector)

    def __enter__(self) -> Self:
        command = [sys.executable, "-m", "cdc.cli", "run", str(self._connector)]
        with self._output.open("wb") as output:
            self._process = subprocess.Popen(
                [*command, "--worker", str(self._worker)],
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | self._program.environment,
            )
        try:
            self._task = self._found_task()
        except BaseException:
            self._process.kill()
            self._process.wait()
            raise
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._process.send_signal(signal.SIGTERM)
        try:
            self._process.wait(30)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()

    def measure(self, work: str, progress: Callable[[], int], total: int) -> Result:
        """Watch until ``progress()`` says that all ``total`` events are done."""
        samples = follow(progress, total, lambda: cpu_seconds(self._task), self.check)
        return Result(
            work,
            self._program.name,
            total,
            rate(samples),
            cpu_per_event(samples),
            peak_memory(self._process.pid),
            peak_memory(self._task),
        )

    def wait(self, reached: Callable[[], Any]) -> None:
        """Wait for something to become true. BenchError if it takes too long."""
        give_up = time.monotonic() + START_SECONDS
        while not reached():
            self.check()
            if time.monotonic() > give_up:
                raise BenchError(f"not reached in {START_SECONDS:.0f} s:\n{self._tail()}")
            time.sleep(0.1)

    def offsets(self) -> list[Mapping[str, Any]]:
        """The connector's stored offsets."""
        found = self._get(f"/connectors/{self._name}/offsets")
        return [entry["offset"] for entry in found["offsets"]] if found else []

    def records(self) -> int:
        """How many records the task says it has done."""
        answer = httpx.get(f"{self._url}/metrics", timeout=10)
        for family in text_string_to_metric_families(answer.text):
            if family.name == "cdc_task_records":
                return int(family.samples[0].value)
        return 0

    def check(self) -> None:
        """BenchError if the program or its task has ended."""
        if self._process.poll() is not None:
            raise BenchError(f"cdc run ended:\n{self._tail()}")
        status = self._get(f"/connectors/{self._name}/status")
        for part in (status["connector"], *status["tasks"]) if status else ():
            if part["state"] == "FAILED":
                raise BenchError(f"{self._name} failed:\n{part.get('trace') or self._tail()}")

    def _found_task(self) -> int:
        """The process id of the only task, once there is one."""
        found: list[int] = []

        def one() -> bool:
            found[:] = children(self._process.pid)
            return bool(found)

        self.wait(one)
        return found[0]

    def _get(self, path: str) -> Any:
        """The answer, None while the worker is starting or the connector not known yet."""
        try:
            answer = httpx.get(self._url + path, timeout=10)
        except httpx.TransportError:
            return None
        return answer.json() if answer.is_success else None

    def _tail(self) -> str:
        return "\n".join(self._output.read_text().splitlines()[-30:])


def _write(path: Path, settings: Mapping[str, str]) -> None:
    lines = [f"{key}={value}".replace("\\", "\\\\") for key, value in settings.items()]
    path.write_text("\n".join(lines) + "\n")

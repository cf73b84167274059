"""A worker as a user runs it: files, the ``cdc run`` command, REST."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_for(what: Callable[[], Any], seconds: float, why: str) -> Any:
    """The first true answer; the failure says ``why``."""
    deadline = time.monotonic() + seconds
    while True:
        try:
            answer = what()
        except (httpx.HTTPError, AssertionError):
            answer = None
        if answer:
            return answer
        assert time.monotonic() < deadline, f"not within {seconds} s: {why}"
        time.sleep(0.1)


class Worker:
    """``cdc run`` with a worker file and connector files in ``folder``."""

    def __init__(self, folder: Path, settings: Mapping[str, str]) -> None:
        self.folder = folder
        self.url = f"http://127.0.0.1:{free_port()}"
        self.settings = {
            "key.converter": "org.apache.kafka.connect.json.JsonConverter",
            "value.converter": "org.apache.kafka.connect.json.JsonConverter",
            "offset.storage.file.filename": str(folder / "offsets"),
            "offset.flush.interval.ms": "500",
            "listeners": self.url,
        } | dict(settings)
        self.files: list[Path] = []
        self.process: subprocess.Popen[bytes] | None = None
        self._write("worker.properties", self.settings)

    def _write(self, name: str, settings: Mapping[str, str]) -> Path:
        path = self.folder / name
        lines = [f"{key}={value}".replace("\\", "\\\\") for key, value in settings.items()]
        path.write_text("\n".join(lines) + "\n")
        return path

    def connector(self, settings: Mapping[str, str]) -> None:
        """One more connector file."""
        self.files.append(self._write(f"{settings['name']}.properties", settings))

    def start(self) -> None:
        files = [str(path) for path in self.files]
        command = [sys.executable, "-m", "cdc.cli", "run", *files]
        with (self.folder / "output").open("ab") as output:
            self.process = subprocess.Popen(
                [*command, "--worker", str(self.folder / "worker.properties")],
                stdout=output,
                stderr=subprocess.STDOUT,
            )

    @property
    def output(self) -> str:
        return (self.folder / "output").read_text()

    def get(self, path: str) -> Any:
        answer = httpx.get(self.url + path, timeout=10)
        answer.raise_for_status()
        return answer.json()

    def states(self) -> dict[str, str]:
        """Of every connector and task, by ``name`` and ``name-0``."""
        found = {}
        for name, parts in self.get("/connectors?expand=status").items():
            found[name] = parts["status"]["connector"]["state"]
            for task in parts["status"]["tasks"]:
                found[f"{name}-{task['id']}"] = task["state"]
        return found

    def running(self, seconds: float = 60) -> None:
        """Wait until every connector has a task and all of it runs."""

        def all_running() -> bool:
            states = self.states()
            tasks = sum("-0" in name for name in states)
            return tasks >= len(self.files) and set(states.values()) == {"RUNNING"}

        self.until(all_running, seconds, "all running")

    def until(self, what: Callable[[], Any], seconds: float, why: str) -> Any:
        """``wait_for``; the failure shows also what the worker said."""
        try:
            return wait_for(what, seconds, why)
        except AssertionError as error:
            raise AssertionError(f"{error}\n{self.output[-5000:]}") from None

    def kill(self) -> None:
        """kill -9, as a crash would."""
        assert self.process is not None
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()

    def children(self) -> list[int]:
        """Process ids of the tasks."""
        assert self.process is not None
        found = []
        for path in Path("/proc").glob("[0-9]*/stat"):
            try:
                text = path.read_text()
            except OSError:
                continue
            pid, rest = int(text.split(" ", 1)[0]), text.rpartition(")")[2].split()
            if int(rest[1]) == self.process.pid and "resource_tracker" not in _cmdline(pid):
                found.append(pid)
        return found

    def stop(self) -> int:
        """SIGTERM; the exit code."""
        assert self.process is not None
        self.process.terminate()
        return self.process.wait(30)

    def __enter__(self) -> Worker:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.terminate()
            try:
                self.process.wait(30)
            except subprocess.TimeoutExpired:
                self.process.kill()


def _cmdline(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/cmdline").read_text()
    except OSError:
        return ""


def kill(pid: int) -> None:
    with suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)

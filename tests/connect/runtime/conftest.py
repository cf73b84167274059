"""Workers over the embedded log, in this process or as programs."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from connect.log import open_log
from connect.runtime.connector_file import ConnectorRequest, TargetState
from connect.runtime.standalone import Worker

MODULE = "tests.connect.runtime.connectors"
ROOT = Path(__file__).parents[3]


def until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    """Wait for the condition; the test's failure says what did not happen."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, f"{what} did not happen"
        time.sleep(0.02)


@pytest.fixture
def settings(tmp_path: Path) -> dict[str, str]:
    """A worker file that keeps everything in the test's folder."""
    json_converter = "connect.converters.json:JsonConverter"
    return {
        "offset.storage.file.filename": str(tmp_path / "connect.offsets"),
        "offset.flush.interval.ms": "100",
        "listeners": "http://127.0.0.1:0",
        "rest.advertised.host.name": "worker",
        "rest.advertised.port": "8083",
        "key.converter": json_converter,
        "key.converter.schemas.enable": "false",
        "value.converter": json_converter,
        "header.converter": "connect.converters.simple_header:SimpleHeaderConverter",
    }


@pytest.fixture
def worker(settings: dict[str, str]) -> Iterator[Worker]:
    with Worker(settings) as running:
        yield running


def source(name: str = "source", **more: str) -> ConnectorRequest:
    """A counter into topic ``numbers``."""
    given = {"name": name, "connector.class": f"{MODULE}:CounterSource", "counter.topic": "numbers"}
    return ConnectorRequest(name, given | dotted(more))


def sink(file: Path, name: str = "sink", **more: str) -> ConnectorRequest:
    """Topic ``numbers`` into a file."""
    given = {"name": name, "connector.class": f"{MODULE}:FileSink", "topics": "numbers"}
    return ConnectorRequest(name, given | {"file": str(file)} | dotted(more))


def dotted(settings: Mapping[str, str]) -> dict[str, str]:
    return {name.replace("_", "."): value for name, value in settings.items()}


def stopped(request: ConnectorRequest) -> ConnectorRequest:
    return ConnectorRequest(request.name, request.settings, TargetState.STOPPED)


def counted(settings: Mapping[str, str], topic: str = "numbers") -> list[int]:
    """What the counter has written to the embedded log, in order."""
    file = Path(settings["offset.storage.file.filename"]).with_name("connect.log")
    with open_log({"log.file": str(file)}) as log:
        if log.partitions(topic) is None:
            return []
        found = [json.loads(message.value or b"") for message in log.read_to_end(topic)]
        return [item["payload"]["n"] for item in found]


def written(file: Path) -> list[int]:
    """What the file sink has put, in order."""
    if not file.exists():
        return []
    lines = file.read_text().splitlines(keepends=True)
    return [json.loads(line)[2][1] for line in lines if line.endswith("\n")]


def alive(pid: int) -> bool:
    """There is such a process, and it is not a zombie."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state != "Z"


def children(pid: int) -> list[int]:
    found = []
    for task in Path(f"/proc/{pid}/task").iterdir():
        found += [int(child) for child in (task / "children").read_text().split()]
    return found


class Program:
    """A worker in a process of its own."""

    def __init__(
        self, folder: Path, settings: Mapping[str, str], *requests: ConnectorRequest
    ) -> None:
        folder.mkdir(exist_ok=True)
        worker_file = folder / "worker.properties"
        worker_file.write_text("".join(f"{k}={v}\n" for k, v in settings.items()))
        files = []
        for request in requests:
            files.append(folder / f"{request.name}.json")
            files[-1].write_text(json.dumps(request.settings))
        self.popen = subprocess.Popen(
            [sys.executable, "-m", "tests.connect.runtime.worker_main", worker_file, *files],
            cwd=ROOT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def ready(self) -> str:
        """Wait for the start and return the REST address."""
        assert self.popen.stdout is not None
        return self.popen.stdout.readline().strip()

    def error_line(self) -> str:
        """Wait for the next line on stderr."""
        assert self.popen.stderr is not None
        return self.popen.stderr.readline()

    def end(self, signal: int) -> tuple[int, str]:
        """Exit code and stderr after a signal."""
        self.popen.send_signal(signal)
        return self.ending()

    def ending(self) -> tuple[int, str]:
        _, errors = self.popen.communicate(timeout=30)
        return self.popen.returncode, errors


@pytest.fixture
def program(tmp_path: Path) -> Iterator[Callable[..., Program]]:
    """Starts workers; those still there at the end are killed."""
    started: list[Program] = []

    def start(settings: Mapping[str, str], *requests: ConnectorRequest) -> Program:
        started.append(Program(tmp_path / "files", settings, *requests))
        return started[-1]

    yield start
    for each in started:
        each.popen.kill()
        each.popen.communicate()

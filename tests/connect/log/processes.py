"""Starts ``member.py`` and hears what it says."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Self

HERE = Path(__file__).parent
ROOT = HERE.parents[2]


class Member:
    def __init__(self, role: str, settings: Mapping[str, str], *names: str) -> None:
        self.said: list[tuple[str, Any]] = []
        self.process = subprocess.Popen(
            [sys.executable, *(HERE / "member.py", role, json.dumps(settings)), *names],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
        )
        self._thread = threading.Thread(target=self._hear)
        self._thread.start()

    def _hear(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            what, value = json.loads(line)
            self.said.append((what, value))

    def last(self, what: str) -> Any:
        return next((value for said, value in reversed(self.said) if said == what), None)

    def all(self, what: str) -> list[Any]:
        return [value for said, value in list(self.said) if said == what]

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()
        self._thread.join()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        assert self.process.stdin is not None
        assert self.process.stdout is not None
        if self.process.poll() is None:
            self.process.stdin.write("stop\n")
        self.process.stdin.close()
        try:
            self.process.wait(20)
        finally:
            self.process.kill()
            self._thread.join()
            self.process.stdout.close()


def wait_until(true: Callable[[], object], seconds: float = 30.0) -> None:
    give_up = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < give_up, "it did not come about"
        time.sleep(0.02)

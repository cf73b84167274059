"""Runs the command as people do: a process of its own."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[3]
ENVIRONMENT = os.environ | {"PYTHONPATH": str(ROOT), "PYTHONWARNINGS": "error"}


@dataclass(frozen=True)
class Result:
    code: int
    out: str
    err: str

    @property
    def refusal(self) -> str:
        """The one line in which a command says why it does not go on."""
        assert self.code != 0, self.out
        assert "Traceback" not in self.err, self.err
        lines = self.err.splitlines()
        assert len(lines) == 1, self.err
        return lines[0]


def cdc(*arguments: object, folder: Path, timeout: float = 120) -> Result:
    """Run to the end."""
    found = subprocess.run(
        [sys.executable, "-m", "cdc.cli", *map(str, arguments)],
        cwd=folder,
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        timeout=timeout,
    )
    return Result(found.returncode, found.stdout, found.stderr)


def start(*arguments: object, folder: Path) -> subprocess.Popen[str]:
    """Start it, for ``with``: at the end of the test it is gone."""
    return subprocess.Popen(
        [sys.executable, "-m", "cdc.cli", *map(str, arguments)],
        cwd=folder,
        env=ENVIRONMENT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def until(condition: Callable[[], Any], seconds: float = 60) -> None:
    """Wait until it holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come about"
        time.sleep(0.1)

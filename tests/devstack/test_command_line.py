"""``python -m devstack``."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

import devstack

pytestmark = pytest.mark.timeout(600)
COMMAND = [sys.executable, "-m", "devstack"]
ROOT = Path(devstack.__file__).parent.parent


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_servers_run_until_told_to_end(number: signal.Signals) -> None:
    with subprocess.Popen(
        [*COMMAND, "mysql", "postgres"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline().startswith("MySQL 9.7: mysql://root@127.0.0.1:")
        assert process.stdout.readline().startswith("PostgreSQL 18: postgresql://postgres@127")
        process.send_signal(number)
        _, errors = process.communicate()
    assert process.returncode == 0
    assert "Traceback" not in errors


def test_prepare_starts_nothing_and_ends() -> None:
    done = subprocess.run(
        [*COMMAND, "--prepare", "mysql", "kafka"], capture_output=True, text=True, cwd=ROOT
    )
    assert (done.returncode, done.stdout) == (0, "")


def test_an_unknown_server_is_named() -> None:
    done = subprocess.run([*COMMAND, "oracle"], capture_output=True, text=True, cwd=ROOT)
    assert done.returncode == 2
    assert "no server is called oracle; there are mysql," in done.stderr

"""The command line itself: a lean start, exit codes, plain messages."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from cdc.cli.demo import demo
from connect.errors import CdcError
from tests.cdc.cli.command import ENVIRONMENT, cdc

HEAVY = ("pymysql", "duckdb", "sqlalchemy", "sqlglot", "starlette", "uvicorn", "confluent_kafka")


@pytest.mark.parametrize("option", ["--version", "--help"])
def test_what_is_quick_imports_little(option: str) -> None:
    program = (
        "import sys\n"
        "from cdc.cli import main\n"
        f"sys.argv = ['cdc', {option!r}]\n"
        "try:\n    main()\nfinally:\n"
        f"    found = [name for name in {HEAVY!r} if name in sys.modules]\n"
        "    print('heavy:', found)\n"
    )
    found = subprocess.run(
        [sys.executable, "-c", program], env=ENVIRONMENT, capture_output=True, text=True
    )
    assert found.returncode == 0, found.stderr
    assert found.stdout.splitlines()[-1] == "heavy: []"
    assert "cdc" in found.stdout


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("missing.json", None, "missing.json cannot be read"),
        ("broken.json", '{"name": ', "broken.json is not valid JSON"),
        ("nameless.properties", "connector.class=x", "nameless.properties has no name"),
        ("unknown.properties", "name=a\nconnector.class=no.Such", "no.Such"),
        (
            "typo.properties",
            "name=a\nconnector.class=MySql\ntopic.prefix=a\ndatabase.hostname=h\n"
            "database.user=u\ndatabase.server.id=1\nsnapshot.mod=initial",
            "Did you mean snapshot.mode?",
        ),
        ("wrong.properties", "name=a\nconnector.class=MySql\ntasks.max=many", "tasks.max"),
    ],
)
def test_run_refuses_with_exit_code_3(
    tmp_path: Path, name: str, text: str | None, message: str
) -> None:
    if text is not None:
        (tmp_path / name).write_text(text)
    (tmp_path / "worker.properties").write_text("listeners=http://127.0.0.1:0")
    found = cdc("run", "--worker", "worker.properties", name, folder=tmp_path)
    assert found.code == 3
    assert message in found.err
    assert "Traceback" not in found.err


def test_run_refuses_a_worker_file_that_is_not_there(tmp_path: Path) -> None:
    found = cdc("run", "--worker", "none.properties", "x.json", folder=tmp_path)
    assert found.code == 3
    assert "none.properties cannot be read" in found.refusal


def test_demo_says_what_it_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "devstack", None)
    with pytest.raises(CdcError, match="not part of the installed package") as caught:
        demo(1, 1000, None)
    assert "make demo" in caught.value.cure

"""Which form of a hot module is imported."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from connect import compiled
from connect.converters import json_write_cy, values


def run(program: str, wanted: str, folder: Path) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(Path(__file__).resolve().parents[2])])
    environment = {**os.environ, compiled.VARIABLE: wanted, "PYTHONPATH": path}
    return subprocess.run(
        [sys.executable, "-c", program], env=environment, capture_output=True, text=True
    )


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A package with a hot module that has not been compiled."""
    package = tmp_path / "shop"
    package.mkdir()
    (package / "__init__.py").touch()
    (package / "till_cy.py").write_text("form = 'interpreted'\n")
    return tmp_path


PROGRAM = "import connect, shop.till_cy; print(shop.till_cy.form)"


@pytest.mark.parametrize("wanted", ["", "0"])
def test_the_source_serves(folder: Path, wanted: str) -> None:
    assert run(PROGRAM, wanted, folder).stdout == "interpreted\n"


def test_a_demanded_form_that_is_missing(folder: Path) -> None:
    done = run(PROGRAM, "1", folder)
    assert done.returncode != 0
    assert "MYSQL_CDC_COMPILED=1 demands the compiled form of shop.till_cy" in done.stderr


def test_demanding_the_interpreted_form(folder: Path) -> None:
    program = (
        "from connect import compiled; from connect.converters import json_write_cy;"
        "print(compiled.is_compiled(json_write_cy))"
    )
    assert run(program, "0", folder).stdout == "False\n"


def test_ordinary_modules_are_never_compiled() -> None:
    assert not compiled.is_compiled(values)
    assert isinstance(compiled.is_compiled(json_write_cy), bool)

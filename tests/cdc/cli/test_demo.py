"""``cdc demo``, from start to verdict, with a server and a shop of its own."""

from __future__ import annotations

import re
import signal
from pathlib import Path

import duckdb
import pytest

from cdc.cli.compare import Difference, TableComparison
from cdc.cli.demo import verdict
from tests.cdc.cli.command import cdc, start

pytestmark = pytest.mark.timeout(300)


def test_demo_ends_with_equality(tmp_path: Path) -> None:
    found = cdc(
        "demo", "--seconds", 5, "--rows", 3000, "--keep", "kept", folder=tmp_path, timeout=240
    )
    assert found.code == 0, found.out + found.err
    last = found.out.splitlines()[-1]
    assert re.fullmatch(
        r"Source and target are equal on all 7 tables: [\d,]+ rows compared\.", last
    )
    assert "\x1b" not in found.out
    with duckdb.connect(str(tmp_path / "kept" / "shop.duckdb"), read_only=True) as kept:
        columns = [name for name, *_ in kept.execute("DESCRIBE orders").fetchall()]
        assert {"channel", "gift"} <= set(columns)
    again = cdc("demo", "--keep", "kept", folder=tmp_path)
    assert "is there already" in again.refusal


def test_ctrl_c_ends_it_in_good_order(tmp_path: Path) -> None:
    with start("demo", "--rows", 1000, folder=tmp_path) as running:
        assert running.stdout is not None
        lines = iter(running.stdout.readline, "")
        assert any("Following" in text for text in lines)
        running.send_signal(signal.SIGINT)
        rest = list(lines)
        assert running.wait(120) == 0
    assert rest[-1].startswith("Source and target are equal on all 7 tables")


def test_a_difference_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    fine = TableComparison("customers", rows=10)
    wrong = TableComparison("orders", rows=20, missing_columns=["gift"])
    for number in range(9):
        wrong.add((number,), "total is 1 in the source and 2 in the target")
    assert isinstance(wrong.differences[0], Difference)
    assert verdict([fine, wrong]) == 1
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == "Source and target differ in orders."
    assert "column gift is missing in the target" in out
    assert "row (0,): total is 1 in the source and 2 in the target" in out
    assert "9 rows differ in all" in out
    assert verdict([fine]) == 0

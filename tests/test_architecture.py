"""The walls of the house: who may import whom, and which names each room shows."""

from __future__ import annotations

import ast
import importlib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
ROOMS = {"cdc", "connect", "schema_history", "sink", "devstack"}
MAY_IMPORT = {
    "connect": set(),
    "schema_history": {"connect"},
    "cdc": {"connect", "schema_history"},
    "sink": {"connect", "schema_history"},
    "devstack": set(),
}


def _imports(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: relative import"
            yield node.module or ""


@pytest.mark.parametrize("room", sorted(MAY_IMPORT))
def test_imports_point_downward(room: str) -> None:
    wrong = []
    files = list((ROOT / room).rglob("*.py"))
    assert files
    for path in files:
        for name in _imports(path):
            other = name.partition(".")[0]
            if other in ROOMS - MAY_IMPORT[room] - {room}:
                wrong.append(f"{path.relative_to(ROOT)} imports {name}")
    assert not wrong


PUBLIC = {
    "schema_history": [
        "Change", "ChangeKind", "Charset", "Column", "HistoryRecord", "Index", "JdbcType",
        "Schemas", "SqlMode", "Table", "TableChange", "TableId", "change_struct", "filtered_out",
        "read_statement", "recover",
    ],
    "schema_history.storage": ["HistoryConfig", "HistoryStore", "PREFIX"],
    "sink": [
        "ColumnSpec", "ColumnType", "Dialect", "Fault", "JdbcSinkConfig", "JdbcSinkConnector",
        "JdbcSinkTask", "Kind", "Table", "TableName", "TargetColumn",
    ],
    "devstack": [
        "DevstackError", "Option", "Server", "connect", "kafka", "mariadb", "mysql", "postgres",
        "schema_registry",
    ],
}  # fmt: skip


@pytest.mark.parametrize("module", sorted(PUBLIC))
def test_public_names(module: str) -> None:
    assert sorted(importlib.import_module(module).__all__) == PUBLIC[module]

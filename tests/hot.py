"""Both forms of a hot module (``*_cy``), for tests that must hold for each."""

from __future__ import annotations

import importlib
import importlib.util
import sys
from functools import cache
from pathlib import Path
from types import ModuleType

from connect.compiled import is_compiled


@cache
def interpreted(name: str) -> ModuleType:
    """The module run from its source, beside the one that ``import`` finds."""
    found = importlib.import_module(name)
    if not is_compiled(found):
        return found
    source = Path(*name.split(".")).with_suffix(".py")
    alias = f"{name}_interpreted"
    spec = importlib.util.spec_from_file_location(
        alias, Path(__file__).resolve().parents[1] / source
    )
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[alias] = module
    spec.loader.exec_module(module)
    return module


def forms(name: str) -> list[ModuleType]:
    """The interpreted form and, where it has been built, the compiled one."""
    found = importlib.import_module(name)
    return [interpreted(name), found] if is_compiled(found) else [found]


def form_id(module: ModuleType) -> str:
    """Names the form in a test's id."""
    return "compiled" if is_compiled(module) else "interpreted"

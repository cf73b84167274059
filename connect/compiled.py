"""Chooses between the compiled and the interpreted form of the hot modules.

A hot module is an ordinary Python file whose name ends in ``_cy``, written in Cython's pure-Python
mode and compiled at installation where a C compiler is. Import finds the compiled form first. The
environment variable ``MYSQL_CDC_COMPILED`` demands one form: ``0`` the interpreted, ``1`` the
compiled (ImportError where it is missing).
"""

from __future__ import annotations

import importlib.machinery
import importlib.util
import os
import sys
from collections.abc import Sequence
from importlib.abc import MetaPathFinder
from importlib.machinery import ExtensionFileLoader, ModuleSpec, PathFinder, SourceFileLoader
from pathlib import Path
from types import ModuleType

VARIABLE = "MYSQL_CDC_COMPILED"


def is_compiled(module: ModuleType) -> bool:
    return isinstance(module.__loader__, ExtensionFileLoader)


class _Chooser(MetaPathFinder):
    def __init__(self, compiled: bool) -> None:
        self.compiled = compiled

    def find_spec(
        self, fullname: str, path: Sequence[str] | None, target: ModuleType | None = None
    ) -> ModuleSpec | None:
        if not fullname.endswith("_cy") or path is None:
            return None
        loader: tuple[type, list[str]] = (SourceFileLoader, importlib.machinery.SOURCE_SUFFIXES)
        if self.compiled:
            loader = (ExtensionFileLoader, importlib.machinery.EXTENSION_SUFFIXES)
        for folder in path:
            spec = importlib.machinery.FileFinder(folder, loader).find_spec(fullname)
            if spec is not None:
                return spec
        if self.compiled and PathFinder.find_spec(fullname, path) is not None:
            raise ImportError(
                f"{VARIABLE}=1 demands the compiled form of {fullname}, which is not installed. "
                "Install with a C compiler present, or unset the variable."
            )
        return None


def choose() -> None:
    """Obey the environment variable; called once, when ``connect`` is imported."""
    wanted = os.environ.get(VARIABLE, "")
    if wanted in ("0", "1"):
        sys.meta_path.insert(0, _Chooser(wanted == "1"))


def forms(rooms: Sequence[str]) -> dict[str, bool]:
    """Every hot module of the given packages by name, and whether it would run compiled."""
    found = {}
    for room in rooms:
        package = importlib.util.find_spec(room)
        for folder in (package and package.submodule_search_locations) or ():
            for path in sorted(Path(folder).rglob("*_cy.py")):
                parts = path.relative_to(Path(folder).parent).with_suffix("").parts
                spec = importlib.util.find_spec(".".join(parts))
                assert spec is not None
                found[spec.name] = isinstance(spec.loader, ExtensionFileLoader)
    return found

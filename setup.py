"""Compiles the hot modules (``*_cy.py``) where a C compiler is; they run uncompiled without."""

from pathlib import Path

from Cython.Build import cythonize
from setuptools import Extension, setup

ROOMS = ("cdc", "connect", "schema_history", "sink")

setup(
    ext_modules=cythonize(
        [
            Extension(".".join(path.with_suffix("").parts), [str(path)], optional=True)
            for room in ROOMS
            for path in sorted(Path(room).rglob("*_cy.py"))
        ],
        build_dir="build",
        language_level=3,
    )
)

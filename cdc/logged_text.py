"""Statements that change rows and are logged as text: their rows are not in the binlog.

A session with ``binlog_format=STATEMENT`` or MIXED writes them. What they changed cannot be known,
so where a captured table may be concerned the stream must stop.
"""

from __future__ import annotations

import re

_BLANK = r"(?:\s|/\*(?!!).*?\*/|--\s[^\n]*\n|\#[^\n]*\n)*"
_NAME = r"(?:`(?:[^`]|``)+`|[\w$\u0080-\uffff]+)"
_CHANGES_ROWS = re.compile(
    _BLANK + r"(?P<verb>INSERT|REPLACE|UPDATE|DELETE|LOAD\s+DATA|LOAD\s+XML|WITH)\b(?P<rest>.*)",
    re.IGNORECASE | re.DOTALL,
)
_WORDS = (
    r"(?:\s+(?:LOW_PRIORITY|DELAYED|HIGH_PRIORITY|IGNORE|QUICK|INTO|FROM)\b)*"
    + _BLANK
    + rf"(?P<first>{_NAME})(?:\s*\.\s*(?P<second>{_NAME}))?"
)
_TARGET = re.compile(_WORDS, re.IGNORECASE | re.DOTALL)


def changes_rows(statement: str) -> bool:
    """Whether a statement changes rows by itself, comments before it passed over."""
    return _CHANGES_ROWS.match(statement) is not None


def target(statement: str, database: str) -> tuple[str, str] | None:
    """The database and table a simple statement names first; None where that is not plain."""
    found = _CHANGES_ROWS.match(statement)
    if found is None or found["verb"].upper() not in ("INSERT", "REPLACE", "UPDATE", "DELETE"):
        return None
    named = _TARGET.match(found["rest"])
    if named is None:
        return None
    first, second = _plain(named["first"]), named["second"]
    return (database, first) if second is None else (first, _plain(second))


def _plain(name: str) -> str:
    return name[1:-1].replace("``", "`") if name.startswith("`") else name

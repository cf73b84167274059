"""What a configured value may be: functions that say what is wrong with it, or None."""

from __future__ import annotations

import re
from collections.abc import Sequence

from connect.config import Validator
from connect.java_regex import compile_regex


def not_empty(value: object) -> str | None:
    return None if value else "must not be empty"


def at_least(minimum: int) -> Validator:
    return lambda value: (
        f"Value must be at least {minimum}" if value is not None and value < minimum else None
    )


def matching(pattern: str, what: str) -> Validator:
    """The text must match all of ``pattern``; ``what`` says in words what is allowed."""
    compiled = re.compile(pattern)
    return lambda value: (
        f"must be {what}" if value is not None and not compiled.fullmatch(value) else None
    )


def java_regexes(value: Sequence[str]) -> str | None:
    """Each item must be a Java regular expression that ``connect.java_regex`` understands."""
    for item in value or ():
        try:
            compile_regex(item)
        except ValueError as error:
            return str(error)
    return None

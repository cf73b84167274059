"""Finds values that an existing column would take, but bent: rounded, or cut.

Databases refuse text that is too long and numbers that are too big, but drop digits without a word:
1.25 becomes 1.3 in a DECIMAL(4,1), half a second vanishes in a DATETIME, 1.5 is 2 in an INT.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any, Final, TypeAlias

from sink.values import ColumnType, Kind, plain

Check: TypeAlias = Callable[[Any], Any]
"""Gives the value back, or raises ValueError."""

_NUMBER: Final = re.compile(r"(?:decimal|numeric)\s*\(\s*\d+\s*(?:,\s*(\d+)\s*)?\)")
_WHOLE: Final = re.compile(r"(?:tiny|small|medium|big|huge|u|us|ut|ub)*int(?:eger)?\b")
_CLOCK: Final = re.compile(r"(?P<kind>datetime|timestamp|time|interval)\s*(?:\((?P<digits>\d)\))?")
_DUCKDB: Final = {"timestamp_s": 0, "timestamp_ms": 3, "timestamp_ns": 6}
_MIDNIGHT: Final = dt.time()


def check(column: ColumnType, target_type: str, *, default_digits: int) -> Check | None:
    """What must hold for values of a kind in a column of this type; None if nothing can be lost.

    ``default_digits``: digits of a second where the type names none (MySQL: 0, others: 6).
    """
    kind = column.kind
    if kind in (Kind.DECIMAL, Kind.NUMBER, Kind.FLOAT32, Kind.FLOAT64):
        number = _NUMBER.match(target_type)
        if number is not None:
            scale = int(number[1] or 0)
            wide = kind is not Kind.DECIMAL or column.scale > scale
            return _digits(scale, target_type) if wide else None
        whole = _WHOLE.match(target_type) and (kind is not Kind.DECIMAL or column.scale > 0)
        return _digits(0, target_type) if whole else None
    if kind not in (Kind.TIME, Kind.TIMESTAMP, Kind.ZONED):
        return None
    if target_type == "date":
        return _midnight
    clock = _CLOCK.match(target_type)
    if clock is None:
        return None
    digits = _DUCKDB.get(target_type, int(clock["digits"] or default_digits))
    return _fraction(10 ** (6 - digits), target_type) if digits < column.scale else None


def _digits(scale: int, target_type: str) -> Check:
    quantum = Decimal(1).scaleb(-scale)

    def exact(value: Any) -> Any:
        number = Decimal(value)
        if number.is_finite() and number % quantum:
            shown = plain(value) if isinstance(value, Decimal) else value
            raise ValueError(f"{shown} has more digits than {target_type} holds")
        return value

    return exact


def _fraction(unit: int, target_type: str) -> Check:
    def exact(value: Any) -> Any:
        micros = value if isinstance(value, int) else value.microsecond
        if micros % unit:
            raise ValueError(f"{value} has more digits of a second than {target_type} holds")
        return value

    return exact


def _midnight(value: Any) -> Any:
    if not isinstance(value, dt.datetime) or value.time() != _MIDNIGHT:
        raise ValueError(f"{value} is more than the day that a date holds")
    return value

"""Time zones by name, as a configuration names them."""

from __future__ import annotations

import datetime as dt
import re
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

_FIXED = re.compile(r"(?:GMT|UTC)?(?P<offset>[+-]\d\d?(?::?\d\d)?)")


def time_zone(name: str) -> dt.tzinfo:
    """A time zone by IANA name, or as Java's ``GMT+8`` and ``+08:00``; ValueError if unknown."""
    if name in ("UTC", "GMT", "Z"):
        return dt.UTC
    fixed = _FIXED.fullmatch(name)
    if fixed:
        sign, digits = fixed["offset"][0], fixed["offset"][1:]
        hours, _, minutes = digits.partition(":") if ":" in digits else (digits[:2], "", digits[2:])
        offset = dt.timedelta(hours=int(hours), minutes=int(minutes or 0))
        return dt.timezone(-offset if sign == "-" else offset)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        raise ValueError(f"{name} is not a time zone this machine knows") from None

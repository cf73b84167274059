"""Dates as text by Java's patterns, in UTC and English: ``java.text.SimpleDateFormat``.

Formatting knows the letters y M d D w H k K h m s S a E u z Z X and quoted text. Parsing knows
those of them that say a date and time; it is strict where the original lets a month 13 pass.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable
from typing import NamedTuple

from connect.logical import datetime_from_micros, micros_from_datetime

_DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
)  # fmt: skip
_TOKENS = re.compile(r"'((?:[^']|'')*)'|([A-Za-z])\2*|([^A-Za-z']+)")


class _Token(NamedTuple):
    """A run of one pattern letter, or literal text if ``letter`` is empty."""

    letter: str
    text: str


def _number(of: Callable[[dt.datetime], int]) -> Callable[[dt.datetime, int], str]:
    return lambda moment, width: str(of(moment)).zfill(width)


def _year(moment: dt.datetime, width: int) -> str:
    return f"{moment.year % 100:02d}" if width == 2 else str(moment.year).zfill(width)


def _month(moment: dt.datetime, width: int) -> str:
    name = _MONTHS[moment.month - 1]
    return str(moment.month).zfill(width) if width < 3 else name[:3] if width == 3 else name


def _weekday(moment: dt.datetime, width: int) -> str:
    name = _DAYS[moment.weekday()]
    return name if width > 3 else name[:3]


def _week(moment: dt.datetime) -> int:
    """Weeks begin on Sunday; the first is the one with 1 January."""
    saturday = moment.date() + dt.timedelta(days=6 - moment.isoweekday() % 7)
    return (saturday.timetuple().tm_yday - 1) // 7 + 1


_FORMATS: dict[str, Callable[[dt.datetime, int], str]] = {
    "y": _year,
    "M": _month,
    "d": _number(lambda m: m.day),
    "D": _number(lambda m: m.timetuple().tm_yday),
    "w": _number(_week),
    "H": _number(lambda m: m.hour),
    "k": _number(lambda m: m.hour or 24),
    "K": _number(lambda m: m.hour % 12),
    "h": _number(lambda m: m.hour % 12 or 12),
    "m": _number(lambda m: m.minute),
    "s": _number(lambda m: m.second),
    "S": _number(lambda m: m.microsecond // 1000),
    "u": _number(lambda m: m.isoweekday()),
    "a": lambda m, _: "AM" if m.hour < 12 else "PM",
    "E": _weekday,
    "z": lambda _, width: "UTC" if width < 4 else "Coordinated Universal Time",
    "Z": lambda _, __: "+0000",
    "X": lambda _, __: "Z",
}
_PARSED = {"y": "year", "M": "month", "d": "day", "H": "hour", "m": "minute", "s": "second"}


class DateFormat:
    """One pattern. ValueError if it has a letter that is not known."""

    def __init__(self, pattern: str) -> None:
        self.pattern = pattern
        self._tokens: list[_Token] = []
        end = 0
        for found in _TOKENS.finditer(pattern):
            if found.start() != end:
                break
            end = found.end()
            quoted, letter, literal = found.groups()
            if letter and letter not in _FORMATS:
                raise ValueError(f"the pattern letter {letter!r} in {pattern!r} is not supported")
            if letter:
                self._tokens.append(_Token(letter, found[0]))
            else:
                text = literal if quoted is None else quoted.replace("''", "'") or "'"
                self._tokens.append(_Token("", text))
        if end != len(pattern):
            raise ValueError(f"the quote in {pattern!r} is not closed")
        self._regex: re.Pattern[str] | None = None

    def format(self, millis: int) -> str:
        """A moment, in milliseconds since the epoch."""
        moment = datetime_from_micros(millis * 1000)
        return "".join(
            _FORMATS[token.letter](moment, len(token.text)) if token.letter else token.text
            for token in self._tokens
        )

    def parse(self, text: str) -> int:
        """The moment in milliseconds since the epoch. ValueError if the text does not match.

        As in the original, what follows the match is passed by, and what the pattern does not say
        is as on 1970-01-01T00:00Z.
        """
        if self._regex is None:
            self._regex = self._parser()
        found = self._regex.match(text)
        if found is None:
            raise ValueError(f"{text!r} does not match the pattern {self.pattern}")
        parts = {key: value for key, value in found.groupdict().items() if value is not None}
        numbers = {"year": 1970, "month": 1, "day": 1, "hour": 0, "minute": 0, "second": 0}
        numbers |= {name: int(parts[name]) for name in numbers if name in parts}
        if "name" in parts:
            numbers["month"] = [m[:3].lower() for m in _MONTHS].index(parts["name"][:3].lower()) + 1
        if "half" in parts:
            numbers["hour"] = int(parts["twelve"]) % 12 + 12 * (parts["half"].upper() == "PM")
        moment = dt.datetime(**numbers, tzinfo=dt.UTC) - _offset(parts.get("zone", "Z"))
        return micros_from_datetime(moment) // 1000 + int(parts.get("millis", 0))

    def _parser(self) -> re.Pattern[str]:
        parts: list[str] = []
        for place, token in enumerate(self._tokens):
            size = len(token.text)
            follower = self._tokens[place + 1].letter if place + 1 < len(self._tokens) else ""
            adjacent = bool(follower) and follower not in "aEzZX"
            digits = rf"\d{{{size}}}" if adjacent else r"\d+"
            if not token.letter:
                parts.append(re.escape(token.text))
            elif token.letter == "M" and size >= 3:
                names = "|".join(name for month in _MONTHS for name in (month, month[:3]))
                parts.append(f"(?P<name>{names})")
            elif token.letter == "y" and size == 2:
                raise ValueError(f"a year of two digits in {self.pattern!r} cannot be parsed")
            elif token.letter in _PARSED:
                parts.append(f"(?P<{_PARSED[token.letter]}>{digits})")
            elif token.letter == "S":
                parts.append(f"(?P<millis>{digits})")
            elif token.letter in "hK":
                parts.append(f"(?P<twelve>{digits})")
            elif token.letter == "a":
                parts.append("(?P<half>[AaPp][Mm])")
            elif token.letter == "E":
                parts.append("(?:" + "|".join(n for d in _DAYS for n in (d, d[:3])) + ")")
            elif token.letter in "zZX":
                parts.append(r"(?P<zone>Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)")
            else:
                raise ValueError(f"{token.letter!r} in {self.pattern!r} cannot be parsed")
        return re.compile("".join(parts), re.ASCII | re.IGNORECASE)


def _offset(zone: str) -> dt.timedelta:
    if zone[0] not in "+-":
        return dt.timedelta()
    digits = zone[1:].replace(":", "").ljust(4, "0")
    size = dt.timedelta(hours=int(digits[:2]), minutes=int(digits[2:]))
    return size if zone[0] == "+" else -size

"""Dates, times and timestamps: from a database's ISO text to numbers, and back.

Timestamps are microseconds since the epoch, dates days since the epoch, times of day milliseconds.
Text without a zone is wall-clock time of ``db.timezone``. In the legacy calendar, as Java's
``GregorianCalendar``, days before 15 October 1582 are Julian.
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable

_EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
_EPOCH_ORDINAL = _EPOCH.toordinal()
_MICRO = dt.timedelta(microseconds=1)
_FIRST_GREGORIAN = (1582, 10, 15)
_LONGEST = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_DAY_MILLIS = 86_400_000
_FULL = re.compile(
    r"(?P<year>\d+)-(?P<month>\d\d)-(?P<day>\d\d)"
    r"(?:[ T](?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?)?"
    r"(?P<offset>Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?(?P<era> BC)?"
)
_CLOCK = re.compile(
    r"(?P<hour>\d\d):(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?"
    r"(?P<offset>Z|[+-]\d\d(?::?\d\d(?::?\d\d)?)?)?"
)
# What the PostgreSQL driver for Java makes of the two infinities, in ms.
_INFINITE = {"infinity": 9_223_372_036_825_200_000, "-infinity": -9_223_372_036_832_400_000}


def _offset_seconds(text: str) -> int:
    if text == "Z":
        return 0
    digits = text[1:].replace(":", "")
    parts = [int(digits[at : at + 2]) for at in range(0, len(digits), 2)]
    seconds = sum(part * unit for part, unit in zip(parts, (3600, 60, 1), strict=False))
    return -seconds if text[0] == "-" else seconds


def days(year: int, month: int, day: int, *, legacy: bool) -> int:
    """Days since the epoch of a civil date of any year (0 is 1 BC); ValueError for no date."""
    julian = legacy and (year, month, day) < _FIRST_GREGORIAN
    leap = year % 4 == 0 and (julian or year % 100 != 0 or year % 400 == 0)
    if not (1 <= month <= 12 and 1 <= day <= _LONGEST[month] - (month == 2 and not leap)):
        raise ValueError("there is no such day")
    shifted = year - (month <= 2)  # years that begin in March, so that a leap day comes last
    of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    whole = 365 * shifted + shifted // 4 + of_year - 719_470
    return whole if julian else whole + 2 - shifted // 100 + shifted // 400


def date_reader(*, legacy: bool) -> Callable[[str], int]:
    """Reads ``YYYY-MM-DD``, also with `` BC``."""

    def read(text: str) -> int:
        if len(text) == 10 and text >= "1582-10-15":
            return dt.date.fromisoformat(text).toordinal() - _EPOCH_ORDINAL
        if text in _INFINITE:
            raise ValueError("a Date has no infinity")
        found = _FULL.fullmatch(text)
        if found is None or found["hour"]:
            raise ValueError("it is no date")
        return _found_days(found, legacy)

    return read


def _found_days(found: re.Match[str], legacy: bool) -> int:
    year = 1 - int(found["year"]) if found["era"] else int(found["year"])
    return days(year, int(found["month"]), int(found["day"]), legacy=legacy)


def time_reader(local: dt.tzinfo) -> Callable[[str], int]:
    """Reads ``HH:MM:SS.ffffff`` of one day, as a clock in ``local`` showed it, into a UTC time."""
    shift = _EPOCH.astimezone(local).utcoffset() or dt.timedelta()
    local_seconds = int(shift.total_seconds())

    def read(text: str) -> int:
        found = _CLOCK.fullmatch(text)
        if found is None or int(found["hour"]) > 23:
            raise ValueError("it is not a time of one day")
        offset = _offset_seconds(found["offset"]) if found["offset"] else local_seconds
        return (_clock_micros(found) // 1000 - offset * 1000) % _DAY_MILLIS

    return read


def _clock_micros(found: re.Match[str]) -> int:
    seconds = int(found["hour"] or 0) * 3600 + int(found["minute"] or 0) * 60
    fraction = (found["fraction"] or "")[:6].ljust(6, "0")
    return (seconds + int(found["second"] or 0)) * 1_000_000 + int(fraction)


def timestamp_reader(local: dt.tzinfo, *, legacy: bool) -> Callable[[str], int]:
    """Reads ``YYYY-MM-DD HH:MM:SS.ffffff``, with or without an offset, of any year."""

    def read(text: str) -> int:
        try:
            moment = dt.datetime.fromisoformat(text)
        except ValueError:
            return read_any(text)
        if legacy and moment.year < 1583:
            return read_any(text)
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=local)
        return (moment - _EPOCH) // _MICRO

    def read_any(text: str) -> int:
        if text in _INFINITE:
            return _INFINITE[text] * 1000
        found = _FULL.fullmatch(text)
        if found is None:
            raise ValueError("it is no timestamp")
        if found["offset"]:
            offset = _offset_seconds(found["offset"])
        else:
            nearest = min(max(int(found["year"]), 2), 9998)
            at = dt.datetime(nearest, int(found["month"]), 1, tzinfo=local)
            offset = int((at.utcoffset() or dt.timedelta()).total_seconds())
        day = _found_days(found, legacy)
        return day * 86_400_000_000 + _clock_micros(found) - offset * 1_000_000

    return read


def wall_clock(micros: int, local: dt.tzinfo, *, separator: str = " ", offset: bool = False) -> str:
    """ISO text with six digits of fraction, as a clock in ``local`` shows it.

    Raises OverflowError outside years 1 to 9999.
    """
    moment = (_EPOCH + dt.timedelta(microseconds=micros)).astimezone(local)
    if not offset:
        moment = moment.replace(tzinfo=None)
    return moment.isoformat(separator, "microseconds")

# cython: wraparound=False, cdivision=True
"""Calendar arithmetic for the row loops.

The proleptic Gregorian calendar, as ``java.time``; the algorithm counts in eras of 400 years that
begin on the first of March. Years are not negative, so all divisions are of positive numbers.
"""

from __future__ import annotations

import cython

_DAYS = (0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_TWO = tuple(f"{n:02d}" for n in range(100))
_THREE = tuple(f"{n:03d}" for n in range(1000))
_MINUTES = tuple(f"T{n // 60:02d}:{n % 60:02d}:" for n in range(1440))
_dates: dict[int, str] = {}


def days_from_civil(year: cython.long, month: cython.long, day: cython.long) -> cython.longlong:
    """Days from 1970-01-01 to a date of the years 0 and up."""
    year = year + 400 - (month <= 2)
    era = year // 400
    year_of_era = year - era * 400
    month_of_year = month - 3 if month > 2 else month + 9
    day_of_year = (153 * month_of_year + 2) // 5 + day - 1
    day_of_era = year_of_era * 365 + year_of_era // 4 - year_of_era // 100 + day_of_year
    return (era - 1) * 146097 + day_of_era - 719468


def is_date(year: cython.long, month: cython.long, day: cython.long) -> cython.bint:
    """False for zero dates, dates with a zero part, and days a month does not have."""
    if month < 1 or month > 12 or day < 1:
        return False
    if day <= 28:
        return True
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    return day <= (29 if month == 2 and leap else _DAYS[month])


def _date_text(day: int) -> str:
    """``2018-06-20`` for a day number of the years 1970 to 9999."""
    days = day + 719468
    era = days // 146097
    day_of_era = days - era * 146097
    year_of_era = (
        day_of_era - day_of_era // 1460 + day_of_era // 36524 - day_of_era // 146096
    ) // 365
    day_of_year = day_of_era - (365 * year_of_era + year_of_era // 4 - year_of_era // 100)
    shifted = (5 * day_of_year + 2) // 153
    date = day_of_year - (153 * shifted + 2) // 5 + 1
    month = shifted + 3 if shifted < 10 else shifted - 9
    year = year_of_era + era * 400 + (month <= 2)
    return f"{year:04d}-{month:02d}-{date:02d}"


def timestamp_text(seconds: cython.longlong, micros: cython.long, digits: cython.int) -> str:
    """``2018-06-20T04:37:03.123Z``: seconds since the epoch, with exactly ``digits`` of fraction.

    Rows come in the order of time, so the text of a day is kept.
    """
    day: cython.longlong = seconds // 86400
    second: cython.long = seconds - day * 86400
    date = _dates.get(day)
    if date is None:
        if len(_dates) > 1000:
            _dates.clear()
        date = _dates[day] = _date_text(day)
    minute: str = _MINUTES[second // 60]
    tail: str = _TWO[second % 60]
    if digits == 0:
        return f"{date}{minute}{tail}Z"
    if digits == 3:
        return f"{date}{minute}{tail}.{_THREE[micros // 1000]}Z"
    fraction = f"{_THREE[micros // 1000]}{_THREE[micros % 1000]}"
    return f"{date}{minute}{tail}.{fraction[:digits]}Z"

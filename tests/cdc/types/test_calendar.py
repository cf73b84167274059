"""Calendar arithmetic against Python's own, in both forms."""

from __future__ import annotations

import datetime as dt
from types import ModuleType

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.hot import form_id, forms

EPOCH = dt.datetime(1970, 1, 1)
CALENDARS = forms("cdc.types.calendar_cy")
INTEGERS = forms("cdc.types.integer_cy")


@pytest.mark.parametrize("calendar", CALENDARS, ids=form_id)
@given(day=st.dates())
def test_days(calendar: ModuleType, day: dt.date) -> None:
    expected = (day - EPOCH.date()).days
    assert calendar.days_from_civil(day.year, day.month, day.day) == expected
    assert calendar.is_date(day.year, day.month, day.day)


@pytest.mark.parametrize("calendar", CALENDARS, ids=form_id)
@given(st.integers(0, 9999), st.integers(0, 15), st.integers(0, 31))
def test_what_is_a_date(calendar: ModuleType, year: int, month: int, day: int) -> None:
    leap = year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)
    lengths = [31, 29 if leap else 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31]
    expected = 1 <= month <= 12 and 1 <= day <= lengths[month - 1]
    assert bool(calendar.is_date(year, month, day)) == expected


@pytest.mark.parametrize("calendar", CALENDARS, ids=form_id)
@given(at=st.datetimes(EPOCH, dt.datetime(2106, 2, 7)), digits=st.integers(0, 6))
def test_timestamps(calendar: ModuleType, at: dt.datetime, digits: int) -> None:
    seconds = (at - EPOCH) // dt.timedelta(seconds=1)
    text = at.isoformat(timespec="microseconds")
    expected = text[: 19 + digits + (digits > 0)]
    assert calendar.timestamp_text(seconds, at.microsecond, digits) == f"{expected}Z"


@pytest.mark.parametrize("integer", INTEGERS, ids=form_id)
@given(st.integers(-(2**63), 2**63 - 1))
def test_shortest_bytes(integer: ModuleType, value: int) -> None:
    found = integer.shortest_bytes(value)
    assert int.from_bytes(found, "big", signed=True) == value
    size = len(found) - 1
    assert size == 0 or not -(2 ** (8 * size - 1)) <= value < 2 ** (8 * size - 1)

"""SimpleDateFormat's patterns; the formatted texts are what Java printed."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from connect.java_dates import DateFormat


@pytest.mark.parametrize(
    ("pattern", "text"),
    [
        ("yyyy-MM-dd'T'HH:mm:ss.SSS", "2023-11-14T22:13:20.123"),
        ("yyMMddHH EEE MMM D w", "23111422 Tue Nov 318 46"),
        ("a h k K z Z X u", "PM 10 22 10 UTC +0000 Z 2"),
        ("EEEE, d MMMM yyyy", "Tuesday, 14 November 2023"),
        ("h 'o''clock' ''a''", "10 o'clock 'PM'"),
    ],
)  # fmt: skip
def test_formatting(pattern: str, text: str) -> None:
    assert DateFormat(pattern).format(1_700_000_000_123) == text


@given(st.integers(-(10**13), 10**14))
def test_read_back(millis: int) -> None:
    for pattern in ("yyyy-MM-dd HH:mm:ss.SSS", "yyyyMMddHHmmssSSS", "d MMM yyyy h:mm:ss.SSS a Z"):
        form = DateFormat(pattern)
        assert form.parse(form.format(millis)) == millis


def test_zones_and_what_is_left_out() -> None:
    assert DateFormat("yyyy-MM-dd'T'HH:mmX").parse("1970-01-01T01:30+01:30") == 0
    assert DateFormat("yyyy").parse("1971") == 365 * 86_400_000
    assert DateFormat("yyyy-MM-dd").parse("1970-01-02 and more") == 86_400_000


@pytest.mark.parametrize("pattern", ["bogus", "yyyy'", "YYYY"])
def test_patterns_refused(pattern: str) -> None:
    with pytest.raises(ValueError, match=r"not supported|not closed"):
        DateFormat(pattern)


@pytest.mark.parametrize("text", ["bad", "2020-13-01", "2020-02-30", "2020"])
def test_texts_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"does not match|month|day"):
        DateFormat("yyyy-MM-dd").parse(text)

"""Dates and times out of text, held against Python's own and against known days."""

from __future__ import annotations

import datetime as dt
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cdc.polling import temporal
from connect.time_zone import time_zone

EPOCH = dt.datetime(1970, 1, 1, tzinfo=dt.UTC)
ZONES = (dt.UTC, ZoneInfo("Europe/Berlin"), ZoneInfo("Asia/Kolkata"), time_zone("GMT-3:30"))


@given(st.datetimes(min_value=dt.datetime(2, 1, 1), max_value=dt.datetime(9998, 12, 31)))
def test_timestamps_are_pythons(moment: dt.datetime) -> None:
    expected = (moment.replace(tzinfo=dt.UTC) - EPOCH) // dt.timedelta(microseconds=1)
    read = temporal.timestamp_reader(dt.UTC, legacy=False)
    assert read(moment.isoformat(" ")) == expected
    assert read(moment.isoformat("T", "microseconds")) == expected
    assert read(moment.replace(tzinfo=dt.UTC).isoformat(" ")) == expected


@given(
    st.datetimes(min_value=dt.datetime(1600, 1, 1), max_value=dt.datetime(9998, 1, 1)),
    st.sampled_from(ZONES),
)
def test_a_bound_reads_back_as_itself(moment: dt.datetime, zone: dt.tzinfo) -> None:
    micros = (moment.replace(tzinfo=dt.UTC) - EPOCH) // dt.timedelta(microseconds=1)
    read = temporal.timestamp_reader(zone, legacy=True)
    assert read(temporal.wall_clock(micros, zone, offset=True)) == micros
    wall = temporal.wall_clock(micros, zone)
    # Twice a year one wall-clock time is two moments; then the first is meant.
    assert read(wall) in (micros, micros - 3_600_000_000)
    assert temporal.wall_clock(read(wall), zone) == wall


@given(st.dates(), st.booleans())
def test_days_are_pythons(day: dt.date, legacy: bool) -> None:
    expected = day.toordinal() - EPOCH.toordinal()
    if day >= dt.date(1582, 10, 15) or not legacy:
        assert temporal.days(day.year, day.month, day.day, legacy=legacy) == expected
        assert temporal.date_reader(legacy=legacy)(day.isoformat()) == expected


@pytest.mark.parametrize(
    ("text", "legacy", "proleptic"),
    [
        ("1582-10-04", -141428, -141438),
        ("0000-01-01", -719530, -719528),
        ("1000-01-01", -354280, -354285),
        ("0001-01-01", -719164, -719162),
        ("0044-03-15 BC", -735162, -735160),
        ("294276-12-31", 106762939, 106762939),
    ],
)
def test_old_and_far_days(text: str, legacy: int, proleptic: int) -> None:
    assert temporal.date_reader(legacy=True)(text) == legacy
    assert temporal.date_reader(legacy=False)(text) == proleptic


@pytest.mark.parametrize(
    "text",
    ["0000-00-00", "2024-13-01", "2024-02-30", "1900-02-29", "1500-02-30", "2024-02-3", "soon"],
)
def test_what_is_no_date(text: str) -> None:
    for read in (
        temporal.date_reader(legacy=True),
        temporal.timestamp_reader(dt.UTC, legacy=True),
    ):
        with pytest.raises(ValueError):
            read(text)


@given(st.times(), st.sampled_from(ZONES))
def test_times_of_day(time: dt.time, zone: dt.tzinfo) -> None:
    since = dt.timedelta(
        hours=time.hour, minutes=time.minute, seconds=time.second, microseconds=time.microsecond
    )
    shift = EPOCH.astimezone(zone).utcoffset() or dt.timedelta()
    expected = (since - shift) // dt.timedelta(milliseconds=1) % 86_400_000
    assert temporal.time_reader(zone)(time.isoformat("microseconds")) == expected

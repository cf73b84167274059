"""Zones by the names that a configuration may have for them."""

from __future__ import annotations

import datetime as dt

import pytest

from connect.time_zone import time_zone


@pytest.mark.parametrize(
    ("name", "hours"), [("GMT+8", 8), ("UTC-03:30", -3.5), ("+0530", 5.5), ("UTC", 0), ("GMT", 0)]
)
def test_zone_names_as_java_writes_them(name: str, hours: float) -> None:
    assert time_zone(name).utcoffset(None) == dt.timedelta(hours=hours)


def test_an_unknown_zone() -> None:
    with pytest.raises(ValueError, match="Mars/Olympus is not a time zone"):
        time_zone("Mars/Olympus")

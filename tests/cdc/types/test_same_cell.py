"""A cell has one value, whether a snapshot or the stream reads it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from cdc.connection import Flavour
from cdc.types.options import (
    BigintUnsignedHandling,
    BinaryHandling,
    DecimalHandling,
    Options,
    TimePrecision,
)
from connect.errors import CdcError
from tests.cdc.binlog.source import Source

HERE = Path(__file__).parent


def cells(name: str) -> Iterator[tuple[str, list[str]]]:
    for line in (HERE / name).read_text().splitlines():
        if line and not line.startswith("--"):
            definition, *literals = line.split(" | ")
            yield definition, literals


def fill(source: Source, name: str, definition: str, literals: list[str]) -> None:
    source.execute(f"CREATE TABLE {name} (id INT PRIMARY KEY, v {definition})")
    rows = ", ".join(f"({number}, {text})" for number, text in enumerate([*literals, "NULL"]))
    source.execute(f"INSERT INTO {name} VALUES {rows}")


@pytest.mark.timeout(180)
def test_every_type(any_source: Source) -> None:
    source = any_source
    every = [*cells("cells.sql")]
    every += cells(f"{source.server.flavour}_cells.sql")
    if source.server.version >= (9, 0, 0) and source.server.flavour is Flavour.MYSQL:
        every.append(("VECTOR(3)", ["STRING_TO_VECTOR('[1.5, -2, 3e10]')"]))
    wrong = []
    for number, (definition, literals) in enumerate(every):
        start = source.position()
        fill(source, f"t{number}", definition, literals)
        try:
            streamed = source.streamed(start, f"t{number}")
            selected = source.selected(f"t{number}")
        except CdcError as error:
            wrong.append(f"{definition}: {error}")
            continue
        assert len(selected) == len(literals) + 1
        assert selected[-1][1] is None
        wrong += [
            f"{definition} {literals[a[0]]}: stream {a[1]!r}, snapshot {b[1]!r}"
            for a, b in zip(streamed, selected, strict=True)
            if repr(a) != repr(b)
        ]
    assert not wrong, "\n".join(wrong)


MODES = [
    Options(time=time, decimal=decimal, bigint_unsigned=bigint, binary=binary, adjust_years=adjust)
    for time, decimal, bigint, binary, adjust in zip(
        TimePrecision,
        [*DecimalHandling, *DecimalHandling],
        [*BigintUnsignedHandling] * 3,
        [*BinaryHandling, BinaryHandling.HEX],
        [True, False] * 3,
        strict=False,
    )
]


@pytest.mark.parametrize("options", MODES, ids=lambda options: str(options.time))
def test_every_mode(source: Source, options: Options) -> None:
    start = source.position()
    source.execute(
        "CREATE TABLE m (id INT PRIMARY KEY, a DATE, b DATETIME(3), c DATETIME(6), d TIME(6), "
        "e YEAR, f DECIMAL(20,4), g BIGINT UNSIGNED, h VARBINARY(9), i BINARY(4), "
        "j DATETIME(2) NOT NULL, k DATE NOT NULL, l TIMESTAMP(3) NOT NULL, m TIME(2))"
    )
    source.execute(
        "INSERT INTO m VALUES "
        "(1, '1969-07-20', '1969-07-20 20:17:40.123', '1969-07-20 20:17:40.123456', "
        "'23:59:59.999999', 0, -1234.5000, 18446744073709551615, x'fbff00', x'01', "
        "'0000-00-00', '0000-00-00', '0000-00-00', '-25:00:00'),"
        "(2, '0069-07-20', '2200-01-01 00:00:00', '1700-01-01', '00:00:00', 1999, 0.0001, 0, '', "
        "'', '2024-01-01 00:00:00.10', '2024-01-01', '2024-01-01 00:00:00.100', '25:00:00')"
    )
    streamed = source.streamed(start, "m", options)
    assert len(streamed) == 2
    assert streamed == source.selected("m", options)

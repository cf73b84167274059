"""The row loops, compiled and interpreted: random rows both ways, and damaged bytes."""

from __future__ import annotations

import datetime as dt
import random
from types import ModuleType
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from cdc.binlog import decoder_cy
from cdc.binlog.steps import RowsStep
from cdc.snapshot import query as query_module
from cdc.types.codec import Codec, Op
from connect.errors import DataError
from connect.logical import decimal_from_bytes
from tests.cdc.binlog.source import Source
from tests.hot import form_id, forms

ROWS = forms("cdc.binlog.rows_cy")
TEXT_ROWS = forms("cdc.snapshot.text_rows_cy")
FRAMING = forms("cdc.binlog.framing_cy")

COLUMNS = {
    "a": ("BIGINT", st.integers(-(2**63), 2**63 - 1)),
    "b": ("BIGINT UNSIGNED", st.integers(0, 2**64 - 1)),
    "c": ("MEDIUMINT", st.integers(-(2**23), 2**23 - 1)),
    "d": ("DOUBLE", st.floats(allow_nan=False, allow_infinity=False)),
    "e": ("FLOAT", st.floats(allow_nan=False, allow_infinity=False, width=32)),
    "f": ("DECIMAL(31,11)", st.decimals(-(10**19), 10**19, places=11)),
    "g": ("DECIMAL(9,4)", st.decimals(-99999, 99999, places=4)),
    "h": ("VARCHAR(100)", st.text(st.characters(exclude_categories=["Cs"]), max_size=100)),
    "i": ("VARCHAR(90) CHARACTER SET latin1", st.text("aé€ÿ", max_size=90)),
    "j": ("BLOB", st.binary(max_size=300)),
    "k": ("DATETIME(6)", st.datetimes(dt.datetime(1000, 1, 1))),
    "l": ("DATE", st.dates(dt.date(1000, 1, 1))),
    "m": ("TIME(6)", st.timedeltas(dt.timedelta(hours=-838), dt.timedelta(hours=838))),
    "n": (
        "TIMESTAMP(6) NULL",
        st.datetimes(dt.datetime(1970, 1, 1, 0, 0, 1), dt.datetime(2038, 1, 19)),
    ),
    "o": ("BIT(33)", st.integers(0, 2**33 - 1)),
}
JSON_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**64 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    lambda inner: st.lists(inner, max_size=5) | st.dictionaries(st.text("abcé", max_size=3), inner),
    max_leaves=12,
)


@pytest.mark.timeout(180)
@pytest.mark.parametrize(
    ("rows", "text_rows"), [*zip(ROWS, TEXT_ROWS, strict=True)], ids=map(form_id, ROWS)
)
def test_random_rows_both_ways(
    source: Source, monkeypatch: pytest.MonkeyPatch, rows: ModuleType, text_rows: ModuleType
) -> None:
    monkeypatch.setattr(decoder_cy, "decode_rows", rows.decode_rows)
    monkeypatch.setattr("cdc.binlog.plan.RowPlan", rows.RowPlan)
    monkeypatch.setattr(query_module, "decode_text_rows", text_rows.decode_text_rows)
    monkeypatch.setattr("tests.cdc.binlog.source.TextPlan", text_rows.TextPlan)
    definitions = ", ".join(f"{name} {kind}" for name, (kind, _) in COLUMNS.items())
    source.execute(f"CREATE TABLE r (id INT PRIMARY KEY, {definitions}, z JSON)")
    values = st.tuples(*(st.none() | values for _, values in COLUMNS.values()), JSON_VALUES)

    @settings(
        max_examples=12,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=[*HealthCheck],
    )
    @given(st.lists(values, min_size=1, max_size=40))
    def check(drawn: list[tuple[Any, ...]]) -> None:
        source.execute("DELETE FROM r")
        start = source.position()
        with source.connection.cursor() as cursor:
            cursor.executemany(
                f"INSERT INTO r VALUES ({', '.join(['%s'] * (len(COLUMNS) + 2))})",
                [
                    (n, *row[:-1], orjson.dumps(row[-1]).decode() if row[-1] is not None else None)
                    for n, row in enumerate(drawn)
                ],
            )
        streamed = source.streamed(start, "r")
        assert streamed == source.selected("r")
        for number, (given_row, row) in enumerate(zip(drawn, streamed, strict=True)):
            assert row[0] == number
            assert row[1] == given_row[0]
            if given_row[3] is not None:
                assert row[4] == given_row[3]
            if given_row[5] is not None:
                assert decimal_from_bytes(row[6], 11) == given_row[5]
            assert row[8] == given_row[7]
            assert row[10] == given_row[9]

    check()


@pytest.mark.parametrize("rows", ROWS, ids=form_id)
def test_damaged_rows(source: Source, monkeypatch: pytest.MonkeyPatch, rows: ModuleType) -> None:
    """Cut or changed bytes give rows or a DataError, nothing else."""
    source.execute(
        "CREATE TABLE r (a INT, b VARCHAR(300), c DECIMAL(20,3), d DATETIME(6), e JSON, f BIT(9), "
        "g ENUM('x'), h SET('p','q'), i BLOB, j TIME(3), k TIMESTAMP(1) NULL, l YEAR, m DATE, "
        "n POINT, o BINARY(3), p VARCHAR(9) CHARACTER SET gbk)"
    )
    start = source.position()
    source.execute(
        "INSERT INTO r VALUES (1, 'text', 1.5, NOW(6), '{\"a\": [1, 2.5, \"x\", {}]}', b'1', 'x', "
        "'p,q', x'00', '1:2:3', NOW(), 2000, NOW(), POINT(1, 2), 'ab', '中'), "
        "(2, NULL, NULL, NULL, NULL, NULL, NULL, NULL, 'b', NULL, NULL, NULL, NULL, NULL, NULL, '')"
    )
    taken: list[tuple[Any, ...]] = []

    def take(*arguments: Any) -> Any:
        taken.append(arguments)
        return rows.decode_rows(*arguments)

    monkeypatch.setattr(decoder_cy, "decode_rows", take)
    monkeypatch.setattr("cdc.binlog.plan.RowPlan", rows.RowPlan)
    source.steps(start, "r")
    ((packet, begin, end, plan, first, second),) = taken
    whole, _ = rows.decode_rows(packet, begin, end, plan, first, second)
    assert len(whole) == 2
    for cut in range(begin + 1, end):
        try:
            ones, _ = rows.decode_rows(packet, begin, cut, plan, first, second)
        except DataError as error:
            assert str(error)
        else:
            assert ones == whole[: len(ones)]
    with pytest.raises(DataError):
        rows.decode_rows(packet, begin, len(packet) + 1, plan, first, second)
    chance = random.Random(7)
    failures = 0
    for _ in range(2000):
        changed = bytearray(packet)
        for _ in range(chance.randint(1, 3)):
            changed[chance.randrange(begin, end)] = chance.randrange(256)
        try:
            ones, _ = rows.decode_rows(bytes(changed), begin, end, plan, first, second)
        except DataError as error:
            failures += 1
            assert "Column" in str(error) or "cut off" in str(error)
        else:
            assert len(ones) <= end - begin
    assert failures > 100


@pytest.mark.parametrize("text_rows", TEXT_ROWS, ids=form_id)
def test_damaged_text_rows(text_rows: ModuleType) -> None:
    codecs = [
        Codec(Op.INT), Codec(Op.UTF8), Codec(Op.DATETIME, 6, 1), Codec(Op.DECIMAL, 10, 2),
        Codec(Op.TIMESTAMP, 3), Codec(Op.DOUBLE), Codec(Op.FLOAT), Codec(Op.DATE), Codec(Op.BYTES),
        Codec(Op.TIME, 6), Codec(Op.BITS, 2),
    ]  # fmt: skip
    plan = text_rows.TextPlan(codecs)
    cells = [
        b"-12", "é".encode(), b"2024-02-29 12:34:56.123456", b"-1.5", b"2024-02-29 12:34:56.123",
        b"1e300", b"1.5", b"2024-02-29", b"\0\xff", b"-838:59:59.000001", b"\1\2",
    ]  # fmt: skip
    packet = b"".join(bytes([len(cell)]) + cell for cell in cells)
    ((row),) = text_rows.decode_text_rows([packet], plan)
    assert row[:4] == (-12, "é", 1709210096123456, b"\xff\x6a")
    assert row[9] == -3020399000001
    chance = random.Random(7)
    for cut in range(len(packet)):
        with pytest.raises(DataError, match="Column"):
            text_rows.decode_text_rows([packet[:cut]], plan)
    for _ in range(3000):
        changed = bytearray(packet)
        changed[chance.randrange(len(packet))] = chance.randrange(256)
        try:
            text_rows.decode_text_rows([bytes(changed)], plan)
        except DataError as error:
            assert "Column" in str(error)


@pytest.mark.parametrize("framing", FRAMING, ids=form_id)
@given(payloads=st.lists(st.binary(max_size=40)), extra=st.binary(max_size=3))
def test_framing(framing: ModuleType, payloads: list[bytes], extra: bytes) -> None:
    data = b"".join(len(p).to_bytes(3, "little") + b"\7" + p for p in payloads)
    found, position = framing.split(bytearray(data + extra), 0, len(data) + len(extra))
    assert found == payloads
    assert position == len(data)


def test_rows_step_is_one_per_event(source: Source) -> None:
    source.execute("CREATE TABLE r (id INT PRIMARY KEY)")
    start = source.position()
    source.execute("INSERT INTO r VALUES " + ", ".join(f"({n})" for n in range(5000)))
    steps = [step for step in source.steps(start, "r") if isinstance(step, RowsStep)]
    assert 1 <= len(steps) <= 10
    assert [row[0] for step in steps for row in step.after] == list(range(5000))

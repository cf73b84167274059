# cython: boundscheck=False, wraparound=False, cdivision=True
"""The row loop of a snapshot: packets of a text result become tuples of Connect values.

The counterpart of ``cdc.binlog.rows_cy``: for the same cell both give the same value. A plan holds
one instruction per selected column; every read is checked against the end of its packet.

Follows the page "Text Resultset" of MySQL's client/server protocol.
"""

from __future__ import annotations

from collections.abc import Sequence
from struct import Struct
from typing import Any

import cython

from cdc.types.codec import Codec, Op
from connect.errors import DataError
from connect.logical import unscaled_bytes

if cython.compiled:
    from cython.cimports.cdc.types.calendar_cy import days_from_civil, is_date
    from cython.cimports.cdc.types.integer_cy import shortest_bytes
else:
    from cdc.types.calendar_cy import days_from_civil, is_date
    from cdc.types.integer_cy import shortest_bytes

INT = cython.declare(cython.int, Op.INT)
UTF8 = cython.declare(cython.int, Op.UTF8)
DATETIME = cython.declare(cython.int, Op.DATETIME)
DECIMAL = cython.declare(cython.int, Op.DECIMAL)
TIMESTAMP = cython.declare(cython.int, Op.TIMESTAMP)
DOUBLE = cython.declare(cython.int, Op.DOUBLE)
FLOAT = cython.declare(cython.int, Op.FLOAT)
DATE = cython.declare(cython.int, Op.DATE)
BYTES = cython.declare(cython.int, Op.BYTES)
TIME = cython.declare(cython.int, Op.TIME)
BITS = cython.declare(cython.int, Op.BITS)

_FLOAT = Struct("<f")


@cython.cclass
class TextPlan:
    """How the rows of one query are read: arrays with one item per selected column."""

    count: cython.Py_ssize_t
    ops: bytes
    a: bytes
    b: bytes
    adjust: bytes
    tables: tuple[Any, ...]
    converts: tuple[Any, ...]

    def __init__(self, codecs: Sequence[Codec]) -> None:
        self.count = len(codecs)
        self.ops = bytes([codec.op for codec in codecs])
        self.a = bytes([codec.a for codec in codecs])
        self.b = bytes([codec.b for codec in codecs])
        self.adjust = bytes([codec.adjust for codec in codecs])
        self.tables = tuple([codec.table for codec in codecs])
        self.converts = tuple([codec.convert for codec in codecs])

    def __len__(self) -> int:
        return self.count


def decode_text_rows(packets: list[bytes], plan: TextPlan) -> list[tuple[Any, ...]]:
    """One tuple per packet; DataError, with the column's number, for what is no row of the plan."""
    return [_row(packet, plan) for packet in packets]


def decode_text(data: bytes, codec: Codec) -> Any:
    """A single value, such as a column's default; DataError or ValueError if it is none."""
    return _value(data, 0, len(data), TextPlan([codec]), 0)


@cython.cfunc
def _row(packet: bytes, plan: TextPlan) -> tuple:  # type: ignore[type-arg]
    p: cython.p_const_uchar = packet
    end: cython.Py_ssize_t = len(packet)
    pos: cython.Py_ssize_t = 0
    place: cython.Py_ssize_t = 0
    size: cython.Py_ssize_t
    width: cython.int
    index: cython.int
    head: cython.int
    row: list = []  # type: ignore[type-arg]
    try:
        for place in range(plan.count):
            if pos >= end:
                raise DataError("the row is cut off")
            head = p[pos]
            pos += 1
            if head == 0xFB:
                row.append(None)
                continue
            if head < 0xFB:
                size = head
            else:
                width = 2 if head == 0xFC else 3 if head == 0xFD else 8
                if head == 0xFF or pos + width > end:
                    raise DataError("the value's length is cut off")
                size = 0
                for index in range(width - 1, -1, -1):
                    size = (size << 8) | p[pos + index]
                pos += width
            if size < 0 or size > end - pos:
                raise DataError("the value is cut off")
            row.append(_value(packet, pos, size, plan, place))
            pos += size
    except (DataError, ValueError, ArithmeticError, IndexError) as error:
        raise DataError(f"Column {place + 1}: {error}") from error
    return tuple(row)


@cython.cfunc
def _value(
    packet: bytes,
    pos: cython.Py_ssize_t,
    size: cython.Py_ssize_t,
    plan: TextPlan,
    place: cython.Py_ssize_t,
) -> object:
    p: cython.p_const_uchar = packet
    ops: cython.p_const_uchar = plan.ops
    a_of: cython.p_const_uchar = plan.a
    b_of: cython.p_const_uchar = plan.b
    adjust_of: cython.p_const_uchar = plan.adjust
    op: cython.int = ops[place]
    b: cython.int = b_of[place]
    end: cython.Py_ssize_t = pos + size
    number: cython.longlong
    year: cython.long
    month: cython.long
    day: cython.long
    value: object
    if op == INT:
        if size > 18:
            value = int(packet[pos:end])
            if not b and value > 0x7FFFFFFFFFFFFFFF:  # type: ignore[operator]
                value = value - 0x10000000000000000  # type: ignore[operator]
        else:
            number = _integer(p, pos, end)
            value = number
    elif op == UTF8:
        value = p[pos:end].decode("utf-8")
    elif op in (DATETIME, DATE):
        if size < 10:
            raise DataError(f"{packet[pos:end]!r} is no date")
        year = _integer(p, pos, pos + 4)
        month = _integer(p, pos + 5, pos + 7)
        day = _integer(p, pos + 8, pos + 10)
        if not is_date(year, month, day):
            return plan.tables[place]
        if adjust_of[place] and year < 100:
            year += 2000 if year < 70 else 1900
        number = days_from_civil(year, month, day)
        if op == DATETIME:
            number = number * 86400000000 + (_clock(packet, pos + 11, end) if size > 10 else 0)
            if b == 0:
                # Microseconds before the epoch are cut towards the past.
                number = (number - ((number % 1000) + 1000) % 1000) // 1000
            value = number
            if b == 2:
                value = value * 1000  # type: ignore[operator]
        else:
            value = number
    elif op == DECIMAL:
        value = _decimal(packet, pos, end, b)
    elif op == TIMESTAMP:
        if size < 19:
            raise DataError(f"{packet[pos:end]!r} is no timestamp")
        if _integer(p, pos + 5, pos + 7) == 0:
            return plan.tables[place]
        date = p[pos : pos + 10].decode("ascii")
        clock = p[pos + 11 : end].decode("ascii")
        value = f"{date}T{clock}Z"
    elif op == DOUBLE:
        value = float(packet[pos:end])
    elif op == FLOAT:
        if cython.compiled:
            single: cython.float = cython.cast(cython.float, float(packet[pos:end]))
            value = single
        else:
            value = _FLOAT.unpack(_FLOAT.pack(float(packet[pos:end])))[0]
    elif op == TIME:
        number = -_clock(packet, pos + 1, end) if p[pos] == 45 else _clock(packet, pos, end)
        value = number
    elif op == BYTES:
        value = packet[pos:end]
        if b > size:
            value = value + bytes(b - size)  # type: ignore[operator]
    elif op == BITS:
        value = packet[pos:end][::-1]
        if a_of[place] > size:
            value = value + bytes(a_of[place] - size)
    else:
        raise DataError(f"there is no instruction {op} for text")
    convert = plan.converts[place]
    return value if convert is None else convert(value)


@cython.cfunc
@cython.exceptval(-1, check=True)
def _integer(
    p: cython.p_const_uchar, pos: cython.Py_ssize_t, end: cython.Py_ssize_t
) -> cython.longlong:
    """A decimal number of at most 18 digits."""
    number: cython.longlong = 0
    negative: cython.bint = pos < end and p[pos] == 45
    digit: cython.int
    if negative:
        pos += 1
    if pos >= end:
        raise DataError("a number has no digits")
    while pos < end:
        digit = p[pos] - 48
        if digit < 0 or digit > 9:
            raise DataError("a number has other characters than digits")
        number = number * 10 + digit
        pos += 1
    return -number if negative else number


@cython.cfunc
@cython.exceptval(-1, check=True)
def _clock(packet: bytes, pos: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.longlong:
    """Microseconds of ``HH:MM:SS.ffffff``; hours may have three digits."""
    p: cython.p_const_uchar = packet
    hours: cython.Py_ssize_t = pos
    _digits: cython.int
    number: cython.longlong
    while hours < end and p[hours] != 58:
        hours += 1
    if end - hours < 6 or p[hours + 3] != 58:
        raise DataError(f"{packet[pos:end]!r} is no time")
    number = (
        _integer(p, pos, hours) * 3600
        + _integer(p, hours + 1, hours + 3) * 60
        + _integer(p, hours + 4, hours + 6)
    ) * 1000000
    if end - hours > 7:
        fraction: cython.longlong = _integer(p, hours + 7, end)
        for _digits in range(end - hours - 7, 6):
            fraction *= 10
        number += fraction
    return number


@cython.cfunc
def _decimal(
    packet: bytes, pos: cython.Py_ssize_t, end: cython.Py_ssize_t, scale: cython.int
) -> bytes:
    """Unscaled value at ``scale``, big-endian two's complement, shortest; half rounds up."""
    p: cython.p_const_uchar = packet
    point: cython.Py_ssize_t = pos
    number: cython.longlong
    digits: cython.int
    while point < end and p[point] != 46:
        point += 1
    decimals: cython.Py_ssize_t = end - point - 1 if point < end else 0
    if decimals <= scale and end - pos - decimals + scale <= 18:
        number = _integer(p, pos, point)
        if number < 0 or p[pos] == 45:
            for digits in range(scale):
                number = number * 10 - (_digit(p, point + 1 + digits) if digits < decimals else 0)
        else:
            for digits in range(scale):
                number = number * 10 + (_digit(p, point + 1 + digits) if digits < decimals else 0)
        return shortest_bytes(number)
    text = packet[pos:point] + packet[point + 1 : end]
    return unscaled_bytes(_rescaled(int(text), scale - decimals))


def _rescaled(unscaled: int, digits: int) -> int:
    """With so many more digits, or less."""
    if digits >= 0:
        return int(unscaled * 10**digits)
    unit = 10**-digits
    whole, rest = divmod(abs(unscaled), unit)
    whole += rest * 2 >= unit
    return int(-whole if unscaled < 0 else whole)


@cython.cfunc
@cython.exceptval(-1)
def _digit(p: cython.p_const_uchar, pos: cython.Py_ssize_t) -> cython.int:
    digit: cython.int = p[pos] - 48
    if digit < 0 or digit > 9:
        raise DataError("a number has other characters than digits")
    return digit

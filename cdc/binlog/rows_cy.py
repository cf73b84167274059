# cython: boundscheck=False, wraparound=False, cdivision=True
"""The row loop of the binlog: the body of a ROWS event becomes tuples of Connect values.

A plan holds one instruction per column of the table (see ``cdc.types.codec``) in arrays that the
loop indexes; nothing else is looked up per row. Every read is checked against the end of the event
before it is made, so damaged bytes end in a DataError.

Follows "Rows_event" of the MySQL source's binlog event documentation and ``Field::pack``.
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
    from cython.cimports.cdc.types.calendar_cy import days_from_civil, is_date, timestamp_text
    from cython.cimports.cdc.types.integer_cy import shortest_bytes
else:
    from cdc.types.calendar_cy import days_from_civil, is_date, timestamp_text
    from cdc.types.integer_cy import shortest_bytes

INT = cython.declare(cython.int, Op.INT)
UTF8 = cython.declare(cython.int, Op.UTF8)
DATETIME = cython.declare(cython.int, Op.DATETIME)
DECIMAL = cython.declare(cython.int, Op.DECIMAL)
TIMESTAMP = cython.declare(cython.int, Op.TIMESTAMP)
DOUBLE = cython.declare(cython.int, Op.DOUBLE)
FLOAT = cython.declare(cython.int, Op.FLOAT)
DATE = cython.declare(cython.int, Op.DATE)
LABEL = cython.declare(cython.int, Op.LABEL)
BYTES = cython.declare(cython.int, Op.BYTES)
TEXT = cython.declare(cython.int, Op.TEXT)
TIME = cython.declare(cython.int, Op.TIME)
SET = cython.declare(cython.int, Op.SET)
BITS = cython.declare(cython.int, Op.BITS)
FIXED = cython.declare(cython.int, Op.FIXED)
SKIP_FIXED = cython.declare(cython.int, Op.SKIP_FIXED)
SKIP_PREFIXED = cython.declare(cython.int, Op.SKIP_PREFIXED)

_FLOAT = Struct("<f")
_DOUBLE = Struct("<d")
_DIGIT_BYTES = bytes((0, 1, 1, 2, 2, 3, 3, 4, 4, 4))
"""Bytes that hold 0 to 9 decimal digits."""
_POWERS = tuple(10**n for n in range(10))
_MICROS = (0, 10000, 10000, 100, 100, 1, 1)
"""Microseconds in one unit of a fraction of 0 to 6 digits."""


@cython.cclass
class RowPlan:
    """How the rows of one table version are read: arrays with one item per column."""

    count: cython.Py_ssize_t
    ops: bytes
    a: bytes
    b: bytes
    adjust: bytes
    tables: tuple[Any, ...]
    converts: tuple[Any, ...]
    sets: dict[Any, str]

    def __init__(self, codecs: Sequence[Codec]) -> None:
        self.count = len(codecs)
        self.ops = bytes([codec.op for codec in codecs])
        self.a = bytes([codec.a for codec in codecs])
        self.b = bytes([codec.b for codec in codecs])
        self.adjust = bytes([codec.adjust for codec in codecs])
        self.tables = tuple([codec.table for codec in codecs])
        self.converts = tuple([codec.convert for codec in codecs])
        self.sets = {}


def decode_rows(
    packet: bytes,
    start: int,
    end: int,
    plan: RowPlan,
    first: bytes | None,
    second: bytes | None,
) -> tuple[list[tuple[Any, ...]], list[tuple[Any, ...]]]:
    """The rows between ``start`` and ``end``: (first images, second images).

    ``first`` is the bitmap of columns that the image has, None if it has all. An UPDATE has a
    second image after each first one: ``second`` is then its bitmap, or ``b""`` for all columns;
    None if there is no second image. A column that is not in the image is None in the tuple.
    Raises DataError for bytes that are no rows of this table.
    """
    position: cython.Py_ssize_t = start
    stop: cython.Py_ssize_t = end
    paired: cython.bint = second is not None
    ones: list[tuple[Any, ...]] = []
    twos: list[tuple[Any, ...]] = []
    if stop > len(packet):
        raise DataError("A rows event ends beyond its packet.")
    if first is not None and len(first) * 8 < plan.count:
        raise DataError("A rows event's bitmap is cut off.")
    if second and len(second) * 8 < plan.count:
        raise DataError("A rows event's bitmap is cut off.")
    while position < stop:
        position = _row(packet, position, stop, plan, first, ones)
        if paired:
            position = _row(packet, position, stop, plan, second or None, twos)
    return ones, twos


@cython.cfunc
@cython.exceptval(-1)
def _row(
    packet: bytes,
    start: cython.Py_ssize_t,
    end: cython.Py_ssize_t,
    plan: RowPlan,
    present: bytes | None,
    rows: list,  # type: ignore[type-arg]  # Cython takes the plain builtin
) -> cython.Py_ssize_t:
    """Append the row at ``start``; its end is returned."""
    p: cython.p_const_uchar = packet
    ops: cython.p_const_uchar = plan.ops
    a_of: cython.p_const_uchar = plan.a
    b_of: cython.p_const_uchar = plan.b
    adjust_of: cython.p_const_uchar = plan.adjust
    seen: cython.p_const_uchar = present if present is not None else b""
    partial: cython.bint = present is not None
    count: cython.Py_ssize_t = plan.count
    nulls: cython.Py_ssize_t = start
    bit: cython.Py_ssize_t = 0
    pos: cython.Py_ssize_t
    place: cython.Py_ssize_t
    size: cython.Py_ssize_t
    op: cython.int
    a: cython.int
    b: cython.int
    number: cython.longlong
    wide: cython.ulonglong
    micros: cython.longlong
    seconds: cython.longlong
    day: cython.long
    month: cython.long
    year: cython.long
    value: object
    row: list = []  # type: ignore[type-arg]
    columns: cython.Py_ssize_t = count
    if partial:
        columns = 0
        for place in range(count):
            columns += (seen[place >> 3] >> (place & 7)) & 1
    pos = start + ((columns + 7) >> 3)
    if pos > end:
        raise DataError("A row's null bitmap is cut off.")
    place = 0
    try:
        for place in range(count):
            op = ops[place]
            if partial and not (seen[place >> 3] >> (place & 7)) & 1:
                if op != SKIP_FIXED and op != SKIP_PREFIXED:
                    row.append(None)
                continue
            if (p[nulls + (bit >> 3)] >> (bit & 7)) & 1:
                bit += 1
                if op != SKIP_FIXED and op != SKIP_PREFIXED:
                    row.append(None)
                continue
            bit += 1
            a = a_of[place]
            b = b_of[place]
            if op == INT:
                _need(pos, a, end)
                if b:
                    wide = _unsigned(p, pos, a)
                    value = wide
                else:
                    number = _signed(p, pos, a)
                    value = number
                pos += a
            elif op == UTF8:
                size = _prefix(p, pos, a, end)
                pos += a
                value = p[pos : pos + size].decode("utf-8")
                pos += size
            elif op == DATETIME:
                # 1 bit sign, 17 bits year*13+month, 5 bits each day, hour; 6 bits minute, second
                size = 5 + ((a + 1) >> 1)
                _need(pos, size, end)
                number = _big(p, pos, 5) - 0x8000000000
                seconds = number >> 17
                day = seconds & 31
                month = (seconds >> 5) % 13
                year = (seconds >> 5) // 13
                if number < 0 or not is_date(year, month, day):
                    value = plan.tables[place]
                    pos += size
                    row.append(value)
                    continue
                if adjust_of[place] and year < 100:
                    year += 2000 if year < 70 else 1900
                seconds = days_from_civil(year, month, day) * 86400 + (
                    ((number >> 12) & 31) * 3600 + ((number >> 6) & 63) * 60 + (number & 63)
                )
                micros = _big(p, pos + 5, size - 5) * _MICROS[a]
                pos += size
                if b == 0:
                    number = seconds * 1000 + micros // 1000
                    value = number
                elif b == 1:
                    number = seconds * 1000000 + micros
                    value = number
                else:
                    value = (seconds * 1000000 + micros) * cython.cast(object, 1000)
            elif op == DECIMAL:
                size = _decimal_size(a, b)
                _need(pos, size, end)
                value = _decimal(packet, pos, a, b)
                pos += size
            elif op == TIMESTAMP:
                size = 4 + ((a + 1) >> 1)
                _need(pos, size, end)
                seconds = _big(p, pos, 4)
                micros = _big(p, pos + 4, size - 4) * _MICROS[a]
                pos += size
                if micros > 999999:
                    raise DataError("a fraction of a second is more than one")
                if seconds == 0:
                    row.append(plan.tables[place])
                    continue
                value = timestamp_text(seconds, micros, a)
            elif op == DOUBLE:
                _need(pos, 8, end)
                if cython.compiled:
                    value = cython.cast(cython.pointer(cython.double), p + pos)[0]
                else:
                    value = _DOUBLE.unpack_from(packet, pos)[0]
                pos += 8
            elif op == FLOAT:
                _need(pos, 4, end)
                if cython.compiled:
                    value = cython.cast(cython.pointer(cython.float), p + pos)[0]
                else:
                    value = _FLOAT.unpack_from(packet, pos)[0]
                pos += 4
            elif op == DATE:
                # 15 bits year, 4 month, 5 day
                _need(pos, 3, end)
                number = _unsigned(p, pos, 3)
                pos += 3
                day = number & 31
                month = (number >> 5) & 15
                year = number >> 9
                if not is_date(year, month, day):
                    row.append(plan.tables[place])
                    continue
                if adjust_of[place] and year < 100:
                    year += 2000 if year < 70 else 1900
                number = days_from_civil(year, month, day)
                value = number
            elif op == LABEL:
                _need(pos, a, end)
                number = _unsigned(p, pos, a)
                pos += a
                labels: tuple = plan.tables[place]  # type: ignore[type-arg]
                if number >= len(labels):
                    raise DataError(f"there is no label {number}, the last is {len(labels) - 1}")
                value = labels[number]
            elif op == BYTES:
                size = _prefix(p, pos, a, end)
                pos += a
                value = packet[pos : pos + size]
                pos += size
                if b > size:
                    value = value + bytes(b - size)  # type: ignore[operator]
            elif op == TEXT:
                size = _prefix(p, pos, a, end)
                pos += a
                value = plan.tables[place](packet[pos : pos + size])
                pos += size
            elif op == TIME:
                size = 3 + ((a + 1) >> 1)
                _need(pos, size, end)
                value = _time_micros(p, pos, a, size)
                pos += size
            elif op == SET:
                _need(pos, a, end)
                wide = _unsigned(p, pos, a)
                pos += a
                value = _set_text(plan, place, wide)
            elif op == BITS:
                _need(pos, a, end)
                value = packet[pos : pos + a][::-1]
                pos += a
            elif op == FIXED:
                _need(pos, a, end)
                value = packet[pos : pos + a]
                pos += a
            elif op == SKIP_FIXED:
                _need(pos, a, end)
                pos += a
                continue
            elif op == SKIP_PREFIXED:
                pos += a + _prefix(p, pos, a, end)
                continue
            else:
                raise DataError(f"there is no instruction {op}")
            convert = plan.converts[place]
            if convert is not None:
                value = convert(value)
            row.append(value)
    except (DataError, ValueError, ArithmeticError, IndexError) as error:
        raise DataError(f"Column {place + 1}: {error}") from error
    rows.append(tuple(row))
    return pos


@cython.cfunc
@cython.inline
@cython.exceptval(-1)
def _need(pos: cython.Py_ssize_t, size: cython.Py_ssize_t, end: cython.Py_ssize_t) -> cython.int:
    if pos + size > end:
        raise DataError("the value is cut off")
    return 0


@cython.cfunc
@cython.inline
@cython.exceptval(-1)
def _prefix(
    p: cython.p_const_uchar, pos: cython.Py_ssize_t, width: cython.int, end: cython.Py_ssize_t
) -> cython.Py_ssize_t:
    """The length before a value, checked to lie within the event."""
    size: cython.Py_ssize_t
    if pos + width > end:
        raise DataError("the value is cut off")
    size = p[pos] if width == 1 else _unsigned(p, pos, width)
    if size > end - pos - width:
        raise DataError("the value is cut off")
    return size


@cython.cfunc
@cython.inline
def _unsigned(
    p: cython.p_const_uchar, pos: cython.Py_ssize_t, width: cython.int
) -> cython.ulonglong:
    """Little-endian."""
    value: cython.ulonglong = 0
    index: cython.int
    for index in range(width - 1, -1, -1):
        value = (value << 8) | p[pos + index]
    return value


@cython.cfunc
@cython.inline
def _signed(p: cython.p_const_uchar, pos: cython.Py_ssize_t, width: cython.int) -> cython.longlong:
    """Little-endian two's complement."""
    value: cython.longlong = p[pos + width - 1]
    index: cython.int
    if value >= 128:
        value -= 256
    for index in range(width - 2, -1, -1):
        value = value * 256 + p[pos + index]
    return value


@cython.cfunc
@cython.inline
def _big(p: cython.p_const_uchar, pos: cython.Py_ssize_t, width: cython.int) -> cython.longlong:
    """Big-endian, unsigned, at most 7 bytes."""
    value: cython.longlong = 0
    index: cython.int
    for index in range(width):
        value = (value << 8) | p[pos + index]
    return value


@cython.cfunc
def _time_micros(
    p: cython.p_const_uchar, pos: cython.Py_ssize_t, digits: cython.int, size: cython.int
) -> cython.longlong:
    """Clock fields and fraction are one number, with half its range for negative times."""
    fraction_bits: cython.int = 8 * (size - 3)
    packed: cython.longlong = _big(p, pos, size) - (
        cython.cast(cython.longlong, 0x800000) << fraction_bits
    )
    sign: cython.longlong = 1
    whole: cython.longlong
    fraction: cython.longlong
    if packed < 0:
        sign = -1
        packed = -packed
    whole = packed >> fraction_bits
    fraction = packed - (whole << fraction_bits)
    fraction *= _MICROS[digits]
    return sign * (
        (((whole >> 12) & 1023) * 3600 + ((whole >> 6) & 63) * 60 + (whole & 63)) * 1000000
        + fraction
    )


@cython.cfunc
def _decimal_size(precision: cython.int, scale: cython.int) -> cython.int:
    whole: cython.int = precision - scale
    sizes: cython.p_const_uchar = _DIGIT_BYTES
    return (whole // 9) * 4 + sizes[whole % 9] + (scale // 9) * 4 + sizes[scale % 9]


@cython.cfunc
def _decimal(
    packet: bytes, pos: cython.Py_ssize_t, precision: cython.int, scale: cython.int
) -> bytes:
    """Unscaled value, big-endian two's complement, shortest (``decimal2bin`` undone).

    The stored form has groups of nine digits in four bytes; the odd digits come first before the
    point and last after it. The top bit is set for positive numbers; negative ones are inverted.
    """
    p: cython.p_const_uchar = packet
    sizes: cython.p_const_uchar = _DIGIT_BYTES
    whole: cython.int = precision - scale
    negative: cython.bint = not p[pos] & 0x80
    flip: cython.int = 0xFF if negative else 0
    first: cython.bint = True
    small: cython.longlong = 0
    large: object = 0
    fits: cython.bint = precision <= 18
    group: cython.longlong
    digits: cython.int
    left: cython.int = whole
    _index: cython.int
    part: cython.int
    for part in range(2):
        if part == 1:
            left = scale
        while left > 0:
            digits = (left % 9 or 9) if part == 0 else (9 if left >= 9 else left)
            group = 0
            for _index in range(sizes[digits]):
                byte: cython.int = p[pos] ^ flip
                if first:
                    byte = byte ^ 0x80
                    first = False
                group = (group << 8) | byte
                pos += 1
            if fits:
                small = small * _power(digits) + group
            else:
                large = large * _POWERS[digits] + group  # type: ignore[operator]
            left -= digits
    if fits:
        return shortest_bytes(-small if negative else small)
    if negative:
        large = -large  # type: ignore[operator]
    return unscaled_bytes(large)  # type: ignore[arg-type]


@cython.cfunc
@cython.inline
def _power(digits: cython.int) -> cython.longlong:
    power: cython.longlong = 1
    _index: cython.int
    for _index in range(digits):
        power *= 10
    return power


@cython.cfunc
def _set_text(plan: RowPlan, place: cython.Py_ssize_t, bits: cython.ulonglong) -> str:
    """Labels joined in the order of definition; each combination is made once per plan."""
    key = (place, bits)
    text = plan.sets.get(key)
    if text is None:
        labels: tuple = plan.tables[place]  # type: ignore[type-arg]
        if bits >> len(labels):
            raise DataError(f"the set has more than its {len(labels)} labels")
        text = ",".join([label for index, label in enumerate(labels) if bits >> index & 1])
        if len(plan.sets) < 10000:
            plan.sets[key] = text
    return text

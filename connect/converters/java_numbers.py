"""Numbers as Java prints them: ``Double.toString`` and ``Float.toString`` of JDK 19 and later.

Plain notation from 10^-3 up to 10^7, else ``d.dddE[-]n``, always with a digit after the point. The
digits are the fewest that read back as the same number, and among those of two digits or fewer the
nearest. (Older JDKs print some numbers with one digit more.)
"""

from __future__ import annotations

import math
import struct

_SINGLE = struct.Struct("f")


def single(value: float) -> float:
    """The nearest FLOAT32. OverflowError if it is beyond their range."""
    rounded: float = _SINGLE.unpack(_SINGLE.pack(value))[0]
    return rounded


def double_text(value: float) -> str:
    if 1e-3 <= value < 1e7 or -1e7 < value <= -1e-3:
        return repr(value)
    if not math.isfinite(value):
        return _special(value)
    two_digits = f"{value:.1e}"
    return _arranged(two_digits if float(two_digits) == value else repr(value))


def float_text(value: float) -> str:
    """``value`` as a FLOAT32, to which it is rounded first."""
    if not math.isfinite(value):
        return _special(value)
    value = single(value)
    for digits in range(1, 9):
        text = f"{value:.{digits}e}"
        if single(float(text)) == value:
            break
    return _arranged(text)


def _special(value: float) -> str:
    if math.isnan(value):
        return "NaN"
    return "Infinity" if value > 0 else "-Infinity"


def _arranged(text: str) -> str:
    """Any decimal text, its digits kept, in Java's notation."""
    sign = "-" if text.startswith("-") else ""
    mantissa, _, power = text.lstrip("-").partition("e")
    whole, _, fraction = mantissa.partition(".")
    digits = (whole + fraction).lstrip("0")
    if not digits.rstrip("0"):
        return sign + "0.0"
    exponent = int(power or 0) + len(whole) - 1 - (len(whole + fraction) - len(digits))
    digits = digits.rstrip("0")
    if -3 <= exponent < 0:
        return f"{sign}0.{'0' * (-exponent - 1)}{digits}"
    if 0 <= exponent < 7:
        digits = digits.ljust(exponent + 2, "0")
        return f"{sign}{digits[: exponent + 1]}.{digits[exponent + 1 :]}"
    return f"{sign}{digits[0]}.{digits[1:] or '0'}E{exponent}"

"""Java's regular expressions and replacement texts, as configurations carry them.

The dialects are near enough for Python's ``re`` to do the work; this translates what is spelled
differently and refuses what has no counterpart. Follows ``java.util.regex.{Pattern,Matcher}``.
"""

from __future__ import annotations

import re
from collections.abc import Callable

_ESCAPE = re.compile(
    r"\\Q(?P<literal>.*?)(?:\\E|$)|\\p\{(?P<property>\w+)\}|\\k<(?P<back>\w+)>|\(\?<(?P<name>\w+)>"
    r"|(?P<kept>\\.)|(?P<and>&&)",
    re.DOTALL,
)
_PROPERTIES = {
    "Lower": "a-z", "Upper": "A-Z", "Alpha": "a-zA-Z", "Digit": "0-9", "Alnum": "a-zA-Z0-9",
    "Space": r"\s", "XDigit": "0-9a-fA-F", "Punct": r"!-/:-@\[-`{-~",
}  # fmt: skip
_SPELLED = {r"\z": r"\Z", r"\h": r"[ \t\xa0]", r"\R": r"(?:\r\n|[\n\r\v\f])"}


def compile_regex(pattern: str, *, ignore_case: bool = False) -> re.Pattern[str]:
    """A Java pattern; match it with ``fullmatch`` where Java uses ``matches``.

    ValueError if it cannot be understood.
    """
    inside_class = False

    def translated(found: re.Match[str]) -> str:
        nonlocal inside_class
        inside_class = _open_class(pattern, found.start())
        if found["literal"] is not None:
            return re.escape(found["literal"])
        if found["property"]:
            members = _PROPERTIES.get(found["property"])
            if members is None:
                raise ValueError(f"\\p{{{found['property']}}} is not supported")
            return members if inside_class else f"[{members}]"
        if found["back"]:
            return f"(?P={found['back']})"
        if found["name"]:
            return found[0] if inside_class else f"(?P<{found['name']}>"
        if found["and"]:
            if inside_class:
                raise ValueError("intersections of character classes (&&) are not supported")
            return found[0]
        return _SPELLED.get(found["kept"], found["kept"])

    try:
        flags = re.ASCII | (re.IGNORECASE if ignore_case else 0)
        return re.compile(_ESCAPE.sub(translated, pattern), flags)
    except re.error as error:
        raise ValueError(f"{pattern!r} is not a regular expression: {error}") from error


def _open_class(pattern: str, end: int) -> bool:
    """Whether a character class is open at ``end``."""
    opened = False
    place = 0
    while place < end:
        if pattern[place] == "\\":
            place += 1
        elif pattern[place] == "[":
            opened = True
        elif pattern[place] == "]":
            opened = False
        place += 1
    return opened


_REFERENCE = re.compile(r"\\(?P<literal>.)|\$(?P<number>\d+)|\$\{(?P<name>\w+)\}|(?P<bad>[\\$])")


def replacement(text: str, pattern: re.Pattern[str]) -> Callable[[re.Match[str]], str]:
    """What a replacement text (``$1``, ``${name}``, ``\\$``) gives for a match of ``pattern``.

    ValueError if it names a group that is not there.
    """
    parts: list[str | int] = []
    end = 0
    for found in _REFERENCE.finditer(text):
        parts.append(text[end : found.start()])
        end = found.end()
        if found["literal"] is not None:
            parts.append(found["literal"])
        elif found["number"]:
            # As many digits as make the number of a group; what is left is text.
            digits = found["number"]
            taken = 1
            while taken < len(digits) and int(digits[: taken + 1]) <= pattern.groups:
                taken += 1
            if int(digits[:taken]) > pattern.groups:
                raise ValueError(f"{text!r}: there is no group {digits[:taken]}")
            parts += [int(digits[:taken]), digits[taken:]]
        elif found["name"]:
            if found["name"] not in pattern.groupindex:
                raise ValueError(f"{text!r}: there is no group {found['name']}")
            parts.append(pattern.groupindex[found["name"]])
        else:
            raise ValueError(f"{text!r}: a single {found['bad']} must be escaped")
    parts.append(text[end:])

    def expand(found: re.Match[str]) -> str:
        return "".join(part if isinstance(part, str) else found[part] or "" for part in parts)

    return expand

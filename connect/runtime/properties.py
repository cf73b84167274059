"""Reads Java ``.properties`` files (``java.util.Properties.load``), as UTF-8."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from connect.errors import ConfigError

_BLANK = " \t\f"
_ESCAPE = re.compile(r"\\(u[0-9a-fA-F]{4}|.|$)", re.DOTALL)
_LETTERS = {"t": "\t", "n": "\n", "r": "\r", "f": "\f"}


def _unescape(text: str) -> str:
    def replace(match: re.Match[str]) -> str:
        code = match[1]
        if len(code) == 5:
            return chr(int(code[1:], 16))
        if code == "u":
            raise ValueError("Malformed \\uxxxx encoding.")
        return _LETTERS.get(code, code)

    plain = _ESCAPE.sub(replace, text)
    # Java writes characters beyond the basic plane as two escapes.
    return plain.encode("utf-16", "surrogatepass").decode("utf-16", "replace")


def _logical_lines(text: str) -> Iterator[str]:
    """Lines without comments and blanks, those ending in an odd number of backslashes joined."""
    joined: str | None = None
    for natural in re.split(r"\r\n|\n|\r", text):
        line = natural.lstrip(_BLANK)
        if joined is None and (not line or line[0] in "#!"):
            continue
        line = line if joined is None else joined + line
        if (len(line) - len(line.rstrip("\\"))) % 2:
            joined = line[:-1]
            continue
        joined = None
        yield line
    if joined:
        yield joined


def _split(line: str) -> tuple[str, str]:
    """The key up to the first unescaped ``=``, ``:`` or blank; the value after it."""
    place = 0
    while place < len(line) and line[place] not in _BLANK + "=:":
        place += 2 if line[place] == "\\" else 1
    key, rest = line[:place], line[place:].lstrip(_BLANK)
    if rest[:1] in ("=", ":"):
        rest = rest[1:].lstrip(_BLANK)
    return _unescape(key), _unescape(rest)


def parse(text: str) -> dict[str, str]:
    """Keys and values; the last of equal keys wins. ValueError for a broken escape."""
    return dict(map(_split, _logical_lines(text)))


def read(path: Path) -> dict[str, str]:
    """The settings of one file. ConfigError where it cannot be read."""
    try:
        return parse(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigError(str(path), f"The file {path} cannot be read: {error}") from error

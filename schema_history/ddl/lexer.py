"""SQL text to tokens: sqlglot's MySQL tokenizer, set up for what a session's sql_mode changes.

Keywords are left as plain words, for in MySQL most of them are also names; the reader decides.
Content of versioned comments (``/*!50100 … */``, MariaDB's ``/*M! … */``) is read as SQL, in
place, so that every token's offset is that of the statement as it was given.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import ClassVar

from sqlglot import Token, TokenType
from sqlglot.dialects.mysql import MySQL
from sqlglot.errors import TokenError

from connect.errors import DdlError


@dataclass(frozen=True, slots=True)
class SqlMode:
    """The sql_mode flags that change how text is read."""

    ansi_quotes: bool = False
    no_backslash_escapes: bool = False

    @classmethod
    def of(cls, text: str) -> SqlMode:
        """From the value of ``@@sql_mode``."""
        flags = {flag.strip().upper() for flag in text.split(",")}
        return cls(
            ansi_quotes=bool(flags & {"ANSI_QUOTES", "ANSI"}),
            no_backslash_escapes="NO_BACKSLASH_ESCAPES" in flags,
        )

    @classmethod
    def of_bits(cls, bits: int) -> SqlMode:
        """From the number a QUERY event carries (``Q_SQL_MODE_CODE``)."""
        return cls(ansi_quotes=bool(bits & 1 << 2), no_backslash_escapes=bool(bits & 1 << 20))


class _Default(MySQL.Tokenizer):
    KEYWORDS: ClassVar[dict[str, TokenType]] = {}
    COMMANDS: ClassVar[set[TokenType]] = set()


class _AnsiQuotes(_Default):
    QUOTES: ClassVar[list[tuple[str, str] | str]] = ["'"]
    IDENTIFIERS: ClassVar[list[str | tuple[str, str]]] = ["`", '"']


class _NoBackslash(_Default):
    STRING_ESCAPES: ClassVar[list[str]] = ["'", '"']


class _AnsiQuotesNoBackslash(_AnsiQuotes):
    STRING_ESCAPES: ClassVar[list[str]] = ["'", '"']


_DIALECT = MySQL()
_TOKENIZERS = {
    SqlMode(): _Default,
    SqlMode(ansi_quotes=True): _AnsiQuotes,
    SqlMode(no_backslash_escapes=True): _NoBackslash,
    SqlMode(ansi_quotes=True, no_backslash_escapes=True): _AnsiQuotesNoBackslash,
}

# What stands for a token that is not a bare word in Tokens.words.
NAME = "`"
STRING = "'"
NUMBER = "0"
BITS = "0b"
HEX = "0x"
END = ""

_MARKS = {
    TokenType.STRING: STRING,
    TokenType.NATIONAL_STRING: STRING,
    TokenType.NUMBER: NUMBER,
    TokenType.BIT_STRING: BITS,
    TokenType.HEX_STRING: HEX,
}

_COMMENT_MARKERS = re.compile(
    r"""'(?:[^'\\]|\\.)*' | "(?:[^"\\]|\\.)*" | `[^`]*`
    | --(?=\s|\Z)[^\n]* | \#[^\n]*
    | (?P<open>/\*M?!\d*) | /\*.*?\*/ | (?P<close>\*/)""",
    re.VERBOSE | re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Tokens:
    """A statement's tokens; ``words`` has for each its text in upper case if it is a bare word or
    a sign, else the mark of its kind, and END after the last."""

    text: str
    tokens: list[Token]
    words: list[str]

    @property
    def bare_text(self) -> str:
        """The statement without comments before and behind it.

        Of a versioned comment that begins within it the end is kept.
        """
        if not self.tokens:
            return self.text
        start, end = self.tokens[0].start, self.tokens[-1].end + 1
        if "/*" not in self.text[start:end]:
            return self.text[start:end]
        depth = 0
        for match in _COMMENT_MARKERS.finditer(self.text):
            if match["open"] and start <= match.start() < end:
                depth += 1
            elif match["close"] and depth:
                depth -= 1
                end = max(end, match.end())
        return self.text[start:end]


def tokenize(text: str, mode: SqlMode) -> Tokens:
    """Raises DdlError at an unclosed quote or comment."""
    try:
        tokens = _TOKENIZERS[mode](dialect=_DIALECT).tokenize(_open_versioned_comments(text))
    except TokenError as error:
        offset = _unclosed(text)
        raise DdlError(
            f"A quote or comment that opens at character {offset} is never closed.",
            statement=text,
            offset=offset,
            cure="Check sql_mode: ANSI_QUOTES and NO_BACKSLASH_ESCAPES change what a quote means.",
        ) from error
    words: list[str] = []
    for token in tokens:
        kind = token.token_type
        if kind is TokenType.VAR:
            words.append(token.text.upper())
        elif kind is TokenType.IDENTIFIER:
            # sqlglot gives names such as 0xyz, which only begin like a number, as quoted.
            words.append(NAME if text[token.start] in '`"' else token.text.upper())
        else:
            words.append(_MARKS.get(kind) or token.text)
    words.append(END)
    return Tokens(text, tokens, words)


def _open_versioned_comments(text: str) -> str:
    """Blank out the marks of versioned comments, keeping what is between them and all offsets."""
    if "/*!" not in text and "/*M!" not in text:
        return text
    pieces: list[str] = []
    end, depth = 0, 0
    for match in _COMMENT_MARKERS.finditer(text):
        if match["open"]:
            depth += 1
        elif match["close"] and depth:
            depth -= 1
        else:
            continue
        pieces += text[end : match.start()], " " * len(match[0])
        end = match.end()
    return "".join((*pieces, text[end:]))


def _unclosed(text: str) -> int:
    end = 0
    for match in _COMMENT_MARKERS.finditer(text):
        skipped = re.search(r"['\"`]|/\*", text[end : match.start()])
        if skipped:
            return end + skipped.start()
        end = match.end()
    rest = re.search(r"['\"`]|/\*", text[end:])
    return end + rest.start() if rest else len(text)

"""A cursor over a statement's tokens, with the small pieces that every statement is made of."""

from __future__ import annotations

from connect.errors import DdlError
from schema_history.charset import Charset, named
from schema_history.ddl.lexer import END, NAME, NUMBER, STRING, SqlMode, tokenize

_EXCERPT = 60


class Reader:
    """Reads forward; every ``accept`` that fails leaves the place as it was."""

    __slots__ = ("_at", "_tokens", "_words", "bare_text", "text")

    def __init__(self, text: str, mode: SqlMode) -> None:
        lexed = tokenize(text, mode)
        self.text = text
        self.bare_text = lexed.bare_text
        self._tokens = lexed.tokens
        self._words = lexed.words
        self._at = 0

    @property
    def word(self) -> str:
        """The present word in upper case, or the mark of what is no bare word, or END."""
        return self._words[self._at]

    def ahead(self, count: int = 1) -> str:
        """The word that many tokens further on."""
        at = self._at + count
        return self._words[at] if at < len(self._words) else END

    @property
    def offset(self) -> int:
        """Where the present token begins in the statement."""
        if self._at < len(self._tokens):
            return self._tokens[self._at].start
        return len(self.text)

    @property
    def end_offset(self) -> int:
        """Where the token before the present one ended."""
        return self._tokens[self._at - 1].end + 1 if self._at else 0

    def advance(self) -> str:
        """Step over the present token and give its text without quotes."""
        if self._words[self._at] == END:
            raise self.error("more")
        token = self._tokens[self._at]
        self._at += 1
        return token.text

    def accept(self, *words: str) -> bool:
        """Step over these words if they come next, all of them."""
        at = self._at
        present = self._words
        for word in words:
            if present[at] != word:
                return False
            at += 1
        self._at = at
        return True

    def accept_any(self, *words: str) -> str:
        """Step over the present word if it is one of these, and give it; else the empty text."""
        word = self._words[self._at]
        if word in words:
            self._at += 1
            return word
        return ""

    def expect(self, *words: str) -> None:
        """Step over these words; DdlError if others come."""
        if not self.accept(*words):
            raise self.error(" ".join(words))

    def name(self) -> str:
        """An identifier, quoted or not."""
        word = self._words[self._at]
        if word == NAME or word[:1].isalnum() or word[:1] in ("_", "$") or word > "\x7f":
            token = self._tokens[self._at]
            self._at += 1
            # After a dot a name may be all digits, or look like 1e5: take it as written.
            return token.text if word == NAME else self.text[token.start : token.end + 1]
        raise self.error("a name")

    def column_name(self) -> str:
        """A column, of which only the last part counts where the table is named too."""
        name = self.name()
        while self.accept("."):
            name = self.name()
        return name

    def qualified_name(self) -> tuple[str | None, str]:
        """``table`` or ``database.table``."""
        first = self.name()
        if self.accept("."):
            return first, self.name()
        return None, first

    def text_or_name(self) -> str:
        """Where both ``'utf8mb4'`` and ``utf8mb4`` may stand."""
        return self.advance() if self.word == STRING else self.name()

    def string(self) -> str:
        """A string literal; neighbours are joined as the server does."""
        if self.word != STRING:
            raise self.error("a string in quotes")
        text = self.advance()
        while self.word == STRING:
            text += self.advance()
        return text

    def integer(self) -> int:
        """A whole number; a fraction is cut off."""
        whole = self._tokens[self._at].text.partition(".")[0] if self.word == NUMBER else "-"
        if whole and not whole.isdigit():
            raise self.error("a number")
        self._at += 1
        return int(whole or 0)

    def parenthesised(self) -> None:
        """Step over ``( … )`` with all that is nested in it."""
        start = self.offset
        self.expect("(")
        depth = 1
        while depth:
            word = self.word
            if word == END:
                raise self.error("a closing parenthesis", offset=start)
            depth += (word == "(") - (word == ")")
            self._at += 1

    def skip_one(self) -> None:
        """Step over one token, or over the whole parenthesis that begins here."""
        if self.word == "(":
            self.parenthesised()
        else:
            self.advance()

    def skip_to(self, *ends: str) -> None:
        """Step forward until one of these stands at this level, or the statement ends."""
        while self.word not in ends and self.word != END:
            self.skip_one()

    def source(self, start: int, end: int | None = None) -> str:
        """The statement's own text between two offsets; to the last token read without ``end``."""
        return self.text[start : self.end_offset if end is None else end]

    def wait_option(self) -> None:
        """Step over MariaDB's ``WAIT n`` or ``NOWAIT`` if it comes next."""
        if self.accept("WAIT"):
            self.integer()
        else:
            self.accept("NOWAIT")

    def charset_words(self) -> bool:
        """Step over ``CHARACTER SET``, ``CHAR SET`` or ``CHARSET`` if it comes next."""
        return (
            self.accept("CHARSET") or self.accept("CHARACTER", "SET") or self.accept("CHAR", "SET")
        )

    def charset_options(self, inherited: Charset, charset: Charset | None = None) -> Charset | None:
        """``[DEFAULT] CHARACTER SET [=] x`` or ``[DEFAULT] COLLATE [=] y`` if one comes next.

        ``charset`` is what an earlier option chose. Gives what holds now, None if neither came.
        """
        start = self._at
        self.accept("DEFAULT")
        if self.charset_words():
            self.accept("=")
            if self.accept("DEFAULT"):
                return inherited
            name = self.text_or_name()
            # A collation given before still holds: COLLATE x CHARSET y is the server's to refuse.
            collation = charset.collation if charset and charset.name == name.lower() else None
            return named(name, collation, inherited)
        if self.accept("COLLATE"):
            self.accept("=")
            if self.accept("DEFAULT"):
                return inherited
            return named(None, self.text_or_name(), charset or inherited)
        self._at = start
        return None

    def error(self, expected: str, *, offset: int | None = None) -> DdlError:
        """What to raise here: where it is, what stands there and what was expected."""
        place = self.offset if offset is None else offset
        found = self.text[place : place + _EXCERPT] or "its end"
        line = self.text.count("\n", 0, place) + 1
        return self.failure(
            f"Expected {expected} at character {place} (line {line}), but found: {found}",
            offset=place,
        )

    def failure(self, message: str, *, offset: int | None = None) -> DdlError:
        """A DdlError about this statement."""
        return DdlError(
            message,
            statement=self.text,
            offset=self.offset if offset is None else offset,
            cure=(
                "Set schema.history.internal.skip.unparseable.ddl=true to pass over it, "
                "or set snapshot.mode=recovery to read the tables anew."
            ),
        )

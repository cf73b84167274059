"""The text of the statements of a polling source.

Follows Confluent's ``BulkTableQuerier``, ``TimestampIncrementingTableQuerier``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from cdc.polling.modes import Mode, Terms, clause
from connect.quoting import quoted


class Grammar(NamedTuple):
    """How a database and its driver want statements written.

    ``mark`` stands for a bound value; ``time_mark`` is an expression over one that makes it a
    timestamp; ``time`` an expression over a timestamp column, ``{}`` being the column.
    """

    quote: str
    mark: str
    time_mark: str
    time: str = "{}"

    def name(self, parts: Sequence[str]) -> str:
        """A name as it stands in a statement; not quoted where ``quote`` is empty."""
        return quoted(*parts, mark=self.quote)

    def literal(self, text: str) -> str:
        """Text that holds no marks, for a statement that has some."""
        return text.replace("%", "%%") if self.mark == "%s" else text


def select_table(grammar: Grammar, parts: Sequence[str]) -> str:
    return f"SELECT * FROM {grammar.name(parts)}"


def statement(
    grammar: Grammar,
    base: str,
    mode: Mode,
    time_columns: Sequence[str] = (),
    key_column: str = "",
    suffix: str = "",
) -> str:
    """``base`` (a SELECT without WHERE) with what ``mode`` adds, then ``suffix``.

    The values of ``modes.bounds`` belong to its marks; a statement without values is not escaped.
    """
    times = [grammar.time.format(grammar.name([column])) for column in time_columns]
    time = times[0] if len(times) == 1 else f"COALESCE({','.join(times)})"
    terms = Terms(
        time=grammar.literal(time),
        key=grammar.literal(grammar.name([key_column])),
        time_mark=grammar.time_mark,
        key_mark=grammar.mark,
    )
    tail = f" {suffix}" if suffix else ""
    if mode is Mode.BULK:
        return base + tail
    return grammar.literal(base) + clause(mode, terms) + grammar.literal(tail)

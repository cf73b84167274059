"""What is worked out once for a result's columns, and applied to its rows in batches."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Sequence
from operator import itemgetter
from typing import Any

from cdc.polling.types import Column, Convert, Rules, SqlType, field, instant
from connect.errors import DataError, SourceError
from connect.schema import Schema, struct

_logger = logging.getLogger(__name__)


class Plan:
    """How rows of these columns become structs, and where their offset values are.

    ``name`` is the struct's name (None for a query), ``what`` the table or query in messages.
    SourceError when an offset column is missing or of a type that cannot be an offset.
    """

    def __init__(
        self,
        columns: Sequence[Column],
        rules: Rules,
        name: str | None,
        what: str,
        time_columns: Sequence[str] = (),
        key_column: str = "",
    ) -> None:
        self.columns = tuple(columns)
        names = Counter(column.name for column in columns)
        if double := [name for name, count in names.items() if count > 1]:
            raise SourceError(
                f"{what} has more than one column named {', '.join(double)}.",
                cure="Give each an alias of its own in the query.",
            )
        self._what = what
        self._fields: list[tuple[int, Convert | None]] = []
        fields = []
        for place, column in enumerate(self.columns):
            made = field(column, rules)
            if made is None:
                _logger.warning(
                    "Column %s of %s is left out: its type has no form in Kafka Connect.",
                    column.name,
                    what,
                )
                continue
            fields.append((column.name, made[0]))
            self._fields.append((place, made[1]))
        self.schema: Schema = struct(name, fields)
        self._times = [self._time(name, rules) for name in time_columns]
        self._key = self._key_place(key_column) if key_column else 0

    def _place(self, wanted: str) -> int:
        names = [column.name for column in self.columns]
        if wanted in names:
            return names.index(wanted)
        near = [place for place, name in enumerate(names) if name.lower() == wanted.lower()]
        if len(near) != 1:
            problem = "does not have" if not near else "has more than one spelling of"
            raise SourceError(
                f"{self._what} {problem} the column {wanted}.",
                cure=f"Its columns are {', '.join(names)}.",
            )
        return near[0]

    def _time(self, name: str, rules: Rules) -> tuple[int, Convert]:
        place = self._place(name)
        column = self.columns[place]
        if column.type is not SqlType.TIMESTAMP:
            raise SourceError(
                f"Column {name} of {self._what} is a {column.type}, not a timestamp.",
                cure="Name a TIMESTAMP or DATETIME column in timestamp.column.name.",
            )
        return place, instant(column, rules)

    def _key_place(self, name: str) -> int:
        place = self._place(name)
        column = self.columns[place]
        whole = column.type in (SqlType.NUMERIC, SqlType.DECIMAL) and column.scale == 0
        if column.type not in _INTEGERS and not whole:
            raise SourceError(
                f"Column {name} of {self._what} is a {column.type}, not an integer.",
                cure="Name an integer column in incrementing.column.name.",
            )
        return place

    def values(self, rows: Sequence[tuple[Any, ...]]) -> list[tuple[Any, ...]]:
        """The structs of rows; DataError names the column and value that do not fit."""
        if not rows:
            return []
        stored = list(zip(*rows, strict=True))
        made = [
            stored[place] if convert is None else self._converted(place, stored[place], convert)
            for place, convert in self._fields
        ]
        return list(zip(*made, strict=True)) if made else [()] * len(rows)

    def _converted(self, place: int, values: Sequence[Any], convert: Convert) -> list[Any]:
        column = self.columns[place]
        made = []
        for value in values:
            try:
                if value is None and not column.nullable:  # a zero date read as null
                    raise ValueError("the column is NOT NULL")
                made.append(None if value is None else convert(value))
            except (ValueError, OverflowError, ArithmeticError) as error:
                raise DataError(
                    f"Column {column.name} of {self._what} holds {value!r}: {error}.",
                    cure="Correct the row, or select the column in another form with query.",
                ) from error
        return made

    def times(self, rows: Sequence[tuple[Any, ...]]) -> list[int]:
        """The timestamp of each row, microseconds: that of the first column that is not null."""
        return [self.time(row) for row in rows]

    def time(self, row: tuple[Any, ...]) -> int:
        for place, read in self._times:
            if row[place] is not None:
                micros: int = read(row[place])
                return micros
        raise SourceError(f"A row of {self._what} has no timestamp, though it was compared by one.")

    def keys(self, rows: Sequence[tuple[Any, ...]]) -> list[int]:
        """The id of each row."""
        return [self._key_of(value) for value in map(itemgetter(self._key), rows)]

    def _key_of(self, value: Any) -> int:
        name = self.columns[self._key].name
        if value is None:
            raise SourceError(
                f"A row of {self._what} has no value in the incrementing column {name}.",
                cure="Declare the column NOT NULL.",
            )
        key = int(value)
        if key >= 2**63:
            raise DataError(
                f"Column {name} of {self._what} holds {key}, greater than an offset can be "
                "(9223372036854775807)."
            )
        return key


_INTEGERS = {SqlType.TINYINT, SqlType.SMALLINT, SqlType.INTEGER, SqlType.BIGINT}

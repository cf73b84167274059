"""A table in the making: what CREATE and ALTER work on before it becomes a Table."""

from __future__ import annotations

from dataclasses import dataclass, field

from schema_history.charset import Charset
from schema_history.ddl.definition import Definition, not_null
from schema_history.ddl.keys import Key
from schema_history.table import Column, Index, Table, TableId, numbered


@dataclass(slots=True)
class Draft:
    """Columns in order, keys as the server would keep them, and the table's options."""

    id: TableId
    charset: Charset
    columns: list[Column] = field(default_factory=list)
    primary_key: tuple[str, ...] = ()
    indexes: list[Index] = field(default_factory=list)
    comment: str | None = None
    periods: dict[str, tuple[str, ...]] = field(default_factory=dict)

    @classmethod
    def of(cls, table: Table, inherited: Charset) -> Draft:
        """Begin from a table; ``inherited`` stands in where it does not know its charset."""
        charset = inherited
        if table.default_charset is not None:
            charset = Charset(table.default_charset, table.default_collation)
        return cls(
            id=table.id,
            charset=charset,
            columns=list(table.columns),
            primary_key=table.primary_key,
            indexes=list(table.indexes),
            comment=table.comment,
        )

    def finished(self) -> Table:
        """The table; columns of the primary key and of periods have become NOT NULL."""
        columns = self.columns
        names = {name.lower() for key in (self.primary_key, *self.periods.values()) for name in key}
        if names:
            columns = [
                not_null(column) if column.name.lower() in names else column for column in columns
            ]
        # Keys may spell a column in another case than its definition does.
        spelling: dict[str, str | None] = {column.name.lower(): column.name for column in columns}
        self.follow_columns(spelling)
        return Table(
            self.id,
            numbered(columns),
            self.primary_key,
            tuple(self.indexes),
            self.charset.name,
            self.charset.collation,
            self.comment,
        )

    def add_column_key(self, definition: Definition) -> None:
        """The key that a column's own attributes ask for."""
        name = definition.column.name
        if definition.primary:
            self.primary_key = (name,)
        if definition.unique:
            self.add_key(Key(None, (name,), unique=True))

    def add_key(self, key: Key) -> None:
        """A key in its order; one without a name gets that of its first column, as the server
        does it, with a number from 2 if that is taken."""
        columns = key.columns
        if key.period:
            self.periods[(key.name or "").lower()] = columns or ()
            return
        if columns is not None and (period := self.periods.get(columns[-1].lower())):
            columns = (*columns[:-1], *reversed(period))  # (a, period WITHOUT OVERLAPS)
        if key.primary:
            self.primary_key = columns or ()
            return
        name = key.name
        taken = {index.name.lower() for index in self.indexes} | {"primary"}
        if name is not None and key.if_absent and name.lower() in taken:
            return
        if name is None:
            first = columns[0] if columns else "functional_index"
            name, number = first, 2
            while name.lower() in taken:
                name, number = f"{first}_{number}", number + 1
        self.indexes.append(Index(name, columns, key.unique))

    def drop_index(self, name: str) -> None:
        """Drop an index, or the primary key by its name."""
        name = name.lower()
        if name == "primary":
            self.primary_key = ()
        self.indexes = [index for index in self.indexes if index.name.lower() != name]

    def drop_constraint(self, name: str) -> None:
        """Drop the unique or primary key of that name; other constraints are not modelled."""
        key = next((i for i in self.indexes if i.name.lower() == name.lower()), None)
        if key is None or key.unique:
            self.drop_index(name)

    def rename_index(self, old: str, new: str) -> None:
        old = old.lower()
        self.indexes = [
            Index(new, index.columns, index.unique) if index.name.lower() == old else index
            for index in self.indexes
        ]

    def follow_columns(self, names: dict[str, str | None]) -> None:
        """Let the keys follow renamed and dropped columns; ``names`` maps the old name in lower
        case to the new one, or to None where the column is gone."""
        self.primary_key = _followed(self.primary_key, names)
        indexes: list[Index] = []
        for index in self.indexes:
            if index.columns is None:
                indexes.append(index)
            elif columns := _followed(index.columns, names):
                indexes.append(Index(index.name, columns, index.unique))
        self.indexes = indexes


def _followed(columns: tuple[str, ...], names: dict[str, str | None]) -> tuple[str, ...]:
    followed = (names.get(column.lower(), column) for column in columns)
    return tuple(column for column in followed if column is not None)

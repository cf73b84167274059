"""Writes batches of records inside one transaction: shapes, tables, runs, statements.

The tables are made to fit first, for that commits on some databases; then the rows are written.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from connect.batch import SinkBatch
from connect.errors import CdcError, DataError, TargetError
from connect.schema import Field, Schema
from sink.batching import Event, Op, Run, chunks, collapse, in_order
from sink.config import InsertMode, JdbcSinkConfig, PkMode
from sink.dialects.base import ColumnSpec, Dialect
from sink.evolution import fit
from sink.fitting import check
from sink.shape import Layout, Shape, shape, where
from sink.table import Table, TableName, TargetColumn
from sink.values import column_type, decoder, zero

_SHAPES = 1000


@dataclass(frozen=True)
class Cell:
    """How the values of one field become cells of one column."""

    column: str
    make: Callable[[Any], Any] | None
    null: object

    def cells(self, values: Iterable[Any]) -> list[Any]:
        make, null = self.make, self.null
        if make is None:
            return [null if value is None else value for value in values]
        return [null if value is None else make(value) for value in values]


@dataclass(frozen=True)
class Target:
    """A table that fits a layout, and how its rows are written there."""

    table: Table
    keys: tuple[Cell, ...]
    others: tuple[tuple[int, Cell], ...]
    ordered: bool
    """Rows may collide on a unique key beside the primary one, so every change is made in order."""


@dataclass
class Segment:
    """Consecutive changes to one table that have the same columns."""

    layout: Layout
    events: list[Event] = field(default_factory=list)

    def takes(self, layout: Layout) -> bool:
        """Whether changes of this layout may join; deletes join whatever has their key."""
        if layout is self.layout or (not layout.keys and not layout.rows):
            return True
        if layout.rows and self.layout.rows:
            return False
        if layout.keys != self.layout.keys:
            return False
        if layout.rows:
            self.layout = layout
        return True


class Writer:
    """Knows the shapes and tables seen so far; ``forget`` after anything went wrong."""

    def __init__(
        self,
        config: JdbcSinkConfig,
        dialect: Dialect,
        partitions: Callable[[str], int | None],
    ) -> None:
        self.config = config
        self.dialect = dialect
        self.partitions = partitions
        self.zone = config.zone
        self._shapes: dict[tuple[object, ...], tuple[Shape, SinkBatch]] = {}
        self._layouts: dict[Layout, Layout] = {}
        self._targets: dict[tuple[TableName, int], Target] = {}

    def forget(self) -> None:
        """Look at the tables again before the next write."""
        self._targets.clear()

    def write(self, batches: Sequence[SinkBatch]) -> None:
        """Write all records; the caller commits. Raises CdcError or the driver's errors."""
        work: list[tuple[TableName, Segment]] = []
        latest: dict[TableName, Segment] = {}
        for number, batch in enumerate(batches):
            known = self._shape(batch)
            segment = latest.get(known.table)
            if segment is None or not segment.takes(known.layout):
                segment = latest[known.table] = Segment(known.layout)
                work.append((known.table, segment))
            segment.events.extend(known.events(batch, number, deletes=self.config.delete_enabled))
        ready = [(self._target(name, segment.layout), segment) for name, segment in work]
        for target, segment in ready:
            if target is not None:
                self._write(target, segment, batches)

    # --- shapes ---

    def _shape(self, batch: SinkBatch) -> Shape:
        bare = all(value is None for value in batch.values)
        keyless = all(key is None for key in batch.keys)
        known = (batch.topic, id(batch.key_schema), id(batch.value_schema), bare, keyless)
        if known in self._shapes:
            return self._shapes[known][0]
        made = self._interned(shape(self.config, batch))
        if keyless and made.envelope is not None:
            return made  # what no key means depends on the operations inside
        if len(self._shapes) >= _SHAPES:  # a converter that makes each schema anew
            self._shapes.clear()
        schemas = SinkBatch(batch.topic, batch.key_schema, batch.value_schema, (), ())
        self._shapes[known] = made, schemas  # keeps the schemas, and so their ids, alive
        return made

    def _interned(self, made: Shape) -> Shape:
        layout = self._layouts.setdefault(made.layout, made.layout)
        return (
            made
            if layout is made.layout
            else Shape(made.table, layout, made.key, made.envelope, made.bare)
        )

    # --- targets ---

    def _target(self, name: TableName, layout: Layout) -> Target | None:
        """The table made fit; None where a delete finds no table, and so nothing to delete."""
        known = (name, id(layout))
        if known not in self._targets:
            table = self._table(name, layout)
            if table is None:
                return None
            self._targets[known] = self._bind(table, layout)
        return self._targets[known]

    def _table(self, name: TableName, layout: Layout) -> Table | None:
        if not layout.rows:
            table = self.dialect.describe(name)
            self.dialect.commit()
            if table is None and not self.config.auto_create:
                raise TargetError(
                    f"Table {name} is missing in {self.dialect.title}.",
                    cure="Create it, or set auto.create=true.",
                )
            return table
        specs = [self._spec(member, layout, key=True) for member in layout.keys]
        specs += [self._spec(member, layout, key=False) for _, member in layout.others]
        return fit(
            self.dialect,
            name,
            specs,
            create=self.config.auto_create,
            evolve=self.config.auto_evolve,
        )

    def _spec(self, member: Field, layout: Layout, *, key: bool) -> ColumnSpec:
        schema = member.schema
        return ColumnSpec(
            member.name,
            column_type(schema),
            optional=schema.optional and not key,
            default=self._decoded(schema, schema.default),
            filler=self._decoded(schema, zero(schema)) if layout.mysql else None,
            key=key,
        )

    def _decoded(self, schema: Schema, value: Any) -> Any:
        decode = decoder(schema, self.zone)
        return value if decode is None or value is None else decode(value)

    def _bind(self, table: Table, layout: Layout) -> Target:
        keys = tuple(self._cell(table, member, layout) for member in layout.keys)
        others = tuple(
            (place, self._cell(table, member, layout))
            for place, member in layout.others
            if not _column(table, member.name).generated
        )
        names = frozenset(cell.column for cell in keys)
        upsert = self.config.insert_mode is InsertMode.UPSERT
        if upsert and layout.rows and names not in table.uniques and not table.is_view:
            text = ", ".join(sorted(names))
            raise TargetError(
                f"Table {table.name} in {self.dialect.title} has no primary or unique key on "
                f"({text}), so insert.mode=upsert cannot find the row to update.",
                cure=f"Add a unique key on ({text}), or correct pk.fields.",
            )
        keyed = self.config.pk_mode is not PkMode.NONE
        ordered = (
            not keyed
            or self.config.insert_mode in (InsertMode.INSERT, InsertMode.MULTI)
            or bool(table.other_uniques(names))
        )
        return Target(table, keys, others, ordered)

    def _cell(self, table: Table, member: Field, layout: Layout) -> Cell:
        schema = member.schema
        target = _column(table, member.name)
        kind = column_type(schema)
        make = _chained(
            decoder(schema, self.zone),
            check(kind, target.type, default_digits=self.dialect.second_digits),
            self.dialect.encoder(kind, target),
        )
        null = self.dialect.null
        if schema.default is not None and not layout.explicit_nulls:
            null = schema.default if make is None else make(schema.default)
        return Cell(target.name, make, null)

    # --- rows ---

    def _write(self, target: Target, segment: Segment, batches: Sequence[SinkBatch]) -> None:
        mode = self.config.insert_mode
        if target.ordered:
            runs = in_order(segment.events)
        else:
            runs = collapse(segment.events, update_only=mode is InsertMode.UPDATE)
        for run in runs:
            if run.op is Op.TRUNCATE:
                self._truncate(target, run, batches)
                continue
            for events in chunks(run.events, max(1, self.config.batch_size)):
                self._statement(target, run.op, events, batches)

    def _statement(
        self, target: Target, op: Op, events: Sequence[Event], batches: Sequence[SinkBatch]
    ) -> None:
        table = target.table
        keys = [cell.column for cell in target.keys]
        cells = [
            _converted(cell, values, events, batches, table)
            for cell, values in zip(
                target.keys, zip(*(event.key for event in events), strict=True), strict=True
            )
        ]
        if op is Op.DELETE:
            self.dialect.delete(table, keys, cells)
            return
        for place, cell in target.others:
            values = [event.row[place] for event in events]
            cells.append(_converted(cell, values, events, batches, table))
        others = [cell.column for _, cell in target.others]
        match self.config.insert_mode:
            case InsertMode.INSERT | InsertMode.MULTI:
                self.dialect.insert(table, keys + others, cells)
            case InsertMode.UPSERT:
                self.dialect.upsert(table, keys, others, cells)
            case InsertMode.UPDATE:
                self.dialect.update(table, keys, others, cells)

    def _truncate(self, target: Target, run: Run, batches: Sequence[SinkBatch]) -> None:
        event = run.events[0]
        topic = batches[event.batch].log_topic
        count = self.partitions(topic)
        if count != 1:
            raise DataError(
                f"{where(batches[event.batch], event.place)} truncates table "
                f"{target.table.name}, but topic {topic} has {count} partitions, and rows of the "
                "others may be older or newer.",
                cure="Give the topic one partition, or drop truncates with a transform.",
            )
        self.dialect.clear(target.table)


def _column(table: Table, name: str) -> TargetColumn:
    found = table.column(name)
    if found is None:
        raise TargetError(
            f"Table {table.name} has no column {name}.",
            cure="Add the column, or correct pk.fields.",
        )
    return found


def _chained(*steps: Callable[[Any], Any] | None) -> Callable[[Any], Any] | None:
    """The steps one after the other; None if there is none."""
    made: Callable[[Any], Any] | None = None
    for step in steps:
        if step is not None:
            made = step if made is None else _then(made, step)
    return made


def _then(first: Callable[[Any], Any], second: Callable[[Any], Any]) -> Callable[[Any], Any]:
    return lambda value: second(first(value))


_UNFIT = (ValueError, OverflowError, ArithmeticError, TypeError, CdcError)


def _converted(
    cell: Cell,
    values: Sequence[Any],
    events: Sequence[Event],
    batches: Sequence[SinkBatch],
    table: Table,
) -> list[Any]:
    """The cells of one column; DataError names the record whose value does not fit."""
    try:
        return cell.cells(values)
    except _UNFIT:
        for value, event in zip(values, events, strict=True):
            try:
                cell.cells([value])
            except _UNFIT as error:
                record = where(batches[event.batch], event.place)
                raise DataError(
                    f"{record} cannot be written to column {cell.column} of table {table.name}: "
                    f"{error}."
                ) from error
        raise

"""Makes the target table fit: creates it, or adds the columns it lacks.

Nothing is ever dropped, renamed, or changed in type. Two tasks may do this at once: whoever loses
reads the table again and finds it done.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import replace

from connect.errors import TargetError
from sink.dialects.base import ColumnSpec, Dialect, Fault
from sink.table import Table, TableName

_logger = logging.getLogger(__name__)

_ATTEMPTS = 5


def fit(
    dialect: Dialect,
    name: TableName,
    specs: Sequence[ColumnSpec],
    *,
    create: bool,
    evolve: bool,
) -> Table:
    """The table with a column for each spec. TargetError says what is missing and may not be made.

    Commits on its own; to be called before the rows of a transaction are written.
    """
    for attempt in range(1, _ATTEMPTS + 1):
        table = dialect.describe(name)
        dialect.commit()
        if table is None:
            if not create:
                raise TargetError(
                    f"Table {name} is missing in {dialect.title}.",
                    cure="Create it, or set auto.create=true.",
                )
            statements = dialect.create(name, specs)
        else:
            missing = [spec for spec in specs if table.column(spec.name) is None]
            if not missing:
                return table
            statements = dialect.add(name, _addable(dialect, table, missing, evolve))
        try:
            for statement in statements:
                dialect.execute(statement)
            dialect.commit()
        except dialect.errors as error:
            if dialect.fault(error) is Fault.MOMENT or attempt == _ATTEMPTS:
                raise
            dialect.rollback()
            if dialect.describe(name) == table:  # nobody else did it
                raise
    raise TargetError(
        f"Table {name} in {dialect.title} keeps changing.", cure="See what else alters it."
    )


def _addable(
    dialect: Dialect, table: Table, missing: Sequence[ColumnSpec], evolve: bool
) -> list[ColumnSpec]:
    names = ", ".join(spec.name for spec in missing)
    if table.is_view:
        raise TargetError(
            f"View {table.name} in {dialect.title} lacks {names}, and views are not altered.",
            cure="Add them to the view, or leave them out with fields.whitelist.",
        )
    if not evolve:
        raise TargetError(
            f"Table {table.name} in {dialect.title} lacks {names}.",
            cure="Add them, set auto.evolve=true, or leave them out with fields.whitelist.",
        )
    return [_late(dialect, table, spec) for spec in missing]


def _late(dialect: Dialect, table: Table, spec: ColumnSpec) -> ColumnSpec:
    """The column as it can be added to a table that may have rows: outside the primary key, and
    nullable where nobody knows what those rows have in it."""
    if spec.optional or spec.default is not None:
        return replace(spec, key=False)
    if spec.filler is not None:
        return replace(spec, key=False, default=spec.filler)
    if spec.key:
        raise TargetError(
            f"Table {table.name} in {dialect.title} lacks the key column {spec.name}, and the rows "
            "already there have no value for it.",
            cure=f"Add the column {spec.name} by hand.",
        )
    _logger.warning(
        "%s of %s in %s is required in the records, but rows already there have no value for it: "
        "the column is added as one that may be null.",
        spec.name, table.name, dialect.title,
    )  # fmt: skip
    return replace(spec, optional=True)

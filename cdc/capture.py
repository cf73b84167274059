"""The captured tables: for each version, how its rows are read and what its records look like."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass

from cdc.binlog.plan import row_plan
from cdc.binlog.rows_cy import RowPlan
from cdc.binlog.table_map import TableMap
from cdc.config import FailureHandling, MySqlConfig
from cdc.connection import Server
from cdc.envelope import RecordShape, Source, context_headers, record_shape
from cdc.filters import Filters
from cdc.topics import Topics
from cdc.types.column_type import ColumnType
from cdc.types.families import column_type
from cdc.types.options import Options
from connect.errors import DataError, SourceError
from schema_history import Charset, Column, Schemas, SqlMode, Table, TableId

_logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class CapturedTable:
    """One version of a captured table, as one form of it is stored in the binlog."""

    id: TableId
    shape: RecordShape
    plan: RowPlan


@dataclass(frozen=True)
class TableVersion:
    """One version of a captured table: its definition, its captured columns and their types."""

    table: Table
    shape: RecordShape
    columns: Sequence[tuple[Column, ColumnType | None]]
    """All columns; None for one that is left out."""

    @property
    def captured(self) -> list[tuple[Column, ColumnType]]:
        return [(column, kind) for column, kind in self.columns if kind is not None]


def empty_schemas(server: Server) -> Schemas:
    """The defaults that the server's statements are read by, without any table."""
    variables = server.variables
    return Schemas(
        charset=Charset(variables.get("character_set_server", "utf8mb4")),
        sql_mode=SqlMode.of(variables.get("sql_mode", "")),
        lower_case_table_names=int(variables.get("lower_case_table_names", 0)),
    )


class Capture:
    """What one connector captures, by the schemas as they are now."""

    def __init__(self, config: MySqlConfig, schemas: Schemas, connector: str, task: int) -> None:
        self.config = config
        self.schemas = schemas
        self.filters = Filters(config)
        self.topics = Topics(config)
        self.source = Source(connector, config.topic_prefix)
        self.headers = (
            context_headers(connector, config.topic_prefix, task) if config.extended_headers else ()
        )
        self._options = Options(
            time=config.time_precision,
            decimal=config.decimal_handling,
            bigint_unsigned=config.bigint_unsigned_handling,
            binary=config.binary_handling,
            adjust_years=config.time_adjuster,
        )
        self._versions: dict[TableId, TableVersion] = {}
        self._unknown: set[TableId] = set()
        self._topics: dict[str, TableId] = {}

    def interested(self, table_map: TableMap) -> CapturedTable | None:
        """How to read rows that the binlog stores like this; None if nobody wants them."""
        table_id = TableId(table_map.database, table_map.table)
        if not self.filters.table(table_id):
            return None
        version = self.by_id(table_id)
        if version is None:
            self._not_known(table_id)
            return None
        try:
            plan = row_plan(version.table, table_map, [kind for _, kind in version.columns])
        except DataError as error:
            raise SourceError(
                f"The schema history does not fit the binlog: {error.message}",
                cure="Delete the connector's offsets and history to begin with a new snapshot.",
            ) from error
        return CapturedTable(version.table.id, version.shape, plan)

    def by_id(self, table_id: TableId) -> TableVersion | None:
        """The table's version now; None if it is not captured or not known."""
        table = self.schemas.get(table_id)
        if table is None or not self.filters.table(table.id):
            return None
        version = self._versions.get(table.id)
        if version is None or version.table is not table:
            version = self.version(table)
            self._versions[table.id] = version
        return version

    def version(self, table: Table) -> TableVersion:
        """Work out what depends on a table's definition.

        SourceError if another captured table has the same topic.
        """
        columns = [
            (
                column,
                column_type(column, self._options)
                if self.filters.column(table.id, column.name)
                else None,
            )
            for column in table.columns
        ]
        topic = self.topics.data(table.id)
        other = self._topics.setdefault(topic, table.id)
        if other != table.id:
            if other in self.schemas:
                raise SourceError(
                    f"Tables {other} and {table.id} would both go to topic {topic}, mixed.",
                    cure="Leave one out with table.exclude.list, or rename it.",
                )
            self._topics[topic] = table.id
        comments = None
        if self.config.include_schema_comments:
            comments = {column.name: column.comment for column in table.columns}
        shape = record_shape(
            table,
            [(column.name, kind) for column, kind in columns if kind is not None],
            topic=topic,
            source=self.source,
            comments=comments,
        )
        return TableVersion(table, shape, columns)

    def _not_known(self, table_id: TableId) -> None:
        """Rows of a captured table came whose definition the history lacks."""
        handling = self.config.inconsistent_schema
        if handling is FailureHandling.FAIL:
            raise SourceError(
                f"Encountered change event for table {table_id} whose schema isn't known to this "
                "connector.",
                cure="Delete the connector's offsets and history to begin with a new snapshot, or "
                "take the table out of table.include.list.",
            )
        if handling is FailureHandling.WARN and table_id not in self._unknown:
            _logger.warning("Rows of %s are left out: its schema is not known.", table_id)
            self._unknown.add(table_id)

"""Which tables are read, and which task reads which.

Follows Confluent's ``TableMonitorThread`` (filters, duplicates) and Kafka's ``ConnectorUtils``.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from typing import NamedTuple

from cdc.polling.config import PollingConfig
from connect.errors import ConfigError
from connect.quoting import quoted


class Table(NamedTuple):
    """A table by catalog (MySQL's database), schema (PostgreSQL) and name; None where there is
    none. ``kind`` is JDBC's table type."""

    catalog: str | None
    schema: str | None
    name: str
    kind: str = "TABLE"

    @property
    def parts(self) -> tuple[str, ...]:
        return tuple(part for part in (self.catalog, self.schema, self.name) if part is not None)

    @property
    def qualified(self) -> str:
        """The unquoted name with all it is qualified by."""
        return ".".join(self.parts)

    def answers(self, name: str) -> bool:
        """Whether ``name`` is this table's, as far qualified as it is."""
        return any(name == ".".join(self.parts[at:]) for at in range(len(self.parts)))


def chosen(tables: Sequence[Table], config: PollingConfig) -> list[Table]:
    """The tables to read out of all there are, in their order.

    A bare name in ``table.whitelist`` means the table of the URL's database where it has one.
    ConfigError when two tables would share a topic.
    """
    found = [table for table in tables if _seen(table, config)]
    if config.table_whitelist:
        found = _whitelisted(found, config.table_whitelist, config.url.database)
    elif config.table_blacklist:
        found = [t for t in found if not any(t.answers(name) for name in config.table_blacklist)]
    else:
        found = [
            t
            for t in found
            if any(re.fullmatch(regex, t.qualified) for regex in config.table_include)
            and not any(re.fullmatch(regex, t.qualified) for regex in config.table_exclude)
        ]
    counts = Counter(table.name for table in found)
    double = [table.qualified for table in found if counts[table.name] > 1]
    if double:
        raise ConfigError(
            "table.whitelist" if config.table_whitelist else "table.include.list",
            f"The tables {', '.join(double)} would share one topic, which is made of the bare name "
            "of a table.",
            cure="Choose one of each name, with a connector and topic.prefix for each database.",
        )
    return found


def unanswered(tables: Sequence[Table], config: PollingConfig) -> list[str]:
    """Entries of ``table.whitelist`` and ``table.include.list`` that no table answers to."""
    seen = [table for table in tables if _seen(table, config)]
    names = [n for n in config.table_whitelist if not any(table.answers(n) for table in seen)]
    return names + [
        regex
        for regex in config.table_include
        if not any(re.fullmatch(regex, table.qualified) for table in seen)
    ]


def _seen(table: Table, config: PollingConfig) -> bool:
    kinds = {kind.upper() for kind in config.table_types}
    return (
        table.kind in kinds
        and _like(table.catalog, config.catalog_pattern)
        and _like(table.schema, config.schema_pattern)
    )


def _like(name: str | None, pattern: str | None) -> bool:
    """JDBC's metadata patterns: None is any, empty is only what has none."""
    if pattern is None:
        return True
    if pattern == "":
        return name is None
    expression = "".join(
        {"%": ".*", "_": "."}.get(character, re.escape(character)) for character in pattern
    )
    return name is not None and re.fullmatch(expression, name, re.DOTALL) is not None


def _whitelisted(tables: list[Table], names: list[str], database: str) -> list[Table]:
    wanted: set[Table] = set()
    for name in names:
        answering = [table for table in tables if table.answers(name)]
        own = [table for table in answering if table.catalog == database]
        wanted.update(own or answering)
    return [table for table in tables if table in wanted]


def groups(tables: Sequence[Table], most: int) -> list[list[Table]]:
    """Neighbours together, in at most ``most`` groups whose sizes differ by at most one."""
    count = min(most, len(tables))
    made = []
    start = 0
    for place in range(count):
        size = len(tables) // count + (place < len(tables) % count)
        made.append(list(tables[start : start + size]))
        start += size
    return made


_PART = re.compile(r'"(?P<text>(?:[^"]|"")*)"(?P<end>[.,]|$)')


def to_text(tables: Sequence[Table]) -> str:
    """The ``tables`` setting of a task."""
    return ",".join(quoted(*table.parts) for table in tables)


def from_text(text: str, *, in_schemas: bool) -> list[Table]:
    """Reads what ``to_text`` wrote; ``in_schemas``: a qualifier is a schema, not a catalog."""
    tables: list[Table] = []
    parts: list[str] = []
    for found in _PART.finditer(text):
        parts.append(found["text"].replace('""', '"'))
        if found["end"] != ".":
            *qualifier, name = parts
            owner = qualifier[0] if qualifier else None
            tables.append(Table(None, owner, name) if in_schemas else Table(owner, None, name))
            parts = []
    return tables

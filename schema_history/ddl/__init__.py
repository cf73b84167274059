"""The DDL reader: what one statement does to the tables, as values.

A recursive-descent reader of the statements that can change a table's shape, name or key, over
sqlglot's tokens. All others are recognised by their first words and passed by.
"""

from __future__ import annotations

from schema_history.ddl.dispatch import read_statement
from schema_history.ddl.lexer import SqlMode
from schema_history.ddl.statement import Catalog

__all__ = ["Catalog", "SqlMode", "read_statement"]

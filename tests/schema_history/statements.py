"""Random CREATE and ALTER TABLE statements, most of which a MySQL server takes."""

from __future__ import annotations

from random import Random

from connect.quoting import backticked
from schema_history import Schemas, Table, TableId

TYPES = {
    "TINYINT": "7", "TINYINT(1)": "TRUE", "SMALLINT UNSIGNED": "0", "MEDIUMINT": "-5",
    "INT": "42", "INTEGER(9) UNSIGNED": "'3'", "INT4 ZEROFILL": "8", "BIGINT SIGNED": "-1",
    "INT8 UNSIGNED": "18446744073709551615", "BOOL": "false", "DECIMAL(9,3)": "1.500",
    "NUMERIC(5)": "+12", "DEC": "3", "FIXED(4,1) UNSIGNED": ".5", "FLOAT": "1.5", "FLOAT(30)": "2",
    "FLOAT(8,2)": "2.25", "DOUBLE PRECISION": "1e2", "REAL UNSIGNED": "0.5", "BIT(5)": "b'101'",
    "BIT": "1", "DATE": "'2020-02-29'", "TIME(2)": "'11:22:33.45'", "YEAR": "2024",
    "DATETIME": "'2020-01-01 00:00:01'", "DATETIME(3)": "CURRENT_TIMESTAMP(3)",
    "TIMESTAMP": "NOW() ON UPDATE NOW()", "TIMESTAMP(6)": "'2020-01-01 00:00:01.500000'",
    "CHAR(4)": "'a''b'", "CHARACTER VARYING(20)": '"x y"', "VARCHAR(30)": "'abc'",
    "NCHAR(3)": "N'n'", "NATIONAL VARCHAR(8)": "''", "TEXT": None, "TEXT(300)": None,
    "LONGTEXT": None, "TINYTEXT": "('t')", "ENUM('a','b b','c,d')": "'b b'", "JSON": None,
    "SET('x','y','z')": "'x,z'", "BINARY(3)": None, "VARBINARY(9)": "'ab'", "BLOB(300)": None,
    "LONGBLOB": None, "GEOMETRY": None, "VECTOR(4)": None, "VARCHAR(36)": "(UUID())",
}  # fmt: skip
NUMBERS = ("tinyint", "smallint", "mediumint", "int", "bigint", "decimal", "float", "double")
CHARSETS = ("utf8mb4", "latin1", "utf8mb3", "binary", "gbk", "ascii")
COLLATIONS = ("utf8mb4_bin", "latin1_general_ci", "utf8mb4_0900_as_cs", "utf8mb3_unicode_ci")
CHARACTER_TYPES = ("CHAR", "VARCHAR", "TEXT", "LONGTEXT", "TINYTEXT", "ENUM", "SET")
NAMES = ("a", "b", "c", "d", "e", "Id", "user_name", "`key`", "`or der`", "`x``y`", "ünï", "`7`")


class Statements:
    """Makes statements from a seed; it looks at the model to name what exists."""

    def __init__(self, seed: int, schemas: Schemas, database: str) -> None:
        self.random = Random(seed)
        self.schemas = schemas
        self.database = database
        self.made = 0

    def next(self) -> str:
        tables = [self.schemas[i] for i in self.schemas if i.database == self.database]
        if len(tables) < 2 or (len(tables) < 6 and self.random.random() < 0.15):
            return self.create()
        table = self.random.choice(tables)
        if self.random.random() < 0.08:
            return f"DROP TABLE {self.table_name(table.id)}"
        if self.random.random() < 0.08:
            return self.index(table)
        return self.alter(table)

    def create(self) -> str:
        self.made += 1
        names = self.random.sample(NAMES, self.random.randint(1, 8))
        elements = [f"{name} {self.definition()}" for name in names]
        if self.random.random() < 0.6:
            elements.append(f"PRIMARY KEY ({', '.join(self.some(names))})")
        if self.random.random() < 0.5:
            elements.append(f"UNIQUE KEY ({', '.join(self.some(names))})")
        if self.random.random() < 0.3:
            elements.append(f"UNIQUE u ({', '.join(self.some(names))})")
        if self.random.random() < 0.3:
            elements.insert(0, f"KEY ({self.random.choice(names)})")
        return f"CREATE TABLE t{self.made} ({', '.join(elements)}){self.options()}"

    def alter(self, table: Table) -> str:
        columns = [backticked(c.name) for c in table.columns]
        actions: list[str] = []
        for _ in range(self.random.choice((1, 1, 2, 3))):
            chosen = self.random.choice(table.columns)
            column = backticked(chosen.name)
            default = "1" if chosen.data_type in NUMBERS else "NULL"
            new = self.random.choice(NAMES)
            action = self.random.choice(
                (
                    f"ADD COLUMN {new} {self.definition()}{self.place(columns)}",
                    f"ADD {new} {self.definition()}{self.place(columns)}",
                    f"ADD ({new} {self.definition()})",
                    f"DROP COLUMN {column}",
                    f"DROP {column}",
                    f"MODIFY {column} {self.definition()}{self.place(columns)}",
                    f"MODIFY COLUMN {column} {self.definition()}",
                    f"CHANGE {column} {new} {self.definition()}{self.place(columns)}",
                    f"RENAME COLUMN {column} TO {new}",
                    f"ALTER COLUMN {column} DROP DEFAULT",
                    f"ALTER {column} SET DEFAULT {self.random.choice((default, 'NULL'))}",
                    f"ALTER {column} SET {self.random.choice(('IN', ''))}VISIBLE",
                    "DROP PRIMARY KEY",
                    f"ADD PRIMARY KEY ({', '.join(self.some(columns))})",
                    f"ADD UNIQUE ({', '.join(self.some(columns))})",
                    f"ADD CONSTRAINT UNIQUE KEY u2 ({column})",
                    f"CONVERT TO CHARACTER SET {self.random.choice(CHARSETS)}",
                    f"DEFAULT CHARSET = {self.random.choice(CHARSETS)}",
                    f"COLLATE {self.random.choice(COLLATIONS)}",
                    f"COMMENT = '{self.random.randint(1, 9)}'",
                    self.key_action(table),
                )
            )
            actions.append(action)
        return f"ALTER TABLE {self.table_name(table.id)} {', '.join(actions)}"

    def key_action(self, table: Table) -> str:
        names = [backticked(index.name) for index in table.indexes] or ["nothing"]
        name = self.random.choice(names)
        return self.random.choice((f"DROP INDEX {name}", f"RENAME INDEX {name} TO ren"))

    def index(self, table: Table) -> str:
        name = self.table_name(table.id)
        if table.indexes and self.random.random() < 0.5:
            return f"DROP INDEX {backticked(self.random.choice(table.indexes).name)} ON {name}"
        columns = self.some([backticked(c.name) for c in table.columns])
        unique = self.random.choice(("UNIQUE ", ""))
        return f"CREATE {unique}INDEX i{self.random.randint(1, 9)} ON {name} ({', '.join(columns)})"

    def definition(self) -> str:
        kind, default = self.random.choice(list(TYPES.items()))
        text = kind
        if kind.startswith(CHARACTER_TYPES):
            if self.random.random() < 0.3:
                text += f" CHARACTER SET {self.random.choice(CHARSETS)}"
            elif self.random.random() < 0.2:
                text += f" COLLATE {self.random.choice(COLLATIONS)}"
        parts: list[str] = []
        if self.random.random() < 0.6:
            parts.append(self.random.choice(("NOT NULL", "NOT NULL", "NULL")))
        if default is not None and self.random.random() < 0.5:
            parts.append(f"DEFAULT {default}")
        elif self.random.random() < 0.1:
            parts.append("DEFAULT NULL")
        elif "INT" in kind and "POINT" not in kind and self.random.random() < 0.15:
            parts.append("AUTO_INCREMENT UNIQUE")
        if self.random.random() < 0.1:
            parts.append("UNIQUE")
        if self.random.random() < 0.1:
            parts.append("COMMENT 'it''s a \\'c\\' \\\\'")
        if self.random.random() < 0.1:
            parts.append("INVISIBLE")
        self.random.shuffle(parts)
        return " ".join((text, *parts))

    def options(self) -> str:
        return self.random.choice(
            (
                "",
                f" DEFAULT CHARSET={self.random.choice(CHARSETS)}",
                f" COLLATE = {self.random.choice(COLLATIONS)} ENGINE=InnoDB",
                f" CHARACTER SET {self.random.choice(CHARSETS)} COMMENT='x''y'",
            )
        )

    def place(self, columns: list[str]) -> str:
        return self.random.choice(("", "", " FIRST", f" AFTER {self.random.choice(columns)}"))

    def some(self, names: list[str]) -> list[str]:
        return self.random.sample(names, min(len(names), self.random.choice((1, 1, 2, 3))))

    def table_name(self, table_id: TableId) -> str:
        return self.random.choice((backticked(table_id.database, table_id.table), table_id.table))

"""The demo's shop: tables of many types, and a day's business in them."""

from __future__ import annotations

import random
import re
import threading
import time
from collections.abc import Callable, Iterator
from functools import cache
from pathlib import Path
from typing import Any, Final

from cdc.connection import Connection
from connect.errors import SourceError

DATABASE: Final = "shop"

_SHARES: Final = {
    "customers": 0.15,
    "products": 0.025,
    "orders": 0.2,
    "order_lines": 0.4,
    "payments": 0.1,
    "inventory": 0.075,
    "reviews": 0.05,
}
"""Which part of all rows each table gets."""


@cache
def _statements(section: str) -> list[str]:
    """The statements of a section of ``shop.sql``."""
    text = Path(__file__).with_name("shop.sql").read_text("utf-8")
    sections = dict(re.findall(r"^-- name: (.+)\n((?:(?!-- name: ).*\n)*)", text, re.MULTILINE))
    return [sql for part in sections[section].split(";\n") if (sql := part.strip())]


def create(connection: Connection, rows: int) -> Iterator[tuple[str, int]]:
    """Make the shop with at least ``rows`` rows; gives each table and its rows when filled."""
    with connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {DATABASE}")
        connection.select_db(DATABASE)
        cursor.execute(f"SET SESSION cte_max_recursion_depth = {rows + 1}")
        for statement in _statements("tables"):
            cursor.execute(statement)
        for table, share in _SHARES.items():
            count = round(rows * share) + 1
            for statement in _statements(table):
                cursor.execute(statement.replace("{rows}", str(count)))
            yield table, count


class Business(threading.Thread):
    """Keeps the shop busy until ``close``: about ``rate`` transactions a second.

    It ends early when a statement fails, which ``close`` then raises as SourceError.
    """

    def __init__(self, connection: Connection, *, rate: int = 200, alter_after: float) -> None:
        """``alter_after`` is when, in seconds from the start, columns are added to a table."""
        super().__init__(name="business", daemon=True)
        self.transactions = 0
        self._connection = connection
        self._cursor = connection.cursor()
        self._pause = 1 / rate
        self._alter_after = alter_after
        self._altered = False
        self._random = random.Random()
        self._closing = threading.Event()
        self._error: Exception | None = None
        self._kinds: list[Callable[[], None]] = [
            *[self._order] * 6,
            *[self._visit] * 4,
            *[self._ship] * 2,
            *[self._review] * 2,
            self._rename_product,
            self._renumber_lines,
            self._cancel,
            self._think_twice,
            self._half_undo,
            self._recount,
        ]

    def run(self) -> None:
        try:
            self._connection.autocommit(False)
            began = time.monotonic()
            while not self._closing.wait(self._pause):
                if not self._altered and time.monotonic() - began > self._alter_after:
                    self.alter()
                self._random.choice(self._kinds)()
                self._connection.commit()
                self.transactions += 1
        except Exception as error:
            self._error = error

    def alter(self) -> None:
        """Add columns to a table that is in use."""
        for statement in _statements("new columns"):
            self._sql(statement)
        self._altered = True
        self._order()
        self._connection.commit()

    def close(self) -> None:
        """End the business after the transaction in hand."""
        self._closing.set()
        self.join()
        self._connection.close()
        if self._error is not None:
            raise SourceError(f"The shop's business broke down: {self._error}") from self._error

    # --- one transaction each --------------------------------------------------------------------

    def _sql(self, statement: str, *values: Any) -> None:
        self._cursor.execute(statement, values or None)

    def _number(self, table: str, column: str = "id") -> int:
        """The number of some row that is likely to be there."""
        self._sql(f"SELECT MAX({column}) FROM {table}")
        (highest,) = self._cursor.fetchone() or (None,)
        return self._random.randint(1, highest or 1)

    def _sku(self) -> str:
        return f"P-{self._random.randint(1, 1000):06d}"

    def _order(self) -> None:
        self._sql(
            "INSERT INTO orders (customer, status, placed, pickup, total) "
            "VALUES (%s, 'new', NOW(3), SEC_TO_TIME(RAND() * 86399), RAND() * 500)",
            self._number("customers"),
        )
        number = self._cursor.lastrowid
        if self._altered:
            self._sql(
                "UPDATE orders SET channel = %s, gift = JSON_OBJECT('paper', RAND()) WHERE id = %s",
                self._random.choice(["app", "shop", "phone"]),
                number,
            )
        for line in range(1, self._random.randint(2, 4)):
            sku = self._sku()
            self._sql(
                "INSERT INTO order_lines VALUES (%s, %s, %s, %s, RAND() * 900)",
                number, line, sku, line,
            )  # fmt: skip
            self._sql("UPDATE inventory SET stock = stock - %s WHERE sku = %s LIMIT 1", line, sku)
        self._sql(
            "INSERT INTO payments "
            "VALUES (RANDOM_BYTES(16), %s, 'card', RAND() * 500, NULL, NOW(6))",
            number,
        )

    def _visit(self) -> None:
        self._sql(
            "UPDATE customers SET seen = NOW(3), balance = balance + RAND() * 10 - 5, "
            "interests = FLOOR(RAND() * 16), settings = JSON_OBJECT('visits', RAND(), 'at', %s) "
            "WHERE id = %s",
            "☕" * self._random.randint(0, 3),
            self._number("customers"),
        )

    def _ship(self) -> None:
        first = self._number("orders")
        self._sql(
            "UPDATE orders SET status = 'sent', note = CONCAT('parcel ', id) "
            "WHERE id BETWEEN %s AND %s",
            first,
            first + self._random.randint(0, 20),
        )

    def _review(self) -> None:
        self._sql("DELETE FROM reviews WHERE id = %s", self._number("reviews"))
        self._sql(
            "INSERT INTO reviews (sku, customer, stars, body, votes, written) "
            "VALUES (%s, 1, %s, %s, JSON_OBJECT(), NOW(6))",
            self._sku(),
            self._random.randint(0, 5),
            "So so. " * self._random.randint(0, 2000),
        )

    def _rename_product(self) -> None:
        old = self._sku()
        new = f"N-{self._random.randint(1, 1000):06d}"
        self._sql("DELETE FROM products WHERE sku = %s", new)
        self._sql("UPDATE products SET sku = %s, flags = flags + 1 & 4095 WHERE sku = %s", new, old)
        self._sql("UPDATE products SET picture = RANDOM_BYTES(9) WHERE sku = %s", new)

    def _renumber_lines(self) -> None:
        self._sql(
            "UPDATE order_lines SET line = line + 1 WHERE order_id = %s AND line < 30000 "
            "ORDER BY line DESC",
            self._number("orders"),
        )

    def _cancel(self) -> None:
        number = self._number("orders")
        self._sql("DELETE FROM order_lines WHERE order_id = %s", number)
        self._sql("DELETE FROM orders WHERE id = %s", number)

    def _think_twice(self) -> None:
        self._order()
        self._visit()
        self._connection.rollback()

    def _half_undo(self) -> None:
        self._visit()
        self._sql("SAVEPOINT cart")
        self._order()
        self._sql("DELETE FROM reviews WHERE id = %s", self._number("reviews"))
        self._sql("ROLLBACK TO SAVEPOINT cart")
        self._visit()

    def _recount(self) -> None:
        self._sql(
            "REPLACE INTO inventory VALUES (%s, %s, RAND() * 90, NULL, CURRENT_DATE)",
            self._random.choice(["Aachen", "Łódź", "lyon", "Åre"]),
            self._sku(),
        )

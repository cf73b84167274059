"""Whatever comes, the reader gives changes or a DdlError, and never changes the model by half."""

from __future__ import annotations

from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from connect.errors import DdlError
from schema_history import Schemas, SqlMode
from tests.schema_history.statements import Statements

WORDS = (Path(__file__).parent / "fixtures" / "words.txt").read_text("utf-8").split("\n")
STARTS = ("", "CREATE TABLE t (", "ALTER TABLE t ", "ALTER TABLE t ADD ", "CREATE TABLE u (a ")


@settings(max_examples=400, deadline=None)
@given(
    st.sampled_from(STARTS),
    st.lists(st.sampled_from(WORDS), max_size=12),
    st.booleans(),
    st.booleans(),
)
def test_words_in_any_order(start: str, words: list[str], ansi: bool, no_backslash: bool) -> None:
    read(start + " ".join(words), SqlMode(ansi, no_backslash))


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 999), st.data())
def test_statements_cut_and_spliced(seed: int, data: st.DataObject) -> None:
    schemas = Schemas()
    schemas.apply("CREATE TABLE t (a INT, b INT)", "d")
    made = Statements(seed, schemas, "d")
    first, second = made.next(), made.next()
    cut = data.draw(st.integers(0, len(first)))
    begin = data.draw(st.integers(0, len(second)))
    read(first[:cut] + second[begin:], SqlMode())


def read(statement: str, mode: SqlMode) -> None:
    schemas = Schemas()
    schemas.apply("CREATE TABLE t (a INT PRIMARY KEY, b VARCHAR(5) UNIQUE)", "d")
    before = dict(schemas)
    try:
        changes = schemas.apply(statement, "d", sql_mode=mode)
    except DdlError as error:
        assert 0 <= error.offset <= len(statement)
        assert error.statement == statement
        assert dict(schemas) == before
    else:
        assert changes
        for change in changes:
            if change.table is not None:
                columns = change.table.columns
                assert [c.position for c in columns] == list(range(1, len(columns) + 1))

"""Schemas: compared by content, found by name, the same in another process."""

from __future__ import annotations

import pickle
import subprocess
import sys
from dataclasses import replace

from hypothesis import given

from connect.schema import INT32, INT64, STRING, Schema, Type, array, struct
from connect.schema_cache import SchemaCache
from tests.connect.schemas import schemas


def test_compared_by_content() -> None:
    first = struct("s", [("a", INT32), ("b", array(STRING))], version=1, doc="d")
    second = struct("s", [("a", INT32), ("b", array(STRING))], version=1, doc="d")
    assert first == second
    assert hash(first) == hash(second)
    for other in (
        replace(first, optional=True),
        replace(first, doc="e"),
        replace(first, parameters={"p": "q"}),
        struct("s", [("a", INT64), ("b", array(STRING))], version=1, doc="d"),
        struct("s", [("b", array(STRING)), ("a", INT32)], version=1, doc="d"),
    ):
        assert first != other


def test_fields_by_name() -> None:
    schema = struct("s", [("a", INT32), ("b", STRING)])
    assert schema.indexes == {"a": 0, "b": 1}
    found = schema.field("b")
    assert found is not None
    assert found.schema is STRING
    assert schema.field("c") is None


def test_defaults_that_cannot_be_hashed() -> None:
    schema = Schema(Type.MAP, key=STRING, element=INT32, default={"a": 1})
    assert hash(schema) == hash(replace(schema))


@given(schemas())
def test_pickled(schema: Schema) -> None:
    hash(schema)
    copy = pickle.loads(pickle.dumps(schema))
    assert copy == schema
    assert hash(copy) == hash(schema)


def test_found_in_another_process() -> None:
    schema = struct("s", [("a", INT32)])
    assert {schema: 1}[schema] == 1
    program = (
        "import pickle, sys; from connect.schema import INT32, struct;"
        "schema = pickle.loads(sys.stdin.buffer.read());"
        "assert schema in {struct('s', [('a', INT32)]): 1}"
    )
    subprocess.run([sys.executable, "-c", program], input=pickle.dumps(schema), check=True)


def test_cache_by_identity() -> None:
    made: list[Schema | None] = []

    def make(schema: Schema | None) -> int:
        made.append(schema)
        return len(made)

    cache = SchemaCache(make, size=2)
    first, second, third = (struct("s", [("a", INT32)]) for _ in range(3))
    assert (cache[first], cache[second], cache[first]) == (1, 2, 1)
    assert cache[third] == 3
    assert cache[first] == 4
    assert cache[None] == 5
    assert cache[None] == 5

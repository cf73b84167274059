"""Random Connect schemas with values that fit them, for property tests."""

from __future__ import annotations

import struct as binary
from typing import Any

from hypothesis import strategies as st

from connect.converters.java_numbers import single
from connect.logical import decimal_schema, timestamp_schema, unscaled_bytes
from connect.schema import Field, Schema, Type

_TEXT = st.text(max_size=8)
_BITS = {Type.INT8: 8, Type.INT16: 16, Type.INT32: 32, Type.INT64: 64}
_FINITE = st.floats(allow_nan=False, allow_infinity=False)
_SINGLE = st.binary(min_size=4, max_size=4).map(lambda b: float(binary.unpack("f", b)[0]))


def values(schema: Schema) -> st.SearchStrategy[Any]:
    """Values of a schema, null among them where it is optional."""
    kind = schema.type
    found: st.SearchStrategy[Any]
    if kind in _BITS:
        bound = 1 << (_BITS[kind] - 1)
        found = st.integers(-bound, bound - 1)
    elif kind is Type.BOOLEAN:
        found = st.booleans()
    elif kind is Type.FLOAT64:
        found = _FINITE
    elif kind is Type.FLOAT32:
        found = _SINGLE.filter(lambda x: x - x == 0).map(single)
    elif kind is Type.STRING:
        found = _TEXT
    elif kind is Type.BYTES and schema.name:
        found = st.integers(-(10**30), 10**30).map(unscaled_bytes)
    elif kind is Type.BYTES:
        found = st.binary(max_size=8)
    elif kind is Type.STRUCT:
        found = st.tuples(*(values(member.schema) for member in schema.fields))
    else:
        assert schema.element is not None
        element = values(schema.element)
        if kind is Type.ARRAY:
            found = st.lists(element, max_size=3)
        else:
            assert schema.key is not None
            found = st.dictionaries(values(schema.key), element, max_size=3)
    return st.none() | found if schema.optional else found


_SCALARS = st.sampled_from([k for k in Type if k not in (Type.ARRAY, Type.MAP, Type.STRUCT)])
_LEAVES = st.one_of(
    st.builds(Schema, _SCALARS, optional=st.booleans()),
    st.builds(decimal_schema, st.integers(-2, 12), optional=st.booleans()),
    st.builds(timestamp_schema, optional=st.booleans()),
)


def _inner(children: st.SearchStrategy[Schema]) -> st.SearchStrategy[Schema]:
    fields = st.lists(st.tuples(_TEXT, children), max_size=5, unique_by=lambda pair: pair[0])
    keys = st.sampled_from([Schema(Type.STRING), Schema(Type.INT32)])
    return st.one_of(
        st.builds(
            Schema,
            st.just(Type.STRUCT),
            optional=st.booleans(),
            name=st.none() | _TEXT,
            version=st.none() | st.integers(0, 9),
            doc=st.none() | _TEXT,
            parameters=st.dictionaries(_TEXT, _TEXT, max_size=2),
            fields=fields.map(lambda pairs: tuple(Field(*pair) for pair in pairs)),
        ),
        st.builds(Schema, st.just(Type.ARRAY), optional=st.booleans(), element=children),
        st.builds(Schema, st.just(Type.MAP), optional=st.booleans(), element=children, key=keys),
    )


def schemas() -> st.SearchStrategy[Schema]:
    return st.recursive(_LEAVES, _inner, max_leaves=8)


def rows_of_one_schema() -> st.SearchStrategy[tuple[Schema, list[Any]]]:
    """A schema and a few values of it."""
    return schemas().flatmap(
        lambda schema: st.tuples(st.just(schema), st.lists(values(schema), max_size=4))
    )

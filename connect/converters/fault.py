"""Finds the part of a value that does not fit its schema, for error messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from connect.schema import Schema, Type, Value

MISFITS = (TypeError, ValueError, OverflowError, KeyError, ArithmeticError)
"""What plans raise for a value that does not fit; UnicodeError is a ValueError."""


def describe(
    schema: Schema | None, value: Value, attempt: Callable[[Schema | None, Value], object]
) -> str:
    """The innermost part at which ``attempt`` fails, and why: ``after.price: not a float``.

    Structs may be tuples (Connect values) or dicts (parsed JSON).
    """
    path = ""
    reason = ""
    while True:
        try:
            attempt(schema, value)
        except MISFITS as error:
            reason = str(error) or type(error).__name__
        for step, inner_schema, inner in _parts(schema, value):
            try:
                attempt(inner_schema, inner)
            except MISFITS:
                path, schema, value = path + step, inner_schema, inner
                break
        else:
            kind = f" for {schema.type}" if schema is not None else ""
            where = f"{path.lstrip('.')}: " if path else ""
            return f"{where}{reason}{kind} (value of type {type(value).__name__})"


def _parts(schema: Schema | None, value: Value) -> Iterator[tuple[str, Schema | None, Value]]:
    if schema is None:
        if isinstance(value, dict):
            yield from ((f".{name}", None, inner) for name, inner in value.items())
        elif isinstance(value, (list, tuple)):
            yield from ((f"[{place}]", None, inner) for place, inner in enumerate(value))
    elif schema.type is Type.STRUCT:
        if isinstance(value, dict):
            for member in schema.fields:
                yield f".{member.name}", member.schema, value.get(member.name)
        elif isinstance(value, tuple) and len(value) == len(schema.fields):
            for member, inner in zip(schema.fields, value, strict=True):
                yield f".{member.name}", member.schema, inner
    elif schema.type is Type.ARRAY and isinstance(value, list):
        yield from ((f"[{place}]", schema.element, inner) for place, inner in enumerate(value))
    elif schema.type is Type.MAP and isinstance(value, dict):
        for name, inner in value.items():
            yield f"[key {name!r}]", schema.key, name
            yield f"[{name!r}]", schema.element, inner

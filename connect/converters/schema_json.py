"""Connect schemas as JSON, as Kafka's JsonConverter writes them beside each payload.

Follows ``JsonConverter.asJsonSchema`` and ``asConnectSchema``.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from connect.converters import json_read_cy, json_write_cy
from connect.converters.fault import MISFITS
from connect.converters.json_write_cy import quoted
from connect.errors import DataError
from connect.schema import Field, Schema, Type

_WORDS = {kind: kind.value.lower() for kind in Type} | {
    Type.FLOAT32: "float",
    Type.FLOAT64: "double",
}
_ELEMENT = {Type.ARRAY: "items", Type.MAP: "values"}
_TYPES = {word: kind for kind, word in _WORDS.items()}


def schema_text(
    schema: Schema | None,
    *,
    numeric_decimals: bool,
    null_as_default: bool,
    field: str | None = None,
) -> bytes:
    """The schema as JSON text; as the member ``field`` of a struct if given."""
    if schema is None:
        return b"null"

    def inner(part: Schema | None, name: str | None = None) -> bytes:
        return schema_text(
            part, numeric_decimals=numeric_decimals, null_as_default=null_as_default, field=name
        )

    members = [b'"type":"%s"' % _WORDS[schema.type].encode()]
    if schema.type is Type.STRUCT:
        fields = b",".join(inner(member.schema, member.name) for member in schema.fields)
        members.append(b'"fields":[%s]' % fields)
    elif schema.type is Type.ARRAY:
        members.append(b'"items":%s' % inner(schema.element))
    elif schema.type is Type.MAP:
        members.append(b'"keys":%s,"values":%s' % (inner(schema.key), inner(schema.element)))
    members.append(b'"optional":true' if schema.optional else b'"optional":false')
    if schema.name is not None:
        members.append(b'"name":%s' % quoted(schema.name))
    if schema.version is not None:
        members.append(b'"version":%d' % schema.version)
    if schema.doc is not None:
        members.append(b'"doc":%s' % quoted(schema.doc))
    if schema.parameters:
        pairs = (b"%s:%s" % (quoted(k), quoted(v)) for k, v in schema.parameters.items())
        members.append(b'"parameters":{%s}' % b",".join(pairs))
    if schema.default is not None:
        plan = json_write_cy.writer(schema, numeric_decimals, null_as_default)
        members.append(b'"default":%s' % json_write_cy.encode_one(plan, schema.default))
    if field is not None:
        members.append(b'"field":%s' % quoted(field))
    return b"{%s}" % b",".join(members)


def parse_schema(tree: Any, *, null_as_default: bool) -> Schema:
    """The schema described by JSON parsed with fractions as Decimal.

    DataError where it describes none.
    """
    if not isinstance(tree, dict):
        raise DataError(f"A schema must be a JSON object, but found {type(tree).__name__}.")
    kind = _TYPES.get(_text(tree, "type") or "")
    if kind is None:
        raise DataError(f"Unknown schema type: {tree.get('type')!r}.")

    def inner(name: str) -> Schema:
        if name not in tree:
            raise DataError(f"A schema of type {_WORDS[kind]} needs the member {name!r}.")
        return parse_schema(tree[name], null_as_default=null_as_default)

    fields: list[Field] = []
    if kind is Type.STRUCT:
        if not isinstance(tree.get("fields"), list):
            raise DataError("A schema of type struct needs an array in the member 'fields'.")
        for member in tree["fields"]:
            name = _text(member, "field") if isinstance(member, dict) else None
            if name is None:
                raise DataError("Each field of a struct schema needs its name in 'field'.")
            fields.append(Field(name, parse_schema(member, null_as_default=null_as_default)))
    version = tree.get("version")
    if version is not None and type(version) is not int:
        raise DataError(f"A schema version must be a whole number, but found {version!r}.")
    parameters = tree.get("parameters") or {}
    if not isinstance(parameters, dict) or not all(isinstance(v, str) for v in parameters.values()):
        raise DataError("Schema parameters must be an object with text values.")
    parts: dict[str, Any] = {
        "optional": tree.get("optional") is True,
        "name": _text(tree, "name"),
        "version": version,
        "doc": _text(tree, "doc"),
        "parameters": parameters,
        "fields": tuple(fields),
        "element": inner(_ELEMENT[kind]) if kind in _ELEMENT else None,
        "key": inner("keys") if kind is Type.MAP else None,
    }
    schema = Schema(kind, **parts)
    if tree.get("default") is None:
        return schema
    try:
        default = json_read_cy.read(json_read_cy.reader(schema, null_as_default), tree["default"])
    except MISFITS as error:
        raise DataError(
            f"The default of a schema of type {_WORDS[kind]} cannot be read: "
            f"{error or type(error).__name__}."
        ) from error
    return replace(schema, default=default)


def _text(tree: dict[str, Any], name: str) -> str | None:
    value = tree.get(name)
    if value is not None and not isinstance(value, str):
        raise DataError(f"The schema member {name!r} must be a text, but found {value!r}.")
    return value

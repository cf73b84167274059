"""SetSchemaMetadata: gives a schema another name or version.

Follows ``org.apache.kafka.connect.transforms.SetSchemaMetadata``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import ClassVar

from connect.config import Config, boolean, integer, optional_string
from connect.errors import ConfigError, DataError
from connect.schema import Schema, Type
from connect.transforms.side import Plan, SideTransform, defaulted


class SetSchemaMetadataConfig(Config):
    schema_name = optional_string("schema.name", doc="The new name.")
    schema_version = integer("schema.version", None, doc="The new version.")
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Copy null fields that have a default as it."
    )

    def check(self) -> Iterator[ConfigError]:
        if self.schema_name is None and self.values["schema.version"] is None:
            yield ConfigError(
                "schema.name", "Neither schema.name nor schema.version is set.", cure="Set one."
            )


class SetSchemaMetadata(SideTransform):
    config: ClassVar[type[Config]] = SetSchemaMetadataConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = SetSchemaMetadataConfig(settings)
        self._name = keys.schema_name
        self._version: int | None = keys.schema_version
        self._null_as_default = keys.null_as_default

    def plan(self, schema: Schema | None) -> Plan:
        if schema is None:
            raise DataError(
                "SetSchemaMetadata needs a schema, but the record has none.",
                cure="Set schemas.enable=true in the converter, or drop the transform.",
            )
        renamed = replace(
            schema,
            name=schema.name if self._name is None else self._name,
            version=schema.version if self._version is None else self._version,
        )
        if schema.type is not Type.STRUCT:
            return Plan(renamed, lambda value: value)
        return Plan(renamed, defaulted(schema, self._null_as_default) or (lambda row: row))


class SetSchemaMetadataKey(SetSchemaMetadata):
    is_key = True


class SetSchemaMetadataValue(SetSchemaMetadata):
    is_key = False

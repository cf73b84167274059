"""ReplaceField: keeps, drops and renames fields.

Follows ``org.apache.kafka.connect.transforms.ReplaceField``.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import ClassVar

from connect.config import Config, boolean, listing
from connect.errors import ConfigError, DataError
from connect.schema import Schema, Value
from connect.transforms.side import (
    Plan,
    SideTransform,
    getter,
    need_map,
    need_struct,
    struct_like,
)

PURPOSE = "ReplaceField"


class ReplaceFieldConfig(Config):
    exclude = listing("exclude", doc="Fields to drop; goes before include.")
    include = listing("include", doc="Fields to keep; empty for all.")
    renames = listing("renames", doc="Pairs old:new.")
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Copy null fields that have a default as it."
    )

    def check(self) -> Iterator[ConfigError]:
        for pair in self.renames:
            if len(pair.split(":")) != 2:
                yield ConfigError("renames", f"Invalid rename mapping: {pair}.")
        for gone, name in (("whitelist", "include"), ("blacklist", "exclude")):
            if gone in self.settings:
                yield ConfigError(gone, f"{gone} is no key any more.", cure=f"Use {name}.")


class ReplaceField(SideTransform):
    config: ClassVar[type[Config]] = ReplaceFieldConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = ReplaceFieldConfig(settings)
        self._exclude = frozenset(keys.exclude)
        self._include = frozenset(keys.include)
        self._renames: dict[str, str] = dict(pair.split(":") for pair in keys.renames)
        self._null_as_default = keys.null_as_default

    def _kept(self, name: str) -> bool:
        return name not in self._exclude and (not self._include or name in self._include)

    def plan(self, schema: Schema | None) -> Plan:
        renames = self._renames
        if schema is None:

            def renamed(value: Value) -> Value:
                members = need_map(value, PURPOSE)
                kept = [name for name in members if self._kept(name)]
                result = {renames.get(name, name): members[name] for name in kept}
                if len(result) < len(kept):
                    raise DataError("ReplaceField would give a map a member twice.")
                return result

            return Plan(None, renamed)
        members = need_struct(schema, PURPOSE).fields
        places = [place for place, member in enumerate(members) if self._kept(member.name)]
        names = [renames.get(members[place].name, members[place].name) for place in places]
        if len(set(names)) < len(names):
            raise DataError(f"ReplaceField would give {schema.name or 'a struct'} a field twice.")
        fields = ((name, members[place].schema) for name, place in zip(names, places, strict=True))
        getters = [getter(schema, place, self._null_as_default) for place in places]
        return Plan(struct_like(schema, fields), lambda row: tuple([get(row) for get in getters]))


class ReplaceFieldKey(ReplaceField):
    is_key = True


class ReplaceFieldValue(ReplaceField):
    is_key = False

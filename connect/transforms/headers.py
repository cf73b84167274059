"""InsertHeader, DropHeaders and HeaderFrom.

Follow the classes of these names in ``org.apache.kafka.connect.transforms``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar, TypeVar

from connect.batch import Batch, Header
from connect.config import REQUIRED, Config, boolean, choice, listing, string
from connect.converters.values import parse_text
from connect.errors import ConfigError, DataError
from connect.schema import Schema, Value
from connect.transforms.contract import Transform
from connect.transforms.side import (
    Plan,
    SideTransform,
    getter,
    need_map,
    need_struct,
    runs,
    struct_like,
)
from connect.validators import not_empty

B = TypeVar("B", bound=Batch)


class InsertHeaderConfig(Config):
    header = string("header", doc="Name of the header.", valid=[not_empty])
    value = string("value.literal", doc="Its value, typed by what it looks like.")


class InsertHeader(Transform):
    config: ClassVar[type[Config]] = InsertHeaderConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = InsertHeaderConfig(settings)
        self._header = Header(keys.header, *parse_text(keys.value))

    def apply(self, batch: B) -> Iterable[B]:
        return [replace(batch, headers=(*batch.headers, self._header))]


class DropHeadersConfig(Config):
    headers = listing("headers", REQUIRED, doc="Names of the headers to drop.", valid=[not_empty])


class DropHeaders(Transform):
    config: ClassVar[type[Config]] = DropHeadersConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        self._names = frozenset(DropHeadersConfig(settings).headers)

    def apply(self, batch: B) -> Iterable[B]:
        kept = tuple(header for header in batch.headers if header.name not in self._names)
        return [replace(batch, headers=kept)]


class Operation(StrEnum):
    MOVE = "move"
    COPY = "copy"


class HeaderFromConfig(Config):
    fields = listing("fields", REQUIRED, doc="Fields to make headers of.", valid=[not_empty])
    headers = listing("headers", REQUIRED, doc="Names of these headers.", valid=[not_empty])
    operation = choice(
        "operation", Operation, REQUIRED, doc="move takes the fields out of the record."
    )
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Copy null fields that have a default as it."
    )

    def check(self) -> Iterator[ConfigError]:
        if len(self.fields) != len(self.headers):
            yield ConfigError("fields", "fields and headers must have the same number of items.")


class HeaderFrom(SideTransform):
    config: ClassVar[type[Config]] = HeaderFromConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = HeaderFromConfig(settings)
        self._names = list(zip(keys.fields, keys.headers, strict=True))
        self._move = frozenset(keys.fields if keys.operation is Operation.MOVE else ())
        self._null_as_default = keys.null_as_default

    def plan(self, schema: Schema | None) -> Plan:
        moved = self._move
        if schema is None:
            return Plan(None, lambda value: {k: v for k, v in value.items() if k not in moved})
        if not moved:
            return Plan(schema, lambda row: row)
        places = [p for p, member in enumerate(schema.fields) if member.name not in moved]
        getters = [getter(schema, place, self._null_as_default) for place in places]
        fields = ((schema.fields[p].name, schema.fields[p].schema) for p in places)
        return Plan(struct_like(schema, fields), lambda row: tuple([get(row) for get in getters]))

    def _headers(self, schema: Schema | None, value: Value) -> tuple[Header, ...]:
        if schema is None:
            members = need_map(value, "HeaderFrom")
            return tuple(Header(header, None, members.get(name)) for name, header in self._names)
        found: list[Header] = []
        for name, header in self._names:
            place = need_struct(schema, "HeaderFrom").indexes.get(name)
            if place is None:
                raise DataError(f"HeaderFrom: {schema.name or 'a struct'} has no field {name}.")
            get = getter(schema, place, self._null_as_default)
            found.append(Header(header, schema.fields[place].schema, get(value)))
        return tuple(found)

    def apply(self, batch: B) -> Iterable[B]:
        schema, values = self.side(batch)
        if None in values:
            raise DataError(
                f"HeaderFrom needs fields, but topic {batch.topic} has a record without "
                f"{'key' if self.is_key else 'value'}.",
                cure="Keep such records out with a predicate.",
            )
        marks = [self._headers(schema, value) for value in values]
        plan = self.plans[schema]
        for mark, run in runs(batch, marks):
            _, column = self.side(run)
            rest = self.replaced(run, plan.schema, [plan.convert(value) for value in column])
            yield replace(rest, headers=(*batch.headers, *mark))


class HeaderFromKey(HeaderFrom):
    is_key = True


class HeaderFromValue(HeaderFrom):
    is_key = False

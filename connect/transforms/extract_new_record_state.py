"""ExtractNewRecordState: a Debezium envelope becomes the row it tells of.

Follows ``io.debezium.transforms.ExtractNewRecordState``.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from enum import StrEnum
from typing import ClassVar, NamedTuple, TypeVar

from connect.batch import Batch, Header
from connect.config import Config, boolean, choice, listing, optional_string, string
from connect.errors import ConfigError, DataError
from connect.schema import STRING, Schema, Type, Value
from connect.schema_cache import SchemaCache
from connect.transforms.contract import Transform
from connect.transforms.side import Convert, defaulted, runs, struct_like

B = TypeVar("B", bound=Batch)
ENVELOPE = ".Envelope"
_OPTIONAL_STRING = Schema(Type.STRING, optional=True)
_ROOT = ("op", "ts_ms", "ts_us", "ts_ns")
_TRANSACTION = ("id", "total_order", "data_collection_order")


class DeleteHandling(StrEnum):
    DROP = "drop"
    TOMBSTONE = "tombstone"
    REWRITE = "rewrite"
    REWRITE_WITH_TOMBSTONE = "rewrite-with-tombstone"
    DELETE_TO_TOMBSTONE = "delete-to-tombstone"


_REWRITES = (DeleteHandling.REWRITE, DeleteHandling.REWRITE_WITH_TOMBSTONE)


class _Reference(NamedTuple):
    """A field of the envelope to add: its struct (empty: the envelope itself), and a name."""

    struct: str
    field: str
    name: str

    @classmethod
    def parsed(cls, key: str, text: str, prefix: str) -> _Reference:
        source, *alias = text.split(":")
        struct, *rest = source.split(".")
        if len(alias) > 1 or len(rest) > 1 or not source or not all([struct, *rest, *alias]):
            raise ConfigError(
                key, f"{key} has {text!r}.", cure="Write field, struct.field or struct.field:name."
            )
        if rest:
            return cls(struct, rest[0], prefix + (alias[0] if alias else f"{struct}_{rest[0]}"))
        holder = "" if struct in _ROOT else "transaction" if struct in _TRANSACTION else "source"
        return cls(holder, struct, prefix + (alias[0] if alias else struct))


_MODES = {
    ("true", "drop"): "drop",
    ("false", "drop"): "tombstone",
    ("true", "rewrite"): "rewrite",
    ("false", "rewrite"): "rewrite-with-tombstone",
    ("true", "none"): "tombstone",
    ("false", "none"): "tombstone",
}
"""What the two former keys together are now."""


class ExtractNewRecordStateConfig(Config):
    handling = choice(
        "delete.tombstone.handling.mode", DeleteHandling, DeleteHandling.TOMBSTONE,
        doc="What becomes of a delete and of the tombstone after it.",
    )  # fmt: skip
    route_by = string("route.by.field", "", doc="Field whose text is the topic.")
    fields = listing("add.fields", doc="Fields of the envelope to add to the row.")
    fields_prefix = string("add.fields.prefix", "__", doc="Prefix of their names.")
    headers = listing("add.headers", doc="Fields of the envelope to add as headers.")
    headers_prefix = string("add.headers.prefix", "__", doc="Prefix of their names.")
    drop_header = optional_string(
        "drop.fields.header.name", doc="Header that lists fields to leave out."
    )
    drop_from_key = boolean("drop.fields.from.key", False, doc="Leave them out of the key too.")
    drop_compatible = boolean(
        "drop.fields.keep.schema.compatible", True, doc="Leave out only optional fields."
    )
    null_as_default = boolean(
        "replace.null.with.default", True, doc="Copy null fields that have a default as it."
    )

    def check(self) -> Iterator[ConfigError]:
        for gone in ("drop.tombstones", "delete.handling.mode"):
            if gone in self.settings:
                mode = _MODES.get(
                    (
                        self.settings.get("drop.tombstones", "true").lower(),
                        self.settings.get("delete.handling.mode", "drop").lower(),
                    ),
                    "tombstone",
                )
                yield ConfigError(
                    gone,
                    f"{gone} is no key since Debezium 3.",
                    cure=f"Write delete.tombstone.handling.mode={mode} for what it did here.",
                )


class _Way(NamedTuple):
    """Where an added value is in the envelope, and the schema it gets."""

    name: str
    schema: Schema
    places: tuple[int, ...]

    def value(self, envelope: Value) -> Value:
        for place in self.places:
            if envelope is None:
                return None
            envelope = envelope[place]
        return envelope


class _Rows(NamedTuple):
    """How the rows on one side (before or after) of an envelope come out."""

    place: int
    schema: Schema
    convert: Convert
    route: int | None
    """Place in the row of the field that names the topic."""


class _Plan(NamedTuple):
    op: int
    before: _Rows
    after: _Rows
    fields: tuple[_Way, ...]
    headers: tuple[_Way, ...]


class _Mark(NamedTuple):
    """What records that stay in one batch have in common."""

    topic: str
    schema: Schema | None
    headers: tuple[Header, ...]


class ExtractNewRecordState(Transform):
    config: ClassVar[type[Config]] = ExtractNewRecordStateConfig

    def configure(self, settings: Mapping[str, str]) -> None:
        keys = ExtractNewRecordStateConfig(settings)
        self._keys = keys
        self._rewrite = keys.handling in _REWRITES
        self._fields = [
            _Reference.parsed("add.fields", item, keys.fields_prefix) for item in keys.fields
        ]
        self._headers = [
            _Reference.parsed("add.headers", item, keys.headers_prefix) for item in keys.headers
        ]
        self._caches: dict[frozenset[str], SchemaCache[_Plan | None]] = {}
        self._key_caches: dict[frozenset[str], SchemaCache[tuple[Schema | None, Convert]]] = {}

    def apply(self, batch: B) -> Iterable[B]:
        dropped = self._dropped(batch)
        if dropped not in self._caches:
            self._caches[dropped] = SchemaCache(lambda schema: self._plan(schema, dropped))
        plan = self._caches[dropped][batch.value_schema]
        kept: list[int] = []
        values: list[Value] = []
        marks: list[_Mark] = []
        same = _Mark(batch.topic, batch.value_schema, ())
        for place, value in enumerate(batch.values):
            if value is None:
                if self._keys.handling is not DeleteHandling.REWRITE_WITH_TOMBSTONE:
                    continue
                mark = _Mark(batch.topic, None, self._tombstone_headers())
            elif plan is None:
                mark = same
            else:
                extracted = self._extracted(batch, plan, value)
                if extracted is None:
                    continue
                mark, value = extracted
            kept.append(place)
            values.append(value)
            marks.append(mark)
        for (mark, is_plain), run in runs(
            replace(batch.take(kept), values=values),
            [(mark, plan is None and mark is same) for mark in marks],
        ):
            if is_plain:
                yield run
                continue
            result = replace(
                run,
                topic=mark.topic,
                value_schema=mark.schema,
                headers=(*batch.headers, *mark.headers),
            )
            yield self._without_key_fields(result, dropped)

    def _extracted(self, batch: Batch, plan: _Plan, envelope: Value) -> tuple[_Mark, Value] | None:
        """What a change becomes, or None if it is dropped."""
        op = envelope[plan.op]
        handling = self._keys.handling
        side = plan.before if op == "d" else plan.after
        row = envelope[side.place]
        if row is None or op == "t" or (op == "d" and handling is DeleteHandling.DROP):
            return None
        topic = batch.topic
        if side.route is not None and row[side.route] is not None:
            topic = row[side.route]
        headers = tuple(Header(way.name, way.schema, way.value(envelope)) for way in plan.headers)
        if op == "d" and not self._rewrite:
            return _Mark(topic, None, headers), None
        row = side.convert(row)
        if self._rewrite:
            row = (*row, "true" if op == "d" else "false")
        if plan.fields:
            row += tuple([way.value(envelope) for way in plan.fields])
        return _Mark(topic, side.schema, headers), row

    def _tombstone_headers(self) -> tuple[Header, ...]:
        return tuple(
            Header(reference.name, STRING, "d")
            for reference in self._headers
            if (reference.struct, reference.field) == ("", "op")
        )

    # --- fields that a header lists --------------------------------------------------------------

    def _dropped(self, batch: Batch) -> frozenset[str]:
        """The fields that the batch's header says to leave out."""
        found = [h for h in batch.headers if h.name == self._keys.drop_header]
        if not found:
            return frozenset()
        names = found[-1].value
        if not isinstance(names, list):
            raise DataError(
                f"Header {found[-1].name} of topic {batch.topic} must be a list of field names."
            )
        return frozenset(names)

    def _kept(self, schema: Schema, dropped: frozenset[str]) -> list[int]:
        return [
            place
            for place, member in enumerate(schema.fields)
            if member.name not in dropped
            or (self._keys.drop_compatible and not member.schema.optional)
        ]

    def _without_key_fields(self, batch: B, dropped: frozenset[str]) -> B:
        if not dropped or not self._keys.drop_from_key:
            return batch
        if dropped not in self._key_caches:
            self._key_caches[dropped] = SchemaCache(lambda schema: self._key(schema, dropped))
        schema, convert = self._key_caches[dropped][batch.key_schema]
        keys = [None if key is None else convert(key) for key in batch.keys]
        return replace(batch, key_schema=schema, keys=keys)

    def _key(self, schema: Schema | None, dropped: frozenset[str]) -> tuple[Schema | None, Convert]:
        if schema is None or schema.type is not Type.STRUCT:
            return schema, lambda key: key
        places = self._kept(schema, dropped)
        fields = ((schema.fields[p].name, schema.fields[p].schema) for p in places)
        return struct_like(schema, fields), lambda key: tuple([key[p] for p in places])

    # --- plans -----------------------------------------------------------------------------------

    def _plan(self, schema: Schema | None, dropped: frozenset[str]) -> _Plan | None:
        """How an envelope comes apart; None if the schema is not of one."""
        if schema is None or not (schema.name or "").endswith(ENVELOPE):
            return None
        for needed in ("op", "before", "after"):
            if schema.field(needed) is None:
                raise DataError(f"The envelope {schema.name} has no field {needed}.")
        ways = tuple(way for ref in self._fields if (way := _way(schema, ref)))
        before = self._rows(schema, "before", ways, dropped)
        after = self._rows(schema, "after", ways, dropped)
        if before.schema == after.schema:
            before = before._replace(schema=after.schema)
        headers = tuple(way for ref in self._headers if (way := _way(schema, ref)))
        return _Plan(schema.indexes["op"], before, after, ways, headers)

    def _rows(
        self, envelope: Schema, side: str, ways: tuple[_Way, ...], dropped: frozenset[str]
    ) -> _Rows:
        place = envelope.indexes[side]
        schema = envelope.fields[place].schema
        kept = self._kept(schema, dropped)
        fields = [(schema.fields[p].name, schema.fields[p].schema) for p in kept]
        if self._rewrite:
            fields.append(("__deleted", _OPTIONAL_STRING))
        fields += [(way.name, way.schema) for way in ways]
        if len({name for name, _ in fields}) < len(fields):
            raise DataError(
                f"add.fields would give the row {schema.name} a field twice.",
                cure="Set another add.fields.prefix or an alias.",
            )
        convert: Convert = lambda row: row  # noqa: E731
        if self._rewrite or dropped:
            convert = defaulted(schema, self._keys.null_as_default) or convert
        if len(kept) < len(schema.fields):
            convert = _chosen(convert, kept)
        return _Rows(place, struct_like(schema, fields), convert, self._route(schema))

    def _route(self, schema: Schema) -> int | None:
        name = self._keys.route_by
        if not name:
            return None
        member = schema.field(name)
        if member is None or member.schema.type is not Type.STRING:
            raise DataError(
                f"route.by.field={name} is not a text field of {schema.name}.",
                cure="Name a text column that every captured table has.",
            )
        return schema.indexes[name]


def _chosen(convert: Convert, places: list[int]) -> Convert:
    def chosen(row: Value) -> Value:
        row = convert(row)
        return tuple([row[place] for place in places])

    return chosen


def _way(envelope: Schema, reference: _Reference) -> _Way | None:
    """Where a reference leads in an envelope; None if it has no such field, as not all do."""
    places: list[int] = []
    found = envelope
    for name in filter(None, (reference.struct, reference.field)):
        place = found.indexes.get(name)
        if place is None:
            return None
        places.append(place)
        found = found.fields[place].schema
    return _Way(reference.name, replace(found, optional=True, default=None), tuple(places))

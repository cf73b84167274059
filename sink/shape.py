"""What the records of one topic with one pair of schemas are to the target: columns and events.

Worked out once per pair of schemas and used for every batch of them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from connect.batch import SinkBatch
from connect.errors import DataError
from connect.schema import Field, Schema, Type, Value
from sink.batching import Event, Op
from sink.config import JdbcSinkConfig, PkMode, Precision
from sink.envelope import Envelope, envelope, refuse_bookkeeping
from sink.keys import Key, KeyColumns, key_columns
from sink.table import TableName, parse_name
from sink.values import Kind, column_type

_NO_KEYS: Final = frozenset({Kind.ARRAY, Kind.VECTOR, Kind.GEOMETRY, Kind.JSON, Kind.NUMBER})


@dataclass(frozen=True)
class Layout:
    """The columns that rows of a shape have: those of the key, and others by place in the row.

    ``rows`` is false where only deletes are known (a tombstone has no schema). ``explicit_nulls``:
    a null is a null, also where the field has a default. ``mysql``: the rows are Debezium's, so
    that a new NOT NULL column means MySQL's implicit default in the rows there are.
    """

    keys: tuple[Field, ...]
    others: tuple[tuple[int, Field], ...]
    rows: bool
    explicit_nulls: bool
    mysql: bool


@dataclass(frozen=True)
class Shape:
    """One topic's records of one pair of schemas."""

    table: TableName
    layout: Layout
    key: KeyColumns
    envelope: Envelope | None
    bare: bool
    """The value is a single STRING, not a struct."""

    def events(self, batch: SinkBatch, number: int, *, deletes: bool) -> Iterator[Event]:
        """The records of a batch, which is the put's ``number``-th, as events.

        DataError names the record that is none; ``deletes`` says whether they are allowed.
        """
        identity = self._identity(batch)
        for place, (key, value) in enumerate(zip(batch.keys, batch.values, strict=True)):
            op, row = self._change(value)
            if op is not Op.WRITE and not deletes:
                raise DataError(
                    f"{where(batch, place)} is a {op.name.lower()}, but delete.enabled is false.",
                    cure="Set delete.enabled=true with pk.mode=record_key, or drop such records "
                    "with a transform.",
                )
            if op is Op.TRUNCATE:
                yield Event(op, (), None, number, place)
            else:
                yield Event(op, identity(place, key, row), row, number, place)

    def _change(self, value: Value) -> tuple[Op, Value]:
        if value is None:
            return Op.DELETE, None
        if self.envelope is not None:
            op = value[self.envelope.op]
            if op == "t":
                return Op.TRUNCATE, None
            if op == "d":
                return Op.DELETE, None
            row = value[self.envelope.after]
            return Op.WRITE, row
        return Op.WRITE, (value,) if self.bare else value

    def _identity(self, batch: SinkBatch) -> Callable[[int, Value, Value], Key]:
        """How to tell the key of a record from its place, record key and row."""
        mode = self.key.mode
        if mode is PkMode.NONE:
            return lambda place, key, row: ()
        if mode is PkMode.KAFKA:
            topic, partition, offsets = batch.topic, batch.partition, batch.offsets
            return lambda place, key, row: (topic, partition, offsets[place])
        read = self.key.reader()

        def identity(place: int, key: Value, row: Value) -> Key:
            source = key if mode is PkMode.RECORD_KEY else row
            if source is None:
                raise DataError(
                    f"{where(batch, place)} has no {mode.value.replace('_', ' ')}, "
                    f"which pk.mode={mode} needs.",
                    cure="Produce such records with keys, or choose another pk.mode.",
                )
            found = read(source)
            if None in found:
                names = ", ".join(column.name for column in self.key.columns)
                raise DataError(f"{where(batch, place)} has a null in its key ({names}).")
            return found

        return identity


def where(batch: SinkBatch, place: int) -> str:
    """A record, for a message."""
    return f"Record {batch.log_topic}-{batch.partition}@{batch.offsets[place]}"


def shape(config: JdbcSinkConfig, batch: SinkBatch) -> Shape:
    """What the records of this batch are. DataError or ConfigError if they cannot be rows."""
    topic = batch.topic
    refuse_bookkeeping(topic, batch.value_schema)
    schema = _value_schema(config, batch)
    event = envelope(schema)
    row = event.row if event is not None else schema
    if row is not None and row.type not in (Type.STRUCT, Type.STRING):
        raise DataError(
            f"{where(batch, 0)} has a value of type {row.type}, but a row is a struct.",
            cure="Wrap it with org.apache.kafka.connect.transforms.HoistField$Value.",
        )
    bare = row is not None and row.type is Type.STRING
    table = table_name(config, topic)
    keyless = all(key is None for key in batch.keys)
    if event is not None and keyless and all(value[event.op] == "t" for value in batch.values):
        layout = Layout((), (), rows=False, explicit_nulls=True, mysql=True)
        return Shape(table, layout, KeyColumns(config.pk_mode), event, bare=False)
    key_schema = None if keyless else batch.key_schema
    key = key_columns(config.pk_mode, config.pk_fields, topic, key_schema, row)
    for column in key.columns:
        if column_type(column.schema).kind in _NO_KEYS:
            raise DataError(
                f"Field {column.name} of topic {topic} ({column.schema.type}) cannot be a key.",
                cure="Choose other pk.fields.",
            )
    layout = Layout(
        tuple(_as_time(config, column) for column in key.columns),
        tuple(_others(config, topic, key, row, bare)) if row is not None else (),
        rows=row is not None,
        explicit_nulls=event is not None or not config.null_as_default,
        mysql=row is not None and (row.name or "").endswith(".Value"),
    )
    return Shape(table, layout, key, event, bare)


def _value_schema(config: JdbcSinkConfig, batch: SinkBatch) -> Schema | None:
    """None where all values are tombstones, which say nothing of the columns."""
    place = next((i for i, value in enumerate(batch.values) if value is not None), None)
    if place is None:
        return None
    if batch.value_schema is None:
        deletes = str(config.delete_enabled).lower()
        raise DataError(
            f"{where(batch, place)} has a value without schema, but the sink "
            f"(pk.mode={config.pk_mode}, delete.enabled={deletes}) needs structs with a schema.",
            cure="Use a converter with schemas: value.converter.schemas.enable=true, or Avro.",
        )
    return batch.value_schema


def _others(
    config: JdbcSinkConfig, topic: str, key: KeyColumns, row: Schema, bare: bool
) -> Iterator[tuple[int, Field]]:
    if bare:
        yield 0, Field(config.string_column, row)
        return
    keys = {column.name for column in key.columns}
    wanted = set(config.fields_whitelist)
    for place, member in enumerate(row.fields):
        if member.name in keys or (wanted and member.name not in wanted):
            continue
        try:
            column_type(member.schema)
        except DataError as error:
            problem = f"Field {member.name} of topic {topic}: {error.message}"
            raise DataError(problem, cure=error.cure) from None
        yield place, _as_time(config, member)


def _as_time(config: JdbcSinkConfig, member: Field) -> Field:
    """A field of ``timestamp.fields.list`` under the schema that means what it holds."""
    if member.name not in config.timestamp_fields or member.schema.name is not None:
        return member
    if member.schema.type is Type.STRING:
        name = "io.debezium.time.IsoTimestamp"
    elif config.timestamp_precision is Precision.NANOSECONDS:
        name = "io.debezium.time.NanoTimestamp"
    else:
        name = "io.debezium.time.MicroTimestamp"
    return Field(member.name, replace(member.schema, name=name))


def table_name(config: JdbcSinkConfig, topic: str) -> TableName:
    """The table a topic goes to."""
    mapped = config.tables_by_topic.get(topic)
    if mapped is not None:
        return parse_name(mapped, topic=topic)
    name = topic
    if config.table_name_normalize:
        name = "".join(c if c.isascii() and (c.isalnum() or c == "_") else "_" for c in topic)
    return parse_name(config.table_name_format.replace("${topic}", name), topic=topic)

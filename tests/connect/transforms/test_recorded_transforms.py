"""Every transform against what the original did (transform_cases.txt, TransformOracle.java)."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from connect.batch import Header, SinkBatch
from connect.converters.contract import Decoded
from connect.converters.json import JsonConverter
from connect.errors import ConfigError, DataError
from connect.transforms.contract import Transform
from tests.connect.transforms.catalogue import CLASSES

CONVERTER = JsonConverter()
CONVERTER.configure({"replace.null.with.default": "false"}, is_key=False)
RECORDS: dict[str, dict[str, Any]] = {}
CASES: dict[str, list[tuple[str, str, str]]] = {}
for line in (Path(__file__).parent / "transform_cases.txt").read_text().strip().split("\n"):
    first, *rest = line.split("\t")
    if first == "record":
        RECORDS[rest[0]] = json.loads(rest[1])
    else:
        CASES.setdefault(first, []).append((rest[0], rest[1], rest[2]))

SET_BOTH = '{"schema.name": "n", "schema.version": "3", "replace.null.with.default": "false"}'
KEPT_TOMBSTONES = (
    '{"drop.fields.header.name": "dropme", "drop.fields.from.key": "true", '
    '"delete.tombstone.handling.mode": "rewrite-with-tombstone"}'
)
STRICTER = {
    # The original takes these and does nothing, which is not what was meant.
    ("ReplaceField", '{"whitelist": "id"}'),
    ("ExtractNewRecordState", '{"delete.handling.mode": "rewrite"}'),
    # It takes the last of the two.
    ("Cast", '{"spec": "id:int8,id:int16"}'),
    # It finds out only when the first row comes that is not dropped.
    ("ExtractNewRecordState", '{"route.by.field": "n"}'),
    ("ExtractNewRecordState", '{"route.by.field": "nope"}'),
    ("ExtractNewRecordState", '{"add.fields": "a.b.c"}'),
    # It loses one of the two members.
    ("ReplaceField", '{"renames": "id:name"}'),
}
BETTER = {
    # The original fails at a value that is no struct, though it needs none.
    ("SetSchemaMetadata", '{"schema.name": "new"}', "r26"),
    ("SetSchemaMetadata", '{"schema.version": "9"}', "r26"),
    ("SetSchemaMetadata", SET_BOTH, "r26"),
    # It gives the replaced decimal a scale that is not the schema's.
    ("MaskField", '{"fields": "i8,i16,i32,i64,f32,f64,s,dec", "replacement": "7"}', "r23"),
    # It leaves the key of a tombstone whole, which then is not the key of the rows before it.
    ("ExtractNewRecordState", KEPT_TOMBSTONES, "r13"),
}


def read(message: Any) -> Decoded:
    data = None if message is None else json.dumps(message).encode()
    return CONVERTER.decode("t", [data])[0]


def written(schema: Any, value: Any) -> Any:
    data = CONVERTER.encode_header("t", Header("h", schema, value))
    return None if data is None else json.loads(data)


def batch_of(record: dict[str, Any]) -> SinkBatch:
    key, value = read(record["key"]), read(record["value"])
    return SinkBatch(
        topic=record["topic"],
        key_schema=key.schema,
        value_schema=value.schema,
        keys=[key.value],
        values=[value.value],
        partition=record["partition"],
        headers=tuple(Header(name, *read(message)) for name, message in record["headers"]),
        timestamps=() if record["timestamp"] is None else [record["timestamp"]],
        offsets=[record["offset"]],
    )


def records_of(batch: SinkBatch) -> Iterator[dict[str, Any]]:
    for record, offset in zip(batch.records(), batch.offsets, strict=True):
        yield {
            "topic": record.topic,
            "partition": record.partition,
            "offset": offset,
            "timestamp": record.timestamp,
            "headers": [[h.name, written(h.schema, h.value)] for h in record.headers],
            "key": None if record.key is None else written(record.key_schema, record.key),
            "value": None if record.value is None else written(record.value_schema, record.value),
        }


def transformed(kind: type[Transform], settings: str, batch: SinkBatch) -> object:
    """The records that come out, ERROR, or DROPPED if there are none."""
    transform = kind()
    try:
        transform.configure(json.loads(settings))
        found = [record for done in transform.apply(batch) for record in records_of(done)]
    except (ConfigError, DataError):
        return "ERROR"
    return found or "DROPPED"


def comparable(result: object) -> str:
    """As text, so that 1, 1.0 and true differ. Java's maps have no order, so neither has this; the
    order of a struct's fields is in its schema."""
    text = json.dumps(result, sort_keys=True)
    return text.replace("1700000000123.0", "1700000000123")  # Jackson's tree drops the fraction


@pytest.mark.parametrize("java_name", CASES)
def test_as_the_original(java_name: str) -> None:
    simple = java_name.rpartition(".")[2].partition("$")[0]
    for settings, name, result in CASES[java_name]:
        expected: object = result
        if result not in ("ERROR", "DROPPED"):
            expected = [RECORDS[name] | json.loads(result)]
        actual = transformed(CLASSES[java_name], settings, batch_of(RECORDS[name]))
        if actual == "ERROR" and (simple, settings) in STRICTER:
            continue
        if (simple, settings, name) in BETTER:
            assert actual != "ERROR"
            continue
        assert comparable(actual) == comparable(expected), (settings, name)


def test_every_class_has_been_recorded() -> None:
    assert set(CASES) == set(CLASSES)


@pytest.mark.parametrize("java_name", CASES)
def test_a_batch_comes_out_as_its_records_would(java_name: str) -> None:
    kind = CLASSES[java_name]
    for settings, name, _ in CASES[java_name]:
        one = RECORDS[name]
        several = batch_of(one).take([0, 0, 0])
        several.offsets = [7, 8, 9]
        if several.timestamps:
            several.timestamps = [one["timestamp"] + day * 86_400_000 for day in (0, 0, 1)]
        singly: list[Any] = []
        for place in range(3):
            result = transformed(kind, settings, several.take([place]))
            singly += result if isinstance(result, list) else []
        together = transformed(kind, settings, several)
        assert (together if isinstance(together, list) else []) == singly, (settings, name)

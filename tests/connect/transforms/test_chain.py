"""The chain: order, predicates, batches cut and dropped, and what is refused."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

from connect.batch import Batch, Header, SinkBatch, SourceBatch
from connect.errors import ConfigError, DataError
from connect.schema import INT32, OPTIONAL_STRING, STRING, struct
from connect.transforms.chain import Chain

ROW = struct("p.db.t.Value", [("id", INT32), ("name", OPTIONAL_STRING)], optional=True)
ENVELOPE = struct("p.db.t.Envelope", [("before", ROW), ("after", ROW), ("op", STRING)])
KEY = struct("p.db.t.Key", [("id", INT32)])
ROUTER = "connect.transforms.regex_router:RegexRouter"
FILTER = "connect.transforms.filter:Filter"
UNWRAP = "connect.transforms.extract_new_record_state:ExtractNewRecordState"
TOMBSTONE = "connect.transforms.predicates:RecordIsTombstone"
TOPIC = "connect.transforms.predicates:TopicNameMatches"
HEADER = "connect.transforms.predicates:HasHeaderKey"


def changes(*ops: str) -> SourceBatch:
    """One record per letter: c, u, d, or - for a tombstone; the offsets count from 0."""
    values: list[Any] = []
    for place, op in enumerate(ops):
        row = (place, f"n{place}")
        values.append(
            None if op == "-" else (row if op in "ud" else None, None if op == "d" else row, op)
        )
    return SourceBatch(
        topic="p.db.t",
        key_schema=KEY,
        value_schema=ENVELOPE,
        keys=[(place,) for place in range(len(ops))],
        values=values,
        timestamps=[1000 + place for place in range(len(ops))],
        source_partition={"server": "p"},
        offsets=[{"pos": place} for place in range(len(ops))],
    )


def seen(batches: list[SourceBatch]) -> list[tuple[Any, Any, Any, Any]]:
    """(key, value, timestamp, offset) of every record."""
    return [
        (key, value, timestamp, offset)
        for batch in batches
        for key, value, timestamp, offset in zip(
            batch.keys, batch.values, batch.timestamps, batch.offsets, strict=True
        )
    ]


def test_without_transforms() -> None:
    batch = changes("c")
    assert not Chain({})
    assert Chain({}).apply(batch) == [batch]


def test_order_and_predicates() -> None:
    settings = {
        "transforms": "first,second,third",
        "transforms.first.type": ROUTER,
        "transforms.first.regex": r"p\.(.*)",
        "transforms.first.replacement": "$1",
        "transforms.second.type": ROUTER,
        "transforms.second.regex": "db.*",
        "transforms.second.replacement": "renamed",
        "transforms.second.predicate": "data",
        "transforms.third.type": ROUTER,
        "transforms.third.regex": ".*",
        "transforms.third.replacement": "never",
        "transforms.third.predicate": "data",
        "transforms.third.negate": "false",
        "predicates": "data",
        "predicates.data.type": TOPIC,
        "predicates.data.pattern": r"db\..*",
    }
    assert [batch.topic for batch in Chain(settings).apply(changes("c", "u"))] == ["renamed"]


def test_a_filter_takes_out_what_its_predicate_chooses() -> None:
    settings = {
        "transforms": "drop",
        "transforms.drop.type": FILTER,
        "transforms.drop.predicate": "gone",
        "predicates": "gone",
        "predicates.gone.type": TOMBSTONE,
    }
    batch = changes("c", "d", "-", "c", "-")
    kept = seen(Chain(settings).apply(batch))
    assert [offset["pos"] for *_, offset in kept] == [0, 1, 3]
    rest = seen(Chain(settings | {"transforms.drop.negate": "true"}).apply(batch))
    assert [offset["pos"] for *_, offset in rest] == [2, 4]


def test_header_predicate() -> None:
    settings = {
        "transforms": "drop",
        "transforms.drop.type": FILTER,
        "transforms.drop.predicate": "marked",
        "predicates": "marked",
        "predicates.marked.type": HEADER,
        "predicates.marked.name": "mark",
    }
    batch = changes("c")
    assert Chain(settings).apply(batch) == [batch]
    batch.headers = (Header("mark", STRING, "x"),)
    assert Chain(settings).apply(batch) == []


@pytest.mark.parametrize(
    ("mode", "expected"),
    [
        ("drop", [(0, "row"), (1, "row")]),
        ("tombstone", [(0, "row"), (1, "row"), (2, None)]),
        ("delete-to-tombstone", [(0, "row"), (1, "row"), (2, None)]),
        ("rewrite", [(0, "false"), (1, "false"), (2, "true")]),
        ("rewrite-with-tombstone", [(0, "false"), (1, "false"), (2, "true"), (3, None)]),
    ],
)
def test_unwrapping_a_mixed_batch(mode: str, expected: list[tuple[int, Any]]) -> None:
    subject = Chain(
        {
            "transforms": "unwrap",
            "transforms.unwrap.type": UNWRAP,
            "transforms.unwrap.delete.tombstone.handling.mode": mode,
        }
    )
    got = seen(subject.apply(changes("c", "u", "d", "-")))
    assert [offset["pos"] for *_, offset in got] == [place for place, _ in expected]
    assert [key for key, *_ in got] == [(place,) for place, _ in expected]
    assert [timestamp for _, _, timestamp, _ in got] == [1000 + place for place, _ in expected]
    for (_, value, *_), (place, mark) in zip(got, expected, strict=True):
        if mark is None:
            assert value is None
        elif mark == "row":
            assert value == (place, f"n{place}")
        else:
            assert value == (place, f"n{place}", mark)


def test_unwrapping_cuts_where_headers_or_topics_change() -> None:
    settings = {
        "transforms": "unwrap",
        "transforms.unwrap.type": UNWRAP,
        "transforms.unwrap.add.headers": "op",
        "transforms.unwrap.route.by.field": "name",
        "transforms.unwrap.delete.tombstone.handling.mode": "rewrite",
    }
    batches = Chain(settings).apply(changes("c", "u", "u", "-"))
    assert [(batch.topic, [h.value for h in batch.headers]) for batch in batches] == [
        ("n0", ["c"]),
        ("n1", ["u"]),
        ("n2", ["u"]),
    ]
    assert all(batch.value_schema is batches[0].value_schema for batch in batches)


def test_plans_are_kept_per_schema() -> None:
    settings = {"transforms": "unwrap", "transforms.unwrap.type": UNWRAP}
    subject = Chain(settings)
    first, second = subject.apply(changes("c")), subject.apply(changes("u"))
    assert first[0].value_schema is second[0].value_schema


def test_sink_offsets_stay_with_their_records() -> None:
    batch = SinkBatch(
        "t", None, None, [1, 2, 3], [None, "x", None], partition=0, offsets=[10, 11, 12]
    )
    settings = {
        "transforms": "drop",
        "transforms.drop.type": FILTER,
        "transforms.drop.predicate": "gone",
        "predicates": "gone",
        "predicates.gone.type": TOMBSTONE,
    }
    (kept,) = Chain(settings).apply(batch)
    assert (kept.keys, kept.values, kept.offsets) == ([2], ["x"], [11])


BASE = {"transforms": "a", "transforms.a.type": ROUTER, "transforms.a.regex": "x"}


@pytest.mark.parametrize(
    ("settings", "key", "words"),
    [
        ({"transforms": "a"}, "transforms.a.type", "is missing"),
        ({"transforms": "a,a"}, "transforms", "each alias once"),
        (
            {"transforms": "a", "transforms.a.type": "No.Such"},
            "transforms.a.type",
            "Failed to find",
        ),
        (BASE, "transforms.a.replacement", "Missing required"),
        (BASE | {"transforms.a.replacment": "y"}, "transforms.a.replacment", "Did you mean"),
        (BASE | {"transforms.a.replacement": "$2"}, "transforms.a.replacement", "no group 2"),
        (
            BASE | {"transforms.a.regex": "(", "transforms.a.replacement": ""},
            "transforms.a.regex",
            "not a regular expression",
        ),
        (
            BASE | {"transforms.a.replacement": "y", "transforms.a.predicate": "p"},
            "transforms.a.predicate",
            "not in predicates",
        ),
        (
            BASE | {"transforms.a.replacement": "y", "transforms.a.negate": "true"},
            "transforms.a.negate",
            "needs transforms.a.predicate",
        ),
        (
            {"predicates": "p", "predicates.p.type": TOPIC, "predicates.p.pattern": "["},
            "predicates.p.pattern",
            "not a regular expression",
        ),
    ],
)
def test_what_is_refused(settings: Mapping[str, str], key: str, words: str) -> None:
    with pytest.raises(ConfigError) as caught:
        Chain(settings)
    assert caught.value.key == key
    assert words in str(caught.value)


def test_errors_name_the_transform() -> None:
    settings = {
        "transforms": "toKey",
        "transforms.toKey.type": "connect.transforms.value_to_key:ValueToKey",
        "transforms.toKey.fields": "nope",
    }
    batch = Batch("t", None, ROW, [None], [(1, "x")])
    with pytest.raises(DataError, match=r"Transform toKey: .* has no field nope"):
        Chain(settings).apply(batch)
